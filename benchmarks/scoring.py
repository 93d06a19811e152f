"""What it costs to score a long benchmark: 13 trackers on sequences of LaSOT's lengths, one process, from text files.

With the shared folder (`SIAMCAR_SHARED`, or `shared` beside the repository) the ground truth is LaSOT's and the 13
trackers are its two published ones with seeded noise; without, boxes are drawn. The baseline is the GOT-10k toolkit's
LaSOT experiment where it is installed, else a plain evaluator: `np.loadtxt`, then a loop over the thresholds.
"""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.conventions import resolve_conventions
from evaluation.scoring import load_scores_by_convention
from evaluation.sequence import Benchmark, ImageFrames, Sequence

Boxes = npt.NDArray[np.float64]

N_TRACKERS = 13
N_FRAMES, N_SEQUENCES = 685_360, 280

_SEPARATORS = bytes.maketrans(b",;\t\r\n", b"     ")


def find_shared() -> Path | None:
    folder = Path(os.environ.get("SIAMCAR_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    return folder if (folder / "annotations/LaSOT.zip").is_file() else None


def read_zip(path: Path, pattern: str, columns: int) -> dict[str, Boxes]:
    with zipfile.ZipFile(path) as archive:
        return {
            Path(name).stem: np.array(archive.read(name).translate(_SEPARATORS).split(), dtype=np.float64).reshape(
                -1, columns
            )
            for name in archive.namelist()
            if re.fullmatch(pattern, name)
        }


def make_benchmark(shared: Path | None) -> Benchmark:
    if shared is not None:
        truth = read_zip(shared / "annotations/LaSOT.zip", r"annos/[^/]+\.txt", 4)
        absent = read_zip(shared / "annotations/LaSOT.zip", r"annos/absent/[^/]+\.txt", 1)
    else:
        random = np.random.default_rng(0)
        lengths = random.multinomial(N_FRAMES - 1000 * N_SEQUENCES, np.full(N_SEQUENCES, 1 / N_SEQUENCES)) + 1000
        truth = {f"s-{index}": draw_boxes(random, int(length)) for index, length in enumerate(lengths)}
        absent = {name: (random.random((len(boxes), 1)) < 0.03).astype(float) for name, boxes in truth.items()}
    sequences = tuple(
        Sequence(name, ImageFrames((Path(name),) * len(boxes)), boxes, visible=absent[name][:, 0] == 0)
        for name, boxes in truth.items()
    )
    return Benchmark("LaSOT", sequences, "lasot", family="lasot")


def draw_boxes(random: np.random.Generator, length: int) -> Boxes:
    boxes: Boxes = np.abs(np.cumsum(random.normal(0, 2, (length, 4)), axis=0) + np.array([300, 200, 80, 60])) + 1
    return boxes


def write_trackers(folder: Path, benchmark: Benchmark, shared: Path | None) -> None:
    """Text files of the trackers: the published ones, or the truth, with noise that grows from tracker to tracker."""
    random = np.random.default_rng(1)
    given = [{sequence.name: sequence.boxes for sequence in benchmark}]
    if shared is not None:
        archives = sorted((shared / "results/LaSOT").glob("*.zip"))
        given = [read_zip(path, r"[^/]+/(?!.*_time\.txt)[^/]+\.txt", 4) for path in archives]
    for number in range(N_TRACKERS):
        home = folder / f"tracker_{number:02d}"
        home.mkdir()
        for name, boxes in given[number % len(given)].items():
            noisy = boxes + random.normal(0, 0.5 + number / 4, boxes.shape)
            noisy[:, 2:] = np.abs(noisy[:, 2:])
            lines = (f"{x:.4f},{y:.4f},{w:.4f},{h:.4f}" for x, y, w, h in noisy.tolist())
            (home / f"{name}.txt").write_text("\n".join(lines) + "\n")


def score_plainly(benchmark: Benchmark, folder: Path) -> float:
    """Success, precision and normalised precision as most evaluators are written; the mean success of all trackers."""
    values = []
    for home in sorted(folder.iterdir()):
        for sequence in benchmark:
            boxes, truth = np.loadtxt(home / f"{sequence.name}.txt", delimiter=","), sequence.boxes
            length = min(len(boxes), len(truth))
            boxes, truth = boxes[:length], truth[:length]
            corner = np.maximum(boxes[:, :2], truth[:, :2])
            sides = np.maximum(np.minimum(boxes[:, :2] + boxes[:, 2:], truth[:, :2] + truth[:, 2:]) - corner, 0)
            shared = sides.prod(axis=1)
            overlap = shared / (boxes[:, 2:].prod(axis=1) + truth[:, 2:].prod(axis=1) - shared + 1e-16)
            difference = boxes[:, :2] + (boxes[:, 2:] - 1) / 2 - truth[:, :2] - (truth[:, 2:] - 1) / 2
            distance = np.sqrt((difference**2).sum(axis=1))
            norm = np.sqrt(((difference / np.maximum(truth[:, 2:], 1)) ** 2).sum(axis=1))
            success = [np.sum(overlap > threshold) / length for threshold in np.linspace(0, 1, 21)]
            for values_, stop in ((distance, 50.0), (norm, 0.5)):
                _ = [np.sum(values_ <= threshold) / length for threshold in np.linspace(0, stop, 51)]
            values.append(np.mean(success))
    return float(np.mean(values))


def score_with_got10k(benchmark: Benchmark, folder: Path) -> float:
    from got10k.experiments import ExperimentLaSOT  # type: ignore[import-not-found,unused-ignore]

    class Truth(list[tuple[list[str], Boxes]]):
        seq_names = [sequence.name for sequence in benchmark]  # noqa: RUF012

    experiment = ExperimentLaSOT.__new__(ExperimentLaSOT)
    experiment.dataset = Truth(([], np.array(sequence.boxes)) for sequence in benchmark)
    experiment.nbins_iou, experiment.nbins_ce, experiment.nbins_nce = 21, 51, 51
    experiment.result_dir, experiment.report_dir = str(folder), str(folder.parent / "report")
    experiment.plot_curves = lambda *_: None
    report = experiment.report([home.name for home in sorted(folder.iterdir())])
    return float(np.mean([one["overall"]["success_score"] for one in report.values()]))


def clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def get_peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def iterate_measurements(benchmark: Benchmark, folder: Path, root: Path) -> Iterator[tuple[str, float]]:
    trackers = [home.name for home in sorted(folder.iterdir())]

    def score(convention: str, chosen: list[str]) -> object:
        return load_scores_by_convention(benchmark, folder, chosen, convention)

    def with_cache(name: str, convention: str) -> float:
        os.environ["SIAMCAR_CACHE"] = name if name == "off" else str(root / name)
        return clock(lambda: score(convention, trackers))

    with_cache("off", "official")  # files into the system's memory, modules loaded
    yield "one convention, from text", with_cache("off", "official")
    yield "all conventions, from text", with_cache("off", "all")
    yield "one convention, first call with a cache", with_cache("one", "official")
    yield "one convention, second call", with_cache("one", "official")
    yield "all conventions, first call, texts cached", with_cache("one", "all")
    yield "all conventions, second call", with_cache("one", "all")


def main() -> None:
    shared = find_shared()
    benchmark = make_benchmark(shared)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder = root / "LaSOT"
        folder.mkdir()
        write_trackers(folder, benchmark, shared)
        megabytes = sum(path.stat().st_size for path in folder.rglob("*.txt")) / 1e6
        print(
            f"{'LaSOT' if shared else 'Drawn boxes'}: {len(benchmark)} sequences, "
            f"{sum(len(sequence) for sequence in benchmark):,} frames, {N_TRACKERS} trackers, {megabytes:.0f} MB of "
            f"text; {len(resolve_conventions('all', benchmark))} conventions."
        )
        os.environ["SIAMCAR_CACHE"] = "off"
        first = [home.name for home in sorted(folder.iterdir())[:2]]
        load_scores_by_convention(benchmark, folder, first, "all")
        two = get_peak_mebibytes()
        load_scores_by_convention(benchmark, folder, None, "all")
        print(f"peak memory after 2 trackers {two:.0f} MiB, after {N_TRACKERS} {get_peak_mebibytes():.0f} MiB")
        has_got10k = importlib.util.find_spec("got10k") is not None
        evaluate = score_with_got10k if has_got10k else score_plainly
        baseline = clock(lambda: evaluate(benchmark, folder))
        label = "got10k, LaSOT experiment" if has_got10k else "np.loadtxt and a loop over thresholds"
        print(f"{label:<44} {baseline:6.2f} s")
        for what, seconds in iterate_measurements(benchmark, folder, root):
            print(f"{what:<44} {seconds:6.2f} s   ratio {baseline / seconds:5.2f}")
