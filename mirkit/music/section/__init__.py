"""Sections: where a new part of a piece begins, and which parts are the same again.

There is no network in it: the beats are compared with one another, by tones and timbre. Where a
stretch that is like itself meets another one there is a boundary (`novelty`), and stretches that go
the same way share a letter (`labels`).
"""

from __future__ import annotations

from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Beats, Segments
from mirkit.audio.sources import Source
from mirkit.system import Errors, VerbSettings, run


class Settings(VerbSettings, total=False):
    """The settings of `sections`."""

    decoder: str | None
    beats: Beats | None


@overload
def sections(x: list[Any], **settings: Unpack[Settings]) -> list[Segments]: ...
@overload
def sections(x: Source | Activations, **settings: Unpack[Settings]) -> Segments: ...


def sections(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    decoder: str | None = None,
    beats: Beats | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Segments | list[Segments]:
    """Find the sections of a recording, or of each of a list of recordings.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations`, which are only decoded. A list of these gives a list of results.
    model
        Name of a model, see `mirkit.models`; None takes the default.
    decoder
        Name of a decoder, see `mirkit.music.section.decoder`; None takes the default.
    beats
        The beats of the recording; None finds them first. Sections begin on beats, on downbeats
        where those are known.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Segments
        A partition of the recording, its labels A, B, …: what has one letter is the same again.
        There is no confidence, as nothing calibrates it.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError
        Where there are beats of one recording, and a list of them.

    Examples
    --------
    >>> import numpy as np
    >>> found = sections((np.zeros(22050 * 8), 22050), beats=Beats())
    >>> found.labels, found.intervals
    (('A',), array([[0., 8.]]))
    """
    return run(  # type: ignore[no-any-return]
        "sections",
        x,
        model=model,
        decoder=decoder,
        errors=errors,
        offset=offset,
        duration=duration,
        known={"beats": beats},
    )
