"""Errors a user can act on.

Every error of the suite says what was expected, what was found and where; its `hint` says what to do next.
The command line prints both and exits with code 1; anything that is not a `SiamCARError` is a defect of ours.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

__all__ = [
    "ConfigError",
    "DataError",
    "MissingExtraError",
    "ResultsError",
    "SiamCARError",
    "UnknownNameError",
    "WeightsError",
    "import_extra",
]


class SiamCARError(Exception):
    """Something the user can mend.

    Args:
        message: what was expected, what was found, and where.
        hint: what to do next; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(SiamCARError):
    """An option or a configuration file holds something it cannot hold."""


class DataError(SiamCARError):
    """A frame, an annotation or a folder is missing, unreadable or not what it should be."""


class WeightsError(SiamCARError):
    """A weights file is missing, broken, unsafe to read, or belongs to another network."""


class ResultsError(SiamCARError):
    """A results folder is locked, damaged, or belongs to another run."""


class UnknownNameError(ConfigError):
    """A name that is not in a registry; the hint suggests the nearest ones and lists all."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Build the error for an unknown `name` of a `kind` (say "tracker") among the `known` ones."""
        choices = sorted(known)
        near = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
        suggestion = f"Did you mean {' or '.join(near)}? " if near else ""
        return cls(f"There is no {kind} named {name!r}.", f"{suggestion}Known: {', '.join(choices) or 'none'}.")


class MissingExtraError(SiamCARError):
    """An optional dependency is not installed."""


def import_extra(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Args:
        module: import name, for example "av".
        extra: the extra of this distribution that installs it.
        purpose: what it is needed for, as the end of "… is needed for …".

    Raises:
        MissingExtraError: the module, or one it imports, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"The package {error.name!r} is needed for {purpose} and is not installed.",
            f"Install it with: pip install 'siamcar-suite[{extra}]'",
        ) from error
