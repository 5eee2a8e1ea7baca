"""A recording with its annotations: waveform, spectrogram or tempogram over lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mirkit import checks
from mirkit.annotation import Annotation, Beats
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.plots.canvas import new_figure
from mirkit.plots.lanes import Lane, lanes_of
from mirkit.plots.palette import INK, MUTED
from mirkit.plots.waveform import (
    draw_spectrogram,
    draw_tempo_path,
    draw_tempogram,
    draw_waveform,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VIEWS: Mapping[str, Callable[[Axes, Audio, float], None]] = {
    "waveform": draw_waveform,
    "spectrogram": draw_spectrogram,
    "tempogram": draw_tempogram,
}
"""What may stand above the lanes, by name."""

WIDTH, TOP, MARGIN = 12.0, 1.9, 1.3  # of the figure, the view, and what is left of the axes [in]


def plot_recording(
    audio: Audio | None,
    annotations: Mapping[str, Annotation],
    *,
    view: str = "waveform",
    start: float = 0.0,
    end: float | None = None,
    title: str = "",
) -> Figure:
    """Draw a recording over its annotations, a lane for each that has a place in time.

    Beats are drawn over the waveform too, and their tempo over a tempogram.

    Parameters
    ----------
    audio
        The samples from `start` to `end`; None draws the lanes alone.
    annotations
        By the names that stand left of their lanes.
    view
        A key of `VIEWS`.
    start, end
        What is drawn [s]; the end of the recording, or of the annotations, where None.
    title
        What stands above.

    Raises
    ------
    ParameterError
        Where there is nothing to draw, or `end` does not lie after `start`.
    UnknownName
        Where there is no such view.
    MissingExtra
        Where matplotlib is not installed.
    """
    checks.member("view", view, VIEWS)
    checks.instance("title", title, str, "a text")
    lanes = lanes_of(annotations)
    if audio is None and not lanes:
        raise ParameterError("there is no recording, and no annotation that has a place in time")
    end = _end(audio, annotations, start) if end is None else end
    if not checks.number("end", end) > start:
        raise ParameterError(f"end is {end} s; it lies after start, which is {start} s")
    axes, figure = _axes(audio is not None, lanes)
    for ax in axes:
        ax.set_xlim(start, end)
    if audio is not None:
        _draw_view(axes[0], audio, annotations, view, start)
    inches = (WIDTH - MARGIN) / (end - start)
    for ax, lane in zip(axes[audio is not None :], lanes, strict=True):
        lane.draw(ax, inches)
        ax.set_ylabel(lane.name, rotation=0, ha="right", va="center", color=INK, fontsize=8)
    _finish(axes, start, end, title)
    return figure


def _axes(has_view: bool, lanes: Sequence[Lane]) -> tuple[list[Axes], Figure]:
    heights = [TOP] * has_view + [lane.height for lane in lanes]
    figure = new_figure(WIDTH, sum(heights) + 0.07 * len(heights) + 0.55)
    figure.set_layout_engine("constrained", hspace=0, h_pad=0.02)
    grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    return list(grid[:, 0]), figure


def _draw_view(
    ax: Axes, audio: Audio, annotations: Mapping[str, Annotation], view: str, start: float
) -> None:
    VIEWS[view](ax, audio, start)
    for beats in [x for x in annotations.values() if isinstance(x, Beats)][:1]:
        if view == "tempogram":
            draw_tempo_path(ax, beats)
        else:
            shade = {"waveform": INK, "spectrogram": "white"}[view]
            ax.vlines(
                beats.downbeats, *ax.get_ylim(), color=shade, lw=0.6, alpha=0.5, label="downbeats"
            )


def _finish(axes: Sequence[Axes], start: float, end: float, title: str) -> None:
    for ax in axes:
        ax.spines[:].set_visible(False)
        ax.tick_params(bottom=False, length=2, color=MUTED, labelsize=7)
        ax.set_xlim(start, end)
    last = axes[-1]
    last.spines["bottom"].set_visible(True)
    last.spines["bottom"].set_color(MUTED)
    last.tick_params(axis="x", bottom=True, labelsize=8)
    last.xaxis.set_major_formatter(_clock if end - start > 90 else _seconds)
    if title:
        axes[0].set_title(title, loc="left", fontsize=10, color=INK)


def _seconds(value: float, _: Any) -> str:
    return f"{value:g} s"


def _clock(value: float, _: Any) -> str:
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes}:{seconds:02d}"


def _end(audio: Audio | None, annotations: Mapping[str, Annotation], start: float) -> float:
    if audio is not None:
        return start + audio.duration
    ends = [_last(x) for x in annotations.values()]
    return max([start + 1.0, *ends])


def _last(x: Any) -> float:
    if isinstance(x, Beats):
        return float(x.times[-1]) + 0.5 if len(x) else 0.0
    spans = getattr(x, "intervals", getattr(getattr(x, "segments", None), "intervals", None))
    return 0.0 if spans is None or not len(spans) else float(spans[:, 1].max())
