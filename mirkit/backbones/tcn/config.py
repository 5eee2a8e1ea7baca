"""The shape of the TCN, apart from torch: cards and ONNX files hold it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mirkit import checks
from mirkit.errors import ParameterError

Norm = Literal["none", "batch"]


@dataclass(frozen=True)
class TCNConfig:
    """The shape of a `TCN`.

    Parameters
    ----------
    n_bins
        Bins of the features.
    conv_filters
        Filters of the three convolutions before the dilated ones.
    conv_widths
        Their widths over frequency; over time they span 3, 1 and 3 frames.
    n_filters
        Filters of the dilated part.
    n_blocks
        Residual blocks; block i has dilation 2^i beside 2^(i+1).
    kernel
        Taps of a dilated convolution, odd.
    n_tempi
        Bins of the tempo head, bin i = i bpm; 0 leaves the head out.
    tempo_filters
        Rectified filters between the dilated part and the mean over frames that the tempo is read
        from; 0 pools the dilated part itself.
    dropout
        Probability of dropping an activation (a whole filter in the dilated part) in training.
    tempo_noise
        Standard deviation of the noise on the pooled features of the tempo head in training.
    norm
        ``"batch"`` normalizes after each pooling and each pair of dilated convolutions.
    sum_head
        Add the downbeat logit to the beat logit, since each downbeat is a beat.
    lookahead
        None: centered on its frame. A number: causal, but answering `lookahead` frames late.
    """

    n_bins: int = 81
    conv_filters: tuple[int, int, int] = (20, 20, 20)
    conv_widths: tuple[int, int, int] = (3, 10, 3)
    n_filters: int = 20
    n_blocks: int = 11
    kernel: int = 5
    n_tempi: int = 300
    tempo_filters: int = 0
    dropout: float = 0.15
    tempo_noise: float = 0.0
    norm: Norm = "none"
    sum_head: bool = False
    lookahead: int | None = None

    def __post_init__(self) -> None:
        for name in ("conv_filters", "conv_widths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            checks.same_length(name, getattr(self, name), 3)
        for name in ("n_bins", "n_filters", "n_blocks", "kernel"):
            checks.positive(name, getattr(self, name))
        if self.kernel % 2 == 0:
            raise ParameterError(f"kernel is {self.kernel}; it is odd, so that it has a centre")
        if not 0 <= self.dropout < 1:
            raise ParameterError(f"dropout is {self.dropout}; it lies in [0, 1)")
        if self.norm not in get_args(Norm):
            raise ParameterError(f"norm is {self.norm!r}; it is one of {', '.join(get_args(Norm))}")
        if self.lookahead is not None and self.lookahead < 0:
            raise ParameterError(f"lookahead is {self.lookahead}; it is a number of frames or None")
        if self.conv_bins < 1:
            raise ParameterError(
                f"n_bins is {self.n_bins}, too few for convolutions of widths {self.conv_widths} "
                "that each pool by 3"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TCNConfig:
        """Return the configuration that a card or a checkpoint holds, refusing unknown names."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise ParameterError(f"unknown setting {name!r} of a TCN; known: {known}")
        return cls(**values)

    def to_json(self) -> str:
        """Return the configuration as JSON, as checkpoints hold it."""
        return json.dumps(dataclasses.asdict(self))

    @property
    def conv_bins(self) -> int:
        """Bins that the convolutions leave over (1 in the published network)."""
        n_bins = self.n_bins
        for width in self.conv_widths:
            n_bins = (n_bins - width + 1) // 3
        return n_bins

    @property
    def farthest_tap(self) -> int:
        """Frames that the most dilated convolution reaches to one side."""
        reach = (1 << self.n_blocks) * (self.kernel - 1)
        return reach // 2 if self.lookahead is None else reach

    @property
    def states(self) -> Mapping[str, tuple[int, int]]:
        """States that a causal network keeps between blocks: shapes of its contexts, by name.

        ``front`` holds the last frames of features, ``(n_frames, n_bins)``, and ``block_0``,
        ``block_1``, … what came into each residual block, ``(n_channels, n_frames)``.
        """
        n_inputs = self.conv_filters[-1] * self.conv_bins
        blocks = {
            f"block_{i}": (self.n_filters if i else n_inputs, (2 << i) * (self.kernel - 1))
            for i in range(self.n_blocks)
        }
        return {"front": (4, self.n_bins)} | blocks

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its outputs (tempo apart) depend on."""
        dilated = (self.kernel - 1) * 2 * (2**self.n_blocks - 1)
        if self.lookahead is None:
            return dilated // 2 + 2, dilated // 2 + 2
        return dilated + 4 - self.lookahead, self.lookahead
