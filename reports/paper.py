"""The paper's tables 1 to 5 and figures 4 to 9, rebuilt from results on disk, with what is missing named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from evaluation.baselines import load_baselines
from evaluation.board import Board
from evaluation.leaderboard import Scores
from reports.attributes import plot_attribute_curves
from reports.plots import Format, plot_norm_precision, plot_precision, plot_success, save_figure
from reports.published import (
    BesideRow,
    ValueColumn,
    build_beside_table,
    describe_benchmarks,
    find_comparable,
    find_namesakes,
    index_measured,
    index_published,
)
from reports.render import render_markdown, write_table
from reports.tables import Cell, Column, Table, name_metric
from siamcar import __version__
from siamcar.files import write_atomic

__all__ = ["PAPER_TABLES", "PaperItem", "PaperTable", "build_paper_table", "plot_paper_curves", "write_paper"]


@dataclass(frozen=True)
class PaperTable:
    """One of the paper's tables of trackers.

    Attributes:
        place: "Table 1".
        title: what it compares.
        metrics: benchmarks and metrics of its columns.
        speed: whether it has a column of speeds.
        stand_in: a benchmark that is measured where the paper's has hidden ground truth; no differences are made.
    """

    place: str
    title: str
    metrics: tuple[tuple[str, str], ...]
    speed: bool = False
    stand_in: str = ""


PAPER_TABLES = (
    PaperTable(
        "Table 1",
        "Trackers on GOT-10k",
        (("got10k_test", "ao"), ("got10k_test", "sr50"), ("got10k_test", "sr75")),
        speed=True,
        stand_in="got10k_val",
    ),
    PaperTable(
        "Table 2",
        "Trackers on TrackingNet",
        (("trackingnet", "success"), ("trackingnet", "norm_precision"), ("trackingnet", "precision")),
    ),
    PaperTable(
        "Table 3",
        "Trackers on VOT2020, short-term and real-time",
        tuple((name, metric) for name in ("vot-st2020", "vot-rt2020") for metric in ("eao", "accuracy", "robustness")),
    ),
)
"""Tables 4 and 5 are ablations; see `reports.ablation`."""


@dataclass(frozen=True, eq=False)
class PaperItem:
    """A table or a figure of the paper.

    Attributes:
        place: "Table 1", "Figure 4".
        title: what it shows.
        tables: file stem → table.
        figures: file stem → figure.
        remarks: what one must know to read it.
        missing: what is not there, each with the command that adds it.
    """

    place: str
    title: str
    tables: dict[str, Table] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    missing: Sequence[str] = ()

    @property
    def state(self) -> str:
        """What the summary says: "measured", "partly", "published numbers only", "missing" or "nothing to show"."""
        measured = bool(self.figures) or any(
            cell.kind in {"measured", "server"} and cell.value is not None
            for table in self.tables.values()
            for row in table.rows
            for cell in row
        )
        if measured:
            return "partly" if self.missing else "measured"
        if self.tables:
            return "published numbers only"
        return "missing" if self.missing else "nothing to show"


def build_paper_table(of: PaperTable, board: Board) -> Table:
    """One of `PAPER_TABLES`: each published row, below it what is measured of the same tracker, and the difference.

    Measured trackers without a namesake come last, and so does what is measured on a stand-in benchmark.
    """
    published = index_published(load_baselines(), of.place)
    measured = index_measured(board)
    benchmarks = list(dict.fromkeys(benchmark for benchmark, _ in of.metrics))
    several = len(benchmarks) > 1
    columns = [
        ValueColumn(name_metric(metric), benchmark if several else "", _find_sources(of, benchmark, metric))
        for benchmark, metric in of.metrics
    ]
    if of.speed:
        speeds = [(name, metric) for name in (*benchmarks, of.stand_in) for metric in ("fps_mean", "fps")]
        columns.append(ValueColumn("Speed [fps]", "", tuple(speeds)))
    here = [tracker for tracker, values in measured.items() if any(name in benchmarks for name, _ in values)]
    rows: list[BesideRow] = []
    named: set[str] = set()
    for name, values in published.items():
        rows.append(BesideRow((Cell(name), Cell("published")), values))
        for tracker in find_namesakes(name, here):
            named.add(tracker)
            own = {key: row for key, row in measured[tracker].items() if key[0] in benchmarks}
            kind = "server" if any(row["kind"] == "server" for row in own.values()) else "measured"
            rows.append(BesideRow((Cell(tracker), Cell(kind)), own))
            rows.append(BesideRow((Cell(""), Cell("difference")), own, minus=values))
    for tracker in here:
        if tracker not in named:
            own = {key: row for key, row in measured[tracker].items() if key[0] in benchmarks}
            rows.append(BesideRow((Cell(tracker), Cell("measured")), own))
    for tracker, all_values in measured.items():
        own = {key: row for key, row in all_values.items() if key[0] == of.stand_in}
        if own:
            rows.append(BesideRow((Cell(tracker), Cell(f"measured on {of.stand_in}")), own))
    used = [*benchmarks, *([of.stand_in] if of.stand_in else [])]
    caption = f"{of.title}. Measured: {describe_benchmarks(board, used)}; published: IJCV 2022, {of.place}."
    notes = ["The best and second-best are marked among published rows and, apart from them, among measured ones."]
    if of.stand_in:
        notes.append(
            f"{of.stand_in} has other sequences than {benchmarks[0]}, whose ground truth is hidden: no difference is "
            "made between them."
        )
    return build_beside_table(
        (Column("Tracker"), Column("Kind")), columns, rows, caption, notes, find_comparable(board)
    )


def _find_sources(of: PaperTable, benchmark: str, metric: str) -> tuple[tuple[str, str], ...]:
    return ((benchmark, metric), *(((of.stand_in, metric),) if of.stand_in else ()))


def plot_paper_curves(scores: Scores, kinds: Iterable[str], stem: str) -> dict[str, Figure]:
    """File stem → figure of the kinds "success", "precision", "norm_precision" and "attributes"."""
    plots: Mapping[str, Callable[[Scores], Figure]] = {
        "success": plot_success,
        "precision": plot_precision,
        "norm_precision": plot_norm_precision,
        "attributes": plot_attribute_curves,
    }
    return {f"{stem}_{kind}": plots[kind](scores) for kind in kinds}


def write_paper(items: Sequence[PaperItem], out: Path, results: Path, formats: Sequence[Format]) -> list[Path]:
    """Write `index.md`, the tables as Markdown, LaTeX and CSV, and the figures.

    Nothing depends on the date: the same results give the same bytes. Other files in the folder are left alone.

    Args:
        items: in the order of the paper.
        out: folder; made where it does not exist.
        results: what they were made from, for the page.
        formats: of figures; "png" is written in any case, for the page.

    Returns:
        The files, `index.md` first.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = [out / "index.md"]
    for item in items:
        for stem, table in item.tables.items():
            paths += write_table(table, out / "tables" / stem, ("md", "tex", "csv"))
        for stem, figure in item.figures.items():
            paths += save_figure(figure, out / "figures" / stem, tuple(dict.fromkeys(("png", *formats))))
    write_atomic(paths[0], _render_index(items, results).encode())
    return paths


def _render_index(items: Sequence[PaperItem], results: Path) -> str:
    lines = [
        "# SiamCAR's tables and figures, rebuilt\n",
        "Cui et al., *Joint Classification and Regression for Visual Tracking with Fully Convolutional Siamese "
        f"Networks*, IJCV 2022. Made by siamcar-suite {__version__} from the results in `{results}`. Published numbers "
        "are what the paper reports; they were not measured here. Everything else was.\n",
        "| | what | state |\n| --- | --- | --- |",
        *(f"| [{item.place}](#{_anchor(item)}) | {item.title} | {item.state} |" for item in items),
        "",
    ]
    for item in items:
        lines.append(f"## {item.place}: {item.title}\n")
        lines += [f"{remark}\n" for remark in item.remarks]
        for stem, table in item.tables.items():
            files = ", ".join(f"[{ending}](tables/{stem}.{ending})" for ending in ("tex", "csv"))
            lines += [render_markdown(table), f"As a file: {files}\n"]
        lines += [f"![{_describe_figure(item, stem)}](figures/{stem}.png)\n" for stem in item.figures]
        if item.missing:
            lines += ["Missing:\n", "".join(f"- {one}\n" for one in item.missing)]
    return "\n".join(lines)


def _describe_figure(item: PaperItem, stem: str) -> str:
    """What stands for a picture where it is not seen."""
    kind = stem.partition("_")[2].replace("_", " ")
    return f"{item.place}: {item.title}" + (f", {kind}" if kind else "")


def _anchor(item: PaperItem) -> str:
    """GitHub's name for a heading."""
    kept = "".join(each for each in f"{item.place}: {item.title}".lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")
