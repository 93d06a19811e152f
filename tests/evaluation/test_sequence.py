"""Sequences, their frames, and benchmarks."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.sequence import AbsentFrames, FrameSource
from siamcar.errors import DataError, UnknownNameError
from tests.helpers import make_benchmark, make_sequence, write_frames


def test_image_frames_decode_to_bgr(tmp_path: Path) -> None:
    frames = write_frames(tmp_path, 3, ".png")
    assert isinstance(frames, FrameSource)
    assert len(frames) == 3
    image = frames.read(1)
    assert image.shape == (48, 64, 3) and image.dtype == np.uint8
    assert pickle.loads(pickle.dumps(frames)) == frames


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "truncated"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"not an image"), "not an image"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_a_frame_that_cannot_be_decoded_is_named(tmp_path: Path, damage: object, word: str) -> None:
    frames = write_frames(tmp_path, 3)
    damage(frames.paths[2])  # type: ignore[operator]
    with pytest.raises(DataError) as caught:
        frames.read(2)
    assert "Frame 2" in caught.value.message
    assert str(frames.paths[2]) in caught.value.message
    assert word in caught.value.message


@pytest.mark.parametrize(("rows", "word"), [(5, "shorter"), (7, "longer")])
def test_ground_truth_that_does_not_fit(rows: int, word: str) -> None:
    with pytest.raises(DataError, match=f"{word}.*{rows} rows for 6 frames"):
        make_sequence(count=6, ground_truth=np.ones((rows, 4)))


def test_other_parts_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="visible"):
        make_sequence(count=6, visible=np.ones(5, bool))
    with pytest.raises(DataError, match="occlusion"):
        make_sequence(count=6, frame_attributes={"occlusion": np.zeros(7)})
    with pytest.raises(DataError, match="four numbers"):
        make_sequence(count=6, ground_truth=np.ones((6, 5)))
    with pytest.raises(DataError, match="no frames"):
        make_sequence(count=0, ground_truth=np.ones((0, 4)))


def test_ground_truth_is_kept_apart_and_read_only() -> None:
    truth = np.ones((6, 4))
    sequence = make_sequence(count=6, ground_truth=truth)
    truth[0] = 9
    assert sequence.ground_truth[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        sequence.ground_truth[0] = 5


def test_polygons_become_enclosing_boxes() -> None:
    polygons = np.tile([0.0, 1, 4, 1, 4, 6, 0, 6], (6, 1))
    np.testing.assert_array_equal(make_sequence(count=6, ground_truth=polygons).boxes[2], [0, 1, 4, 5])


def test_revision_depends_on_what_the_task_is() -> None:
    benchmark = make_benchmark()
    assert benchmark.revision == make_benchmark().revision
    assert benchmark.revision == make_benchmark({"long": 9, "short": 4, "middle": 6}).revision
    assert benchmark.revision != make_benchmark({"short": 4, "long": 10, "middle": 6}).revision
    assert benchmark.revision != make_benchmark({"shart": 4, "long": 9, "middle": 6}).revision
    moved = make_sequence(count=6, ground_truth=make_sequence(count=6).ground_truth + 1e-9)
    assert moved.revision != make_sequence(count=6).revision
    signed = make_sequence(count=6, ground_truth=np.zeros((6, 4)))
    assert signed.revision == make_sequence(count=6, ground_truth=-np.zeros((6, 4))).revision


def test_selection_keeps_order_and_names_unknown_sequences() -> None:
    benchmark = make_benchmark()
    assert [one.name for one in benchmark.select(["middle", "short"])] == ["middle", "short"]
    assert [one.name for one in benchmark.select(limit=2)] == ["short", "long"]
    with pytest.raises(UnknownNameError, match="midle"):
        benchmark.select(["midle"])


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(DataError, match="twice"):
        type(make_benchmark())(name="Toy", sequences=(make_sequence("a"), make_sequence("a")), convention="otb")


def test_cover_and_size() -> None:
    sequence = make_sequence(count=3, cover=np.array([8, 0, 3]), size=(64, 48))
    assert sequence.cover is not None
    assert sequence.revision == make_sequence(count=3).revision
    with pytest.raises(DataError, match="cover"):
        make_sequence(count=3, cover=np.array([8, 9, 3]))
    with pytest.raises(DataError, match="'cover' has shape"):
        make_sequence(count=3, cover=np.array([8, 8]))
    with pytest.raises(DataError, match="width, height"):
        make_sequence(count=3, size=(0, 48))


def test_hidden_truth_is_the_first_box_alone() -> None:
    truth = np.full((3, 4), np.nan)
    truth[0] = [1, 2, 3, 4]
    hidden = make_sequence(count=3, ground_truth=truth, hidden_truth=True)
    benchmark = make_benchmark()
    benchmark.require_truth()
    assert benchmark.scorable
    both = replace(benchmark, sequences=(*benchmark.sequences, hidden))
    both.require_truth()  # one hidden sequence is a fault of its own
    assert both.scorable
    alone = replace(benchmark, sequences=(hidden,))
    assert not alone.scorable
    with pytest.raises(DataError, match="hidden"):
        alone.require_truth()
    with pytest.raises(DataError, match="more than one box"):
        make_sequence(count=3, hidden_truth=True)


def test_annotations_have_a_length_and_no_images() -> None:
    frames = AbsentFrames(6)
    assert isinstance(frames, FrameSource)
    sequence = make_sequence(count=6, frames=frames)
    assert (len(sequence), sequence.frames.path(0)) == (6, None)
    with pytest.raises(DataError, match="only annotations are at hand"):
        sequence.frames.read(0)
    assert sequence.revision == make_sequence(count=6).revision
