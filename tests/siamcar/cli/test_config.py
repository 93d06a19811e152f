"""`siamcar config show`: values, and where each comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from siamcar.cli.app import app
from siamcar.config import ModelConfig, TrackerConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from siamcar.trackers import describe_tracker
from siamcar.tracking.presets import load_preset

PYSOT = """
META_ARC: siamcar_r50
BACKBONE: {TYPE: resnet50}
TRACK: {CONTEXT_AMOUNT: 0.25, PENALTY_K: 0.9}
HP_SEARCH: {OTB100: [0.31, 0.21, 0.41]}
"""


def show(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["config", "show", *map(str, arguments)])


def read(*arguments: object) -> dict[str, Any]:
    result = show(*arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture
def pysot(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(PYSOT)
    return path


def test_without_options_it_is_what_the_built_in_weights_hold() -> None:
    document = read()
    assert document["config"] == describe_tracker("siamcar").identity["config"]
    assert document["config"]["strategy"] == "average"
    assert set(document["from"].values()) == {"weights siamcar_mobilenetv2"}
    assert list(document["from"]) == list(TrackerConfig.model_fields)


def test_weights_show_what_they_hold_and_the_rest_is_a_default(tmp_path: Path) -> None:
    weights = tmp_path / "mine.bin"
    model = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1))
    save_weights(model, weights, tracker_config=TrackerConfig(lr=0.9, penalty_k=0.8))
    document = read("--weights", weights, "-o", "penalty_k=0.7")
    assert (document["config"]["lr"], document["from"]["lr"]) == (0.9, f"weights {weights}")
    assert document["from"]["penalty_k"] == "--option"
    assert document["from"]["strategy"] == "default"
    absent = show("--weights", tmp_path / "absent.safetensors")
    assert absent.exit_code == 1 and "does not exist" in absent.stderr


def test_each_layer_lies_over_the_ones_before(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("lr: 0.11\npenalty_k: 0.12\nstrategy: coarse\n")
    document = read("--preset", "otb100", "--strategy", "refine", "--config", own, "-o", "lr=0.5")
    assert (document["config"]["lr"], document["from"]["lr"]) == (0.5, "--option")
    assert (document["config"]["penalty_k"], document["from"]["penalty_k"]) == (0.12, str(own))
    assert (document["config"]["strategy"], document["from"]["strategy"]) == ("refine", "--strategy")
    window = load_preset("otb100").window_influence
    assert (document["config"]["window_influence"], document["from"]["window_influence"]) == (
        window,
        "preset otb100",
    )
    assert read("--config", own)["from"]["strategy"] == str(own)


def test_a_preset_that_was_never_published_says_so() -> None:
    assert read("--preset", "vot2018")["preset"]["published"] is False
    assert "(none was published)" in show("--preset", "vot2018").stdout
    assert "preset otb100: HP_SEARCH.OTB100\n" in show("--preset", "otb100").stdout


def test_a_pysot_file_shows_what_it_says_in_vain(pysot: Path) -> None:
    document = read("--preset", "otb100", "--config", pysot)
    assert document["config"]["lr"] == 0.31
    assert document["config"]["context_amount"] == 0.25
    assert document["config"]["penalty_k"] == 0.21
    assert document["from"]["penalty_k"] == str(pysot)
    assert document["architecture"] == "resnet50"
    assert any(line.startswith("TRACK.PENALTY_K = 0.9") for line in document["ignored"])
    text = show("--preset", "otb100", "--config", pysot).stdout
    assert "backbone: resnet50" in text
    assert f"Without effect in {pysot}:" in text


def test_the_table_has_every_key_with_its_origin() -> None:
    text = show("--strategy", "refine").stdout
    for key in TrackerConfig.model_fields:
        assert key in text
    assert "--strategy" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "otb10"], "Did you mean otb100"),
        (["--strategy", "best"], "strategy"),
        (["-o", "penalty=1"], "penalty"),
        (["-o", "penalty_k"], "key=value"),
        (["--config", "absent.yaml"], "does not exist"),
    ],
)
def test_faults_are_explained(arguments: list[str], words: str) -> None:
    result = show(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr


def test_settings_are_set_shown_and_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    runner = CliRunner()
    assert runner.invoke(app, ["config", "set", "data.otb100", str(tmp_path)]).exit_code == 0
    shown = json.loads(runner.invoke(app, ["config", "settings", "--json"]).stdout)
    assert shown["data"] == {"otb100": str(tmp_path)}
    assert "data.otb100" in runner.invoke(app, ["config", "settings"]).stdout
    typo = runner.invoke(app, ["config", "unset", "data.otb10"])
    assert typo.exit_code == 1 and "Did you mean data.otb100" in typo.stderr
    assert runner.invoke(app, ["config", "unset", "data.otb100"]).exit_code == 0
    assert runner.invoke(app, ["config", "unset", "data.otb100"]).exit_code == 1
    assert json.loads(runner.invoke(app, ["config", "settings", "--json"]).stdout)["data"] == {}
    assert runner.invoke(app, ["config", "set", "data.otb100", str(tmp_path / "absent")]).exit_code == 1
    unknown = runner.invoke(app, ["config", "set", "data.otb10", str(tmp_path)])
    assert unknown.exit_code == 1 and "Did you mean otb100" in unknown.stderr
    assert runner.invoke(app, ["config", "set", "data.vot-st2020", str(tmp_path)]).exit_code == 0
