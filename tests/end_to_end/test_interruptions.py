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


def arguments(results: Path, tracker: str = "make_gated") -> list[str]:
    # The gate has the same name everywhere, relative to the working folder: it is part of the run's identity.
    options = ["-o", "gate=gate"] if tracker == "make_gated" else []
    return [
        *COMMAND, "run", "-b", "synthetic", "--set", "n_frames=16", "--set", "n_sequences=4",
        "-t", f"tests.toy_trackers:{tracker}", *options, "--results", str(results),
    ]  # fmt: skip


def run_here(results: Path, tracker: str = "make_gated", *, ignore_sigint: bool = False) -> subprocess.Popen[str]:
    """Start a run in `results`; trackers of the tests are found there, too."""
    results.mkdir(exist_ok=True)
    handling = signal.SIG_IGN if ignore_sigint else signal.SIG_DFL
    return subprocess.Popen(
        arguments(results, tracker),
        cwd=results,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # In the background of a shell SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, handling),  # noqa: PLW1509 - no other thread runs here
    )


def wait_for_first_sequence(results: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not list(results.glob("Synthetic/*/*.txt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def finish(results: Path) -> tuple[int, str]:
    """Open the gate and run to the end."""
    results.mkdir(exist_ok=True)
    (results / "gate").touch()
    process = run_here(results)
    _, complaints = process.communicate(timeout=120)
    return process.returncode, complaints


def read_boxes(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in results.glob("Synthetic/*/*.txt")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    code, complaints = finish(folder)
    assert code == 0, complaints
    return read_boxes(folder)


def test_kill_9_loses_one_sequence_at_most(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    process = run_here(tmp_path)
    wait_for_first_sequence(tmp_path, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = read_boxes(tmp_path)
    assert len(kept) == 1
    code, complaints = finish(tmp_path)
    assert code == 0, complaints
    assert read_boxes(tmp_path) == undisturbed
    assert all(undisturbed[name] == content for name, content in kept.items())
    assert not list(tmp_path.rglob("*.tmp*"))


@pytest.mark.parametrize(
    ("kind", "in_background"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)]
)
def test_an_interrupted_run_prints_how_to_go_on(
    tmp_path: Path, undisturbed: dict[str, bytes], kind: signal.Signals, in_background: bool
) -> None:
    process = run_here(tmp_path, ignore_sigint=in_background)
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
    code, complaints = finish(tmp_path)
    assert code == 0, complaints
    assert read_boxes(tmp_path) == undisturbed


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    process = run_here(tmp_path, "make_slow")
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
    assert finish(tmp_path)[0] == 0
    (path,) = (tmp_path / "Synthetic" / ".runs").glob("*/run.json")
    record = json.loads(path.read_text())
    assert [status["status"] for status in record["sequences"].values()] == ["complete"] * 4
    assert record["identity"]["tracker"] == "tests.toy_trackers:make_gated"


def test_help_is_light() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from siamcar.cli.app import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "print([name for name in ('torch', 'cv2', 'numpy', 'pandas', 'pydantic', 'matplotlib') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"
