"""Score frame scores of sound events at all thresholds: the polyphonic sound detection score.

The score of a class changes its detections only where a threshold passes the score of a frame. So
the detections of all thresholds form a tree: `Runs` finds every run of frames that is a detection
at some threshold, and the range of thresholds at which it is one. There are at most as many as
frames, which makes the exact curve cheaper than one of fifty thresholds.

References
----------
Ç. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta and S. Krstulović, "A framework for the robust
evaluation of sound event detection", ICASSP 2020.
J. Ebbers, R. Haeb-Umbach and R. Serizel, "Threshold independent evaluation of sound event detection
scores", ICASSP 2022.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mirkit import checks
from mirkit.activations import Head
from mirkit.annotation import Events
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError

SLACK = 5e-7
"""Times are rounded to microseconds, so that an overlap that equals a criterion meets it [s]."""

HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class PSDSSettings:
    """The parameters of a polyphonic sound detection score.

    Parameters
    ----------
    dtc, gtc
        Detection tolerance criterion, the share of a detection that lies in reference events of
        its class; ground truth intersection criterion, the share of a reference event that
        detections cover.
    cttc
        Cross-trigger tolerance criterion, the share of a false detection that lies in reference
        events of another class; None where cross-triggers do not count.
    alpha_ct, alpha_st
        Cost of cross-triggers, and of a spread between the classes.
    max_efpr
        Effective false positive rate at which the curve ends [1/h].
    non_oracle
        Whether thresholds count at which fewer events are found than at a stricter one; by default
        the curve leaves them out, as an oracle would.
    """

    dtc: float = 0.7
    gtc: float = 0.7
    cttc: float | None = None
    alpha_ct: float = 0.0
    alpha_st: float = 1.0
    max_efpr: float = 100.0
    non_oracle: bool = False

    def __post_init__(self) -> None:
        for name in ("dtc", "gtc", "cttc"):
            checks.unit_number(name, getattr(self, name))
        checks.positive("max_efpr", self.max_efpr)
        if (self.cttc is None) != (self.alpha_ct == 0):
            raise ParameterError(
                f"cttc is {self.cttc} and alpha_ct is {self.alpha_ct}; cross-triggers need both, "
                "and a score without them neither"
            )


PSDS1 = PSDSSettings()
"""Scenario 1 of DCASE: where events begin and end counts."""

PSDS2 = PSDSSettings(dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5)
"""Scenario 2 of DCASE: that events are there counts, and that they are taken for no others."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores of the classes of one recording in consecutive stretches of time.

    Parameters
    ----------
    values
        Shape ``(n_frames, n_classes)``.
    edges
        Where the stretches begin, and the end of the last one, shape ``(n_frames + 1,)`` [s].
    labels
        Names of the classes.
    """

    values: Floats
    edges: Floats
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        values = checks.frozen_array("values", self.values, np.float64, 2)
        edges = checks.frozen_array("edges", self.edges, np.float64, 1)
        checks.finite("values", values)
        checks.increasing_times("edges", edges)
        checks.same_length("edges", edges, len(values) + 1)
        checks.same_length("labels", self.labels, values.shape[1])
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "labels", tuple(self.labels))

    @classmethod
    def of(cls, head: Head, duration: float) -> ScoreTable:
        """Return the table of a head by frame: each frame reaches half way to its neighbors.

        Parameters
        ----------
        head
            Probabilities by frame.
        duration
            Length of the recording, at which the last frame ends [s].
        """
        if head.grid is None:
            raise ParameterError("the head has no grid; events need scores by frame")
        checks.positive("duration", duration)
        inner = head.grid.time_of(np.arange(1, head.n_frames) - 0.5)
        inner = inner[inner < duration]
        edges = np.concatenate([[0.0], inner, [duration]])
        values = head.probabilities()[: len(edges) - 1]
        return cls(values.astype(np.float64), edges, head.labels)


class Runs(NamedTuple):
    """Runs of frames that are detections at some thresholds, of all classes.

    A run of column `column` from frame `start` to before `end` is a detection at the thresholds
    ``low <= threshold < high``.
    """

    column: Ints
    start: Ints
    end: Ints
    low: Floats
    high: Floats


def find_runs(values: Floats) -> Runs:
    """Find the detections of all thresholds; frames are detected where they exceed one.

    Each run is the widest around its lowest frame: it ends at the nearest lower frames on both
    sides, and is one until the threshold falls below the higher of the two.

    Parameters
    ----------
    values
        Scores, shape ``(n_frames, n_classes)``.

    Examples
    --------
    >>> runs = find_runs(np.array([[0.1], [0.8], [0.3]]))
    >>> list(zip(runs.start.tolist(), runs.end.tolist(), runs.low.tolist(), runs.high.tolist()))
    [(0, 3, -inf, 0.1), (1, 2, 0.3, 0.8), (1, 3, 0.1, 0.3)]
    """
    n_frames, n_classes = values.shape
    walled = np.full((n_frames + 2, n_classes), -np.inf)
    walled[1:-1] = values
    left = _nearest_lower(walled)
    right = n_frames + 1 - _nearest_lower(walled[::-1])[::-1]
    frames, columns = np.indices(values.shape)
    start, end = left[1:-1].ravel(), right[1:-1].ravel() - 1
    column, frame = columns.ravel(), frames.ravel()
    _, first = np.unique((column * (n_frames + 2) + start) * (n_frames + 2) + end, True)
    column, start, end, frame = column[first], start[first], end[first], frame[first]
    low = np.maximum(walled[start, column], walled[end + 1, column])
    return Runs(column, start, end, low, values[frame, column])


def _nearest_lower(walled: Floats) -> Ints:
    """Return the place of the nearest lower value above each in its column, by pointer jumping."""
    n, n_columns = walled.shape
    columns = np.broadcast_to(np.arange(n_columns), walled.shape)
    place = np.repeat(np.arange(-1, n - 1)[:, None], n_columns, axis=1)
    place[0] = 0
    rows, at = np.nonzero(np.ones((n - 2, n_columns), bool))
    rows = rows + 1
    while rows.size:
        higher = walled[place[rows, at], columns[rows, at]] >= walled[rows, at]
        rows, at = rows[higher], at[higher]
        place[rows, at] = place[place[rows, at], at]
    return place


@dataclass(frozen=True)
class Curve:
    """A receiver operating characteristic as a staircase: `tpr` holds from `efpr` on.

    Parameters
    ----------
    efpr
        Effective false positive rates, increasing [1/h].
    tpr
        True positive rates, or effective ones.
    """

    efpr: Floats
    tpr: Floats

    def at(self, efpr: Floats) -> Floats:
        """Return the rate at each `efpr`: that of the last step before, and 0 before the first."""
        place = np.searchsorted(self.efpr, efpr, side="right")
        return np.concatenate([[0.0], self.tpr])[place]

    def area(self, max_efpr: float) -> float:
        """Return the area up to `max_efpr`, as a share of the largest possible one."""
        if not self.efpr.size:
            return 0.0
        widths = np.diff(np.append(self.efpr, max_efpr))
        return float(widths @ self.tpr / max_efpr)


@dataclass(frozen=True)
class PSDS:
    """A polyphonic sound detection score.

    Parameters
    ----------
    value
        The score, in [0, 1].
    by_class
        Area under the curve of each class, in [0, 1].
    curve
        Effective true positive rate over all classes.
    curves
        True positive rate of each class.
    """

    value: float
    by_class: Mapping[str, float]
    curve: Curve
    curves: Mapping[str, Curve]

    def __float__(self) -> float:
        return self.value


def psds(
    scores: Mapping[str, ScoreTable],
    references: Mapping[str, Events],
    durations: Mapping[str, float],
    settings: PSDSSettings = PSDS1,
    labels: Sequence[str] | None = None,
) -> PSDS:
    """Return the polyphonic sound detection score of a set of recordings, exactly.

    Parameters
    ----------
    scores
        Scores by frame of each recording, by its name.
    references
        The true events of each recording; overlapping ones of the same class are one event.
    durations
        Length of each recording [s].
    settings
        `PSDS1` (where events are) or `PSDS2` (that they are there), or others.
    labels
        The classes that count; those of the scores where None. A class that no reference holds
        counts, with a rate of 0.

    Returns
    -------
    PSDS
        The score, and the curves behind it.

    Raises
    ------
    ParameterError
        Where the recordings or the classes of the arguments differ.

    Examples
    --------
    >>> table = ScoreTable(np.array([[0.1], [0.9], [0.9], [0.2]]), np.arange(5.0), ("Dog",))
    >>> psds({"a": table}, {"a": Events([[1, 3]], ("Dog",))}, {"a": 4.0}).value
    1.0
    """
    labels = _check(scores, references, durations, labels)
    truths = {name: _by_label(references[name], labels) for name in scores}
    total = sum(durations[name] for name in scores)
    lengths = {
        label: sum(_length(truth.get(label)) for truth in truths.values()) for label in labels
    }
    steps: dict[str, list[_Steps]] = {label: [] for label in labels}
    for name, table in scores.items():
        for label, found in _file_steps(table, truths[name], labels, lengths, total, settings):
            steps[label].append(found)
    n_true = {label: sum(len(t.get(label, ())) for t in truths.values()) for label in labels}
    curves = {label: _class_curve(steps[label], n_true[label], settings) for label in labels}
    curve = _joined(list(curves.values()), settings)
    by_class = {label: each.area(settings.max_efpr) for label, each in curves.items()}
    return PSDS(curve.area(settings.max_efpr), by_class, curve, curves)


class _Steps(NamedTuple):
    """Changes where a threshold passes a score: true positives, and the rate of false ones."""

    at: Floats
    true: Floats
    false: Floats


def _check(
    scores: Mapping[str, ScoreTable],
    references: Mapping[str, Events],
    durations: Mapping[str, float],
    labels: Sequence[str] | None,
) -> tuple[str, ...]:
    if not scores:
        raise ParameterError("there are no scores; give a table for each recording")
    for kind, known in (("references", references), ("durations", durations)):
        missing = [name for name in scores if name not in known]
        if missing:
            raise ParameterError(
                f"{kind} hold nothing for {missing[0]!r}; a recording without events has empty ones"
            )
    own = next(iter(scores.values())).labels
    for name, table in scores.items():
        if set(table.labels) != set(own):
            raise ParameterError(f"the scores of {name!r} have other classes than the first ones")
    wanted = own if labels is None else tuple(labels)
    for label in wanted:
        checks.member("class", label, own)
    return wanted


def merge_overlaps(intervals: Floats) -> Floats:
    """Return sorted intervals with those that overlap or touch as one.

    Examples
    --------
    >>> merge_overlaps(np.array([[0.0, 2.0], [1.0, 3.0], [4.0, 5.0]]))
    array([[0., 3.],
           [4., 5.]])
    """
    if not len(intervals):
        return intervals
    starts, ends = intervals.T
    reached = np.maximum.accumulate(ends)
    first = np.concatenate([[True], starts[1:] > reached[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.stack([starts[first], reached[last]], axis=1)


def _by_label(events: Events, labels: Sequence[str]) -> dict[str, Floats]:
    """Return the intervals of each class that there is, without overlaps."""
    names = np.array(events.labels, dtype=object)
    found = {label: merge_overlaps(events.intervals[names == label].round(6)) for label in labels}
    return {label: spans for label, spans in found.items() if len(spans)}


def _length(spans: Floats | None) -> float:
    return 0.0 if spans is None else float(np.sum(spans[:, 1] - spans[:, 0]))


def _file_steps(
    table: ScoreTable, truth: Mapping[str, Floats], labels: Sequence[str],
    lengths: Mapping[str, float], total: float, settings: PSDSSettings,
) -> Iterator[tuple[str, _Steps]]:  # fmt: skip
    """Yield what each class of one recording adds to its curve."""
    columns = [table.labels.index(label) for label in labels]
    runs = find_runs(table.values[:, columns])
    edges = table.edges.round(6)
    length = edges[runs.end] - edges[runs.start]
    covers = {name: _Cover(spans, edges) for name, spans in truth.items()}
    shared = {name: cover.within(runs) for name, cover in covers.items()}
    for i, label in enumerate(labels):
        mine = runs.column == i
        own = shared[label][mine] if label in shared else np.zeros(int(mine.sum()))
        relevant = _meets(own, settings.dtc, length[mine]) & (label in truth)
        cost = np.full(len(own), HOUR / total)
        if settings.cttc is not None:
            for name in truth:
                if name != label:
                    crossing = _meets(shared[name][mine], settings.cttc, length[mine])
                    weight = settings.alpha_ct / (len(labels) - 1) * HOUR / lengths[name]
                    cost += crossing * weight
        found = Runs(*(column[mine] for column in runs))
        true = _true_steps(found, relevant, covers.get(label), settings.gtc)
        wrong = np.where(relevant, 0.0, cost)
        at, false = _changes(found, wrong)
        yield (
            label,
            _Steps(
                np.concatenate([true[0], at]),
                np.concatenate([true[1], np.zeros(len(at))]),
                np.concatenate([np.zeros(len(true[0])), false]),
            ),
        )


def _meets(shared: Floats, criterion: float, length: Floats) -> Any:
    return shared + SLACK >= criterion * length


class _Cover:
    """Share of the time up to each edge that reference events fill."""

    def __init__(self, spans: Floats, edges: Floats) -> None:
        self.spans = spans
        clipped = np.clip(edges[:, None], spans[:, 0], spans[:, 1]) - spans[:, 0]
        self.by_event: Floats = clipped
        self.total: Floats = clipped.sum(axis=1)

    def within(self, runs: Runs) -> Floats:
        """Return how much of each run the events fill [s]."""
        return np.asarray(self.total[runs.end] - self.total[runs.start])


def _true_steps(
    runs: Runs, relevant: Any, cover: _Cover | None, gtc: float
) -> tuple[Floats, Floats]:
    """Return the thresholds at which reference events become detected, or undetected again."""
    if cover is None:
        return np.empty(0), np.empty(0)
    places, changes = [], []
    for i, (start, end) in enumerate(cover.spans):
        part = cover.by_event[runs.end, i] - cover.by_event[runs.start, i]
        at, steps = _changes(runs, np.where(relevant, part, 0.0))
        at, covered = _summed(at, steps)
        found = (covered + SLACK >= gtc * (end - start)) & (covered > SLACK)
        places.append(at)
        changes.append(np.diff(found.astype(np.float64), prepend=0.0))
    return np.concatenate(places), np.concatenate(changes)


def _changes(runs: Runs, weights: Floats) -> tuple[Floats, Floats]:
    """Return where weights of runs come, and where they go again as the threshold falls."""
    has = weights != 0
    goes = has & np.isfinite(runs.low)
    at = np.concatenate([runs.high[has], runs.low[goes]])
    return at, np.concatenate([weights[has], -weights[goes]])


def _summed(at: Floats, *steps: Floats) -> tuple[Floats, ...]:
    """Return the thresholds from the highest down, each once, and the sums of steps to there."""
    order = np.argsort(-at, kind="stable")
    at = at[order]
    last = np.append(at[1:] != at[:-1], True)[: len(at)]
    return at[last], *(np.cumsum(each[order])[last] for each in steps)


def _class_curve(steps: list[_Steps], n_true: int, settings: PSDSSettings) -> Curve:
    at, true, false = (np.concatenate(each) for each in zip(*steps, strict=True))
    _, found, efpr = _summed(at, true, false)
    tpr = found.round() / max(n_true, 1)
    return _staircase(np.maximum(efpr, 0.0).round(9), tpr, settings)


def _staircase(efpr: Floats, tpr: Floats, settings: PSDSSettings) -> Curve:
    """Return the operating points in order of their false positives, the best of equal ones."""
    order = np.lexsort((tpr, efpr))
    efpr, tpr = efpr[order], tpr[order]
    if not settings.non_oracle:
        tpr = np.maximum.accumulate(tpr)
    kept = np.append(efpr[1:] != efpr[:-1], True)[: len(efpr)] & (efpr <= settings.max_efpr)
    return Curve(efpr[kept], tpr[kept])


def _joined(curves: list[Curve], settings: PSDSSettings) -> Curve:
    """Return the effective true positive rate: the mean over classes less their spread."""
    efpr = np.unique(np.concatenate([[0.0], *(each.efpr for each in curves)]))
    tpr = np.stack([each.at(efpr) for each in curves])
    effective = tpr.mean(axis=0) - settings.alpha_st * tpr.std(axis=0)
    return Curve(efpr, np.maximum(effective, 0.0))
