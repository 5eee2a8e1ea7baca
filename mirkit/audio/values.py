"""Recordings as values: a `Track` names one, an `Audio` holds its samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.audio.mixing import mix_to_mono
from mirkit.errors import AudioError, ParameterError
from mirkit.values import Value

_MOST_CHANNELS = 32  # 8 channels of one sample are a recording, and 44100 are none
_SCALED = (("i", 1), ("i", 2), ("i", 4), ("u", 1))
_MISTAKES = {
    "i": "Divide integers of another full scale by it.",
    "u": "Subtract the middle of the range, and divide by half of it.",
    "c": "Is this a spectrum?",
    "b": "Is this a mask?",
    "O": "Are channels of one length, and all samples numbers?",
}


@dataclass(frozen=True, eq=False, repr=False)
class Audio(Value):
    """Samples and their rate.

    Parameters
    ----------
    samples
        Shape ``(n_channels, n_samples)``, float32, full scale ±1. One axis means one channel, and
        so does ``(n_samples, 1)``. Integers of 8, 16 and 32 bits are scaled by their type.
    sample_rate
        Samples a second [Hz].

    Raises
    ------
    AudioError
        Where a sample is NaN or infinite; the message names the first.
    ParameterError
        Where samples are complex, truth values, integers of another kind or objects, or of a shape
        that is no recording's.

    Examples
    --------
    >>> audio = Audio([[0.0, 0.5, 0.0, -0.5]], sample_rate=8000)
    >>> audio.n_channels, audio.duration
    (1, 0.0005)
    >>> Audio(np.array([0, -32768], np.int16), 8000).samples
    array([[ 0., -1.]], dtype=float32)
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        samples = as_floats("samples", self.samples)
        if samples.ndim == 1:
            samples = samples[None]
        samples = checks.frozen_array("samples", samples, np.float32, 2)
        if samples.shape[0] > _MOST_CHANNELS and samples.shape[1] == 1:
            samples = samples.T
        if samples.shape[0] > _MOST_CHANNELS >= samples.shape[1] > 0:
            raise ParameterError(
                f"samples have shape {samples.shape}; they are (n_channels, n_samples). "
                "Transpose what soundfile read?"
            )
        if not samples.shape[0]:
            raise ParameterError(
                f"samples have shape {samples.shape}: there is no channel in them; they are "
                "(n_channels, n_samples)"
            )
        checks.positive("sample_rate", self.sample_rate)
        if int(self.sample_rate) != self.sample_rate:
            raise ParameterError(f"sample_rate is {self.sample_rate}; it is a whole number [Hz]")
        object.__setattr__(self, "sample_rate", int(self.sample_rate))
        object.__setattr__(self, "samples", samples)
        check_finite(samples)

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def n_samples(self) -> int:
        """Number of samples in each channel."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length [s]."""
        return self.n_samples / self.sample_rate

    def mono(self) -> Audio:
        """Return one channel: the mean, or the louder where they cancel (`mirkit.audio.mixing`)."""
        if self.n_channels == 1:
            return self
        return Audio(mix_to_mono(self.samples, self.sample_rate), self.sample_rate)


@dataclass(frozen=True)
class Track:
    """A recording before it is read: where it is, and what is known about it. Holds no arrays.

    Parameters
    ----------
    source
        A path, a binary file object, or `Audio`.
    metadata
        What is known, such as ``title`` and ``artist``.
    content_hash
        sha256 of the file (or of the samples), or None before anyone has computed it.
    """

    source: Path | BinaryIO | Audio
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_hash: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def name(self) -> str:
        """The path, or a stand-in such as ``<samples>`` for what has none; for messages."""
        if isinstance(self.source, Path):
            return str(self.source)
        if isinstance(self.source, Audio):
            return "<samples>"
        name = getattr(self.source, "name", None)
        return name if isinstance(name, str) else "<file object>"


def as_floats(name: str, samples: Any) -> NDArray[np.float32]:
    """Return samples of any array as float32 of full scale ±1.

    Integers are scaled by their type, as sound files mean them: int8, int16 and int32 by their
    lowest value, uint8 around 128.

    Raises
    ------
    ParameterError
        Where they are neither floats nor such integers.
    """
    try:
        array = np.asarray(samples)
    except ValueError as error:
        raise ParameterError(
            f"{name} make no array: {error}. Are channels of one length?"
        ) from None
    kind, n_bytes = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        with np.errstate(over="ignore"):  # it becomes infinite, and is named as such
            return array.astype(np.float32, copy=False)
    if (kind, n_bytes) not in _SCALED:
        raise ParameterError(
            f"{name} are {array.dtype}; they are floats of full scale ±1, or int8, int16, int32 or "
            f"uint8, which are scaled by their type. {_MISTAKES.get(kind, _MISTAKES['O'])}"
        )
    scale = np.float32(1 << 8 * n_bytes - 1)
    scaled = (array.astype(np.float32) - (scale if kind == "u" else 0)) / scale
    scaled.flags.writeable = False  # ours alone: `Audio` need not copy it
    return scaled


def check_finite(samples: NDArray[np.float32], name: str = "samples", first: int = 0) -> None:
    """Raise `AudioError` where `samples` ``(n_channels, n_samples)`` hold NaN or infinity.

    `first` is the index of the first sample within its recording; the message counts from there.
    """
    if np.isfinite(energy(samples)):  # one pass; NaN and infinity survive a sum of squares
        return
    places = np.argwhere(~np.isfinite(samples))
    if not len(places):  # beyond 1e19, the squares of finite samples are not finite
        return
    channel, index = (int(i) for i in places[0])
    raise AudioError(
        f"{name}: sample {first + index} of channel {channel} is {samples[channel, index]}; "
        "all samples must be finite. Did a division by zero or a damaged float file make it?"
    )


def energy(samples: NDArray[np.float32]) -> float:
    """Return the sum of the squares of samples, which is not finite where one of them is not."""
    flat = samples.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.dot(flat, flat))
