from __future__ import annotations

from pathlib import Path

import pytest

from siamcar.errors import ConfigError
from siamcar.tracking.pysot_config import is_pysot_config, read_pysot_config

FILE = """
META_ARC: some_name
BACKBONE:
  TYPE: resnet50
  KWARGS: {used_layers: [2, 3, 4]}
TRACK:
  TYPE: SomeTracker
  PENALTY_K: 0.04
  WINDOW_INFLUENCE: 0.44
  LR: 0.33
  EXEMPLAR_SIZE: 127
  INSTANCE_SIZE: 255
  CONTEXT_AMOUNT: 0.4
  STRIDE: 8
  SCORE_SIZE: 25
  NUM_K: 2
  NUM_N: 1
  REGION_S: 0.1
  REGION_L: 0.5
HP_SEARCH:
  OTB100: [0.35, 0.2, 0.45]
  GOT10K: [0.7, 0.06, 0.1]
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def test_reads_what_the_released_tracker_reads(tmp_path: Path) -> None:
    config = read_pysot_config(_write(tmp_path, FILE), "otb100")
    assert config.architecture == "resnet50"
    assert config.values == {
        "template_size": 127,
        "search_size": 255,
        "context_amount": 0.4,
        "lr": 0.35,
        "penalty_k": 0.2,
        "window_influence": 0.45,
    }


def test_lists_what_has_no_effect(tmp_path: Path) -> None:
    ignored = read_pysot_config(_write(tmp_path, FILE), "otb100").ignored
    for key in ("TRACK.PENALTY_K", "TRACK.WINDOW_INFLUENCE", "TRACK.LR", "TRACK.NUM_K", "TRACK.NUM_N", "TRACK.TYPE"):
        assert sum(line.startswith(f"{key} = ") for line in ignored) == 1, key
    assert any(line.startswith("TRACK.REGION_L = 0.5") and "0.44" in line for line in ignored)
    assert any(line.startswith("HP_SEARCH.GOT10K") for line in ignored)
    assert not any(key in line for line in ignored for key in ("REGION_S", "STRIDE", "SCORE_SIZE", "HP_SEARCH.OTB100"))


def test_keys_that_are_not_known_are_named_and_those_of_training_are_not(tmp_path: Path) -> None:
    text = FILE.replace("HP_SEARCH", "HP_SERCH") + "CUDA: true\nTRAIN: {EPOCH: 20}\nDATASET: {}\nADJUST: {}\nRPN: {}\n"
    ignored = read_pysot_config(_write(tmp_path, text), "otb100").ignored
    assert [line.split(":")[0] for line in ignored if not line.startswith("TRACK.")] == ["HP_SERCH", "RPN"]


@pytest.mark.parametrize(("preset", "lr"), [("otb100", 0.35), ("got10k", 0.7), ("lasot", None), (None, None)])
def test_the_preset_chooses_the_triple(tmp_path: Path, preset: str | None, lr: float | None) -> None:
    assert read_pysot_config(_write(tmp_path, FILE), preset).values.get("lr") == lr


@pytest.mark.parametrize(("name", "architecture"), [("alexnetlegacy", "alexnet"), ("resnet18", "resnet18")])
def test_backbones(tmp_path: Path, name: str, architecture: str) -> None:
    assert read_pysot_config(_write(tmp_path, f"BACKBONE: {{TYPE: {name}}}")).architecture == architecture


def test_a_file_without_a_backbone_names_no_architecture(tmp_path: Path) -> None:
    assert read_pysot_config(_write(tmp_path, "TRACK: {}")).architecture is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BACKBONE: {TYPE: vgg}", "vgg"),
        ("BACKBONE: {TYPE: resnet50, KWARGS: {used_layers: [4]}}", "used_layers"),
        ("BACKBONE: {TYPE: mobilenetv2, KWARGS: {width_mult: 1.4}}", "1.4"),
        ("HP_SEARCH: {OTB100: [1, 2]}", "HP_SEARCH.OTB100"),
        ("HP_SEARCH: {OTB100: [0.3, 0.1, 7]}", "window_influence"),
        ("TRACK: [1]", "TRACK should hold a mapping"),
        ("TRACK: {CONTEXT_AMOUNT: 0.5}\npenalty_k: 0.9", r"mixes a pysot configuration \(TRACK\).*penalty_k"),
        ("lr: 0.3", "not a pysot configuration"),
    ],
)
def test_faults_are_told(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        read_pysot_config(_write(tmp_path, text), "otb100")


def test_our_own_files_are_told_apart() -> None:
    assert not is_pysot_config({"lr": 0.3, "strategy": "refine"})
    assert is_pysot_config({"TRACK": {}})
