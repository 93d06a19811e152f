"""Lockstep against the plain loop on the same device, from JPEG files: frames a second, and how far boxes are apart.

Usage: python -m benchmarks lockstep            on a GPU where there is one, else on the processor with little data

The plain loop is the released tracker's: PyTorch as it is, one frame after another, decoding included. Before it, on a
GPU, the same for one stream with the `cuda` backend.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.reporting import RECORDS, describe
from evaluation.benchmarks import load_benchmark
from evaluation.executors.lockstep import LockstepExecutor
from evaluation.executors.tasks import Done, Task, TrackerSpec, prepare_threads
from evaluation.machine import count_physical_cores
from evaluation.protocols.one_pass import run_one_pass
from evaluation.sequence import Benchmark
from siamcar.protocol import Tracker
from siamcar.trackers import create_tracker
from siamcar.turns import take_turns

SIZES = {"cuda": (64, 60), "cpu": (8, 12)}
"""Device → number of sequences, and of frames in each."""

ROUNDS = 3

Boxes = dict[str, np.ndarray]


def write_benchmark(folder: Path, n_sequences: int, n_frames: int) -> Benchmark:
    """Synthetic scenes as JPEG files, in OTB's layout."""
    for sequence in load_benchmark("synthetic", n_sequences=n_sequences, n_frames=n_frames):
        home = folder / sequence.name
        (home / "img").mkdir(parents=True)
        for index in range(n_frames):
            cv2.imwrite(str(home / "img" / f"{index + 1:04d}.jpg"), sequence.frames.read(index))
        np.savetxt(home / "groundtruth_rect.txt", sequence.boxes + np.array([1, 1, 0, 0]), "%.3f", ",")
    return load_benchmark("folder", folder, origin=1)


def track_one_by_one(tracker: Tracker, benchmark: Benchmark) -> Boxes:
    return {one.name: run_one_pass(tracker, one, benchmark.origin).boxes for one in benchmark}


def track_in_lockstep(benchmark: Benchmark, spec: TrackerSpec, device: str, threads: int) -> tuple[Boxes, Any]:
    executor = LockstepExecutor(None, device)
    tasks = [Task(one, None, benchmark.origin, seed=0) for one in benchmark]
    boxes = {
        event.task.name: event.trajectory.boxes
        for event in executor.execute(tasks, spec, threads=threads)
        if isinstance(event, Done)
    }
    if len(boxes) != len(benchmark):
        raise RuntimeError(f"{len(benchmark) - len(boxes)} of {len(benchmark)} sequences failed.")
    return boxes, executor.pace


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    threads = count_physical_cores()
    backends = ["eager", *(["cuda"] if device == "cuda" else [])]
    with tempfile.TemporaryDirectory() as name, prepare_threads(threads):
        benchmark = write_benchmark(Path(name), *SIZES[device])
        n_frames = sum(len(sequence) - 1 for sequence in benchmark)
        alone = {
            f"one stream, {backend} fp32": create_tracker("siamcar", {"backend": backend, "device": device})
            for backend in backends
        }
        boxes: dict[str, Boxes] = {}
        paces = {}

        def run_alone(label: str) -> None:
            boxes[label] = track_one_by_one(alone[label], benchmark)

        def run_together(label: str, backend: str) -> None:
            spec = TrackerSpec("siamcar", {"backend": backend}, takes_device=True)
            boxes[label], paces[label] = track_in_lockstep(benchmark, spec, device, threads)

        works = {label: (lambda label=label: run_alone(label)) for label in alone}
        works |= {
            f"lockstep, {backend} fp32": (lambda backend=backend: run_together(f"lockstep, {backend} fp32", backend))
            for backend in backends
        }
        turns = take_turns(f"{len(benchmark)} sequences on {device}", works, rounds=ROUNDS)
        reference = boxes[turns.baseline]
        for who in list(works)[1:]:
            apart = max(float(np.abs(boxes[who][name] - reference[name]).max()) for name in reference)
            facts = {"frames_per_second": n_frames / turns.compute_median(who), "largest_box_difference_px": apart}
            facts |= paces[who].to_dict() if who in paces else {}
            RECORDS.extend({**row, **facts} for row in turns.to_records() if row["who"] == who)
            print(f"{describe(turns, who)}, {facts['frames_per_second']:.0f} frames/s, boxes within {apart:.1e} px")
            if who in paces:
                print(f"{'':<44} {paces[who].describe()}")
        baseline = n_frames / turns.compute_median(turns.baseline)
        RECORDS.extend(
            {**row, "frames_per_second": baseline} for row in turns.to_records() if row["who"] == turns.baseline
        )
        print(f"The baseline: {baseline:.1f} frames/s.")
