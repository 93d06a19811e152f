"""Server reports: read as they come, refused when they are of something else, kept whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.server_scores import add_server_scores, load_server_scores
from siamcar.errors import ConfigError, ResultsError, UnknownNameError

GOT10K = "got10k_test"


def make_report(**changes: Any) -> dict[str, Any]:
    """One tracker's entry as got10k's toolkit writes it."""
    curve = np.linspace(1, 0, 101)
    return {
        "overall": {"ao": 0.581, "sr": 0.683, "speed_fps": 52.2, "succ_curve": curve.tolist()},
        "seq_wise": {
            "GOT-10k_Test_000001": {"ao": 0.6, "sr": 0.7, "speed_fps": 50.0, "length": 99},
            "GOT-10k_Test_000002": {"ao": 0.5, "sr": 0.6, "speed_fps": 50.0, "length": 49},
        },
        **changes,
    }


def write(folder: Path, content: object, name: str = "performance.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def add(tmp_path: Path, content: object, benchmark: str = GOT10K, tracker: str = "ours", **options: Any) -> Path:
    return add_server_scores(write(tmp_path, content), benchmark, tracker, tmp_path / "results", **options)


def test_got10k_s_report_comes_back_as_it_was(tmp_path: Path) -> None:
    path = add(tmp_path, {"SiamCAR": make_report()})
    assert path == tmp_path / "results" / "GOT-10k" / ".server" / "ours.json"
    (scores,) = load_server_scores(tmp_path / "results", GOT10K)
    assert scores.metrics == pytest.approx({"ao": 0.581, "sr50": 0.683, "sr75": 0.25, "fps_mean": 52.2})
    assert (scores.tracker, scores.convention, scores.n_sequences) == ("ours", "got10k", 2)
    assert scores.sequences["ao"] == {"GOT-10k_Test_000001": 0.6, "GOT-10k_Test_000002": 0.5}
    assert scores.frames == {"GOT-10k_Test_000001": 99, "GOT-10k_Test_000002": 49}
    assert (scores.source, len(scores.sha256)) == ("performance.json", 64)


def test_the_benchmark_s_own_folder_serves_as_the_results_root(tmp_path: Path) -> None:
    add(tmp_path, {"SiamCAR": make_report()})
    assert load_server_scores(tmp_path / "results" / "GOT-10k", GOT10K)


def test_the_tracker_s_own_entry_is_taken_among_several(tmp_path: Path) -> None:
    other = make_report(overall={"ao": 0.1, "sr": 0.1})
    add(tmp_path, {"other": other, "ours": make_report()})
    assert load_server_scores(tmp_path / "results", GOT10K)[0].metrics["ao"] == 0.581
    with pytest.raises(UnknownNameError, match="'mine'"):
        add(tmp_path, {"other": other, "ours": make_report()}, tracker="mine")


def test_a_report_without_a_tracker_s_name_and_without_sequences(tmp_path: Path) -> None:
    add(tmp_path, {"overall": {"ao": 0.5, "sr": 0.6, "speed_fps": -1}})
    (scores,) = load_server_scores(tmp_path / "results", GOT10K)
    assert scores.metrics == {"ao": 0.5, "sr50": 0.6}
    assert (scores.n_sequences, scores.sequences) == (180, {})


def test_a_sequence_in_which_no_frame_counts_has_no_value(tmp_path: Path) -> None:
    report = make_report()
    report["seq_wise"]["GOT-10k_Test_000002"]["ao"] = float("nan")
    add(tmp_path, {"ours": report})
    assert list(load_server_scores(tmp_path / "results", GOT10K)[0].sequences["ao"]) == ["GOT-10k_Test_000001"]


def test_a_validation_report_is_refused(tmp_path: Path) -> None:
    report = make_report(seq_wise={"GOT-10k_Val_000001": {"ao": 0.6, "sr": 0.7, "length": 99}})
    with pytest.raises(ResultsError, match=r"not of GOT-10k's test.*GOT-10k_Val_000001") as caught:
        add(tmp_path, {"ours": report})
    assert "got10k_val" in caught.value.hint


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    add(tmp_path, {"ours": make_report()})
    better = make_report(overall={"ao": 0.6, "sr": 0.7})
    with pytest.raises(ResultsError, match="scores of ours on got10k_test already"):
        add(tmp_path, {"ours": better})
    assert load_server_scores(tmp_path / "results", GOT10K)[0].metrics["ao"] == 0.581
    add(tmp_path, {"ours": better}, overwrite=True)
    assert load_server_scores(tmp_path / "results", GOT10K)[0].metrics["ao"] == 0.6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("AO 0.5", "is not JSON"),
        ("[1]", "expected"),
        ("{}", "expected"),
        ({"ours": {"overall": {"ao": 0.5}}}, "'ao' and 'sr'"),
        ({"ours": make_report(overall={"ao": 58.1, "sr": 0.6})}, "ao is a number from 0 to 1; found 58.1"),
        ({"ours": make_report(overall={"ao": None, "sr": 0.6})}, "found None"),
        ({"ours": make_report(seq_wise={"GOT-10k_Test_000001": {"ao": 0.5}})}, "'length'"),
        ({"ours": make_report(seq_wise=[1])}, "seq_wise"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        add(tmp_path, content)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "text",
    [
        "Coverage,Success,Precision,Normalized Precision\n100.0,74.01,68.41,80.44\n",
        "success,precision,norm_precision\r\n0.7401,0.6841,0.8044\r\n",
        "Tracker;Success;Normalized Precision;Precision\nours;74.01;80.44;68.41\nother;1;2;3\n",
        "Coverage 100.0\nPrecision 68.41\nNormalized Precision 80.44\nSuccess 74.01\n",
        "Precision: 68.41\nNormalizedPrecision: 80.44\nSuccess: 74.01\n",
        "\ufeffmetric,value\nSuccess,74.01%\nPrecision,68.41%\nNormalized Precision,80.44%\n",
    ],
)
def test_trackingnet_s_scores_in_the_forms_they_come_in(tmp_path: Path, text: str) -> None:
    path = add(tmp_path, text, "trackingnet")
    assert path.parent == tmp_path / "results" / "TrackingNet" / ".server"
    (scores,) = load_server_scores(tmp_path / "results", "trackingnet")
    assert scores.metrics == pytest.approx({"success": 0.7401, "precision": 0.6841, "norm_precision": 0.8044})
    assert (scores.convention, scores.n_sequences) == ("trackingnet", 511)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Success,Precision\n74,68\n", "there is no norm_precision"),
        ("", "there is no success"),
        ("Success,Precision,Normalized Precision\n74,x,80\n", "could not convert"),
        ("Success,Precision,Normalized Precision\n740,68,80\n", "from 0 to 1; found 7.4"),
        ("Success,Precision,Normalized Precision\nnan,68,80\n", "from 0 to 1"),
    ],
)
def test_what_is_no_trackingnet_score_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        add(tmp_path, text, "trackingnet")


def test_only_hidden_tests_have_servers(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="otb100"):
        add(tmp_path, {}, "otb100")
    assert load_server_scores(tmp_path, "otb100") == []
    assert load_server_scores(tmp_path, GOT10K) == []


@pytest.mark.parametrize("tracker", ["a/b", "..", ".hidden", "", "a\\b"])
def test_a_tracker_s_name_stays_inside_the_folder(tmp_path: Path, tracker: str) -> None:
    with pytest.raises(ConfigError, match="without slashes"):
        add(tmp_path, {"ours": make_report()}, tracker=tracker)


def test_a_missing_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"nowhere\.json cannot be read"):
        add_server_scores(tmp_path / "nowhere.json", GOT10K, "ours", tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"version": 1, "tracker": "ours"}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = add(tmp_path, {"ours": make_report()})
    path.write_text(text)
    with pytest.raises(ResultsError, match=r"ours\.json is not a file that"):
        load_server_scores(tmp_path / "results", GOT10K)
