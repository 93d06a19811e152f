"""Guess which benchmark a folder holds, to tell a user who gave the folder of another."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

__all__ = ["guess_benchmark", "list_candidates", "names_in"]

_CANDIDATES = {
    "OTB": ("otb100",),
    "UAV123": ("uav123", "uav20l"),
    "UAV123_10fps": ("uav123_10fps",),
    "UAV123 or one of its editions": ("uav123", "uav123_10fps", "uav20l"),
    "LaSOT": ("lasot",),
    "GOT-10k": ("got10k_val", "got10k_test", "got10k_train"),
    "TrackingNet": ("trackingnet", "trackingnet_train"),
    "VOT": ("vot2018",),
}


def guess_benchmark(root: Path) -> str | None:
    """Name of the benchmark that a folder looks like, from the names of its files; None where nothing tells.

    Only the first folders in it are opened, so the answer is quick for any folder.
    """
    names = names_in(root)
    for edition in ("UAV123_10fps", "UAV123"):
        if "data_seq" in names and edition in names_in(root / "data_seq"):
            return edition
    if {"train", "val", "test"} & names and any("GOT-10k" in name for part in names for name in names_in(root / part)):
        return "GOT-10k"
    if any(name.startswith("GOT-10k_") for name in names):
        return "GOT-10k"
    if any(re.fullmatch(r"TRAIN_\d+|TEST", name) for name in names):
        return "TrackingNet"
    for name in islice(sorted(names), 20):
        inside = names_in(root / name)
        if any(re.fullmatch(r"groundtruth_rect(\.\d)?\.txt", entry) for entry in inside):
            return "OTB"
        if "color" in inside and "groundtruth.txt" in inside:
            return "VOT"
        if "full_occlusion.txt" in inside or any(re.fullmatch(rf"{re.escape(name)}-\d+", entry) for entry in inside):
            return "LaSOT"
        if "img" in inside and any(re.fullmatch(rf"{re.escape(name)}(_\d)?\.txt", entry) for entry in inside):
            return "UAV123 or one of its editions"
    return None


def list_candidates(root: Path) -> tuple[str, ...]:
    """Names on the command line of the benchmarks that a folder may hold; empty where nothing tells."""
    return _CANDIDATES.get(guess_benchmark(root) or "", ())


def names_in(folder: Path) -> set[str]:
    """Names of what a folder holds; none where it is no folder or cannot be listed."""
    try:
        return {entry.name for entry in folder.iterdir()}
    except OSError:
        return set()
