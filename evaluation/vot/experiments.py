"""The experiments: what is run and how it is scored, as data.

A stack is what the toolkit makes experiments from: a mapping, in its own words, which is written into a workspace too.
The numbers are those of its stacks `vot2018/shortterm` and `vot2020/shortterm` (vot-toolkit 0.7.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evaluation.layouts import run_name
from evaluation.vot.sequence import VotSequence
from evaluation.vot.toolkit import load_toolkit
from evaluation.vot.workspace import WorkspaceFiles
from siamcar.errors import ConfigError

__all__ = [
    "STACKS",
    "Experiment",
    "describe_experiment",
    "find_eao_window",
    "load_stack",
    "load_workspace_stack",
]

Kind = Literal["supervised", "multistart", "unsupervised"]

_REAL_TIME = {"realtime": {"grace": 3}}
_MULTISTART = {
    "type": "multistart",
    "analyses": [
        {"type": "multistart_eao_score", "name": "eaoscore", "low": 115, "high": 755},
        {"type": "multistart_eao_curve", "name": "eaocurve", "high": 755},
        {"type": "multistart_average_ar", "name": "ar"},
    ],
}

STACKS: Mapping[str, Mapping[str, Any]] = {
    "VOT2018": {
        "title": "VOT-ST2018 challenge, supervised",
        "url": "https://www.votchallenge.net/vot2018/",
        "experiments": {
            "baseline": {
                "type": "supervised",
                "repetitions": 15,
                "skip_initialize": 5,
                "analyses": [
                    {"type": "supervised_average_ar", "sensitivity": 30},
                    {"type": "supervised_eao_score", "low": 100, "high": 356},
                    {"type": "supervised_eao_curve"},
                ],
            }
        },
    },
    "VOT2020-ST": {
        "title": "VOT-ST2020 challenge, multi-start",
        "url": "https://www.votchallenge.net/vot2020/",
        "experiments": {"baseline": _MULTISTART},
    },
    "VOT2020-RT": {
        "title": "VOT-RT2020 challenge, real time",
        "url": "https://www.votchallenge.net/vot2020/",
        "experiments": {"realtime": _MULTISTART | _REAL_TIME},
    },
}
"""Name of a benchmark's results folder → its stack: the one experiment that the benchmark is."""


def find_eao_window(benchmark: str) -> tuple[int, int] | None:
    """First and last run length over which a benchmark's EAO is a mean; None for a benchmark that is not here."""
    for experiment in STACKS.get(benchmark, {}).get("experiments", {}).values():
        for analysis in experiment["analyses"]:
            if "low" in analysis:
                return analysis["low"], analysis["high"]
    return None


@dataclass(frozen=True)
class Experiment:
    """One experiment, as it is run.

    Attributes:
        name: of its folder in a tracker's results.
        kind: "supervised", "multistart", or "unsupervised" (once, from the first frame).
        repetitions: runs of a sequence; of a supervised one at most.
        stops_early: whether repetitions end when three runs are the same.
        skip: frames from a failure to the next start.
        failure_overlap: at or below it a target is lost.
        skip_tags: no start in frames with one of these tags.
        grace: late answers that real time forgives; None where frames wait for the tracker.
        fps: real time's rate where a sequence states none.
    """

    name: str
    kind: Kind
    repetitions: int = 1
    stops_early: bool = True
    skip: int = 1
    failure_overlap: float = 0.0
    skip_tags: tuple[str, ...] = ()
    grace: int | None = None
    fps: float = 20.0

    @property
    def is_real_time(self) -> bool:
        """Whether the tracker's speed decides; such runs share the machine with nothing else."""
        return self.grace is not None

    def name_run(self, sequence: str, number: int) -> str:
        """Name of a run's files: the sequence and the repetition from 1, or the anchor's frame."""
        return f"{sequence}_{number:08d}" if self.kind == "multistart" else run_name(sequence, number)

    def count_frames(self, sequence: VotSequence, number: int) -> int:
        """Length of a run of a sequence: repetition `number`, or the run from the anchor in frame `number`."""
        if self.kind != "multistart":
            return len(sequence)
        return next(one for one in sequence.anchors if one.frame == number).count_frames(len(sequence))


def describe_experiment(experiment: Any) -> Experiment:
    """One of the toolkit's experiments as data.

    Raises:
        ConfigError: it is of a kind that is not run in process.
    """
    toolkit = load_toolkit().experiment
    real_time = experiment.realtime
    timing: dict[str, Any] = {}
    if real_time is not None:
        timing = {"grace": int(real_time.grace), "fps": float(real_time.fps)}
    name = experiment.identifier
    if experiment.transformers or experiment._multiobject:
        raise ConfigError(
            f"The experiment {name!r} changes its sequences or follows several objects, which is not done in process.",
            "Run it with the toolkit: siamcar vot evaluate --engine toolkit",
        )
    if isinstance(experiment, toolkit.SupervisedExperiment):
        return Experiment(
            name,
            "supervised",
            repetitions=experiment.repetitions,
            stops_early=experiment.early_stop,
            skip=experiment.skip_initialize,
            failure_overlap=experiment.failure_overlap,
            skip_tags=tuple(experiment.skip_tags),
            **timing,
        )
    if isinstance(experiment, toolkit.MultiStartExperiment) and experiment.anchor == "anchor":
        return Experiment(name, "multistart", **timing)
    if isinstance(experiment, toolkit.UnsupervisedExperiment):
        return Experiment(
            name,
            "unsupervised",
            repetitions=experiment.repetitions,
            stops_early=experiment.early_stop,
            **timing,
        )
    raise ConfigError(
        f"The experiment {name!r} is a {type(experiment).__name__}; in process there are supervised, multistart and "
        "unsupervised ones.",
        "Run it with the toolkit: siamcar vot evaluate --engine toolkit",
    )


def load_stack(stack: Mapping[str, Any], storage: Path) -> dict[str, Any]:
    """Name → the toolkit's experiment, whose results lie in `storage`/results.

    Raises:
        ConfigError: the toolkit cannot make experiments of it.
    """
    toolkit = load_toolkit()
    try:
        experiments = dict(toolkit.stack.Stack(**stack).experiments)
    except (toolkit.ToolkitException, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        raise ConfigError(f"The stack cannot be understood: {type(error).__name__}: {error}.") from error
    for experiment in experiments.values():
        experiment._storage = toolkit.workspace.LocalStorage(str(storage))
    return experiments


def load_workspace_stack(files: WorkspaceFiles) -> dict[str, Any]:
    """The experiments of a workspace, in the order of its stack.

    Raises:
        ConfigError: there is no such stack, or it cannot be understood.
    """
    import yaml

    if isinstance(files.stack, dict):
        return load_stack(files.stack, files.folder)
    toolkit = load_toolkit()
    path = toolkit.stack.resolve_stack(files.stack, str(files.folder))
    if path is None:
        raise ConfigError(
            f"The workspace {files.folder} names the stack {files.stack!r}, which is neither a file in it nor one of "
            "the toolkit's.",
            "For example: stack: vot2020/shortterm",
        )
    return load_stack(yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader), files.folder)  # noqa: S506 - a loader of texts alone, as the toolkit reads it
