"""Whether another machine can do the same work: the same suite, the same weights and settings, the same data.

Only tasks and options travel to it. What they name (frames, weights, configuration files) it reads from its own
disks, under the same paths; so it is looked at before any work is given to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.executors.tasks import Task, TrackerSpec
from evaluation.machine import describe_environment
from evaluation.run_record import describe_differences
from evaluation.sequence import Benchmark, BenchmarkSource, Sequence
from siamcar.errors import DataError, SiamCARError
from siamcar.files import compute_sha256
from siamcar.trackers import describe_tracker

__all__ = ["NodeCheck", "NodeReport", "check_node", "enter_folder", "make_check"]

_MOST_NAMES = 3


@dataclass(frozen=True)
class SequenceFacts:
    """What a sequence is known by.

    Attributes:
        revision: hash of its name, length and ground truth.
        is_vot: whether the revision is that of the sequence as VOT's experiments see it.
        first: file of its first frame, and the SHA-256 of that; None where frames are not files.
        last: file of its last frame; None where frames are not files.
    """

    revision: str
    is_vot: bool
    first: tuple[Path, str] | None
    last: Path | None


@dataclass(frozen=True)
class NodeCheck:
    """What a node must have in common with the machine that asks.

    Attributes:
        folder: relative paths start here.
        suite: version of the suite.
        source: how the benchmark is loaded; None where that is not known, and the annotations are not compared.
        sequences: name → what it is known by.
        tracker: how the tracker is made.
        identity: what its results depend on.
    """

    folder: str
    suite: str
    source: BenchmarkSource | None
    sequences: Mapping[str, SequenceFacts]
    tracker: TrackerSpec
    identity: Mapping[str, Any]


@dataclass(frozen=True)
class NodeReport:
    """What a node answers.

    Attributes:
        faults: what keeps it from taking part; empty where nothing does.
        environment: its versions and hardware, as `describe_environment` has them.
    """

    faults: tuple[str, ...]
    environment: Mapping[str, Any]


def make_check(tasks: Iterable[Task], tracker: TrackerSpec, source: BenchmarkSource | None) -> NodeCheck:
    """What a node must have to carry out tasks, from what there is here.

    Raises:
        DataError: a first frame is missing here.
        SiamCARError: the tracker cannot be described.
    """
    sequences = {task.sequence.name: task.sequence for task in tasks}
    return NodeCheck(
        folder=str(Path.cwd()),
        suite=describe_environment()["suite"],
        source=source,
        sequences={name: _describe_sequence(sequence) for name, sequence in sequences.items()},
        tracker=tracker,
        identity=describe_tracker(tracker.name, tracker.options).identity,
    )


def _describe_sequence(sequence: Sequence) -> SequenceFacts:
    from evaluation.vot.sequence import VotSequence

    first, last = sequence.frames.path(0), sequence.frames.path(len(sequence) - 1)
    if first is not None and not first.is_file():
        raise DataError(
            f"{sequence.name}: its first frame is missing here: {first}.",
            "Nodes are compared with this machine, so it needs the data too.",
        )
    known = None if first is None else (first, compute_sha256(first))
    return SequenceFacts(sequence.revision, isinstance(sequence, VotSequence), known, last)


def enter_folder(folder: str) -> None:
    """Make relative paths mean what they mean where the command was given, if that folder is here too."""
    if Path(folder).is_dir():
        os.chdir(folder)


def check_node(check: NodeCheck) -> NodeReport:
    """Look at the machine that this runs on."""
    environment = describe_environment()
    enter_folder(check.folder)
    faults = []
    if environment["suite"] != check.suite:
        faults.append(f"it has the suite in version {environment['suite']}, not {check.suite}: install that one")
    try:
        identity = describe_tracker(check.tracker.name, check.tracker.options).identity
        differing = describe_differences(dict(check.identity), identity)
        if differing:
            faults.append(f"its tracker would be another one: {'; '.join(differing)}")
    except SiamCARError as error:
        faults.append(f"the tracker cannot be made there: {error}")
    faults += _check_frames(check)
    if check.source is not None and not faults:
        faults += _check_annotations(check.source, check.sequences)
    return NodeReport(tuple(faults), environment)


def _check_frames(check: NodeCheck) -> list[str]:
    missing, other = [], []
    for facts in check.sequences.values():
        absent = [path for path in (facts.first and facts.first[0], facts.last) if path and not path.is_file()]
        missing += [str(path) for path in absent[:1]]
        if not absent and facts.first is not None and compute_sha256(facts.first[0]) != facts.first[1]:
            other.append(str(facts.first[0]))
    said = []
    if missing:
        said.append(f"frames of {len(missing)} sequences are not there, such as {missing[0]}")
    if other:
        said.append(f"frames of {len(other)} sequences are other images, such as {other[0]}")
    return said


def _check_annotations(source: BenchmarkSource, sequences: Mapping[str, SequenceFacts]) -> list[str]:
    try:
        there = {sequence.name: sequence for sequence in load_source(source)}
    except (SiamCARError, OSError) as error:
        return [f"the benchmark {source.name} cannot be read there: {error}"]
    lacking = [name for name in sequences if name not in there]
    other = [
        name for name, facts in sequences.items() if name in there and _revise(there[name], facts) != facts.revision
    ]
    said = []
    if lacking:
        said.append(f"it lacks {_list_names(lacking)}, or a part of their frames or annotation")
    if other:
        said.append(f"its data of {_list_names(other)} has another revision (length or ground truth differ)")
    return said


def load_source(source: BenchmarkSource) -> Benchmark:
    """Load a benchmark as it was loaded before."""
    from evaluation.benchmarks import load_benchmark

    return load_benchmark(source.name, source.root, **source.options)


def _revise(sequence: Sequence, facts: SequenceFacts) -> str:
    from evaluation.vot.sequence import as_vot_sequence

    return as_vot_sequence(sequence).revision if facts.is_vot else sequence.revision


def _list_names(names: list[str]) -> str:
    further = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + further
