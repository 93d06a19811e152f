"""`siamcar leaderboard`: trackers × benchmarks, measured, returned by servers, and published."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Json,
    Names,
    ResultsFolder,
    end_with_faults,
    examples,
    list_faults,
    print_error,
    print_json,
    print_line,
    stdout_console,
    verb,
)
from siamcar.cli.entries import (
    DataFolders,
    SuiteFile,
    check_trackers,
    choose_benchmarks,
    load_entry,
    parse_folders,
)
from siamcar.cli.suite import open_benchmark
from siamcar.errors import ConfigError

if TYPE_CHECKING:
    from evaluation.board import Board
    from evaluation.leaderboard import Scores
    from evaluation.sequence import Benchmark
    from reports.tables import Table

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Trackers × benchmarks, with intervals, ranks and published numbers.")

SHOW_EXAMPLES = examples(
    "siamcar leaderboard show --results results",
    "siamcar leaderboard show --results results --benchmark otb100 --data otb100=~/data/OTB100 --no-published",
    "siamcar leaderboard show --results results --format latex --out table.tex",
    "siamcar leaderboard show --results results --out leaderboard.parquet --tables tables",
)
ADD_EXAMPLES = examples(
    "siamcar leaderboard add performance.json --benchmark got10k_test --tracker siamcar --results results",
    "siamcar leaderboard add scores.csv --benchmark trackingnet --tracker siamcar --results results --overwrite",
)
COMPARE_EXAMPLES = examples(
    "siamcar leaderboard compare siamcar siamfc --benchmark otb100 --results results",
    "siamcar leaderboard compare siamcar siamfc -b otb100 -b lasot --results results --json",
)


class Format(StrEnum):
    """How the leaderboard is written."""

    table = "table"
    csv = "csv"
    parquet = "parquet"
    markdown = "markdown"
    latex = "latex"
    html = "html"
    json = "json"


_SUFFIXES = {
    ".csv": Format.csv,
    ".parquet": Format.parquet,
    ".md": Format.markdown,
    ".tex": Format.latex,
    ".html": Format.html,
    ".json": Format.json,
}

Benchmarks = Annotated[
    list[str] | None,
    typer.Option("--benchmark", "-b", help="Benchmark to show; may be repeated. Default: those of the suite."),
]
ConventionName = Annotated[
    str | None,
    typer.Option("--convention", help="A name, 'official' (the default, each benchmark's own) or 'all'."),
]


def show(
    results: ResultsFolder,
    benchmark: Benchmarks = None,
    suite: SuiteFile = "paper",
    data: DataFolders = None,
    tracker: Names = None,
    convention: ConventionName = None,
    mix_conventions: Annotated[
        bool, typer.Option("--mix-conventions", help="Rank different conventions and published numbers together.")
    ] = False,
    published: Annotated[bool, typer.Option("--published/--no-published", help="Show published numbers.")] = True,
    written: Annotated[
        Format | None, typer.Option("--format", help="Default: by the suffix of --out, else a table.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of printing.")] = None,
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="Also save tidy tables (frames, sequences, attributes, benchmark) here."),
    ] = None,
) -> None:
    """Show trackers × benchmarks, each with its official metrics and convention.

    Ranks are given within a benchmark, with the places that remain when sequences are drawn anew. A benchmark without
    data or results is named with the command that adds them.

    Ends with exit code 3 when data or results of a benchmark are there and cannot be scored.
    """
    from evaluation.board import build_board

    if out is not None and written is None and out.suffix.lower() not in _SUFFIXES:
        raise ConfigError(
            f"The suffix {out.suffix!r} of {out} says no format.", f"Use {', '.join(_SUFFIXES)}, or give --format."
        )
    chosen = written or (_SUFFIXES[out.suffix.lower()] if out else Format.table)
    if chosen is Format.parquet and out is None:
        raise ConfigError("Parquet is not for a terminal.", "Name a file with --out FILE.")
    folders = parse_folders(data or [])
    loaded = [
        load_entry(one, folders.get(one.benchmark), results, tracker, convention)
        for one in choose_benchmarks(suite, benchmark, folders)
    ]
    check_trackers(tracker, loaded, results)
    for found in loaded:
        name = found.entry.benchmark
        if tables is not None and found.benchmark is not None:
            _save_tables(found.benchmark, found.entry.scores, results, tables / name)
        if found.failed:
            print_error(f"{name}: {found.entry.note}")
    board = build_board([one.entry for one in loaded], published=published, mix_conventions=mix_conventions)
    _write_board(board, chosen, out)
    if any(one.failed for one in loaded):
        raise typer.Exit(EXIT_PARTIAL)


def _save_tables(loaded: Benchmark, scores: tuple[Scores, ...], results: Path, folder: Path) -> None:
    """Tidy tables of a benchmark, a folder a convention."""
    from evaluation.scoring import read_results
    from evaluation.tidy import build_frame_tables, save_scores

    for one in scores:
        # What a frame counts in VOT's experiments depends on the run it belongs to.
        found = [] if one.is_vot else read_results(loaded, results, one.trackers)
        frames = build_frame_tables(loaded, found, one.convention)
        for path in save_scores(one, folder / one.convention.name, frames):
            print_error(str(path))


def _write_board(board: Board, written: Format, out: Path | None) -> None:
    """Print the leaderboard, or write it to a file."""
    import io

    from siamcar.files import write_atomic

    if written is Format.table and out is None:
        from reports.render import render_rich

        for table in _build_tables(board, all_metrics=False):
            stdout_console().print(render_rich(table))
        return
    if written is Format.parquet:
        buffer = io.BytesIO()
        board.rows.to_parquet(buffer, index=False)
        content = buffer.getvalue()
    else:
        content = _render_board(board, written).encode()
    if out is None:
        print_line(content.decode().rstrip("\n"))
    else:
        write_atomic(out, content)
        print_line(str(out))


def _build_tables(board: Board, *, all_metrics: bool) -> list[Table]:
    """The overview, then a table for every benchmark that has rows."""
    from reports.board import build_benchmark_table, build_overview_table

    with_rows = set(board.rows["benchmark"])
    return [
        build_overview_table(board, all_metrics=all_metrics),
        *(build_benchmark_table(board, one.benchmark) for one in board.benchmarks if one.benchmark in with_rows),
    ]


def _render_board(board: Board, written: Format) -> str:
    if written is Format.csv:
        text: str = board.rows.to_csv(index=False, lineterminator="\n")
        return text
    if written is Format.json:
        return json.dumps(board.to_records(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    from reports.render import render_html_page, render_latex, render_markdown

    tables = _build_tables(board, all_metrics=True)
    if written is Format.html:
        return render_html_page(tables)
    return "\n".join(map(render_latex if written is Format.latex else render_markdown, tables))


def add(
    report: Annotated[Path, typer.Argument(help="performance.json of GOT-10k's server, or TrackingNet's CSV.")],
    benchmark: Annotated[str, typer.Option("--benchmark", "-b", help="got10k_test or trackingnet.")],
    tracker: Annotated[
        str, typer.Option("--tracker", "-t", help="Our name of it; chooses the entry where the report has several.")
    ],
    results: ResultsFolder,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the scores that this tracker has.")] = False,
) -> None:
    """Add what an evaluation server returned, so that hidden tests enter the leaderboard."""
    from evaluation.server_scores import add_server_scores

    print_line(str(add_server_scores(report, benchmark, tracker, results, overwrite=overwrite)))


def compare(
    trackers: Annotated[list[str], typer.Argument(help="Two trackers or more; every pair is compared.")],
    benchmark: Annotated[list[str], typer.Option("--benchmark", "-b", help="Where; may be repeated.")],
    results: ResultsFolder,
    suite: SuiteFile = "paper",
    data: DataFolders = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules to count by. Default: each benchmark's official ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare trackers sequence by sequence: paired bootstrap, and the Wilcoxon test corrected for the whole table."""
    from evaluation.comparison import compare_trackers
    from evaluation.scoring import load_scores
    from reports.board import build_comparison_table
    from reports.render import render_rich

    folders = parse_folders(data or [])
    scores = []
    faults: list[tuple[str, str]] = []
    for one in choose_benchmarks(suite, benchmark, folders):
        loaded = open_benchmark(one, folders.get(one.benchmark))
        if isinstance(loaded, str):
            raise ConfigError(f"{one.benchmark}: {loaded}.")
        scores.append(load_scores(loaded, results, trackers, convention))
        faults += list_faults(scores[-1], loaded)
    table = compare_trackers(scores, trackers)
    if as_json:
        print_json(table.to_dict("records"))
    else:
        stdout_console().print(render_rich(build_comparison_table(table)))
    end_with_faults(faults)


app.command("show", epilog=SHOW_EXAMPLES)(verb(show))
app.command("add", epilog=ADD_EXAMPLES)(verb(add))
app.command("compare", epilog=COMPARE_EXAMPLES)(verb(compare))
