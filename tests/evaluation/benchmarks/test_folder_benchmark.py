"""A user's own data, in every layout that is known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from siamcar.errors import ConfigError, DataError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]

POLYGON = "1,2,9,2,9,8,1,8\n"


def write_layout(layout: str, folder: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    """Three frames in a layout."""
    images = {"otb": "img", "vot": "color", "got10k": "", "frames": "images"}[layout]
    truth = {"otb": "groundtruth_rect.txt", "frames": "boxes.txt"}.get(layout, "groundtruth.txt")
    write_frames(folder / images, range(1, 4))
    write_boxes(folder / truth, range(1, 4))


@pytest.mark.parametrize("layout", ["otb", "vot", "got10k", "frames"])
def test_each_layout_is_found_and_can_be_insisted_on(
    tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes, layout: str
) -> None:
    write_layout(layout, tmp_path / "Mine/dog", write_frames, write_boxes)
    (tmp_path / "Mine/notes").mkdir()
    for chosen in ("auto", layout):
        benchmark = load_benchmark("folder", tmp_path / "Mine", layout=chosen)
        assert (benchmark.name, benchmark.convention, benchmark.origin) == ("Mine", "otb", 0)
        (dog,) = benchmark
        assert dog.name == "dog"
        assert dog.ground_truth.tolist() == [[1, 20, 30, 40], [2, 20, 30, 40], [3, 20, 30, 40]]
        assert dog.frames.read(2).shape == (4, 6, 3)
        assert (benchmark.missing, benchmark.faults) == ((), ())
    alone = load_benchmark("folder", tmp_path / "Mine/dog")
    assert (alone.name, [sequence.name for sequence in alone]) == ("dog", ["dog"])
    other = "vot" if layout != "vot" else "otb"
    with pytest.raises(DataError, match="holds images and no ground truth"):
        load_benchmark("folder", tmp_path / "Mine", layout=other)


def test_layouts_may_be_mixed(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    for layout in ("otb", "vot", "got10k", "frames"):
        write_layout(layout, tmp_path / layout, write_frames, write_boxes)
    assert [sequence.name for sequence in load_benchmark("folder", tmp_path)] == ["frames", "got10k", "otb", "vot"]


def test_conventions_of_coordinates(tmp_path: Path, write_frames: WriteFrames) -> None:
    write_frames(tmp_path / "dog", range(1, 3))
    (tmp_path / "dog/groundtruth.txt").write_text("10 20 30 50\n11 20 31 50\n")
    # as from the command line, where values are text
    benchmark = load_benchmark("folder", tmp_path, format="xyxy", origin="1")
    assert benchmark.origin == 1
    assert benchmark["dog"].ground_truth.tolist() == [[10, 20, 20, 30], [11, 20, 20, 30]]
    for wrong in ({"format": "cxcywh"}, {"origin": 2}, {"layout": "coco"}, {"colour": 1}):
        with pytest.raises(ConfigError):
            load_benchmark("folder", tmp_path, **wrong)


def test_several_targets_of_one_folder(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_frames(tmp_path / "run/img", range(1, 4))
    for file, start in (("groundtruth_rect.txt", 1), ("groundtruth_rect.1.txt", 1), ("groundtruth_rect.2.txt", 5)):
        write_boxes(tmp_path / "run" / file, range(start, start + 3))
    benchmark = load_benchmark("folder", tmp_path)
    assert {sequence.name: sequence.ground_truth[0, 0] for sequence in benchmark} == {"run-1": 1, "run-2": 5}


def test_files_beside_the_boxes(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    for layout in ("otb", "vot", "got10k"):
        write_layout(layout, tmp_path / layout, write_frames, write_boxes)
    (tmp_path / "otb/out_of_view.txt").write_text("0,1,0")
    (tmp_path / "otb/attrs.txt").write_text("SV, FM")
    (tmp_path / "vot/groundtruth.txt").write_text(POLYGON * 3)
    (tmp_path / "vot/occlusion.tag").write_text("0\n0\n1\n")
    (tmp_path / "got10k/cover.label").write_text("8\n0\n4\n")
    (tmp_path / "attributes.txt").write_text("otb:\tnight\n\ngot10k\train, night\n\n")
    benchmark = load_benchmark("folder", tmp_path)
    assert benchmark.faults == ()
    otb, vot, got10k = (benchmark[name] for name in ("otb", "vot", "got10k"))
    assert otb.visible is not None and otb.visible.tolist() == [True, False, True]
    assert (otb.attributes, got10k.attributes) == ({"SV", "FM", "night"}, {"rain", "night"})
    assert vot.ground_truth.shape == (3, 8)
    assert vot.frame_attributes["occlusion"].tolist() == [0, 0, 1]
    assert got10k.cover is not None and got10k.cover.tolist() == [8, 0, 4]
    (tmp_path / "other.txt").write_text("vot: snow")
    assert load_benchmark("folder", tmp_path, attributes=str(tmp_path / "other.txt")).attributes == [
        "FM", "SV", "occlusion", "snow",
    ]  # fmt: skip
    (tmp_path / "other.txt").write_text("vot: snow\ngot10: snow")
    with pytest.raises(DataError, match=r"'got10', which .* does not hold") as told:
        load_benchmark("folder", tmp_path, attributes=str(tmp_path / "other.txt"))
    assert "Did you mean got10k" in told.value.hint
    (tmp_path / "other.txt").write_text("vot snow")
    with pytest.raises(DataError, match="line 1: 'sequence: A, B' was expected"):
        load_benchmark("folder", tmp_path, attributes=str(tmp_path / "other.txt"))


def write_masks(folder: Path, empty: int, depth: type[np.generic] = np.uint8) -> None:
    folder.mkdir(parents=True)
    for index in range(3):
        mask = np.zeros((48, 64), depth)
        if index != empty:
            mask[10 : 20 + index, 5:15] = 1 + index
        cv2.imwrite(str(folder / f"{index:05}.png"), mask)


@pytest.mark.parametrize("origin", [0, 1])
def test_masks(tmp_path: Path, write_frames: WriteFrames, origin: int) -> None:
    write_frames(tmp_path / "dog/img", range(3), digits=5)
    write_masks(tmp_path / "dog/mask", empty=1)
    benchmark = load_benchmark("folder", tmp_path, origin=origin)
    # masks are pixels; the runner takes the origin off again
    np.testing.assert_array_equal(
        benchmark["dog"].ground_truth,
        [[5 + origin, 10 + origin, 10, 10], [np.nan] * 4, [5 + origin, 10 + origin, 10, 12]],
    )
    write_masks(tmp_path / "dog/masks", 1, np.uint16)
    shutil.rmtree(tmp_path / "dog/mask")  # labels 1 and 3 of 65,535 are labels
    again = load_benchmark("folder", tmp_path, origin=origin)
    np.testing.assert_array_equal(again["dog"].ground_truth, benchmark["dog"].ground_truth)
    (tmp_path / "dog/masks/00002.png").unlink()
    with pytest.raises(DataError, match="1 of 3 frames have no mask"):
        load_benchmark("folder", tmp_path)


def test_a_first_box_alone_can_be_run(tmp_path: Path, write_frames: WriteFrames) -> None:
    for number in (0, 3, 6):
        write_frames(tmp_path / "clip", [number])
    (tmp_path / "clip.txt").write_text("1,2,3,4")
    benchmark = load_benchmark("folder", tmp_path)
    assert not benchmark.scorable
    assert len(benchmark["clip"]) == 3  # a stride in the numbers is the user's own


def test_names_with_a_prefix(tmp_path: Path, write_frames: WriteFrames) -> None:
    write_frames(tmp_path / "clip", [2, 10], digits=1)
    for path in (tmp_path / "clip").iterdir():
        path.rename(path.with_name(f"frame_{path.name}"))
    (tmp_path / "clip/clip.txt").write_text("1,2,3,4\n2,2,3,4\n")
    frames = load_benchmark("folder", tmp_path)["clip"].frames
    assert [Path(str(frames.path(index))).name for index in range(2)] == ["frame_2.jpg", "frame_10.jpg"]


def test_a_list_names_the_sequences(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    for name in ("a", "b", "my dog"):
        write_layout("got10k", tmp_path / name, write_frames, write_boxes)
    (tmp_path / "list.txt").write_text("my dog\r\na/\n\nz\n")
    benchmark = load_benchmark("folder", tmp_path)
    assert ([sequence.name for sequence in benchmark], benchmark.missing) == (["my dog", "a"], ("z",))


def test_faults(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    for name in ("a", "b", "c", "d"):
        write_layout("frames", tmp_path / name, write_frames, write_boxes)
    write_boxes(tmp_path / "b/boxes.txt", [1, 2])
    write_boxes(tmp_path / "c/others.txt", [1, 2, 3])  # which of the two?
    (tmp_path / "d/boxes.txt").write_text("0,0,0,0\n" * 3)
    benchmark = load_benchmark("folder", tmp_path)
    assert [sequence.name for sequence in benchmark] == ["a"]
    faults = dict(benchmark.faults)
    assert set(faults) == {"b", "c", "d"}
    assert "found 2" in faults["b"]
    assert "boxes.txt, others.txt" in faults["c"]
    assert "a tracker starts from the box" in faults["d"]
    assert benchmark.short == ("b",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no sequence that can be used"):
        load_benchmark("folder", tmp_path / "empty")


def test_real_folders(shared: Path) -> None:
    sequences = shared / "data/sequences"
    davis = load_benchmark("folder", sequences / "DAVIS2016")
    assert (davis.name, len(davis), davis.faults) == ("DAVIS2016", 6, ())
    vot = load_benchmark("folder", sequences / "VOT2018", layout="vot")
    official = load_benchmark("vot2018", sequences)
    assert {sequence.revision for sequence in vot} == {sequence.revision for sequence in official}
    otb = load_benchmark("folder", sequences / "OTB100", origin=1)
    assert otb["Jogging-2"].revision == load_benchmark("otb100", sequences)["Jogging-2"].revision
    assert otb["Crossing"].attributes == {"SV", "DEF", "FM", "OPR", "BC"}
    train = load_benchmark("folder", shared / "data/train/videos", layout="got10k")
    assert (len(train), sum(map(len, train))) == (164, 3586)
    assert all(sequence.cover is not None for sequence in train)


def test_masks_are_the_boxes_made_of_them(shared: Path, tmp_path: Path) -> None:
    source = shared / "data/sequences/DAVIS2016/dog"
    (tmp_path / "dog").mkdir()
    for part in ("img", "mask"):
        (tmp_path / "dog" / part).symlink_to(source / part)
    masks = load_benchmark("folder", tmp_path)["dog"].ground_truth
    np.testing.assert_array_equal(masks, load_benchmark("folder", source)["dog"].ground_truth)
