from __future__ import annotations

from pathlib import Path

import pytest

from siamcar.config import TrackerConfig
from siamcar.errors import ConfigError, UnknownNameError
from siamcar.tracking.presets import build_tracker_config, list_presets, load_preset


@pytest.mark.parametrize(
    ("name", "lr", "penalty_k", "window_influence"),
    [
        ("otb100", 0.35, 0.2, 0.45),
        ("got10k", 0.7, 0.06, 0.1),
        ("uav123", 0.4, 0.2, 0.3),
        ("lasot", 0.33, 0.04, 0.3),
        ("demo", 0.3, 0.04, 0.4),
    ],
)
def test_published_hyper_parameters(name: str, lr: float, penalty_k: float, window_influence: float) -> None:
    preset = load_preset(name)
    assert preset.published
    assert preset.fields() == {"lr": lr, "penalty_k": penalty_k, "window_influence": window_influence}


@pytest.mark.parametrize("name", ["trackingnet", "vot2018", "vot2020"])
def test_the_others_say_that_none_were_published(name: str) -> None:
    preset = load_preset(name)
    assert not preset.published
    assert preset.source.startswith("those of ")
    assert preset.fields() == load_preset(preset.source.split()[2].rstrip(",")).fields()


def test_every_preset_makes_a_configuration() -> None:
    assert len(list_presets()) == 8
    for name in list_presets():
        assert build_tracker_config(name).penalty_k == load_preset(name).penalty_k


def test_without_a_preset_the_defaults_are_those_of_the_demo() -> None:
    assert build_tracker_config() == TrackerConfig() == build_tracker_config("demo")


def test_an_unknown_preset_suggests_one() -> None:
    with pytest.raises(UnknownNameError, match="otb100"):
        build_tracker_config("otb1000")


def test_later_sources_win_and_text_is_converted(tmp_path: Path) -> None:
    file = tmp_path / "tracker.yaml"
    file.write_text("penalty_k: 0.5\nlr: 0.6\nstrategy: coarse\n")
    config = build_tracker_config("got10k", file, "refine", {"lr": "0.25", "smooth_size": "true", "top_k": "2"})
    assert (config.window_influence, config.penalty_k, config.lr) == (0.1, 0.5, 0.25)
    assert (config.strategy, config.smooth_size, config.top_k) == ("refine", True, 2)
    assert build_tracker_config("got10k", file).strategy == "coarse"
    assert build_tracker_config("got10k", strategy="refine").strategy == "refine"


def test_what_the_weights_hold_lies_between_a_default_preset_and_a_given_one(tmp_path: Path) -> None:
    saved = {"penalty_k": 0.5, "strategy": "average"}
    config = build_tracker_config(default_preset="got10k", saved=saved)
    assert (config.lr, config.penalty_k, config.window_influence, config.strategy) == (0.7, 0.5, 0.1, "average")
    assert build_tracker_config("otb100", default_preset="got10k", saved=saved).penalty_k == 0.2
    file = tmp_path / "tracker.yaml"
    file.write_text("penalty_k: 0.25\n")
    assert build_tracker_config(None, file, default_preset="got10k", saved=saved).penalty_k == 0.25


def test_faults_name_their_source(tmp_path: Path) -> None:
    file = tmp_path / "tracker.yaml"
    file.write_text("penalty: 0.5\n")
    with pytest.raises(ConfigError, match=r"tracker\.yaml.*penalty"):
        build_tracker_config(config_file=file)
    with pytest.raises(ConfigError, match=r"the options.*lr"):
        build_tracker_config("otb100", options={"lr": "much"})
    with pytest.raises(ConfigError, match="no strategy named 'best'"):
        build_tracker_config("otb100", strategy="best")


def test_a_pysot_file_gives_the_triple_of_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("TRACK: {PENALTY_K: 0.9}\nHP_SEARCH: {OTB100: [0.11, 0.12, 0.13], 'GOT-10k': [0.21, 0.22, 0.23]}\n")
    config = build_tracker_config("got10k", config_file=file)
    assert (config.lr, config.penalty_k, config.window_influence) == (0.21, 0.22, 0.23)
    config = build_tracker_config("lasot", config_file=file)
    assert (config.lr, config.penalty_k, config.window_influence) == (0.33, 0.04, 0.3)
