"""What reduced precision costs: success of the built-in weights, against float32 on the same sequences.

Usage: python -m benchmarks precision
       SIAMCAR_SHARED=DIR python -m benchmarks precision    with the real sequences in DIR/data/sequences as well
       python -m benchmarks.precision 60                    sixty synthetic sequences in place of twenty
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.reporting import RECORDS
from evaluation.benchmarks import load_benchmark
from evaluation.conventions import CONVENTIONS
from evaluation.conventions.core import compute_sequence_scores
from evaluation.first_pixel import count_from_one
from evaluation.protocols.one_pass import run_one_pass
from evaluation.sequence import Benchmark
from evaluation.statistics import compute_paired_comparison
from siamcar.backends import list_backends
from siamcar.trackers import create_tracker

REFERENCE = ("eager", "fp32")

GOAL = 0.005

ORIGINS = {"OTB100": 1, "UAV123_10fps": 1}


def list_reduced() -> list[tuple[str, str]]:
    """Backend and precision of all that can be used here and is not float32."""
    return [(one.name, each) for one in list_backends() for each in one.precisions if each != "fp32"]


def load_benchmarks(n_sequences: int) -> Iterator[tuple[str, list[Benchmark]]]:
    """Name and parts of each set of sequences."""
    yield "synthetic benchmark", [load_benchmark("synthetic", n_sequences=n_sequences)]
    shared = Path(os.environ.get("SIAMCAR_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "sequences"
    if shared.is_dir():
        parts = [path for path in sorted(shared.iterdir()) if path.is_dir()]
        yield "real sequences", [load_benchmark("folder", path, origin=ORIGINS.get(path.name, 0)) for path in parts]


def track_all(benchmarks: list[Benchmark], backend: str, precision: str) -> tuple[dict[str, float], float]:
    """Success by sequence under the convention `otb`, and frames a second of the tracker's own time."""
    device = "cuda" if backend == "cuda" else "cpu"
    tracker = create_tracker("siamcar", {"backend": backend, "precision": precision, "device": device})
    success, frames, seconds = {}, 0, 0.0
    for benchmark in benchmarks:
        counted, shift = count_from_one(benchmark)
        for sequence in benchmark:
            run = run_one_pass(tracker, sequence, benchmark.origin)
            scores = compute_sequence_scores(counted[sequence.name], run.boxes + shift, CONVENTIONS["otb"])
            success[sequence.name] = scores.metrics["success"]
            frames, seconds = frames + len(run.seconds) - 1, seconds + float(run.seconds[1:].sum())
    return success, frames / seconds


def print_difference(where: str, label: str, found: dict[str, float], reference: dict[str, float], fps: float) -> None:
    names = list(reference)
    one, other = (np.array([values[name] for name in names]) for values in (found, reference))
    compared = compute_paired_comparison(one, other)
    difference = compared.difference
    each = dict(zip(names, one - other, strict=True))
    worst = min(each, key=each.__getitem__)
    verdict = "within" if difference.value >= -GOAL else "beyond"
    print(
        f"{label:<16} success {one.mean():.4f}  difference {difference.value:+.4f} [{difference.low:+.4f}, "
        f"{difference.high:+.4f}]  ({verdict} the goal of {GOAL})  {fps:.1f} fps"
    )
    print(f"{'':<16} worst {worst} {found[worst]:.3f} for {reference[worst]:.3f}; of all sequences:")
    print(f"{'':<16} " + "  ".join(f"{name} {each[name]:+.3f}" for name in sorted(each, key=each.__getitem__)))
    RECORDS.append(
        {
            "measured": f"success, {where}",
            "who": label,
            "success": float(one.mean()),
            "difference": difference.value,
            "low": difference.low,
            "high": difference.high,
            "fps": fps,
            "differences": {name: float(value) for name, value in each.items()},
        }
    )


def main(n_sequences: int = 20) -> None:
    for where, benchmarks in load_benchmarks(n_sequences):
        reference, fps = track_all(benchmarks, *REFERENCE)
        mean, label = float(np.mean(list(reference.values()))), " ".join(REFERENCE)
        print(f"{where}: {len(reference)} sequences. {label}: success {mean:.4f}, {fps:.1f} fps", flush=True)
        RECORDS.append({"measured": f"success, {where}", "who": label, "success": mean, "fps": fps})
        for backend, precision in list_reduced():
            start = time.perf_counter()
            found, fps = track_all(benchmarks, backend, precision)
            print_difference(where, f"{backend} {precision}", found, reference, fps)
            print(f"{'':<16} took {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
