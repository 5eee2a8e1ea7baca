"""Sound events: what sounds when, in music and in everything else.

``recording → activations by frame → gate → decoder → Events``: `mirkit.load` returns the system
that runs all arrows, and may be stopped after any of them. Every tagger that has scores by frame
serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, overload

from mirkit import checks
from mirkit.activations import Activations
from mirkit.annotation import Events
from mirkit.audio.sources import Source
from mirkit.system import Errors, VerbSettings, run


class Settings(VerbSettings, total=False):
    """The settings of `events`."""

    labels: Sequence[str] | None
    threshold: float | None
    weights: str | None
    decoder: str | None
    min_length: float | None
    max_gap: float | None


@overload
def events(x: list[Any], **settings: Unpack[Settings]) -> list[Events]: ...
@overload
def events(x: Source | Activations, **settings: Unpack[Settings]) -> Events: ...


def events(
    x: Source | Activations | list[Any],
    labels: Sequence[str] | None = None,
    threshold: float | None = None,
    *,
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    min_length: float | None = None,
    max_gap: float | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Events | list[Events]:
    """Find sound events in a recording, or in each of a list of recordings.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations` with a head ``frames``, which are only decoded. A list of these gives a list
        of results.
    labels
        Names of the classes that are wanted, such as ``["Dog", "Speech"]``; None for all that the
        model knows.
    threshold
        Least probability at which a class sounds, in [0, 1], for all classes; None takes those that
        were learned for each class of the model, or 0.5. Lower finds more events, also wrong ones.
    model
        Name of a model with scores by frame, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for the model (a path), or ``"random"``; None takes its own.
    decoder
        ``"threshold"``, which streams, or ``"boxes"``, which finds where scores change; None takes
        that of the model.
    min_length, max_gap
        Shorter events are left out; events of a class with a shorter pause between them are one
        [s]. None takes the defaults of `mirkit.sound.event.decoder.ThresholdDecoder`.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Events
        Start, end, label and confidence of each event, in order of their starts. They may overlap,
        as classes may: a bark is a dog, too.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong, or the model does not know a label.

    Examples
    --------
    >>> import numpy as np
    >>> from mirkit.activations import Head
    >>> from mirkit.frames import FrameGrid
    >>> scores = np.zeros((10, 2), np.float32)
    >>> scores[2:6, 0], scores[4:9, 1] = 0.9, 0.7
    >>> head = Head(scores, ("Dog", "Speech"), FrameGrid.from_fps(10))
    >>> found = events(Activations({"frames": head}))
    >>> found.labels, found.intervals.round(2).tolist()
    (('Dog', 'Speech'), [[0.15, 0.55], [0.35, 0.85]])
    >>> events(Activations({"frames": head}), ["Speech"]).labels
    ('Speech',)
    """
    return run(  # type: ignore[no-any-return]
        "events", x, model=model, weights=weights, decoder=decoder, errors=errors,
        offset=offset, duration=duration, threshold=threshold, min_length=min_length,
        max_gap=max_gap, labels=None if labels is None else checks.texts("labels", labels),
    )  # fmt: skip
