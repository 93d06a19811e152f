"""Published numbers: the paper's own tables cell by cell, and what every row must say."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from evaluation.baselines import BASELINE_COLUMNS, load_baselines

SUITE = {"got10k_test", "lasot", "trackingnet", "otb100", "uav123", "vot-st2020", "vot-rt2020", "vot2018"}


def get(tracker: str, benchmark: str, metric: str, reference: str = "IJCV 2022") -> pd.Series:
    rows = load_baselines(benchmark)
    (index,) = rows.index[(rows["tracker"] == tracker) & (rows["metric"] == metric) & (rows["reference"] == reference)]
    return rows.loc[index]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_whole() -> None:
    rows = load_baselines()
    assert tuple(rows.columns) == BASELINE_COLUMNS
    assert set(rows["benchmark"]) == SUITE | {"uav123_10fps", ""}
    assert set(rows["metric"]) == {
        "success", "precision", "norm_precision", "ao", "sr50", "sr75", "eao", "accuracy", "robustness", "fps",
        "fps_mean",
    }  # fmt: skip
    speeds = rows["metric"].str.startswith("fps")
    assert rows.loc[~speeds, "value"].between(0, 1).all()
    assert (rows.loc[speeds, "value"] > 0).all()
    assert (rows.loc[rows["benchmark"] == "", "metric"] == "fps").all()
    for column in ("tracker", "reference", "source"):
        assert (rows[column].str.strip() != "").all()


def test_a_source_says_one_thing_once() -> None:
    assert not load_baselines().duplicated(["tracker", "benchmark", "metric", "reference"]).any()


def test_a_benchmark_s_numbers_are_those_of_all() -> None:
    rows = load_baselines()
    assert sum(len(load_baselines(name)) for name in rows["benchmark"].unique()) == len(rows)
    assert load_baselines("no such benchmark").empty


def test_the_server_s_numbers_carry_its_convention_and_the_others_do_not_pretend() -> None:
    rows = load_baselines()
    accuracy = rows[~rows["metric"].str.startswith("fps")]
    conventions = accuracy.groupby("benchmark")["convention"].unique().map(list).to_dict()
    assert conventions == {
        "got10k_test": ["got10k"], "trackingnet": ["trackingnet"], "vot-st2020": ["vot"], "vot-rt2020": ["vot"],
        "otb100": [""], "uav123": [""], "lasot": [""], "vot2018": [""], "uav123_10fps": ["otb"],
    }  # fmt: skip


def test_the_released_readme() -> None:
    assert get("SiamCAR", "vot2018", "eao", "released README")["value"] == 0.423
    assert get("SiamCAR", "otb100", "success", "released README")["value"] == 0.700
    assert get("SiamCAR", "uav123", "precision", "released README")["value"] == 0.839


def test_the_text_of_section_4_3() -> None:
    assert get("SiamRPN++", "lasot", "success")["value"] == 0.496
    assert "4.3" in get("SiamRPN++", "lasot", "success")["source"]


def compare(rows: list[tuple[str, str, str, str, float]]) -> int:
    """Check tracker, benchmark, metric, table, value; returns how many were checked."""
    for tracker, benchmark, metric, table, value in rows:
        found = get(tracker, benchmark, metric)
        assert found["value"] == pytest.approx(value, abs=1e-12), (tracker, benchmark, metric)
        assert found["source"].startswith(table)
    return len(rows)


def test_all_tables_of_the_paper(shared: Path) -> None:
    folder = shared / "paper"
    names = {"AO": "ao", "SR0.5": "sr50", "SR0.75": "sr75"}
    table = [
        (row["tracker"], "got10k_test", name, "Table 1", float(row[key]))
        for row in read(folder / "table1_got10k.csv")
        for key, name in names.items()
    ]
    # All speeds but those of the paper's own machine are the GOT-10k toolkit's, a mean of 1/t.
    own = {"SiamCAR", "SiamRPN++"}
    table += [
        (row["tracker"], "got10k_test", "fps" if row["tracker"] in own else "fps_mean", "Table 1", float(row["fps"]))
        for row in read(folder / "table1_got10k.csv")
    ]
    table += [
        (row["tracker"], "trackingnet", key, "Table 2", float(row[key]) / 100)
        for row in read(folder / "table2_trackingnet.csv")
        for key in ("success", "precision", "norm_precision")
    ]
    names = {"EAO": "eao", "A": "accuracy", "R": "robustness"}
    table += [
        (row["tracker"], f"vot-{kind.lower()}2020", name, "Table 3", float(row[f"{kind}_{key}"]))
        for row in read(folder / "table3_vot2020.csv")
        for kind in ("ST", "RT")
        for key, name in names.items()
    ]
    names = {"AO": "ao", "SR0.5": "sr50", "SR0.75": "sr75", "OTB-100": "otb100", "UAV123": "uav123"}
    names |= {"LaSOT": "lasot", "GOT-10k": "got10k_test"}
    trackers = {"SiamCAR-ctf": "coarse_to_fine", "SiamCAR-ave": "top_k_average", "SiamCAR-coarse": "coarse"}
    table += [
        (tracker, names[row["dataset"]], names.get(row["indicator"], row["indicator"]), "Table 4", float(row[key]))
        for row in read(folder / "table4_tracking_strategy.csv")
        for tracker, key in trackers.items()
    ]
    table += [
        (f"{row['method']} ({row['backbone']})", benchmark, metric, "Table 5", float(row[f"{benchmark}_{metric}"]))
        for row in read(folder / "table5_backbones.csv")
        for benchmark in ("otb100", "uav123")
        for metric in ("success", "precision")
    ]
    table += [
        (f"{row['method']} ({row['backbone']})", "", "fps", "Table 5", float(row["fps"]))
        for row in read(folder / "table5_backbones.csv")
    ]
    assert compare(table) == 18 * 4 + 11 * 3 + 7 * 6 + 10 * 3 + 8 * 5
    rows = load_baselines()
    assert (rows["reference"] == "IJCV 2022").sum() == len(table) + 6  # six from the text of section 4.3
