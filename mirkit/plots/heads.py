"""Activations, features and scores: curves, heat maps and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mirkit.activations import Activations, Features, Head
from mirkit.annotation import Annotation, Beats, Tags, Tempo
from mirkit.arrays import Floats, Floats32
from mirkit.errors import ParameterError
from mirkit.plots.canvas import new_figure, style_axes
from mirkit.plots.palette import ACCENT, CORE, INK, LINES, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 4
"""Classes up to which a head is drawn as curves."""

MOST = 16
"""Classes of a heat map that are named, and bars of tags."""

MOST_BARS = 8
"""Bars of a head of a whole recording."""


def plot_activations(x: Activations, annotations: Mapping[str, Annotation] | None = None) -> Figure:
    """Draw the heads of a model over time: curves of few classes, a heat map of many.

    Heads of a whole recording are bars, the highest on top.

    Parameters
    ----------
    x
        The activations.
    annotations
        What was decoded from them: beats are drawn as lines.

    Raises
    ------
    ParameterError
        Where there is no head.
    MissingExtra
        Where matplotlib is not installed.
    """
    if not len(x):
        raise ParameterError("activations hold no head; there is nothing to draw")
    heights = [_height(head) for head in x.values()]
    figure = new_figure(12, sum(heights) + 0.4)
    grid = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    last = max((_end(head) for head in x.values()), default=1.0)
    for ax, (name, head) in zip(grid[:, 0], x.items(), strict=True):
        draw_head(ax, name, head, last)
        if head.grid is not None:
            _draw_beats(ax, annotations or {})
    return figure


def _height(head: Head) -> float:
    if head.grid is None:
        return 0.5 + 0.2 * min(MOST_BARS, len(head.labels))
    return 1.4 if len(head.labels) <= FEW else 1.0 + 0.14 * min(MOST, len(head.labels))


def _end(head: Head) -> float:
    return 0.0 if head.grid is None else float(head.grid.time_of(head.n_frames))


def draw_head(ax: Axes, name: str, head: Head, end: float) -> None:
    """Draw one head."""
    if head.grid is None:
        _draw_bars(ax, head.labels, head.values[0].astype(np.float64), MOST_BARS)
        style_axes(ax, name)
        return
    times = head.grid.times(head.n_frames)
    if len(head.labels) <= FEW:
        for label, column, color in zip(head.labels, head.values.T, LINES, strict=False):
            ax.plot(times, column, color=color, lw=1.1, label=label)
        if len(head.labels) > 1:
            ax.legend(loc="upper right", fontsize=7, frameon=False, ncols=len(head.labels))
    else:
        _draw_map(ax, head.labels, head.values, times, head.grid.period)
    ax.set_xlim(0, max(end, 1e-3))
    style_axes(ax, name)


def _draw_map(
    ax: Axes, labels: Sequence[str], values: Floats32, times: Floats, period: float
) -> None:
    """Draw a row per class, of many classes those that are highest anywhere."""
    chosen = np.sort(np.argsort(-values.max(axis=0), kind="stable")[:MOST])
    half = period / 2
    ax.imshow(
        values[:, chosen].T, origin="lower", aspect="auto", cmap="Blues", interpolation="nearest",
        extent=(times[0] - half, times[-1] + half, -0.5, len(chosen) - 0.5),
    )  # fmt: skip
    ax.set_yticks(range(len(chosen)), [labels[i] for i in chosen], fontsize=7)


def _draw_beats(ax: Axes, annotations: Mapping[str, Annotation]) -> None:
    for beats in (x for x in annotations.values() if isinstance(x, Beats)):
        low, high = ax.get_ylim()
        ax.vlines(beats.times, low, high, color=MUTED, lw=0.7, alpha=0.6, label="beats")
        ax.vlines(beats.downbeats, low, high, color=ACCENT, lw=0.9, alpha=0.7, label="downbeats")
        ax.set_ylim(low, high)


def plot_features(x: Features) -> Figure:
    """Draw features as a heat map over time.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    """
    figure = new_figure(12, 3)
    ax = figure.subplots()
    half = x.grid.period / 2
    ax.imshow(
        x.values.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        extent=(x.times[0] - half, x.times[-1] + half, -0.5, x.values.shape[1] - 0.5),
    )  # fmt: skip
    ax.set(xlabel="time [s]", ylabel="bin")
    style_axes(ax, x.front_end)
    ax.grid(visible=False)
    return figure


def plot_tags(x: Tags, n_most: int = 20) -> Figure:
    """Draw the scores of the best tags as bars.

    Parameters
    ----------
    x
        The tags.
    n_most
        How many are drawn.

    Raises
    ------
    ParameterError
        Where there are none.
    MissingExtra
        Where matplotlib is not installed.
    """
    if not len(x):
        raise ParameterError("tags are empty; there is nothing to draw")
    return _bars(x.labels[:n_most], x.scores[:n_most], "score")


def plot_tempo(x: Tempo) -> Figure:
    """Draw the scores of the metrical levels as bars.

    Raises
    ------
    ParameterError
        Where there is no level.
    MissingExtra
        Where matplotlib is not installed.
    """
    if not x.hypotheses:
        raise ParameterError("tempo has no hypotheses; there is nothing to draw")
    bpms, scores = zip(*x.hypotheses, strict=True)
    return _bars([f"{bpm:.1f} bpm" for bpm in bpms], np.array(scores), "score")


def _bars(labels: Sequence[str], scores: Floats, x_label: str) -> Figure:
    figure = new_figure(7, 0.9 + 0.27 * len(labels))
    ax = figure.subplots()
    _draw_bars(ax, labels, scores)
    ax.set(xlabel=x_label, xlim=(0, max(1.0, float(scores.max()))))
    style_axes(ax)
    return figure


def _draw_bars(ax: Axes, labels: Sequence[str], scores: Floats, n_most: int | None = None) -> None:
    """Draw the highest scores, the highest on top, each with its number."""
    order = np.argsort(-scores, kind="stable")[:n_most]
    ax.barh(range(len(order)), scores[order], color=CORE, height=0.68)
    for row, score in enumerate(scores[order]):
        ax.text(score, row, f" {score:.2f}", va="center", fontsize=7, color=INK)
    ax.set_yticks(range(len(order)), [labels[i] for i in order], fontsize=8)
    ax.set_ylim(len(order) - 0.4, -0.6)
