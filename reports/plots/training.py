"""Curves of a training: losses, learning rate and whatever else it wrote down."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.plots.figure import find_looks, make_figure, plain, styled
from siamcar.errors import ResultsError

__all__ = ["plot_training"]

_AXES = ("step", "epoch")
_WINDOW = 50
"""Values in the running mean of a long curve."""


@styled
def plot_training(logs: Mapping[str, pd.DataFrame], *, x: str = "step") -> Figure:
    """One panel a quantity, one curve a training.

    Curves of more than 100 values are drawn pale, with their running mean over 50 values on top. Learning rates are
    on a logarithmic axis.

    Args:
        logs: name of a training → its log: a row a record, `x` and one column a quantity; cells may be empty (NaN)
            where a record does not hold a quantity. Columns that are not numbers, and `epoch`, are passed over.
        x: the column to draw over, "step" or "epoch".

    Raises:
        ResultsError: no training, or one without `x`, or none with a quantity.
    """
    for name, log in logs.items():
        if x not in log.columns:
            raise ResultsError(
                f"The log of {name} has no column {x!r}; it has {', '.join(map(str, log.columns)) or 'none'}."
            )
    quantities = list(
        dict.fromkeys(
            str(column)
            for log in logs.values()
            for column in log.select_dtypes("number").columns
            if column not in _AXES and column != x and log[column].notna().any()
        )
    )
    if not quantities:
        raise ResultsError("There is nothing to plot: no training has written a quantity.")
    looks = find_looks(logs)
    columns = min(3, len(quantities))
    rows = math.ceil(len(quantities) / columns)
    figure = make_figure(4.4 * columns, 3.3 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, quantity in zip(grid, quantities, strict=False):
        for name, log in logs.items():
            if quantity not in log.columns:
                continue
            part = log[[x, quantity]].dropna().sort_values(x, kind="stable")
            long = len(part) > 2 * _WINDOW
            line = looks[name].line()
            if long:
                axes.plot(part[x], part[quantity], color=line["color"], alpha=0.2, linewidth=0.6)
                part = part.assign(**{quantity: part[quantity].rolling(_WINDOW, center=True, min_periods=1).mean()})
            marker = {} if len(part) > 20 else {"marker": looks[name].marker}
            axes.plot(part[x], part[quantity], label=plain(name), **(line | marker))
        axes.set_title(plain(quantity))
        axes.set_xlabel(x.capitalize())
        values = np.concatenate([log[quantity].dropna().to_numpy() for log in logs.values() if quantity in log])
        if quantity.split("/")[-1].split("_")[0] in {"lr", "learning"} and (values > 0).all():
            axes.set_yscale("log")
        elif (values >= 0).all():
            axes.set_ylim(0.0, 1.05 * max(float(values.max()), 1e-9))
    for axes in grid[len(quantities) :]:
        axes.remove()
    if len(logs) > 1:
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=min(4, len(labels)))
    figure.tight_layout()
    return figure
