"""Notes: what any instruments play, transcribed.

``recording → activations → gate → decoder → Events``: `system` returns what runs all arrows, and
may be stopped after any of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypedDict, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Events
from mirkit.audio.sources import Source
from mirkit.errors import UnknownName
from mirkit.music.note.basic_pitch import CALIBRATION, ORIGIN, BasicPitch
from mirkit.music.note.decoder import GATE
from mirkit.music.note.decoder import decoder as find_decoder
from mirkit.system import System

DEFAULT_MODEL = "basic-pitch"


class Settings(TypedDict, total=False):
    """The settings of `notes`."""

    model: str | None
    weights: str | None
    decoder: str | None
    onset_threshold: float | None
    frame_threshold: float | None
    min_length: float | None
    fmin: float | None
    fmax: float | None
    bends: bool | None


def system(
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    **options: Any,
) -> System[Events]:
    """Return the model, the gate and the decoder that these names mean, ready to run.

    Parameters
    ----------
    model, weights, decoder
        As for `notes`.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such model or decoder.
    ParameterError
        Where an option is unknown to the decoder or out of range.
    WeightsError
        Where the weights are not there; the message says how to get them.
    """
    if model not in (None, DEFAULT_MODEL):
        raise UnknownName("model", str(model), [DEFAULT_MODEL])
    find = find_decoder(decoder, **{"calibration": CALIBRATION, **options})  # loads nothing
    return System(task="notes", decoder=find, model=_load(weights), gate=GATE, heads=find.heads)


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
    given = {
        "onset_threshold": onset_threshold,
        "frame_threshold": frame_threshold,
        "min_length": min_length,
        "fmin": fmin,
        "fmax": fmax,
        "bends": bends,
    }
    options = {name: value for name, value in given.items() if value is not None}
    if isinstance(x, list):
        return [_run(each, model, weights, decoder, options) for each in x]
    return _run(x, model, weights, decoder, options)


def _run(
    x: Any, model: str | None, weights: str | None, decoder: str | None, options: dict[str, Any]
) -> Events:
    if isinstance(x, Activations):
        return find_decoder(decoder, **options)(x)
    return system(model, weights, decoder, **options)(x)


@lru_cache(maxsize=2)
def _load(weights: str | None) -> BasicPitch:
    """Load the model, or take it from the last that were."""
    from mirkit.zoo.checkpoints import cache_dir

    return BasicPitch.from_weights(weights or cache_dir() / ORIGIN.sha256[:16] / "nmp.onnx")
