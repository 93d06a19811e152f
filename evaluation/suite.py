"""Suites: many benchmarks in one command, from a name or a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from siamcar.config import Config
from siamcar.errors import ConfigError
from siamcar.files import expand_home

__all__ = ["PAPER_SUITE", "Suite", "SuiteBenchmark", "SuiteTracker", "load_suite"]


class SuiteBenchmark(Config):
    """One benchmark of a suite.

    Attributes:
        benchmark: its name on the command line.
        data: its folder; by default the one settled for this machine.
        annotations: folder or archive of annotations that are joined to it.
        preset: SiamCAR's hyper-parameters on it; by default the benchmark's own.
        settings: further options of its loader.
    """

    benchmark: str
    data: Path | None = None
    annotations: Path | None = None
    preset: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class SuiteTracker(Config):
    """One tracker of a suite.

    Attributes:
        tracker: registered name, or package.module:factory.
        name: name of its results folder; by default the tracker's own.
        options: what it is made with.
    """

    tracker: str
    name: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class Suite(Config):
    """Benchmarks, and perhaps the trackers that are run over them.

    Attributes:
        name: what it is called.
        benchmarks: in the order they are run.
        trackers: empty where the command line names them.
    """

    name: str = "suite"
    benchmarks: tuple[SuiteBenchmark, ...] = Field(min_length=1)
    trackers: tuple[SuiteTracker, ...] = ()


PAPER_SUITE = Suite(
    name="paper",
    benchmarks=tuple(
        SuiteBenchmark(benchmark=name)
        for name in (
            "got10k_test",
            "got10k_val",
            "lasot",
            "trackingnet",
            "otb100",
            "uav123",
            "vot-st2020",
            "vot-rt2020",
            "vot2018",
        )
    ),
)
"""The benchmarks of the paper's section 4, and VOT2018. GOT-10k's validation set stands in where its test set, whose
ground truth is hidden, cannot be scored."""


def load_suite(name_or_path: str) -> Suite:
    """The suite of a name ("paper"), or of a YAML file.

    Relative folders in a file are relative to the file; ~ is the user's own.

    Raises:
        ConfigError: neither a known name nor a file, or a file that holds no suite.
    """
    if name_or_path == PAPER_SUITE.name:
        return PAPER_SUITE
    path = expand_home(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"There is no suite {name_or_path!r}.", f"Known: {PAPER_SUITE.name}; or give a YAML file of benchmarks."
        )
    suite = Suite.from_yaml(path)
    entries = [
        entry.model_copy(
            update={
                key: path.parent / expand_home(value)
                for key in ("data", "annotations")
                if (value := getattr(entry, key))
            }
        )
        for entry in suite.benchmarks
    ]
    return suite.model_copy(update={"benchmarks": tuple(entries)})
