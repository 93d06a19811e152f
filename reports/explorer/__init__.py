"""The explorer: one HTML file with tables, linked plots, time lines and frames, which opens without a network."""

from reports.explorer.page import render_explorer, write_explorer

__all__ = ["render_explorer", "write_explorer"]
