"""Notes of any instruments.

``recording → activations → gate → decoder → Events``: `mirkit.load` returns the system that runs
all arrows, and may be stopped after any of them.
"""

from __future__ import annotations

from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Events
from mirkit.audio.sources import Source
from mirkit.system import Errors, VerbSettings, run


class Settings(VerbSettings, total=False):
    """The settings of `notes`."""

    weights: str | None
    decoder: str | None
    onset_threshold: float | None
    frame_threshold: float | None
    min_length: float | None
    fmin: float | None
    fmax: float | None
    bends: bool | None


@overload
def notes(x: list[Any], **settings: Unpack[Settings]) -> list[Events]: ...
@overload
def notes(x: Source | Activations, **settings: Unpack[Settings]) -> Events: ...


def notes(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    onset_threshold: float | None = None,
    frame_threshold: float | None = None,
    min_length: float | None = None,
    fmin: float | None = None,
    fmax: float | None = None,
    bends: bool | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Events | list[Events]:
    """Transcribe the notes of a recording, or of each of a list of recordings.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations`, which are only decoded. A list of these gives a list of results.
    model
        Name of a model; None takes the default, ``"basic-pitch"``.
    weights
        The weights of the model: for Basic Pitch the wheel of its authors, or the ``.onnx`` file
        in it (a path). None takes those in the cache.
    decoder
        Name of a decoder, see `mirkit.music.note.decoder`; None takes the default.
    onset_threshold, frame_threshold, min_length, fmin, fmax, bends
        Options of the decoder, see `mirkit.music.note.decoder.NoteDecoder`.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Events
        The notes in order of their starts, which may overlap: their pitches as MIDI note numbers,
        and a confidence each.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.
    WeightsError
        Where the weights are not there; the message says how to get them.

    Examples
    --------
    >>> import numpy as np
    >>> from mirkit.activations import Head
    >>> from mirkit.frames import FrameGrid
    >>> onset, note = np.zeros((2, 100, 1), np.float32)
    >>> onset[10], note[10:60] = 0.9, 0.8
    >>> grid = FrameGrid.from_fps(100)
    >>> heads = {"onset": Head(onset, ("60",), grid), "note": Head(note, ("60",), grid)}
    >>> found = notes(Activations(heads))
    >>> found.labels, found.intervals
    (('60',), array([[0.1, 0.6]]))
    """
    return run(  # type: ignore[no-any-return]
        "notes", x, model=model, weights=weights, decoder=decoder, errors=errors,
        offset=offset, duration=duration,
        onset_threshold=onset_threshold, frame_threshold=frame_threshold, min_length=min_length,
        fmin=fmin, fmax=fmax, bends=bends,
    )  # fmt: skip
