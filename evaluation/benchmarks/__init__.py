"""The benchmarks: one module each, found by name.

A loader is `load(root, **options) -> Benchmark`; third parties add theirs in the entry-point group
"siamcar.benchmarks".
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from evaluation.sequence import Benchmark, BenchmarkSource
from siamcar.errors import ConfigError
from siamcar.registry import Registry

__all__ = ["BENCHMARKS", "PRESETS", "RESULTS_FOLDERS", "load_benchmark"]

BENCHMARKS = Registry(
    "benchmark",
    {
        "synthetic": "evaluation.benchmarks.synthetic:load_synthetic",
        "otb100": "evaluation.benchmarks.otb:load_otb100",
        "otb50": "evaluation.benchmarks.otb:load_otb50",
        "otb2013": "evaluation.benchmarks.otb:load_otb2013",
        "uav123": "evaluation.benchmarks.uav123:load_uav123",
        "uav123_10fps": "evaluation.benchmarks.uav123:load_uav123_10fps",
        "uav20l": "evaluation.benchmarks.uav123:load_uav20l",
        "lasot": "evaluation.benchmarks.lasot:load_lasot",
        "got10k_val": "evaluation.benchmarks.got10k:load_got10k_val",
        "got10k_test": "evaluation.benchmarks.got10k:load_got10k_test",
        "got10k_train": "evaluation.benchmarks.got10k:load_got10k_train",
        "trackingnet": "evaluation.benchmarks.trackingnet:load_trackingnet",
        "trackingnet_train": "evaluation.benchmarks.trackingnet:load_trackingnet_train",
        "vot2018": "evaluation.benchmarks.vot:load_vot2018",
        "vot-st2020": "evaluation.benchmarks.vot2020:load_vot_st2020",
        "vot-rt2020": "evaluation.benchmarks.vot2020:load_vot_rt2020",
        "folder": "evaluation.benchmarks.folder:load_folder",
    },
    group="siamcar.benchmarks",
)

PRESETS = {
    "synthetic": "demo",
    "otb100": "otb100",
    "otb50": "otb100",
    "otb2013": "otb100",
    "uav123": "uav123",
    "uav123_10fps": "uav123",
    "uav20l": "uav123",
    "lasot": "lasot",
    "got10k_val": "got10k",
    "got10k_test": "got10k",
    "got10k_train": "got10k",
    "trackingnet": "trackingnet",
    "trackingnet_train": "trackingnet",
    "vot2018": "vot2018",
    "vot-st2020": "vot2020",
    "vot-rt2020": "vot2020",
    "folder": "demo",
}
"""The preset that a benchmark's runs take by default; benchmarks of third parties take `demo`."""


def load_benchmark(name: str, root: str | Path | None = None, **options: Any) -> Benchmark:
    """Load a benchmark by its name on the command line.

    Args:
        name: a registered name, for example "otb100".
        root: folder of the data as downloaded; `synthetic` does without, and scoring does with annotations alone.
        options: what the benchmark's loader takes beyond the folder; text is read as YAML reads it.

    Raises:
        UnknownNameError: no such benchmark.
        ConfigError: the folder is not given and the benchmark needs one, or it has no such option.
        DataError: the folder does not hold the benchmark.
    """
    loader = BENCHMARKS.resolve(name)
    if root is None and name != "synthetic" and options.get("annotations") is None:
        raise ConfigError(
            f"The benchmark {name!r} is read from a folder, and none was given.",
            f"Give the folder as it was downloaded with --data DIR, or settle it: siamcar config set data.{name} DIR. "
            "To score results, annotations alone will do: --annotations DIR or ZIP.",
        )
    known = list(inspect.signature(loader).parameters)[1:]
    folder = Path(root) if root is not None else None
    if folder is not None and folder.is_file() and "annotations" in known and "annotations" not in options:
        folder, options = None, {**options, "annotations": folder}  # an archive can hold nothing else
    unknown = [key for key in options if key not in known]
    if unknown:
        raise ConfigError(
            f"The benchmark {name!r} has no option {', '.join(unknown)}.", f"Its options: {', '.join(known) or 'none'}."
        )
    values = {key: yaml.safe_load(value) if isinstance(value, str) else value for key, value in options.items()}
    benchmark: Benchmark = loader(folder, **values)
    return replace(benchmark, source=BenchmarkSource(name, folder, values))
