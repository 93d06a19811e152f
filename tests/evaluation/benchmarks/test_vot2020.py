"""VOT2020: workspaces and plain folders, anchors of their own or chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from evaluation.vot.anchors import Anchor
from evaluation.vot.sequence import VotSequence
from evaluation.vot.workspace import find_workspace, write_sequence_folder, write_workspace
from siamcar.errors import ConfigError, DataError
from tests.vot_sequences import SIZE, write_images, write_masks, write_polygons


def make_workspace(folder: Path) -> Path:
    write_workspace(folder / "ws", [write_masks(folder), write_polygons(folder)], "vot2020/shortterm")
    return folder / "ws"


@pytest.mark.parametrize("below", ["", "sequences"])
def test_a_workspace_is_read_as_it_was_written(tmp_path: Path, below: str) -> None:
    workspace = make_workspace(tmp_path)
    benchmark = load_benchmark("vot-st2020", workspace / below)
    assert (benchmark.name, benchmark.protocol, benchmark.convention) == ("VOT2020-ST", "multistart", "vot")
    masks, polygons = (benchmark[name] for name in ("mask", "poly"))
    written = write_masks(tmp_path)
    assert isinstance(masks, VotSequence) and isinstance(polygons, VotSequence)
    assert masks.lines == written.lines and masks.revision == written.revision and masks.size == SIZE
    assert masks.anchors == (Anchor(0), Anchor(20, backward=True)) and not masks.anchors_chosen
    assert masks.ground_truth.shape == (26, 4) and masks.boxes[0].tolist() == [3, 5, 12, 10]
    assert polygons.ground_truth.shape == (26, 8)
    assert polygons.attributes == {"occlusion"} and polygons.frame_attributes["occlusion"].sum() == 1
    np.testing.assert_array_equal(masks.frames.read(5), written.frames.read(5))
    assert benchmark.notes == ()
    late = load_benchmark("vot-rt2020", workspace / below)
    assert (late.name, late.protocol, late.revision) == ("VOT2020-RT", "realtime", benchmark.revision)


def test_anchors_are_chosen_where_there_are_none_and_said(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (workspace / "sequences/mask/anchor.value").unlink()
    benchmark = load_benchmark("vot-st2020", workspace)
    assert benchmark["mask"].anchors == (Anchor(0),)  # type: ignore[attr-defined]
    assert "1 of 2 sequences have no anchor.value (mask)" in benchmark.notes[0]


def test_anchors_and_masks_belong_to_the_revision(tmp_path: Path) -> None:
    before = load_benchmark("vot-st2020", make_workspace(tmp_path))["mask"].revision
    path = tmp_path / "ws/sequences/mask/anchor.value"
    path.write_text("1\n" + "0\n" * 25)
    assert load_benchmark("vot-st2020", tmp_path / "ws")["mask"].revision != before


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    folder = workspace / "sequences"
    (folder / "mask/groundtruth.txt").write_text("1,2,3,4\n5,six\n")
    benchmark = load_benchmark("vot-st2020", workspace)
    assert "groundtruth.txt, line 2" in dict(benchmark.faults)["mask"]
    (folder / "poly/anchor.value").write_text("0\nx\n")
    with pytest.raises(DataError, match="line 2: expected a number, found 'x'"):
        load_benchmark("vot-st2020", workspace)
    (folder / "poly/anchor.value").write_text("1\n" * 27)
    with pytest.raises(DataError, match="27 values for 26 frames"):
        load_benchmark("vot-st2020", workspace)
    (folder / "poly/anchor.value").unlink()
    (folder / "poly/sequence").write_text("fps=29.97\n")
    with pytest.raises(DataError, match="whole number"):
        load_benchmark("vot-st2020", workspace)
    (folder / "poly/sequence").write_text("fps=24\n")
    assert load_benchmark("vot-st2020", workspace)["poly"].fps == 24  # type: ignore[attr-defined]
    (folder / "poly/groundtruth_2.txt").write_text("1,2,3,4\n")
    with pytest.raises(DataError, match="several targets"):
        load_benchmark("vot-st2020", workspace)


def test_an_anchor_without_a_target_is_refused(tmp_path: Path) -> None:
    path = make_workspace(tmp_path) / "sequences/mask/groundtruth.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:20], "0", *lines[21:]]))
    benchmark = load_benchmark("vot-st2020", tmp_path / "ws")
    assert "frame 20 is an anchor, and there is no target" in dict(benchmark.faults)["mask"]


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no sequence in"):
        load_benchmark("vot-st2020", tmp_path)
    (tmp_path / "config.yaml").write_text("- a list\n")
    with pytest.raises(ConfigError, match="names its experiments under 'stack'"):
        load_benchmark("vot-st2020", tmp_path)


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (workspace / "trackers.ini").write_text("[mine]\ncommand = x\n")
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    make_workspace(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*")} == before
    write_workspace(workspace, [write_polygons(tmp_path, "third")], "vot2020/shortterm")
    assert (workspace / "sequences/list.txt").read_text().split() == ["mask", "poly", "third"]


def test_frames_with_other_names_are_linked_one_by_one(tmp_path: Path) -> None:
    frames = write_images(tmp_path / "src", 3)
    moved = [path.rename(path.with_name(f"im{index}.jpeg")) for index, path in enumerate(frames.paths)]
    write_sequence_folder(tmp_path / "seq", moved, {"groundtruth.txt": "1,2,3,4\n" * 3})
    links = sorted((tmp_path / "seq/color").iterdir())
    assert [link.name for link in links] == ["00000001.jpg", "00000002.jpg", "00000003.jpg"]
    assert [link.resolve() for link in links] == moved
    assert "width=64" in (tmp_path / "seq/sequence").read_text()
    moved[0].rename(moved[0].with_suffix(".bmp"))
    with pytest.raises(DataError, match=r"all \.jpg or all \.png"):
        write_sequence_folder(tmp_path / "other", [moved[0].with_suffix(".bmp"), *moved[1:]], {})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_toolkit_reads_what_we_write(tmp_path: Path) -> None:
    pytest.importorskip("vot", reason="the extra 'vot' is not installed")
    from evaluation.vot.toolkit import load_toolkit

    toolkit = load_toolkit()
    space = toolkit.workspace.Workspace.load(str(make_workspace(tmp_path)))
    assert space.dataset.list() == ["mask", "poly"]
    masks = space.dataset["mask"]
    assert (len(masks), masks.size) == (26, SIZE) and masks.groundtruth(0).offset == (3, 5)
    assert [masks.values(frame)["anchor"] for frame in (0, 1, 20)] == [1, 0, -1]
    assert space.dataset["poly"].tags(3) == ["occlusion"]
    assert Path(masks.frame(4).filename()).is_file()
    files = find_workspace(tmp_path / "ws")
    assert files is not None and files.stack == "vot2020/shortterm"
