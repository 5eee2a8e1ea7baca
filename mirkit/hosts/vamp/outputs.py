"""Vamp features of each plug-in; the outputs are numbered as ``mirkit.c`` lists them.

The models are mirkit's defaults. ``MIRKIT_VAMP_BEATS``, ``MIRKIT_VAMP_CHORDS`` and
``MIRKIT_VAMP_KEY`` in the environment name others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirkit.annotation import Beats, Segments
from mirkit.errors import ParameterError, UnknownName
from mirkit.hosts.vamp.protocol import Feature, Hello

Recording: TypeAlias = tuple[NDArray[np.float32], int]

VOCABULARIES = ("majmin", "sevenths", "full")
"""In the order of the values of the parameter ``vocabulary``."""

RATES = (2000, 768000)
"""Sample rates that a host may have [Hz]."""

BLOCK = 1024
"""Samples in a block of a host that follows the preference of ``mirkit.c``."""


def features_of(hello: Hello, samples: NDArray[np.float32]) -> list[Feature]:
    """Return all features of one recording, each output's in order of time.

    Parameters
    ----------
    hello
        What the library said first.
    samples
        Shape ``(n_channels, n_samples)``.

    Raises
    ------
    MirkitError
        Where there is no such plug-in, or it cannot hear the recording.
    """
    finder = FINDERS.get(hello.plugin)
    if finder is None:
        raise UnknownName("Vamp plug-in", hello.plugin, list(FINDERS))
    if not RATES[0] <= hello.sample_rate <= RATES[1]:
        raise ParameterError(
            f"the sample rate is {hello.sample_rate:g} Hz; it is {RATES[0]} to {RATES[1]} Hz"
        )
    samples = without_padding(samples)
    if not samples.size:
        return []
    return finder((samples, round(hello.sample_rate)), hello.parameter)


def without_padding(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a recording, ``(n_channels, n_samples)``, less the zeros that fill its last block.

    A host hands over whole blocks and never says where the recording ends, and in the zeros that
    follow it a beat may be found that is past the end. So zeros at the end, fewer than a block, are
    taken for such filling.
    """
    n_samples = samples.shape[1]
    heard = np.flatnonzero(samples[:, max(0, n_samples - (BLOCK - 1)) :].any(axis=0))
    n_tail = min(n_samples, BLOCK - 1)
    n_filled = n_tail - (int(heard[-1]) + 1 if heard.size else 0)
    return samples[:, : n_samples - n_filled]


def find_beats(x: Recording, parameter: float) -> list[Feature]:
    """Return beats (0), downbeats (1) and tempo (2); the parameter is the expected tempo [bpm]."""
    from mirkit.music.beat import beats

    found = beats(x, model=_model("beats"), hint_bpm=parameter or None)
    labels = bar_and_beat(found)
    points = [Feature(0, time, (), label) for time, label in _pairs(found, labels)]
    downbeats = [
        Feature(1, time, (), label) for time, label in _pairs(found, labels) if label.endswith(":1")
    ]
    return points + downbeats + list(_tempo(found, x[0].shape[1] / x[1]))


def find_chords(x: Recording, parameter: float) -> list[Feature]:
    """Return chords (0); the parameter is the place of the vocabulary in `VOCABULARIES`."""
    from mirkit.music.chord import chords

    vocabulary = VOCABULARIES[round(parameter)]
    found = chords(x, model=_model("chords"), vocabulary=vocabulary)
    return [
        Feature(0, start, (), label, end - start)
        for start, end, label in _rows(found)
        if end > start
    ]


def find_key(x: Recording, parameter: float) -> list[Feature]:
    """Return the local keys (0), their value their place in `mirkit.vocab.KEYS`; no parameter."""
    from mirkit.music.key import key
    from mirkit.vocab import KEYS

    found = key(x, model=_model("key")).segments
    return [
        Feature(0, start, (float(KEYS.index(label)),), label, end - start)
        for start, end, label in (_rows(found) if found is not None else ())
        if label in KEYS
    ]


FINDERS: MappingProxyType[str, Callable[[Recording, float], list[Feature]]] = MappingProxyType(
    {find.__name__.removeprefix("find_"): find for find in (find_beats, find_chords, find_key)}
)
"""The plug-ins by identifier."""


def bar_and_beat(beats: Beats) -> list[str]:
    """Return a label for each beat, bar:beat; beats before the first downbeat are in bar 0.

    Examples
    --------
    >>> bar_and_beat(Beats([1, 2, 3, 4], positions=[3, 1, 2, 1]))
    ['0:3', '1:1', '1:2', '2:1']
    """
    if beats.positions is None:
        return [""] * len(beats)
    bars = np.cumsum(beats.positions == 1)
    pairs = zip(bars.tolist(), beats.positions.tolist(), strict=True)
    return [f"{bar}:{position}" if position else "" for bar, position in pairs]


def _tempo(beats: Beats, duration: float) -> Iterator[Feature]:
    """Yield the stretches of constant tempo, the last up to the end of the recording."""
    from mirkit.decoding.gridfit import fit_grid

    if len(beats) < 2 or beats.bpm is None:
        return
    grid = fit_grid(beats, end=max(duration, float(beats.times[-1]))).grid
    ends = [*grid.times[1:].tolist(), grid.end]
    for start, end, bpm in zip(grid.times.tolist(), ends, grid.bpms.tolist(), strict=True):
        yield Feature(2, start, (bpm,), f"{bpm:.2f} bpm", end - start)


def _model(task: str) -> str | None:
    return os.environ.get(f"MIRKIT_VAMP_{task.upper()}") or None


def _pairs(beats: Beats, labels: list[str]) -> Iterator[tuple[float, str]]:
    return zip(beats.times.tolist(), labels, strict=True)


def _rows(segments: Segments) -> Iterator[tuple[float, float, str]]:
    for (start, end), label in zip(segments.intervals.tolist(), segments.labels, strict=True):
        yield start, end, label
