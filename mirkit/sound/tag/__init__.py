"""Tags: what sounds in a recording, and the vectors that say what it is near to.

``track → audio → front end → model → activations → decoder → Tags``: each arrow is a callable, and
`tags` runs them all; `embed` stops at the last but one layer of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypedDict, Unpack, overload

from numpy.typing import NDArray

from mirkit.activations import Activations
from mirkit.annotation import Analysis, Embedding, Tags
from mirkit.audio import reading
from mirkit.audio.reading import Source
from mirkit.errors import ParameterError
from mirkit.sound.tag.decoder import DEFAULT_TOP, Calibration, TagDecoder
from mirkit.sound.tag.model import Tagger

DEFAULT_MODEL = "tag-mn"


class Settings(TypedDict, total=False):
    """What `tags` can be told beside the recording."""

    top: int | None
    model: str | None
    weights: str | None
    threshold: float | None


class EmbedSettings(TypedDict, total=False):
    """What `embed` can be told beside the recording."""

    model: str | None
    weights: str | None
    frames: bool


@dataclass
class Passed:
    """How many samples have gone by."""

    sample_rate: int
    n_samples: int = 0

    def through(self, blocks: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Yield the blocks as they are, and count them."""
        for block in blocks:
            self.n_samples += block.shape[-1]
            yield block

    @property
    def duration(self) -> float:
        """How long the recording was so far [s]."""
        return self.n_samples / self.sample_rate


@dataclass(frozen=True)
class TagSystem:
    """A model and the decoder behind it: ``recording → Tags``.

    Parameters
    ----------
    model
        From samples to activations.
    decoder
        From activations to tags.
    """

    model: Tagger
    decoder: TagDecoder = field(default_factory=TagDecoder)

    def __call__(self, x: Source | Activations) -> Tags:
        """Return the tags of one recording; `Activations` are only decoded."""
        return self.decoder(x if isinstance(x, Activations) else self.hear(x)[0])

    def hear(self, x: Source, frames: bool = False) -> tuple[Activations, float]:
        """Return what the model hears in a recording, and how long the recording is [s]."""
        passed = Passed(self.model.sample_rate)
        with reading.blocks(x, sample_rate=self.model.sample_rate) as blocks:
            heard = self.model.hear(passed.through(blocks), frames)
        return heard, passed.duration

    def analysis(self, x: Source) -> Analysis:
        """Return the tags of a recording with what is known of it."""
        track = reading.track(x)
        heard, duration = self.hear(track)
        return Analysis({"tags": self.decoder(heard)}, track, duration)

    def embedding(self, x: Source | Activations, frames: bool = False) -> Embedding:
        """Return the embedding of one recording; that of `Activations` is only taken out."""
        return embedding_of(x if isinstance(x, Activations) else self.hear(x, frames)[0], frames)


def embedding_of(activations: Activations, frames: bool = False) -> Embedding:
    """Return the embedding among the heads of a model, of the clip or by frame."""
    head = activations["frame_embedding" if frames else "embedding"]
    return Embedding(head.values, head.grid, activations.provenance)


def system(
    model: str | None = None,
    weights: str | None = None,
    top: int | None = DEFAULT_TOP,
    threshold: float | None = None,
    *,
    tasks: tuple[str, ...] = ("tags",),
) -> TagSystem:
    """Return the model and the decoder that these names mean, ready to run.

    Parameters
    ----------
    model, weights, top, threshold
        As for `tags`.
    tasks
        What the model may be for.

    Raises
    ------
    UnknownName
        Where there is no such model.
    ParameterError
        Where the model is for something else, or a setting is wrong.
    """
    from mirkit.zoo.registry import card

    known = card(model or DEFAULT_MODEL)
    if known.task not in tasks:
        raise ParameterError(
            f"model {known.name!r} finds {known.task}, not {' or '.join(tasks)}; see "
            "mirkit.models()"
        )
    calibration = Calibration.from_dict(known.confidence if weights is None else {})
    decoder = TagDecoder(top, threshold, calibration)  # a wrong setting costs no loading
    return TagSystem(load_model(known.name, weights), decoder)


@lru_cache(maxsize=4)
def load_model(name: str, weights: str | None = None) -> Tagger:
    """Load a tagger, or take it from the last few that were."""
    from mirkit.zoo.registry import load

    loaded: Tagger = load(name, weights=weights)
    return loaded


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
) -> Tags | list[Tags]:
    """Say what sounds in a recording, or in each of a list of recordings.

    Recordings may have any length, rate and number of channels. Long ones are heard in windows,
    see `mirkit.sound.tag.model.Tagger`: the score of a tag is the mean over them, so what sounds
    now and then in an hour has a low one. Silence gets what the model says of it.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations`, which are only decoded. A list of these gives a list of results.
    top
        How many tags at most; None for all that the model knows.
    model
        Name of a model, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for the model (a path), or ``"random"``; None takes its own. The scores of
        others than its own are not calibrated.
    threshold
        The lowest score that is kept, in [0, 1].

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
    if isinstance(x, list):
        return [_tags(each, top, model, weights, threshold) for each in x]
    return _tags(x, top, model, weights, threshold)


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
) -> Embedding | list[Embedding]:
    """Return the vector that a model gives a recording, or each of a list of recordings.

    Recordings that sound alike have vectors that point the same way.

    Parameters
    ----------
    x
        What `tags` takes; of `Activations` the vector is only taken out.
    model, weights
        As for `tags`.
    frames
        Whether to return a vector by frame, at the clock of the model's own steps; one a window
        where it has none.

    Returns
    -------
    Embedding
        One row, the mean over the windows; with `frames` a row a frame, and their clock.

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
    if isinstance(x, list):
        return [_embed(each, model, weights, frames) for each in x]
    return _embed(x, model, weights, frames)


def _tags(
    x: Any, top: int | None, model: str | None, weights: str | None, threshold: float | None
) -> Tags:
    if isinstance(x, Activations):
        return TagDecoder(top, threshold)(x)
    return system(model, weights, top, threshold)(x)


def _embed(x: Any, model: str | None, weights: str | None, frames: bool) -> Embedding:
    if isinstance(x, Activations):
        return embedding_of(x, frames)
    return system(model, weights, tasks=("tags", "embed")).embedding(x, frames)
