"""Crops in shards: the same bytes however they are made, and nearly the same pairs as without them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from siamcar.errors import ConfigError, DataError
from tests import training_layouts as layouts
from training.cache import write_crops
from training.pairs import PairDataset
from training.settings import AugmentSettings, CropAugment, PairSettings, SourceSettings
from training.sources import OpenSource, open_sources


def open_one(name: str, root: Path, **more: object) -> OpenSource:
    return open_sources([SourceSettings.build({"name": name, "root": str(root), **more}, source="test")])[0]


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> OpenSource:
    return open_one("coco", layouts.make_coco(tmp_path_factory.mktemp("coco"), images=6))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_bytes_do_not_depend_on_workers(coco: OpenSource, tmp_path: Path) -> None:
    first = write_crops(coco, tmp_path / "a", size=255, workers=1)
    again = write_crops(coco, tmp_path / "b", size=255, workers=3)
    assert first == again
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert first.crops == coco.index.n_entries
    assert set(content(tmp_path / "a")) == {"crops.json", "crops.npz", "crops-00000.bin"}


def test_pairs_are_nearly_those_of_the_frames(coco: OpenSource, tmp_path: Path) -> None:
    write_crops(coco, tmp_path / "crops", quality=100)
    crops = open_one("crops", tmp_path / "crops")
    assert crops.index.video_names[:] == coco.index.video_names[:]
    assert crops.index.n_tracks == coco.index.n_tracks
    how = AugmentSettings(search=CropAugment(shift=40, scale=0.18), color=0.0)
    pairs = PairSettings(pairs_per_epoch=12)
    direct, cached = PairDataset([coco], pairs, how, 1), PairDataset([crops], pairs, how, 1)
    for index in range(12):
        one, two = direct[index], cached[index]
        assert two["box"].numpy() == pytest.approx(one["box"].numpy(), abs=1e-2)
        for key in ("template", "search"):
            difference = (one[key].int() - two[key].int()).abs().float()
            assert difference.mean() < 6  # the noise of the background is sampled twice


def test_crops_do_not_tell_what_is_static(coco: OpenSource, tmp_path: Path) -> None:
    write_crops(coco, tmp_path / "crops", size=255)
    with pytest.raises(ConfigError, match="whether it moved cannot be seen"):
        open_one("crops", tmp_path / "crops", static_weight=0.5)


def test_padding_is_known_in_crops(coco: OpenSource, tmp_path: Path) -> None:
    write_crops(coco, tmp_path / "crops")
    how = AugmentSettings(template=CropAugment(), search=CropAugment(), color=0.0, padding=1.0)
    dataset = PairDataset([open_one("crops", tmp_path / "crops")], PairSettings(pairs_per_epoch=6), how, 1)
    plain = PairDataset(dataset.sources, PairSettings(pairs_per_epoch=6), how.model_copy(update={"padding": 0.0}), 1)
    for index in range(6):
        filled, empty = dataset[index]["search"].numpy(), plain[index]["search"].numpy()
        changed = (filled != empty).any(axis=0)
        assert changed.any()
        # What changed was one colour before: the mean of a frame, but for a seam of compressed pixels.
        colors = empty[:, changed].astype(int)
        assert (np.abs(colors - np.median(colors, axis=1, keepdims=True)).max(axis=0) <= 6).mean() > 0.9


def test_shards_are_split_and_read_across(coco: OpenSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.cache._MIB", 30_000)
    summary = write_crops(coco, tmp_path / "crops", size=255, shard_mib=1)
    assert summary.shards > 2
    crops = open_one("crops", tmp_path / "crops")
    for number in range(summary.crops):
        assert crops.source.load(str(number), 1).pixels.shape == (255, 255, 3)


def test_part_alone_is_written(tmp_path: Path) -> None:
    root = layouts.make_got10k(tmp_path / "got", videos=25, frames=1)
    parts = {}
    for part in ("train", "validation"):
        opened = open_one("got10k", root, part=part)
        write_crops(opened, tmp_path / part, size=127)
        parts[part] = set(open_one("crops", tmp_path / part).index.video_names[:])
        assert parts[part] == {opened.index.video_names[int(v)] for v in opened.videos}
    assert not parts["train"] & parts["validation"]


def test_unreadable_pictures_are_left_out(tmp_path: Path) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    opened = open_one("coco", root)
    (root / "train2017" / "000000000001.jpg").write_bytes(b"nothing")
    assert write_crops(opened, tmp_path / "crops", size=127).skipped == 2
    for path in (root / "train2017").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="Not one picture"):
        write_crops(opened, tmp_path / "none", size=127)


def test_folder_with_crops_is_not_overwritten(coco: OpenSource, tmp_path: Path) -> None:
    write_crops(coco, tmp_path, size=127)
    before = content(tmp_path)
    with pytest.raises(ConfigError, match="holds crops already"):
        write_crops(coco, tmp_path, size=255)
    assert content(tmp_path) == before
    with pytest.raises(ConfigError, match="at least 127"):
        write_crops(coco, tmp_path / "new", size=100)


def test_interrupted_write_leaves_nothing_that_is_read(coco: OpenSource, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_crops(coco, tmp_path / "crops", size=127, progress=stop)
    assert content(tmp_path / "crops") == {}
    with pytest.raises(DataError, match=r"crops\.json"):
        open_one("crops", tmp_path / "crops")
    write_crops(coco, tmp_path / "crops", size=127)


def test_damaged_folders_are_explained(coco: OpenSource, tmp_path: Path) -> None:
    write_crops(coco, tmp_path, size=127)
    shard = tmp_path / "crops-00000.bin"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="should have"):
        open_one("crops", tmp_path)
    shard.write_bytes(whole)
    description = json.loads((tmp_path / "crops.json").read_text())
    (tmp_path / "crops.json").write_text(json.dumps({**description, "format": 99}))
    with pytest.raises(DataError, match="format 99"):
        open_one("crops", tmp_path)


def test_crops_travel_to_spawned_workers(coco: OpenSource, tmp_path: Path) -> None:
    write_crops(coco, tmp_path, size=127)
    crops = open_one("crops", tmp_path)
    crops.source.load("0", 1)
    for source in (crops, coco):
        dataset = PairDataset([source], PairSettings(pairs_per_epoch=4, cache_gib=1e-3), AugmentSettings(), 0)
        dataset[0]
        again = pickle.loads(pickle.dumps([source.source, dataset._store]))
        frame = source.index.frame_names[0]
        assert np.array_equal(again[0].load(frame, 1).pixels, source.source.load(frame, 1).pixels)
        assert again[1].get((0, 0, 1)) is None


def test_pysot_crops_give_the_pairs_of_the_frames(tmp_path: Path) -> None:
    """pysot counts pixel centres: its crop of a box is that of the box half a pixel further, and 1 in 511 smaller."""
    box = (60, 50, 48, 40)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC)
    layouts.write(tmp_path / "coco" / "images" / "a.png", image)
    entry = {"id": 1, "image_id": 1, "bbox": [box[0] + 0.5, box[1] + 0.5, box[2], box[3]]}
    layouts.text(
        tmp_path / "coco" / "instances.json",
        json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": [entry]}),
    )
    layouts.write(tmp_path / "pysot/crop511/a/000000.00.x.jpg", layouts.crop_as_pysot(image, box))
    corners = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    layouts.text(tmp_path / "pysot/train.json", json.dumps({"a": {"00": {"000000": corners}}}))
    how = AugmentSettings(search=CropAugment(shift=20, scale=0.18), color=0.0)
    direct, cropped = (
        PairDataset([open_one(name, tmp_path / folder)], PairSettings(pairs_per_epoch=4), how, 1)
        for name, folder in (("coco", "coco"), ("crop511", "pysot"))
    )
    for index in range(4):
        one, two = direct[index], cropped[index]
        assert two["box"].numpy() == pytest.approx(one["box"].numpy(), abs=1e-2)
        for key in ("template", "search"):
            apart = (one[key].int() - two[key].int()).abs().float().mean()
            moved = (one[key][:, :, 1:].int() - two[key][:, :, :-1].int()).abs().float().mean()
            assert apart < 2
            assert apart < moved  # not even a pixel of the crop apart
