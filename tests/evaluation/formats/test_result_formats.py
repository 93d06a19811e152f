"""Peers' layouts: told apart, read under any spelling, written as the peer reads them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluation.formats import FORMATS, ExpectedSequences, detect_format, get_format, load_results
from evaluation.formats.transfer import export_results, import_results
from evaluation.formats.tree import ResultTree
from evaluation.results import read_tracker_results
from evaluation.run_record import RunRecord
from evaluation.store import write_record
from evaluation.vot.toolkit import load_toolkit
from siamcar.errors import DataError, UnknownNameError
from tests.helpers import make_benchmark

OTB = ExpectedSequences("OTB100", {"Biker": 2, "Human4-2": 2, "Jogging-1": 2})
BOXES = "1.5,2,3,4\n5.25,6,7,8\n"


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


PEERS = {
    "pysot": {"Biker.txt": BOXES, "Human4-2.txt": BOXES, "Jogging-1.txt": BOXES},
    "got10k": {
        "Biker.txt": BOXES, "Human4.txt": BOXES, "Jogging.1.txt": BOXES, "times/Biker_time.txt": "0.5\n0.25\n",
    },
    "pytracking": {
        "default_000/Biker.txt": "1\t2\t3\t4\n5\t6\t7\t8\n", "default_000/Human4_2.txt": "1\t2\t3\t4\n5\t6\t7\t8\n",
        "default_000/Jogging_1.txt": "1\t2\t3\t4\n5\t6\t7\t8\n", "default_000/Biker_time.txt": "0.5\n0.25\n",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", list(PEERS))
def test_a_layout_is_recognised_and_its_names_understood(tmp_path: Path, name: str) -> None:
    with ResultTree(put(tmp_path / "mine", PEERS[name])) as tree:
        assert detect_format(tree, "OTB100").name == name
        loaded = load_results(tree, OTB)
    assert list(loaded.runs) == ["Biker", "Human4-2", "Jogging-1"]
    assert not (loaded.missing or loaded.extra or loaded.faults or loaded.notes)
    run = loaded.runs["Biker"][0]
    assert run.run is None and run.rows.numbers[1, 1] == 6
    assert run.seconds == (None if name == "pysot" else ("0.5", "0.25"))
    assert bool(loaded.warnings) == (name == "pytracking")


def test_whole_numbers_are_flagged(tmp_path: Path) -> None:
    with ResultTree(put(tmp_path / "mine", PEERS["pytracking"])) as tree:
        (warning,) = load_results(tree, OTB).warnings
    assert warning.startswith("3 of 3 files hold whole numbers only: pytracking truncates")


def test_uav_prefixes_are_pytrackings(tmp_path: Path) -> None:
    with ResultTree(put(tmp_path / "mine", {"uav_bike1.txt": BOXES, "uav_uav1_1.txt": BOXES})) as tree:
        loaded = load_results(tree, ExpectedSequences("UAV123", {"bike1": 2, "uav1_1": 2}))
    assert loaded.format.name == "pytracking"
    assert loaded.spelled == {"bike1": "uav_bike1", "uav1_1": "uav_uav1_1"}


def test_got10k_repetitions_have_a_column_of_times_each(tmp_path: Path) -> None:
    name = "GOT-10k_Val_000001"
    files = {f"{name}/{name}_001.txt": BOXES, f"{name}/{name}_002.txt": BOXES, f"{name}/{name}_time.txt": "1,2\n3,4\n"}
    with ResultTree(put(tmp_path / "mine", files)) as tree:
        loaded = load_results(tree, ExpectedSequences("GOT-10k", {name: 2}))
    assert loaded.format.name == "got10k"
    assert [(run.run, run.seconds) for run in loaded.runs[name]] == [(1, ("1", "3")), (2, ("2", "4"))]


def test_run_folders_of_pytracking_are_repetitions(tmp_path: Path) -> None:
    files = {f"default_{run:03d}/Biker.txt": f"{run}.5\t2\t3\t4\n" for run in range(3)}
    with ResultTree(put(tmp_path / "mine", files)) as tree:
        loaded = load_results(tree, OTB)
    assert [(run.run, run.rows.numbers[0, 0]) for run in loaded.runs["Biker"]] == [(1, 0.5), (2, 1.5), (3, 2.5)]


def test_vot_codes_are_read(tmp_path: Path) -> None:
    files = {
        "baseline/ants1/ants1_001.txt": "1\n1.5,2,3,4\n2\n0\n0\n1\n1,2,3,4,5,6,7,8\n",
        "baseline/bag/bag_001.txt": "1\n9\n",
        "realtime/ants1/ants1_001.txt": "1\n",
    }
    with ResultTree(put(tmp_path / "mine", files)) as tree:
        loaded = load_results(tree, ExpectedSequences("VOT2018", {"ants1": 7, "bag": 2}))
    assert loaded.format.name == "vot"
    assert loaded.runs["ants1"][0].rows.fields[2] == ("2",)
    assert loaded.faults[0][0] == "bag" and "line 2: expected a rectangle, a polygon" in loaded.faults[0][1]


def test_trackingnet_is_told_by_the_benchmark(tmp_path: Path) -> None:
    with ResultTree(put(tmp_path / "mine", {"a_0.txt": BOXES})) as tree:
        assert detect_format(tree, "TrackingNet").name == "trackingnet"
        assert detect_format(tree, "LaSOT").name == "pysot"


def test_one_insists_on_a_layout(tmp_path: Path) -> None:
    with ResultTree(put(tmp_path / "mine", PEERS["pytracking"])) as tree:
        loaded = load_results(tree, OTB, "pysot")
        assert loaded.format.name == "pysot"
        assert "other separators than commas" in loaded.warnings[0]
        with pytest.raises(DataError, match="no results in the layout 'vot'") as caught:
            load_results(tree, OTB, "vot")
    assert "'pytracking'" in caught.value.hint
    with pytest.raises(UnknownNameError, match="pisot"):
        get_format("pisot")


def test_several_trackers_are_refused(tmp_path: Path) -> None:
    files = {"OTB100/one/Biker.txt": BOXES, "OTB100/two/Biker.txt": BOXES}
    with (
        ResultTree(put(tmp_path / "results", files)) as tree,
        pytest.raises(DataError, match="several trackers: OTB100/one, OTB100/two"),
    ):
        load_results(tree, OTB)


def test_what_is_odd_is_told_with_its_lines(tmp_path: Path) -> None:
    lengths = dict.fromkeys(("short", "long", "nan", "empty", "broken", "double", "absent"), 3)
    files = {
        "short.txt": BOXES,
        "long.txt": BOXES * 2,
        "nan.txt": BOXES + "NaN,NaN,NaN,NaN\n",
        "empty.txt": "",
        "broken.txt": BOXES + "7,8,nine,10\n",
        "DOUBLE.txt": BOXES,
        "Double.txt": BOXES,
        "stranger.txt": BOXES,
    }
    with ResultTree(put(tmp_path / "mine", files)) as tree:
        loaded = load_results(tree, ExpectedSequences("Toy", lengths))
    assert list(loaded.runs) == ["empty", "long", "nan", "short"]
    assert dict(loaded.notes) == {
        "short": "short.txt: too short: 2 rows for 3 frames",
        "long": "long.txt: too long: 4 rows for 3 frames",
        "nan": "nan.txt: NaN in line 3",
        "empty": "empty.txt: too short: 0 rows for 3 frames",
    }
    assert loaded.notes[0] == ("empty", "empty.txt: the file is empty")
    faults = dict(loaded.faults)
    assert "broken.txt, line 3: expected 4 numbers, found '7,8,nine,10'" in faults["broken"]
    assert "DOUBLE, Double" in faults["double"]
    assert loaded.missing == ["absent"] and loaded.extra == ["stranger"]


def test_times_that_cannot_be_used_cost_no_boxes(tmp_path: Path) -> None:
    files = {"Biker.txt": BOXES, "times/Biker_time.txt": "0.1\nx\n"}
    with ResultTree(put(tmp_path / "mine", files)) as tree:
        loaded = load_results(tree, ExpectedSequences("OTB100", {"Biker": 2}))
    assert loaded.runs["Biker"][0].seconds is None
    assert "its times are left out" in loaded.notes[0][1] and "line 2" in loaded.notes[0][1]
    put(tmp_path / "mine", {"times/Biker_time.txt": "0.1\n"})
    with ResultTree(tmp_path / "mine") as tree:
        assert "1 times for 2 rows" in load_results(tree, OTB).warnings[0]


def test_a_zip_is_read_in_place(tmp_path: Path) -> None:
    archive = tmp_path / "ATOM.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("ATOM/biker.txt", BOXES)
        packed.writestr("__MACOSX/ATOM/biker.txt", "junk")
        packed.writestr("ATOM/.hidden.txt", "junk")
    with ResultTree(archive) as tree:
        assert tree.name == "ATOM" and [str(path) for path in tree.paths] == ["ATOM/biker.txt"]
        assert load_results(tree, OTB).spelled == {"Biker": "biker"}
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    for wrong in ("no.zip", "nowhere"):
        with pytest.raises(DataError, match=wrong):
            ResultTree(tmp_path / wrong)
    (tmp_path / "void").mkdir()
    with ResultTree(tmp_path / "void") as tree, pytest.raises(DataError, match="no result files"):
        load_results(tree, OTB)


@pytest.mark.parametrize("to", [name for name in FORMATS if name != "vot"])
def test_what_is_written_is_read_back(tmp_path: Path, to: str) -> None:
    expected = ExpectedSequences("OTB100", {"Biker": 2, "Human4-2": 2, "Jogging-1": 2, "Skating2-1": 2})
    files = {f"{name}.txt": BOXES for name in expected.lengths}
    source = put(tmp_path / "OTB100" / "mine", files | {"times/Biker_time.txt": "0.5\n0.25\n"})
    written, _ = export_results(source, "OTB100", to, tmp_path / "out")
    home = written[0].parent
    home, loaded = import_results(home, expected, tmp_path / "back", "mine", layout=to)
    assert list(loaded.runs) == list(expected.lengths)
    results = read_tracker_results(home.parent, "mine", expected.lengths)
    for boxes in results.boxes.values():
        np.testing.assert_array_equal(boxes[0], [[1.5, 2, 3, 4], [5.25, 6, 7, 8]])
    assert ("Biker" in results.seconds) == (to != "trackingnet")


@pytest.mark.parametrize(
    ("to", "benchmark", "files"),
    [
        ("pysot", "OTB100", ["OTB100/mine/Jogging-1.txt", "OTB100/mine/times/Jogging-1_time.txt"]),
        ("got10k", "OTB100", ["OTB2015/mine/Jogging.1.txt", "OTB2015/mine/times/Jogging.1_time.txt"]),
        ("pytracking", "OTB100", ["mine/default/Jogging_1.txt", "mine/default/Jogging_1_time.txt"]),
        ("pytracking", "UAV123", ["mine/default/uav_Jogging-1.txt", "mine/default/uav_Jogging-1_time.txt"]),
        ("trackingnet", "TrackingNet", ["mine/Jogging-1.txt"]),
    ],
)
def test_names_are_those_that_the_peer_looks_for(tmp_path: Path, to: str, benchmark: str, files: list[str]) -> None:
    source = put(tmp_path / "mine", {"Jogging-1.txt": "1.23456,2,3,4\n", "times/Jogging-1_time.txt": "0.5\n"})
    written, _ = export_results(source, benchmark, to, tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == files
    text = written[0].read_text()
    assert text == {"got10k": "1.235,2.000,3.000,4.000\n", "pytracking": "1.23456\t2\t3\t4\n"}.get(
        to, "1.23456,2,3,4\n"
    )


@pytest.mark.parametrize("to", ["pysot", "got10k"])
def test_got10k_is_exported_as_the_toolkit_has_it(tmp_path: Path, to: str) -> None:
    name = "GOT-10k_Val_000001"
    files = {f"{name}/{name}_00{run}.txt": BOXES for run in (1, 2)} | {f"{name}/{name}_time.txt": "1,2\n3,4\n"}
    source = put(tmp_path / "mine", files)
    written, _ = export_results(source, "GOT-10k", to, tmp_path / "out")
    assert [path.relative_to(tmp_path / "out" / "GOT-10k" / "mine" / name).as_posix() for path in written] == [
        f"{name}_001.txt", f"{name}_002.txt", f"{name}_time.txt",
    ]  # fmt: skip
    assert written[2].read_text() == "1,2\n3,4\n"


def test_repetitions_become_trackers_or_runs(tmp_path: Path) -> None:
    source = put(tmp_path / "mine", {"Biker_001.txt": BOXES, "Biker_002.txt": BOXES})
    for to, folders in (("pysot", ["mine_001", "mine_002"]), ("pytracking", ["default_000", "default_001"])):
        written, _ = export_results(source, "OTB100", to, tmp_path / to)
        assert [path.parent.name for path in written] == folders


@pytest.mark.parametrize(
    ("repeated", "second", "folders"),
    [
        (False, BOXES, ["mine"]),
        (True, "9,9,9,9\n5.25,6,7,8\n", ["mine_001", "mine_002"]),
        (None, BOXES, ["mine_001", "mine_002"]),  # of one given box, equally long
        (None, "9,9,9,9\n5.25,6,7,8\n", ["mine"]),
        (None, BOXES * 2, ["mine"]),
    ],
)
def test_numbered_names_are_repetitions_where_record_or_content_say_so(
    tmp_path: Path, repeated: bool | None, second: str, folders: list[str]
) -> None:
    source = put(tmp_path / "Toy" / "mine", {"clip_001.txt": BOXES, "clip_002.txt": second})
    if repeated is not None:
        record = RunRecord(benchmark="Toy", tracker="mine", identity={"repeated": repeated})
        write_record(tmp_path / "Toy", record)
    written, loaded = export_results(source, "Toy", "pysot", tmp_path / "out")
    assert sorted({path.parent.name for path in written}) == folders
    assert len(loaded.runs) == (2 if folders == ["mine"] else 1)
    sequences = ExpectedSequences("Toy", {"clip_001": None, "clip_002": None} if folders == ["mine"] else {"clip": 2})
    home, loaded = import_results(source, sequences, tmp_path / "back")
    assert list(loaded.runs) == list(sequences.lengths) and not loaded.extra
    assert sorted(path.name for path in home.iterdir()) == ["clip_001.txt", "clip_002.txt"]


def test_scores_that_pytracking_writes_beside_boxes_are_no_sequence(tmp_path: Path) -> None:
    files = {"default/Biker.txt": "1\t2\t3\t4\n", "default/Biker_object_presence_scores.txt": "1.0\n"}
    with ResultTree(put(tmp_path / "mine", files)) as tree:
        loaded = load_results(tree, OTB)
    assert (loaded.format.name, list(loaded.runs), loaded.extra) == ("pytracking", ["Biker"], [])


@pytest.mark.parametrize("place", ["realtime", "unsupervised"])
def test_other_experiments_of_vot_are_not_taken_for_the_supervised(tmp_path: Path, place: str) -> None:
    source = put(tmp_path / "mine", {f"{place}/ants1/ants1_001.txt": "1\n1.5,2,3,4\n"})
    for folder in (source, source / place):
        with ResultTree(folder) as tree, pytest.raises(DataError, match=r"supervised experiment, baseline/.*ants1_001"):
            load_results(tree, ExpectedSequences("VOT2018", {"ants1": 2}))


def test_binary_files_of_vots_toolkit_are_read_through_it(tmp_path: Path) -> None:
    pytest.importorskip("vot", reason="the extra 'vot' is not installed")
    region = load_toolkit().region
    regions = [region.Special(1), region.shapes.Rectangle(1.5, 2, 3, 4), region.Special(2)]
    folder = tmp_path / "VOT2018/results/mine/baseline/ants1"
    folder.mkdir(parents=True)
    region.io.write_trajectory(str(folder / "ants1_001.bin"), regions)
    (folder / "ants1_002.bin").write_bytes((folder / "ants1_001.bin").read_bytes()[:-3])
    with ResultTree(folder.parents[1]) as tree:
        loaded = load_results(tree, ExpectedSequences("VOT2018", {"ants1": 3}))
    assert "ants1_002.bin cannot be read: it is truncated" in loaded.faults[0][1]
    (folder / "ants1_002.bin").unlink()
    (written,), _ = export_results(folder.parents[1], "VOT2018", "vot", tmp_path / "out")
    assert written.relative_to(tmp_path / "out").as_posix() == "mine/baseline/ants1/ants1_001.txt"
    assert written.read_text() == "1\n1.5,2.0,3.0,4.0\n2\n"
    (folder / "ants1_001.bin").rename(folder / "ants1_00000000.bin")  # of another experiment
    with ResultTree(folder.parents[1]) as tree, pytest.raises(DataError, match="binary ones of VOT's supervised"):
        load_results(tree, ExpectedSequences("VOT2018", {"ants1": 3}))


def test_vot_results_stay_vot(tmp_path: Path) -> None:
    text = "1\n1.5,2,3,4\n2\n"
    source = put(tmp_path / "VOT2018" / "mine", {"baseline/ants1/ants1_001.txt": text})
    (written,), _ = export_results(source, "VOT2018", "vot", tmp_path / "out")
    assert written == tmp_path / "out" / "mine" / "baseline" / "ants1" / "ants1_001.txt"
    assert written.read_text() == text
    with pytest.raises(DataError, match="supervised VOT results"):
        export_results(source, "VOT2018", "got10k", tmp_path / "out")
    with pytest.raises(DataError, match="boxes, one a frame"):
        export_results(put(tmp_path / "flat", {"ants1.txt": BOXES}), "VOT2018", "vot", tmp_path / "out")


def test_expected_sequences_name_those_without_data_too() -> None:
    benchmark = make_benchmark(missing=("gone",), faults=(("damaged", "why"),))
    assert ExpectedSequences.of(benchmark).lengths == {
        "gone": None, "damaged": None, "short": 4, "long": 9, "middle": 6,
    }  # fmt: skip
