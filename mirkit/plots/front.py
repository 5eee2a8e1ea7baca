"""`mirkit.plot`: the picture that belongs to a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirkit import checks
from mirkit.activations import Activations, Features
from mirkit.annotation import (
    Analysis,
    Annotation,
    Beats,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
)
from mirkit.audio import Audio, reading
from mirkit.audio.sources import Source, track
from mirkit.errors import ParameterError
from mirkit.plots.heads import plot_activations, plot_features, plot_tags, plot_tempo
from mirkit.plots.recording import plot_recording
from mirkit.plots.waveform import RATE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Annotations = Annotation | Mapping[str, Annotation] | None


def plot(
    x: Source | Annotation | Analysis | Activations | Features,
    annotation: Annotations = None,
    *,
    view: str = "waveform",
    start: float = 0.0,
    end: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a recording with its annotations, or a value alone.

    Parameters
    ----------
    x
        A recording, as for `mirkit.beats`; or an annotation, an `Analysis` (whose recording is
        drawn where it is still there), `Activations` or `Features`.
    annotation
        What is drawn below a recording, or over activations: an annotation, an `Analysis`, or
        annotations by name, such as a reference and an estimate.
    view
        Of a recording: ``"waveform"``, ``"spectrogram"`` or ``"tempogram"``.
    start, end
        The part that is drawn [s]; None goes to the end.
    title
        What stands above; the name of the recording where None.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved (``figure.savefig("x.png")``) or shown; pyplot does not know it.

    Raises
    ------
    AudioError
        Where the recording is missing, empty or damaged.
    ParameterError, UnknownName
        Where there is nothing to draw, or no such view.
    MissingExtra
        Where matplotlib is not installed.

    Examples
    --------
    >>> from mirkit.annotation import Beats
    >>> figure = plot(([0.0, 0.5, -0.5, 0.0] * 2000, 8000), Beats([0.25, 0.5, 0.75]))
    >>> [ax.get_ylabel() for ax in figure.axes]
    ['', 'beats']
    """
    if isinstance(x, Activations):
        return plot_activations(x, named(annotation))
    if isinstance(x, Features):
        return plot_features(x)
    if isinstance(x, Tags):
        return plot_tags(x)
    if isinstance(x, Tempo):
        return plot_tempo(x)
    shown = {**named(_own(x)), **named(annotation)}
    source = _source(x)
    audio = None if source is None else _read(source, start, end)
    known = title if title is not None else _title(source)
    return plot_recording(audio, shown, view=view, start=start, end=end, title=known)


def named(annotation: Annotations) -> dict[str, Annotation]:
    """Return annotations by the names of their lanes.

    Raises
    ------
    ParameterError
        Where it is no annotation.
    """
    if annotation is None:
        return {}
    if isinstance(annotation, Mapping):
        return dict(annotation)
    for kind, name in _NAMES.items():
        if isinstance(annotation, kind):
            return {f"{annotation.kind}s" if hasattr(annotation, "kind") else name: annotation}
    raise ParameterError(
        f"annotation is {type(annotation).__name__}; what can be drawn over time are "
        f"{', '.join(kind.__name__ for kind in _NAMES)}, an Analysis, or these by name"
    )


_NAMES: dict[type, str] = {Beats: "beats", Segments: "segments", Events: "events", Key: "key"}


def _own(x: Any) -> Annotations:
    """Return the annotations that `x` is, or None for a recording."""
    return x if isinstance(x, Analysis | Beats | Segments | Events | Key) else None


def _source(x: Any) -> Any:
    """Return the recording, or None where there is none to draw."""
    if not isinstance(x, Analysis):
        return None if isinstance(x, Beats | Segments | Events | Key) else track(x)
    source = None if x.track is None else x.track.source
    missing = isinstance(source, Path) and not source.is_file()
    return None if missing or x.track is None else x.track


def _read(source: Any, start: float, end: float | None) -> Audio:
    if end is not None and checks.number("end", end) <= checks.number("start", start):
        raise ParameterError(f"end is {end} s; it lies after start, which is {start} s")
    length = None if end is None else end - start
    return reading.read(source, RATE, mono=True, offset=start, duration=length)


def _title(source: Any) -> str:
    return source.source.name if source is not None and isinstance(source.source, Path) else ""
