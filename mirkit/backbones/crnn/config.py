"""The shape of the CRNN for chords and keys, apart from torch: cards and ONNX files hold it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mirkit import checks
from mirkit.errors import ParameterError

REACH = 160  # frames after which the memory of a recurrent layer has faded, as far as was measured


@dataclass(frozen=True, slots=True)
class Ending:
    """Last layers of a `CRNN`: the outputs of its heads.

    Parameters
    ----------
    task
        Name of the task.
    outputs
        Names of the outputs, in order.
    pools
        Whether frames may be averaged before the recurrent layer, or each has outputs of its own.
    """

    task: str
    outputs: tuple[str, ...]
    pools: bool


_ENDINGS = (
    Ending("chords", ("root", "bass", "pitch", "tag"), pools=False),
    Ending("key", ("key", "clip_key"), pools=True),
)
ENDINGS = MappingProxyType({each.task: each for each in _ENDINGS})
"""The endings by the name of their task."""


@dataclass(frozen=True)
class CRNNConfig:
    """The shape of a `CRNN`.

    Parameters
    ----------
    task
        ``"chords"`` gives root, bass, pitch and tag, ``"key"`` the key of each moment and of all.
    n_octaves
        Octaves of the features.
    bins_per_semitone
        Their bins in a semitone.
    harmonics
        At which intervals the features are heard beside each other [semitones].
    conv_filters
        Filters of the convolutions over time and pitch.
    n_registers
        Ways of adding octaves up.
    n_channels
        Channels of each pitch class before and after the recurrent layer.
    n_hidden
        Units of the recurrent layer, in each direction.
    pool
        Frames averaged into one before the recurrent layer.
    dropout
        Probability of dropping an activation in training.
    """

    task: str = "chords"
    n_octaves: int = 7
    bins_per_semitone: int = 3
    harmonics: tuple[int, ...] = (-12, 0, 12, 19, 24, 28)
    conv_filters: tuple[int, ...] = (16, 24)
    n_registers: int = 3
    n_channels: int = 48
    n_hidden: int = 40
    pool: int = 1
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("harmonics", "conv_filters"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in (
            "n_octaves",
            "bins_per_semitone",
            "n_registers",
            "n_channels",
            "n_hidden",
            "pool",
        ):
            checks.positive(name, getattr(self, name))
        if not self.conv_filters or 0 not in self.harmonics:
            raise ParameterError(
                f"harmonics are {self.harmonics} and conv_filters {self.conv_filters}; there is at "
                "least the harmonic 0 and one layer of filters"
            )
        if self.task not in ENDINGS:
            raise ParameterError(f"task is {self.task!r}; it is one of {', '.join(ENDINGS)}")
        if not self.ending.pools and self.pool != 1:
            raise ParameterError(
                f"pool is {self.pool}; {self.task} have as many frames as the features"
            )
        if not 0 <= self.dropout < 1:
            raise ParameterError(f"dropout is {self.dropout}; it lies in [0, 1)")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CRNNConfig:
        """Return the configuration that a card or a checkpoint holds, refusing unknown names."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise ParameterError(f"unknown setting {name!r} of a CRNN; known: {known}")
        return cls(**values)

    def to_json(self) -> str:
        """Return the configuration as JSON, as checkpoints hold it."""
        return json.dumps(dataclasses.asdict(self))

    @property
    def ending(self) -> Ending:
        """Last layers of the network."""
        return ENDINGS[self.task]

    @property
    def n_pitches(self) -> int:
        """Semitones of the features."""
        return 12 * self.n_octaves

    @property
    def n_bins(self) -> int:
        """Bins of the features."""
        return self.n_pitches * self.bins_per_semitone

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its outputs noticeably depend on."""
        reach = REACH * self.pool
        return reach, reach
