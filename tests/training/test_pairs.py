"""Pairs: the same whoever draws them, in the tracker's geometry, with boxes that stay on their target."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Subset

from siamcar.config import TrackerConfig
from siamcar.errors import ConfigError, DataError
from siamcar.model.grid import Grid
from siamcar.tracking.crop import cut_search, cut_template
from siamcar.tracking.frames import compute_mean_color
from siamcar.tracking.state import TargetState
from tests import training_layouts as layouts
from training.augment import cut, draw_window
from training.index import is_validation
from training.pairs import PairDataset, _Shot
from training.settings import AugmentSettings, CropAugment, PairSettings, SourceSettings
from training.sources import OpenSource, open_sources
from training.sources.base import Picture

PLAIN = AugmentSettings(template=CropAugment(), search=CropAugment(), color=0.0)
STRAYED = AugmentSettings(
    search=CropAugment(shift=64, scale=0.32, scale_law="exponential", aspect=0.2), color=0.0, flip=0.5
)
ALL = AugmentSettings(
    search=CropAugment(shift=64, scale=0.32, scale_law="exponential", aspect=0.2, blur=0.3),
    flip=0.5, grey=0.3, brightness=0.5, jpeg=0.3, padding=0.5, distractors=0.5, parts=0.5,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[OpenSource]:
    root = tmp_path_factory.mktemp("data")
    layouts.make_got10k(root / "got10k", videos=4)
    layouts.make_coco(root / "coco")
    return open_sources([SourceSettings(name="got10k", frame_range=2), SourceSettings(name="coco")], data=root)


def make(
    sources: list[OpenSource], how: AugmentSettings = ALL, count: int = 16, seed: int = 3, **more: float
) -> PairDataset:
    return PairDataset(sources, PairSettings(pairs_per_epoch=count, **more), how, seed)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in ("template", "search", "box", "positive"))


def test_shapes_and_types(sources: list[OpenSource]) -> None:
    pair = make(sources)[0]
    assert {key: (value.dtype, tuple(value.shape)) for key, value in pair.items()} == {
        "template": (torch.uint8, (3, 127, 127)),
        "search": (torch.uint8, (3, 255, 255)),
        "box": (torch.float32, (4,)),
        "positive": (torch.bool, ()),
    }


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # more than this machine has cores
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_draw_the_same_pairs(sources: list[OpenSource], workers: int) -> None:
    dataset = make(sources, negatives=0.2)
    dataset.set_epoch(2)
    alone = [dataset[i] for i in range(len(dataset))]
    loader = DataLoader(dataset, batch_size=4, num_workers=workers, multiprocessing_context="fork")
    together = [{key: batch[key][row] for key in batch} for batch in loader for row in range(len(batch["box"]))]
    assert len(together) == len(alone)
    assert all(same(*two) for two in zip(alone, together, strict=True))


def test_two_ranks_draw_the_same_pairs(sources: list[OpenSource]) -> None:
    dataset, other = make(sources), make(sources)
    ranks = [Subset(other, range(rank, 16, 2)) for rank in (0, 1)]
    drawn = [[ranks[rank][i] for i in range(8)] for rank in (1, 0)]
    assert all(same(dataset[i], drawn[1 - i % 2][i // 2]) for i in range(16))


def test_persistent_workers_follow_the_epoch(sources: list[OpenSource]) -> None:
    dataset = make(sources, count=4)
    loader = DataLoader(
        dataset, batch_size=None, num_workers=1, persistent_workers=True, multiprocessing_context="fork"
    )
    for epoch in (0, 1):
        dataset.set_epoch(epoch)
        assert all(same(dataset[i], pair) for i, pair in enumerate(loader))


def test_seed_epoch_and_place_all_matter(sources: list[OpenSource]) -> None:
    dataset, other = make(sources), make(sources, seed=4)
    assert same(dataset.make_pair(0, 5), make(sources).make_pair(0, 5))
    for changed in (dataset.make_pair(0, 6), dataset.make_pair(1, 5), other.make_pair(0, 5)):
        assert not same(dataset.make_pair(0, 5), changed)


def test_plain_pair_is_what_the_tracker_cuts(tmp_path: Path) -> None:
    root = tmp_path / "set"
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), (200, 150))
    layouts.write(root / "images" / "a.png", image)
    box = (121.5, 30.25, 50.0, 37.5)  # near the right border: padding is compared too
    layouts.text(
        root / "instances.json",
        '{"images": [{"id": 1, "file_name": "a.png"}],'
        f' "annotations": [{{"id": 1, "image_id": 1, "bbox": {list(box)}}}]}}',
    )
    pair = make(open_sources([SourceSettings(name="coco", root=str(root))]), PLAIN)[0]
    state, color = TargetState.from_box(box), compute_mean_color(image)
    config = TrackerConfig(strategy="refine")
    cuts = {"template": cut_template(image, state, config, color), "search": cut_search(image, state, config, color)}
    for key, expected in cuts.items():
        difference = np.abs(pair[key].numpy().transpose(1, 2, 0).astype(int) - expected)
        assert difference.max() <= 4  # OpenCV rounds positions to 1/32 pixel, from the tracker's cut-out or from 0
        assert difference.mean() < 0.1
    scale = state.compute_scale(config)
    half = np.array([box[2], box[3]]) * scale / 2
    assert pair["box"].numpy() == pytest.approx([127.5 - half[0], 127.5 - half[1], 127.5 + half[0], 127.5 + half[1]])
    # The middle cell of the network's own grid lies in the middle of the box.
    middle = Grid(size=25, stride=8, offset=31.0).coordinates()[12] + 0.5
    assert (pair["box"][0] + pair["box"][2]).item() / 2 == pytest.approx(middle)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_box_stays_on_the_target(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, h = rng.integers(16, 90, 2).tolist()
    x, y = int(rng.integers(0, 300 - w)), int(rng.integers(0, 220 - h))
    picture = Picture.of_frame(layouts.draw((x, y, w, h), seed, (300, 220)))
    box = np.array([x, y, w, h], dtype=np.float64)
    window = draw_window(box, 255, 127, STRAYED.search, rng, mirrored=bool(seed % 2))
    found = layouts.find_rectangle(cut(picture, window))
    expected = window.map_box(box)
    assert found is not None
    assert np.abs(found - np.clip(expected, 0, 255)).max() < 1.0


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_released_law_stays_within_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    box = np.array([40.0, 30.0, 60.0, 20.0])
    side = math.sqrt((60 + 40) * (20 + 40))  # of the template, in picture pixels
    how = AugmentSettings().search
    window = draw_window(box, 255, 127, how, rng)
    factors = np.array([window.width, window.height]) / (side * 255 / 127)
    assert (np.abs(factors - 1) <= 0.18 + 1e-9).all()
    assert factors[0] != factors[1]
    moved = np.array([window.left + window.width / 2 - 70, window.top + window.height / 2 - 40]) * 127 / side
    assert (np.abs(moved) <= 64 + 1e-9).all()


def test_flip_mirrors_both_crops(sources: list[OpenSource]) -> None:
    plain, flipped = make(sources, PLAIN), make(sources, PLAIN.model_copy(update={"flip": 1.0}))
    for index in range(4):
        one, two = plain[index], flipped[index]
        assert (one["template"].flip(2).int() - two["template"].int()).abs().max() <= 1
        assert (one["search"].flip(2).int() - two["search"].int()).abs().max() <= 1
        x1, y1, x2, y2 = one["box"].tolist()
        assert two["box"].tolist() == pytest.approx([255 - x2, y1, 255 - x1, y2], abs=1e-3)


def test_grey_leaves_no_colour(sources: list[OpenSource]) -> None:
    pair = make(sources, PLAIN.model_copy(update={"grey": 1.0}))[0]
    for key in ("template", "search"):
        assert pair[key].float().std(dim=0).max() == 0


def test_frame_range_limits_the_distance(sources: list[OpenSource]) -> None:
    dataset = make(sources[:1], count=300)
    distances = set()
    for index in range(300):
        pair = dataset.describe(index)
        # Frames 3 and 4 of 1–5 are left out: the usable ones are numbered through.
        places = [{1: 0, 2: 1, 5: 2}[int(Path(frame).stem)] for _, frame in (pair.template, pair.search)]
        assert Path(pair.template[1]).parent == Path(pair.search[1]).parent
        distances.add(abs(places[0] - places[1]))
    assert distances == {0, 1, 2}


def test_negatives_show_another_track(sources: list[OpenSource]) -> None:
    assert all(make(sources)[i]["positive"] for i in range(16))
    dataset = make(sources[:1], negatives=0.5, count=200)
    found = [dataset.describe(i) for i in range(200)]
    negative = [pair for pair in found if not pair.positive]
    assert 70 < len(negative) < 130
    assert all(Path(pair.template[1]).parent != Path(pair.search[1]).parent for pair in negative)
    index = next(i for i, pair in enumerate(found) if not pair.positive)
    assert not dataset[index]["positive"]


def test_one_track_alone_gives_no_negatives_and_no_distractors(tmp_path: Path) -> None:
    opened = open_sources([SourceSettings(name="got10k", root=str(layouts.make_got10k(tmp_path, videos=1)))])
    dataset = make(opened, PLAIN, negatives=1.0)
    assert all(dataset.describe(i).positive and dataset[i]["positive"] for i in range(16))
    with_copies = make(opened, PLAIN.model_copy(update={"distractors": 1.0, "padding": 1.0}))
    plain = make(opened, PLAIN)
    assert all(same(with_copies[i], plain[i]) for i in range(16))


def test_others_are_never_the_pair_s_own_target(sources: list[OpenSource]) -> None:
    dataset = make(sources, count=40)
    rng = np.random.default_rng(0)
    for index in range(40):
        shots = dataset._draw_shots(0, index, rng, 0)[:2]
        for elsewhere in (False, True):
            other = dataset._draw_other(0, rng, shots, elsewhere=elsewhere)
            assert other is not None
            assert all(_belongs_to(dataset, other, elsewhere) != _belongs_to(dataset, one, elsewhere) for one in shots)


def _belongs_to(dataset: PairDataset, shot: _Shot, video: bool) -> tuple[int, int]:
    index = dataset.sources[shot.source].index
    track = next(t for t in range(index.n_tracks) if index.track_entries[t] <= shot.entry < index.track_entries[t + 1])
    if not video:
        return shot.source, track
    return shot.source, next(v for v in range(index.n_videos) if track < index.video_tracks[v + 1])


def test_unreadable_pictures_are_replaced_and_counted(tmp_path: Path) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    opened = open_sources([SourceSettings(name="coco", root=str(root))])
    broken = root / "train2017" / "000000000001.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    dataset = make(opened, count=30)
    pairs = [dataset[i] for i in range(30)]
    assert len(pairs) == 30
    counted = dataset.count_faults()["coco"]["image unreadable"]
    assert counted >= 8
    again = make(opened, count=30)
    assert all(same(pairs[i], again[i]) for i in range(30))
    loader = DataLoader(again, batch_size=None, num_workers=1, multiprocessing_context="fork")
    assert len(list(loader)) == 30
    assert again.count_faults()["coco"]["image unreadable"] == 2 * counted
    for path in (root / "train2017").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="in a row"):
        make(opened)[0]


def test_box_beyond_the_decoded_image_is_counted(tmp_path: Path) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    opened = open_sources([SourceSettings(name="coco", root=str(root))])
    # The annotations say 160 × 120: the file is smaller, so the object at 90, 60 lies outside.
    for path in (root / "train2017").iterdir():
        layouts.write(path, layouts.draw((20, 30, 40, 24), 0, (80, 58)))
    dataset = make(opened, PLAIN, count=20)
    for index in range(20):
        assert layouts.find_rectangle(dataset[index]["search"].numpy().transpose(1, 2, 0)) is not None
    assert dataset.count_faults()["coco"]["box outside the image"] > 0


def test_smaller_decoding_keeps_the_geometry(tmp_path: Path) -> None:
    root = tmp_path / "set"
    layouts.write(root / "images" / "a.jpg", layouts.draw((400, 300, 700, 500), 0, (1601, 1203)))
    layouts.text(
        root / "instances.json",
        '{"images": [{"id": 1, "file_name": "a.jpg"}],'
        ' "annotations": [{"id": 1, "image_id": 1, "bbox": [400, 300, 700, 500]}]}',
    )
    sources = open_sources([SourceSettings(name="coco", root=str(root))])
    dataset = make(sources, PLAIN)
    load, reductions = sources[0].source.load, []
    sources[0].source.load = lambda frame, reduction: reductions.append(reduction) or load(frame, reduction)  # type: ignore[method-assign,assignment,func-returns-value]
    pair = dataset[0]
    assert reductions == [4]
    found = layouts.find_rectangle(pair["search"].numpy().transpose(1, 2, 0))
    assert found is not None
    assert np.abs(found - pair["box"].numpy()).max() < 1.0


def test_kept_frames_change_nothing(sources: list[OpenSource]) -> None:
    plain, kept, small = make(sources), make(sources, cache_gib=0.01), make(sources, cache_gib=1e-4)
    for _ in range(2):
        for index in range(8):
            assert same(plain[index], kept[index])
            assert same(plain[index], small[index])


def test_static_clips_are_drawn_less(tmp_path: Path) -> None:
    root = layouts.make_got10k(tmp_path, videos=4)
    names = [f"GOT-10k_Train_{n + 1:06d}" for n in range(4)]
    (root / names[0] / "groundtruth.txt").write_text("20,30,40,24\n" * 5)
    opened = open_sources([SourceSettings(name="got10k", root=str(root), static_weight=0.2, num_use=320)])
    dataset = make(opened, count=320)
    drawn = [Path(dataset.describe(i).template[1]).parent.name for i in range(320)]
    assert {name: drawn.count(name) for name in names} == {names[0]: 20, **dict.fromkeys(names[1:], 100)}


def test_weights_and_passes(sources: list[OpenSource]) -> None:
    settings_ = [SourceSettings(name="got10k", num_use=6, weight=2.0), SourceSettings(name="coco")]
    opened = [OpenSource(s, o.source, o.index, o.videos, o.weights) for s, o in zip(settings_, sources, strict=True)]
    dataset = make(opened, count=45)  # a pass has 2 · 6 + 3 pairs
    drawn = [dataset.describe(i).template for i in range(45)]
    for start in (0, 15, 30):
        pass_ = drawn[start : start + 15]
        videos = [Path(frame).parent.name for name, frame in pass_ if name == "got10k"]
        assert sorted(videos.count(name) for name in set(videos)) == [3, 3, 3, 3]
        assert len({frame for name, frame in pass_ if name == "coco"}) == 3
    # Passes go on where an epoch ends.
    short = make(opened, count=9)
    assert [short.describe_pair(i // 9, i % 9).template[0] for i in range(45)] == [name for name, _ in drawn]


def test_wrong_arguments(sources: list[OpenSource]) -> None:
    with pytest.raises(ConfigError, match="at least one source"):
        make([])
    with pytest.raises(ConfigError, match="seed"):
        make(sources, seed=-1)
    with pytest.raises(IndexError):
        make(sources)[16]


def test_shared_videos_give_pairs(shared: Path) -> None:
    data = shared / "data" / "train"
    if not data.is_dir():
        pytest.skip("shared data is not here")
    opened = open_sources(
        [
            SourceSettings(name="got10k", root="videos", part="train", frame_range=10),
            SourceSettings(name="coco", root="photos", part="train"),
        ],
        data=data,
    )
    assert [one.index.n_videos for one in opened] == [164, 2576]
    held_out = {name for v in range(164) if is_validation(name := opened[0].index.video_names[v])}
    assert len(held_out) == 164 - len(opened[0].videos)
    dataset = make(opened, count=40)
    for index in range(40):
        assert Path(dataset.describe(index).template[1]).parts[0] not in held_out
        x1, y1, x2, y2 = dataset[index]["box"].tolist()
        assert x1 < 255 and y1 < 255 and x2 > 0 and y2 > 0
    assert dataset.count_faults() == {}
