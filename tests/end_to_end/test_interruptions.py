"""The installed command, stopped in the middle: what was finished stays, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [str(Path(sys.executable).with_name("siamcar"))]
ROOT = Path(__file__).parents[2]


def arguments(results: Path) -> list[str]:
    return [
        *COMMAND, "run", "-b", "synthetic", "--set", "n_frames=16", "--set", "n_sequences=4",
        "-t", "tests.toy_trackers:make_slow", "--results", str(results),
    ]  # fmt: skip


def start(results: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments(results), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for_first_sequence(results: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not list(results.glob("Synthetic/*/*.txt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def finish(results: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments(results), cwd=ROOT, capture_output=True, text=True, check=False)


def read_boxes(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in results.glob("Synthetic/*/*.txt")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert finish(folder).returncode == 0
    return read_boxes(folder)


def test_kill_9_loses_one_sequence_at_most(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    process = start(tmp_path)
    wait_for_first_sequence(tmp_path, process)
    process.kill()
    process.communicate()
    kept = read_boxes(tmp_path)
    assert 1 <= len(kept) < 4
    rest = finish(tmp_path)
    assert rest.returncode == 0, rest.stderr
    assert read_boxes(tmp_path) == undisturbed
    assert all(undisturbed[name] == content for name, content in kept.items())
    assert not list(tmp_path.rglob("*.tmp*"))


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_prints_how_to_go_on(
    tmp_path: Path, undisturbed: dict[str, bytes], kind: signal.Signals
) -> None:
    process = start(tmp_path)
    wait_for_first_sequence(tmp_path, process)
    if kind is signal.SIGINT:
        os.killpg(process.pid, kind)  # Ctrl-C reaches every process of the terminal
    else:
        process.send_signal(kind)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "to go on" in complaints
    assert f"--results {tmp_path}" in complaints
    assert "Traceback" not in complaints
    rest = finish(tmp_path)
    assert rest.returncode == 0
    assert read_boxes(tmp_path) == undisturbed


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    process = start(tmp_path)
    wait_for_first_sequence(tmp_path, process)
    group = process.pid
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("worker processes are still alive")


def test_the_record_says_what_is_done(tmp_path: Path) -> None:
    assert finish(tmp_path).returncode == 0
    (path,) = (tmp_path / "Synthetic" / ".runs").glob("*/run.json")
    record = json.loads(path.read_text())
    assert [status["status"] for status in record["sequences"].values()] == ["complete"] * 4
    assert record["identity"]["tracker"] == "tests.toy_trackers:make_slow"


def test_help_is_light() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from siamcar.cli.app import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "print([name for name in ('torch', 'cv2', 'numpy', 'pandas', 'pydantic', 'matplotlib') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"
