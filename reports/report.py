"""A report on disk: one Markdown page with tables and plots, and the numbers behind it as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from evaluation.leaderboard import Scores
from evaluation.metrics.success import Curve
from reports.plots import plot_norm_precision, plot_precision, plot_success, save_figure
from reports.plots.vot import VOT_PLOTS, list_vot_plots
from reports.render import render_markdown
from reports.tables import METRIC_NAMES, build_attribute_table, build_score_table
from siamcar import __version__
from siamcar.files import write_atomic

__all__ = ["render_report", "write_report"]

CURVES: Mapping[str, tuple[str, Callable[[Scores], Figure], Callable[[Scores], Mapping[str, Curve]]]] = {
    "success": ("Success plot", plot_success, lambda scores: scores.success_curves),
    "precision": ("Precision plot", plot_precision, lambda scores: scores.precision_curves),
    "norm_precision": ("Normalised precision plot", plot_norm_precision, lambda scores: scores.norm_precision_curves),
}
"""File stem → what it shows, what draws it, and the curves in it."""

PLOTS: Mapping[str, tuple[str, Callable[[Scores], Figure]]] = {
    **{stem: (title, draw) for stem, (title, draw, _) in CURVES.items()},
    **VOT_PLOTS,
}
"""File stem → what it shows, and what draws it."""


def _choose_plots(scores: Scores) -> list[str]:
    """The plots whose curves the convention defines; the success plot in any case, since it says what is missing."""
    if scores.is_vot:
        return list_vot_plots(scores)
    return [stem for stem, (_, _, curves) in CURVES.items() if stem == "success" or curves(scores)]


def render_report(scores: Scores) -> str:
    """The text of `report.md`; the same scores give the same text."""
    parts = [f"# {scores.benchmark}, convention {scores.convention.name}\n", render_markdown(build_score_table(scores))]
    undefined = [
        METRIC_NAMES[metric]
        for metric in ("success", "precision", "norm_precision")
        if not scores.is_vot and metric not in scores.convention.metrics
    ]
    if undefined:
        parts.append(f"The convention `{scores.convention.name}` does not define: {', '.join(undefined)}.\n")
    if chosen := _choose_plots(scores):
        parts.append("## Plots\n")
    parts += [f"![{PLOTS[stem][0]} on {scores.benchmark}]({stem}.png)\n" for stem in chosen]
    if not scores.spread.empty:
        parts += ["## Repetitions\n", _render_spread(scores)]
    if scores.attributes_n:
        parts.append("## Attributes\n")
        parts += [render_markdown(build_attribute_table(scores, metric)) for metric in scores.detailed_metrics]
    if scores.missing:
        parts.append("## Not in the benchmark's folder, or not usable there\n")
        parts.append(f"{', '.join(scores.missing)}\n")
    if scores.faults:
        parts.append("## Not scored\n")
        parts.append("".join(f"- {fault.tracker}, {fault.sequence}: {fault.message}\n" for fault in scores.faults))
    if scores.notes:
        parts.append("## Notes\n")
        parts.append("".join(f"- {note}\n" for note in scores.notes))
    parts += ["## How these numbers were made\n", _render_provenance(scores)]
    return "\n".join(parts)


def _render_spread(scores: Scores) -> str:
    lines = [
        f"- {row.tracker}, {METRIC_NAMES[str(row.metric)]}: {row.mean:.3f} ± {row.std:.3f} over {row.runs} runs\n"
        for row in scores.spread.itertuples()
    ]
    return "Mean and sample standard deviation of the benchmark's value.\n\n" + "".join(lines)


def _render_provenance(scores: Scores) -> str:
    convention = scores.convention
    means = (
        "- A value is the mean over the sequences of the benchmark, or of those with an attribute; a sequence with "
        "repetitions counts as their mean.\n"
        "- Speed is the frames after the first over the seconds spent on them, then the mean over sequences.\n"
    )
    return (
        f"- Suite: siamcar-suite {__version__}.\n"
        f"- Convention `{convention.name}`: {convention.meaning}\n"
        f"- Source of the convention: {convention.source}.\n"
        f"{'' if scores.is_vot else means}"
        "- Among numbers that compare, the best is bold and the second italic, as printed.\n"
        "- `scores.csv` holds every value of the tables without rounding, `sequences.csv` the values of single runs.\n"
    )


def write_report(scores: Scores, out_dir: Path) -> list[Path]:
    """Write `report.md`, `scores.csv`, `sequences.csv` and the plots as PNG and PDF.

    Nothing in them depends on the date: the same scores give the same bytes. Each file is written as a temporary file
    and renamed; other files in the folder are left alone.

    Args:
        scores: what to report.
        out_dir: folder; made where it does not exist.

    Returns:
        The files written, `report.md` first.

    Raises:
        ResultsError: no tracker has a scored sequence.
        OSError: the folder cannot be written.
    """
    figures = {stem: PLOTS[stem][1](scores) for stem in _choose_plots(scores)}
    texts = {
        "report.md": render_report(scores),
        "scores.csv": _to_csv(
            pd.concat([scores.overall, scores.attributes] if scores.attributes_n else [scores.overall])
        ),
        "sequences.csv": _to_csv(scores.sequences),
    }
    paths = []
    for name, text in texts.items():
        paths.append(out_dir / name)
        write_atomic(paths[-1], text.encode())
    for stem, figure in figures.items():
        paths += save_figure(figure, out_dir / stem)
    return paths


def _to_csv(table: pd.DataFrame) -> str:
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text
