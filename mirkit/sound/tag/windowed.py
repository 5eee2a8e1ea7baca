"""Taggers that hear windows of one length, as YAMNet and musicnn do: what they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np

from mirkit import __version__
from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.arrays import Blocks, Floats, Floats32
from mirkit.errors import ParameterError, UnknownName, WeightsError
from mirkit.features.base import check_source
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.frames import FrameGrid
from mirkit.zoo.runtime import Runner, Session

CLIP = ("tags", "embedding")
FRAMES = {"frames": "tags", "frame_embedding": "embedding"}  # and what a window gives for them


class Window(NamedTuple):
    """What the network hears at once, and what that counts in the mean over the clip."""

    values: Floats32
    weight: int


@dataclass(frozen=True)
class WindowTagger(ABC):
    """A network behind a front end, on windows of one length on a fixed grid.

    A kind of tagger says how its recordings end (`_windows`). The score of a tag in the clip is
    the mean over the windows; memory is bounded by a few windows, and by what is asked for by
    frame.

    Parameters
    ----------
    run
        What runs the network: from ``features`` to ``tags`` and ``embedding``.
    labels
        Names of the tags.
    provenance
        What its activations remember as their origin.

    Attributes
    ----------
    front_end
        What it listens through.
    length, hop
        How long a window is, and how far the next one begins after it [frames].
    n_batch
        How many windows the network hears at once, counted from the first.
    """

    run: Runner
    labels: tuple[str, ...]
    provenance: Provenance

    front_end: ClassVar[LogSpectrogram]
    length: ClassVar[int]
    hop: ClassVar[int]
    n_batch: ClassVar[int]

    @classmethod
    def from_weights(cls, path: str | Path, n_threads: int | None = None) -> Self:
        """Return the model whose converted weights are in an ``.onnx`` file.

        Raises
        ------
        WeightsError
            Where the file is absent, damaged, or was made of other weights.
        """
        if not Path(path).is_file():
            raise WeightsError(f"{path}: no such file. Convert the published weights first.")
        session = Session(path, n_threads)
        kept = session.metadata
        labels = cls.known().get(kept.get("model", ""))
        if labels is None:
            raise WeightsError(
                f"{path} holds the weights of {kept.get('model', 'an unnamed model')!r}; "
                f"{cls.__name__} runs {', '.join(cls.known())}"
            )
        origin = Provenance(kept["model"], __version__, kept.get("weights_sha256"))
        return cls(session, labels, origin)

    @classmethod
    @abstractmethod
    def known(cls) -> dict[str, tuple[str, ...]]:
        """Return the labels of each model of this kind, by its name."""

    @abstractmethod
    def _windows(self, frames: Iterable[Floats32]) -> Iterator[Window]:
        """Yield the windows of frames that come in blocks."""

    @property
    def sample_rate(self) -> int:
        """Samples a second that it listens at [Hz]."""
        return self.front_end.sample_rate

    @property
    def grid(self) -> FrameGrid:
        """The clock of the heads by frame: the middle of each window."""
        inner = self.front_end.grid
        return FrameGrid(inner.rate / self.hop, float(inner.time_of((self.length - 1) / 2)))

    def features(self, blocks: Blocks) -> Features:
        """Return the features of one recording.

        Parameters
        ----------
        blocks
            Its consecutive blocks at `sample_rate`, ``(n_samples,)`` or ``(n_channels,
            n_samples)``, of any length; channels are mixed.
        """
        rows = [np.empty((0, self.front_end.n_bins), np.float32), *self._frames(blocks)]
        values = np.concatenate(rows)
        values.flags.writeable = False
        return Features(values, self.front_end.grid, self.front_end.name)

    def activations(
        self, x: Blocks | Features, heads: Collection[str] | None = None
    ) -> Activations:
        """Return what is in one recording.

        Parameters
        ----------
        x
            Its blocks, as `features` takes them, or its features.
        heads
            Names of what is wanted: ``"tags"`` and ``"embedding"`` of the clip, ``"frames"`` and
            ``"frame_embedding"`` with a row for each window. The two of the clip where None.

        Raises
        ------
        ParameterError
            Where there are no samples, or the features come from another front end.
        UnknownName
            Where there is no such head.
        """
        wanted = _wanted(heads)
        frames: Iterable[Floats32]
        if isinstance(x, Features):
            check_source(self.provenance.model, x, self.front_end)
            frames = [x.values]
        else:
            frames = self._frames(x)
        return self._gathered(self._windows(frames), wanted)

    def _frames(self, blocks: Blocks) -> Iterator[Floats32]:
        return self.front_end.stream(blocks)

    def _gathered(self, windows: Iterator[Window], wanted: tuple[str, ...]) -> Activations:
        gathering = _Gathering(wanted)
        while batch := list(islice(windows, self.n_batch)):
            outputs = self.run.batch(features=np.stack([window.values for window in batch]))
            gathering.add(outputs, [window.weight for window in batch])
        if not gathering.n_windows:
            raise ParameterError("there is nothing to hear: the blocks hold no samples")
        return Activations({name: self._head(name, gathering) for name in wanted}, self.provenance)

    def _head(self, name: str, gathering: _Gathering) -> Head:
        values = gathering.values(name)
        grid = self.grid if name in FRAMES else None
        if FRAMES.get(name, name) == "tags":
            return Head(values, self.labels, grid)
        return Head(values, tuple(map(str, range(values.shape[1]))), grid, "embedding")


@dataclass
class _Gathering:
    """Sums over windows, and rows of the heads that are wanted by frame."""

    wanted: tuple[str, ...]
    n_windows: int = 0
    _weight: int = 0
    _sums: dict[str, Floats] = field(default_factory=dict)
    _rows: dict[str, list[Floats32]] = field(default_factory=dict)

    def add(self, outputs: dict[str, Floats32], weights: list[int]) -> None:
        """Take what the network made of the next windows, ``(n_windows, n)`` each."""
        self.n_windows += len(weights)
        self._weight += sum(weights)
        for name in self.wanted:
            if name in FRAMES:
                self._rows.setdefault(name, []).append(outputs[FRAMES[name]])
            else:
                part = np.array(weights) @ outputs[name].astype(np.float64)
                self._sums[name] = self._sums.get(name, 0.0) + part

    def values(self, name: str) -> Floats32:
        """Return the values of a head."""
        if name in FRAMES:
            return np.concatenate(self._rows[name])
        return (self._sums[name] / self._weight).astype(np.float32)[None]


def _wanted(heads: Collection[str] | None) -> tuple[str, ...]:
    if heads is None:
        return CLIP
    known = [*CLIP, *FRAMES]
    for name in heads:
        if name not in known:
            raise UnknownName("head", name, known)
    return tuple(name for name in known if name in heads)


def cut(frames: Iterable[Floats32], length: int, hop: int) -> Iterator[Floats32]:
    """Yield windows of `length` frames, `hop` apart, and last the frames that fill none.

    The last ones are those from the start of the next window on, fewer than `length`; they may
    be none.

    Examples
    --------
    >>> blocks = [np.zeros((5, 1), np.float32), np.zeros((2, 1), np.float32)]
    >>> [len(window) for window in cut(blocks, length=3, hop=2)]
    [3, 3, 3, 1]
    """
    rest: Floats32 | None = None
    for block in frames:
        rest = block if rest is None else np.concatenate([rest, block])
        while len(rest) >= length:
            yield rest[:length]
            rest = rest[hop:]
    if rest is not None:
        yield rest
