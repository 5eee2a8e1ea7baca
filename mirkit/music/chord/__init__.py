"""Chords.

``track → audio → front end → model → activations → decoder → Segments``: each arrow is a callable,
and `chords` runs them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from mirkit.activations import Activations
from mirkit.annotation import Beats, Segments
from mirkit.audio.reading import Source
from mirkit.errors import ParameterError
from mirkit.music.chord.decoder import Decoder
from mirkit.music.chord.decoder import decoder as find_decoder
from mirkit.music.hearing import Model, hear, load_model, silenced, spanning

DEFAULT_MODEL = "chord-crnn"

SILENCE = {"tag": 168, "root": 12, "bass": 12}
"""The class N of each head."""


class Settings(TypedDict, total=False):
    """What `chords` can be told beside the recording."""

    model: str | None
    weights: str | None
    decoder: str | None
    vocabulary: str | None
    inversions: bool | None
    beats: Beats | bool | None


@dataclass(frozen=True)
class ChordSystem:
    """A model and the decoder behind it: ``recording → Segments``.

    Parameters
    ----------
    model
        From samples to activations.
    decoder
        From activations to chords.
    """

    model: Model
    decoder: Decoder

    def __call__(self, x: Source | Activations) -> Segments:
        """Return the chords of one recording; `Activations` are only decoded.

        Where nothing sounds there is no chord, whatever the model says.
        """
        if isinstance(x, Activations):
            return self.decoder(x)
        heard, meter = hear(self.model, x)
        found = self.decoder(silenced(heard.activations, meter, SILENCE))
        if not len(found):
            whole = np.array([[0.0, meter.duration]])
            return replace(found, intervals=whole, labels=("N",), confidence=np.ones(1))
        return spanning(found, meter.duration)


def system(
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    **options: Any,
) -> ChordSystem:
    """Return the model and the decoder that these names mean, ready to run.

    Parameters
    ----------
    model, weights, decoder
        As for `chords`.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such model or decoder.
    ParameterError
        Where the model does not hear chords, or an option is wrong.
    """
    from mirkit.zoo.registry import card

    known = card(model or DEFAULT_MODEL)
    if known.task != "chords":
        raise ParameterError(
            f"model {known.name!r} finds {known.task}, not chords; see mirkit.models()"
        )
    name = decoder or known.decoder
    if known.confidence and weights is None and name in (None, "viterbi"):
        curve = known.confidence["slope"], known.confidence["offset"]
        options.setdefault("calibration", curve)
    found = find_decoder(name, **options)  # a wrong option costs no loading
    return ChordSystem(load_model(known.name, weights), found)


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
    vocabulary: str | None = None,
    inversions: bool | None = None,
    beats: Beats | bool | None = None,
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
        How chords are found in activations: see `mirkit.music.chord.decoder`; None takes the
        default of the model.
    vocabulary
        ``"majmin"``, ``"sevenths"`` or ``"full"``, which is the default.
    inversions
        Whether a chord tone in the bass is named, as in ``C:maj/3``; None means that it is.
    beats
        `Beats` that chords may change on, or True to find them first; else chords may change
        anywhere.

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
    given = {"vocabulary": vocabulary, "inversions": inversions}
    options = {name: value for name, value in given.items() if value is not None}
    if not isinstance(x, list):
        return _run(x, model, weights, decoder, beats, options)
    if isinstance(beats, Beats):
        raise ParameterError("beats are of one recording, and there is a list; give beats=True")
    return [_run(each, model, weights, decoder, beats, options) for each in x]


def _run(
    x: Any,
    model: str | None,
    weights: str | None,
    decoder: str | None,
    beats: Beats | bool | None,
    options: dict[str, Any],
) -> Segments:
    if beats is True:
        x, beats = _with_beats(x)
    if isinstance(beats, Beats):
        options = options | {"beats": beats}
    if isinstance(x, Activations):
        return find_decoder(decoder, **options)(x)
    return system(model, weights, decoder, **options)(x)


def _with_beats(x: Any) -> tuple[Any, Beats]:
    """Return a recording with its beats; it is read once, as a stream is gone then."""
    from mirkit.audio import reading
    from mirkit.music.beat import beats

    if isinstance(x, Activations):
        if "beat" in x:
            return x, beats(x)
        raise ParameterError("beats=True needs a recording, or a head 'beat' in the activations")
    audio = reading.read(x, mono=True)
    return audio, beats(audio)
