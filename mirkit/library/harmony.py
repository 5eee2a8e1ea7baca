"""Harmonic mixing: which keys go together, and how far apart two are.

Keys lie on two wheels of fifths, major and minor, as Camelot numbers them: neighbors share six of
seven notes, and the major and minor key of one number share all.
"""

from __future__ import annotations

from mirkit.vocab.keys import KEYS, key_number, relative_key, transpose_key

FIFTH = 7
UNKNOWN = 0.5
"""Distance of two keys of which one is not known."""

_DISTANCES = (0.0, 0.2, 0.6, 1.0)


def compatible_keys(label: str) -> tuple[str, ...]:
    """Return the keys that mix with a key: itself, its relative, a fifth up and a fifth down.

    Examples
    --------
    >>> compatible_keys("8A")
    ('A minor', 'C major', 'E minor', 'D minor')
    """
    key = KEYS[key_number(label)]
    return key, relative_key(key), transpose_key(key, FIFTH), transpose_key(key, -FIFTH)


def key_distance(a: str | None, b: str | None) -> float:
    """Return how badly two keys mix, in [0, 1].

    0 for the same, 0.2 for a step on the wheel or the relative, 0.6 for two steps or a step and
    another mode, 1 for all others.

    Examples
    --------
    >>> [key_distance("A minor", key) for key in ("A minor", "C major", "B minor", "F# major")]
    [0.0, 0.2, 0.6, 1.0]
    """
    if a is None or b is None:
        return UNKNOWN
    steps = _steps(a, b)
    return _DISTANCES[min(steps, len(_DISTANCES) - 1)]


def _steps(a: str, b: str) -> int:
    """Return the steps on the wheel, one more for another mode."""
    (mode_a, place_a), (mode_b, place_b) = _place(a), _place(b)
    around = (place_a - place_b) % 12
    return min(around, 12 - around) + (mode_a != mode_b)


def _place(label: str) -> tuple[int, int]:
    """Return the mode of a key and its place on the wheel; relatives have one place."""
    mode, pitch = divmod(key_number(label), 12)
    return mode, FIFTH * (pitch + 3 * mode) % 12
