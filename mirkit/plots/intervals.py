"""Means with intervals: a row a measure, class or group, in it a dot with whiskers a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.plots.canvas import add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_HEIGHT = 0.32  # [inches]


@dataclass(frozen=True)
class Panel:
    """Rows that are drawn together.

    Parameters
    ----------
    title
        What stands above them.
    rows
        Their names, from the top.
    series
        By name, a mean with the ends of its interval for each row, shape ``(n_rows, 3)``; NaN for
        a mean, or an end, that is not known.
    """

    title: str
    rows: Sequence[str]
    series: Mapping[str, ArrayLike]


def plot_intervals(
    panels: Sequence[Panel], x_label: str = "", x_range: tuple[float, float] | None = None
) -> Figure:
    """Draw means with intervals, a panel below the other on one axis.

    A mean keeps its place where an interval lies beside it, as bootstrap intervals of small sets
    may: the whisker then reaches to one side only.

    Parameters
    ----------
    panels
        At least one, with the same series in each.
    x_label
        What is measured.
    x_range
        Ends of its axis; those of the data where None.

    Raises
    ------
    ParameterError
        Where there is no panel, or a series has not a mean and two ends for each row.
    MissingExtra
        Where matplotlib is not installed.
    """
    if not panels:
        raise ParameterError("panels is empty; there is nothing to draw")
    heights = [len(panel.rows) + 2 for panel in panels]
    figure = new_figure(8, 1 + _ROW_HEIGHT * sum(heights))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)
    for ax, panel in zip(grid[:, 0], panels, strict=True):
        _draw(ax, panel)
    grid[-1, 0].set(xlabel=x_label, xlim=x_range)
    add_legend(figure, grid[0, 0])
    return figure


def _draw(ax: Axes, panel: Panel) -> None:
    n_rows, n_series = len(panel.rows), len(panel.series)
    gap = 0.7 / max(1, n_series)
    for k, (name, values) in enumerate(panel.series.items()):
        known = _three_columns(name, values, n_rows)
        heights = np.arange(n_rows) + (k - (n_series - 1) / 2) * gap
        ax.errorbar(
            known[:, 0], heights, xerr=whiskers(known), fmt="o", ms=4, capsize=2, label=name
        )
    ax.set_yticks(range(n_rows), list(panel.rows))
    ax.set_ylim(n_rows - 0.4, -0.6)
    ax.tick_params(labelbottom=True)
    style_axes(ax, panel.title)


def whiskers(values: Floats) -> Floats:
    """Return how far intervals reach to the left and right of their means, shape ``(2, n_rows)``.

    Examples
    --------
    >>> whiskers(np.array([[0.5, 0.25, 1.0], [0.5, np.nan, np.nan], [0.5, 0.75, 1.0]]))
    array([[0.25, 0.  , 0.  ],
           [0.5 , 0.  , 0.5 ]])
    """
    mean, low, high = values.T
    reach: Floats = np.stack([mean - np.fmin(low, mean), np.fmax(high, mean) - mean])
    return np.nan_to_num(reach)


def _three_columns(name: str, values: ArrayLike, n_rows: int) -> Floats:
    known = checks.frozen_array(name, values, np.float64, 2)
    if known.shape != (n_rows, 3):
        raise ParameterError(
            f"{name} has the shape {known.shape}; a mean and two ends for each of {n_rows} rows "
            f"are ({n_rows}, 3)"
        )
    return known
