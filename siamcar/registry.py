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
    """

    def __init__(self, kind: str, entries: Mapping[str, str], *, group: str) -> None:
        self.kind = kind
        self.group = group
        self._entries = dict(entries)

    def _targets(self) -> dict[str, str]:
        """All entries; a built-in name wins over a third party's."""
        third_party = {point.name: point.value for point in entry_points(group=self.group)}
        return {**third_party, **self._entries}

    def names(self) -> list[str]:
        """Every registered name: the built-in ones in their own order, then third parties'."""
        targets = self._targets()
        return [*self._entries, *sorted(set(targets) - set(self._entries))]

    def target(self, name: str) -> str:
        """Import target of a name; a name that is itself a "package.module:attribute" is its own target.

        Raises:
            UnknownNameError: neither registered nor of that form.
        """
        targets = self._targets()
        if name in targets:
            return targets[name]
        module, separator, attribute = name.partition(":")
        namespace = {known.partition(":")[0] for known in targets if ":" in known}
        identifiers = all(part.isidentifier() for part in (*module.split("."), attribute))
        if separator and identifiers and module not in namespace:
            return name
        raise UnknownNameError.of(self.kind, name, targets)

    def resolve(self, name: str) -> Any:
        """Import and return what a name stands for.

        Raises:
            UnknownNameError: the name is not registered.
            ConfigError: its target cannot be imported.
        """
        target = self.target(name)
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
