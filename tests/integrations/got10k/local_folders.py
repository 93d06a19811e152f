"""Small folders in the official layouts, with drawn frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from evaluation.benchmarks import load_benchmark
from evaluation.benchmarks.sequence_facts import read_facts
from tests.helpers import make_truth

SIZE = (64, 48)


def write_got10k(root: Path, subset: str = "val", count: int = 3, frames: int = 10) -> Path:
    """The first synthetic sequences as GOT-10k has its own."""
    benchmark = load_benchmark("synthetic", n_sequences=count, n_frames=frames, width=160, height=120)
    for number, sequence in enumerate(benchmark, start=1):
        folder = root / subset / f"GOT-10k_{subset.capitalize()}_{number:06d}"
        folder.mkdir(parents=True)
        for index in range(frames):
            cv2.imwrite(str(folder / f"{index + 1:08d}.jpg"), sequence.frames.read(index))
        rows = sequence.boxes if subset == "val" else sequence.boxes[:1]
        np.savetxt(folder / "groundtruth.txt", rows, fmt="%.4f", delimiter=",")
        if subset == "val":
            cover = np.full(frames, 8)
            cover[frames // 2] = 0  # a frame that does not count
            np.savetxt(folder / "cover.label", cover, fmt="%d")
            np.savetxt(folder / "absence.label", cover == 0, fmt="%d")
            np.savetxt(folder / "cut_by_image.label", np.zeros(frames), fmt="%d")
            (folder / "meta_info.ini").write_text("[METAINFO]\nurl: none\nresolution: (160, 120)\n")
    return root


def write_numbered(folder: Path, numbers: Iterable[int], pattern: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    image = cv2.imencode(".jpg", rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8))[1].tobytes()
    for number in numbers:
        (folder / pattern.format(number)).write_bytes(image)


def write_boxes(path: Path, count: int, start: tuple[float, float, float, float] = (10, 8, 12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    boxes = np.array(start) + np.sin(np.arange(count) / 3)[:, None] * np.array([4.0, 2.0, 0.0, 1.0])
    np.savetxt(path, boxes, fmt="%.2f", delimiter=",")


def write_otb(root: Path) -> Path:
    """Skiing, and Jogging with its two targets and the third file that some copies have."""
    for one in read_facts("otb.csv", "OTB100"):
        if one.folder in {"Skiing", "Jogging"}:
            write_numbered(root / one.folder / "img", range(1, len(one) + 1), "{:04d}.jpg")
            write_boxes(root / one.folder / one.annotation, len(one))
    write_boxes(root / "Jogging" / "groundtruth_rect.txt", 307)
    return root


def write_uav(root: Path, name: str = "UAV123") -> str:
    """The shortest sequence; returns its name."""
    one = min(read_facts(f"{name.lower()}.csv", name), key=len)
    frames = range(one.first_frame, one.last_frame + 1)
    write_numbered(root / "data_seq" / "UAV123" / one.folder, frames, "{:06d}.jpg")
    write_boxes(root / "anno" / name / one.annotation, len(one))
    return one.name


def write_lasot(root: Path, name: str) -> None:
    folder = root / name.rpartition("-")[0] / name
    one = next(fact for fact in read_facts("lasot.csv", "LaSOT") if fact.name == name)
    write_numbered(folder / "img", range(1, len(one) + 1), "{:08d}.jpg")
    write_boxes(folder / "groundtruth.txt", len(one))
    for flags in ("full_occlusion.txt", "out_of_view.txt"):
        (folder / flags).write_text(",".join(["0"] * len(one)) + "\n")


def write_trackingnet(root: Path, name: str = "some_0", frames: int = 6) -> None:
    write_numbered(root / "TEST" / "frames" / name, range(frames), "{}.jpg")
    write_boxes(root / "TEST" / "anno" / f"{name}.txt", 1)


def write_dtb70(root: Path, frames: int = 6) -> None:
    write_numbered(root / "Car2" / "img", range(1, frames + 1), "{:05d}.jpg")
    write_boxes(root / "Car2" / "groundtruth_rect.txt", frames)


def write_nfs(root: Path, frames: int = 6) -> None:
    write_numbered(root / "ball" / "30" / "ball", range(1, frames + 1), "{:05d}.jpg")
    truth = make_truth(frames)
    rows = [f'0 {x:g} {y:g} {x + w:g} {y + h:g} {index} 0 0 0 "ball"\n' for index, (x, y, w, h) in enumerate(truth)]
    (root / "ball" / "30" / "ball.txt").write_text("".join(rows))


def write_tcolor128(root: Path, frames: int = 6) -> None:
    write_numbered(root / "Ball_ce1" / "img", range(1, frames + 1), "{:04d}.jpg")
    write_boxes(root / "Ball_ce1" / "Ball_ce1_gt.txt", frames)
    (root / "Ball_ce1" / "Ball_ce1_frames.txt").write_text(f"1,{frames}\n")


def list_tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))
