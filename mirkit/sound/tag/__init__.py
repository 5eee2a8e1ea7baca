"""Tags and embeddings: the sounds, instruments and styles of a recording.

``recording → features → activations → decoder → Tags``: `mirkit.load` returns the system that runs
all arrows, and may be stopped after any of them; an embedding is the last but one layer.
"""

from __future__ import annotations

from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Embedding, Tags
from mirkit.audio.sources import Source
from mirkit.sound.tag.decoder import ALL, DEFAULT_TOP
from mirkit.system import Errors, VerbSettings, run
from mirkit.vocab.priors import Prior


class Settings(VerbSettings, total=False):
    """The settings of `tags`."""

    top: int | None
    weights: str | None
    threshold: float | None
    prior: Prior | None


class EmbedSettings(VerbSettings, total=False):
    """The settings of `embed`."""

    weights: str | None
    frames: bool


@overload
def tags(x: list[Any], **settings: Unpack[Settings]) -> list[Tags]: ...
@overload
def tags(x: Source | Activations, **settings: Unpack[Settings]) -> Tags: ...


def tags(
    x: Source | Activations | list[Any],
    *,
    top: int | None = DEFAULT_TOP,
    model: str | None = None,
    weights: str | None = None,
    threshold: float | None = None,
    prior: Prior | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Tags | list[Tags]:
    """Tag a recording, or each of a list of recordings.

    Recordings may have any length, rate and number of channels. Long ones are cut in windows,
    see `mirkit.sound.tag.model.Tagger`: the score of a tag is the mean over them, so a sound that
    comes now and then in an hour has a low one. Silence gets the tags that the model gives it.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations`, which are only decoded. A list of these gives a list of results.
    top
        Number of tags at most; None for all that the model knows.
    model
        Name of a model, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for the model (a path), or ``"random"``; None takes its own. The scores of
        others than its own are not calibrated.
    threshold
        The lowest score that is kept, in [0, 1].
    prior
        How often labels are expected: ``"music"`` (as in recorded sounds and music), ``"flat"`` (as
        the model expects them), or shares of the recordings by label, such as ``{"Dog": 0.3}``.
        None takes ``"music"`` for models whose card says what they expect, else ``"flat"``.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Tags
        Labels and scores, best first.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> from mirkit.activations import Head
    >>> heard = Activations({"tags": Head([[0.1, 0.9]], ("Speech", "Music"), None)})
    >>> [(label, round(score, 3)) for label, score in tags(heard, top=1)]
    [('Music', 0.9)]
    """
    return run(  # type: ignore[no-any-return]
        "tags", x, model=model, weights=weights, errors=errors,
        offset=offset, duration=duration,
        top=ALL if top is None else top, threshold=threshold, prior=prior,
    )  # fmt: skip


@overload
def embed(x: list[Any], **settings: Unpack[EmbedSettings]) -> list[Embedding]: ...
@overload
def embed(x: Source | Activations, **settings: Unpack[EmbedSettings]) -> Embedding: ...


def embed(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    weights: str | None = None,
    frames: bool = False,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Embedding | list[Embedding]:
    """Embed a recording, or each of a list of recordings, as a vector.

    Recordings that sound alike have vectors that point the same way.

    Parameters
    ----------
    x
        What `tags` takes; of `Activations` the vector is only taken out.
    model, weights
        As for `tags`.
    frames
        Whether to return a vector per frame, at the clock of the model; one per window where it
        has none.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

    Returns
    -------
    Embedding
        One row, the mean over the windows; with `frames` a row per frame, and their clock.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> from mirkit.activations import Head
    >>> heard = Activations({"embedding": Head([[0.5, -2.0]], ("0", "1"), None, "embedding")})
    >>> embed(heard).values
    array([[ 0.5, -2. ]], dtype=float32)
    """
    return run(  # type: ignore[no-any-return]
        "embed",
        x,
        model=model,
        weights=weights,
        errors=errors,
        offset=offset,
        duration=duration,
        frames=frames,
    )
