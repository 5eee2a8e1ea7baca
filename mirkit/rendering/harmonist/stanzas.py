"""The harmonic plan of a song: stanzas of idioms, their keys, and stretches without chords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mirkit.rendering.harmonist import idioms
from mirkit.rendering.harmonist.tasks import FEATURES, Task
from mirkit.rendering.harmony import QUALITIES, Bars, Chord

NO_CHORD = ("drum solo", "silence", "noise", "babble", "ambience")
"""Stanzas in which nothing pitched plays; what is heard instead."""

COLORS: dict[str, tuple[tuple[str, float], ...]] = {
    "maj": (("maj6", 1.0), ("maj7", 0.7), ("sus2", 1.0), ("sus4", 0.8), ("aug", 0.6)),
    "min": (("min6", 1.0), ("min7", 0.6), ("minmaj7", 0.8), ("sus2", 0.5), ("dim", 0.4)),
    "7": (("aug", 0.5), ("sus4", 0.6), ("maj", 0.3), ("maj6", 0.3)),
    "min7": (("min6", 0.7), ("minmaj7", 0.6), ("min", 0.5), ("hdim7", 0.5)),
    "maj7": (("maj6", 1.0), ("maj", 0.4), ("sus2", 0.4)),
    "dim7": (("dim", 1.0), ("hdim7", 0.6)),
    "hdim7": (("dim", 0.7), ("dim7", 0.6), ("min6", 0.5)),
}
"""Qualities that may stand for a quality, and their weights."""

PLAIN = ("maj", "min", "7", "maj7", "min7", "dim", "hdim7")
"""Qualities that may be inverted: turned round, the others are other chords of the same tones."""

CHAIN_STEPS = (5, 7, 3, 4, 8, 9, 1, 2, 10, 11)
"""Root motions of chords that follow each other without a key [semitones]."""

TURNS: tuple[tuple[str, int, int, float], ...] = (
    ("semitone", 1, 1, 2.0), ("tone", 2, 2, 2.0), ("dominant", 7, 7, 1.5),
    ("subdominant", 5, 5, 1.5), ("third", 4, 8, 1.0), ("down", 10, 11, 0.7),
    ("relative", 9, 3, 2.0), ("parallel", 0, 0, 1.0),
)  # fmt: skip
"""Changes of key: name, steps up from a major and from a minor key, weight."""


@dataclass(frozen=True)
class Stanza:
    """A stretch of bars in one key.

    Parameters
    ----------
    name
        ``verse``, or row of `NO_CHORD`: then `bars` only say how long it lasts.
    bars
        Its chords.
    tonic, minor
        Its key.
    keyed
        False where the chords have no key.
    """

    name: str
    bars: Bars
    tonic: int
    minor: bool
    keyed: bool = True

    @property
    def sounds(self) -> bool:
        """True where chords are played."""
        return self.name not in NO_CHORD


@dataclass(frozen=True)
class Frame:
    """The frame that stanzas fill: split, bars, beats in a bar, and a bar's length [s]."""

    split: str
    n_bars: int
    n_beats: int
    bar_seconds: float


def draw_stanzas(task: Task, frame: Frame, rng: np.random.Generator) -> tuple[Stanza, ...]:
    """Draw stanzas until the frame's bars are full."""
    tonic, minor = task.tonic, _choose_mode(task, frame.split)
    color, turned = float(rng.uniform(0, 0.35)), float(rng.uniform(0, 0.3))
    stanzas: list[Stanza] = []
    filled = 0
    while filled < frame.n_bars:
        if _is_pause_due(task, stanzas, rng):
            stanza = _draw_pause(task, tonic, minor, frame, rng)
        else:
            lead_in: Bars = ()
            if stanzas and rng.random() < (1.0 if task.feature == "modulation" else 0.15):
                (tonic, minor), lead_in = _modulate(tonic, minor, rng)
            stanza = _draw_verse(task, tonic, minor, frame, rng, plain=not stanzas)
            if task.feature != "5":
                bars = _invert_bars(_recolor_bars(stanza.bars, color, rng), turned, rng)
                stanza = replace(stanza, bars=lead_in + bars)
        stanzas.append(stanza)
        filled += len(stanza.bars)
    return tuple(stanzas)


def _choose_mode(task: Task, split: str) -> bool:
    """Return the mode of the task, or the other where its feature has no idioms in it."""
    if task.feature not in idioms.features():
        return task.minor
    return idioms.choose(task.feature, split, task.minor)[0].minor


def _is_pause_due(task: Task, stanzas: Sequence[Stanza], rng: np.random.Generator) -> bool:
    if stanzas and not stanzas[-1].sounds:
        return False
    return bool(rng.random() < (0.75 if task.feature == "N" else 0.1 if stanzas else 0.02))


def _draw_pause(
    task: Task, tonic: int, minor: bool, frame: Frame, rng: np.random.Generator
) -> Stanza:
    """Return two to eight seconds without chords; shorter where the song is not about them."""
    name = str(rng.choice(NO_CHORD, p=(0.4, 0.15, 0.15, 0.15, 0.15)))
    seconds = rng.uniform(2, 9) if task.feature == "N" else rng.uniform(1.5, 4.5)
    n_bars = max(round(float(seconds) / frame.bar_seconds), 1)
    rest = Chord(tonic, "maj", tonic)
    return Stanza(name, ((rest,),) * n_bars, tonic, minor)


def _modulate(tonic: int, minor: bool, rng: np.random.Generator) -> tuple[tuple[int, bool], Bars]:
    """Return a new key, and the bars that lead into it: they belong to the new key already."""
    weights = np.array([weight for *_, weight in TURNS])
    name, from_major, from_minor, _ = TURNS[int(rng.choice(len(TURNS), p=weights / weights.sum()))]
    tonic = (tonic + (from_minor if minor else from_major)) % 12
    minor = minor != (name in ("relative", "parallel"))
    if rng.random() < 0.5:
        return (tonic, minor), ()
    texts = (
        [("iiø", "V7"), ("iv", "V7"), ("V7",)] if minor else [("ii7", "V7"), ("IV", "V"), ("V7",)]
    )
    chosen = texts[int(rng.integers(len(texts)))]
    return (tonic, minor), (tuple(idioms.numeral(text, tonic) for text in chosen),)


def _draw_verse(
    task: Task, tonic: int, minor: bool, frame: Frame, rng: np.random.Generator, plain: bool
) -> Stanza:
    """Return a stanza of the task's feature mostly, else of another, a walk, or a chain."""
    choice = rng.random()
    if task.feature != "5" and choice < 0.06 and not plain:
        bars = _set_pace(_draw_chain(tonic, rng), frame, rng)
        return Stanza("verse", bars, tonic, minor, keyed=False)
    if task.feature != "5" and choice < 0.16 and not plain:
        texts = _draw_walk(minor, rng)
    else:
        feature = task.feature
        if feature not in idioms.features() or (choice < 0.36 and not plain and feature != "5"):
            feature = _draw_feature(rng)
        options = idioms.choose(feature, frame.split, minor)
        same = [idiom for idiom in options if idiom.minor == minor]
        texts = same[int(rng.integers(len(same)))].bars if same else _draw_walk(minor, rng)
    bars = tuple(tuple(idioms.numeral(text, tonic) for text in bar) for bar in texts)
    bars = _dwell(bars, task.feature, rng)
    bars = _set_pace(bars, frame, rng)
    short = len(bars) * frame.bar_seconds < 9
    return Stanza("verse", bars * (2 if short and rng.random() < 0.6 else 1), tonic, minor)


def _draw_feature(rng: np.random.Generator) -> str:
    """Return a feature that idioms have, power chords excepted."""
    names = [name for name in idioms.features() if name != "5"]
    weights = np.array([FEATURES[name] for name in names], dtype=np.float64)
    return str(rng.choice(names, p=weights / weights.sum()))


def _draw_walk(minor: bool, rng: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    names = idioms.walk_functions(minor)
    home = names[0]
    return ((home,), *((str(rng.choice(names)),) for _ in range(int(rng.choice([3, 5, 7])))))


def _draw_chain(tonic: int, rng: np.random.Generator) -> Bars:
    """Return chords of any quality on roots that follow no key."""
    names = [name for name in FEATURES if name in QUALITIES and name != "5"]
    weights = np.array([FEATURES[name] for name in names], dtype=np.float64)
    root, bars = tonic, []
    for _ in range(int(rng.choice([3, 4, 6]))):
        bars.append((Chord(root, str(rng.choice(names, p=weights / weights.sum())), root),))
        root = (root + int(rng.choice(CHAIN_STEPS))) % 12
    return tuple(bars)


def _dwell(bars: Bars, feature: str, rng: np.random.Generator) -> Bars:
    """Return the bars with those of the featured quality played twice, now and then."""
    if rng.random() > 0.4:
        return bars
    twice = [2 if any(chord.quality == feature for chord in bar) else 1 for bar in bars]
    return tuple(bar for bar, n in zip(bars, twice, strict=True) for _ in range(n))


def _set_pace(bars: Bars, frame: Frame, rng: np.random.Generator) -> Bars:
    """Return the bars at a harmonic rhythm between half a bar and four bars a chord."""
    paces = np.array([0.5, 1, 2, 4])
    length = paces * frame.bar_seconds / np.mean([len(bar) for bar in bars])
    weights = np.array([2.0, 4.0, 2.0, 0.6]) * ((length > 0.75) & (length < 8.5))
    crowded = 2 * max(len(bar) for bar in bars) > frame.n_beats or frame.n_beats % 2
    weights[0] *= not crowded
    if not weights.any():
        return bars
    pace = float(rng.choice(paces, p=weights / weights.sum()))
    return _stretch(bars, pace)


def _stretch(bars: Bars, pace: float) -> Bars:
    """Return the bars with two in the room of one, or each as long as `pace` bars.

    Examples
    --------
    >>> a, b = Chord(0, "maj", 0), Chord(7, "7", 7)
    >>> [len(bar) for bar in _stretch(((a,), (b,), (a,)), 0.5)], len(_stretch(((a, b),), 4))
    ([2, 1], 4)
    """
    if pace < 1:
        return tuple(
            bars[i] + (bars[i + 1] if i + 1 < len(bars) else ()) for i in range(0, len(bars), 2)
        )
    n = int(pace)
    return tuple((bar[i * len(bar) // n],) if n > 1 else bar for bar in bars for i in range(n))


def _recolor_bars(bars: Bars, share: float, rng: np.random.Generator) -> Bars:
    """Return the bars with a share of the chords in another color on the same root."""
    return tuple(tuple(_recolor(chord, share, rng) for chord in bar) for bar in bars)


def _recolor(chord: Chord, share: float, rng: np.random.Generator) -> Chord:
    if chord.quality not in COLORS or chord.bass != chord.root or rng.random() > share:
        return chord
    names, weights = zip(*COLORS[chord.quality], strict=True)
    quality = str(rng.choice(names, p=np.array(weights) / sum(weights)))
    return Chord(chord.root, quality, chord.root)


def _invert_bars(bars: Bars, share: float, rng: np.random.Generator) -> Bars:
    """Return the bars with a share of the plain chords inverted."""
    return tuple(tuple(_invert(chord, share, rng) for chord in bar) for bar in bars)


def _invert(chord: Chord, share: float, rng: np.random.Generator) -> Chord:
    if chord.quality not in PLAIN or chord.bass != chord.root or rng.random() > share:
        return chord
    tones = chord.tones[1:4]
    weights = np.array([0.5, 0.3, 0.2])[: len(tones)]
    return replace(chord, bass=int(rng.choice(tones, p=weights / weights.sum())))
