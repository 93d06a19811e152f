"""Does memory grow with the length of a sequence, the size of a frame, or the number of trackers?

Each case runs in a process of its own, whose peak is read at its end: a small one and a large one of the same kind.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.reporting import get_peak_mebibytes, record

LENGTHS = (1_000, 12_000)
SIZES = ((1280, 720), (3840, 2160))
VIDEO_LENGTHS = (20, 80)
TRACKERS = (2, 50)
N_SEQUENCES, N_FRAMES = 280, 2_448
"""LaSOT's test split: 280 sequences of 2,448 frames on average."""


def write_sequence(folder: Path, count: int) -> None:
    """An OTB sequence of small frames: a bright square that goes round and round."""
    (folder / "img").mkdir(parents=True)
    truth = []
    for index in range(count):
        x, y = 60 + 40 * np.cos(index / 40), 60 + 40 * np.sin(index / 40)
        frame = np.full((160, 160, 3), 90, dtype=np.uint8)
        cv2.rectangle(frame, (int(x), int(y)), (int(x) + 20, int(y) + 20), (200, 220, 250), -1)
        cv2.imwrite(str(folder / f"img/{index + 1:06d}.jpg"), frame)
        truth.append(f"{x:.1f},{y:.1f},20,20")
    (folder / "groundtruth_rect.txt").write_text("\n".join(truth) + "\n")


def run_long_sequence(root: Path, count: int) -> None:
    from evaluation.benchmarks import load_benchmark
    from evaluation.executors.tasks import TrackerSpec
    from evaluation.runner import execute_plan, plan_run

    benchmark = load_benchmark("folder", root / f"long_{count}")
    plan = plan_run(benchmark, TrackerSpec("static", {}), root / "results", label=f"static_{count}", identity={})
    summary = execute_plan(plan, workers=0)
    if summary.failures:
        raise RuntimeError(str(summary.failures))


def track_video(path: Path) -> None:
    from siamcar.frame_streams import open_stream
    from siamcar.trackers import create_tracker

    tracker = create_tracker("siamcar", {})
    with open_stream(str(path)) as frames:
        for index, frame in enumerate(frames):
            if index:
                tracker.track(frame)
            else:
                tracker.init(frame, (100, 100, 200, 200))


def write_video(path: Path, size: tuple[int, int], count: int) -> None:
    width, height = size
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, size)
    noise = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    backdrop = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    for index in range(count):
        frame = backdrop.copy()
        cv2.rectangle(frame, (100 + 4 * index, 100), (300 + 4 * index, 300), (30, 200, 250), -1)
        writer.write(frame)
    writer.release()


def make_results(root: Path) -> Any:
    """A benchmark of LaSOT's size, and results of many trackers: two that are written, and links to them."""
    from benchmarks.scoring import make_benchmark, write_trackers

    benchmark = make_benchmark(None)
    folder = root / "LaSOT"
    folder.mkdir()
    write_trackers(folder, benchmark, None, count=2)
    for number in range(2, max(TRACKERS)):
        (folder / f"tracker_{number:02d}").symlink_to(folder / f"tracker_{number % 2:02d}", target_is_directory=True)


def score_trackers(root: Path, count: int) -> None:
    from benchmarks.scoring import make_benchmark
    from evaluation.scoring import load_scores

    names = [f"tracker_{number:02d}" for number in range(count)]
    load_scores(make_benchmark(None), root / "LaSOT", names)


def _measure(work: Callable[..., None], arguments: tuple[Any, ...], answer: Any) -> None:
    os.environ["SIAMCAR_CACHE"] = "off"
    work(*arguments)
    answer.send(get_peak_mebibytes())


def measure_peak(work: Callable[..., None], *arguments: Any) -> float:
    """Peak memory of a process that does the work, MiB."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(work, arguments, theirs))
    process.start()
    theirs.close()
    try:
        peak = float(ours.recv())
    except EOFError:
        raise RuntimeError(f"{work.__name__}{arguments} did not end well.") from None
    finally:
        process.join()
    return peak


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for count in LENGTHS:
            write_sequence(root / f"long_{count}" / "square", count)
            peak = measure_peak(run_long_sequence, root, count)
            print(record(f"run, one sequence of {count:,} frames", peak, "MiB"))
        for size in SIZES:
            for count in VIDEO_LENGTHS:
                path = root / f"{size[0]}_{count}.mp4"
                write_video(path, size, count)
                peak = measure_peak(track_video, path)
                print(record(f"track, {count} frames of {size[0]}×{size[1]}", peak, "MiB"))
        make_results(root)
        for count in TRACKERS:
            peak = measure_peak(score_trackers, root, count)
            print(record(f"score, {count} trackers × {N_SEQUENCES} sequences of {N_FRAMES:,} frames", peak, "MiB"))
