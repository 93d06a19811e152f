"""Options that the verbs give to trackers."""

from __future__ import annotations

from pathlib import Path

import pytest

from siamcar.cli.tracker_options import add_default_preset
from siamcar.protocol import Tracker
from siamcar.trackers.static import StaticTracker

OTHER = "tests.siamcar.cli.test_tracker_options:make_with_preset"


def make_with_preset(preset: str = "demo", config: str | None = None) -> Tracker:
    return StaticTracker()


@pytest.mark.parametrize(
    ("tracker", "options", "expected"),
    [
        ("siamcar", {"lr": "0.1"}, {"default_preset": "lasot", "lr": "0.1"}),
        ("siamcar", {"preset": "otb100"}, {"preset": "otb100"}),
        (OTHER, {}, {"preset": "lasot"}),
        (OTHER, {"preset": "mine"}, {"preset": "mine"}),
        ("static", {}, {}),
    ],
)
def test_a_benchmarks_own_preset_is_added_where_none_is_given(
    tracker: str, options: dict[str, str], expected: dict[str, str]
) -> None:
    assert add_default_preset(tracker, options, "lasot") == expected


def test_keys_without_effect_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("TRACK: {LR: 0.1}\nHP_SEARCH: {LaSOT: [0.1, 0.2, 0.3], OTB100: [0.1, 0.2, 0.3]}\n")
    add_default_preset("siamcar", {"config": config}, "lasot")
    told = capsys.readouterr().err
    assert "TRACK.LR" in told
    assert "HP_SEARCH.OTB100" in told
    assert "HP_SEARCH.LaSOT" not in told
