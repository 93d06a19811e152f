"""Tiny data sets in their official layouts, one coloured rectangle a frame."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 160, 120


def draw(box: tuple[float, float, float, float], seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """A grey background with a red rectangle at an `xywh` box of whole pixels."""
    grey = np.random.default_rng(seed).integers(60, 100, (size[1], size[0], 1), dtype=np.uint8)
    image = np.repeat(grey, 3, axis=2)
    x, y, w, h = (round(value) for value in box)
    image[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = (20, 20, 230)
    return image


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # All of the colour: subsampled chroma would move red edges at odd pixels.
    full = [cv2.IMWRITE_JPEG_QUALITY, 98, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    assert cv2.imwrite(str(path), image, full if path.suffix == ".jpg" else [])


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def boxes_of(
    count: int, start: tuple[int, int] = (20, 30), size: tuple[int, int] = (40, 24)
) -> list[tuple[int, int, int, int]]:
    """A box that moves 4 pixels right and 2 down a frame."""
    return [(start[0] + 4 * n, start[1] + 2 * n, *size) for n in range(count)]


def rows(boxes: list[tuple[int, int, int, int]]) -> str:
    return "".join(",".join(f"{value:.4f}" for value in box) + "\n" for box in boxes)


def make_got10k(root: Path, videos: int = 3, frames: int = 5) -> Path:
    """GOT-10k: frame 2 of each video is absent, frame 3 covered."""
    names = [f"GOT-10k_Train_{n + 1:06d}" for n in range(videos)]
    text(root / "list.txt", "\n".join(names) + "\n")
    for number, name in enumerate(names):
        boxes = boxes_of(frames, (20 + number, 30))
        for index, box in enumerate(boxes):
            write(root / name / f"{index + 1:08d}.jpg", draw(box, index))
        text(root / name / "groundtruth.txt", rows(boxes))
        text(root / name / "absence.label", "".join("1\n" if n == 2 else "0\n" for n in range(frames)))
        text(root / name / "cover.label", "".join("0\n" if n == 3 else "8\n" for n in range(frames)))
    return root


def make_coco(root: Path, images: int = 4) -> Path:
    """COCO: two objects an image and a crowd; one object without area, one outside; the last image is missing."""
    content: dict[str, list[dict[str, object]]] = {"images": [], "annotations": [], "categories": []}
    for number in range(images):
        name = f"{number:012d}.jpg"
        content["images"].append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for thing, (box, crowd) in enumerate([((20, 30, 40, 24), 0), ((90, 60, 30, 30), 0), ((0, 0, 160, 120), 1)]):
            content["annotations"].append(
                {"id": 10 * number + thing, "image_id": number, "bbox": list(box), "iscrowd": crowd, "category_id": 1}
            )
        if number < images - 1:
            write(root / "train2017" / name, draw((20, 30, 40, 24), number))
    content["annotations"].append({"id": 900, "image_id": 0, "bbox": [5, 5, 0, 8], "iscrowd": 0})
    content["annotations"].append({"id": 901, "image_id": 0, "bbox": [WIDTH, 5, 9, 8], "iscrowd": 0})
    text(root / "annotations" / "instances_train2017.json", json.dumps(content))
    return root


def _xml(objects: list[tuple[str | None, tuple[int, int, int, int]]]) -> str:
    parts = [f"<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"]
    for track, (x, y, w, h) in objects:
        name = "" if track is None else f"<trackid>{track}</trackid>"
        corners = f"<xmax>{x + w}</xmax><xmin>{x}</xmin><ymax>{y + h}</ymax><ymin>{y}</ymin>"
        parts.append(f"<object>{name}<name>n1</name><bndbox>{corners}</bndbox></object>")
    return "".join(parts) + "</annotation>"


def make_imagenet(root: Path, frames: int = 4) -> Path:
    """ILSVRC with DET (an image with two objects, a broken annotation) and VID (two tracks, one shorter)."""
    det, vid = "DET/train/ILSVRC2013_train/n01440764", "VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
    text(
        root / "ILSVRC/Annotations" / det / "n01440764_1.xml",
        _xml([(None, (20, 30, 40, 24)), (None, (90, 60, 30, 30))]),
    )
    text(root / "ILSVRC/Annotations" / det / "n01440764_2.xml", "<annotation><object>")
    write(root / "ILSVRC/Data" / det / "n01440764_1.jpg", draw((20, 30, 40, 24)))
    (root / "ILSVRC/Data" / det / "n01440764_1.jpg").rename(root / "ILSVRC/Data" / det / "n01440764_1.JPEG")
    for index, box in enumerate(boxes_of(frames)):
        objects: list[tuple[str | None, tuple[int, int, int, int]]] = [("0", box)]
        if index >= 2:
            objects.append(("1", (100, 70, 20, 20)))
        text(root / "ILSVRC/Annotations" / vid / f"{index:06d}.xml", _xml(objects))
        write(root / "ILSVRC/Data" / vid / f"{index:06d}.jpg", draw(box, index))
        (root / "ILSVRC/Data" / vid / f"{index:06d}.jpg").rename(root / "ILSVRC/Data" / vid / f"{index:06d}.JPEG")
    return root


def make_lasot(root: Path, frames: int = 4) -> Path:
    """LaSOT: airplane-1 is a test video, airplane-2 and bear-3 are not; a frame is out of view."""
    for name in ("airplane-1", "airplane-2", "bear-3"):
        folder = root / name.rpartition("-")[0] / name
        boxes = boxes_of(frames)
        for index, box in enumerate(boxes):
            write(folder / "img" / f"{index + 1:08d}.jpg", draw(box, index))
        text(folder / "groundtruth.txt", rows(boxes))
        text(folder / "full_occlusion.txt", ",".join("0" * frames) + "\n")
        text(folder / "out_of_view.txt", ",".join("0" * (frames - 1) + "1") + "\n")
    return root


def make_trackingnet(root: Path, frames: int = 12) -> Path:
    """TrackingNet: two chunks with one video each; frame 10 of the first was not downloaded."""
    for chunk, name in ((0, "aaa_0"), (1, "bbb_1")):
        boxes = boxes_of(frames, (10, 10))
        for index, box in enumerate(boxes):
            if (chunk, index) != (0, 10):
                write(root / f"TRAIN_{chunk}" / "frames" / name / f"{index}.jpg", draw(box, index))
        text(root / f"TRAIN_{chunk}" / "anno" / f"{name}.txt", rows(boxes))
    return root


def make_youtube_bb(root: Path, *, devkit: bool = False, frames: int = 3) -> Path:
    """YouTube-BB: two segments of one video, one of them not downloaded; an absent row."""
    lines = []
    for thing in (0, 1):
        for index, (x, y, w, h) in enumerate(boxes_of(frames)):
            time = 1000 * index
            shares = f"{x / WIDTH:.6f},{(x + w) / WIDTH:.6f},{y / HEIGHT:.6f},{(y + h) / HEIGHT:.6f}"
            lines.append(f"vid_1,{time},3,dog,{thing},present,{shares}")
            if thing == 0:
                place = (
                    f"youtubebbdevkit/youtubebb2017/JPEGImages/vid_1+3+0+{time}.jpg"
                    if devkit
                    else f"yt_bb_detection_train/3/vid_1_{time}_3_0.jpg"
                )
                write(root / place, draw((x, y, w, h), index))
    lines.append("vid_1,9000,3,dog,0,absent,-1.0,-1.0,-1.0,-1.0")
    text(root / "yt_bb_detection_train.csv", "\n".join(lines) + "\n")
    return root


def crop_as_pysot(image: np.ndarray, box: tuple[float, float, float, float], size: int = 511) -> np.ndarray:
    """What pysot's scripts make of a box: corners of the window on corner pixels of the crop."""
    x, y, w, h = box
    side = ((w + (w + h) / 2) * (h + (w + h) / 2)) ** 0.5 * size / 127
    left, top = x + w / 2 - side / 2, y + h / 2 - side / 2
    factor = (size - 1) / side
    mean = image.mean(axis=(0, 1)).tolist()
    return cv2.warpAffine(
        image, np.array([[factor, 0, -factor * left], [0, factor, -factor * top]]), (size, size), borderValue=mean
    )


def make_crop511(root: Path, frames: int = 3) -> Path:
    """A folder as pysot's scripts leave it, one video with one track; one frame as [w, h], one without area."""
    entries: dict[str, list[float]] = {}
    for index, (x, y, w, h) in enumerate(boxes_of(frames)):
        crop = crop_as_pysot(draw((x, y, w, h), index), (x, y, w, h))
        write(root / "crop511" / "a" / "video" / f"{index:06d}.00.x.jpg", crop)
        entries[f"{index:06d}"] = [w, h] if index == 1 else [x, y, x + w, y + h]
    entries["000009"] = [10, 10, 10, 20]
    text(root / "train.json", json.dumps({"a/video": {"00": entries}}))
    return root


def find_rectangle(crop: np.ndarray) -> np.ndarray | None:
    """(4,) `xyxy` of the red rectangle in a (H, W, 3) crop, to half a pixel; None where there is none."""
    blue, _, red = crop.astype(int).transpose(2, 0, 1)
    # Half-covered border pixels are half red: the sum over a row or column gives the side between pixels.
    share = np.clip((red - blue) / 210.0, 0.0, 1.0)
    share[share < 0.35] = 0.0  # padding takes a little of the rectangle's colour
    if share.max() < 0.8:
        return None
    down, across = share.max(axis=1), share.max(axis=0)
    rows_, columns = np.flatnonzero(down), np.flatnonzero(across)
    return np.array(
        [
            columns[0] + 1 - across[columns[0]],
            rows_[0] + 1 - down[rows_[0]],
            columns[-1] + across[columns[-1]],
            rows_[-1] + down[rows_[-1]],
        ]
    )
