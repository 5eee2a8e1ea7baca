"""Play a sheet: tempo that drifts or breathes, swing, and the small errors of hands.

Beats of the annotation are the tempo curve at whole beats; notes lie around them as players do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.arrays import Floats
from mirkit.rendering.score import Part, Score, Sheet, Span, bar_positions

STEPS = 8
"""Points of the tempo curve in each beat."""


@dataclass(frozen=True)
class Feel:
    """A manner of playing a sheet.

    Parameters
    ----------
    bpm
        Tempo at the start [bpm].
    swing
        Where the second half of the swung unit falls, 0.5 (even) to 0.75.
    swing_unit
        Length of the pair that swings [beats]: 1 for eighths, 0.5 for sixteenths.
    drift
        Standard deviation of the slow random walk of log tempo.
    rubato
        Depth of the phrase-wise give and take of log tempo.
    jitter
        Standard deviation of a note's onset [s].
    lag
        Standard deviation of a whole part's displacement [s].
    ritard
        How much slower the last two bars become, as a share of the tempo; 0 for none.
    jump
        Factor of a sudden tempo change at a section, 1 for none.
    dynamics
        Standard deviation of velocities.
    """

    bpm: float
    swing: float = 0.5
    swing_unit: float = 1.0
    drift: float = 0.0
    rubato: float = 0.0
    jitter: float = 0.004
    lag: float = 0.0
    ritard: float = 0.0
    jump: float = 1.0
    dynamics: float = 6.0


@dataclass(frozen=True, eq=False)
class TempoCurve:
    """The time of every place in a sheet: knots in beats and in seconds."""

    places: Floats
    times: Floats

    def time_of(self, beats: Floats) -> Floats:
        """Return the time of each place [s]."""
        return np.interp(beats, self.places, self.times)


FEELS: dict[str, dict[str, tuple[float, float]]] = {
    "machine": {"drift": (0, 0), "jitter": (0, 0.001), "lag": (0, 0), "dynamics": (0, 4)},
    "tight": {"drift": (0, 0.004), "jitter": (0.002, 0.006), "lag": (0, 0.004), "dynamics": (3, 8)},
    "human": {
        "drift": (0.004, 0.02),
        "jitter": (0.005, 0.011),
        "lag": (0.002, 0.008),
        "dynamics": (5, 11),
    },
    "loose": {
        "drift": (0.015, 0.04),
        "jitter": (0.008, 0.015),
        "lag": (0.004, 0.012),
        "dynamics": (7, 13),
    },
    "rubato": {
        "drift": (0.01, 0.035),
        "rubato": (0.04, 0.14),
        "jitter": (0.007, 0.016),
        "lag": (0, 0.006),
        "dynamics": (7, 12),
    },
    "chamber": {
        "drift": (0.01, 0.03),
        "rubato": (0.02, 0.08),
        "jitter": (0.01, 0.02),
        "lag": (0.003, 0.01),
        "dynamics": (6, 11),
    },
}
"""Ranges of each number of `Feel` by manner of playing."""


def draw_feel(
    manner: str,
    bpm: float,
    rng: np.random.Generator,
    swing: tuple[float, float] = (0.5, 0.5),
    swing_unit: float = 1.0,
) -> Feel:
    """Draw a feel of a manner."""
    drawn = {name: float(rng.uniform(*span)) for name, span in FEELS[manner].items()}
    free = manner in ("rubato", "chamber")
    return Feel(
        bpm=bpm,
        swing=float(rng.uniform(*swing)),
        swing_unit=swing_unit,
        ritard=float(rng.uniform(0.1, 0.4)) if free or rng.random() < 0.1 else 0.0,
        jump=float(rng.choice([0.8, 0.88, 1.12, 1.2])) if rng.random() < 0.02 else 1.0,
        **drawn,
    )


def perform(sheet: Sheet, feel: Feel, rng: np.random.Generator) -> Score:
    """Return the sheet played with a feel; time 0 is the earliest note or beat."""
    first = min([0.0, *(float(part.notes[0, 0]) for part in sheet.parts if len(part.notes))])
    first = float(np.floor(first))
    curve = tempo_curve(sheet, feel, first, rng)
    beats = curve.time_of(np.arange(first, sheet.n_beats, dtype=np.float64))
    positions = _positions(sheet, int(first))
    return Score(
        parts=tuple(play_part(part, curve, feel, rng) for part in sheet.parts),
        beats=beats,
        positions=positions,
        meter=sheet.meter,
        origin=sheet.origin,
        chords=_time_spans(sheet.chords, curve),
        keys=_time_spans(sheet.keys, curve),
        sections=_time_spans(sheet.sections, curve),
    )


def _positions(sheet: Sheet, first: int) -> np.ndarray:
    """Return positions from beat `first` on; a pick-up counts up to the first downbeat."""
    positions = bar_positions(sheet.n_beats, sheet.bars)
    length = round(float(sheet.bars[1] - sheet.bars[0]))
    pickup = np.array([(place % length) + 1 for place in range(first, 0)], dtype=np.int64)
    everything = np.concatenate([pickup, positions])
    return everything if sheet.has_bars else np.zeros_like(everything)


def tempo_curve(sheet: Sheet, feel: Feel, first: float, rng: np.random.Generator) -> TempoCurve:
    """Return the curve that a feel gives a sheet, from beat `first` to past its end."""
    last = sheet.n_beats + 8
    n_beats = int(last - first) + 1
    pace = _walk(n_beats, feel.drift, rng) + _phrases(sheet, n_beats, first, feel.rubato, rng)
    pace += _ending(sheet, n_beats, first, feel.ritard) + _jump(
        sheet, n_beats, first, feel.jump, rng
    )
    places = first + np.arange((n_beats - 1) * STEPS + 1) / STEPS
    slowness = np.interp(places, first + np.arange(n_beats), pace)
    periods = 60 / feel.bpm * np.exp(slowness)
    steps = (periods[1:] + periods[:-1]) / (2 * STEPS)
    return TempoCurve(places, np.concatenate([[0.0], np.cumsum(steps)]))


def _walk(n_beats: int, drift: float, rng: np.random.Generator) -> Floats:
    """Return a slow walk that returns to 0, of standard deviation `drift`."""
    if drift == 0:
        return np.zeros(n_beats)
    from scipy.signal import lfilter

    memory = 0.94
    steps = rng.normal(size=n_beats) * np.sqrt(1 - memory**2)
    walk: Floats = lfilter([1.0], [1.0, -memory], steps)
    return drift * walk


def _phrases(
    sheet: Sheet, n_beats: int, first: float, depth: float, rng: np.random.Generator
) -> Floats:
    """Return arcs of two, four or eight bars: held back at both ends, forward in the middle."""
    if depth == 0:
        return np.zeros(n_beats)
    per_bar = float(sheet.bars[1] - sheet.bars[0])
    arcs = np.zeros(n_beats)
    places = first + np.arange(n_beats)
    for n_bars, share in ((8, 0.35), (4, 0.4), (2, 0.25)):
        phase = 2 * np.pi * places / (n_bars * per_bar)
        arcs += depth * share * np.cos(phase) * rng.uniform(0.5, 1.5)
    ends = np.isclose(np.mod(places + 1, 4 * per_bar), 0) & (rng.random(n_beats) < 0.5)
    arcs[ends] += depth * rng.uniform(0.3, 1.6, int(ends.sum()))
    held = ends & (rng.random(n_beats) < 0.12)  # a fermata: the last beat of a phrase waits
    arcs[held] += rng.uniform(0.3, 0.8, int(held.sum()))
    return arcs + rng.normal(scale=depth * 0.25, size=n_beats)


def _ending(sheet: Sheet, n_beats: int, first: float, ritard: float) -> Floats:
    places = first + np.arange(n_beats)
    start = sheet.n_beats - 6
    return ritard * np.clip((places - start) / 6, 0, 1.3) ** 1.5


def _jump(
    sheet: Sheet, n_beats: int, first: float, factor: float, rng: np.random.Generator
) -> Floats:
    if factor == 1.0 or len(sheet.bars) < 8:
        return np.zeros(n_beats)
    where = float(sheet.bars[int(rng.integers(4, len(sheet.bars) - 3))])
    return np.where(first + np.arange(n_beats) >= where, -np.log(factor), 0.0)


def swing_places(places: Floats, swing: float, unit: float) -> Floats:
    """Return places with the middle of each `unit` moved to the share `swing` of it.

    Examples
    --------
    >>> swing_places(np.array([0.0, 0.5, 0.75, 1.0]), swing=2 / 3, unit=1.0).round(3)
    array([0.   , 0.667, 0.833, 1.   ])
    """
    if swing == 0.5:
        return places
    whole = np.floor(places / unit)
    share = places / unit - whole
    moved = np.where(share < 0.5, share * 2 * swing, swing + (share - 0.5) * 2 * (1 - swing))
    return (whole + moved) * unit


def play_part(part: Part, curve: TempoCurve, feel: Feel, rng: np.random.Generator) -> Part:
    """Return a part in seconds: swung, displaced as a whole, each note a little off."""
    notes = part.notes
    if not len(notes):
        return part
    swung = part.role != "human drums"
    places = notes[:, 0]
    ends = places + notes[:, 1]
    if swung:
        places, ends = (swing_places(x, feel.swing, feel.swing_unit) for x in (places, ends))
    onsets = curve.time_of(places)
    durations = np.maximum(curve.time_of(ends) - onsets, 0.03)
    jitter = rng.normal(scale=_looseness(part.role) * feel.jitter, size=len(notes))
    lag = rng.normal(scale=feel.lag) if swung else 0.0
    onsets = onsets + np.clip(jitter, -0.04, 0.04) + np.clip(lag, -0.02, 0.025) + _strum(part, rng)
    velocity = np.clip(notes[:, 3] + rng.normal(scale=feel.dynamics, size=len(notes)), 8, 127)
    played = np.column_stack([onsets, durations, notes[:, 2], np.rint(velocity)])
    return Part(part.role, part.program, played[np.argsort(onsets, kind="stable")], part.kit)


def _looseness(role: str) -> float:
    """Return how far this role strays from the beat, against the feel's number."""
    return {"human drums": 0.0, "drums": 0.8, "bass": 0.9, "lead": 1.6}.get(role, 1.0)


def _strum(part: Part, rng: np.random.Generator) -> Floats:
    """Return the delay of each note within its chord: strings are struck one after another."""
    spread = {"guitar": rng.uniform(0.004, 0.014), "keys": rng.uniform(0, 0.004)}.get(
        part.role, 0.0
    )
    starts = np.round(part.notes[:, 0], 4)
    _, first, counts = np.unique(starts, return_index=True, return_counts=True)
    rank = np.arange(len(starts)) - np.repeat(first, counts)
    return np.asarray(rank * spread)


def _time_spans(spans: tuple[Span, ...], curve: TempoCurve) -> tuple[Span, ...]:
    if not spans:
        return ()
    starts, ends = (curve.time_of(np.array([span[i] for span in spans])) for i in (0, 1))
    labels = [span[2] for span in spans]
    return tuple(
        (float(start), float(end), label)
        for start, end, label in zip(starts, ends, labels, strict=True)
    )
