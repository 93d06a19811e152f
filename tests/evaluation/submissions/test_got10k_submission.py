"""GOT-10k's submission: every fault is named, and the same results give the same bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.benchmarks.got10k import list_got10k_names
from evaluation.run_record import RunRecord, SequenceStatus
from evaluation.sequence import Benchmark
from evaluation.submissions.got10k import find_got10k_faults, pack_got10k
from siamcar.errors import ResultsError
from tests.helpers import make_benchmark, make_sequence

NAMES = list_got10k_names("test")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("results") / "GOT-10k" / "mine"
    for name in NAMES:
        (home / name).mkdir(parents=True)
        (home / name / f"{name}_001.txt").write_text("10,8,12,10\n11.5,8.5,12,10\n")
        (home / name / f"{name}_time.txt").write_text("0.5\n0.25\n")
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "mine"))


def make_test_subset() -> Benchmark:
    sequences = tuple(make_sequence(name, 2) for name in NAMES)
    return replace(make_benchmark(), name="GOT-10k", sequences=sequences)


def list_faults(home: Path, benchmark: Benchmark | None = None) -> list[str]:
    return [str(fault) for fault in find_got10k_faults(home, benchmark)]


def test_the_names_are_the_servers() -> None:
    assert (NAMES[0], NAMES[-1], len(NAMES)) == ("GOT-10k_Test_000001", "GOT-10k_Test_000180", 180)
    assert list_got10k_names("val")[0] == "GOT-10k_Val_000001"


def test_a_whole_submission_is_packed_the_same_every_time(whole: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in whole.rglob("*.txt")}
    assert list_faults(whole) == list_faults(whole, make_test_subset()) == []
    manifest = json.loads(pack_got10k(whole, tmp_path / "a.zip", make_test_subset()).read_text())
    pack_got10k(whole, tmp_path / "b.zip")
    packed = (tmp_path / "a.zip").read_bytes()
    assert packed == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        assert archive.read(f"{NAMES[0]}/{NAMES[0]}_001.txt") == b"10,8,12,10\n11.5,8.5,12,10\n"
    assert len(names) == 360 and names == sorted(names)
    assert manifest["archive"]["sha256"] == hashlib.sha256(packed).hexdigest()
    assert (manifest["tracker"], manifest["sequences"], manifest["repetitions"]) == ("mine", 180, 1)
    assert manifest["frame_counts_checked"] == manifest["first_boxes_checked"] == 180 and "note" not in manifest
    assert manifest["files"][names[0]] == hashlib.sha256(b"10,8,12,10\n11.5,8.5,12,10\n").hexdigest()
    without = json.loads((tmp_path / "b.manifest.json").read_text())
    assert without["frame_counts_checked"] == 0 and "not checked" in without["note"]
    assert {path: path.read_bytes() for path in whole.rglob("*.txt")} == before


def test_nothing_is_replaced_unasked(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("precious")
    with pytest.raises(ResultsError, match="already"):
        pack_got10k(whole, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "precious"
    pack_got10k(whole, tmp_path / "a.zip", overwrite=True)
    assert zipfile.is_zipfile(tmp_path / "a.zip")


def test_the_wrong_subset_is_named(tmp_path: Path) -> None:
    for name in list_got10k_names("val"):
        (tmp_path / "mine" / name).mkdir(parents=True)
    faults = list_faults(tmp_path / "mine")
    assert faults == [
        "GOT-10k_Val_000001 to GOT-10k_Val_000180: wrong subset: 180 sequences are of the validation subset; the "
        "server takes GOT-10k_Test_000001 to GOT-10k_Test_000180",
        "test subset: all 180 sequences are missing: GOT-10k_Test_000001 to GOT-10k_Test_000180",
    ]
    with pytest.raises(ResultsError, match=r"2 faults.*wrong subset"):
        pack_got10k(tmp_path / "mine", tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_every_fault_is_listed(home: Path) -> None:
    def put(index: int, text: str, end: str = "001") -> None:
        name = NAMES[index]
        (home / name / f"{name}_{end}.txt").write_text(text)

    shutil.rmtree(home / NAMES[0])
    (home / NAMES[1] / f"{NAMES[1]}_001.txt").unlink()
    (home / NAMES[2] / f"{NAMES[2]}_time.txt").unlink()
    put(3, "10,8,12,10\nNaN,NaN,NaN,NaN\n")
    put(4, "10,8,12,10\n11,8,0,10\n")
    put(5, "30,8,12,10\n11,8,12,10\n")
    put(6, "10\t8\t12\t10\n11\t8\t12\t10\n")
    put(7, "10,8,12,10\n11,8,12\n")
    put(8, "10,8,12,10\n" * 3)
    put(9, "0.5,0.5\n0.5,0.5\n", "time")
    put(10, "0.5\n-1\n", "time")
    put(11, "10,8,12,10\n", "003")
    put(12, "0\n0\n", "time")
    put(13, "", "001")
    put(14, "0.5\nsoon\n", "time")
    (home / NAMES[15] / "readme.md").write_text("hello")
    (home / "GOT-10k_Test_000999").mkdir()
    (home / "notes.txt").write_text("hello")
    faults = list_faults(home, make_test_subset())
    for expected in (
        "GOT-10k_Test_000999: extra sequence",
        "notes.txt: extra file",
        f"{NAMES[0]}: missing",
        f"{NAMES[1]}: missing: expected {NAMES[1]}_001.txt and on, found no box file",
        f"{NAMES[2]}_time.txt: missing",
        f"{NAMES[3]}_001.txt: NaN or infinite numbers in line 2",
        f"{NAMES[4]}_001.txt: width or height not positive in line 2",
        f"{NAMES[5]}_001.txt: wrong first box: (30, 8, 12, 10) for the given (10, 8, 12, 10)",
        f"{NAMES[6]}_001.txt: format: the server wants commas between the numbers, found tab",
        f"{NAMES[7]}_001.txt: line 2: expected 4 numbers, found '11,8,12'",
        f"{NAMES[8]}_001.txt: too long: 3 rows for 2 frames",
        f"{NAMES[8]}_time.txt: frame count: 2 times for 3 boxes",
        f"{NAMES[9]}_time.txt: 2 columns for 1 runs",
        f"{NAMES[10]}_time.txt: NaN, infinite or negative in line 2",
        f"{NAMES[11]}: missing: expected {NAMES[11]}_001.txt and on, found {NAMES[11]}_001.txt, {NAMES[11]}_003.txt",
        f"{NAMES[11]}: frame count: its runs have 1 and 2 rows",
        f"{NAMES[12]}_time.txt: no time is positive",
        f"{NAMES[13]}_001.txt: the file is empty",
        f"{NAMES[14]}_time.txt: line 2: expected 1 number, found 'soon'",
        "readme.md: extra file",
    ):
        assert sum(expected in fault for fault in faults) == 1, expected
    assert all(any(name in fault for name in [*NAMES[:16], "000999", "notes"]) for fault in faults)


def test_a_first_box_half_a_pixel_off_is_fine(home: Path) -> None:
    path = home / NAMES[0] / f"{NAMES[0]}_001.txt"
    path.write_text("10.5,8.5,12,10\n11,8,12,10\n")
    assert list_faults(home, make_test_subset()) == []
    path.write_text("11,9,12,10\n11,8,12,10\n")
    assert "wrong first box" in list_faults(home, make_test_subset())[0]


def test_repetitions_are_packed_too(home: Path, tmp_path: Path) -> None:
    shutil.copy(home / NAMES[0] / f"{NAMES[0]}_001.txt", home / NAMES[0] / f"{NAMES[0]}_002.txt")
    (home / NAMES[0] / f"{NAMES[0]}_time.txt").write_text("0.5,0.5\n0.25,0.25\n")
    manifest = json.loads(pack_got10k(home, tmp_path / "a.zip").read_text())
    assert manifest["repetitions"] == 2 and len(manifest["files"]) == 361


def test_a_run_in_lockstep_has_no_times_and_that_is_said_once(home: Path) -> None:
    for path in home.rglob("*_time.txt"):
        path.unlink()
    assert len(list_faults(home)) == 180
    status = SequenceStatus(status="complete", frames=2, revision="", lockstep=8)
    record = RunRecord(benchmark="GOT-10k", tracker="mine", identity={}, sequences=dict.fromkeys(NAMES, status))
    hidden = home.parent / ".runs" / "mine"
    hidden.mkdir(parents=True)
    (hidden / "run.json").write_text(record.model_dump_json())
    (fault,) = list_faults(home)
    assert "missing for 180 sequences: the run was made in lockstep" in fault
