"""The mean of weights files: of every number, with what is known of each."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from siamcar.cli.app import app
from siamcar.config import ModelConfig, TrackerConfig
from siamcar.errors import ConfigError, WeightsError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model, save_weights
from siamcar.weights_files import read_weights_metadata
from training.averaging import average_weights

CONFIG = ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)


def write(path: Path, seed: int, config: ModelConfig = CONFIG) -> Path:
    torch.manual_seed(seed)
    recipe = {"name": "made", "trained": {"step": 10 * seed}}
    save_weights(SiamCAR(config), path, tracker_config=TrackerConfig(strategy="average"), recipe=recipe)
    return path


def test_every_number_is_the_mean_and_the_file_says_of_what(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2, 3)]
    out = tmp_path / "mean.safetensors"
    average_weights(paths, out)
    states = [load_model(path).state_dict() for path in paths]
    for name, value in load_model(out).state_dict().items():
        expected = torch.stack([state[name].double() for state in states]).mean(0).to(value.dtype)
        torch.testing.assert_close(value, expected)
    metadata = read_weights_metadata(out)
    assert metadata["tracker_config"]["strategy"] == "average"
    assert "trained" not in metadata["recipe"]
    assert metadata["recipe"]["averaged"] == [
        {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "step": 10 * seed}
        for seed, path in enumerate(paths, 1)
    ]


def test_one_file_or_another_network_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one.safetensors", 1)
    wide = write(tmp_path / "wide.safetensors", 1, CONFIG.model_copy(update={"channels": 64}))
    with pytest.raises(ConfigError, match="two weights files or more; found 1"):
        average_weights([one], tmp_path / "mean.safetensors")
    with pytest.raises(WeightsError, match="their mean is no network"):
        average_weights([one, wide], tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()


def test_from_the_command_line(tmp_path: Path) -> None:
    names = [str(write(tmp_path / f"{seed}.safetensors", seed)) for seed in (1, 2)]
    command = ["train", "average", *names, "--out", str(tmp_path / "mean.safetensors"), "--strategy", "refine"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert read_weights_metadata(tmp_path / "mean.safetensors")["tracker_config"]["strategy"] == "refine"
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 1
    assert "exists already" in again.stderr
