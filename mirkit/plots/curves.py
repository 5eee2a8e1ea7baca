"""Precision-recall curves: what a threshold finds against what it gets right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mirkit.metrics.ranking import Curve
from mirkit.plots.canvas import add_legend, new_figure, style_axes
from mirkit.plots.palette import LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_precision_recall(curves: Mapping[str, Curve]) -> Figure:
    """Draw precision-recall curves.

    Parameters
    ----------
    curves
        By name, from `mirkit.metrics.tag.precision_recall`.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.

    Examples
    --------
    >>> from mirkit.metrics.tag import precision_recall
    >>> (curve,) = precision_recall([[0.9], [0.4], [0.2]], [[1], [0], [1]])
    >>> plot_precision_recall({"rain": curve}).axes[0].get_xlabel()
    'recall'
    """
    figure = new_figure(5.5, 5)
    ax = figure.subplots()
    for i, (name, curve) in enumerate(curves.items()):
        color = LINES[i % len(LINES)]
        ax.step(curve.recall, curve.precision, where="pre", color=color, lw=1.6, label=name)
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    style_axes(ax, grid="both")
    add_legend(figure, ax)
    return figure
