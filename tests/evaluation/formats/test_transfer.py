"""Import into our store: a copy with its provenance, never over something else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from evaluation.formats import ExpectedSequences
from evaluation.formats.transfer import export_results, import_results
from evaluation.results import read_tracker_results
from evaluation.store import RunStore, hold_lock
from siamcar.errors import ConfigError, DataError, ResultsError

TOY = ExpectedSequences("Toy", {"one": 2, "two": 2})


def make_source(folder: Path, first: str = "1.123456789,2,3,4") -> Path:
    folder.mkdir(parents=True)
    (folder / "ONE.txt").write_text(f"{first}\n5\t6\t7\t8\n")
    (folder / "one_time.txt").write_text("1\n")
    (folder / "bad.txt").write_text("words\n")
    return folder


def test_an_import_is_a_copy_with_its_provenance(tmp_path: Path) -> None:
    source = make_source(tmp_path / "theirs")
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    home, loaded = import_results(source, TOY, tmp_path / "results", "peer")
    assert home == tmp_path / "results" / "Toy" / "peer"
    assert [path.name for path in home.rglob("*.txt")] == ["one.txt"]
    assert (home / "one.txt").read_text() == "1.123456789,2,3,4\n5,6,7,8\n"
    record = json.loads((home.parent / ".runs" / "peer" / "import.json").read_text())
    assert record["source"] == str(source) and record["layout"] == loaded.format.name == "pytracking"
    assert record["spelled"] == {"one": "ONE"} and record["missing"] == ["two"]
    assert record["extra"] == ["bad", "one_time"]
    assert record["notes"] == [["one", "ONE.txt: several separators: ,, tab"]]
    lines = "".join(f"{hashlib.sha256(before[name]).hexdigest()}  {name}\n" for name in sorted(before))
    assert record["sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


def test_results_are_never_replaced_unasked(tmp_path: Path) -> None:
    first = make_source(tmp_path / "a")
    home, _ = import_results(first, TOY, tmp_path / "results", "peer")
    second = make_source(tmp_path / "b", "9,9,9,9")
    with pytest.raises(ResultsError, match="already"):
        import_results(second, TOY, tmp_path / "results", "peer")
    assert (home / "one.txt").read_text().startswith("1.1")
    (home / "two.txt").write_text("left over\n")
    import_results(second, TOY, tmp_path / "results" / "Toy", "peer", overwrite=True)
    assert (home / "one.txt").read_text().startswith("9,9")
    assert not (home / "two.txt").exists()


@pytest.mark.parametrize("inside", [".", "run", ".."])
def test_a_source_is_not_replaced_by_its_own_import(tmp_path: Path, inside: str) -> None:
    home = tmp_path / "Toy" / "peer"
    make_source(home if inside == ".." else home / inside)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.txt")}
    source = tmp_path / "alias"
    source.symlink_to(home / inside)
    with pytest.raises(ConfigError, match="would be replaced by its own import"):
        import_results(source, TOY, tmp_path, "peer", overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.txt") if "alias" not in path.parts} == before
    assert not (tmp_path / "Toy" / ".runs").exists()


def test_a_run_does_not_go_on_in_imported_results(tmp_path: Path) -> None:
    import_results(make_source(tmp_path / "a"), TOY, tmp_path, "peer")
    store = RunStore(tmp_path / "Toy", "Toy", "peer", {})
    with pytest.raises(ResultsError, match=r"without a record.*imported"):
        store.read("only-missing")
    with store.open("always", contended=False):
        store.begin({})
    assert not (tmp_path / "Toy" / ".runs" / "peer" / "import.json").exists()
    with pytest.raises(ResultsError, match="already"):  # our own run is not replaced either
        import_results(tmp_path / "a", TOY, tmp_path, "peer")


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "Toy", "peer"), pytest.raises(ResultsError, match="Another run"):
        import_results(make_source(tmp_path / "a"), TOY, tmp_path, "peer")


def test_nothing_of_the_benchmark_is_an_error(tmp_path: Path) -> None:
    source = make_source(tmp_path / "a")
    with pytest.raises(DataError, match=r"nothing that could be imported.*ONE, bad"):
        import_results(source, ExpectedSequences("Toy", {"other": 3}), tmp_path, "peer")
    with pytest.raises(DataError, match=r"bad.txt, line 1"):
        import_results(source, ExpectedSequences("Toy", {"bad": 3}), tmp_path, "peer")
    with pytest.raises(ConfigError, match="cannot name"):
        import_results(source, TOY, tmp_path, "../peer")
    assert not (tmp_path / "Toy").exists()


def test_got10k_goes_into_the_toolkits_folders_and_vot_into_baseline(tmp_path: Path) -> None:
    name = "GOT-10k_Val_000001"
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / f"{name}.txt").write_text("1,2,3,4\n")
    (flat / f"{name}_time.txt").write_text("0.5\n")
    home, _ = import_results(flat, ExpectedSequences("GOT-10k", {name: 1}), tmp_path)
    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*.txt")) == [
        f"{name}/{name}_001.txt", f"{name}/{name}_time.txt",
    ]  # fmt: skip
    assert read_tracker_results(home.parent, "flat", [name]).seconds[name][0].tolist() == [0.5]
    vot = tmp_path / "vot" / "baseline" / "ants1"
    vot.mkdir(parents=True)
    (vot / "ants1_001.txt").write_text("1\n1,2,3,4\n2\n")
    home, _ = import_results(tmp_path / "vot", ExpectedSequences("VOT2018", {"ants1": 3}), tmp_path)
    assert (home / "baseline" / "ants1" / "ants1_001.txt").read_text() == "1\n1,2,3,4\n2\n"
    for other in ("NOTES.txt", "baseline/bag/bag_001.txt"):
        (home / other).parent.mkdir(exist_ok=True)
        (home / other).write_text("1\n")
    import_results(tmp_path / "vot", ExpectedSequences("VOT2018", {"ants1": 3}), tmp_path, overwrite=True)
    assert {path.name for path in home.rglob("*.txt")} == {"NOTES.txt", "ants1_001.txt"}


def test_binary_results_of_vots_toolkit_are_results(tmp_path: Path) -> None:
    source = tmp_path / "vot" / "baseline" / "ants1"
    source.mkdir(parents=True)
    (source / "ants1_001.txt").write_text("1\n1,2,3,4\n2\n")
    home = tmp_path / "VOT2018" / "results" / "vot"
    (home / "baseline" / "ants1").mkdir(parents=True)
    (home / "baseline" / "ants1" / "ants1_002.bin").write_bytes(b"theirs")
    expected = ExpectedSequences("VOT2018", {"ants1": 3})
    with pytest.raises(ResultsError, match=r"There are results in .*VOT2018/results/vot already"):
        import_results(tmp_path / "vot", expected, tmp_path)
    import_results(tmp_path / "vot", expected, tmp_path, overwrite=True)
    assert [path.name for path in home.rglob("*.*")] == ["ants1_001.txt"]


def test_an_export_replaces_nothing_unasked(tmp_path: Path) -> None:
    source = tmp_path / "mine"
    source.mkdir()
    (source / "one.txt").write_text("1,2,3,4\n")
    export_results(source, "Toy", "pysot", tmp_path / "out")
    with pytest.raises(ResultsError, match="1 of the files"):
        export_results(source, "Toy", "pysot", tmp_path / "out")
    assert len(export_results(source, "Toy", "pysot", tmp_path / "out", overwrite=True)[0]) == 1
