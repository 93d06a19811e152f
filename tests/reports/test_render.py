"""Tables written down: what a compiler, a browser and a spreadsheet need, and nothing that they choke on."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.console import Console

from reports.render import (
    RENDERERS,
    render_csv,
    render_html,
    render_html_page,
    render_json,
    render_latex,
    render_markdown,
    render_rich,
    write_table,
)
from reports.tables import Cell, Column, Table, write_number


def make_table(text: str = "0.5") -> Table:
    return Table(
        (Column("Tracker"), Column("AO", True, numbers=True, group="got10k"), Column("Fails", False, numbers=True)),
        (
            (Cell("a_b & c"), Cell("0.600", 0.6, "best"), Cell(text)),
            (Cell("d"), Cell("0.500", 0.5, "second"), Cell("–")),
        ),
        "Scores: 50 % of {all}.",
        ("A note with $ and #.",),
    )


def test_the_whole_table() -> None:
    assert (
        render_latex(make_table())
        == r"""\begin{table}
  \centering
  \caption{Scores: 50 \% of \{all\}.}
  \begin{tabular}{lrr}
    \toprule
     & \multicolumn{1}{c}{got10k} &  \\
    \cmidrule(lr){2-2}
    Tracker & AO $\uparrow$ & Fails $\downarrow$ \\
    \midrule
    a\_b \& c & \textbf{0.600} & 0.5 \\
    d & \textit{0.500} & -- \\
    \bottomrule
  \end{tabular}
  \par\smallskip\footnotesize A note with \$ and \#.
\end{table}
"""
    )


def test_special_characters_are_written_out_once() -> None:
    text = render_latex(make_table(r"\^~†±"))
    assert r"\textbackslash{}\textasciicircum{}\textasciitilde{}\dag{}$\pm$" in text


def test_a_head_without_groups_has_one_line() -> None:
    table = Table((Column("Tracker"), Column("AO", True)), ((Cell("a"), Cell("1")),), "Caption")
    assert "cmidrule" not in render_latex(table)
    assert render_latex(table).count(r" \\") == 2


def test_the_group_leads_the_one_line_title() -> None:
    assert [column.title for column in make_table().columns] == ["Tracker", "got10k AO ↑", "Fails ↓"]


def make_rich_table() -> Table:
    """Marks, an interval, sources, and text that every format must escape."""
    return Table(
        (Column("Tracker"), Column("AO", True, numbers=True, group="got10k"), Column("Δ", numbers=True)),
        (
            (
                Cell("a_b <&> | c"),
                Cell("0.600", 0.60004, "best", low=0.55, high=0.6512, kind="measured"),
                write_number(-0.25, signed=True, interval=(-0.3, 0.1)),
            ),
            (Cell("d"), Cell("0.500", 0.5, kind="published", source='IJCV 2022, "Table 1"'), Cell("–")),
        ),
        "Caption <1>.",
        ("A note & more.",),
    )


def test_an_interval_follows_the_marked_value_with_its_digits() -> None:
    assert "**0.600** [0.550, 0.651]" in render_markdown(make_rich_table())
    assert "-0.250 [-0.300, +0.100]" in render_markdown(make_rich_table())
    assert r"\textbf{0.600} {\footnotesize [0.550, 0.651]}" in render_latex(make_rich_table())


def test_csv_has_unrounded_values_ends_and_sources() -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(make_rich_table()))))
    assert rows[0] == {
        "Tracker": "a_b <&> | c", "got10k AO": "0.60004", "got10k AO low": "0.55", "got10k AO high": "0.6512",
        "got10k AO source": "", "Δ": "-0.25", "Δ low": "-0.3", "Δ high": "0.1",
    }  # fmt: skip
    assert rows[1]["got10k AO source"] == 'IJCV 2022, "Table 1"'
    assert rows[1]["Δ"] == ""


def test_json_is_the_whole_table() -> None:
    table = make_rich_table()
    read = json.loads(render_json(table))
    columns = tuple(Column(**column) for column in read["columns"])
    rows = tuple(tuple(Cell(**cell) for cell in row) for row in read["rows"])
    assert Table(columns, rows, read["caption"], tuple(read["notes"])) == table


def test_html_is_well_formed_and_says_what_each_cell_is() -> None:
    root = ElementTree.fromstring(render_html(make_rich_table()))
    assert root.findtext("figcaption") == "Caption <1>."
    best, published = (row[1] for row in root.iter("tr") if row.find("td") is not None)
    assert best.get("class") == "number measured best"
    assert best.get("data-value") == "0.60004"
    assert best.findtext("strong") == "0.600"
    assert best.findtext("span") == "[0.550, 0.651]"
    assert published.get("title") == 'IJCV 2022, "Table 1"'
    assert [cell.get("colspan") for cell in next(root.iter("tr"))] == ["1", "1", "1"]
    page = render_html_page([make_rich_table(), make_table()])
    assert page.startswith("<!doctype html>")
    assert page.count("<table>") == 2


def test_files_are_named_by_their_format(tmp_path: Path) -> None:
    paths = write_table(make_rich_table(), tmp_path / "deep" / "table1.v2", ("md", "csv"))
    assert [path.name for path in paths] == ["table1.v2.md", "table1.v2.csv"]
    assert paths[0].read_text() == render_markdown(make_rich_table())


@pytest.mark.parametrize("ending", sorted(RENDERERS))
def test_a_table_without_rows_can_be_written(ending: str) -> None:
    assert RENDERERS[ending](Table((Column("A", True, numbers=True),), (), "Empty."))


def test_latex_sets_wide_tables_smaller_and_writes_minus_signs() -> None:
    columns = tuple(Column(f"A column of numbers {place}", numbers=True) for place in range(6))
    cell = write_number(-0.25, signed=True, interval=(-0.5, -0.125))
    wide, narrow = (render_latex(Table(columns[:count], ((cell,) * count,), "Made")) for count in (6, 2))
    assert r"\scriptsize\setlength{\tabcolsep}{2pt}" in wide
    assert r"{\tiny [$-$0.500, $-$0.125]}" in wide
    assert "size" not in narrow.replace(r"\footnotesize [", "")
    assert r"$-$0.250 {\footnotesize [$-$0.500, $-$0.125]}" in narrow
    plain = render_latex(Table((Column("a<b"),), ((Cell("x-1 | ≥ →"),),), "Made"))
    assert r"a\textless{}b" in plain
    assert r"x-1 \textbar{} $\geq$ $\to$" in plain


def test_a_latex_row_may_begin_with_what_is_an_option_elsewhere() -> None:
    names = ("[old] siamfc", "*", "plain [x]")
    text = render_latex(Table((Column("[Tracker]"),), tuple((Cell(name),) for name in names), "Made"))
    rows = [line.strip() for line in text.splitlines() if line.endswith(r"\\")]
    assert rows == [r"{}[Tracker] \\", r"{}[old] siamfc \\", r"{}* \\", r"plain [x] \\"]


def test_a_narrow_terminal_breaks_between_words() -> None:
    columns = (Column("Benchmark"), *(Column("value", numbers=True, group="Published") for _ in range(7)))
    cell = write_number(0.25, interval=(0.125, 0.5))
    console = Console(width=100, file=io.StringIO())
    console.print(render_rich(Table(columns, ((Cell("synthetic"), *(cell,) * 7),), "Made")))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert {"Benchmark", "synthetic", "Published", "[0.125,", "0.500]"} <= set(text.split())
