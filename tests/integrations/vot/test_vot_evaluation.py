"""What the toolkit's exit code 0 leaves open, and the real toolkit end to end."""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from integrations.vot.evaluation import Survey, _explain_undefined, _find_failures, _read_reasons
from integrations.vot.server import FAULT
from integrations.vot.toolkit import ToolkitRun
from siamcar.cli.app import app

NAN = float("nan")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["vot", *map(str, arguments)], catch_exceptions=False)


def document(score: float, kind: str, length: int = 400, **window: int) -> dict[str, object]:
    return {
        "sequences": {"a": {"length": length}},
        "results": {"baseline": {"parameters": {"analyses": [{"type": kind, **window}]}, "results": [[[score]]]}},
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (document(0.3, "vot.analysis.supervised.EAOScore", low=100), None),
        (document(NAN, "vot.analysis.supervised.EAOScore", low=100), "no run reaches its window"),
        # The toolkit continues failed runs with zeros, and so has a number.
        (document(0.01, "vot.analysis.multistart.EAOScore", 60, low=115), "the longest sequence has 60"),
        (document(NAN, "vot.analysis.accuracy.AverageAccuracy"), "nothing to average over"),
    ],
)
def test_undefined_scores_are_explained(found: dict[str, object], expected: str | None) -> None:
    notes = _explain_undefined(found)
    assert len(notes) == (expected is not None)
    assert expected is None or expected in notes[0]


def test_reasons_come_from_the_logs(tmp_path: Path) -> None:
    logs = {
        "told": f"@@TRAX:hello\nTraceback\n{FAULT} f.jpg: the tracker raised ValueError: no\n@@TRAX:quit\n",
        "died": "@@TRAX:hello\nSegmentation fault\nProcess exited with code (-11)\n",
        "slow": "@@TRAX:hello\nProcess exited with code (0)\n",
    }
    output = []
    for name, text in logs.items():
        (tmp_path / f"{name}.log").write_text(text)
        why = "Tracker interrupted, it did not reply in 2 seconds" if name == "slow" else "Unknown"
        output += [
            f"Tracker T encountered an error at sequence {name}: {why}",
            f"Tracker output written to file: {tmp_path / name}.log",
        ]
    reasons = _read_reasons("\n".join(output))
    assert reasons["told"].startswith("f.jpg: the tracker raised ValueError: no (log:")
    assert reasons["died"].startswith("Unknown; Segmentation fault; its process ended with code -11 (log:")
    assert "did not reply in 2 seconds" in reasons["slow"]


def test_each_failure_has_the_reason_of_its_own_experiment() -> None:
    error = "Tracker T encountered an error at sequence {}: {}"
    runs = {
        "first": ToolkitRun(0, "\n".join([error.format("a", "Lost"), error.format("b", "Slow"), "concluded"])),
        "second": ToolkitRun(1, "no space left"),
    }
    survey = Survey("T", (("first", "b"),), {}, {("first", "a"): "missing", ("second", "a"): "missing"}, {})
    assert _find_failures(survey, runs) == {
        ("first", "a"): "Lost",
        ("first", "b"): "Slow",  # its whole results are those of another run
        ("second", "a"): "missing (toolkit: no space left)",
        ("second", ""): "the toolkit ended with exit code 1 (toolkit: no space left)",
    }


def test_always_leaves_nothing_of_the_earlier_run(tmp_path: Path, vot_data: Path) -> None:
    """Where three repetitions are the same, the toolkit's `--force` would take them as done."""
    pytest.importorskip("trax")
    stack, workspace = tmp_path / "two.yaml", tmp_path / "ws"
    experiments = ("  many: {type: unsupervised, repetitions: 6}", "  other: {type: unsupervised, repetitions: 1}")
    stack.write_text("\n".join(["experiments:", *experiments, ""]))
    init = ("init", workspace, "--stack", stack, "--data", vot_data, "--sequences", "one", "--name", "T", "--overwrite")
    forced = ("evaluate", workspace, "T", "--engine", "toolkit", "--overwrite", "always", "--experiments")
    assert run(*init, "-t", "static").exit_code == 0
    assert run("evaluate", workspace, "T").exit_code == 0  # in process: three that are the same, and a record
    results, record = workspace / "results/T/many", workspace / ".runs/T/run.json"
    (results / "notes.md").write_text("mine")

    assert run(*init, "-t", "tests.toy_trackers:make_impossible").exit_code == 0
    assert "no experiment manu" in run(*forced, "manu").output
    assert "fails the toolkit's test" in run(*forced, "many").output
    assert len(list(results.rglob("*.bin"))) == 3  # neither call has cost anything

    assert run(*init, "-t", "tests.toy_trackers:make_failing", "--option", "x=12").exit_code == 0
    failed = run(*forced, "many")
    assert failed.exit_code == 1
    assert re.search("many one: .*a bad day", failed.output)
    assert [path.name for path in results.rglob("*.*")] == ["notes.md"]
    assert list(json.loads(record.read_text())["sequences"]) == ["other/one_001"]
    assert (workspace / "results/T/other/one/one_001.bin").is_file()


def test_all_conventions(tmp_path: Path, vot_data: Path, small_stack: Path) -> None:
    workspace = tmp_path / "ws"
    assert run("init", workspace, "--stack", small_stack, "--data", vot_data, "-t", "static").exit_code == 0
    assert run("evaluate", workspace, "static").exit_code == 0
    scored = run("score", workspace, "--convention", "all", "--json")
    assert scored.exit_code == 0, scored.output
    found = {(row["experiment"], row["convention"]) for row in json.loads(scored.stdout)}
    assert found == {("supervised", "vot"), ("supervised", "pysot"), ("multistart", "vot")}
    assert run("score", workspace, "--convention", "all").stdout.count("supervised:") == 2


def test_the_real_toolkit(tmp_path: Path, vot_data: Path, small_stack: Path) -> None:
    """One run through the toolkit's own command: the tracker, its results, the analysis; a cut file is run again."""
    pytest.importorskip("trax")
    workspace = tmp_path / "ws"
    made = run("init", workspace, "--stack", small_stack, "--data", vot_data, "-t", "static", "--name", "Static")
    assert made.exit_code == 0, made.output
    cut = workspace / "results" / "Static" / "supervised" / "one" / "one_001.bin"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"\x01\x00")
    done = run("evaluate", workspace, "Static", "--engine", "toolkit", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["done"] == 4
    assert found["failures"] == []
    [note] = found["notes"]
    assert "EAOScore: not defined (its window begins at 100 frames, and the longest sequence has 6)" in note
    assert cut.with_name("one_001.bin.broken").is_file()
    assert cut.stat().st_size > 2
    analysis = json.loads(Path(found["analysis"]).read_text())
    accuracy = analysis["results"]["multistart"]["results"][0][0][0]
    assert accuracy == pytest.approx(5 / 6)  # it stands still, as the target does; the given frame counts as a miss
    assert (workspace / "results/Static/multistart/second/second_00000000_confidence.value").is_file()


def test_the_real_toolkit_packs(tmp_path: Path, vot_data: Path) -> None:
    pytest.importorskip("trax")
    stack, workspace = tmp_path / "once.yaml", tmp_path / "ws"
    stack.write_text("experiments:\n  baseline:\n    type: unsupervised\n    repetitions: 1\n")
    assert run("init", workspace, "--stack", stack, "--data", vot_data, "-t", "static").exit_code == 0
    early = run("pack", workspace, "static", "--short-name", "Static")
    assert early.exit_code == 1
    assert "baseline one: results are missing" in early.output
    assert "init with --name Static" in early.output
    assert run("evaluate", workspace, "static").exit_code == 0  # in process: the same files
    dry = run("pack", workspace, "static", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"packed": False, "faults": [], "files": 6}
    packed = run("pack", workspace, "static", "--json")
    assert packed.exit_code == 0, packed.output
    answer = json.loads(packed.stdout)
    with zipfile.ZipFile(answer["zip"]) as archive:
        assert "baseline/one/one_001.bin" in archive.namelist()
        assert b"identifier: static" in archive.read("manifest.yml")
        assert len(archive.namelist()) == answer["files"] + 1


def test_usage_errors(tmp_path: Path, vot_data: Path, small_stack: Path) -> None:
    assert run("evaluate", tmp_path, "x", "--engine", "magic").exit_code == 1
    assert "no VOT workspace" in run("evaluate", tmp_path, "x", "--engine", "toolkit").output
    assert (
        "no stack 'vot1066'" in run("init", tmp_path, "--stack", "vot1066", "--data", vot_data, "-t", "static").output
    )
    assert run("init", tmp_path).exit_code == 2
    arguments = ("init", tmp_path / "ws", "--stack", small_stack, "--data", vot_data)
    assert "no tracker named 'statik'" in run(*arguments, "-t", "statik").output
    assert "letters, digits" in run(*arguments, "-t", "static", "--name", "my tracker").output
    assert not (tmp_path / "ws").exists()
    assert run(*arguments, "-t", "static").exit_code == 0
    assert (
        "no experiment realtime"
        in run("evaluate", tmp_path / "ws", "static", "--engine", "toolkit", "--experiments", "realtime").output
    )
    assert "no tracker in" in run("check", tmp_path / "ws", "Static").output


@pytest.mark.skipif(
    "VOTS_PYTHON" not in os.environ,
    reason="no external checkout: VOTS_PYTHON names no environment with vot-toolkit 0.9.0",
)
def test_several_objects_with_a_later_toolkit(tmp_path: Path) -> None:
    for folder in ("img", "mask"):
        (tmp_path / "pair" / folder).mkdir(parents=True)
    for index in range(5):
        labels = np.zeros((40, 60), dtype=np.uint8)
        labels[5:15, 5:20] = 1
        labels[25:35, 30:50] = 2 if index >= 2 else 0  # it comes later
        cv2.imwrite(str(tmp_path / "pair" / "img" / f"{index:05d}.jpg"), labels * 100)
        cv2.imwrite(str(tmp_path / "pair" / "mask" / f"{index:05d}.png"), labels)
    stack, later = ("--stack", "vots2023"), ("--toolkit-python", os.environ["VOTS_PYTHON"])
    made, workspace = tmp_path / "made", tmp_path / "ws"
    assert run("import-masks", tmp_path / "pair", made, "--objects", *stack, *later).exit_code == 0
    assert run("init", workspace, *stack, "--data", made, "-t", "static", "--name", "Two", *later).exit_code == 0
    refused = run("evaluate", workspace, "Two", "--engine", "toolkit")
    assert refused.exit_code == 1
    assert "vot-toolkit==0.9.0" in refused.output
    done = run("evaluate", workspace, "Two", "--engine", "toolkit", *later)
    assert done.exit_code == 0, done.output
    packed = run("pack", workspace, "Two", "--short-name", "Two", "--json", *later)
    assert packed.exit_code == 0, packed.output
    with zipfile.ZipFile(json.loads(packed.stdout)["zip"]) as archive:
        assert {"baseline/pair/pair_01_001.bin", "baseline/pair/pair_02_001.bin"} <= set(archive.namelist())
