"""`trackers.ini`: how the toolkit starts our server, for the environment that is running now.

What stands in an entry travels into the packed manifest: never a secret. The toolkit expands `$NAME` in values of the
environment, and its parser takes `%` as its own.
"""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrations.vot.server import ServerSettings
from siamcar.errors import ConfigError, UnknownNameError
from siamcar.files import write_atomic

__all__ = ["Entry", "check_name", "find_secrets", "list_entries", "make_name", "read_entry", "write_entry"]

FILE = "trackers.ini"
SERVER = "integrations.vot.server"
_SECRET = re.compile(r"token|secret|passw|api_?key|credential|private_?key|auth", re.IGNORECASE)
_LOGIN = re.compile(r"\w+://[^/\s:@]+:[^/\s@]+@")


@dataclass(frozen=True)
class Entry:
    """A tracker as the toolkit knows it.

    Attributes:
        name: its identifier, and of its results' folder.
        settings: what our server is started with; None for a tracker that is not served by us.
        python: interpreter that it runs in; "" where the entry names none.
        values: the entry as it stands in the file.
    """

    name: str
    settings: ServerSettings | None
    python: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Refuse a name that the toolkit would skip without an error.

    Raises:
        ConfigError: other characters than letters, digits, hyphen and underscore.
    """
    if not re.fullmatch(r"[a-zA-Z0-9_-]+", name):
        raise ConfigError(
            f"VOT's name of a tracker is of letters, digits, - and _; found {name!r}.", "Choose another with --name."
        )


def make_name(label: str) -> str:
    """The nearest name that the toolkit accepts."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", label).strip("_") or "tracker"


def find_secrets(values: Mapping[str, Any]) -> list[str]:
    """Names of values that look like secrets, by their name or by a password in an address."""
    found = [name for name, value in values.items() if _SECRET.search(str(name)) or _LOGIN.search(str(value))]
    for value in values.values():
        if isinstance(value, str) and value.startswith("{"):
            try:
                inner = json.loads(value)
            except json.JSONDecodeError:
                continue
            found += find_secrets(inner) if isinstance(inner, dict) else []
    return found


def write_entry(
    workspace: Path, name: str, settings: ServerSettings, *, label: str, timeout: int, overwrite: bool = False
) -> bool:
    """Register a tracker in a workspace, to run in the environment that is running now.

    Args:
        workspace: its folder; other entries of its `trackers.ini` stay.
        name: identifier.
        settings: what is served.
        label: name in reports.
        timeout: seconds that a reply may take.
        overwrite: replace an entry of that name which says something else.

    Returns:
        Whether anything was written.

    Raises:
        ConfigError: a name or a value that the toolkit does not carry, a secret, or another entry of that name.
    """
    check_name(name)
    secrets = find_secrets(settings.options)
    if secrets:
        raise ConfigError(
            f"The option {', '.join(secrets)} looks like a secret, and the entry travels into the packed manifest.",
            "Let the tracker read it from a file or from an environment variable of yours.",
        )
    values = _make_values(settings, label, timeout)
    for key, value in values.items():
        if os.path.expandvars(value) != value or "\n" in value:
            raise ConfigError(
                f"The toolkit would change {key} = {value!r}: it expands $NAME and ends values at a line's end.",
                "Choose a path or a value without.",
            )
    parser = _parse(workspace)
    if parser.has_section(name):
        if dict(parser[name]) == {key.lower(): value for key, value in values.items()}:
            return False
        if not overwrite:
            raise ConfigError(
                f"{workspace / FILE} has another entry named {name}.",
                "Choose another name with --name, or replace it: --overwrite. Its results would then mix: move them.",
            )
        parser.remove_section(name)
    parser.add_section(name)
    for key, value in values.items():
        parser.set(name, key, value.replace("%", "%%"))
    buffer = io.StringIO()
    parser.write(buffer)
    write_atomic(workspace / FILE, buffer.getvalue().encode())
    return True


def _make_values(settings: ServerSettings, label: str, timeout: int) -> dict[str, str]:
    threads = str(settings.threads)
    values = {
        "label": label,
        "protocol": "traxpython",
        "command": SERVER,
        "python": shlex.quote(sys.executable),
        "paths": os.pathsep.join(_find_paths(settings.tracker)),
        "timeout": str(timeout),
        "env_SIAMCAR_VOT_TRACKER": settings.tracker,
        "env_SIAMCAR_VOT_OPTIONS": json.dumps(settings.options, ensure_ascii=False),
        "env_SIAMCAR_VOT_OUTPUT": settings.output,
        "env_SIAMCAR_VOT_THREADS": threads,
        "env_OMP_NUM_THREADS": threads,
    }
    # The toolkit blanks it, and PyTorch with CUDA may need it. OpenCV adds its own folder when it is imported.
    parts = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    libraries = os.pathsep.join(part for part in parts if part and "/cv2/" not in part)
    return {**values, "env_LD_LIBRARY_PATH": libraries} if libraries else values


def _find_paths(tracker: str) -> list[str]:
    """Where our packages lie, and this folder where the tracker is a module that may lie here."""
    from siamcar.trackers import TRACKERS

    ours = str(Path(__file__).absolute().parents[2])
    return [ours] if tracker in TRACKERS.names() else [ours, str(Path.cwd())]


def _parse(workspace: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    path = workspace / FILE
    try:
        if path.is_file():
            parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "Mend it, or remove it and register again.") from error
    return parser


def list_entries(workspace: Path) -> list[str]:
    """Names of all trackers of a workspace, in the file's order."""
    return _parse(workspace).sections()


def read_entry(workspace: Path, name: str) -> Entry:
    """The entry of a tracker; of `name@version` that of `name`.

    Raises:
        UnknownNameError: there is none of that name.
        ConfigError: the file cannot be read.
    """
    parser = _parse(workspace)
    identifier = name.partition("@")[0]
    if not parser.has_section(identifier):
        raise UnknownNameError.of(f"tracker in {workspace / FILE}", identifier, parser.sections())
    try:
        values = dict(parser[identifier])
    except configparser.Error as error:
        raise ConfigError(f"{workspace / FILE}, {identifier}: {error}", "A % is written %% there.") from error
    python = " ".join(shlex.split(values.get("python", ""))[:1])
    return Entry(identifier, _read_settings(values), python, values)


def _read_settings(values: Mapping[str, str]) -> ServerSettings | None:
    if values.get("command") != SERVER:
        return None
    from integrations.vot.server import read_settings

    return read_settings([], {key.removeprefix("env_").upper(): value for key, value in values.items()})
