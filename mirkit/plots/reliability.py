"""Reliability diagrams: the share that is right against the confidence that was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mirkit.metrics.calibration import Reliability
from mirkit.plots.canvas import add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_reliability(curves: Mapping[str, Reliability]) -> Figure:
    """Draw reliability curves, and below them how the decisions divide over confidence.

    A curve on the diagonal is calibrated; below it, confidence promises more than it keeps. The
    area of a dot is the share of the decisions that it stands for.

    Parameters
    ----------
    curves
        By name, from `mirkit.metrics.calibration.reliability`.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.

    Examples
    --------
    >>> from mirkit.metrics.calibration import reliability
    >>> figure = plot_reliability({"beats": reliability([0.1, 0.1, 0.9], [0, 0, 1])})
    >>> figure.axes[0].get_ylabel()
    'share that is right'
    """
    figure = new_figure(5, 6.5)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    above.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--")
    for k, (name, curve) in enumerate(curves.items()):
        _draw(above, below, name, curve, f"C{k}")
    above.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share that is right")
    below.set(xlabel="confidence", ylabel="decisions", ylim=(0, None))
    style_axes(above, grid="both")
    style_axes(below)
    add_legend(figure, above)
    return figure


def _draw(above: Axes, below: Axes, name: str, curve: Reliability, color: str) -> None:
    share = curve.counts / curve.counts.sum()
    above.plot(curve.confidence, curve.accuracy, color=color, lw=1.5, label=name)
    above.scatter(curve.confidence, curve.accuracy, s=10 + 200 * share, color=color, alpha=0.6)
    below.plot(curve.confidence, share, ".-", color=color, lw=1)
    below.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
