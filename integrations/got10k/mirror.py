"""A temporary folder of links in which the toolkit finds what it expects, and nothing is written into the user's data.

The toolkit's data sets want to be complete: OTB downloads every sequence that has no folder, UAV123 refuses a root of
fewer than four entries, LaSOT and GOT-10k stop at the first file that is not there. In the mirror are links to what
the suite has checked, and empty folders where only the name has to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.sequence import Benchmark, Sequence
from siamcar.errors import DataError

__all__ = ["build_mirror"]

_OTB_FACTS = "otb.csv"


def build_mirror(experiment: str, benchmark: Benchmark | None, data: Path, mirror: Path) -> None:
    """Fill an empty folder for an experiment.

    Args:
        experiment: its name.
        benchmark: the sequences as the suite has read them; None where the suite does not have the benchmark.
        data: the user's folder, which is taken as it is where there is no benchmark.
        mirror: an empty folder.

    Raises:
        DataError: the data is not there, or its files lie where the toolkit does not look.
    """
    if benchmark is not None:
        _MIRRORS[experiment](benchmark, mirror)
        return
    if not data.is_dir():
        raise DataError(f"There is no folder {data}.", "Give the folder of the data set as it was downloaded.")
    pattern = _PATTERNS[experiment]
    found = sorted({path.relative_to(data).parts[0] for path in data.glob(pattern)})
    if not found:
        shown = ", ".join(sorted(path.name for path in data.iterdir())[:8])
        raise DataError(
            f"{data} holds no sequence that the experiment {experiment} reads: expected {pattern}; "
            f"found {shown or 'nothing'}.",
            "Give the folder that holds the sequences' folders.",
        )
    for name in found:
        if experiment != "tcolor128" or list((data / name).glob("*_frames.txt")):
            _link(mirror / name, data / name)
    if experiment == "tcolor128":
        _fill_up(mirror, 101)  # with fewer entries it would download


_PATTERNS: Mapping[str, str] = {
    "nfs30": "*/30/*.txt",
    "nfs240": "*/240/*.txt",
    "dtb70": "*/groundtruth_rect.txt",
    "tcolor128": "*/*_gt.txt",
}


def _link(link: Path, target: Path) -> None:
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target.resolve())


def _fill_up(folder: Path, count: int) -> None:
    for index in range(count - len(list(folder.iterdir()))):
        (folder / f"nothing_{index}").mkdir()


def _frames_folder(sequence: Sequence) -> Path:
    path = sequence.frames.path(0)
    if path is None:
        raise DataError(f"{sequence.name} has no image files.", "Give the folder of the frames with --data DIR.")
    return path.parent


def _mirror_got10k(benchmark: Benchmark, mirror: Path) -> None:
    subset = "test" if benchmark.sequences[0].name.startswith("GOT-10k_Test") else "val"
    for sequence in benchmark:
        _link(mirror / subset / sequence.name, _frames_folder(sequence))
    names = "".join(f"{sequence.name}\n" for sequence in benchmark)
    (mirror / subset / "list.txt").write_text(names, encoding="utf-8")


def _mirror_otb(benchmark: Benchmark, mirror: Path) -> None:
    there = {sequence.name: _frames_folder(sequence) for sequence in benchmark}
    facts = read_facts(_OTB_FACTS, benchmark.name)
    frames = {one.folder: there[one.name] for one in facts if one.name in there}
    for one in facts:
        (mirror / one.folder).mkdir(exist_ok=True)
        if one.folder in frames:
            _link(mirror / one.folder / "img", frames[one.folder])
            # Both targets of a folder, even if one is not run: the toolkit numbers them by their files.
            annotation = frames[one.folder].parent / one.annotation
            if annotation.is_file():
                _link(mirror / one.folder / one.annotation, annotation)


def _mirror_uav(benchmark: Benchmark, mirror: Path) -> None:
    facts = {one.name: one for one in read_facts(f"{benchmark.name.lower()}.csv", benchmark.name)}
    for sequence in benchmark:
        one, frames = facts[sequence.name], _frames_folder(sequence)
        beside = frames.parent / one.annotation
        official = frames.parents[2] / "anno" / benchmark.name / one.annotation
        _link(mirror / "data_seq" / "UAV123" / one.folder, frames)
        _link(mirror / "anno" / benchmark.name / one.annotation, beside if beside.is_file() else official)
    _fill_up(mirror, 4)


def _mirror_lasot(benchmark: Benchmark, mirror: Path) -> None:
    for sequence in benchmark:
        category = sequence.name.rpartition("-")[0]
        _link(mirror / category / sequence.name, _frames_folder(sequence).parent)


def _mirror_trackingnet(benchmark: Benchmark, mirror: Path) -> None:
    for sequence in benchmark:
        frames = _frames_folder(sequence)
        _link(mirror / "TEST" / "frames" / sequence.name, frames)
        annotation = f"{sequence.name}.txt"
        _link(mirror / "TEST" / "anno" / annotation, frames.parents[1] / "anno" / annotation)


_MIRRORS: Mapping[str, Callable[[Benchmark, Path], None]] = {
    "got10k_val": _mirror_got10k,
    "got10k_test": _mirror_got10k,
    "otb100": _mirror_otb,
    "otb50": _mirror_otb,
    "otb2013": _mirror_otb,
    "uav123": _mirror_uav,
    "uav20l": _mirror_uav,
    "lasot": _mirror_lasot,
    "trackingnet": _mirror_trackingnet,
}
