"""Tables, written down: Markdown, LaTeX with the rules of booktabs, CSV, JSON, HTML and the terminal.

The best cell of a comparison is bold and the second italic, as in the paper.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from reports.tables import Cell, Column, Mark, Table
from siamcar.files import write_atomic

__all__ = [
    "RENDERERS",
    "escape_markdown",
    "render_csv",
    "render_html",
    "render_html_page",
    "render_json",
    "render_latex",
    "render_markdown",
    "render_rich",
    "write_table",
]


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is; underscores within words are harmless and stay readable."""
    return re.sub(r"([\\|*`<>$]|\](?=\()|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)


def _join(marked: str, interval: str) -> str:
    return f"{marked} {interval}" if interval else marked


def render_markdown(table: Table) -> str:
    """The table as GitHub Markdown, caption first. Ends with a newline."""
    wrap = {"": "", "best": "**", "second": "*"}
    texts = [
        [escape_markdown(column.title) for column in table.columns],
        *(
            [_join(f"{wrap[cell.mark]}{escape_markdown(cell.text)}{wrap[cell.mark]}", cell.interval) for cell in row]
            for row in table.rows
        ),
    ]
    widths = [max(3, *(len(row[index]) for row in texts)) for index in range(len(table.columns))]
    right = [column.numbers for column in table.columns]

    def line(cells: Sequence[str]) -> str:
        padded = [
            text.rjust(width) if side else text.ljust(width)
            for text, width, side in zip(cells, widths, right, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (width - 1)}:" if side else "-" * width for width, side in zip(widths, right, strict=True)]
    lines = [escape_markdown(table.caption), "", line(texts[0]), line(rule), *(line(row) for row in texts[1:])]
    for note in table.notes:
        lines += ["", escape_markdown(note)]
    return "\n".join(lines) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\to$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": r"$-$",
    "Δ": r"$\Delta$",
    "†": r"\dag{}",
    "–": "--",
    "…": r"\ldots{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_LATEX_MARKS = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\textit{{{}}}"}


def _escape_latex(text: str) -> str:
    return re.sub("|".join(map(re.escape, _LATEX)), lambda found: _LATEX[found.group()], text)


def _write_latex_cell(cell: Cell, interval_size: str) -> str:
    text = _escape_latex(cell.text)
    if cell.value is not None:
        text = _write_minus(text)
    interval = rf"{{{interval_size} {_write_minus(cell.interval)}}}" if cell.interval else ""
    return _join(_LATEX_MARKS[cell.mark].format(text), interval)


def _write_minus(text: str) -> str:
    """Numbers with a minus sign, where a hyphen would be too short."""
    return re.sub(r"-(?=\d)", "$-$", text)


_LATEX_SIZES = (
    (90, "", r"\footnotesize"),
    (105, r"\small", r"\footnotesize"),
    (120, r"\footnotesize\setlength{\tabcolsep}{4pt}", r"\scriptsize"),
    (0, r"\scriptsize\setlength{\tabcolsep}{2pt}", r"\tiny"),
)
"""So many characters fit on a page's width (17 cm): the print of the table, and that of its intervals."""


def _choose_latex_size(table: Table) -> tuple[str, str]:
    width = sum(
        max(len(column.head), *(len(_join(row[index].text, row[index].interval)) for row in table.rows), 0) + 2
        for index, column in enumerate(table.columns)
    )
    return next(((size, small) for most, size, small in _LATEX_SIZES if width <= most), _LATEX_SIZES[-1][1:])


def _group(columns: Iterable[Column]) -> list[tuple[str, int]]:
    """Neighbouring columns of one group: its name and how many they are."""
    return [(group, len(list(members))) for group, members in groupby(columns, key=lambda column: column.group)]


def _write_latex_groups(table: Table) -> list[str]:
    """The upper line of a head whose columns are grouped, with a rule under each group."""
    cells, rules, place = [], [], 1
    for group, width in _group(table.columns):
        if group:
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{_escape_latex(group)}}}")
            rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
        else:
            cells += [""] * width
        place += width
    return [f"{' & '.join(cells)} \\\\", " ".join(rules)] if rules else []


def _join_latex_row(cells: Iterable[str]) -> str:
    """A row of a table; a bracket or star at its beginning would be read as an option of the line above."""
    row = " & ".join(cells)
    return f"{'{}' if row.lstrip().startswith(('[', '*')) else ''}{row} \\\\"


def render_latex(table: Table) -> str:
    """The table as a LaTeX `table` environment that needs the package booktabs, caption and notes included.

    Wide tables are set in smaller print, to fit a page of 17 cm. Ends with a newline.
    """
    size, interval_size = _choose_latex_size(table)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_escape_latex(table.caption)}}}",
        *([f"  {size}"] if size else []),
        rf"  \begin{{tabular}}{{{''.join('r' if column.numbers else 'l' for column in table.columns)}}}",
        r"    \toprule",
        *(f"    {line}" for line in _write_latex_groups(table)),
        f"    {_join_latex_row(_escape_latex(column.head) for column in table.columns)}",
        r"    \midrule",
        *(f"    {_join_latex_row(_write_latex_cell(cell, interval_size) for cell in row)}" for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        *(rf"  \par\smallskip\footnotesize {_escape_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def render_csv(table: Table) -> str:
    """The table as CSV: numbers without rounding, empty where there is none.

    A column with intervals is followed by its low and high ends, one with sources by them.
    """
    head: list[str] = []
    columns: list[list[str]] = []
    for index, column in enumerate(table.columns):
        cells = [row[index] for row in table.rows]
        name = f"{column.group} {column.header}".strip()
        head.append(name)
        columns.append([_write_csv_value(cell, column) for cell in cells])
        for end in ("low", "high"):
            if any(cell.low is not None for cell in cells):
                head.append(f"{name} {end}")
                columns.append([_write_csv_number(getattr(cell, end)) for cell in cells])
        if any(cell.source for cell in cells):
            head.append(f"{name} source")
            columns.append([cell.source for cell in cells])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(zip(*columns, strict=True))
    return stream.getvalue()


def _write_csv_value(cell: Cell, column: Column) -> str:
    if cell.value is not None:
        return _write_csv_number(cell.value)
    return "" if column.numbers and cell.text == "–" else cell.text


def _write_csv_number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def render_json(table: Table) -> str:
    """All that the table knows, as JSON: caption, notes, columns, and rows of cells. Ends with a newline."""
    return json.dumps(asdict(table), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_HTML_MARKS: Mapping[Mark, str] = {"": "{}", "best": "<strong>{}</strong>", "second": "<em>{}</em>"}


def _write_html_cell(cell: Cell, column: Column) -> str:
    """One `td`: its class says what it is, `data-value` has the number, the title the source."""
    names = [*(["number"] if column.numbers else []), *filter(None, (cell.kind, cell.mark))]
    attributes = [
        f'class="{" ".join(names)}"' if names else "",
        f'data-value="{cell.value!r}"' if cell.value is not None else "",
        f'title="{html.escape(cell.source)}"' if cell.source else "",
    ]
    interval = f'<span class="interval">{cell.interval}</span>' if cell.interval else ""
    text = _join(_HTML_MARKS[cell.mark].format(html.escape(cell.text)), interval)
    return f"<td{''.join(f' {one}' for one in attributes if one)}>{text}</td>"


def render_html(table: Table) -> str:
    """The table as an HTML `figure` without style: caption and notes included. Ends with a newline."""
    grouped = _group(table.columns)
    upper = "".join(f'<th colspan="{width}" scope="colgroup">{html.escape(name)}</th>' for name, width in grouped)
    classes = [' class="number"' if column.numbers else "" for column in table.columns]
    head = "".join(
        f'<th scope="col"{kind}>{html.escape(column.head)}</th>'
        for column, kind in zip(table.columns, classes, strict=True)
    )
    lines = [
        "<figure>",
        f"<figcaption>{html.escape(table.caption)}</figcaption>",
        "<table>",
        "<thead>",
        *([f"<tr>{upper}</tr>"] if any(name for name, _ in grouped) else []),
        f"<tr>{head}</tr>",
        "</thead>",
        "<tbody>",
        *(f"<tr>{''.join(map(_write_html_cell, row, table.columns))}</tr>" for row in table.rows),
        "</tbody>",
        "</table>",
        *(f"<p>{html.escape(note)}</p>" for note in table.notes),
        "</figure>",
    ]
    return "\n".join(lines) + "\n"


def render_rich(table: Table) -> Group:
    """The table for a terminal, caption and notes below."""
    style = {"": "", "best": "bold", "second": "italic"}
    rendered = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(table.columns):
        texts = [column.title, *(_join(row[index].text, row[index].interval) for row in table.rows)]
        # A narrow terminal breaks cells between words, and only longer ones within them.
        word = max(len(word) for text in texts for word in text.split() or [""])
        rendered.add_column(
            Text(column.title), justify="right" if column.numbers else "left", overflow="fold", min_width=min(word, 12)
        )
    for row in table.rows:
        cells = [Text(cell.text, style=style[cell.mark]) for cell in row]
        rendered.add_row(
            *(text.append(f" {cell.interval}" if cell.interval else "", "not bold not italic dim")
              for text, cell in zip(cells, row, strict=True))
        )  # fmt: skip
    return Group(rendered, *(Text(line, style="dim") for line in (table.caption, *table.notes)))


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em; color: #222; }}
figure {{ margin: 0 0 2em; }}
figcaption {{ margin-bottom: .6em; font-weight: 600; }}
table {{ border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; }}
thead {{ border-bottom: 1px solid; }}
th, td {{ padding: .2em .8em; text-align: left; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
th[scope="colgroup"]:not(:empty) {{ text-align: center; border-bottom: 1px solid #999; }}
td.published {{ color: #555; }}
.interval {{ font-size: .85em; color: #555; white-space: nowrap; }}
p {{ font-size: .9em; color: #555; margin: .4em 0; }}
</style>
{body}</html>
"""


def render_html_page(tables: Sequence[Table]) -> str:
    """A whole HTML page of one table or several, with a small style of its own; needs no network."""
    title = tables[0].caption if tables else "Tables"
    return _PAGE.format(title=html.escape(title), body="".join(map(render_html, tables)))


RENDERERS: Mapping[str, Callable[[Table], str]] = {
    "md": render_markdown,
    "tex": render_latex,
    "csv": render_csv,
    "json": render_json,
    "html": lambda table: render_html_page([table]),
}
"""Ending of a file → what writes it."""


def write_table(table: Table, stem: Path, endings: Iterable[str] = tuple(RENDERERS)) -> list[Path]:
    """Write a table as `<stem>.<ending>`, each file whole or not at all.

    Args:
        table: what to write.
        stem: path without an ending; its folder is made.
        endings: of `RENDERERS`.

    Returns:
        The files.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = []
    for ending in endings:
        paths.append(stem.with_name(f"{stem.name}.{ending}"))
        write_atomic(paths[-1], RENDERERS[ending](table).encode())
    return paths
