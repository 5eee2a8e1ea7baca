"""From beat activations to beats: every decoder of the package, by name.

All of them are callables, frozen and with their options as fields. The trackers return the ranked
metrical levels of the track, each decoded; `PeakDecoder` knows no tempo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.activations import Activations
from mirkit.annotation import Beats, Tempo
from mirkit.arrays import Floats, Ints
from mirkit.decoding import dbn, dp, steady
from mirkit.decoding.peaks import find_peaks, window_maximum
from mirkit.errors import ParameterError
from mirkit.gate import SilenceGate
from mirkit.music.beat import kick, levels
from mirkit.music.beat.confidence import Confidence
from mirkit.music.beat.follower import BeatFollower
from mirkit.music.beat.inputs import BeatInput, read
from mirkit.music.beat.judged import Decoder, Judged
from mirkit.music.beat.options import Meter, check_options, meter_priors
from mirkit.music.beat.results import SAME, Decoded, assemble, hypothesis, number, seconds
from mirkit.system import find_decoder
from mirkit.zoo.registry import Card

DEFAULT = "drift"

# How far a beat may lie outside the frames [frames].
EDGE = 2

# No model is surer than this: a frame of probability 0 must not forbid a path.
DOUBT = 1e-5


@dataclass(frozen=True, kw_only=True)
class _Tracker:
    """Base of the trackers.

    Parameters
    ----------
    hint_bpm
        Tempo that the listener expects [bpm], or None. The level nearest to it is taken.
    bpm_range
        Slowest and fastest tempo [bpm].
    meter
        Beats in a bar, or several lengths that may occur, or None for what is usual.
    """

    hint_bpm: float | None = None
    bpm_range: tuple[float, float] = (30.0, 300.0)
    meter: Meter = None

    def __post_init__(self) -> None:
        check_options(self.hint_bpm, self.bpm_range, self.meter)

    def held(self, inputs: BeatInput, music: _Music, frames: Ints) -> Floats | None:
        """Return the beats [frames] of one tempo that take the place of `frames`, or None."""
        return None


@dataclass(frozen=True, eq=False)
class _Music:
    """Evidence that the trackers have of a track.

    Parameters
    ----------
    strength
        The activation in standard deviations, shape ``(n_frames,)``.
    evidence
        How likely each lag is the beat; index = lag [frames].
    """

    strength: Floats
    evidence: Floats

    @classmethod
    def of(cls, inputs: BeatInput, slowest_bpm: float) -> _Music | None:
        """Return it, or None where the activation never moves."""
        if not len(inputs.beat):
            return None
        # most frames are no beats: what a network gives those is its floor, and says nothing
        raised = np.maximum(inputs.beat - np.median(inputs.beat), 0)
        spread = float(raised.std())
        if not spread > 0:
            return None
        # the tempo may drift to below the range that the level lies in
        max_lag = int(1.5 * 60 * inputs.fps / slowest_bpm)
        strength = raised / spread
        return cls(strength, levels.evidence(inputs, strength, max_lag))

    @cached_property
    def spectrum(self) -> steady.Spectrum:
        """The spectrum of the strength."""
        return steady.Spectrum.of(self.strength)


Track = Callable[[_Music, int], Ints]


@dataclass(frozen=True, kw_only=True)
class DriftDecoder(_Tracker):
    """Follow a tempo that may drift: a Viterbi over frames and lags around each metrical level.

    The level is the lag of most evidence: the autocorrelation of the activation times the tempo
    head. Around it, within a ratio of `reach`, the chain of beats is found that maximizes the sum
    over its beats of

    ``a - entry - rigidity * abs(log(lag / previous lag)) + belief * log(evidence(lag))``

    where ``a`` is the activation in standard deviations. It begins and ends where the activations
    do: beats at either end that are weaker than a fifth of the root mean square are left out.

    Beside that path stands a grid of one tempo for the whole recording (`mirkit.decoding.steady`).
    It is taken where nearly all strength of the path lies on it or halfway between, so that the
    path has left it for the off-beat at most, and its beats are not much weaker than the path's.

    Parameters
    ----------
    rigidity
        Cost of a tempo change by the factor e.
    belief
        What the log evidence for its lag adds to a beat.
    entry
        Cost of a beat: what a further beat must be worth to be squeezed in.
    reach
        Largest ratio of an interval to the level's, either way.
    n_lags
        How many intervals to model within `reach`, log-spaced.
    coverage
        Share of the path's strength that must lie on the grid of one tempo, or halfway between its
        beats, for the grid to be taken; above 1 it never is.
    worth
        Mean strength of the grid's beats against that of the path's that it takes.
    """

    rigidity: float = 20.0
    belief: float = 0.1
    entry: float = 1.0
    reach: float = 1.4
    n_lags: int = 33
    coverage: float = 0.9
    worth: float = 0.7

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats of `activations`."""
        return _track_levels(read(activations), self, self.track)

    def track(self, music: _Music, lag: int) -> Ints:
        """Return the beats [frames] at one level."""
        slowest = min(int(np.ceil(lag * self.reach)), len(music.evidence) - 1)
        spread = np.rint(lag * self.reach ** np.linspace(-1, 1, self.n_lags))
        lags = np.unique(np.clip(spread, 2, max(slowest, lag))).astype(np.int64)
        evidence = music.evidence[lags]
        # where nothing speaks for any lag, none is better than another
        evidence = evidence / (evidence.max() or 1.0)
        gains = self.belief * np.log(evidence + 1e-3) - self.entry
        return dp.follow(music.strength, lags, self.rigidity, gains).frames

    def held(self, inputs: BeatInput, music: _Music, frames: Ints) -> Floats | None:
        """Return the beats [frames] of one tempo, where they explain those of the path."""
        path = frames.astype(np.float64)
        pulse = steady.find_pulse(music.strength, path, inputs.fps, music.spectrum)
        if pulse is None or pulse.coverage < self.coverage or pulse.worth < self.worth:
            return None
        pulse = _on_beat(pulse, inputs, path)
        grid = steady.drifted(music.strength, pulse.frames(path[0], path[-1]), inputs.fps)
        # a beat may lie in the hop before the first frame or after the last
        return grid[(grid > -EDGE) & (grid < len(music.strength) - 1 + EDGE)]


@dataclass(frozen=True, kw_only=True)
class DynamicProgrammingDecoder(_Tracker):
    """Ellis' dynamic programming at each metrical level: one tempo for the whole track.

    Parameters
    ----------
    tightness
        Cost of an interval that is e times as long as the level says.
    """

    tightness: float = 100.0

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats of `activations`."""
        return _track_levels(read(activations), self, self.track)

    def track(self, music: _Music, lag: int) -> Ints:
        """Return the beats [frames] at one level."""
        return dp.track(music.strength, lag, self.tightness).frames


@dataclass(frozen=True, kw_only=True)
class _Network(_Tracker):
    """Base of both dynamic Bayesian networks.

    Parameters
    ----------
    n_tempi
        How many tempi to model, log-spaced; every whole number of frames where None.
    transition_lambda
        A beat of r times the interval of the last one costs ``transition_lambda * abs(r - 1)``.
    observation_lambda
        The first 1/observation_lambda of a beat is where the beat is seen.
    threshold
        The frames before the first and after the last that reach it are silence; it is never more
        than a tenth of the highest.
    correct
        Move each beat to the highest frame of its beat frames.
    """

    bpm_range: tuple[float, float] = (55.0, 215.0)
    n_tempi: int | None = None
    transition_lambda: float = 100.0
    observation_lambda: float = 16.0
    threshold: float = 0.05
    correct: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.unit_number("threshold", self.threshold)
        checks.positive("transition_lambda", self.transition_lambda)
        if not self.observation_lambda > 1:
            raise ParameterError(
                f"observation_lambda is {self.observation_lambda}; it must exceed 1"
            )
        if self.n_tempi is not None and self.n_tempi < 1:
            raise ParameterError(f"n_tempi is {self.n_tempi}; it is at least 1, or None")

    def _model(self, fps: float, meters: Mapping[int, float]) -> dbn.BarModel:
        slowest, fastest = self.bpm_range
        if self.hint_bpm is not None:
            # half an octave either way holds one level only
            slowest = max(slowest, self.hint_bpm / np.sqrt(2))
            fastest = min(fastest, self.hint_bpm * np.sqrt(2))
        return dbn.BarModel(
            fps,
            tuple(meters),
            (float(slowest), float(fastest)),
            self.n_tempi,
            self.transition_lambda,
            self.observation_lambda,
            tuple(meters.values()),
        )


@dataclass(frozen=True, kw_only=True)
class DBNDecoder(_Network):
    """The beat-only dynamic Bayesian network: the likeliest path of tempo and phase.

    Bars are numbered afterwards where there is a downbeat head.
    """

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats of `activations`."""
        inputs = read(activations, upsample=False)
        first, last = _sounding(inputs.beat, self.threshold)
        beat = np.clip(inputs.beat[first:last], DOUBT, 1 - DOUBT)
        path = dbn.decode(beat, None, self._model(inputs.fps, {1: 1.0}))
        if path is None:
            return Beats(provenance=inputs.provenance)
        frames = first + dbn.pick(path, beat, self.correct)[0]
        return _with_levels(inputs, self, frames, number(inputs, frames, self.meter))


@dataclass(frozen=True, kw_only=True)
class BarDBNDecoder(_Network):
    """The joint beat-and-bar dynamic Bayesian network: tempo, phase and place in the bar at once.

    `meter` holds the bar lengths that compete, 3 and 4 where None, all alike. Without a downbeat
    head it is the beat-only network.
    """

    n_tempi: int | None = 60

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats of `activations`."""
        inputs = read(activations, upsample=False)
        if inputs.downbeat is None:
            options = {field.name: getattr(self, field.name) for field in fields(self)}
            return DBNDecoder(**options)(activations)
        downbeat = np.clip(inputs.downbeat, DOUBT, 1 - 3 * DOUBT)
        beat = np.clip(inputs.beat - downbeat, DOUBT, 1 - DOUBT - downbeat)
        either = np.maximum(beat, downbeat)
        first, last = _sounding(either, self.threshold)
        meters = meter_priors(self.meter)
        model = self._model(inputs.fps, meters)
        path = dbn.decode(beat[first:last], downbeat[first:last], model)
        if path is None:
            return Beats(provenance=inputs.provenance)
        frames, numbers = dbn.pick(path, either[first:last], self.correct)
        return _with_levels(inputs, self, first + frames, numbers)


@dataclass(frozen=True, kw_only=True)
class PeakDecoder:
    """Take the peaks of the activations: no tempo, no continuity, no hypotheses.

    Parameters
    ----------
    threshold
        Smallest probability of a beat.
    min_interval
        Shortest time from beat to beat [s].
    """

    threshold: float = 0.1
    min_interval: float = 0.14

    def __post_init__(self) -> None:
        checks.unit_number("threshold", self.threshold)
        checks.positive("min_interval", self.min_interval)

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats of `activations`; 1 where the downbeat head has half as high a peak."""
        inputs = read(activations, upsample=False)
        radius = max(1, round(self.min_interval / 2 * inputs.fps))
        frames = find_peaks(inputs.beat, max(self.threshold, 1e-9), radius)
        positions = None
        if inputs.downbeat is not None:
            near = window_maximum(inputs.downbeat, 2)[frames]
            positions = (near >= 0.5 * inputs.beat[frames]).astype(np.int64)
        return Beats(seconds(inputs, frames), positions, provenance=inputs.provenance)


DECODERS: Mapping[str, str | Callable[..., Decoder]] = {
    "drift": DriftDecoder,
    "dp": DynamicProgrammingDecoder,
    "dbn": DBNDecoder,
    "bars": BarDBNDecoder,
    "peaks": PeakDecoder,
    "live": BeatFollower,
    "librosa": "mirkit.peers.librosa:LibrosaTracker",
    "madmom": "mirkit.peers.madmom:MadmomDBN",
}
"""The decoders by name; those of peers are imported when they are asked for."""


GATE = SilenceGate({"beat": None, "downbeat": None}, whole=True)


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> Decoder:
    """Return the decoder called `name`, or the default one, with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose activations are decoded, with its own weights: then beats where nothing
        pulses are left out, and the others have a confidence where the card holds a fit.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.

    Examples
    --------
    >>> from mirkit.activations import beat_activations
    >>> clicks = np.zeros(500)
    >>> clicks[20::50] = 0.9
    >>> round(decoder("drift", bpm_range=(80, 160))(beat_activations(clicks, fps=100)).bpm, 6)
    120.0
    """
    name = DEFAULT if name is None else name
    plain: Decoder = find_decoder("beat decoder", DECODERS, name, options)
    if card is None:
        return plain
    is_fitted = name == card.confidence.get("decoder")
    fit = Confidence.from_card(card) if is_fitted else None
    if fit is None and not card.min_activation:
        return plain
    return Judged(plain, card.min_activation, fit)


def tempo_of(beats: Beats) -> Tempo:
    """Return the tempo of beats: the decoder of `mirkit.tempo`."""
    return beats.tempo


def _track_levels(inputs: BeatInput, options: _Tracker, track: Track) -> Beats:
    """Find the levels, decode each, number the beats, and take the level that is worth most."""
    music = _Music.of(inputs, options.bpm_range[0])
    if music is None:
        return Beats(provenance=inputs.provenance)
    hint = None if options.hint_bpm is None else 60 * inputs.fps / options.hint_bpm
    found = levels.find(inputs, music.evidence, options.bpm_range, hint)
    decoded = [_decode(inputs, music, level, track, options) for level in found]
    return assemble(inputs, decoded, options.hint_bpm, options.bpm_range, options.meter)


def _with_levels(inputs: BeatInput, options: _Tracker, frames: Ints, numbers: Ints | None) -> Beats:
    """Return decoded beats, with the other levels decoded around them."""
    music = _Music.of(inputs, options.bpm_range[0])
    if music is None or len(frames) < 2:
        return Beats(provenance=inputs.provenance)
    lag = float(np.median(np.diff(frames)))
    found = levels.find(inputs, music.evidence, options.bpm_range, known=lag)
    own = min(
        found, key=lambda level: abs(np.log(level.lag / lag)), default=levels.Level(int(lag), 1.0)
    )
    weight = levels.weigh(own, music.strength, frames)
    first = hypothesis(inputs, own.lag, weight, seconds(inputs, frames), numbers)
    track = DriftDecoder().track
    others = [_decode(inputs, music, level, track, options) for level in found if level != own]
    others = [level for level in others if abs(level.bpm / first.bpm - 1) >= SAME]
    return assemble(inputs, [first, *others], first.bpm, options.bpm_range, options.meter)


def _decode(
    inputs: BeatInput, music: _Music, level: levels.Level, track: Track, options: _Tracker
) -> Decoded:
    frames = dp.without_weak_ends(music.strength, track(music, level.lag))
    weight = levels.weigh(level, music.strength, frames)
    held = options.held(inputs, music, frames)
    if held is None:
        times = seconds(inputs, frames)
    else:
        times = np.maximum(inputs.grid.time_of(held), 0)
        frames = np.rint(held).astype(np.int64).clip(0, len(inputs.beat) - 1)
    if inputs.attacks is not None:
        times = inputs.attacks.place(times)
    numbers = number(inputs, frames, options.meter, held is not None)
    return hypothesis(inputs, level.lag, weight, times, numbers)


def _on_beat(pulse: steady.Pulse, inputs: BeatInput, path: Floats) -> steady.Pulse:
    """Return the pulse, or the one halfway between, as strength and bass together tell."""
    if inputs.kick is None or not pulse.offbeat > 0:
        return pulse
    shifted = pulse.shifted()
    beats, offbeats = (each.frames(path[0], path[-1]) for each in (pulse, shifted))
    odds = np.log(pulse.worth / pulse.offbeat)
    odds += kick.TRUST * kick.log_ratio(inputs.kick, beats, offbeats)
    return pulse if odds >= 0 else shifted


def _sounding(activation: Floats, threshold: float) -> tuple[int, int]:
    """Return from where to where (exclusive) the activation reaches the threshold."""
    highest = float(activation.max()) if len(activation) else 0.0
    # where nothing exceeds the doubt that was put under it, all is silence
    if highest <= DOUBT:
        return 0, 0
    loud = np.flatnonzero(activation >= min(threshold, highest / 10))
    return int(loud[0]), int(loud[-1]) + 1
