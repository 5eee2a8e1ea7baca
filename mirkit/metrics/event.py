"""Score sound events: F-measures by event, by intersection, by segment and by clip.

The measures count true positives, false positives and misses of each class over all recordings;
`EventCounts` makes F-measures of them. Scores of frames, without a threshold, are scored by
`mirkit.metrics.psds`.

References
----------
A. Mesaros, T. Heittola and T. Virtanen, "Metrics for polyphonic sound event detection", Applied
Sciences, 2016.
G. Ferroni et al., "Improving sound event detection metrics: insights from DCASE 2020", ICASSP 2021:
the intersections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mirkit import checks
from mirkit.annotation import Events
from mirkit.arrays import Bools, Floats
from mirkit.errors import ParameterError
from mirkit.metrics.psds import SLACK, merge_overlaps

Recordings = Mapping[str, Events]
"""The events of recordings, by the name of the recording."""

COLLAR = 0.2
"""Tolerance of onsets and offsets that is usual in the field [s]."""

OFFSET_RATE = 0.2
"""Tolerance of offsets as a share of the length of the reference event, where that is more."""


@dataclass(frozen=True)
class EventCounts:
    """Counts of each class over a set of recordings.

    Parameters
    ----------
    labels
        Names of the classes.
    true, false, missed
        True positives, false positives and false negatives, shape ``(n_classes,)``.
    """

    labels: tuple[str, ...]
    true: Floats
    false: Floats
    missed: Floats

    @property
    def precision(self) -> Floats:
        """Precision of each class: 0 where nothing was detected, NaN where nothing was there too.

        Shape ``(n_classes,)``.
        """
        return self._ratio(self.true, self.true + self.false)

    @property
    def recall(self) -> Floats:
        """Recall of each class: 0 where nothing was there, NaN where nothing was detected too.

        Shape ``(n_classes,)``.
        """
        return self._ratio(self.true, self.true + self.missed)

    @property
    def f_measure(self) -> Floats:
        """F-measure of each class, shape ``(n_classes,)``; NaN where neither side holds it."""
        return self._ratio(2 * self.true, 2 * self.true + self.false + self.missed)

    @property
    def macro(self) -> float:
        """Mean F-measure of the classes that a side holds; NaN where there are none."""
        known = self.f_measure[self._occurs]
        return float(known.mean()) if known.size else float("nan")

    @property
    def micro(self) -> float:
        """F-measure of all events together; NaN where there are none."""
        true, wrong = self.true.sum(), self.false.sum() + self.missed.sum()
        return float(2 * true / (2 * true + wrong)) if true + wrong else float("nan")

    @property
    def _occurs(self) -> Bools:
        occurs: Bools = self.true + self.false + self.missed > 0
        return occurs

    def _ratio(self, part: Floats, whole: Floats) -> Floats:
        ratio = part / np.maximum(whole, 1)
        return np.where(self._occurs, ratio, np.nan)


class _Pair(NamedTuple):
    """The events of one class in one recording: intervals of reference and estimate, length."""

    reference: Floats
    estimate: Floats
    duration: float


_Count = Callable[[_Pair], tuple[float, float, float]]


def collar_counts(
    references: Recordings,
    estimates: Recordings,
    labels: Sequence[str] | None = None,
    *,
    collar: float = COLLAR,
    offset_collar: float | None = None,
    offset_rate: float = OFFSET_RATE,
    with_offsets: bool = True,
) -> EventCounts:
    """Count events whose onset and offset lie near those of a reference event.

    Each estimated event is matched with one reference event at most, so that as many as possible
    are matched (maximum bipartite matching).

    Parameters
    ----------
    references, estimates
        Events by recording; a recording that `estimates` lack has none.
    labels
        The classes that count; those that occur where None.
    collar
        How far onsets may be apart [s].
    offset_collar
        How far offsets may be apart [s]; `collar` where None.
    offset_rate
        The same as a share of the length of the reference event; the larger one counts.
    with_offsets
        Whether offsets count.

    Examples
    --------
    >>> truth = {"a": Events([[1, 2], [4, 6]], ("Dog", "Dog"))}
    >>> found = {"a": Events([[1.1, 2.1], [4, 7]], ("Dog", "Dog"))}
    >>> collar_counts(truth, found).macro
    0.5
    """
    checks.positive("collar", collar)
    least = collar if offset_collar is None else offset_collar

    def count(pair: _Pair) -> tuple[float, float, float]:
        near = _near(pair.reference[:, :1], pair.estimate[:, 0], np.array(collar))
        if with_offsets:
            lengths = pair.reference[:, 1:] - pair.reference[:, :1]
            allowed = np.maximum(least, offset_rate * lengths)
            near &= _near(pair.reference[:, 1:], pair.estimate[:, 1], allowed)
        n = _n_matched(near)
        return n, len(pair.estimate) - n, len(pair.reference) - n

    return _counted(references, estimates, labels, None, count)


def intersection_counts(
    references: Recordings,
    estimates: Recordings,
    labels: Sequence[str] | None = None,
    *,
    dtc: float = 0.5,
    gtc: float = 0.5,
) -> EventCounts:
    """Count events by how much of them lies in each other, as one curve point of PSDS does.

    A detection is right where reference events of its class fill a share `dtc` of it; a reference
    event is found where right detections fill a share `gtc` of it. Overlapping events of one class
    are one event, on both sides.

    Parameters
    ----------
    references, estimates, labels
        As for `collar_counts`.
    dtc, gtc
        Detection tolerance and ground truth intersection criterion, in [0, 1].

    Examples
    --------
    >>> truth = {"a": Events([[1, 3]], ("Dog",))}
    >>> intersection_counts(truth, {"a": Events([[1, 2], [2.2, 3]], ("Dog", "Dog"))}).macro
    1.0
    """
    checks.unit_number("dtc", dtc)
    checks.unit_number("gtc", gtc)

    def count(pair: _Pair) -> tuple[float, float, float]:
        true, found = merge_overlaps(pair.reference), merge_overlaps(pair.estimate)
        shared = _overlaps(true, found)
        right = shared.sum(axis=0) + SLACK >= dtc * (found[:, 1] - found[:, 0])
        covered = shared[:, right].sum(axis=1)
        hit = (covered + SLACK >= gtc * (true[:, 1] - true[:, 0])) & (covered > SLACK)
        return float(hit.sum()), float((~right).sum()), float((~hit).sum())

    return _counted(references, estimates, labels, None, count)


def segment_counts(
    references: Recordings,
    estimates: Recordings,
    durations: Mapping[str, float],
    labels: Sequence[str] | None = None,
    *,
    length: float = 1.0,
) -> EventCounts:
    """Count segments of equal length in which a class is active on both sides, or on one.

    Parameters
    ----------
    references, estimates, labels
        As for `collar_counts`.
    durations
        Length of each recording [s].
    length
        Length of the segments [s].

    Examples
    --------
    >>> truth = {"a": Events([[0, 2.5]], ("Dog",))}
    >>> segment_counts(truth, {"a": Events([[1.2, 3.5]], ("Dog",))}, {"a": 5.0}).macro
    0.6666666666666666
    """
    checks.positive("length", length)

    def count(pair: _Pair) -> tuple[float, float, float]:
        n = int(np.ceil(pair.duration / length - SLACK))
        true = _active(pair.reference, n, length)
        found = _active(pair.estimate, n, length)
        return _set_counts(true, found)

    return _counted(references, estimates, labels, durations, count)


def clip_counts(
    references: Recordings, estimates: Recordings, labels: Sequence[str] | None = None
) -> EventCounts:
    """Count recordings that hold a class on both sides, or on one.

    Examples
    --------
    >>> truth = {"a": Events([[0, 1], [2, 3]], ("Dog", "Dog")), "b": Events([], ())}
    >>> clip_counts(truth, {"a": Events([[5, 6]], ("Dog",))}).macro
    1.0
    """

    def count(pair: _Pair) -> tuple[float, float, float]:
        return _set_counts(np.array([len(pair.reference) > 0]), np.array([len(pair.estimate) > 0]))

    return _counted(references, estimates, labels, None, count)


def error_rate(
    references: Recordings,
    estimates: Recordings,
    durations: Mapping[str, float],
    labels: Sequence[str] | None = None,
    *,
    length: float = 1.0,
) -> float:
    """Return the segment error rate: substitutions, deletions and insertions per reference.

    In each segment, a class that is missed and one that is added are one substitution. The rate is
    0 for a perfect system and 1 for one that finds nothing; it may exceed 1. NaN where the
    references hold nothing.

    Parameters
    ----------
    references, estimates, durations, labels, length
        As for `segment_counts`.

    Examples
    --------
    >>> truth = {"a": Events([[0, 2]], ("Dog",))}
    >>> error_rate(truth, {"a": Events([[0, 1], [1, 2]], ("Dog", "Cat"))}, {"a": 2.0})
    0.5
    """
    checks.positive("length", length)
    labels = _labels(references, estimates, labels)
    errors, n_active = 0.0, 0.0
    for name, reference in references.items():
        n = int(np.ceil(_duration(durations, name) / length - SLACK))
        estimate = estimates.get(name, NOTHING)
        true = np.stack([_active(spans_of(reference, label), n, length) for label in labels])
        found = np.stack([_active(spans_of(estimate, label), n, length) for label in labels])
        missed, added = (true & ~found).sum(axis=0), (found & ~true).sum(axis=0)
        errors += float(np.maximum(missed, added).sum())
        n_active += float(true.sum())
    return errors / n_active if n_active else float("nan")


def event_scores(
    reference: Events, estimate: Events, *, collar: float = COLLAR, length: float = 1.0
) -> dict[str, float]:
    """Score the sound events of one recording, all classes together.

    Parameters
    ----------
    reference, estimate
        The events; those without labels are of one class.
    collar
        Of onsets and offsets [s], see `collar_counts`.
    length
        Length of segments [s], see `segment_counts`.

    Returns
    -------
    dict
        ``precision``, ``recall`` and ``f_measure`` of events within the collar (micro averages);
        ``onset_f_measure``, where offsets do not count; ``intersection_f_measure``,
        ``segment_f_measure``, ``clip_f_measure`` and ``error_rate``. Nothing where neither side
        holds an event.

    Examples
    --------
    >>> truth = Events([[1, 2], [4, 6]], ("Dog", "Speech"))
    >>> scores = event_scores(truth, Events([[1, 2.1], [4.1, 5]], ("Dog", "Speech")))
    >>> scores["f_measure"], scores["onset_f_measure"]
    (0.5, 1.0)
    """
    if not len(reference) and not len(estimate):
        return {}
    duration = float(max(each.intervals.max(initial=0.0) for each in (reference, estimate)))
    one, other, durations = {"": reference}, {"": estimate}, {"": max(duration, length)}
    counts = collar_counts(one, other, collar=collar)
    onsets = collar_counts(one, other, collar=collar, with_offsets=False)
    segments = segment_counts(one, other, durations, length=length)
    true, false, missed = (float(x.sum()) for x in (counts.true, counts.false, counts.missed))
    scores = {
        "precision": true / max(true + false, 1),
        "recall": true / max(true + missed, 1),
        "f_measure": counts.micro,
        "onset_f_measure": onsets.micro,
        "intersection_f_measure": intersection_counts(one, other).micro,
        "segment_f_measure": segments.micro,
        "clip_f_measure": clip_counts(one, other).micro,
    }
    if len(reference):
        scores["error_rate"] = error_rate(one, other, durations, length=length)
    return scores


NOTHING = Events(np.empty((0, 2)), ())
"""No events."""


def spans_of(events: Events, label: str) -> Floats:
    """Return the intervals of one class, shape ``(n, 2)`` [s]; no label is the class ``""``."""
    return events.intervals[[(each or "") == label for each in events.labels]]


def _labels(
    references: Recordings, estimates: Recordings, labels: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the classes that count, after a check of the names of the recordings."""
    unknown = [name for name in estimates if name not in references]
    if unknown:
        raise ParameterError(
            f"estimates hold a recording {unknown[0]!r} that references lack; one without events "
            "has empty ones"
        )
    if labels is not None:
        return tuple(labels)
    both = (*references.values(), *estimates.values())
    return tuple(sorted({label or "" for events in both for label in events.labels}))


def _counted(
    references: Recordings,
    estimates: Recordings,
    labels: Sequence[str] | None,
    durations: Mapping[str, float] | None,
    count: _Count,
) -> EventCounts:
    """Return the sums of what `count` finds in each class of each recording."""
    names = _labels(references, estimates, labels)
    sums = np.zeros((len(names), 3))
    for row, label in zip(sums, names, strict=True):
        for pair in _pairs(references, estimates, label, durations):
            if len(pair.reference) or len(pair.estimate):
                row += count(pair)
    return EventCounts(names, sums[:, 0], sums[:, 1], sums[:, 2])


def _pairs(
    references: Recordings,
    estimates: Recordings,
    label: str,
    durations: Mapping[str, float] | None,
) -> Iterator[_Pair]:
    for name, reference in references.items():
        duration = 0.0 if durations is None else _duration(durations, name)
        estimate = estimates.get(name, NOTHING)
        yield _Pair(spans_of(reference, label), spans_of(estimate, label), duration)


def _duration(durations: Mapping[str, float], name: str) -> float:
    if name not in durations:
        raise ParameterError(f"durations hold nothing for {name!r}; segments need the length [s]")
    return durations[name]


def _near(true: Floats, found: Floats, allowed: Floats) -> Bools:
    near: Bools = np.abs(true - found) <= allowed + SLACK
    return near


def _n_matched(near: Bools) -> int:
    """Return the size of the largest matching of rows with columns."""
    if not near.any():
        return 0
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    return int((maximum_bipartite_matching(csr_matrix(near)) >= 0).sum())


def _overlaps(true: Floats, found: Floats) -> Floats:
    """Return how long each reference event and each estimated one sound together [s]."""
    ends = np.minimum(true[:, None, 1], found[None, :, 1])
    starts = np.maximum(true[:, None, 0], found[None, :, 0])
    shared: Floats = np.maximum(ends - starts, 0.0)
    return shared


def _active(spans: Floats, n: int, length: float) -> Bools:
    """Return in which of `n` segments an event sounds."""
    active = np.zeros(n, dtype=bool)
    for start, end in spans.tolist():
        active[int(start / length + SLACK) : int(np.ceil(end / length - SLACK))] = True
    return active


def _set_counts(true: Bools, found: Bools) -> tuple[float, float, float]:
    both, added, missed = true & found, found & ~true, true & ~found
    return float(both.sum()), float(added.sum()), float(missed.sum())
