"""Plots in the look of the field's papers: tables in, figures out, without any global state.

Every figure says its benchmark, its convention and how many sequences it stands for. `save_figure` writes them as PNG,
PDF and SVG; the same figure gives the same bytes.
"""

from __future__ import annotations

from reports.plots.bars import plot_sequence_bars
from reports.plots.curves import plot_norm_precision, plot_precision, plot_success
from reports.plots.figure import FORMATS, STYLE, Format, save_figure
from reports.plots.speed import plot_speed
from reports.plots.timeline import Timeline, plot_timeline
from reports.plots.training import plot_training
from reports.plots.vot import plot_accuracy_robustness, plot_eao_curves, plot_eao_ranking

__all__ = [
    "FORMATS",
    "STYLE",
    "Format",
    "Timeline",
    "plot_accuracy_robustness",
    "plot_eao_curves",
    "plot_eao_ranking",
    "plot_norm_precision",
    "plot_precision",
    "plot_sequence_bars",
    "plot_speed",
    "plot_success",
    "plot_timeline",
    "plot_training",
    "save_figure",
]
