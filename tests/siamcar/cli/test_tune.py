"""`siamcar tune` from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import siamcar.tracker
from evaluation.sequence import Benchmark
from evaluation.tuning import TuningResult
from siamcar.cli.app import app
from siamcar.config import TrackerConfig, read_yaml
from siamcar.model.weights import load_model, save_weights
from siamcar.trackers.siamcar import describe_siamcar
from siamcar.tracking.presets import build_tracker_config, load_preset
from siamcar.weights_files import list_builtin_weights
from tests.helpers import make_sequence

SMALL = ["-b", "synthetic", "--set", "n_sequences=1", "--set", "n_frames=3", "--seed", "3"]


def tune(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["tune", *SMALL, *map(str, arguments)])


def test_what_is_tuned_is_what_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --strategy that of the weights; first of all the values that `siamcar run` would track with."""
    saved = TrackerConfig(strategy="refine", smooth_size=True, window_influence=0.9, context_amount=0.6)
    model = load_model(next(iter(list_builtin_weights().values())))
    weights, out = tmp_path / "mine.safetensors", tmp_path / "tuned.yaml"
    save_weights(model, weights, tracker_config=saved)
    made: list[TrackerConfig] = []
    monkeypatch.setattr("siamcar.tracker.SiamCARTracker.__init__", _note(made, siamcar.tracker.SiamCARTracker.__init__))
    result = tune("--out", out, "--trials", 1, "--weights", weights)
    assert result.exit_code == 0, result.output
    (first,) = made
    used = describe_siamcar({"weights": weights, "default_preset": "demo"}).identity["config"]
    assert first.model_dump(mode="json") == used
    assert (first.strategy, first.smooth_size, first.context_amount) == ("refine", True, 0.6)
    assert (first.window_influence, first.penalty_k) == (0.9, load_preset("demo").penalty_k)
    content = read_yaml(out)
    assert content["strategy"] == "refine"
    tuned = describe_siamcar({"weights": weights, "default_preset": "demo", "config": out}).identity["config"]
    assert tuned == used  # the one trial is the best


def _note(made: list[TrackerConfig], init: Any) -> Any:
    def __init__(self: Any, *arguments: Any, config: TrackerConfig, **options: Any) -> None:
        made.append(config)
        init(self, *arguments, config=config, **options)

    return __init__


def test_the_strategy_of_the_weights_decides_what_is_searched(tmp_path: Path) -> None:
    out = tmp_path / "tuned.yaml"
    result = tune("--out", out, "--trials", 1, "--preset", "vot2018")
    assert result.exit_code == 0, result.output
    preset = load_preset("vot2018")
    content = read_yaml(out)
    assert content == {
        "strategy": "average",  # of the weights that come with the suite; without smoothing there is no lr to search
        "penalty_k": preset.penalty_k,
        "window_influence": preset.window_influence,
    }


def test_a_search_writes_a_configuration_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "tuned.yaml"
    result = tune("--out", out, "--trials", 2, "--strategy", "released")
    assert result.exit_code == 0, result.output
    assert "2 trials" in result.stdout
    assert "test set" not in result.stderr
    config = build_tracker_config("demo", out)
    assert config.model_dump().items() >= {k: v for k, v in read_yaml(out).items() if isinstance(v, float)}.items()
    assert set(read_yaml(out)) >= {"lr", "penalty_k", "window_influence"}
    result = tune("--out", out, "--trials", 3, "--strategy", "released")  # one more, beside those of the journal
    assert result.exit_code == 0, result.output
    assert "3 trials" in result.stdout
    refused = tune("--out", out, "--trials", 3, "--strategy", "refine")
    assert refused.exit_code == 1
    assert "tuned.journal" in refused.stderr


def test_what_is_searched_for_is_what_ranks_trackers_on_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def note(*_arguments: Any, **options: Any) -> TuningResult:
        asked.append(options)
        return TuningResult({"penalty_k": 0.1}, 0.5, 1, 0)

    sequence = make_sequence("GOT-10k_Val_000001", 4, cover=np.full(4, 8), size=(64, 48))
    benchmark = Benchmark("GOT-10k", (sequence,), "got10k", family="got10k")
    monkeypatch.setattr("siamcar.cli.tune.load_selected", lambda *_: benchmark)
    monkeypatch.setattr("evaluation.tuning.tune_tracker", note)
    outcome = CliRunner().invoke(app, ["tune", "-b", "got10k_val", "--out", str(tmp_path / "tuned.yaml")])
    assert outcome.exit_code == 0, outcome.output
    assert [(one["metric"], one["convention"].family) for one in asked] == [("ao", "got10k")]


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
