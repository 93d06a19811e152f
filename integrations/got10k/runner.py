"""Run one of the toolkit's experiments on local data, and see that it has done what it should."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.results import RUNS_FOLDER
from evaluation.run_record import describe_differences
from evaluation.sequence import Benchmark
from evaluation.sequence_names import NameResolver
from integrations.got10k.experiments import Experiment, find_class, load_toolkit
from integrations.got10k.mirror import build_mirror
from siamcar.errors import DataError, ResultsError, SiamCARError, UnknownNameError
from siamcar.files import write_atomic

__all__ = ["ExperimentOutcome", "run_experiment"]

RECORD = "got10k.json"


@dataclass
class ExperimentOutcome:
    """What an experiment has left.

    Attributes:
        folder: the tracker's results.
        done: sequences that are complete.
        failures: sequence → what went wrong.
        report: what the toolkit's `report()` returned for the tracker; None where there is none.
        report_folder: where the toolkit has written reports and plots; None where it has not.
    """

    folder: Path
    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    report: dict[str, Any] | None = None
    report_folder: Path | None = None


def run_experiment(
    experiment: Experiment,
    data: Path,
    tracker: Any,
    results: Path,
    reports: Path,
    *,
    benchmark: Benchmark | None = None,
    sequences: Sequence[str] | None = None,
    limit: int | None = None,
    identity: dict[str, Any] | None = None,
    report: bool = True,
) -> ExperimentOutcome:
    """Run an experiment and, where every sequence is there, its report.

    Sequences that are complete are not run again. One that fails does not end the others. What the toolkit prints
    goes to standard error.

    Args:
        experiment: from `integrations.got10k.experiments`.
        data: the user's folder; it is only read.
        tracker: a `got10k.trackers.Tracker`.
        results: root of the toolkit's results.
        reports: root of the toolkit's reports.
        benchmark: the sequences to run, as the suite has read them; None where the suite does not have the benchmark.
        sequences: names to run, where there is no `benchmark`; any spelling.
        limit: how many to run, where there is no `benchmark`.
        identity: what the results depend on. A folder of results is only gone on with under the same one.
        report: whether to call the toolkit's `report()`.

    Raises:
        DataError: the data is not there, or not as the toolkit wants it.
        ResultsError: the results folder belongs to another run, or the toolkit cannot report on what is there.
        ConfigError: the installed toolkit does not have the experiment.
        MissingExtraError: the toolkit is not installed.
        UnknownNameError: there is no such sequence.
    """
    toolkit = load_toolkit()
    factory = find_class(experiment, toolkit)
    with tempfile.TemporaryDirectory(prefix="siamcar_got10k_") as folder, _offline():
        build_mirror(experiment.name, benchmark, data, Path(folder))
        result_root, report_root = (
            root.resolve() if experiment.takes_roots else root.resolve() / experiment.folder
            for root in (results, reports)
        )
        runner = factory(folder, **experiment.arguments, result_dir=str(result_root), report_dir=str(report_root))
        _keep(runner.dataset, _choose(runner.dataset, benchmark, sequences, limit))
        if not experiment.scored and experiment.benchmark == "trackingnet":
            runner.dataset = _PaddedBoxes(runner.dataset)
        outcome = ExperimentOutcome(results.resolve() / experiment.folder / tracker.name)
        lengths = _read_lengths(runner.dataset, outcome)
        store = _Store(outcome.folder, lengths, repetitions=_count_repetitions(runner, tracker))
        store.claim(identity or {})
        _run(runner, tracker, store, outcome)
        if report and not outcome.failures and (experiment.scored or experiment.benchmark == "got10k_test"):
            performance = _report(runner, tracker, outcome)
            if performance is not None:
                outcome.report = performance[tracker.name]
                outcome.report_folder = reports.resolve() / experiment.folder / tracker.name
        return outcome


def _report(runner: Any, tracker: Any, outcome: ExperimentOutcome) -> Any:
    try:
        return runner.report([tracker.name])
    except SiamCARError:
        raise
    except Exception as error:
        raise ResultsError(
            f"The toolkit's report on {outcome.folder} has failed: {_describe(error)}",
            "The results are whole. Leave the report out with --no-report, and score them with siamcar score.",
        ) from error


class _PaddedBoxes:
    """TrackingNet's test set with as many rows as frames, on which the toolkit insists; only the first is known."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int | str) -> tuple[list[str], npt.NDArray[np.float64]]:
        files, boxes = self._inner[index]
        padded = np.full((len(files), 4), np.nan)
        padded[0] = boxes[0]
        return files, padded


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Keep the toolkit from downloading, its words off standard output, and its figures out of memory."""
    import matplotlib.pyplot as plt

    def refuse(url: str, *_: Any, **__: Any) -> None:
        raise DataError(
            f"The GOT-10k toolkit wants to download {url}, and this command never downloads.",
            "Complete the data yourself.",
        )

    loaders = [
        module
        for name, module in sys.modules.items()
        if name.startswith("got10k.datasets.") and hasattr(module, "download")
    ]
    originals = [module.download for module in loaders]
    before = set(plt.get_fignums())
    try:
        for module in loaders:
            module.download = refuse  # type: ignore[attr-defined]
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings(), plt.rc_context():
            # Means over nothing, fonts, layouts: the toolkit's own affair.
            warnings.simplefilter("ignore")
            yield
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
    finally:
        for module, original in zip(loaders, originals, strict=True):
            module.download = original  # type: ignore[attr-defined]


def _choose(dataset: Any, benchmark: Benchmark | None, sequences: Sequence[str] | None, limit: int | None) -> list[str]:
    """The toolkit's names of the sequences to run."""
    if benchmark is not None:
        wanted = [one.name for one in benchmark]
        found = NameResolver(wanted).match(dataset.seq_names).found
        lacking = [name for name in wanted if name not in found]
        if lacking:
            raise DataError(
                f"The GOT-10k toolkit does not see {', '.join(lacking[:5])}: it has no such sequence, or looks for its "
                "files elsewhere.",
                "Name others with --sequences, or run them with `siamcar run`.",
            )
        return list(found.values())
    resolver = NameResolver(dataset.seq_names)
    chosen = list(dataset.seq_names)
    if sequences is not None:
        for name in sequences:
            if resolver.resolve(name) is None:
                raise UnknownNameError.of("sequence", name, dataset.seq_names)
        meant = {resolver.resolve(name) for name in sequences}
        chosen = [name for name in chosen if name in meant]
    return chosen[:limit]


def _keep(dataset: Any, names: Sequence[str]) -> None:
    """Shorten the lists of a data set of the toolkit to some sequences."""
    kept = [index for index, name in enumerate(dataset.seq_names) if name in set(names)]
    count = len(dataset.seq_names)
    for attribute in ("seq_names", "seq_dirs", "anno_files", "range_files"):
        values = getattr(dataset, attribute, None)
        if isinstance(values, list) and len(values) == count:
            setattr(dataset, attribute, [values[index] for index in kept])


def _count_repetitions(runner: Any, tracker: Any) -> int:
    return 1 if tracker.is_deterministic else int(getattr(runner, "repetitions", 1))


def _read_lengths(dataset: Any, outcome: ExperimentOutcome) -> dict[str, int]:
    """Sequence → number of its frames; those that the toolkit cannot read are failures and leave the data set."""
    lengths = {}
    for name in dataset.seq_names:
        try:
            lengths[name] = len(dataset[name][0])
        except Exception as error:  # noqa: BLE001 - the toolkit reads files with bare assertions and plain NumPy
            outcome.failures[name] = f"the toolkit cannot read it: {_describe(error)}"
    _keep(_unwrap(dataset), list(lengths))
    return lengths


class _Store:
    """The result files of one tracker, where the toolkit writes them."""

    def __init__(self, home: Path, lengths: Mapping[str, int], repetitions: int) -> None:
        self.home = home
        self.names = list(lengths)
        self._lengths = lengths
        self._nested = home.parent.name == "GOT-10k"
        self._repetitions = repetitions

    def _boxes(self, name: str) -> list[Path]:
        if not self._nested:
            return [self.home / f"{name}.txt"]
        return [self.home / name / f"{name}_{number + 1:03d}.txt" for number in range(self._repetitions)]

    def _times(self, name: str) -> Path:
        return self.home / name / f"{name}_time.txt" if self._nested else self.home / "times" / f"{name}_time.txt"

    def find_fault(self, name: str) -> str | None:
        """Why the results of a sequence cannot be used; None where they can."""
        frames = self._lengths[name]
        # The toolkit writes times last, and its report on GOT-10k cannot do without them.
        columns = {**dict.fromkeys(self._boxes(name), 4), self._times(name): self._repetitions}
        for path, width in columns.items():
            if not path.is_file():
                return f"{path} was not written"
            try:
                numbers = np.loadtxt(path, delimiter=",", ndmin=2)
            except ValueError as error:
                return f"{path} cannot be read: {error}"
            if numbers.shape != (frames, width):
                found = " × ".join(map(str, numbers.shape))
                return f"{path} holds {found} numbers where {frames} × {width} belong"
            if not np.isfinite(numbers).all():
                return f"{path} holds what is no number"
        return None

    def is_written(self, name: str) -> bool:
        return all(path.is_file() for path in self._boxes(name))

    def claim(self, identity: dict[str, Any]) -> None:
        """Go on with results of the same identity, without those that a kill has cut short.

        Raises:
            ResultsError: the folder holds the results of another run.
        """
        record = self.home.parent / RUNS_FOLDER / self.home.name / RECORD
        document = json.loads(json.dumps({"identity": identity, "repetitions": self._repetitions}))
        hint = f"Choose another --name, or remove {self.home}."
        if record.is_file():
            differing = describe_differences(json.loads(record.read_bytes()), document)
            if differing:
                raise ResultsError(f"{self.home} belongs to another run: {'; '.join(differing)}.", hint)
        elif self.home.is_dir() and any(self.home.iterdir()):
            raise ResultsError(f"{self.home} holds results that this command has not written.", hint)
        write_atomic(record, json.dumps(document, indent=1).encode())
        for name in self.names:
            files = (*self._boxes(name), self._times(name))
            if any(path.is_file() for path in files) and self.find_fault(name) is not None:
                self._remove(name)

    def _remove(self, name: str) -> None:
        # GOT-10k's time file has a column a repetition: a part of them cannot be taken back.
        for path in (*self._boxes(name), self._times(name)):
            path.unlink(missing_ok=True)


def _run(runner: Any, tracker: Any, store: _Store, outcome: ExperimentOutcome) -> None:
    """Run until every sequence is there or has failed once: the toolkit stops at the first exception."""
    # The repository's head tracks everything again unless it is told not to.
    known = inspect.signature(runner.run).parameters
    options = {"overwrite_result": False} if "overwrite_result" in known else {}
    while True:
        error: Exception | None = None
        try:
            runner.run(tracker, **options)
        except Exception as caught:  # noqa: BLE001 - tracker and toolkit may raise anything; the failure is listed
            error = caught
        waiting = [name for name in runner.dataset.seq_names if not store.is_written(name)]
        if not waiting:
            break
        outcome.failures[waiting[0]] = _describe(error)
        _keep(_unwrap(runner.dataset), [name for name in runner.dataset.seq_names if name != waiting[0]])
    for name in store.names:
        fault = outcome.failures.get(name) or store.find_fault(name)
        if fault is None:
            outcome.done.append(name)
        else:
            outcome.failures[name] = fault


def _unwrap(dataset: Any) -> Any:
    return dataset._inner if isinstance(dataset, _PaddedBoxes) else dataset


def _describe(error: Exception | None) -> str:
    if error is None:
        return "the toolkit has passed it over without a word"
    if isinstance(error, SiamCARError):
        return error.message
    # The toolkit checks with bare assertions: their line says more than their message, which is empty.
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = str(error) or f"{place.line} ({Path(place.filename).name}, line {place.lineno})"
    return f"{type(error).__name__}: {text}"
