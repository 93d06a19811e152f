"""Workspaces over local data."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from evaluation.vot.reading import find_sequence_folders, read_sequence_folder
from integrations.vot.toolkit import Stack, Toolkit, load_stack
from integrations.vot.workspace import create_workspace, find_sequences, load_workspace
from siamcar.errors import ConfigError, DataError

TOOLKIT = Toolkit(Path("python"), Version("0.7.4"), Path("/nowhere"))


@pytest.fixture
def stack(small_stack: Path) -> Stack:
    return load_stack(str(small_stack), TOOLKIT)


def test_workspace_over_plain_folders(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    notes = create_workspace(tmp_path / "ws", stack, find_sequences(vot_data, fps=25))
    assert len(notes) == 2
    assert "one has no anchor.value; anchors chosen: 0" in notes[0]
    folder = tmp_path / "ws" / "sequences" / "one"
    properties = dict(line.split("=") for line in (folder / "sequence").read_text().splitlines())
    assert properties | {"fps": "25", "width": "64", "height": "48", "length": "6"} == properties
    assert (folder / "color" / "00000006.jpg").is_file()
    assert (folder / "color").is_symlink()  # nothing is copied
    assert (folder / "occlusion.tag").read_text() == (vot_data / "one" / "occlusion.tag").read_text()
    assert (folder / "anchor.value").read_text().split() == ["1", "0", "0", "0", "0", "0"]
    there = load_workspace(tmp_path / "ws", TOOLKIT)
    assert there.sequences == ("one", "second")
    assert [one.name for one in there.stack.experiments] == ["supervised", "multistart"]


def test_its_own_anchors_stay(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    for name in ("one", "second"):
        (vot_data / name / "anchor.value").write_text("0\n0\n0\n0\n0\n-1\n")
    assert create_workspace(tmp_path / "ws", stack, find_sequences(vot_data)) == []
    assert (tmp_path / "ws/sequences/one/anchor.value").read_text() == "0\n0\n0\n0\n0\n-1\n"


def test_again_is_fine_and_other_data_is_refused(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    sequences = find_sequences(vot_data)
    create_workspace(tmp_path / "ws", stack, sequences)
    before = (tmp_path / "ws/sequences/one/sequence").stat().st_mtime_ns
    create_workspace(tmp_path / "ws", stack, sequences)
    assert (tmp_path / "ws/sequences/one/sequence").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="other sequences"):
        create_workspace(tmp_path / "ws", stack, sequences[:1])
    other = Stack("vot2018/shortterm", stack.experiments, stack.path, integrated=True)
    with pytest.raises(ConfigError, match="another stack"):
        create_workspace(tmp_path / "ws", other, sequences)


@pytest.mark.parametrize("fps", ["29.97", "0.5", "0", "1.2.3", "fast"])
def test_a_frame_rate_that_the_toolkit_cannot_read(vot_data: Path, fps: str) -> None:
    (vot_data / "one/sequence").write_text(f"fps={fps}\n")
    with pytest.raises(DataError, match=f"whole number above 0.*'{fps}'") as caught:
        find_sequences(vot_data)
    assert "--fps" in caught.value.hint
    assert [one.fps for one in find_sequences(vot_data, fps=30)] == [30, 30]


def test_names_may_hold_blanks(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    (vot_data / "one").rename(vot_data / "my clip")
    (vot_data / "list.txt").write_text("second\n\nmy clip \n")
    for _ in range(2):
        create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    assert (tmp_path / "ws/sequences/list.txt").read_text() == "second\nmy clip\n"
    assert load_workspace(tmp_path / "ws", TOOLKIT).sequences == ("second", "my clip")
    assert [path.name for path in find_sequence_folders(tmp_path / "ws", "mine")] == ["second", "my clip"]


def test_no_anchor_is_an_empty_mask(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    (vot_data / "one/groundtruth.txt").write_text("m0,0,0,0,0\n" + "m3,4,2,1,0,2\n" * 5)
    create_workspace(tmp_path / "ws", stack, find_sequences(vot_data, ["one"]))
    assert (tmp_path / "ws/sequences/one/anchor.value").read_text().split() == ["0", "1", "0", "0", "0", "0"]
    assert [one.frame for one in read_sequence_folder(tmp_path / "ws/sequences/one").anchors] == [1]


def test_a_workspace_made_over_itself_keeps_its_frames(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    create_workspace(tmp_path / "ws", stack, find_sequences(tmp_path / "ws"))  # as for a second tracker
    link = tmp_path / "ws/sequences/one/color"
    assert link.readlink() == vot_data / "one/color"
    assert (link / "00000006.jpg").is_file()
    link.unlink()
    relative = Path("../../../data/one/color")
    link.symlink_to(relative)
    create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    assert link.readlink() == relative  # it leads there already
    link.unlink()
    link.symlink_to(vot_data / "second/color")
    create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    assert link.readlink() == vot_data / "one/color"


def test_selection(vot_data: Path) -> None:
    assert [one.name for one in find_sequences(vot_data, ["second"])] == ["second"]
    assert [one.name for one in find_sequences(vot_data, limit=1)] == ["one"]
    assert [one.name for one in find_sequences(vot_data / "second")] == ["second"]
    (vot_data / "list.txt").write_text("second\n")
    assert [one.name for one in find_sequences(vot_data)] == ["second"]
    with pytest.raises(DataError, match="no sequence third"):
        find_sequences(vot_data, ["third"])


def test_data_that_cannot_be_used(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    with pytest.raises(DataError, match="is none"):
        find_sequences(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no VOT sequence"):
        find_sequences(vot_data / "one" / "color")
    (vot_data / "one" / "groundtruth.txt").write_text("1,2,3,4\n")
    with pytest.raises(DataError, match="1 lines for 6 frames"):
        create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    (vot_data / "one" / "groundtruth.txt").rename(vot_data / "one" / "groundtruth_01.txt")
    (vot_data / "one" / "groundtruth_02.txt").write_text("1,2,3,4\n")
    with pytest.raises(DataError, match="2 objects"):
        create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    assert not (tmp_path / "ws").exists()
    for frame in (vot_data / "second" / "color").iterdir():
        frame.unlink()
    with pytest.raises(DataError, match="no numbered images"):
        find_sequences(vot_data, ["second"])


def test_no_workspace_and_one_that_would_download(tmp_path: Path, vot_data: Path, stack: Stack) -> None:
    with pytest.raises(ConfigError, match=r"no config\.yaml"):
        load_workspace(tmp_path, TOOLKIT)
    create_workspace(tmp_path / "ws", stack, find_sequences(vot_data))
    (tmp_path / "ws/sequences/list.txt").unlink()
    with pytest.raises(ConfigError, match="begin a download"):
        load_workspace(tmp_path / "ws", TOOLKIT)
