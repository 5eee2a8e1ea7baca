"""One number for each of many: too many for a row with a name, so a dot a rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.plots.canvas import add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_ranks(
    rows: Sequence[str], series: Mapping[str, ArrayLike], x_label: str = "", n_named: int = 16
) -> Figure:
    """Draw a dot for each row of each series; some rows are named, the first and last among them.

    Parameters
    ----------
    rows
        Names, from the top: as the first series ranks them, say.
    series
        By name, one number for each row, shape ``(n_rows,)``; all in the order of `rows`.
    x_label
        What is measured.
    n_named
        How many rows are named, evenly spaced.

    Raises
    ------
    ParameterError
        Where a series has not a number for each row.
    MissingExtra
        Where matplotlib is not installed.
    """
    figure = new_figure(8, 6)
    ax = figure.subplots()
    for name, values in series.items():
        known = checks.frozen_array(name, values, np.float64, 1)
        if len(known) != len(rows):
            raise ParameterError(f"{name} holds {len(known)} numbers for {len(rows)} rows")
        ax.plot(known, np.arange(len(rows)), ".", ms=5, label=name)
    named = np.unique(np.linspace(0, len(rows) - 1, n_named).round().astype(int)).tolist()
    ax.set_yticks(named, [f"{rows[i]}  {i + 1}" for i in named])
    ax.set_ylim(len(rows), -1)
    ax.set_xlabel(x_label)
    style_axes(ax)
    add_legend(figure, ax)
    return figure
