"""Drum parts: patterns that vary, fills, crashes, breaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.errors import ParameterError
from mirkit.rendering.score import Note

KEYS = {
    "K": 36,  # bass drum
    "S": 38,  # snare
    "R": 37,  # side stick
    "C": 39,  # clap
    "H": 42,  # closed hi-hat
    "O": 46,  # open hi-hat
    "P": 44,  # pedal hi-hat
    "D": 51,  # ride
    "B": 53,  # ride bell
    "X": 49,  # crash
    "T": 45,  # low tom
    "M": 47,  # middle tom
    "N": 50,  # high tom
    "W": 56,  # cowbell
    "A": 54,  # tambourine
    "Z": 70,  # maracas
    "L": 64,  # low conga
    "U": 63,  # open high conga
    "V": 62,  # muted high conga
    "Y": 75,  # claves
    "G": 73,  # short güiro
    "J": 65,  # high timbale
    "E": 67,  # high agogo
    "e": 68,  # low agogo
    "b": 60,  # high bongo
    "q": 40,  # brushed snare
}
"""General MIDI percussion key of each letter of a pattern."""

LOUDNESS = {"X": 112, "x": 92, "o": 62, "g": 38}
"""Velocity of each mark of a pattern; ``.`` rests."""

Pattern = dict[str, str]


def parse(text: str) -> Pattern:
    """Return the voices of a one-bar pattern.

    Examples
    --------
    >>> parse("K:X... S:..X.")
    {'K': 'X...', 'S': '..X.'}
    """
    pattern = {}
    for voice in text.split():
        letter, _, marks = voice.partition(":")
        if letter not in KEYS:
            raise ParameterError(f"{text!r} has voice {letter!r}; the voices are {', '.join(KEYS)}")
        if not marks or set(marks) - {*LOUDNESS, "."}:
            raise ParameterError(f"{voice!r} is no voice; one reads like 'K:X..x', marks are Xxog.")
        pattern[letter] = marks
    return pattern


@dataclass(frozen=True)
class DrumPlan:
    """The plan of a song's drummer: the groove of each intensity, and how busy he is."""

    quiet: Pattern
    main: Pattern
    loud: Pattern
    fill_chance: float
    vary_chance: float


def draw_plan(patterns: tuple[str, ...], fills: float, rng: np.random.Generator) -> DrumPlan:
    """Choose grooves for a song and change them a little, so that no two songs share one."""
    main = mutate(parse(str(rng.choice(patterns))), rng)
    loud = main if rng.random() < 0.5 else mutate(parse(str(rng.choice(patterns))), rng)
    return DrumPlan(
        quiet=thin(main, rng),
        main=main,
        loud=intensify(loud, rng),
        fill_chance=fills * float(rng.uniform(0.5, 1.2)),
        vary_chance=float(rng.choice([0.0, 0.1, 0.25])),
    )


def mutate(pattern: Pattern, rng: np.random.Generator) -> Pattern:
    """Move or add a weak kick, and change how the time is kept."""
    changed = dict(pattern)
    if "K" in changed and rng.random() < 0.5:
        changed["K"] = _toggle(changed["K"], rng)
    if "H" in changed and rng.random() < 0.15:
        swap = "D" if "D" not in changed else "H"
        changed[swap] = changed.pop("H")
    if rng.random() < 0.12 and "A" not in changed and len(pattern.get("H", "")) == 16:
        changed["A"] = str(rng.choice(["....x.......x...", "x.x.x.x.x.x.x.x.", "..x...x...x...x."]))
    return changed


def _toggle(steps: str, rng: np.random.Generator) -> str:
    """Switch one weak step on or off."""
    weak = [i for i in range(1, len(steps)) if i % max(len(steps) // 4, 1)]
    if not weak or len(steps) < 6:
        return steps
    i = int(rng.choice(weak))
    return steps[:i] + ("x" if steps[i] == "." else ".") + steps[i + 1 :]


def thin(pattern: Pattern, rng: np.random.Generator) -> Pattern:
    """Return a quieter groove: a rim for the snare, or one voice less."""
    quiet = {voice: steps.replace("X", "x") for voice, steps in pattern.items()}
    choice = rng.random()
    if choice < 0.3 and "S" in quiet and "R" not in quiet:
        quiet["R"] = quiet.pop("S")
    elif choice < 0.55 and len(quiet) > 1:
        quiet.pop(str(rng.choice(list(quiet))))
    elif choice < 0.65:
        quiet = {voice: steps for voice, steps in quiet.items() if voice not in "KSC"} or quiet
    return quiet


def intensify(pattern: Pattern, rng: np.random.Generator) -> Pattern:
    """Return a bigger groove: open hats or ride where the hat was closed."""
    loud = dict(pattern)
    if "H" in loud and len(loud) <= 3 and rng.random() < 0.5:
        steps = loud.pop("H")
        loud[str(rng.choice(["O", "D"]))] = steps
        if "O" in loud and steps.count(".") * 2 < len(steps):  # open hats ring: fewer of them
            loud["O"] = "".join(
                s if i % max(len(steps) // 8, 1) == 0 else "." for i, s in enumerate(steps)
            )
    return loud


def play_bar(
    pattern: Pattern, start: float, n_beats: int, rng: np.random.Generator, vary: float = 0.0
) -> list[Note]:
    """Return the notes of one bar, some weak ones changed with chance `vary`."""
    notes: list[Note] = []
    for voice, steps in pattern.items():
        if vary and voice in "KSH" and rng.random() < vary:
            steps = _toggle(steps, rng)
        step = n_beats / len(steps)
        notes += [
            (start + i * step, step * 0.9, KEYS[voice], LOUDNESS[mark])
            for i, mark in enumerate(steps)
            if mark != "."
        ]
    return notes


def play_fill(
    start: float, length: float, steps_per_beat: int, rng: np.random.Generator
) -> list[Note]:
    """Return a fill of `length` beats over snare and toms, growing louder."""
    n_steps = max(round(length * steps_per_beat), 1)
    density = rng.uniform(0.5, 1.0)
    drums = {
        "snare": [38] * 4,
        "toms": [50, 47, 45, 41],
        "mixed": [38, 50, 38, 45],
        "kicks": [38, 36, 45, 36],
    }[str(rng.choice(["snare", "toms", "mixed", "kicks"]))]
    notes: list[Note] = []
    for i in range(n_steps):
        if i == 0 or rng.random() < density:
            key = drums[min(i * len(drums) // n_steps, len(drums) - 1)]
            notes.append((start + i / steps_per_beat, 0.2, key, float(78 + 34 * i / n_steps)))
    return notes


def play_build(start: float, n_beats: int, rng: np.random.Generator) -> list[Note]:
    """Return a roll that halves its steps on the way: eighths, then sixteenths."""
    notes = []
    place = 0.0
    while place < n_beats - 1e-6:
        share = place / n_beats
        notes.append((start + place, 0.2, 38.0, 60 + 50 * share))
        place += 0.5 if share < 0.5 else 0.25
    return notes


def play_crash(start: float, rng: np.random.Generator) -> list[Note]:
    """Return a crash with the kick under it."""
    return [(start, 2.0, float(rng.choice([49, 57, 55])), 105.0), (start, 0.5, 36.0, 105.0)]


def count_in(n_beats: int, rng: np.random.Generator) -> list[Note]:
    """Return sticks, or the closed hat, on the beats before the first bar."""
    key = float(rng.choice([37, 42, 44]))
    return [(float(-n_beats + i), 0.2, key, 88.0) for i in range(n_beats)]
