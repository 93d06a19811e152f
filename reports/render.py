"""Tables for papers: LaTeX with the rules of the package booktabs."""

from __future__ import annotations

import re
from itertools import groupby

from reports.tables import Cell, Table

__all__ = ["render_latex"]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "†": r"\dag{}",
    "–": "--",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}

_COMMANDS = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\underline{{{}}}"}


def _escape(text: str) -> str:
    return re.sub("|".join(map(re.escape, _ESCAPES)), lambda found: _ESCAPES[found.group()], text)


def _write_cell(cell: Cell) -> str:
    return _COMMANDS[cell.mark].format(_escape(cell.text))


def _write_groups(table: Table) -> list[str]:
    """The upper line of a head whose columns are grouped, with a rule under each group."""
    cells, rules, place = [], [], 1
    for group, columns in groupby(table.columns, key=lambda column: column.group):
        width = len(list(columns))
        if group:
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{_escape(group)}}}")
            rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
        else:
            cells += [""] * width
        place += width
    return [f"{' & '.join(cells)} \\\\", " ".join(rules)] if rules else []


def render_latex(table: Table) -> str:
    """The table as a LaTeX `table` environment that needs the package booktabs, caption and notes included.

    The best of a column is bold, the second underlined. Ends with a newline.
    """
    head = []
    for column in table.columns:
        arrow = {None: "", True: " ↑", False: " ↓"}[column.higher_is_better]
        head.append(_escape(column.header + arrow))
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_escape(table.caption)}}}",
        rf"  \begin{{tabular}}{{{''.join('r' if column.numbers else 'l' for column in table.columns)}}}",
        r"    \toprule",
        *(f"    {line}" for line in _write_groups(table)),
        f"    {' & '.join(head)} \\\\",
        r"    \midrule",
        *(f"    {' & '.join(map(_write_cell, row))} \\\\" for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        *(rf"  \par\smallskip\footnotesize {_escape(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
