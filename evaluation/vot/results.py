"""Result files of VOT's experiments, written and read through the toolkit's own types.

    results/<tracker>/<experiment>/<sequence>/<sequence>_001.bin          a repetition (or .txt)
    results/<tracker>/<experiment>/<sequence>/<sequence>_00000050.bin     a run from the anchor in frame 50
    …_time.value, …_confidence.value                                      one line a frame

The toolkit writes in place and takes whatever exists for done. Here every file is whole or not there, and the one
that says that a run is done comes last.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.protocols.coded import TRACKED, CodedTrajectory
from evaluation.vot.experiments import Experiment
from evaluation.vot.sequence import VotSequence
from evaluation.vot.toolkit import load_toolkit
from siamcar.errors import ResultsError
from siamcar.files import write_atomic

__all__ = [
    "RESULT_SUFFIXES",
    "IncompleteRun",
    "delete_results",
    "delete_run",
    "find_incomplete",
    "get_run_folder",
    "has_same_answers",
    "is_enough",
    "list_numbers",
    "list_runs",
    "read_run",
    "write_run",
]

RESULT_SUFFIXES = (".bin", ".txt")


@dataclass(frozen=True)
class IncompleteRun:
    """A run whose results are not there or not whole.

    Attributes:
        experiment, sequence: whose they are.
        run: name of its files.
        reason: what is wrong, the end of a sentence.
    """

    experiment: str
    sequence: str
    run: str
    reason: str


class _Collected:
    """Takes what the toolkit writes as files, and keeps it."""

    def __init__(self) -> None:
        self._files: dict[str, io.BytesIO | io.StringIO] = {}

    def write(self, name: str) -> io.BytesIO | io.StringIO:
        opened = _KeptBytes() if name.endswith(".bin") else _KeptText()
        self._files[name] = opened
        return opened

    def contents(self) -> dict[str, bytes]:
        """File name → content, the result itself last."""
        found = {}
        for name, file in self._files.items():
            value = file.getvalue()
            found[name] = value if isinstance(value, bytes) else value.encode()
        return dict(sorted(found.items(), key=lambda item: item[0].endswith(RESULT_SUFFIXES)))


class _KeptBytes(io.BytesIO):
    def close(self) -> None:
        """Keep the content: it is asked for afterwards."""


class _KeptText(io.StringIO):
    def close(self) -> None:
        """Keep the content: it is asked for afterwards."""


def get_run_folder(results: Path, tracker: str, experiment: str, sequence: str) -> Path:
    """Folder of the files of a sequence's runs."""
    return results / tracker / experiment / sequence


def write_run(folder: Path, name: str, trajectory: CodedTrajectory, *, text: bool = False) -> None:
    """Write a run.

    Args:
        folder: of the sequence's runs.
        name: of the run.
        trajectory: what it left.
        text: write regions as text instead of binary.

    Raises:
        OSError: the folder cannot be written.
    """
    toolkit = load_toolkit()
    written = _to_toolkit(trajectory)
    collected = _Collected()
    before = toolkit.config.results_binary
    toolkit.config.results_binary = not text
    try:
        written.write(collected, name)
    finally:
        toolkit.config.results_binary = before
    delete_run(folder, name)
    for file, content in collected.contents().items():
        write_atomic(folder / file, content)


def _to_toolkit(trajectory: CodedTrajectory) -> Any:
    toolkit = load_toolkit()
    rectangle, special = toolkit.region.shapes.Rectangle, toolkit.region.Special
    written = toolkit.tracker.Trajectory(len(trajectory))
    for frame, (code, box, seconds, score) in enumerate(
        zip(
            trajectory.codes.tolist(),
            trajectory.boxes.tolist(),
            trajectory.seconds.tolist(),
            trajectory.scores.tolist(),
            strict=True,
        )
    ):
        if np.isnan(seconds):
            continue  # skipped: the toolkit's own default stands for it
        # TraX carries properties as text.
        said: dict[str, Any] = {} if np.isnan(score) else {"confidence": str(score)}
        written.set(frame, rectangle(*box) if code == TRACKED else special(code), said | {"time": seconds})
    return written


def delete_run(folder: Path, name: str) -> None:
    """Delete a run's files."""
    for path in (*(folder / f"{name}{suffix}" for suffix in RESULT_SUFFIXES), *folder.glob(f"{name}_*.value")):
        path.unlink(missing_ok=True)


def delete_results(home: Path, place: str = "*/*") -> None:
    """Delete the files of a tracker's runs, whoever made them, and folders that are empty then; other files stay.

    Args:
        home: the tracker's folder.
        place: pattern of the runs' folders in it, "<experiment>/<sequence>"; by default all.
    """
    for path in home.glob(f"{place}/*"):
        # Where there are several objects, their number comes before that of the run.
        if re.fullmatch(rf"{re.escape(path.parent.name)}_(.+_)?\d+(\.bin|\.txt|_.+\.value)", path.name):
            path.unlink()
    for folder in (*home.glob(place), *home.glob("*")):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def list_runs(folder: Path, names: Iterable[str]) -> list[str]:
    """Those of some runs whose result is there, whole or not."""
    return [name for name in names if any((folder / f"{name}{suffix}").is_file() for suffix in RESULT_SUFFIXES)]


def read_run(folder: Path, name: str, length: int) -> Any:
    """Read a run as the toolkit's `Trajectory`.

    Raises:
        ResultsError: it is not there, cannot be read, or is of another length.
    """
    toolkit = load_toolkit()
    store = toolkit.tracker.Results(toolkit.workspace.LocalStorage(str(folder)))
    if not list_runs(folder, [name]):
        raise ResultsError(f"There is no result {name}.bin or {name}.txt in {folder}.", "Run the tracker.")
    try:
        trajectory = toolkit.tracker.Trajectory.read(store, name)
    except (OSError, ValueError, IndexError, TypeError, struct.error) as error:
        raise ResultsError(
            f"The result {name} in {folder} cannot be read: it is truncated or damaged ({error}).",
            "Delete it and run the tracker again.",
        ) from error
    if len(trajectory) != length or any(region is None for region in trajectory.regions()):
        raise ResultsError(
            f"The result {name} in {folder} has {len(trajectory)} regions for {length} frames"
            + ("." if len(trajectory) != length else ", and some cannot be read."),
            "Delete it and run the tracker again.",
        )
    return trajectory


def has_same_answers(first: Any, second: Any) -> bool:
    """Whether two runs are the same to the toolkit, which then needs no further ones."""
    return bool(second.equals(first))


def find_incomplete(
    results: Path, tracker: str, experiment: Experiment, sequences: Iterable[VotSequence]
) -> list[IncompleteRun]:
    """What a tracker's results lack for an experiment, or hold damaged.

    Args:
        results: folder of the trackers' folders.
        tracker: name of the tracker's folder.
        experiment: what was run.
        sequences: on which.
    """
    found = []
    for sequence in sequences:
        folder = get_run_folder(results, tracker, experiment.name, sequence.name)
        read: Mapping[int, Any] = {}
        for number in list_numbers(experiment, sequence):
            name = experiment.name_run(sequence.name, number)
            if is_enough(experiment, read):
                break
            try:
                read = {**read, number: read_run(folder, name, experiment.count_frames(sequence, number))}
            except ResultsError as error:
                found.append(IncompleteRun(experiment.name, sequence.name, name, error.message))
                if experiment.kind != "multistart":
                    break  # of the repetitions after it nothing can be said
    return found


def list_numbers(experiment: Experiment, sequence: VotSequence) -> list[int]:
    """Numbers of a sequence's runs: its anchors' frames, or the repetitions that there may be."""
    if experiment.kind == "multistart":
        return [anchor.frame for anchor in sequence.anchors]
    return list(range(1, experiment.repetitions + 1))


def is_enough(experiment: Experiment, runs: Mapping[int, Any]) -> bool:
    """Whether the repetitions that are there make further ones needless."""
    from evaluation.protocols.supervised import can_stop

    if experiment.kind == "multistart" or not experiment.stops_early:
        return False
    known = [runs[number] for number in sorted(runs)]
    return can_stop(len(known), lambda run: has_same_answers(known[0], known[run]))
