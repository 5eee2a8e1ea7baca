"""Beats, downbeats and tempo.

``recording → features → activations → gate → decoder → Beats``: `mirkit.load` returns the system
that runs all arrows, and may be stopped after any of them.
"""

from __future__ import annotations

from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Beats, Tempo
from mirkit.audio.sources import Source
from mirkit.music.beat.options import Meter
from mirkit.system import Errors, VerbSettings, run


class Settings(VerbSettings, total=False):
    """The settings of `beats` and `tempo`."""

    weights: str | None
    decoder: str | None
    hint_bpm: float | None
    bpm_range: tuple[float, float] | None
    meter: Meter


@overload
def beats(x: list[Any], **settings: Unpack[Settings]) -> list[Beats]: ...
@overload
def beats(x: Source | Activations, **settings: Unpack[Settings]) -> Beats: ...


def beats(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    hint_bpm: float | None = None,
    bpm_range: tuple[float, float] | None = None,
    meter: Meter = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Beats | list[Beats]:
    """Find the beats of a recording, or of each of a list of recordings.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations`, which are only decoded. A list of these gives a list of results.
    model
        Name of a model, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for the model (a path), or ``"random"``; None takes its own.
    decoder
        Name of a decoder, see `mirkit.music.beat.decoder`; None takes that of the model.
    hint_bpm
        A tempo that you know or guess [bpm]: the metrical level nearest to it is chosen.
    bpm_range
        Lowest and highest tempo [bpm].
    meter
        Beats per bar: one number, a time signature such as ``"6/8"``, or those that may be.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Beats
        Times [s], positions in the bar where the model hears bars, and the ranked tempo
        hypotheses. Where nothing pulses there are no beats and `bpm` is None. Where the model's
        card holds a fit for its weights and this decoder, each beat and each tempo has a
        confidence: see docs/confidence.md.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> samples = np.zeros(22050 * 8, np.float32)
    >>> samples[:: 22050 // 2] = 0.9  # a click every half second
    >>> round(beats((samples, 22050), model="tempogram").bpm)
    120
    """
    return run(  # type: ignore[no-any-return]
        "beats", x, model=model, weights=weights, decoder=decoder, errors=errors,
        offset=offset, duration=duration,
        hint_bpm=hint_bpm, bpm_range=bpm_range, meter=meter,
    )  # fmt: skip


@overload
def tempo(x: list[Any], **settings: Unpack[Settings]) -> list[Tempo]: ...
@overload
def tempo(x: Source | Activations, **settings: Unpack[Settings]) -> Tempo: ...


def tempo(x: Source | Activations | list[Any], **settings: Unpack[Settings]) -> Tempo | list[Tempo]:
    """Find the tempo of a recording, or of each of a list, with the other likely levels.

    Parameters
    ----------
    x
        As for `beats`.
    **settings
        Those of `beats`.

    Examples
    --------
    >>> import numpy as np
    >>> samples = np.zeros(22050 * 8, np.float32)
    >>> samples[:: 22050 // 2] = 0.9
    >>> found = tempo((samples, 22050), model="tempogram", bpm_range=(50, 80))
    >>> round(found.bpm)
    60
    """
    return run("tempo", x, **settings)  # type: ignore[no-any-return]
