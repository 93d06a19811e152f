"""`siamcar convert-weights` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from siamcar.cli.app import app
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert-weights", *map(str, arguments)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as a training script leaves it."""
    path = tmp_path_factory.mktemp("weights") / "snapshot.pth"
    torch.manual_seed(0)
    state = SiamCAR(ModelConfig(architecture="alexnet")).state_dict()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, path)
    return path


def test_a_checkpoint_becomes_a_file_that_can_be_loaded(checkpoint: Path, tmp_path: Path) -> None:
    destination = tmp_path / "a.safetensors"
    result = convert(checkpoint, destination)
    assert result.exit_code == 0, result.output
    for words in ("released names", "whole network, alexnet", str(destination), "sha256", "siamcar track VIDEO"):
        assert words in result.stdout
    assert load_model(destination).config.architecture == "alexnet"


def test_half_precision_takes_half_the_space(checkpoint: Path, tmp_path: Path) -> None:
    full = json.loads(convert(checkpoint, tmp_path / "a.safetensors", "--json").stdout)
    half = json.loads(convert(checkpoint, tmp_path / "b.safetensors", "--half", "--json").stdout)
    assert (full["half"], half["half"]) == (False, True)
    assert half["bytes"] < 0.51 * full["bytes"]
    assert half["parameters"] == full["parameters"]


def test_an_existing_file_is_kept_unless_asked(checkpoint: Path, tmp_path: Path) -> None:
    destination = tmp_path / "a.safetensors"
    destination.write_text("mine")
    assert convert(checkpoint, destination).exit_code == 1
    assert destination.read_text() == "mine"
    assert convert(checkpoint, destination, "--overwrite").exit_code == 0


def test_a_preparation_of_the_input_is_said_to_be_folded(checkpoint: Path, tmp_path: Path) -> None:
    result = convert(checkpoint, tmp_path / "a.safetensors", "--input-norm", "imagenet-rgb")
    assert "folded into the first convolution" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.pt"], "end in .safetensors"),
        (["a.safetensors", "--architecture", "resnet5"], "Did you mean resnet50"),
        (["a.safetensors", "--architecture", "resnet50"], "alexnet"),
        (["a.safetensors", "--input-norm", "blue"], "does not say how"),
    ],
)
def test_what_cannot_be_done_is_explained(checkpoint: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    result = convert(checkpoint, tmp_path / arguments[0], *arguments[1:])
    assert result.exit_code == 1
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_source_is_explained(tmp_path: Path) -> None:
    result = convert(tmp_path / "none.pth", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert "none.pth" in result.stderr
