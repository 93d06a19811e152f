"""The toolkit's experiments by our names: what runs them, where their results go, and what is known to be broken.

The package index has version 0.1.3 of 2019. The head of the repository calls itself 0.1.3, too, and differs; which of
them is installed shows in what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from siamcar.errors import ConfigError, UnknownNameError, import_extra

__all__ = ["EXPERIMENTS", "UNUSABLE", "Experiment", "find_class", "get_experiment", "load_toolkit"]


@dataclass(frozen=True)
class Experiment:
    """One experiment of the toolkit.

    Attributes:
        name: ours; that of the benchmark where the suite has it.
        class_name: class in `got10k.experiments`.
        folder: folder of its results and reports below the roots.
        arguments: what the class takes besides the folders.
        benchmark: name of the same benchmark in this suite; None where the suite does not have it.
        scored: whether `report()` gives scores.
        takes_roots: whether the class adds `folder` to the roots of results and reports itself.
    """

    name: str
    class_name: str
    folder: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    benchmark: str | None = None
    scored: bool = True
    takes_roots: bool = True


EXPERIMENTS: Mapping[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("got10k_val", "ExperimentGOT10k", "GOT-10k", {"subset": "val"}, "got10k_val"),
        Experiment("got10k_test", "ExperimentGOT10k", "GOT-10k", {"subset": "test"}, "got10k_test", scored=False),
        Experiment("otb100", "ExperimentOTB", "OTB2015", {"version": 2015}, "otb100"),
        Experiment("otb50", "ExperimentOTB", "OTBtb50", {"version": "tb50"}, "otb50"),
        Experiment("otb2013", "ExperimentOTB", "OTB2013", {"version": 2013}, "otb2013"),
        Experiment("uav123", "ExperimentUAV123", "UAV123", {"version": "UAV123"}, "uav123"),
        Experiment("uav20l", "ExperimentUAV123", "UAV20L", {"version": "UAV20L"}, "uav20l"),
        Experiment("lasot", "ExperimentLaSOT", "LaSOT", {"subset": "test"}, "lasot", takes_roots=False),
        Experiment(
            "trackingnet",
            "ExperimentTrackingNet",
            "TrackingNet",
            {"subset": "test"},
            "trackingnet",
            scored=False,
            takes_roots=False,
        ),
        Experiment("nfs30", "ExperimentNfS", "NfS/30", {"fps": 30}),
        Experiment("nfs240", "ExperimentNfS", "NfS/240", {"fps": 240}),
        Experiment("dtb70", "ExperimentDTB70", "DTB70"),
        Experiment("tcolor128", "ExperimentTColor128", "TColor128"),
    )
}
"""Every experiment that can be run, by our name."""

UNUSABLE: Mapping[str, str] = {
    "vot": "its VOT experiment stops at np.NaN, which NumPy 2 no longer has, and at arrays of rows of unequal lengths; "
    "it has no EAO either. `siamcar vot` runs the VOT toolkit's own protocols",
}
"""Experiments of the toolkit that cannot be mended from outside, and why."""


def get_experiment(name: str) -> Experiment:
    """The experiment of a name.

    Raises:
        ConfigError: one that cannot be run at all.
        UnknownNameError: there is none.
    """
    plain = name.lower()
    for prefix, reason in UNUSABLE.items():
        if plain.startswith(prefix):
            raise ConfigError(f"The GOT-10k toolkit's experiment {name!r} cannot be run: {reason}.", "")
    if plain not in EXPERIMENTS:
        raise UnknownNameError.of("experiment of the GOT-10k toolkit", name, EXPERIMENTS)
    return EXPERIMENTS[plain]


def load_toolkit() -> ModuleType:
    """`got10k.experiments` of whichever edition of the toolkit is installed; figures are drawn into files.

    Raises:
        MissingExtraError: it is not installed.
    """
    import_extra("six", extra="got10k", purpose="the GOT-10k toolkit")
    import matplotlib as mpl

    mpl.use("Agg")
    return import_extra("got10k.experiments", extra="got10k", purpose="the GOT-10k toolkit")


def find_class(experiment: Experiment, toolkit: ModuleType) -> Any:
    """The class that runs an experiment.

    Raises:
        ConfigError: the installed edition does not have it.
    """
    found = getattr(toolkit, experiment.class_name, None)
    if found is None:
        raise ConfigError(
            f"The GOT-10k toolkit in {Path(str(toolkit.__file__)).parents[1]} has no {experiment.class_name}: its "
            "release of 2019 cannot read this data set.",
            "The head of its repository can: pip install git+https://github.com/got-10k/toolkit. "
            f"Or run the suite's own: siamcar run --benchmark {experiment.benchmark}",
        )
    return found
