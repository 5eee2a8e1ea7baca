"""From channels to one: their mean, or the louder one where they cancel each other.

A channel that was inverted, by a wrong cable or a widener, leaves nothing in the mean of both. So
the power of their sum is held against the sum of their powers, which it equals where channels have
nothing in common and exceeds where they agree. Where it lies 26 dB below over 0.8 s, the loudest
channel is taken, and as long as it stays 23 dB below after that. That is far from any music that
was mixed to be heard: where the right channel is -0.9 times the left, the mean is kept.

The rule is causal, on a fixed grid of cells of 50 ms from the first sample on: what a cell gives
depends on it and the 4 s before it, and on nothing else. So blocks of any size give the same. One
is faded into the other over a cell. All other recordings give the mean, bit for bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirkit.arrays import Floats, Floats32, Ints
from mirkit.errors import AudioWarning

CELL_SECONDS = 0.05
"""How long a cell is, and so how much later than one channel several come in a stream [s]."""

_N_CELLS = 16  # whose power decides: 0.8 s
_N_HELD = 64  # cells for which a decision holds, while the sum stays weak: 3.2 s
_CANCELED = 2.5e-3  # power of the sum over the sum of the powers, -26 dB
_WEAK = 5e-3  # -23 dB
_FLOOR = 1e-8  # power of a cell below which it counts as silence, -80 dB
_AS_LOUD = 0.8  # the first channel within 1 dB of the loudest is taken, so that they do not flicker
_N_WARNED = 10  # canceled cells that are worth a warning: half a second
_MEAN = -1
_SLICE = 1 << 16  # samples worked on at once


def mix_to_mono(
    samples: NDArray[np.float32], sample_rate: int, name: str = "samples"
) -> NDArray[np.float32]:
    """Return one channel, shape ``(1, n_samples)``: the mean, or the louder where it cancels.

    Parameters
    ----------
    samples
        A whole recording, ``(n_channels, n_samples)``.
    sample_rate
        Of the samples [Hz].
    name
        The recording, for the warning.

    Examples
    --------
    >>> mix_to_mono(np.array([[0.5, 0.25], [0.0, 0.25]], np.float32), 8000)
    array([[0.25, 0.25]], dtype=float32)
    """
    return np.concatenate([np.empty((1, 0), np.float32), *mono([samples], sample_rate, name)], 1)


def mono(
    blocks: Iterable[NDArray[np.float32]], sample_rate: int, name: str = "samples"
) -> Iterator[NDArray[np.float32]]:
    """Yield one channel, ``(1, n_samples)``, of the consecutive blocks of a recording.

    Blocks of one channel pass as they are. The others come in whole cells, so up to
    `CELL_SECONDS` later than they are given.

    Parameters
    ----------
    blocks
        ``(n_channels, n_samples)`` each, of any length. The first one begins where a cell does.
    sample_rate
        Of the blocks [Hz].
    name
        The recording, for the warning.
    """
    mixer: _Mixer | None = None
    for block in blocks:
        if len(block) == 1:
            yield block
            continue
        if mixer is None:
            mixer = _Mixer(len(block), sample_rate, name)
        for start in range(0, block.shape[1], _SLICE):
            yield mixer.push(block[:, start : start + _SLICE])
    if mixer is not None:
        yield mixer.flush()


def cell_length(sample_rate: int) -> int:
    """Return how long a cell is [samples]."""
    return max(1, round(CELL_SECONDS * sample_rate))


def start_before(first: int, sample_rate: int) -> int:
    """Return the sample to begin at, so that from sample `first` on all is as in the whole."""
    length = cell_length(sample_rate)
    return max(0, first // length - _N_CELLS - _N_HELD) * length


class _Mixer:
    """The channels of a recording, cell by cell."""

    def __init__(self, n_channels: int, sample_rate: int, name: str) -> None:
        self._length = cell_length(sample_rate)
        self._name = name
        self._rest = np.empty((n_channels, 0), np.float32)
        self._sums = np.zeros(_N_CELLS - 1)  # powers of the last cells: of the sum of the channels,
        self._powers = np.zeros((n_channels, _N_CELLS - 1))  # and of each
        self._canceled = np.zeros(_N_HELD - 1)  # in the last cells
        self._last: int | None = None
        self._n_canceled = self._n_heard = 0
        self._warned = False

    def push(self, block: Floats32) -> Floats32:
        """Return the cells that are complete with `block`."""
        samples = np.concatenate([self._rest, block], axis=1)
        n_whole = samples.shape[1] // self._length * self._length
        self._rest = samples[:, n_whole:].copy()
        return self._mix(samples[:, :n_whole]) if n_whole else samples[:1, :0]

    def flush(self) -> Floats32:
        """Return the last cell, which is short; alone it proves nothing."""
        rest, n_rest = self._rest, self._rest.shape[1]
        mono = _mean(rest)
        if n_rest and self._last is not None:
            padding = np.zeros((len(rest), self._length - n_rest), np.float32)
            mono = self._mix(np.concatenate([rest, padding], axis=1))[:, :n_rest]
        self._warn(2 * self._n_canceled > self._n_heard)
        return mono

    def _mix(self, samples: Floats32) -> Floats32:
        """Return one channel of whole cells."""
        mean = _mean(samples)
        choices = self._choices(samples, mean)
        before = choices[0] if self._last is None else self._last
        self._last = int(choices[-1])
        if before == _MEAN and (choices == _MEAN).all():
            return mean
        self._n_canceled += int((choices != _MEAN).sum())
        self._warn(self._n_canceled >= _N_WARNED)
        return self._choose(samples, mean, np.concatenate([[before], choices]))

    def _choices(self, samples: Floats32, mean: Floats32) -> Ints:
        """Return for each cell the channel that is taken, or -1 for the mean."""
        sums = len(samples) ** 2 * _power(mean[0], self._length)
        powers = np.stack([_power(channel, self._length) for channel in samples])
        silent = powers.sum(axis=0) <= _FLOOR * len(samples)
        sums[silent], powers[:, silent] = 0.0, 0.0
        self._n_heard += int((~silent).sum())
        sums, self._sums = _windows(self._sums, sums, _N_CELLS)
        powers, self._powers = _windows(self._powers, powers, _N_CELLS)
        total = powers.sum(axis=0)
        n_canceled, self._canceled = _windows(
            self._canceled, (sums < _CANCELED * total).astype(np.float64), _N_HELD
        )
        loudest = np.argmax(powers >= _AS_LOUD * powers.max(axis=0), axis=0)
        return np.where((n_canceled > 0) & (sums < _WEAK * total), loudest, _MEAN)

    def _choose(self, samples: Floats32, mean: Floats32, choices: Ints) -> Floats32:
        """Return the chosen channel of each cell; `choices` begin with the one before."""
        chosen = mean.copy()
        fade = np.arange(1, self._length + 1, dtype=np.float32) / np.float32(self._length)
        for i, (old, new) in enumerate(pairwise(choices)):
            if old == new == _MEAN:
                continue
            cell = slice(i * self._length, (i + 1) * self._length)
            a, b = ((mean[0] if x == _MEAN else samples[x])[cell] for x in (old, new))
            chosen[0, cell] = b if old == new else a + fade * (b - a)
        return chosen

    def _warn(self, worthy: bool) -> None:
        if worthy and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._name}: its channels cancel each other; where they do, the loudest is "
                "heard and not their mean. Is one of them inverted?",
                AudioWarning,
                stacklevel=2,
            )


def _mean(samples: Floats32) -> Floats32:
    total = samples[:1].astype(np.float32)
    for channel in samples[1:]:  # numpy's own mean over so short an axis is four times slower
        total += channel
    total /= max(len(samples), 1)
    return total


def _power(channel: Floats32, length: int) -> Floats:
    """Return the mean square of each cell, in double precision from single."""
    cells = channel.reshape(-1, length)
    with np.errstate(over="ignore"):
        power: Floats = np.einsum("kt,kt->k", cells, cells).astype(np.float64) / length
    return power


def _windows(before: Floats, now: Floats, n: int) -> tuple[Floats, Floats]:
    """Return the sum over `n` cells up to each, and what the next cells need of these."""
    joined = np.concatenate([before, now], axis=-1)
    return sliding_window_view(joined, n, axis=-1).sum(axis=-1), joined[..., 1 - n :]
