"""What chords and keys have in common: a model that listens, and what it heard beside its heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Head
from mirkit.annotation import Segments
from mirkit.arrays import Blocks, Floats
from mirkit.audio.reading import Source, blocks
from mirkit.pipeline import Pipeline

SILENCE = 10 ** (-70 / 20)
"""Peak below which nothing is heard: 70 dB under full scale, the noise of 8 to 12 bits."""

SECONDS_PER_LEVEL = 0.1


@dataclass(frozen=True, eq=False)
class Heard:
    """What a model heard in a recording.

    Parameters
    ----------
    activations
        Its heads.
    tuning_cents
        How far the recording is above A4 = 440 Hz [cents], or None where that was not measured.
    """

    activations: Activations
    tuning_cents: float | None = None


class Model(Protocol):
    """What hears chords or keys in samples.

    `sample_rate` is what it listens at [Hz]. `hear` takes the consecutive mono blocks of one
    recording, each ``(1, n_samples)``.
    """

    @property
    def sample_rate(self) -> int:
        """Samples a second [Hz]."""
        ...

    def hear(self, blocks: Blocks) -> Heard:
        """Return what is in the recording that the blocks are of."""
        ...


@dataclass(frozen=True)
class Listener:
    """A model that takes samples and not features: someone else's system."""

    model: Any

    @property
    def sample_rate(self) -> int:
        """Samples a second [Hz]."""
        return int(self.model.sample_rate)

    def hear(self, blocks: Blocks) -> Heard:
        """Return its heads."""
        return Heard(self.model.listen(blocks))


@dataclass(frozen=True)
class NetworkModel:
    """A network and the front end that it was trained on."""

    pipeline: Pipeline[Any]

    @property
    def sample_rate(self) -> int:
        """Samples a second [Hz]."""
        return self.pipeline.front_end.sample_rate

    def hear(self, blocks: Blocks) -> Heard:
        """Return the heads of the network, and the tuning where the front end tells it."""
        features = self.pipeline.features(iter(blocks))
        model: Any = self.pipeline.model
        cents = model.tuning_cents(features) if hasattr(model, "tuning_cents") else None
        return Heard(self.pipeline.windows(model, features), cents)


@dataclass
class Meter:
    """The peak level of a recording in steps of a tenth of a second, as its blocks go by."""

    sample_rate: int
    n_samples: int = 0
    _levels: list[Floats] = field(default_factory=list)
    _rest: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    def through(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the blocks as they are, and measure them."""
        for block in blocks:
            self._measure(np.abs(block).max(axis=0, initial=0.0))
            yield block

    @property
    def duration(self) -> float:
        """How long the recording was so far [s]."""
        return self.n_samples / self.sample_rate

    def levels(self) -> Floats:
        """Return the peak of each step, shape ``(n_steps,)``; the last may be short."""
        last = [self._rest.max(keepdims=True)] if self._rest.size else []
        return np.concatenate([np.empty(0), *self._levels, *last])

    def is_silent(self, times: Floats) -> NDArray[np.bool_]:
        """Return at which times [s] nothing is heard, nor in the step before or after."""
        loud = np.pad(self.levels() > SILENCE, 1)
        near = loud[:-2] | loud[1:-1] | loud[2:]
        if not len(near):
            return np.ones(len(times), dtype=bool)
        steps = np.clip((times / SECONDS_PER_LEVEL).astype(np.int64), 0, len(near) - 1)
        silent: NDArray[np.bool_] = ~near[steps]
        return silent

    def _measure(self, samples: NDArray[np.float32]) -> None:
        self.n_samples += len(samples)
        n_step = max(1, round(SECONDS_PER_LEVEL * self.sample_rate))
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) - len(samples) % n_step
        self._levels.append(samples[:whole].reshape(-1, n_step).max(axis=1, initial=0.0))
        self._rest = samples[whole:]


def hear(model: Model, x: Source) -> tuple[Heard, Meter]:
    """Return what a model hears in a recording, and how loud it was."""
    meter = Meter(model.sample_rate)
    with blocks(x, sample_rate=model.sample_rate) as stream:
        heard = model.hear(meter.through(stream))
    return heard, meter


def silenced(activations: Activations, meter: Meter, silence: dict[str, int]) -> Activations:
    """Return the activations with what a model must say of silence where there is silence.

    Parameters
    ----------
    activations
        What the model said.
    meter
        How loud the recording was.
    silence
        The class that stands for silence in each head that has one.
    """
    heads = dict(activations)
    for name, index in silence.items():
        head = heads.get(name)
        if head is None or head.grid is None:
            continue
        silent = meter.is_silent(head.grid.times(head.n_frames))
        if silent.any():
            values = head.probabilities().copy()
            values[silent] = np.eye(values.shape[1])[index]
            heads[name] = Head(values, head.labels, head.grid, "softmax")
    return Activations(heads, activations.provenance)


def spanning(segments: Segments, duration: float) -> Segments:
    """Return segments cut or stretched to begin at 0 and end where the recording does."""
    kept = np.flatnonzero(segments.intervals[:, 0] < duration)
    if not len(kept):
        return segments
    intervals = np.minimum(segments.intervals[kept], duration)
    intervals[0, 0], intervals[-1, 1] = 0.0, duration
    sure = None if segments.confidence is None else segments.confidence[kept]
    labels = tuple(segments.labels[i] for i in kept)
    return replace(segments, intervals=intervals, labels=labels, confidence=sure)


@lru_cache(maxsize=4)
def load_model(name: str, weights: str | None) -> Model:
    """Load a model of chords or keys, or take it from the last few that were."""
    from mirkit.features import front_end
    from mirkit.zoo.registry import load

    loaded: Any = load(name, weights=weights)
    if hasattr(loaded, "listen"):
        return Listener(loaded)
    return NetworkModel(Pipeline(front_end(loaded.front_end), loaded, _none))


def _none(activations: Activations) -> None:
    """Decode nothing: rooms decode by themselves."""
