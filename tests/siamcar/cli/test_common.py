"""What the verbs share: output that fails at nothing, and benchmarks with the folder that they have."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siamcar.cli import _prepare_output
from siamcar.cli.app import app


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    program = "from siamcar.cli import main; main()"
    command = [sys.executable, "-c", program, "list", "presets"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_letter_can_be_printed_and_a_closed_stream_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    monkeypatch.setattr(sys, "stderr", None)
    _prepare_output()
    print("results → folder", flush=True)
    assert written.getvalue().decode("latin-1").rstrip() == "results ? folder"
    with sys.stderr as nowhere:
        nowhere.write("→")


@pytest.mark.parametrize(
    "arguments",
    [
        ["speed", "-t", "static"],
        ["run", "-b", "synthetic", "-t", "static", "--results", "results"],
        ["check", "data", "-b", "synthetic"],
    ],
)
def test_a_folder_for_a_benchmark_that_has_none_is_refused(arguments: list[str], tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path)])
    assert outcome.exit_code == 1
    assert f"'synthetic' is drawn and has no folder; found --data {tmp_path}" in outcome.stderr
    assert "-b" in outcome.stderr
