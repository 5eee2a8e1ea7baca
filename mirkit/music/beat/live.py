"""The causal beat network: from blocks of samples, as they come, to activations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Head
from mirkit.arrays import Floats32
from mirkit.errors import NotStreamable, ParameterError
from mirkit.features import FrontEnd, LogSpectrogram, front_end
from mirkit.features.conditioning import RunningLevel
from mirkit.frames import FrameGrid
from mirkit.model import Heard, choose_heads, features_of
from mirkit.music.beat.model import BeatTCN
from mirkit.zoo.runtime import Runner

TEMPO_EVERY = 50
"""Frames from one row of the tempo head to the next."""

TEMPO_MEMORY = 1000.0
"""Frames after which one counts 1/e in the tempo: as long as the excerpts it was trained on."""

LONGEST = 1024
"""Frames that the network is given at once: more would not be faster, and take memory."""


@dataclass(frozen=True)
class BeatTCNLive(BeatTCN):
    """A causal TCN and the front end before it: blocks of samples in, activations out.

    Streaming is the primitive; a whole recording is one block. The network's state is explicit: it
    goes in with each block and comes out with it, so one model serves any number of streams.

    Parameters
    ----------
    run
        What runs the network, block by block: inputs and outputs as `export_live` names them.
    config
        The shape of the network.
    front_end
        Name of the front end that it was trained on.
    provenance
        What its activations remember as their origin.
    """

    optional: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.config.lookahead is None or "front" not in self.run.inputs:
            raise NotStreamable(
                "this network takes whole recordings; beat-tcn-live needs one with a lookahead, "
                "exported with its states"
            )

    @classmethod
    def runner(cls, net: Any) -> Runner:
        """Return what runs a network in torch, block by block."""
        from mirkit.backbones.tcn.live import live_runner

        return live_runner(net)

    @property
    def latency(self) -> float:
        """The longest time from a beat until the stream gives it [s].

        The half of a window that lies after its center, the look-ahead of the network, and half a
        frame, for a beat is given with the frame nearest to it.
        """
        period = self._front_end.grid.period
        return self._front_end.latency + (self.lookahead + 0.5) * period

    @property
    def lookahead(self) -> int:
        """Frames that the network waits for."""
        assert self.config.lookahead is not None
        return self.config.lookahead

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Activations]:
        """Yield the activations of one recording as its blocks of samples come.

        Parameters
        ----------
        blocks
            Its consecutive pieces at `sample_rate`, ``(n_samples,)`` or
            ``(n_channels, n_samples)`` floats, of any length.
        """
        return self.follow(self._front_end.stream(blocks))

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a whole recording: one block of a stream."""
        features = features_of(x)
        if features is None:
            return self._join(self.stream(x), heads)  # type: ignore[arg-type]
        own = features.get(self.front_end) or next(iter(features.values()))
        self.check_features(own)
        return self._join(self.follow([own.values]), heads)

    def follow(self, blocks: Iterable[Floats32]) -> Iterator[Activations]:
        """Yield the activations of frames ``(k, n_bins)`` as they come.

        Each has the heads ``beat`` and ``downbeat``, one row a frame, and ``tempo``, a row of
        probabilities for every 50th frame: the head's answer to the frames so far, of which those
        of the last 20 s count most.
        """
        first, memory = 0, _TempoMemory(self.config.n_tempi)
        for outputs in self._outputs(blocks):
            yield self._wrap(outputs, first, memory)
            first += len(outputs["beat"])

    def _outputs(self, blocks: Iterable[Floats32]) -> Iterator[dict[str, Floats32]]:
        """Yield the heads of the network, without those of the frames before frame 0."""
        n_early = self.lookahead
        states: dict[str, Floats32] = {}
        last = np.empty((0, self.config.n_bins), np.float32)
        for piece in _pieces(blocks):
            states = states or self._begin(piece[0])
            heads, states = self._step(piece, states)
            known = {name: values[n_early:] for name, values in heads.items()}
            n_early = max(0, n_early - len(piece))
            last = piece[-1:]
            if len(known["beat"]):
                yield known
        if len(last) and self.lookahead:
            heads, _ = self._step(np.repeat(last, self.lookahead, axis=0), states)
            yield {name: values[n_early:] for name, values in heads.items()}

    def _begin(self, frame: Floats32) -> dict[str, Floats32]:
        """Return the states before a recording: its first frame, time and again, then silence."""
        states = {name: np.zeros(s, np.float32) for name, s in self.config.states.items()}
        states["front"][:] = frame
        return states

    def _step(
        self, frames: Floats32, states: dict[str, Floats32]
    ) -> tuple[dict[str, Floats32], dict[str, Floats32]]:
        given = {"features": frames, **states}
        batch = self.run.batch(**{name: x[None] for name, x in given.items()})
        outputs = {name: y[0] for name, y in batch.items()}
        return outputs, {name: outputs.pop(f"next_{name}") for name in states}

    def _wrap(self, outputs: dict[str, Floats32], first: int, memory: _TempoMemory) -> Activations:
        grid = self._front_end.grid
        own = FrameGrid(grid.rate, float(grid.time_of(first)))
        heads = {name: Head(outputs[name][:, None], (name,), own) for name in ("beat", "downbeat")}
        if "tempo" in outputs:
            row = -(-first // TEMPO_EVERY)  # the first that is not given yet
            slow = FrameGrid(grid.rate / TEMPO_EVERY, float(grid.time_of(row * TEMPO_EVERY)))
            values = memory.rows(outputs["tempo"], first)
            labels = tuple(map(str, range(self.config.n_tempi)))
            heads["tempo"] = Head(values, labels, slow, "softmax")
        return Activations(heads, self.provenance)

    def _join(self, blocks: Iterable[Activations], heads: Iterable[str] | None) -> Activations:
        """Return consecutive activations as one."""
        parts = list(blocks)
        if not parts:
            raise ParameterError("there are no frames: the blocks hold no samples")
        names = choose_heads(self.specs, heads, parts[0])
        return Activations(
            {name: join([x[name] for x in parts]) for name in names}, self.provenance
        )

    @property
    def front_ends(self) -> tuple[FrontEnd, ...]:
        """The front end, whose running level does not wait for samples to come."""
        return (self._front_end,)

    @property
    def _front_end(self) -> FrontEnd:
        found = front_end(self.front_end)
        if not isinstance(found, LogSpectrogram):
            return found
        steps = (RunningLevel() if isinstance(x, RunningLevel) else x for x in found.conditioning)
        return replace(found, conditioning=tuple(steps))


def join(heads: Sequence[Head]) -> Head:
    """Return consecutive pieces of a head as one."""
    values = np.concatenate([head.values for head in heads])
    return Head(values, heads[0].labels, heads[0].grid, heads[0].kind)


def _pieces(blocks: Iterable[Floats32]) -> Iterator[Floats32]:
    """Yield the frames of blocks, none empty, none long."""
    for block in blocks:
        for first in range(0, len(block), LONGEST):
            yield block[first : first + LONGEST]


class _TempoMemory:
    """The running mean of the tempo logits, in which old frames fade."""

    def __init__(self, n_tempi: int) -> None:
        self._sum = np.zeros(n_tempi)
        self._weight = 0.0

    def rows(self, logits: Floats32, first: int) -> Floats32:
        """Take in frames from number `first` on; return the probabilities at each 50th of them."""
        rows = []
        start = 0
        for end in (*range(-first % TEMPO_EVERY + 1, len(logits) + 1, TEMPO_EVERY), None):
            part = logits[start:end]
            fading = np.exp(-np.arange(len(part) - 1, -1, -1) / TEMPO_MEMORY)
            left = np.exp(-len(part) / TEMPO_MEMORY)
            self._sum = left * self._sum + fading @ part
            self._weight = left * self._weight + fading.sum()
            if end is not None:
                rows.append(_softmax(self._sum / self._weight))
                start = end
        return np.array(rows, np.float32).reshape(len(rows), -1 if rows else len(self._sum))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(logits - logits.max())
    probabilities: NDArray[np.float64] = odds / odds.sum()
    return probabilities
