"""Ablation and paper tables: measured beside published, the difference, marks, and what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.board import Board, BoardEntry, build_board
from evaluation.leaderboard import Scores, compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from reports.ablation import (
    BackboneVariant,
    build_backbone_table,
    build_delta_table,
    build_strategy_table,
    make_strategy_variants,
)
from reports.paper import PAPER_TABLES, PaperItem, build_paper_table, write_paper
from reports.published import find_namesakes
from reports.render import render_markdown
from reports.tables import Table

TRUE = np.tile([10.0, 10.0, 20.0, 20.0], (10, 1))
FAR = np.tile([500.0, 10.0, 20.0, 20.0], (10, 1))


def make_scores(trackers: dict[str, tuple[int, ...]], convention: str = "otb") -> Scores:
    """Scores of trackers that are right in so many of ten frames of up to four sequences."""
    names = ("one", "two", "three", "four")
    sequences = tuple(Sequence(name, ImageFrames((Path(name),) * 10), TRUE, size=(640, 480)) for name in names)
    results = [
        TrackerResults(
            tracker,
            {
                name: (np.where(np.arange(10)[:, None] < count, TRUE, FAR),)
                for name, count in zip(names, right, strict=False)
            },
            {},
        )
        for tracker, right in trackers.items()
    ]
    return compute_scores(Benchmark("Made", sequences, convention, family=convention), results)


@pytest.fixture(scope="module")
def entries() -> list[BoardEntry]:
    scores = make_scores(
        {
            "siamcar_resnet50_refine": (10, 9, 9, 8),
            "siamcar_resnet50_coarse": (8, 7, 7, 6),
            "siamcar_resnet50_average": (9,),
            "SiamFC": (5, 5, 5, 5),
        }
    )
    return [BoardEntry("otb100", (scores,)), BoardEntry("lasot", note="no data; add it with: siamcar config set …")]


@pytest.fixture(scope="module")
def board(entries: list[BoardEntry]) -> Board:
    return build_board(entries, published=False)


LABELS = {one: f"siamcar_resnet50_{one}" for one in ("refine", "average", "coarse")}


def find_row(table: Table, *starts: str) -> dict[str, str]:
    (row,) = (row for row in table.rows if tuple(cell.text for cell in row[: len(starts)]) == starts)
    return {column.title: cell.text for column, cell in zip(table.columns, row, strict=True)}


def find_marks(table: Table, *starts: str) -> dict[str, str]:
    (row,) = (row for row in table.rows if tuple(cell.text for cell in row[: len(starts)]) == starts)
    return {column.title: cell.mark for column, cell in zip(table.columns, row, strict=True) if cell.mark}


def test_strategies_have_measured_published_and_their_difference(board: Board) -> None:
    table = build_strategy_table(board, make_strategy_variants(LABELS), "Strategies")
    published, measured, difference = (
        find_row(table, "otb100", "Success ↑", kind) for kind in ("published", "measured", "difference")
    )
    assert (published["refine"], published["released"], measured["released"]) == ("0.700", "0.700", "–")
    assert float(difference["refine"]) == pytest.approx(float(measured["refine"]) - 0.7, abs=1e-3)
    # average lacks sequences and does not compare
    assert find_marks(table, "otb100", "Success ↑", "measured") == {"refine": "best", "coarse": "second"}
    assert find_marks(table, "otb100", "Success ↑", "published") == {
        "refine": "best",
        "released": "best",
        "average": "second",
    }
    assert find_row(table, "lasot", "Precision ↑", "not measured")["refine"] == "–"
    assert not [row for row in table.rows if (row[0].text, row[2].text) == ("lasot", "difference")]
    page = render_markdown(table)
    assert max(len(line) for line in page.splitlines() if line.startswith("|")) <= 100
    assert "lasot: no data; add it with: siamcar config set …" in table.notes
    assert any("siamcar_resnet50_average" in note for note in table.notes)
    assert "otb100, convention otb, 4 sequences, 40 frames" in table.caption


def test_got10k_is_its_validation_set_and_says_so() -> None:
    scores = make_scores({"siamcar_resnet50_refine": (10, 9, 9, 8)}, "got10k")
    board = build_board([BoardEntry("got10k_val", (scores,))], published=False)
    table = build_strategy_table(board, make_strategy_variants(LABELS), "Strategies")
    assert find_row(table, "got10k_val", "AO ↑", "published")["refine"] == "0.581"
    assert find_row(table, "got10k_val", "AO ↑", "measured")["refine"] != "–"
    assert {row[2].text for row in table.rows} == {"published", "measured"}
    assert any("validation set" in note for note in table.notes)


def test_deltas_are_paired_over_the_shared_sequences(board: Board, entries: list[BoardEntry]) -> None:
    table = build_delta_table(board, entries, make_strategy_variants(LABELS), "coarse", "Strategies")
    (row,) = (row for row in table.rows if [cell.text for cell in row[:3]] == ["otb100", "Precision ↑", "refine"])
    delta = row[4]
    assert delta.text == "+0.200"
    assert delta.low == pytest.approx(0.2)  # two frames more in every sequence: the difference does not vary
    assert delta.high == pytest.approx(0.2)
    assert row[3].interval.startswith("[")
    assert row[7].text == "+0.060"  # 0.914 less 0.854
    assert find_row(table, "otb100", "Precision ↑", "coarse")["Measured − coarse"] == "–"


def test_a_backbone_without_results_is_an_empty_row_with_its_cost(board: Board) -> None:
    variants = [
        BackboneVariant("resnet50", "siamcar_resnet50_refine", ("SiamCAR (ResNet-50)", "IJCV 2022"), 51.4, 97.1),
        BackboneVariant("alexnet", None, ("SiamCAR (AlexNet)", "IJCV 2022"), 8.6, 11.5),
    ]
    table = build_backbone_table(board, variants, "Backbones", ["alexnet: siamcar train paper_alexnet"])
    empty = find_row(table, "AlexNet", "SiamCAR", "not measured")
    assert (empty["Parameters [M]"], empty["GFLOPs"]) == ("8.6", "11.5")
    assert {text for title, text in empty.items() if title.startswith(("otb100", "lasot", "Speed"))} == {"–"}
    assert "alexnet: siamcar train paper_alexnet" in table.notes
    measured = find_row(table, "ResNet-50", "siamcar_resnet50_refine", "measured")
    assert measured["otb100 Precision ↑"] == "0.900"
    place = next(place for place, row in enumerate(table.rows) if row[1].text == "siamcar_resnet50_refine")
    difference = dict(zip((one.title for one in table.columns), table.rows[place + 1], strict=True))
    assert difference["otb100 Precision ↑"].text == "-0.020"  # 0.900 less 0.920
    assert find_row(table, "AlexNet", "SiamFC", "measured")["otb100 Precision ↑"] == "0.500"


@pytest.mark.parametrize(
    ("published", "found"),
    [
        ("SiamCAR", ["siamcar_resnet50_refine", "siamcar_alexnet_refine", "SiamCAR"]),
        ("SiamCAR (AlexNet)", ["siamcar_alexnet_refine"]),
        ("SiamRPN++ (ResNet-50)", ["siamrpn++"]),
        ("SiamRPN", ["SiamRPN"]),
        ("ECO", []),
    ],
)
def test_namesakes(published: str, found: list[str]) -> None:
    there = ["siamcar_resnet50_refine", "siamcar_alexnet_refine", "SiamCAR", "siamrpn++", "SiamRPN", "siamcarpet"]
    assert find_namesakes(published, there) == found


def test_table_1_without_results_is_the_paper_s() -> None:
    table = build_paper_table(PAPER_TABLES[0], build_board([], published=False))
    assert len(table.rows) == 18
    row = find_row(table, "SiamCAR", "published")
    assert [row[title] for title in ("AO ↑", "SR0.5 ↑", "SR0.75 ↑", "Speed [fps]")] == [
        "0.581",
        "0.683",
        "0.441",
        "52.2",
    ]
    assert find_marks(table, "ATOM", "published") == {"AO ↑": "second", "SR0.5 ↑": "second", "SR0.75 ↑": "second"}
    assert "Measured: nothing" in table.caption


def test_results_on_the_validation_set_get_no_difference() -> None:
    scores = make_scores({"siamcar_resnet50_refine": (10, 9, 9, 8)}, "got10k")
    table = build_paper_table(PAPER_TABLES[0], build_board([BoardEntry("got10k_val", (scores,))], published=False))
    assert len(table.rows) == 19
    assert (
        find_row(table, "siamcar_resnet50_refine", "measured on got10k_val")["AO ↑"] == "0.889"
    )  # 32 of 36 frames after the first


def test_the_page_names_what_is_missing(tmp_path: Path) -> None:
    table = build_paper_table(PAPER_TABLES[1], build_board([], published=False))
    items = [
        PaperItem("Table 2", "Trackers on TrackingNet", tables={"table2": table}, missing=["trackingnet: do this"]),
        PaperItem("Figure 4", "Success plot", missing=["got10k_val: do that"]),
    ]
    assert [item.state for item in items] == ["published numbers only", "missing"]
    paths = write_paper(items, tmp_path, Path("results"), ("pdf",))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in paths) == [
        "index.md", "tables/table2.csv", "tables/table2.md", "tables/table2.tex",
    ]  # fmt: skip
    text = (tmp_path / "index.md").read_text()
    assert "| [Table 2](#table-2-trackers-on-trackingnet) | Trackers on TrackingNet | published numbers only |" in text
    assert "- trackingnet: do this" in text
    assert "- got10k_val: do that" in text
