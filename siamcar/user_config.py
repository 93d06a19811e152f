"""What a user has settled once for this machine: where the data of each benchmark lies.

The file is `config.yaml` in `$SIAMCAR_CONFIG` or, by default, in the user's configuration folder
(`$XDG_CONFIG_HOME/siamcar` or `~/.config/siamcar`). `SIAMCAR_DATA` names a folder that holds one folder a benchmark
and comes second.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from pydantic import Field

from siamcar.config import Config, read_yaml
from siamcar.errors import ConfigError
from siamcar.files import expand_home, write_atomic

__all__ = ["UserConfig", "find_data", "get_config_path", "read_user_config", "write_setting"]


class UserConfig(Config):
    """The user's settings.

    Attributes:
        data: benchmark → folder of its data.
    """

    data: dict[str, str] = Field(default_factory=dict)


def get_config_path() -> Path:
    """The file that holds the settings; it need not exist."""
    if folder := os.environ.get("SIAMCAR_CONFIG"):
        return expand_home(folder) / "config.yaml"
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "siamcar" / "config.yaml"


def read_user_config() -> UserConfig:
    """The settings; the defaults where there is no file.

    Raises:
        ConfigError: the file cannot be read, or holds something unknown.
    """
    path = get_config_path()
    return UserConfig.build(read_yaml(path), source=str(path)) if path.exists() else UserConfig()


def write_setting(key: str, value: str | None) -> Path:
    """Set "data.<benchmark>" to a folder, or take it out with None; returns the file written.

    Raises:
        ConfigError: a key that is not of that form, or a folder that does not exist.
    """
    section, _, name = key.partition(".")
    if section != "data" or not name:
        raise ConfigError(f"There is no setting {key!r}.", "Known: data.<benchmark>, for example data.otb100.")
    settings = dict(read_user_config().data)
    if value is None:
        settings.pop(name, None)
    else:
        folder = expand_home(value).resolve()
        if not folder.exists():
            raise ConfigError(f"{folder} does not exist.", "Give the folder of the benchmark as it was downloaded.")
        settings[name] = str(folder)
    path = get_config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"data": dict(sorted(settings.items()))}, sort_keys=False, allow_unicode=True)
    write_atomic(path, text.encode())
    return path


def find_data(benchmark: str, root: Path | None = None) -> Path | None:
    """Where the data of a benchmark lies: in `root`, else by the user's setting, else in `SIAMCAR_DATA`.

    Case and punctuation of the folder's name do not matter, nor does a subset: "GOT-10k" is that of got10k_val.

    Args:
        benchmark: its name on the command line.
        root: a folder that holds one folder a benchmark, as `SIAMCAR_DATA` does.

    Returns:
        None where none of them has it.
    """
    if root is not None and (inside := _find_in(root, benchmark)) is not None:
        return inside
    settled = read_user_config().data.get(benchmark)
    if settled is not None:
        return expand_home(settled)
    shared = os.environ.get("SIAMCAR_DATA")
    return _find_in(expand_home(shared), benchmark) if shared else None


def _find_in(root: Path, benchmark: str) -> Path | None:
    if not root.is_dir():
        return None
    names = [_plain(benchmark), _plain(re.sub(r"_(train|val|test)$", "", benchmark))]
    folders = {_plain(path.name): path for path in sorted(root.iterdir()) if path.is_dir()}
    return next((folders[name] for name in names if name in folders), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
