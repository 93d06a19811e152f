"""Names to objects: a lazy registry that third parties can extend.

An entry is a string "package.module:attribute" that is imported when it is first asked for, so listing names
costs nothing. Installed distributions add entries through an entry-point group; a user can also give
"package.module:attribute" itself in place of a name.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from siamcar.errors import ConfigError, UnknownNameError

__all__ = ["Registry"]


class Registry:
    """Maps the names of one kind of thing to import targets.

    Args:
        kind: what is registered, in the singular, for messages ("tracker").
        entries: name → "package.module:attribute" of everything built in.
        group: entry-point group that third parties register in.
        families: prefix → import target of a function `wrap(thing, name)`, where "prefix:package.module:attribute"
            names a thing that is to be wrapped; `name` is the part after the prefix.
    """

    def __init__(
        self, kind: str, entries: Mapping[str, str], *, group: str, families: Mapping[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.group = group
        self._entries = dict(entries)
        self._families = dict(families or {})

    def _targets(self) -> dict[str, str]:
        """All entries; a built-in name wins over a third party's."""
        third_party = {point.name: point.value for point in entry_points(group=self.group)}
        families = {f"{prefix}:module:attribute": target for prefix, target in self._families.items()}
        return {**third_party, **self._entries, **families}

    def names(self) -> list[str]:
        """Every registered name: the built-in ones in their own order, then third parties' and the families'."""
        targets = self._targets()
        return [*self._entries, *sorted(set(targets) - set(self._entries))]

    def target(self, name: str) -> str:
        """Import target of a name; a name that is itself a "package.module:attribute" is its own target.

        Of a name in a family it is that of the family.

        Raises:
            UnknownNameError: neither registered nor of that form.
        """
        targets = self._targets()
        if name in targets:
            return targets[name]
        prefix, _, rest = name.partition(":")
        if prefix in self._families and _is_target(rest):
            return self._families[prefix]
        namespace = {known.partition(":")[0] for known in targets if ":" in known}
        if _is_target(name) and prefix not in namespace:
            return name
        raise UnknownNameError.of(self.kind, name, targets)

    def resolve(self, name: str) -> Any:
        """Import and return what a name stands for.

        Raises:
            UnknownNameError: the name is not registered.
            ConfigError: its target cannot be imported.
        """
        found = self._import(name, self.target(name))
        prefix, _, rest = name.partition(":")
        return found(self._import(name, rest), rest) if prefix in self._families else found

    def _import(self, name: str, target: str) -> Any:
        module_name, _, attribute = target.partition(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
                raise ConfigError(
                    f"The {self.kind} {name!r} names the module {module_name!r}, which needs {error.name!r}, "
                    "and that is not installed.",
                    f"Install {error.name!r}.",
                ) from error
            raise ConfigError(
                f"The {self.kind} {name!r} names the module {module_name!r}, which cannot be imported.",
                f"Known {self.kind}s: {', '.join(self.names())}; or give 'package.module:attribute'.",
            ) from error
        except Exception as error:
            raise ConfigError(
                f"The {self.kind} {name!r} names the module {module_name!r}, which fails when it is imported: "
                f"{type(error).__name__}: {error}",
                "Mend the module.",
            ) from error
        try:
            return getattr(module, attribute)
        except AttributeError as error:
            raise ConfigError(
                f"The {self.kind} {name!r} names {attribute!r}, which {module_name!r} does not define.",
                "Check the part after the colon.",
            ) from error


def _is_target(text: str) -> bool:
    """Whether a text has the form "package.module:attribute"."""
    module, separator, attribute = text.partition(":")
    return bool(separator) and all(part.isidentifier() for part in (*module.split("."), attribute))
