"""Joining folders of one run: the same files as from one folder, or a refusal before anything is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation import merging
from evaluation.executors.tasks import TrackerSpec
from evaluation.merging import merge_results
from evaluation.run_record import read_run_record
from evaluation.runner import execute_plan, plan_run
from evaluation.sequence import Benchmark
from evaluation.sharding import Shard
from siamcar.errors import ConfigError, ResultsError
from tests.helpers import make_benchmark, make_sequence
from tests.vot_sequences import write_polygons

JITTER = TrackerSpec("tests.toy_trackers:make_jitter", {})
LENGTHS = {"a": 4, "b": 9, "c": 6, "d": 5, "e": 3}


def run(results: Path, benchmark: Benchmark | None, spec: TrackerSpec = JITTER, **parts: Any) -> Path:
    assert benchmark is not None
    plan = plan_run(benchmark, spec, results, **{"label": "mine", "identity": {}, **parts})
    execute_plan(plan, workers=0)
    return results


def run_shares(results: Path, benchmark: Benchmark, count: int, **parts: Any) -> list[Path]:
    shards = [Shard(index, count) for index in range(1, count + 1)]
    return [run(shard.place(results, benchmark.name), shard.take(benchmark), **parts) for shard in shards]


def read_files(root: Path) -> dict[str, bytes]:
    """Everything but times."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.suffix in {".txt", ".bin", ".value", ".yaml"}
        and "_time" not in path.name
        and ".shards" not in str(path)
    }


def test_shares_joined_are_the_whole_run(tmp_path: Path) -> None:
    benchmark = make_benchmark(LENGTHS)
    shares = run_shares(tmp_path / "parts", benchmark, 3)
    before = {path: path.stat().st_mtime_ns for share in shares for path in share.rglob("*")}
    (merged,) = merge_results(shares, tmp_path / "joined")
    assert sum(merged.taken.values()) == 5
    assert (merged.missing, merged.failures, merged.absent_shares) == ((), {}, ())
    assert before == {path: path.stat().st_mtime_ns for share in shares for path in share.rglob("*")}
    run(tmp_path / "whole", benchmark)
    assert read_files(tmp_path / "joined") == read_files(tmp_path / "whole")
    assert len(list((tmp_path / "joined").glob("Toy/mine/times/*.txt"))) == 5
    again = plan_run(benchmark, JITTER, tmp_path / "joined", label="mine", identity={})
    assert again.tasks == ()  # the record is that of a run, and the run goes on from it
    record = read_run_record(tmp_path / "joined" / "Toy", "mine")
    assert record is not None and record.share is None
    assert len(record.environment["merged"]) == 3


def test_what_is_missing_is_listed(tmp_path: Path) -> None:
    benchmark = make_benchmark(LENGTHS)
    first, second, third = run_shares(tmp_path / "parts", benchmark, 3)
    lost = {sequence.name for sequence in Shard(2, 3).take(benchmark) or ()}
    (merged,) = merge_results([first, third], tmp_path / "joined")
    assert set(merged.missing) == lost and merged.absent_shares == ("2/3",)
    (merged,) = merge_results([second], tmp_path / "joined")  # what is there already counts
    assert merged.missing == () and merged.kept == 5 - len(lost)
    (merged,) = merge_results([first, second, third], tmp_path / "joined")
    assert (merged.taken, merged.kept, merged.doubled) == ({}, 5, 5)


def test_a_share_that_was_stopped_is_not_complete(tmp_path: Path) -> None:
    first, second = run_shares(tmp_path / "parts", make_benchmark(LENGTHS), 2)
    victim = sorted((second / "Toy" / "mine").glob("*.txt"))[0]
    victim.write_text(victim.read_text().splitlines()[0] + "\n")
    (merged,) = merge_results([first, second], tmp_path / "joined")
    assert merged.missing == (victim.stem,)
    assert not (tmp_path / "joined" / "Toy" / "mine" / victim.name).exists()


def test_failures_stay_unless_another_folder_has_the_run(tmp_path: Path) -> None:
    benchmark = make_benchmark(LENGTHS)
    failing = TrackerSpec("tests.toy_trackers:make_failing", {"x": 10})
    run(tmp_path / "bad", benchmark.select(["a", "b"]), failing)
    (merged,) = merge_results([tmp_path / "bad"], tmp_path / "joined")
    assert set(merged.failures) == {"a", "b"}
    path = tmp_path / "bad" / "Toy" / ".runs" / "mine" / "run.json"
    path.write_text(path.read_text().replace(failing.name, JITTER.name))
    run(tmp_path / "good", benchmark)
    (merged,) = merge_results([tmp_path / "bad", tmp_path / "good"], tmp_path / "both")
    assert merged.failures == {} and sum(merged.taken.values()) == 5


def test_failures_of_the_target_stay_until_the_run_is_made(tmp_path: Path) -> None:
    benchmark = make_benchmark(LENGTHS)
    failing = TrackerSpec("tests.toy_trackers:make_failing", {"x": 10})
    run(tmp_path / "bad", benchmark.select(["a"]), failing)
    path = tmp_path / "bad" / "Toy" / ".runs" / "mine" / "run.json"
    path.write_text(path.read_text().replace(failing.name, JITTER.name))
    run(tmp_path / "late", benchmark.select(["b"]))
    merge_results([tmp_path / "bad"], tmp_path / "joined")
    (merged,) = merge_results([tmp_path / "late"], tmp_path / "joined")
    assert merged.failures == {"a": "ValueError at frame 2: a bad day"}
    run(tmp_path / "good", benchmark.select(["a"]))
    (merged,) = merge_results([tmp_path / "good"], tmp_path / "joined")
    assert (merged.failures, merged.missing, merged.kept) == ({}, (), 1)


def test_shares_of_different_lists_lose_nothing_unsaid(tmp_path: Path) -> None:
    whole = make_benchmark(LENGTHS)
    shards = [Shard(1, 2), Shard(2, 2)]
    sources = [
        run(shard.place(tmp_path, "Toy"), shard.take(benchmark))
        for shard, benchmark in zip(shards, (whole, whole.select(["a", "b", "c"])), strict=True)
    ]
    (merged,) = merge_results(sources, tmp_path / "joined")
    taken = {path.stem for path in (tmp_path / "joined" / "Toy" / "mine").glob("*.txt")}
    assert taken < set(LENGTHS)
    assert set(merged.missing) == set(LENGTHS) - taken
    assert merged.uneven and merged.absent_shares == ()


def test_a_target_that_has_changed_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = make_benchmark(LENGTHS)
    run(tmp_path / "one", benchmark.select(["a"]))
    run(tmp_path / "two", benchmark.select(["b"]))
    check = merging._Merge.check

    def let_another_come_first(self: merging._Merge) -> None:
        check(self)
        monkeypatch.undo()
        merge_results([tmp_path / "two"], tmp_path / "joined")

    monkeypatch.setattr(merging._Merge, "check", let_another_come_first)
    with pytest.raises(ResultsError, match="has changed while it was read"):
        merge_results([tmp_path / "one"], tmp_path / "joined")
    (merged,) = merge_results([tmp_path / "one"], tmp_path / "joined")
    record = read_run_record(tmp_path / "joined" / "Toy", "mine")
    assert merged.kept == 1 and record is not None and set(record.sequences) == {"a", "b"}


@pytest.mark.parametrize("where", ["sources", "out"])
def test_other_boxes_of_the_same_run_are_refused(tmp_path: Path, where: str) -> None:
    for folder in ("one", "two"):
        run(tmp_path / folder, make_benchmark(LENGTHS))
    path = tmp_path / "two" / "Toy" / "mine" / "b.txt"
    path.write_text(path.read_text().replace("10.0000", "11.0000", 1))
    sources = [tmp_path / "one", tmp_path / "two"] if where == "sources" else [tmp_path / "two"]
    out = tmp_path / ("joined" if where == "sources" else "one")
    before = read_files(out) if out.exists() else {}
    with pytest.raises(ResultsError, match="b: other boxes in"):
        merge_results(sources, out)
    assert (read_files(out) if out.exists() else {}) == before


def test_other_runs_and_other_data_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "one", make_benchmark(LENGTHS))
    run(tmp_path / "two", make_benchmark(LENGTHS), seed=5)
    with pytest.raises(ResultsError, match=r"different runs.*seed: 0 → 5"):
        merge_results([tmp_path / "one", tmp_path / "two"], tmp_path / "joined")
    longer = make_benchmark({**LENGTHS, "a": 7})
    run(tmp_path / "three", longer)
    with pytest.raises(ResultsError, match="a: made on other data"):
        merge_results([tmp_path / "one", tmp_path / "three"], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_coordinates_of_another_origin_are_refused(tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        run(tmp_path / name, make_benchmark(LENGTHS, origin=min(number, 1)).select([name]))
    path = tmp_path / "b" / "Toy" / ".runs" / "mine" / "run.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in document.items() if key != "origin"}))
    with pytest.raises(ResultsError, match=r"different runs.*origin: 0 → 1"):
        merge_results([tmp_path / "b", tmp_path / "a", tmp_path / "c"], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()
    merge_results([tmp_path / "b", tmp_path / "a"], tmp_path / "joined")  # an earlier version did not say
    record = read_run_record(tmp_path / "joined" / "Toy", "mine")
    assert record is not None and record.origin == 0
    with pytest.raises(ResultsError, match=r"different runs.*origin: 0 → 1"):
        merge_results([tmp_path / "c"], tmp_path / "joined")


def test_folders_that_cannot_be_joined_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultsError, match="empty holds no results"):
        merge_results([tmp_path / "empty"], tmp_path / "joined")
    with pytest.raises(ResultsError, match="nowhere holds no results"):
        merge_results([tmp_path / "nowhere"], tmp_path / "joined")
    run(tmp_path / "one", make_benchmark(LENGTHS))
    with pytest.raises(ConfigError, match="cannot be written to"):
        merge_results([tmp_path / "one"], tmp_path / "one")
    home = tmp_path / "joined" / "Toy" / "mine"
    home.mkdir(parents=True)
    (home / "a.txt").write_text("1,2,3,4\n")
    with pytest.raises(ResultsError, match=r"a\.txt is in the way"):
        merge_results([tmp_path / "one"], tmp_path / "joined")


def test_a_merge_that_was_stopped_goes_on(tmp_path: Path) -> None:
    run(tmp_path / "one", make_benchmark(LENGTHS))
    merge_results([tmp_path / "one"], tmp_path / "joined")
    (tmp_path / "joined" / "Toy" / ".runs" / "mine" / "run.json").unlink()
    (tmp_path / "joined" / "Toy" / "mine" / "b.txt").unlink()
    (merged,) = merge_results([tmp_path / "one"], tmp_path / "joined")
    assert sum(merged.taken.values()) == 5
    assert read_files(tmp_path / "joined") == read_files(tmp_path / "one")


def test_repetitions_of_got10k_keep_their_columns(tmp_path: Path) -> None:
    whole = replace(make_benchmark({"one": 4, "two": 5}), name="GOT-10k")
    run(tmp_path / "one", whole, repeat=2)
    part = tmp_path / "two"
    run(part, whole, repeat=3)
    for name in ("one", "two"):  # a folder that has the third repetition alone
        for number in (1, 2):
            (part / "GOT-10k" / "mine" / name / f"{name}_00{number}.txt").unlink()
    (merged,) = merge_results([tmp_path / "one", part], tmp_path / "joined")
    assert merged.missing == ()
    times = (tmp_path / "joined" / "GOT-10k" / "mine" / "one" / "one_time.txt").read_text().splitlines()
    assert [len(line.split(",")) for line in times] == [3] * 4
    ours = (tmp_path / "one" / "GOT-10k" / "mine" / "one" / "one_time.txt").read_text().splitlines()
    assert all(line.startswith(other + ",") for line, other in zip(times, ours, strict=True))


def test_a_workspace_of_vot_is_joined(tmp_path: Path) -> None:
    pytest.importorskip("vot")
    sequences = tuple(write_polygons(tmp_path / "data", name, 14) for name in ("ants1", "bag"))
    benchmark = Benchmark("VOT2018", sequences, "vot", family="vot", protocol="supervised")
    matching = TrackerSpec("tests.toy_trackers:make_matching", {})
    shares = run_shares(tmp_path / "parts", benchmark, 2, spec=matching)
    (merged,) = merge_results(shares, tmp_path / "joined")
    assert sum(merged.taken.values()) == 6 and merged.missing == ()
    run(tmp_path / "whole", benchmark, matching)
    assert read_files(tmp_path / "joined") == read_files(tmp_path / "whole")
    again = plan_run(benchmark, matching, tmp_path / "joined", label="mine", identity={})
    assert again.tasks == () and len(again.done) == 6


def test_the_record_of_a_share_says_so(tmp_path: Path) -> None:
    (share, _) = run_shares(tmp_path, make_benchmark(LENGTHS), 2)
    document = json.loads((share / "Toy" / ".runs" / "mine" / "run.json").read_text())
    assert document["share"] == {"index": 1, "count": 2, "whole": list(LENGTHS)}
    assert set(document["planned"]) == set(document["sequences"])


def test_sequences_may_come_from_machines_without_shares(tmp_path: Path) -> None:
    benchmark = Benchmark("Toy", tuple(make_sequence(name, 5) for name in "abc"), "otb")
    run(tmp_path / "one", benchmark.select(["a"]))
    run(tmp_path / "two", benchmark.select(["b", "c"]))
    (merged,) = merge_results([tmp_path / "one" / "Toy", tmp_path / "two"], tmp_path / "joined")
    assert sum(merged.taken.values()) == 3
