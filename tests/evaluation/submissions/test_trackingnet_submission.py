"""TrackingNet's submission: the data's sequences are the list, every fault is named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from evaluation.submissions.trackingnet import find_trackingnet_faults, pack_trackingnet
from siamcar.errors import ResultsError
from tests.helpers import make_benchmark


def make_home(folder: Path) -> Path:
    home = folder / "TrackingNet" / "mine"
    (home / "times").mkdir(parents=True)
    for name, count in (("short", 4), ("long", 9), ("middle", 6)):
        (home / f"{name}.txt").write_text("10,8,12,10\n" * count)
        (home / "times" / f"{name}_time.txt").write_text("0.5\n" * count)
    return home


def test_a_whole_submission_is_packed_without_times(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert find_trackingnet_faults(home, make_benchmark()) == []
    manifest = json.loads(pack_trackingnet(home, tmp_path / "a.zip", make_benchmark()).read_text())
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["long.txt", "middle.txt", "short.txt"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (manifest["server"], manifest["sequences"], manifest["frame_counts_checked"]) == ("trackingnet", 3, 3)
    assert manifest["note"] == "The official test set has 511 sequences; the list here has 3."


def test_every_fault_is_listed(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (home / "short.txt").unlink()
    (home / "long.txt").write_text("10,8,12,10\n" * 5)
    (home / "middle.txt").write_text("0,0,12,10\n1;2;3;4\nnan,1,1,1\n1,1,1,0\n1,1,1,1\n1,1,1,1\n")
    (home / "Short.txt").write_text("10,8,12,10\n")
    (home / "log").mkdir()
    faults = [str(fault) for fault in find_trackingnet_faults(home, make_benchmark())]
    assert sorted(faults) == [
        "Short.txt: extra: the test set has no such sequence",
        "log: extra file",
        "long.txt: too short: 5 rows for 9 frames",
        "middle.txt: NaN or infinite numbers in line 3",
        "middle.txt: format: the server wants commas between the numbers, found ;",
        "middle.txt: width or height not positive in line 4",
        "middle.txt: wrong first box: (0, 0, 12, 10) for the given (10, 8, 12, 10)",
        "short.txt: missing: there is no file of this sequence",
    ]
    with pytest.raises(ResultsError, match="8 faults"):
        pack_trackingnet(home, tmp_path / "a.zip", make_benchmark())
    assert not (tmp_path / "a.zip").exists()


def test_sequences_whose_data_is_damaged_belong_to_the_list(tmp_path: Path) -> None:
    benchmark = make_benchmark(faults=(("damaged", "no frames"),))
    faults = find_trackingnet_faults(make_home(tmp_path), benchmark)
    assert [str(fault) for fault in faults] == ["damaged.txt: missing: there is no file of this sequence"]
