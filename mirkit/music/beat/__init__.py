"""Beats, downbeats and tempo.

``track → audio → front end → model → activations → decoder → Beats``: each arrow is a callable, and
`beats` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations
from mirkit.annotation import Beats, Tempo
from mirkit.audio.reading import Source, blocks
from mirkit.music.beat import harmony
from mirkit.music.beat.confidence import Confidence
from mirkit.music.beat.decoder import DEFAULT as DEFAULT_DECODER
from mirkit.music.beat.decoder import decoder as find_decoder
from mirkit.music.beat.harmony import chroma_head
from mirkit.pipeline import FrontEnd, Pipeline, side_by_side

DEFAULT_MODEL = "beat-tcn"

Decoder = Callable[[Activations], Beats]


class Settings(TypedDict, total=False):
    """What `beats` and `tempo` can be told beside the recording."""

    model: str | None
    weights: str | None
    decoder: str | None
    hint_bpm: float | None
    bpm_range: tuple[float, float] | None
    meter: int | tuple[int, ...] | None


class Model(Protocol):
    """What finds beats in samples.

    `sample_rate` is what it listens at [Hz]. `listen` takes the consecutive mono blocks of one
    recording, each ``(1, n_samples)``, and keeps no more of them than it needs.
    """

    @property
    def sample_rate(self) -> int:
        """Samples a second [Hz]."""
        ...

    def listen(self, blocks: Iterable[NDArray[np.float32]]) -> Activations:
        """Return the activations of the recording that the blocks are of."""
        ...


@dataclass(frozen=True)
class NetworkModel:
    """A network and the front end that it was trained on, and one for harmony at its rate."""

    pipeline: Pipeline[Any]
    semitones: FrontEnd | None = None

    @property
    def sample_rate(self) -> int:
        """Samples a second [Hz]."""
        return self.pipeline.front_end.sample_rate

    def listen(self, blocks: Iterable[NDArray[np.float32]]) -> Activations:
        """Return the activations of the recording that the blocks are of."""
        if self.semitones is None:
            return self.pipeline.activations(iter(blocks))
        features, semitones = side_by_side((self.pipeline.front_end, self.semitones), blocks)
        heard = self.pipeline.windows(self.pipeline.model, features)
        return Activations({**heard, harmony.HEAD: chroma_head(semitones)}, heard.provenance)


@dataclass(frozen=True)
class BeatSystem:
    """A model and the decoder behind it: ``recording → Beats``.

    Parameters
    ----------
    model
        From samples to activations.
    decoder
        From activations to beats.
    min_activation
        Mean activation at the stronger half of the beats below which nothing pulses.
    confidence
        What says how sure the beats are, or None.
    """

    model: Model
    decoder: Decoder
    min_activation: float = 0.0
    confidence: Confidence | None = None

    def __call__(self, x: Source | Activations) -> Beats:
        """Return the beats of one recording; `Activations` are only decoded."""
        if isinstance(x, Activations):
            return self.decoder(x)
        with blocks(x, sample_rate=self.model.sample_rate) as stream:
            activations = self.model.listen(stream)
        found = self.decoder(activations)
        if strength_of(found, activations) < self.min_activation:
            return Beats(provenance=found.provenance)
        return found if self.confidence is None else self.confidence(found, activations)


def strength_of(beats: Beats, activations: Activations) -> float:
    """Return the mean of the beat head at the stronger half of the beats.

    The half, because at twice the tempo every other beat is none. It is 1 where there are no beats,
    or the head has no clock.
    """
    head = activations["beat"]
    if not len(beats) or head.grid is None:
        return 1.0
    frames = np.clip(head.grid.frame_at(beats.times), 0, head.n_frames - 1)
    activation = np.sort(head.probabilities()[frames, 0])
    return float(activation[len(activation) // 2 :].mean())


def system(
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    **options: Any,
) -> BeatSystem:
    """Return the model and the decoder that these names mean, ready to run.

    Parameters
    ----------
    model, weights, decoder
        As for `beats`.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such model or decoder.
    """
    from mirkit.zoo.registry import card

    name = model or DEFAULT_MODEL
    known = card(name)
    decoder = decoder or known.decoder or DEFAULT_DECODER
    is_fitted = weights is None and decoder == known.confidence.get("decoder")
    return BeatSystem(
        _model(name, weights),
        find_decoder(decoder, **options),
        known.min_activation if weights is None else 0.0,
        Confidence.from_card(known) if is_fitted else None,
    )


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
    meter: int | tuple[int, ...] | None = None,
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
        How beats are picked from activations: see `mirkit.music.beat.decoder`; None takes the
        default of the model.
    hint_bpm
        A tempo that you know or guess [bpm]: the metrical level nearest to it is chosen.
    bpm_range
        Lowest and highest tempo [bpm].
    meter
        Beats in a bar: one number, or those that may be.

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
    given = {"hint_bpm": hint_bpm, "bpm_range": bpm_range, "meter": meter}
    options = {name: value for name, value in given.items() if value is not None}
    if not isinstance(x, list):
        return _run(x, model, weights, decoder, options)
    return [_run(each, model, weights, decoder, options) for each in x]


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
    found: Beats | list[Beats] = beats(x, **settings)
    return [each.tempo for each in found] if isinstance(found, list) else found.tempo


def _run(
    x: Any, model: str | None, weights: str | None, name: str | None, options: dict[str, Any]
) -> Beats:
    if isinstance(x, Activations):
        return find_decoder(name, **options)(x)
    return system(model, weights, name, **options)(x)


@lru_cache(maxsize=4)
def _model(name: str, weights: str | None) -> Model:
    """Load a model, or take it from the last few that were."""
    from mirkit.zoo.registry import load

    loaded: Any = load(name, weights=weights)
    if hasattr(loaded, "listen"):
        model: Model = loaded
        return model
    from mirkit.features import front_end

    front, semitones = front_end(loaded.front_end), front_end(harmony.FRONT_END)
    at_its_rate = semitones if semitones.sample_rate == front.sample_rate else None
    return NetworkModel(Pipeline(front, loaded, find_decoder()), at_its_rate)
