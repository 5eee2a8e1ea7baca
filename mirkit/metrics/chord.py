"""Score chords: the measures of mir_eval and MIREX, computed for all segments at once.

Reference and estimate are cut at the boundaries of both; each piece counts by its length. A
measure leaves out the pieces whose reference it cannot compare, such as sevenths where only major
and minor are known: it is then the share of the rest that is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirkit.annotation import Segments
from mirkit.arrays import Bools, Floats
from mirkit.errors import ParameterError
from mirkit.metrics.spans import fit_span, gapless
from mirkit.vocab import Chord, parse_chord
from mirkit.vocab.chords import SHORTHANDS

NO_CHORD, UNKNOWN = -1, -2
"""What stands for the root of N and of X."""

MEASURES = (
    "thirds", "thirds_inv", "triads", "triads_inv", "tetrads", "tetrads_inv", "root", "mirex",
    "majmin", "majmin_inv", "sevenths", "sevenths_inv", "underseg", "overseg", "seg",
)  # fmt: skip
"""The names of the scores, in mir_eval's order."""


@dataclass(frozen=True, eq=False)
class Codes:
    """Chords as numbers.

    Parameters
    ----------
    roots
        Pitch classes, -1 for N, -2 for X, shape ``(n,)``.
    tones
        Whether each step above the root sounds, ninths and above left out, ``(n, 12)``.
    basses
        Steps from root to bass, -1 for N and X, ``(n,)``.
    """

    roots: NDArray[np.int64]
    tones: Bools
    basses: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Sequence[str]) -> Codes:
        """Return the codes of labels in Harte's syntax."""
        known = {label: parse_chord(label) for label in dict.fromkeys(labels)}
        numbers = {label: i for i, label in enumerate(known)}
        at = np.array([numbers[label] for label in labels], dtype=np.int64)
        chords = list(known.values())
        roots = np.array([_root(chord) for chord in chords], dtype=np.int64)
        tones = np.array([[s in chord.core for s in range(12)] for chord in chords], dtype=bool)
        basses = np.array([_bass(chord) for chord in chords], dtype=np.int64)
        return cls(roots[at], tones.reshape(-1, 12)[at], basses[at])

    @property
    def chroma(self) -> Bools:
        """Pitch classes that sound, as booleans, shape ``(n, 12)``."""
        steps = (np.arange(12) - self.roots[:, None]) % 12
        return np.take_along_axis(self.tones, steps, axis=1)


def chord_scores(reference: Segments, estimate: Segments) -> dict[str, float]:
    """Score estimated chords against reference chords.

    The estimate is cut, or filled with N, to the span of the reference.

    Returns
    -------
    dict
        By names of `MEASURES`: the weighted shares of time where root; root and third; triad;
        all tones within an octave; are right, with ``_inv`` the bass too; of major and minor
        triads alone; of those and the common sevenths alone; where three tones agree (mirex). And
        how well the boundaries fit: 1 where no reference chord is cut (overseg), where no two are
        joined (underseg), the worse of both (seg). All in [0, 1].

    Raises
    ------
    ParameterError
        Where the reference is empty, or a label is no chord.

    Examples
    --------
    >>> chords = Segments([[0, 2], [2, 3]], ("C:maj", "A:min7"), kind="chord")
    >>> other = Segments([[0, 1.5], [1.5, 3]], ("C:maj", "A:min"), kind="chord")
    >>> scores = chord_scores(chords, other)
    >>> round(scores["majmin"], 2), round(scores["sevenths"], 2)
    (0.83, 0.5)
    """
    true_edges, true_labels = gapless(reference)
    if not true_labels:
        raise ParameterError("the reference holds no chords; there is nothing to score against")
    found_edges, found_labels = fit_span(estimate, true_edges[0], true_edges[-1])
    edges = np.unique(np.concatenate([true_edges, found_edges]))
    middles = (edges[1:] + edges[:-1]) / 2
    true, found = Codes.of(true_labels), Codes.of(found_labels)
    true = _at(true, np.searchsorted(true_edges, middles) - 1)
    found = _at(found, np.searchsorted(found_edges, middles) - 1)
    lengths = np.diff(edges)
    scores = {name: _share(*rule(true, found), lengths) for name, rule in _RULES.items()}
    return scores | segmentation(
        _changes(true_edges, true_labels), _changes(found_edges, found_labels)
    )


def segmentation(true: Floats, found: Floats) -> dict[str, float]:
    """Return how well two lists of boundaries [s] of one span fit: underseg, overseg, seg."""
    under, over = 1 - _hamming(found, true), 1 - _hamming(true, found)
    return {"underseg": under, "overseg": over, "seg": min(under, over)}


def _root(chord: Chord) -> int:
    if chord.root is None:
        return NO_CHORD if chord.name == "N" else UNKNOWN
    return chord.root


def _bass(chord: Chord) -> int:
    return -1 if chord.bass_step is None else chord.bass_step


def _at(codes: Codes, index: NDArray[np.int64]) -> Codes:
    return Codes(codes.roots[index], codes.tones[index], codes.basses[index])


def _changes(edges: Floats, labels: Sequence[str]) -> Floats:
    """Return the boundaries where the chord changes, and both ends."""
    codes = [(_root(c), c.steps, _bass(c)) for c in map(parse_chord, labels)]
    changed = [a != b for a, b in zip(codes[1:], codes[:-1], strict=True)]
    changes: Floats = edges[np.array([True, *changed, True])]
    return changes


def _hamming(true: Floats, found: Floats) -> float:
    """Return the directional Hamming distance: what of each segment its longest part leaves."""
    left = np.concatenate([true, found])
    edges = np.unique(left[(left >= true[0]) & (left <= true[-1])])
    owners = np.searchsorted(true, edges[:-1], side="right") - 1
    longest = np.zeros(len(true) - 1)
    np.maximum.at(longest, owners, np.diff(edges))
    return float(1 - longest.sum() / (true[-1] - true[0]))


def _share(right: Bools, counted: Bools, lengths: Floats) -> float:
    total = float(lengths[counted].sum())
    return float(lengths[right & counted].sum()) / total if total > 0 else 0.0


Rule = Callable[[Codes, Codes], tuple[Bools, Bools]]
"""From true and found chords to which are right and which count."""


def _known(true: Codes) -> Bools:
    known: Bools = true.roots != UNKNOWN
    return known


def _first(n: int) -> Callable[[Codes, Codes], Bools]:
    def agree(true: Codes, found: Codes) -> Bools:
        same: Bools = (true.tones[:, :n] == found.tones[:, :n]).all(axis=1)
        return same

    return agree


def _third(true: Codes, found: Codes) -> Bools:
    same: Bools = true.tones[:, 3] == found.tones[:, 3]
    return same


def _any(true: Codes, found: Codes) -> Bools:
    return np.ones(len(true.roots), dtype=bool)


def _is_one_of(names: Sequence[str], n: int) -> Callable[[Codes], Bools]:
    patterns = np.array([[step in SHORTHANDS[name] for step in range(n)] for name in names])

    def known(true: Codes) -> Bools:
        same: Bools = (true.tones[:, None, :n] == patterns).all(axis=2).any(axis=1)
        comparable: Bools = (same & (true.roots >= 0)) | (true.roots == NO_CHORD)
        return comparable

    return known


def _rule(
    agree: Callable[[Codes, Codes], Bools], counted: Callable[[Codes], Bools], inverted: bool
) -> Rule:
    def rule(true: Codes, found: Codes) -> tuple[Bools, Bools]:
        # an X that is found is no N that is there, though neither has a root
        right = (true.roots == found.roots) & agree(true, found)
        if inverted:
            right &= true.basses == found.basses
        return right, counted(true)

    return rule


def _three_tones(true: Codes, found: Codes) -> tuple[Bools, Bools]:
    """MIREX's rule: three tones agree; references of fewer are left out."""
    right = (true.chroma & found.chroma).sum(axis=1) >= 3
    right |= (true.roots == NO_CHORD) & (found.roots == NO_CHORD)
    n_tones = true.tones.sum(axis=1)
    counted: Bools = _known(true) & ((n_tones == 0) | (n_tones >= 3))
    return right, counted


_majmin = _is_one_of(("maj", "min"), 8)
_sevenths = _is_one_of(("maj", "min", "maj7", "7", "min7"), 12)

_RULES: Mapping[str, Rule] = {
    "thirds": _rule(_third, _known, False),
    "thirds_inv": _rule(_third, _known, True),
    "triads": _rule(_first(8), _known, False),
    "triads_inv": _rule(_first(8), _known, True),
    "tetrads": _rule(_first(12), _known, False),
    "tetrads_inv": _rule(_first(12), _known, True),
    "root": _rule(_any, _known, False),
    "mirex": _three_tones,
    "majmin": _rule(_first(8), _majmin, False),
    "majmin_inv": _rule(_first(8), _majmin, True),
    "sevenths": _rule(_first(12), _sevenths, False),
    "sevenths_inv": _rule(_first(12), _sevenths, True),
}
