"""Interface of the decoders: each turns one kind of recording into chunks of samples.

Chunks are float32 of shape ``(n, n_channels)``, as sound files interleave them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Protocol

from mirkit.arrays import Floats32

CHUNK_SAMPLES = 2**17
"""Of all channels together: 512 KiB stay in the processor's cache."""


class Decoder(Protocol):
    """Reader of a recording: its clock, its length where known, and its chunks."""

    name: str
    sample_rate: int
    n_channels: int
    n_samples: int | None
    metadata: Mapping[str, str]

    def chunks(self, first: int = 0) -> Generator[Floats32, None, None]:
        """Yield the samples from `first` on; raise `AudioError` where the recording is damaged."""
        ...

    def close(self) -> None:
        """Let go of files and processes."""
        ...


def chunk_length(n_channels: int) -> int:
    """Return how many samples of each channel a chunk has."""
    return max(1, CHUNK_SAMPLES // max(1, n_channels))
