"""`siamcar bench` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from siamcar.backends.measure import EAGER, RELEASED_LOOP
from siamcar.cli.app import app

SMALL = ["bench", "--architecture", "alexnet", "--threads", "1", "--rounds", "1", "--frames", "2", "--backend", "eager"]


def test_tables_name_the_machine_the_baseline_and_the_ratio() -> None:
    before = torch.get_num_threads()
    result = CliRunner().invoke(app, SMALL)
    assert result.exit_code == 0, result.output
    for words in (
        "physical core",
        "1 thread ",
        "baseline on cpu",
        "alexnet, random weights",
        EAGER,
        RELEASED_LOOP,
        "1.00 [1.00, 1.00]",
    ):
        assert words in result.stdout
    assert "µs a frame of its own" in result.stdout
    assert torch.get_num_threads() == before


def test_the_file_holds_every_number(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    result = CliRunner().invoke(app, [*SMALL, "network", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(out.read_text())
    assert document == json.loads(result.stdout)
    assert [row["who"] for row in document["network"]] == [EAGER, RELEASED_LOOP]
    assert document["network"][0]["largest_map_difference"] == 0
    assert document["threads"] == 1
    assert "tracker" not in document and "runner" not in document


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["everything"], "There is no measurement everything"),
        (["--out", "absent/bench.json"], "there is no folder"),
        (["--weights", "siamcar_mobilenetv2"], "Both --weights and --architecture"),
        (["--backend", "openvinoo"], "No backend"),
        (["--backend", "eager:int8"], "does not compute in int8"),
        (["--architecture", "vgg"], "architecture"),
        (["--device", "somewhere"], "'somewhere' is not a device"),
    ],
)
def test_wrong_arguments_are_explained(arguments: list[str], words: str) -> None:
    given = SMALL if arguments[0] != "--backend" else SMALL[:-2]
    result = CliRunner().invoke(app, [*given, *arguments])
    assert result.exit_code in (1, 2), result.output
    assert words.lower() in result.stderr.lower()
