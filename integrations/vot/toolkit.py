"""The VOT toolkit of an environment: which version it is, what works with it, and calls to its own command line."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from siamcar.config import read_yaml
from siamcar.errors import ConfigError, MissingExtraError

__all__ = [
    "TESTED",
    "TESTED_VOTS",
    "Experiment",
    "Stack",
    "Toolkit",
    "ToolkitRun",
    "call_toolkit",
    "check_stack",
    "find_toolkit",
    "load_stack",
    "query_toolkit",
]

TESTED = "0.7.4"
"""The version that runs every single-object experiment."""

TESTED_VOTS = "0.9.0"
"""The version that the stacks of several objects were tried with."""

_DRIVER = Path(__file__).with_name("driver.py")
_PIN = "'attributee>=0.1.8,<0.1.10'"
_INSTALL = f"pip install 'vot-toolkit=={TESTED}' 'vot-trax==4.0.2' {_PIN}"
_INSTALL_VOTS = f"pip install 'vot-toolkit=={TESTED_VOTS}' 'vot-trax==4.0.2' {_PIN}"
_STARTED_AGAIN = ("supervised", "multistart")

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Toolkit:
    """An installed toolkit.

    Attributes:
        python: interpreter of its environment.
        version: of vot-toolkit.
        folder: of its package; the stacks lie in it.
    """

    python: Path
    version: Version
    folder: Path

    def describe(self) -> str:
        """What works with this version, in a sentence."""
        if self.version == Version(TESTED):
            return f"vot-toolkit {self.version}: the tested version; supervised, multistart, real time, unsupervised."
        if self.version >= Version("0.8"):
            tried = "" if self.version <= Version(TESTED_VOTS) else f" (tried up to {TESTED_VOTS})"
            return (
                f"vot-toolkit {self.version}{tried}: unsupervised experiments with one or several objects (VOTS) work; "
                f"supervised (VOT2018) and multistart (VOT2020) do not."
            )
        return f"vot-toolkit {self.version}: not tested; {TESTED} is."


@dataclass(frozen=True)
class Experiment:
    """An experiment of a stack.

    Attributes:
        name: in the stack, and of its results' folder.
        kind: "supervised", "multistart", "unsupervised", …
        multiobject: whether all objects are followed at once.
        realtime: whether frames do not wait for the tracker.
        analyses: what is computed of its results, as the stack says it.
    """

    name: str
    kind: str
    multiobject: bool = False
    realtime: bool = False
    analyses: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Stack:
    """A stack: a named set of experiments.

    Attributes:
        name: of the toolkit's own, or a path.
        experiments: in the file's order.
        path: its file.
        integrated: whether it is one of the toolkit's own.
    """

    name: str
    experiments: tuple[Experiment, ...]
    path: Path
    integrated: bool

    @property
    def multiobject(self) -> bool:
        """Whether any of its experiments follows several objects."""
        return any(one.multiobject for one in self.experiments)

    @property
    def needs_anchors(self) -> bool:
        """Whether any of its experiments starts at anchors."""
        return any(one.kind == "multistart" for one in self.experiments)


@dataclass(frozen=True)
class ToolkitRun:
    """What a call of the toolkit left: its exit code and everything it printed."""

    code: int
    output: str = field(repr=False)


def find_toolkit(python: Path | None = None) -> Toolkit:
    """Find the toolkit of an environment, this one by default, without importing it.

    Raises:
        MissingExtraError: it is not installed there.
        ConfigError: there is no such interpreter, or a package that the toolkit needs is of a broken version.
    """
    interpreter = Path(sys.executable) if python is None else Path(os.path.abspath(python))  # noqa: PTH100 - no resolve: a link is the environment
    if not interpreter.is_file():
        raise ConfigError(
            f"The toolkit's Python should be at {interpreter}, and there is no such file.",
            "Give the bin/python of the environment that holds the toolkit.",
        )
    found = _ask(interpreter, ["versions"])
    where = "this environment" if python is None else str(interpreter)
    if found["toolkit"] is None or found["folder"] is None:
        raise MissingExtraError(
            f"The VOT toolkit is not installed in {where}.",
            f"For VOT2018 and VOT2020: pip install 'siamcar-suite[vot]'. For VOTS, in an environment of its own: "
            f"{_INSTALL_VOTS}; then --toolkit-python PATH/bin/python.",
        )
    attributee = found["attributee"]
    if attributee is None or not Version("0.1.8") <= Version(attributee) < Version("0.1.10"):
        raise ConfigError(
            f"attributee {attributee or 'is missing'} in {where}: the toolkit cannot be imported with it "
            "(TypeError: dataclass_transform() takes 0 positional arguments but 1 was given).",
            f"Install one that works: {interpreter} -m pip install {_PIN}",
        )
    try:
        version = Version(found["toolkit"])
    except InvalidVersion as error:
        raise ConfigError(f"vot-toolkit in {where} has no version that can be read: {found['toolkit']!r}.") from error
    return Toolkit(interpreter, version, Path(found["folder"]))


def load_stack(name: str, toolkit: Toolkit, folder: Path | None = None) -> Stack:
    """Read a stack by its name in the toolkit ("vot2018/shortterm"), or from a file.

    Args:
        name: as in a workspace's `config.yaml`.
        toolkit: whose stacks are meant.
        folder: the workspace, which a path of a file is relative to; the current folder by default.

    Raises:
        ConfigError: there is no such stack, or it is none.
    """
    path = (folder or Path.cwd()) / name
    integrated = not path.is_file()
    if integrated:
        path = toolkit.folder / "stack" / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(
            f"There is no stack {name!r}, neither a file nor one of vot-toolkit {toolkit.version}.",
            f"Its stacks: {', '.join(_list_stacks(toolkit))}.",
        )
    document = read_yaml(path)
    experiments = document.get("experiments")
    if not isinstance(experiments, dict) or not experiments:
        raise ConfigError(f"{path}: a stack lists its experiments under 'experiments'; found none.")
    return Stack(
        name, tuple(_read_experiment(key, value, path) for key, value in experiments.items()), path, integrated
    )


def _read_experiment(name: str, entry: Any, path: Path) -> Experiment:
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise ConfigError(f"{path}: the experiment {name!r} has no type.", "For example: type: supervised")
    multiobject = str(entry.get("multiobject", False)).lower() in ("true", "1")
    return Experiment(
        name, entry["type"], multiobject, entry.get("realtime") is not None, tuple(entry.get("analyses") or ())
    )


def _list_stacks(toolkit: Toolkit) -> list[str]:
    root = toolkit.folder / "stack"
    names = (str(path.relative_to(root).with_suffix("")) for path in root.rglob("*.yaml"))
    return sorted(name for name in names if not name.startswith("tests"))


def check_stack(toolkit: Toolkit, experiments: Sequence[Experiment]) -> None:
    """Refuse experiments that this version cannot run.

    Raises:
        ConfigError: what does not work, what would, and what to install.
    """
    refused = [one for one in experiments if one.kind in _STARTED_AGAIN]
    if refused and toolkit.version >= Version("0.8"):
        kept = [one.name for one in experiments if one not in refused]
        works = f" These work with it: --experiments {','.join(kept)}." if kept else ""
        raise ConfigError(
            f"vot-toolkit {toolkit.version} cannot run {', '.join(f'{one.name} ({one.kind})' for one in refused)}: "
            "since 0.8 it fails with 'Tracker does not support multiple objects' there.",
            f"Install the version that can: {_INSTALL}.{works}",
        )
    several = [one for one in experiments if one.multiobject]
    if several and toolkit.version < Version("0.8"):
        raise ConfigError(
            f"vot-toolkit {toolkit.version} starts objects wrongly that appear after the first frame, so that "
            f"{', '.join(one.name for one in several)} (several objects) is not run with it.",
            f"Make an environment of its own: {_INSTALL_VOTS}; then --toolkit-python PATH/bin/python.",
        )


def query_toolkit(toolkit: Toolkit, arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """Answer of the driver in the toolkit's environment.

    Raises:
        ConfigError: the toolkit cannot be imported, or does not accept the workspace.
    """
    return _ask(toolkit.python, arguments, folder)


def _ask(python: Path, arguments: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the user named
            [str(python), str(_DRIVER), *arguments],
            cwd=folder,
            env=_make_environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"{python} cannot be run: {error.strerror}.", "Give an environment's bin/python.") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise ConfigError(
            f"The toolkit in {python} failed: {_last_line(done.stderr)}",
            f"The call was: {python} {_DRIVER} {' '.join(arguments)}",
        )
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing."


def _make_environment() -> dict[str, str]:
    # Its analysis cache is keyed by names: swapped results would keep their old scores.
    return {**os.environ, "VOT_PERSISTENT_CACHE": "0"}


def call_toolkit(
    toolkit: Toolkit, arguments: Sequence[str], folder: Path, echo: Echo, show_bar: Echo = lambda _: None
) -> ToolkitRun:
    """Run the toolkit's own command line in a workspace.

    Args:
        toolkit: whose command.
        arguments: as after `vot`.
        folder: the workspace; also the folder it runs in.
        echo: gets what it prints, a line at a time.
        show_bar: gets each state of its progress bars.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the toolkit and its tracker have ended.
    """
    process = subprocess.Popen(  # noqa: S603 - the interpreter that the user named
        [str(toolkit.python), str(_DRIVER), "cli", *arguments],
        cwd=folder,
        env=_make_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is passed on once, by us
    )
    printed: list[str] = []
    assert process.stdout is not None
    try:
        with process.stdout as stream:
            for line in stream:
                text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).strip()
                if re.fullmatch(r"\d+ %", text):
                    show_bar(text)
                elif text:
                    printed.append(text)
                    echo(text)
        return ToolkitRun(process.wait(), "\n".join(printed))
    except KeyboardInterrupt:
        _end(process)
        raise


def _end(process: subprocess.Popen[str]) -> None:
    """End the toolkit and the tracker that it started: kindly, then not."""
    for number, seconds in ((signal.SIGINT, 10), (signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
