"""LaTeX: what a compiler needs, and nothing that it would choke on."""

from __future__ import annotations

from reports.render import render_latex
from reports.tables import Cell, Column, Table


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
