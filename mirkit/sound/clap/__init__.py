"""Zero-shot classification: any sound that a sentence can describe, without training.

``recording → features → activations → decoder → Tags``: the activations are a vector in a space
that sentences have vectors in, too (CLAP), and the decoder is made of your sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Tags
from mirkit.audio.sources import Source
from mirkit.sound.clap.prompts import TEMPLATES
from mirkit.system import Errors, VerbSettings, run


class Settings(VerbSettings, total=False):
    """The settings of `zero_shot`."""

    templates: Sequence[str]
    top: int | None
    threshold: float | None
    none: bool
    weights: str | None


@overload
def zero_shot(
    x: list[Any], labels: Sequence[str] | None = None, **settings: Unpack[Settings]
) -> list[Tags]: ...
@overload
def zero_shot(
    x: Source | Activations, labels: Sequence[str] | None = None, **settings: Unpack[Settings]
) -> Tags: ...


def zero_shot(
    x: Source | Activations | list[Any],
    labels: Sequence[str] | None = None,
    *,
    templates: Sequence[str] = TEMPLATES,
    top: int | None = None,
    threshold: float | None = None,
    none: bool = False,
    model: str | None = None,
    weights: str | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
) -> Tags | list[Tags]:
    """Classify a recording, or each of a list of recordings, by sentences of your own.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations` with an embedding, which are only decoded. A list of these gives a list of
        results.
    labels
        The sentences: ``["a dog barking", "glass breaking"]``; None takes a phrase per class of
        AudioSet. Sentences do better than words.
    templates
        What is made of each label, with ``{}`` in its place; the vectors are averaged.
    top
        Number of labels at most; None for all.
    threshold
        The lowest score that is kept, in [0, 1].
    none
        Whether to list ``"none of these"`` too, with the probability that no label fits.
    model
        Name of a model, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for the model (a path), or None for its own. The scores of others than its own
        are a softmax over the labels.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Not for
        `Activations`.

    Returns
    -------
    Tags
        The labels, and for each the probability that it fits, best first.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> hiss = np.random.default_rng(0).normal(scale=0.1, size=32000).astype(np.float32)
    >>> found = zero_shot((hiss, 32000), ["a dog barking", "a steady hiss"])
    >>> found.labels[0]
    'a steady hiss'
    """
    return run(  # type: ignore[no-any-return]
        "zero_shot", x, model=model, weights=weights, errors=errors, labels=labels,
        offset=offset, duration=duration,
        templates=templates, top=top, threshold=threshold, none=none,
    )  # fmt: skip
