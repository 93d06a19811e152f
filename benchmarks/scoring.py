"""What it costs to score a long benchmark: 13 trackers on sequences of LaSOT's lengths, one process, from text files.

With the shared folder (`SIAMCAR_SHARED`, or `shared` beside the repository) the ground truth is LaSOT's and the 13
trackers are its two published ones with seeded noise; without, boxes are drawn.

The baseline is the GOT-10k toolkit where it is installed: its LaSOT experiment, which only the head of its repository
has, or its OTB experiment with normalised precision added by its own metric function, which is what the LaSOT
experiment adds. Plots are left out. Without the toolkit it is a plain evaluator: `np.loadtxt`, then a loop over the
thresholds. Baseline and candidates take turns, and every round has a ratio of its own.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.reporting import RECORDS, compare, get_peak_mebibytes, record, reset_peak
from evaluation.conventions import resolve_conventions
from evaluation.leaderboard import Scores, compute_scores_all
from evaluation.scoring import load_scores_by_convention, read_results
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


def write_trackers(folder: Path, benchmark: Benchmark, shared: Path | None, count: int = N_TRACKERS) -> None:
    """Text files of the trackers: the published ones, or the truth, with noise that grows from tracker to tracker."""
    random = np.random.default_rng(1)
    given = [{sequence.name: sequence.boxes for sequence in benchmark}]
    if shared is not None:
        archives = sorted((shared / "results/LaSOT").glob("*.zip"))
        given = [read_zip(path, r"[^/]+/(?!.*_time\.txt)[^/]+\.txt", 4) for path in archives]
    for number in range(count):
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


def make_got10k_experiment(benchmark: Benchmark) -> tuple[str, Any]:
    """What the toolkit evaluates LaSOT with, and its name; its data set is the benchmark in memory."""
    from got10k import experiments  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from got10k.utils.metrics import center_error  # type: ignore[import-not-found,import-untyped,unused-ignore]

    class WithNormalizedPrecision(experiments.ExperimentOTB):  # type: ignore[misc,name-defined,unused-ignore]
        def _calc_metrics(self, boxes: Boxes, truth: Boxes) -> tuple[Boxes, tuple[Boxes, Boxes]]:
            overlaps, errors = super()._calc_metrics(boxes, truth)
            size = np.maximum(truth[:, [2, 3, 2, 3]], 1.0)
            return overlaps, (errors, center_error(boxes / size, truth / size))

        def _calc_curves(self, overlaps: Boxes, errors: tuple[Boxes, Boxes]) -> tuple[Boxes, Boxes]:
            np.mean(errors[1][:, None] <= np.linspace(0, 0.5, 51)[None], axis=0)
            success, precision = super()._calc_curves(overlaps, errors[0])
            return success, precision

    class Truth(list[tuple[list[str], Boxes]]):
        seq_names = [sequence.name for sequence in benchmark]  # noqa: RUF012

    own = getattr(experiments, "ExperimentLaSOT", None)
    kind = own or WithNormalizedPrecision
    experiment = kind.__new__(kind)
    experiment.dataset = Truth(([], np.array(sequence.boxes)) for sequence in benchmark)
    experiment.nbins_iou, experiment.nbins_ce, experiment.nbins_nce = 21, 51, 51
    experiment.plot_curves = lambda *_: None
    return "got10k, LaSOT experiment" if own else "got10k, OTB experiment + norm. precision", experiment


def make_baseline(benchmark: Benchmark, folder: Path) -> tuple[str, Callable[[], object]]:
    """The evaluator that ours is compared with, and its name."""
    if importlib.util.find_spec("got10k") is None:
        return "np.loadtxt and a loop over thresholds", lambda: score_plainly(benchmark, folder)
    name, experiment = make_got10k_experiment(benchmark)
    experiment.result_dir, experiment.report_dir = str(folder), str(folder.parent / "report")
    trackers = [home.name for home in sorted(folder.iterdir())]

    def report() -> object:
        with redirect_stdout(io.StringIO()):
            return experiment.report(trackers)

    return name, report


def make_metric_baseline(benchmark: Benchmark, boxes: list[dict[str, Boxes]]) -> Callable[[], object] | None:
    """The toolkit's metrics and curves alone, of boxes in memory; None without the toolkit."""
    if importlib.util.find_spec("got10k") is None:
        return None
    _, experiment = make_got10k_experiment(benchmark)

    def compute() -> None:
        for one in boxes:
            for sequence in benchmark:
                length = min(len(one[sequence.name]), len(sequence))
                found = experiment._calc_metrics(one[sequence.name][:length], sequence.boxes[:length])
                experiment._calc_curves(*found)

    return compute


def measure_scores(scores: Scores) -> int:
    """Bytes of a table of sequences and of the curves, which are what stays of a tracker."""
    curves = [one for kind in scores.sequence_curves.values() for one in kind.values()]
    return int(scores.sequences.memory_usage(deep=True).sum()) + sum(one.values.nbytes for one in curves)


def print_times(benchmark: Benchmark, folder: Path, root: Path) -> None:
    """Baseline and ours in turn, from text, from memory, and with a cache."""

    def score(convention: str, cache: str = "off") -> object:
        os.environ["SIAMCAR_CACHE"] = cache if cache == "off" else str(root / cache)
        return load_scores_by_convention(benchmark, folder, None, convention)

    name, baseline = make_baseline(benchmark, folder)
    print(f"Baseline: {name}.")
    for convention, what in (("official", "one convention"), ("all", "all conventions")):
        print(compare(f"{what}, from text", baseline, partial(score, convention), rounds=3))
    os.environ["SIAMCAR_CACHE"] = "off"
    results = list(read_results(benchmark, folder))
    boxes = [{name: np.ascontiguousarray(runs[0]) for name, runs in one.boxes.items()} for one in results]
    alone = make_metric_baseline(benchmark, boxes)
    if alone is not None:
        for convention, what in (("official", "one convention"), ("all", "all conventions")):
            ours = partial(compute_scores_all, benchmark, results, convention)
            print(compare(f"{what}, boxes in memory", alone, ours, rounds=3))
    time.sleep(3)  # files that were just written are read again each time (evaluation/file_index.py)
    for convention, what in (("official", "one convention"), ("all", "all conventions")):
        times = []
        for _ in range(4):
            start = time.perf_counter()
            score(convention, "cache")
            times.append(time.perf_counter() - start)
        first, *later = times
        print(
            f"{what:<16} with a cache: first call {first:5.2f} s, later calls {min(later):5.2f} to {max(later):.2f} s"
        )
        RECORDS.append({"measured": f"{what}, with a cache", "unit": "s", "first": first, "later": later})


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
        for convention, what in (("official", "one convention"), ("all", "all conventions")):
            for names in (first, None):
                reset_peak()
                found = load_scores_by_convention(benchmark, folder, names, convention)
                kept = sum(map(measure_scores, found)) / 2**20
                count = len(names or range(N_TRACKERS))
                told = record(f"peak memory, {what}, {count} trackers", get_peak_mebibytes(), "MiB", tables_mib=kept)
                print(f"{told}, of which tables and curves {kept:.0f}")
                del found
        print_times(benchmark, folder, root)
