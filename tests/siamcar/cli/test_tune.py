"""`siamcar tune` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from siamcar.cli.app import app
from siamcar.config import read_yaml
from siamcar.tracking.presets import build_tracker_config

SMALL = ["-b", "synthetic", "--set", "n_sequences=1", "--set", "n_frames=3", "--seed", "3"]


def tune(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["tune", *SMALL, *map(str, arguments)])


def test_a_search_writes_a_configuration_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "tuned.yaml"
    result = tune("--out", out, "--trials", 2)
    assert result.exit_code == 0, result.output
    assert "2 trials" in result.stdout
    assert "test set" not in result.stderr
    config = build_tracker_config("demo", out)
    assert config.model_dump().items() >= {k: v for k, v in read_yaml(out).items() if isinstance(v, float)}.items()
    assert set(read_yaml(out)) >= {"lr", "penalty_k", "window_influence"}
    result = tune("--out", out, "--trials", 3)  # one more, beside those of the journal
    assert result.exit_code == 0, result.output
    assert "3 trials" in result.stdout
    refused = tune("--out", out, "--trials", 3, "--strategy", "refine")
    assert refused.exit_code == 1
    assert "tuned.journal" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weights", "absent.safetensors"], "absent.safetensors"),
        (["--strategy", "finest"], "finest"),
        (["--preset", "otb1000"], "otb1000"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = tune("--out", tmp_path / "tuned.yaml", "--trials", 1, *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not list(tmp_path.iterdir())


def test_tuning_on_a_test_set_is_warned_of(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["tune", "-b", "otb100", "--data", str(tmp_path), "--out", str(tmp_path / "t.yaml")]
    )
    assert result.exit_code == 1  # there is no data
    assert "Warning: otb100 is a test set." in result.stderr
