"""Beats as they happen: the decoder that needs no future.

Two filters run forward, frame by frame: one knows how likely each interval and phase of the beat
is, the other, from beat to beat, each place in the bar. A beat is given with the frame nearest to
it and never taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.activations import Activations
from mirkit.annotation import Beats
from mirkit.arrays import Floats
from mirkit.decoding import tempo
from mirkit.decoding.forward import BarFilter, PhaseBank, PhaseModel
from mirkit.frames import FrameGrid
from mirkit.music.beat.inputs import MIN_FPS, BeatInput, read, tempo_rows
from mirkit.music.beat.options import Meter, check_options, meter_priors

# No network is surer than this of a beat or a downbeat.
DOUBT = 0.01

# Intervals within this of one another (as a log ratio) are one metrical level.
LEVEL = 0.12

# Each filter spans this many octaves, and they lie half of that apart: levels keep out of each
# other's way, and any tempo lies well inside one of them.
SPAN = 1.0

# Beats that the means of strength and of downbeat odds look back on.
BEATS_REMEMBERED = 8.0


@dataclass(frozen=True, eq=False)
class BeatUpdate:
    """State of a follower after a block.

    Parameters
    ----------
    beats
        The beats that the block confirmed: times [s], positions where there is a downbeat head,
        confidence.
    bpm
        The tempo now [bpm], or None where nothing pulses.
    next_beat
        When the next beat is expected [s], or None.
    time
        How far the music is heard: the center of the last frame [s].
    """

    beats: Beats
    bpm: float | None
    next_beat: float | None
    time: float


@dataclass(frozen=True, kw_only=True)
class BeatFollower:
    """Follow the beat forward: no beat waits for what comes after its frame.

    The level (the tempo among its multiples) is the one of most evidence: what the filter gives to
    its intervals, times what the tempo head says. It changes only where another has much more.

    Parameters
    ----------
    hint_bpm
        Tempo that the listener expects [bpm], or None. The level is sought within half an octave.
    bpm_range
        Slowest and fastest tempo [bpm].
    meter
        Beats in a bar, or several lengths that may occur, or None for what is usual.
    rigidity
        A beat of r times the interval of the last one costs ``rigidity * abs(r - 1)``.
    balance
        Frames without a beat for each with one: what even odds mean.
    restart
        Probability, at each frame, that the beat begins anew anywhere.
    belief
        What the log probability of the tempo head counts, against that of the filter.
    inertia
        By how much (as a log ratio) another level must be likelier before it is taken.
    threshold
        Mean activation at the last beats below which none are given.
    memory
        Time after which what the filters found counts 1/e [s].
    trust
        What the log likelihood of a filter counts, against the tempo head.
    n_lags
        How many intervals to model at most in an octave, log-spaced.
    """

    hint_bpm: float | None = None
    bpm_range: tuple[float, float] = (40.0, 240.0)
    meter: Meter = None
    rigidity: float = 100.0
    balance: float = 15.0
    restart: float = 1e-4
    belief: float = 2.0
    inertia: float = 1.0
    threshold: float = 0.15
    memory: float = 6.0
    trust: float = 0.1
    n_lags: int = 28

    def __post_init__(self) -> None:
        check_options(self.hint_bpm, self.bpm_range, self.meter)
        for name in ("rigidity", "balance", "restart", "memory", "trust"):
            checks.positive(name, getattr(self, name))
        checks.unit_number("threshold", self.threshold)

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats of `activations`: those of a stream of one block."""
        parts = [update.beats for update in self.stream([activations])]
        return joined(parts) if parts else Beats(provenance=activations.provenance)

    def stream(self, blocks: Iterable[Activations]) -> Iterator[BeatUpdate]:
        """Yield what each block of activations confirms.

        Parameters
        ----------
        blocks
            Consecutive activations of one recording, of any length. A tempo head has rows on a
            clock of its own, each of which holds until the next, or one row for the whole block.
        """
        state: _State | None = None
        for block in blocks:
            inputs = read(block, upsample=False)
            if len(inputs.beat):
                state = state or _State(self, inputs.fps)
                yield state.follow(inputs, *tempo_rows(block))

    def models(self, fps: float) -> list[PhaseModel]:
        """Return the numbers of the filters at `fps` frames a second, fastest first."""
        slowest, fastest = self.bpm_range
        shortest, longest = max(2.0, 60 * fps / fastest), max(3.0, 60 * fps / slowest)
        octaves = np.log2(longest / shortest)
        starts = np.arange(0, max(octaves - SPAN / 2, 0.1), SPAN / 2)
        ranges = [(shortest * 2**s, min(shortest * 2 ** (s + SPAN), longest)) for s in starts]
        return [self._model(*bounds) for bounds in ranges]

    def _model(self, shortest: float, longest: float) -> PhaseModel:
        lags = np.unique(np.rint(np.geomspace(shortest, longest, self.n_lags)))
        return PhaseModel(tuple(int(lag) for lag in lags), self.rigidity, (-2, -1, 0), self.restart)


def joined(parts: list[Beats]) -> Beats:
    """Return the beats of consecutive blocks as one."""
    has_positions = all(part.positions is not None for part in parts)
    return Beats(
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.positions for part in parts]) if has_positions else None,
        np.concatenate([part.confidence for part in parts]),
        provenance=parts[0].provenance,
    )


class _State:
    """All that a follower remembers between blocks."""

    def __init__(self, options: BeatFollower, fps: float) -> None:
        self.options = options
        self.times = ceil(MIN_FPS / fps)  # steps of the filter in a frame
        self.rate = fps * self.times
        self.phases = PhaseBank(
            options.models(self.rate), options.memory * self.rate, options.trust
        )
        lags = self.phases.lags.astype(np.float64)
        self.levels = _Levels(options, lags, 60 * self.rate / lags)
        self.bars: _Bars | None = None
        self.grid: FrameGrid | None = None
        self.n_frames = 0
        self.pulses = False  # whether there are beats now
        self.last: float | None = None  # activation of the last frame
        self.ahead = 0.0  # phase half a frame after the last frame, in (-0.5, 0.5]
        self.lag: float | None = None  # [s]
        self.next = 0.0  # when the next beat is due [s]
        self.strength = _Mean()
        self.peak = 0.0  # highest activation since midway to the last beat
        self.begun = False  # whether the beat has come, of those that end midway

    def follow(
        self, inputs: BeatInput, row_times: Floats, rows: Floats, bpms: Floats
    ) -> BeatUpdate:
        """Take in a block."""
        if inputs.downbeat is not None and self.bars is None:
            self.bars = _Bars(self.options.meter)
        if self.grid is None:
            self.grid = inputs.grid
        # on the clock of the first block, so that rounding does not depend on the blocks
        frame_times = self.grid.times(len(inputs.beat), first=self.n_frames)
        self.n_frames += len(frame_times)
        found, row = [], 0
        for i, time in enumerate(frame_times.tolist()):
            while row < len(rows) and row_times[row] <= time + 1e-6:
                self.levels.believe(rows[row], bpms)
                row += 1
            downbeat = None if inputs.downbeat is None else float(inputs.downbeat[i])
            found += self._frame(float(inputs.beat[i]), downbeat, time)
        return self._update(found, inputs, float(frame_times[-1]))

    def _frame(
        self, beat: float, downbeat: float | None, time: float
    ) -> list[tuple[float, int, float]]:
        """Take in a frame; return its beat, if it has one: time, position, confidence."""
        self._advance(beat)
        if self.bars is not None and downbeat is not None:
            self.bars.see(downbeat)
        lag, phase, sureness = self.levels.choose(*self.phases.read())
        half = 0.5 * self.times / lag
        before, self.ahead = self.ahead, (phase + half + 0.5) % 1 - 0.5
        self.peak = max(self.peak, beat)
        self.lag = self._steady(lag / self.rate)
        self.next = time + (-phase % 1) * self.lag
        if not (-0.25 <= before < 0 <= self.ahead < 0.25):
            if before < 0.25 <= self.ahead:  # midway: what follows belongs to the next beat
                self._end_beat()
            return []
        if self.begun:
            self._end_beat()
        self.begun = True
        away = 0.5 * self.times / self.rate  # half a frame [s]
        at = time + float(np.clip(-phase * self.lag, -away, away))
        self.next = at + self.lag
        position = self.bars.begin() if self.bars is not None else 0
        self.pulses = self.strength.with_next(self.peak) >= self.options.threshold
        if not self.pulses:
            return []
        return [(max(at, 0.0), position, sureness)]

    def _steady(self, lag: float) -> float:
        """Return the interval [s], averaged over the last second, or as it is at a new level.

        Where a beat begins to show, the filter leans to the intervals that have it now.
        """
        if self.lag is None or abs(log(lag / self.lag)) > LEVEL:
            return lag
        return self.lag + (lag - self.lag) * self.times / self.rate

    def _advance(self, beat: float) -> None:
        """Take the steps of the filter from the last frame to this one."""
        if self.last is None:
            values = np.array([beat])
        else:
            values = self.last + (beat - self.last) * np.arange(1, self.times + 1) / self.times
        self.last = beat
        values = np.clip(values, DOUBT / self.options.balance, 1 - DOUBT)
        for odds in (self.options.balance * values / (1 - values)).tolist():
            self.phases.step(odds)

    def _end_beat(self) -> None:
        if self.begun:
            self.strength.add(self.peak)
            self.pulses = self.strength.value >= self.options.threshold
            if self.bars is not None:
                self.bars.end()
        self.begun, self.peak = False, 0.0

    def _update(
        self, found: list[tuple[float, int, float]], inputs: BeatInput, time: float
    ) -> BeatUpdate:
        positions = np.array([beat[1] for beat in found], dtype=np.int64)
        beats = Beats(
            np.array([beat[0] for beat in found], dtype=np.float64),
            positions if self.bars is not None else None,
            np.array([beat[2] for beat in found], dtype=np.float64),
            provenance=inputs.provenance,
        )
        if not self.pulses or self.lag is None:
            return BeatUpdate(beats, None, None, time)
        return BeatUpdate(beats, 60 / self.lag, self.next, time)


class _Mean:
    """A running mean in which old values fade."""

    def __init__(self) -> None:
        self.total, self.weight = 0.0, 0.0

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else 0.0

    def with_next(self, value: float) -> float:
        """Return the mean as it would be after `value`."""
        keep = 1 - 1 / BEATS_REMEMBERED
        return (keep * self.total + value) / (keep * self.weight + 1)

    def add(self, value: float) -> None:
        keep = 1 - 1 / BEATS_REMEMBERED
        self.total, self.weight = keep * self.total + value, keep * self.weight + 1


class _Levels:
    """Choice of the metrical level that is the beat, and of the phase in the beat."""

    def __init__(self, options: BeatFollower, lags: Floats, bpms: Floats) -> None:
        self.options, self.lags, self.bpms = options, lags, bpms
        apart = np.abs(np.log(lags[:, None] / lags))
        self.near = apart <= LEVEL
        self.close = (apart <= LEVEL / 2).astype(np.float64)
        self.allowed = np.zeros(len(lags))
        if options.hint_bpm is not None:
            self.allowed[np.abs(np.log2(bpms / options.hint_bpm)) > 0.5] = -np.inf
        self.log_belief = options.belief * np.log(tempo.log_normal(bpms))
        self.chosen: int | None = None

    def believe(self, row: Floats, bpms: Floats) -> None:
        """Take in a row of the tempo head."""
        belief = np.interp(self.bpms, bpms, tempo.smooth_histogram(row)) + 1e-4
        self.log_belief = self.options.belief * np.log(belief)

    def choose(
        self, chances: Floats, phasors: NDArray[np.complex128]
    ) -> tuple[float, float, float]:
        """Return the interval [steps], the phase in [-0.5, 0.5) and how sure the phase is."""
        scores = np.log(self.close @ chances + 1e-300) + self.log_belief + self.allowed
        best = int(scores.argmax())
        if self.chosen is None or (
            not self.near[self.chosen][best]
            and scores[best] > scores[self.chosen] + self.options.inertia
        ):
            self.chosen = best
        near = self.near[self.chosen]
        self.chosen = int(np.where(near, scores, -np.inf).argmax())
        weights = chances * near
        total = float(weights.sum())
        phasor = complex((phasors * near).sum()) / total
        phase = float(np.angle(phasor)) / (2 * np.pi)
        return float(weights @ self.lags) / total, phase, min(abs(phasor), 1.0)


class _Bars:
    """The place in the bar, from the downbeat activation around each beat."""

    def __init__(self, meter: Meter) -> None:
        self.filter = BarFilter(meter_priors(meter))
        self.usual = _Mean()
        self.peak = 0.0

    def see(self, downbeat: float) -> None:
        self.peak = max(self.peak, downbeat)

    def begin(self) -> int:
        """Return the number of the beat that has just come, as far as it is heard."""
        return self.filter.number(self.filter.after(self._gain()))[0]

    def end(self) -> None:
        """Keep what is known of the last beat now that all of it was heard."""
        self.filter.weights = self.filter.after(self._gain())
        self.usual.add(self._odds())
        self.peak = 0.0

    def _gain(self) -> float:
        # against what is usual: networks differ in how sure they are of downbeats
        return self._odds() - self.usual.with_next(self._odds())

    def _odds(self) -> float:
        near = min(max(self.peak, DOUBT), 1 - DOUBT)
        return log(near / (1 - near))
