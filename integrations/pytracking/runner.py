"""Run an unmodified script of a checkout with one of our trackers in it, write nothing there, and look at what it left.

pytracking prints the exception of a tracker in one line, goes on, and ends with exit code 0; so every run of a data set
is noted as it passes by, and its result files are looked at in the end. It also passes over sequences that have
results, whichever tracker they are of; so beside a folder of results there is a record of what they depend on:

    <results_path>/<tracker>/.runs/<parameters>[_000]/pytracking.json
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.results import RUNS_FOLDER
from evaluation.run_record import describe_differences
from integrations.pytracking.checkout import Checkout, load_local
from integrations.pytracking.names import to_identifier
from integrations.pytracking.parameters import choose_options, list_parameters
from integrations.pytracking.plugin import announce
from siamcar.errors import ConfigError, ResultsError, SiamCARError, UnknownNameError
from siamcar.files import write_atomic
from siamcar.trackers import describe_tracker

__all__ = ["ScriptOutcome", "run_script"]

RECORD = "pytracking.json"

_STANDINS = Path(__file__).with_name("standins")


@dataclass
class ScriptOutcome:
    """What a script has left.

    Attributes:
        done: "tracker sequence" of every run of a data set whose results are whole.
        failures: "tracker sequence" → what is wrong.
        folders: results folders of the trackers that ran.
        exit_code: what the script itself ended with.
    """

    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    exit_code: int = 0


def run_script(
    checkout: Checkout,
    script: str,
    arguments: Sequence[str],
    tracker: str,
    options: Mapping[str, Any],
    *,
    local: Path | None = None,
    results: Path | None = None,
) -> ScriptOutcome:
    """Run a script as its own command would, in this process; the process should end afterwards.

    Args:
        checkout: whose script it is.
        script: its name, such as "run_tracker", or the path of one's own.
        arguments: the script's.
        tracker: registered name of the tracker to plug in.
        options: what it is made with.
        local: a file to take in place of the checkout's `local.py`.
        results: where results go in place of its `results_path`.

    Raises:
        ConfigError: no such script, settings that are missing or broken, or a tracker or parameters that do not exist.
        ResultsError: a results folder holds what another tracker, or the same with other options, has left.
        SiamCARError: the script ended with an exception, or needs a package that is not installed.
    """
    path = checkout.find_script(script)
    _prepare_imports(checkout)
    announce(tracker, options)
    _import_pytracking(checkout)
    load_local(checkout, local, results)
    importlib.import_module("integrations.pytracking.tracker")
    outcome = ScriptOutcome()
    runs: list[tuple[Any, Any]] = []
    _watch_datasets(runs, partial(_claim, tracker, options))
    _plug_in(tracker)
    outcome.exit_code = _execute(path, checkout, arguments)
    for sequence, wrapper in runs:
        name = f"{_describe_tracker(wrapper)} {sequence.name}"
        fault = _find_fault(sequence, Path(wrapper.results_dir))
        if fault is None:
            outcome.done.append(name)
        else:
            outcome.failures[name] = fault
    outcome.folders = list(dict.fromkeys(Path(wrapper.results_dir) for _, wrapper in runs))
    return outcome


def _prepare_imports(checkout: Checkout) -> None:
    """Make the checkout importable, here and in spawned processes, which get this path and this environment."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.path.insert(0, str(checkout.root))
    sys.path.append(str(_STANDINS))  # last: whatever is installed comes before it
    try:
        importlib.import_module("tikzplotlib")
    except ImportError:  # installed, but for an older matplotlib
        sys.modules["tikzplotlib"] = importlib.import_module("integrations.pytracking.standins.tikzplotlib")


def _import_pytracking(checkout: Checkout) -> None:
    try:
        package = importlib.import_module("pytracking")
        importlib.import_module("pytracking.evaluation.tracker")
    except ModuleNotFoundError as error:
        raise SiamCARError(
            f"pytracking in {checkout.root} needs the package {error.name!r}, which is not installed.",
            f"pip install {error.name}; pytracking's INSTALL.md lists what it needs.",
        ) from error
    if not hasattr(package, "TensorList"):
        raise ConfigError(
            f"The module pytracking was loaded from {package.__file__}, not from {checkout.root}.",
            "Start this command in a fresh process.",
        )


def _watch_datasets(runs: list[tuple[Any, Any]], claim: Callable[[Any], None]) -> None:
    """Note every run of a data set; scripts import the function from its module, so they get the noting one.

    Args:
        runs: gets sequence and tracker of every run.
        claim: sees to it, before it begins, that a tracker's results are its own.
    """
    running: Any = importlib.import_module("pytracking.evaluation.running")
    original = running.run_dataset

    def run_dataset(dataset: Any, trackers: Any, debug: Any = False, *args: Any, **kwargs: Any) -> Any:
        if not debug:  # with it, pytracking writes nothing
            for tracker in trackers:
                claim(tracker)
            runs.extend((sequence, tracker) for sequence in dataset for tracker in trackers)
        return original(dataset, trackers, debug, *args, **kwargs)

    running.run_dataset = run_dataset


def _claim(tracker: str, options: Mapping[str, Any], wrapper: Any) -> None:
    """Go on in the results folder of one of pytracking's trackers, if it is ours, with the same options alone.

    Raises:
        ResultsError: it holds the results of another run.
    """
    if wrapper.name != to_identifier(tracker):
        return
    folder = Path(wrapper.results_dir)
    record = folder.parent / RUNS_FOLDER / folder.name / RECORD
    chosen = choose_options(options, list_parameters(tracker)[wrapper.parameter_name])
    identity = json.loads(json.dumps({"tracker": tracker, **describe_tracker(tracker, chosen).identity}))
    hint = f"Give another place for results with --results, or remove {folder}."
    if folder.is_dir() and any(folder.iterdir()):
        if not record.is_file():
            raise ResultsError(f"{folder} holds results that this command has not written.", hint)
        differing = describe_differences(json.loads(record.read_bytes()), identity)
        if differing:
            raise ResultsError(f"{folder} belongs to another run: {'; '.join(differing)}.", hint)
    write_atomic(record, json.dumps(identity, indent=1).encode())


def _plug_in(tracker: str) -> None:
    """Let pytracking's `Tracker` find ours, and refuse what it would only stumble over at every sequence."""
    module = importlib.import_module("pytracking.evaluation.tracker")
    original = module.Tracker.__init__
    ours = to_identifier(tracker)
    known = list_parameters(tracker)

    def initialise(self: Any, name: str, parameter_name: str, *args: Any, **kwargs: Any) -> None:
        original(self, name, parameter_name, *args, **kwargs)
        if name == ours:
            if parameter_name not in known:
                raise UnknownNameError.of(f"parameter set of {name}", parameter_name, known)
            self.tracker_class = importlib.import_module(f"pytracking.tracker.{name}").get_tracker_class()
        elif self.tracker_class is None:
            raise ConfigError(
                f"pytracking has no tracker {name!r}, and the one that this command plugs in is {ours!r}.",
                "Another one is plugged in by its registered name: --tracker NAME.",
            )

    module.Tracker.__init__ = initialise


def _execute(path: Path, checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run a script as `__main__`; its exit code."""
    before = sys.argv
    sys.argv = [str(path), *arguments]
    own = path.parent == checkout.package
    # The package imports some of its scripts itself, of which runpy warns; and main stays ours for spawned processes.
    start = (
        partial(runpy.run_module, f"pytracking.{path.stem}", run_name="__main__")
        if own
        else partial(runpy.run_path, str(path), run_name="__main__")
    )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning, module="runpy")
            warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*found in sys.modules.*")
            start()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except SiamCARError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise SiamCARError(
            f"{path.name} ended with {type(error).__name__}: {error} "
            f"({place.filename}, line {place.lineno}: {place.line})",
            "pytracking reads the annotations of all of a data set, whichever sequences run: is it complete, and does "
            "local.py name its folder?",
        ) from error
    finally:
        sys.argv = before
    return 0


def _describe_tracker(wrapper: Any) -> str:
    run = "" if wrapper.run_id is None else f"_{wrapper.run_id:03d}"
    return f"{wrapper.name}/{wrapper.parameter_name}{run}"


def _find_fault(sequence: Any, folder: Path) -> str | None:
    """Why the results of a sequence cannot be used; None where they can."""
    if sequence.dataset == "oxuva":
        names = [f"{'_'.join(sequence.name.split('_')[:2])}.csv"]
    elif sequence.object_ids is None:
        names = [f"{sequence.name}.txt"]
    else:
        names = [f"{sequence.name}_{one}.txt" for one in sequence.object_ids]
    for name in names:
        path = folder / name
        if not path.is_file():
            return "no results were written: the tracker has raised an exception, which is printed above"
        if path.suffix == ".csv":
            continue
        fault = _find_fault_in(path, len(sequence.frames) if sequence.object_ids is None else None)
        if fault is not None:
            return f"{path} {fault}. pytracking takes it for done: delete it, or set it aside, and it is run again"
    return None


def _find_fault_in(path: Path, frames: int | None) -> str | None:
    """What is wrong with a box file, as it goes on after the file's name; of how many rows, None where any will do."""
    try:
        boxes = np.loadtxt(path, delimiter="\t", ndmin=2)
    except ValueError as error:
        return f"cannot be read: {error}"
    if frames is not None and len(boxes) != frames:
        return f"holds {len(boxes)} rows for {frames} frames"
    return "holds boxes that were no numbers" if (np.abs(boxes) > 2**31).any() else None
