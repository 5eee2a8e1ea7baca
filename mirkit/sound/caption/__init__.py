"""Captions: a sentence that describes a recording.

``sounds, tempo, key → decoder → Caption``: the caption is grounded, which means that it says only
what the models of those tasks have found.
"""

from __future__ import annotations

from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Caption, Key, Tags, Tempo
from mirkit.audio.sources import Source
from mirkit.system import Errors, VerbSettings, run
from mirkit.tasks import TASKS


class Settings(VerbSettings, total=False):
    """The settings of `caption`."""

    weights: str | None
    sounds: Tags | None
    tempo: Tempo | None
    key: Key | None


@overload
def caption(x: list[Any], **settings: Unpack[Settings]) -> list[Caption]: ...
@overload
def caption(x: Source | Activations, **settings: Unpack[Settings]) -> Caption: ...


def caption(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    weights: str | None = None,
    sounds: Tags | None = None,
    tempo: Tempo | None = None,
    key: Key | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Caption | list[Caption]:
    """Describe a recording, or each of a list of recordings, in a sentence.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio` or `Track`. A list of
        these gives a list of results.
    model
        Name of a model of `zero_shot`, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for it (a path), or None for its own.
    sounds, tempo, key
        What is known of the recording already; None is found. Sounds are classes of AudioSet, or
        phrases of them: what `zero_shot` gives without labels, or all tags of a tagger.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Not for
        `Activations`.

    Returns
    -------
    Caption
        The sentence, and the score of what it is surest of.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> heard = Tags(("Music", "Piano"), [0.9, 0.8])
    >>> silence = ([0.0, 0.0], 8000)
    >>> caption(silence, sounds=heard, tempo=Tempo(80.0), key=Key("A minor")).text
    'A slow piece of music with a piano, in A minor, at 80 beats per minute.'
    """
    known = dict(zip(TASKS["caption"].needs, (sounds, tempo, key), strict=True))
    return run(  # type: ignore[no-any-return]
        "caption", x, model=model, weights=weights, errors=errors, known=known,
        offset=offset, duration=duration,
    )  # fmt: skip
