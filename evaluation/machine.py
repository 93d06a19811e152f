"""The machine that a run is made on: its cores, processor and versions."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from siamcar._version import __version__

__all__ = ["count_physical_cores", "describe_environment", "list_gpus"]

_PACKAGES = (
    "torch",
    "numpy",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "onnxruntime",
    "openvino",
    "nncf",
)
"""What boxes and speed may depend on, where it is installed."""


def count_physical_cores() -> int:
    """Physical cores that this process may use; two hardware threads of one core count once."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or usable, usable))


def describe_environment() -> dict[str, Any]:
    """Versions and hardware, for the run record."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "suite": __version__,
        "python": platform.python_version(),
        "packages": versions,
        "platform": platform.platform(),
        "processor": _processor_name(),
        "gpus": list_gpus(),
        "physical_cores": count_physical_cores(),
        "command": shlex.join(sys.argv),
    }


def list_gpus(root: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """Models of the GPUs that the driver of NVIDIA names, without loading what computes on them."""
    models = []
    for path in sorted(root.glob("*/information")):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        models += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return models


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
