"""Every source reads its official layout, gives the boxes where the target is, and counts what is faulty."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from siamcar.errors import ConfigError, DataError, UnknownNameError
from siamcar.synthetic import SEED_RANGES
from tests import training_layouts as layouts
from training.settings import SourceSettings
from training.sources import SOURCES, OpenSource, open_sources
from training.sources.lasot_test import TEST_NUMBERS, is_test_video

CASES: dict[str, tuple[Callable[[Path], Path], int, int, int, dict[str, int]]] = {
    # source → layout, videos, tracks, boxes, faults
    "got10k": (layouts.make_got10k, 3, 3, 9, {"target not visible": 6}),
    "coco": (
        layouts.make_coco,
        3,
        6,
        6,
        {"crowd": 4, "box without area": 1, "box outside the frame": 1, "frame absent": 2},
    ),
    "imagenet_det": (layouts.make_imagenet, 1, 2, 2, {"annotation unreadable": 1}),
    "imagenet_vid": (layouts.make_imagenet, 1, 2, 6, {}),
    "lasot": (layouts.make_lasot, 2, 2, 6, {"target not visible": 2}),
    "trackingnet": (layouts.make_trackingnet, 2, 2, 23, {"frame absent": 1}),
    "youtube_bb": (layouts.make_youtube_bb, 1, 1, 3, {"target not visible": 1, "frame absent": 3}),
    "crop511": (layouts.make_crop511, 1, 1, 3, {"box without area": 1}),
}


def open_one(name: str, root: Path, **more: object) -> OpenSource:
    return open_sources([SourceSettings.build({"name": name, "root": str(root), **more}, source="test")])[0]


@pytest.mark.parametrize("name", CASES)
def test_official_layout(name: str, tmp_path: Path) -> None:
    make, videos, tracks, boxes, faults = CASES[name]
    opened = open_one(name, make(tmp_path / "data"))
    index = opened.index
    assert (index.n_videos, index.n_tracks, index.n_entries) == (videos, tracks, boxes)
    assert index.faults == faults
    # The first object of each video is the one that is drawn: its box must be where it is.
    for video in range(videos):
        track = index.video_tracks[video]
        for entry in range(index.track_entries[track], index.track_entries[track + 1]):
            picture = opened.source.load(index.frame_names[int(index.entry_frames[entry])], 1)
            found = layouts.find_rectangle(picture.pixels)
            x, y, w, h = index.boxes[entry].tolist()
            assert found is not None
            tolerance = 3.0 if name == "crop511" else 1.0  # pysot's own crops lie up to a pixel of the frame off
            assert np.abs(found - [x, y, x + w, y + h]).max() < tolerance


def test_every_registered_source_has_a_case() -> None:
    assert set(SOURCES.names()) == set(CASES) | {"synthetic", "crops"}


def test_unknown_source_is_named() -> None:
    with pytest.raises(UnknownNameError, match="got11k"):
        open_sources([SourceSettings(name="got11k", root="/")])


def test_youtube_bb_in_the_devkit_layout(tmp_path: Path) -> None:
    opened = open_one("youtube_bb", layouts.make_youtube_bb(tmp_path, devkit=True))
    assert opened.index.n_entries == 3
    assert "+3+0+" in opened.index.frame_names[0]


def test_crop511_with_shares_of_the_frame_needs_its_shape(tmp_path: Path) -> None:
    root = layouts.make_crop511(tmp_path)
    text = json.loads((root / "train.json").read_text())
    text["a/video"]["00"] = {"000000": [0.1, 0.2, 0.3, 0.5], "000001": [40, 24]}
    (root / "train.json").write_text(json.dumps(text))
    index = open_one("crop511", root).index
    assert index.n_entries == 1
    assert list(index.faults.values()) == [1]
    wide = open_one("crop511", root, options={"frame_aspect": 1.5}).index
    assert wide.n_entries == 2
    assert wide.boxes[0, 2] / wide.boxes[0, 3] == pytest.approx(0.2 * 1.5 / 0.3, rel=1e-5)


def test_lasot_test_videos_are_those_of_the_benchmark() -> None:
    path = Path(__file__).parents[3] / "evaluation/benchmarks/data/lasot.csv"
    with path.open(encoding="utf-8") as file:
        names = [row["sequence"] for row in csv.DictReader(line for line in file if not line.startswith("#"))]
    assert len(names) == sum(map(len, TEST_NUMBERS.values())) == 280
    assert all(map(is_test_video, names))
    assert not is_test_video("airplane-2")


def test_trackingnet_chunks_are_chosen(tmp_path: Path) -> None:
    root = layouts.make_trackingnet(tmp_path)
    assert open_one("trackingnet", root, options={"chunks": [1]}).index.n_entries == 12
    with pytest.raises(DataError, match="TRAIN_7"):
        open_one("trackingnet", root, options={"chunks": [7]})


def test_got10k_root_may_be_the_folder_above(tmp_path: Path) -> None:
    layouts.make_got10k(tmp_path / "GOT-10k" / "train", videos=1)
    assert open_one("got10k", tmp_path).index.n_videos == 1
    assert open_one("got10k", tmp_path / "GOT-10k").index.n_videos == 1


def test_broken_row_and_missing_frames_are_counted(tmp_path: Path) -> None:
    root = layouts.make_got10k(tmp_path, videos=2)
    folder = root / "GOT-10k_Train_000001"
    folder.joinpath("groundtruth.txt").write_text(
        "20,30,40,24\nnonsense\n20,30,40,0\n20,30,40,24\n500,30,40,24\n20,30,40,24\n"
    )
    folder.joinpath("absence.label").unlink()
    folder.joinpath("cover.label").unlink()
    shutil.rmtree(root / "GOT-10k_Train_000002")
    index = open_one("got10k", root).index
    assert index.n_entries == 2
    assert index.faults == {
        "annotation unreadable": 1,
        "box outside the frame": 1,
        "box without area": 2,
        "frame absent": 1,
    }


@pytest.mark.parametrize("name", [name for name in CASES if name != "synthetic"])
def test_empty_and_missing_folders_are_errors(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"empty|nothing"):
        open_one(name, tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        open_one(name, tmp_path / "empty")


def test_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="subsett"):
        open_one("coco", layouts.make_coco(tmp_path), options={"subsett": "val2017"})


def test_source_without_a_folder_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lasot"):
        open_sources([SourceSettings(name="lasot")], data=tmp_path)


def test_folder_is_found_below_the_data_folder(tmp_path: Path) -> None:
    layouts.make_lasot(tmp_path / "LaSOT")
    layouts.make_coco(tmp_path / "photos")
    opened = open_sources([SourceSettings(name="lasot"), SourceSettings(name="coco", root="photos")], data=tmp_path)
    assert [one.index.n_videos for one in opened] == [2, 3]


def test_parts_split_the_videos_by_name(tmp_path: Path) -> None:
    root = layouts.make_got10k(tmp_path, videos=30, frames=1)
    parts = {part: open_one("got10k", root, part=part) for part in ("all", "train", "validation")}
    names = {part: {one.index.video_names[int(v)] for v in one.videos} for part, one in parts.items()}
    assert names["train"] | names["validation"] == names["all"]
    assert not names["train"] & names["validation"]
    assert 1 <= len(names["validation"]) <= 8


def test_synthetic_parts_take_seeds_of_their_own() -> None:
    for part, split in (("train", "training"), ("validation", "validation")):
        opened = open_sources(
            [
                SourceSettings(
                    name="synthetic", part=part, options={"n_scenes": 2, "n_frames": 4, "width": 96, "height": 96}
                )
            ]
        )[0]
        seeds = [int(opened.index.video_names[int(v)]) for v in opened.videos]
        assert len(seeds) == 2
        assert all(seed in SEED_RANGES[split] for seed in seeds)
        assert all(seed not in SEED_RANGES["evaluation"] for seed in seeds)
        picture = opened.source.load(opened.index.frame_names[0], 1)
        assert picture.pixels.shape == (96, 96, 3)
