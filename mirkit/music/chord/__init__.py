"""Chords.

``recording → features → activations → gate → decoder → Segments``: `mirkit.load` returns the
system that runs all arrows, and may be stopped after any of them.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, Unpack, overload

from mirkit import checks
from mirkit.activations import Activations
from mirkit.annotation import Beats, Segments
from mirkit.audio.sources import Source
from mirkit.errors import ParameterError
from mirkit.recording import Recording
from mirkit.system import Errors, VerbSettings, load, run
from mirkit.vocab.priors import Prior


class Settings(VerbSettings, total=False):
    """The settings of `chords`."""

    weights: str | None
    decoder: str | None
    prior: Prior | None
    vocabulary: str | None
    inversions: bool | None
    beats: Beats | bool | None


@overload
def chords(x: list[Any], **settings: Unpack[Settings]) -> list[Segments]: ...
@overload
def chords(x: Source | Activations, **settings: Unpack[Settings]) -> Segments: ...


def chords(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    prior: Prior | None = None,
    vocabulary: str | None = None,
    inversions: bool | None = None,
    beats: Beats | bool | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Segments | list[Segments]:
    """Find the chords of a recording, or of each of a list of recordings.

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
        Name of a decoder, see `mirkit.music.chord.decoder`; None takes that of the model.
    prior
        How often chord qualities are expected: ``"music"``, ``"flat"`` (as the model learned), or
        shares of the time by quality, such as ``{"7": 0.4}``. None takes ``"music"`` for models
        whose card says what they learned, else ``"flat"``.
    vocabulary
        ``"majmin"``, ``"sevenths"`` or ``"full"``, which is the default.
    inversions
        Whether to name a chord tone in the bass, as in ``C:maj/3``; None names it.
    beats
        `Beats` that chords may change on, or True to find them first; else chords may change
        anywhere.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Segments
        A partition of the recording; labels in Harte's syntax, roots spelled as the key signature
        has them, N where there is no chord; a confidence each.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> chords((np.zeros(22050), 22050), model="librosa-chords").labels
    ('N',)
    """

    def find(each: Any, beats: Beats | None) -> Any:
        return run(
            "chords", each, model=model, weights=weights, decoder=decoder, errors=errors,
            prior=prior, offset=offset, duration=duration,
            vocabulary=vocabulary, inversions=inversions, beats=beats,
        )  # fmt: skip

    checks.instance("beats", beats, (Beats, bool, NoneType), "Beats, True, or None")
    if beats is True:
        each_of = x if isinstance(x, list) else [x]
        found = [find(*_with_beats(each, offset, duration)) for each in each_of]
        return found if isinstance(x, list) else found[0]
    if isinstance(beats, Beats) and isinstance(x, list):
        raise ParameterError("beats are of one recording, and there is a list; give beats=True")
    return find(x, beats or None)  # type: ignore[no-any-return]


def _with_beats(x: Any, offset: float, duration: float | None) -> tuple[Any, Beats]:
    """Return a recording with its beats, for which it is decoded once."""
    if not isinstance(x, Activations):
        x = Recording.of(x, offset=offset, limit=duration).shared()
    elif "beat" not in x:
        raise ParameterError("beats=True needs a recording, or a head 'beat' in the activations")
    return x, load(task="beats")(x)
