"""Configurations: frozen, checked, and the same after a trip through YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from siamcar.config import ModelConfig, TrackerConfig, read_yaml
from siamcar.errors import ConfigError


def test_yaml_round_trip(tmp_path: Path) -> None:
    config = TrackerConfig(strategy="average", penalty_k=0.2, top_k=2)
    path = tmp_path / "tracker.yaml"
    path.write_text(config.to_yaml())
    assert TrackerConfig.from_yaml(path) == config


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        ModelConfig().architecture = "alexnet"  # type: ignore[misc]


def test_every_fault_is_listed_with_its_source(tmp_path: Path) -> None:
    path = tmp_path / "tracker.yaml"
    path.write_text("penalty_k: -1\nwindow_influenze: 0.3\n")
    with pytest.raises(ConfigError) as caught:
        TrackerConfig.from_yaml(path)
    assert str(path) in caught.value.message
    assert "penalty_k" in caught.value.message
    assert "window_influenze" in caught.value.message
    assert "window_influence" in caught.value.hint


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"search_size": 100}, "must exceed template_size"),
        ({"top_k": 10}, "exceeds the peak"),
        ({"min_size": 0.5}, "min_size"),
        ({"lr": True}, "lr: expected a number, found true"),
        ({"top_k": True}, "top_k: expected a number, found true"),
        ({"penalty_k": "inf"}, "penalty_k: expected a finite number, found 'inf'"),
        ({"context_amount": float("inf")}, "context_amount: expected a finite number"),
    ],
)
def test_values_that_do_not_fit(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrackerConfig.build(values, source="test")


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_yaml(tmp_path / "absent.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n- 2\n")
    with pytest.raises(ConfigError, match="list"):
        read_yaml(tmp_path / "list.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    with pytest.raises(ConfigError, match="YAML"):
        read_yaml(tmp_path / "broken.yaml")
    (tmp_path / "empty.yaml").write_text("")
    assert read_yaml(tmp_path / "empty.yaml") == {}
