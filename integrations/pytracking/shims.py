"""Two small files in a checkout that make pytracking find one of our trackers, put there and taken away again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integrations.pytracking.checkout import Checkout
from integrations.pytracking.names import to_identifier
from siamcar.errors import ConfigError
from siamcar.files import write_atomic

__all__ = ["install_shims", "uninstall_shims"]

_HEADER = "# Written by `siamcar pytracking install`, removed by `siamcar pytracking uninstall`. sha256 "


def install_shims(checkout: Checkout, tracker: str, options: Mapping[str, Any]) -> list[Path]:
    """Write the two files; those of an earlier installation are replaced.

    Args:
        checkout: where.
        tracker: its registered name; pytracking knows it by `to_identifier` of it.
        options: what it is made with.

    Returns:
        The files.

    Raises:
        ConfigError: there are other files of that name, or the user has edited ours.
    """
    contents = {
        _tracker_file(
            checkout, tracker
        ): "from integrations.pytracking.tracker import get_tracker_class  # noqa: F401\n",
        _parameter_file(checkout, tracker): (
            "from integrations.pytracking.parameters import register_parameters\n\n"
            f"register_parameters({tracker!r}, {dict(sorted(options.items()))!r})\n"
        ),
    }
    for path in contents:
        if path.exists():
            _require_ours(path)
        elif path.parent.exists() and any(one.name != "__pycache__" for one in path.parent.iterdir()):
            raise ConfigError(
                f"{path.parent} is there already, and not from this command.", "Remove or rename it before."
            )
    for path, content in contents.items():
        write_atomic(path, f"{_HEADER}{_digest(content)}\n{content}".encode())
    return list(contents)


def uninstall_shims(checkout: Checkout, tracker: str) -> list[Path]:
    """Remove the two files, and their folders where nothing else is in them.

    Returns:
        The files that were removed; empty where there were none.

    Raises:
        ConfigError: the user has edited one; then nothing is removed.
    """
    files = [path for path in (_tracker_file(checkout, tracker), _parameter_file(checkout, tracker)) if path.exists()]
    for path in files:
        _require_ours(path)
    for path in files:
        path.unlink()
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return files


def _tracker_file(checkout: Checkout, tracker: str) -> Path:
    return checkout.package / "tracker" / to_identifier(tracker) / "__init__.py"


def _parameter_file(checkout: Checkout, tracker: str) -> Path:
    return checkout.package / "parameter" / to_identifier(tracker) / "__init__.py"


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _require_ours(path: Path) -> None:
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    if not first.startswith(_HEADER):
        raise ConfigError(f"{path} is not from `siamcar pytracking install`.", "Remove or rename it yourself.")
    if first.removeprefix(_HEADER) != _digest(rest):
        raise ConfigError(f"{path} was edited since it was installed; it is left as it is.", "Remove it yourself.")
