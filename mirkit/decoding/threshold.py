"""Thresholds: from scores of frames to spans, class by class, in blocks or whole.

`SpanFinder` is the streaming form: a median filter, a threshold or two (hysteresis), gaps that are
closed, spans that are too short. `find_spans` gives it a whole recording as blocks, so both give
the same. `find_boxes` looks for changes instead, and needs the whole recording.

References
----------
H. Dinkel, Y. Chen, M. Wu and K. Yu, "Duration robust weakly supervised sound event detection",
ICASSP 2020: two thresholds.
J. Ebbers, F. G. Germain, G. Wichern and J. Le Roux, "Sound event bounding boxes", Interspeech 2024.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from mirkit import checks
from mirkit.arrays import Bools, Floats, Floats32, Ints
from mirkit.errors import ParameterError

PerClass: TypeAlias = "float | Sequence[float] | Floats"
"""One number for all classes, or one for each."""

N_BLOCK = 1024
"""Frames that `find_spans` filters at once."""


class Span(NamedTuple):
    """Frames in which a class is active.

    `start` is the first and `end` the first after it, `column` the class, and `score` the mean
    score of the active frames.
    """

    column: int
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class SpanRule:
    """The rule of a `SpanFinder`; each number but the last two may differ from class to class.

    Parameters
    ----------
    high
        A span has a frame whose score exceeds this.
    low
        The scores of all its frames exceed this; as `high` where None.
    median
        Length of the median filter on the scores, an odd number of frames; 1 for none. The first
        and the last score stand for what lies beyond them.
    max_gap
        Spans that lie at most so many frames apart are one.
    min_length
        Spans of fewer frames are left out.
    """

    high: PerClass = 0.5
    low: PerClass | None = None
    median: PerClass = 1
    max_gap: int = 0
    min_length: int = 1

    def __post_init__(self) -> None:
        lengths = np.asarray(self.median)
        if np.any(lengths < 1) or np.any(lengths % 2 != 1):
            raise ParameterError(f"median is {self.median}; it is an odd number of frames from 1")
        if self.low is not None and np.any(np.asarray(self.low) > np.asarray(self.high)):
            raise ParameterError(f"low is {self.low} and high {self.high}; are the two swapped?")
        for name in ("max_gap", "min_length"):
            if getattr(self, name) < 0 or int(getattr(self, name)) != getattr(self, name):
                raise ParameterError(f"{name} is {getattr(self, name)}; it is a number of frames")

    @property
    def delay(self) -> int:
        """Frames after the end of a span by which it is found at the latest.

        With two thresholds and a gap, a span waits for the end of what follows it within the gap.
        """
        return int(np.max(self.median)) // 2 + self.max_gap + 1

    def columns(self, n_classes: int) -> tuple[Floats, Floats, Ints]:
        """Return high and low thresholds and the lengths of the median, ``(n_classes,)`` each."""
        high = _spread("high", self.high, n_classes)
        low = high if self.low is None else _spread("low", self.low, n_classes)
        return high, low, _spread("median", self.median, n_classes).astype(np.int64)


def _spread(name: str, value: PerClass, n: int) -> Floats:
    array = np.atleast_1d(np.asarray(value, np.float64))
    if array.size not in (1, n):
        raise ParameterError(f"{name} holds {array.size} numbers, and there are {n} classes")
    return np.broadcast_to(array, (n,))


@dataclass
class _Run:
    """A span in the making; the sum of its scores is over `n` active frames."""

    start: int
    end: int
    total: float
    n: int
    peak: float

    def joined(self, other: _Run) -> _Run:
        total, n = self.total + other.total, self.n + other.n
        return _Run(self.start, other.end, total, n, max(self.peak, other.peak))


class SpanFinder:
    """Find spans in scores that come in blocks.

    Parameters
    ----------
    rule
        What a span is.
    n_classes
        Width of the scores.

    Examples
    --------
    >>> finder = SpanFinder(SpanRule(0.5, low=0.2), n_classes=1)
    >>> finder.push(np.array([[0.1], [0.3], [0.8]]))
    []
    >>> [(span.start, span.end) for span in finder.push(np.array([[0.3], [0.1]]))]
    [(1, 4)]
    """

    def __init__(self, rule: SpanRule, n_classes: int) -> None:
        self.rule = rule
        self.high, self.low, lengths = rule.columns(n_classes)
        self._filter = MedianFilter(lengths)
        self._n = 0
        self._open: dict[int, _Run] = {}
        self._kept: dict[int, _Run] = {}

    def push(self, scores: Floats | Floats32) -> list[Span]:
        """Return the spans that are known to be over, given the next scores.

        Parameters
        ----------
        scores
            Shape ``(n_frames, n_classes)``.
        """
        return self._found(self._filter.push(np.asarray(scores, np.float64)))

    def flush(self) -> list[Span]:
        """Return the spans that are left at the end of the scores."""
        found = self._found(self._filter.flush())
        for column in list(self._open):
            found += self._close(column, self._open.pop(column))
        return found + [span for column in list(self._kept) for span in self._give(column)]

    def _found(self, scores: Floats) -> list[Span]:
        found: list[Span] = []
        touched = set()
        for column, run in _runs(scores, self.low, self._n):
            before = self._open.pop(column, None)
            if before is not None and run.start == self._n:
                run = before.joined(run)
            elif before is not None:
                found += self._close(column, before)
            if run.end == self._n + len(scores):
                self._open[column] = run
                touched.add(column)
            else:
                found += self._close(column, run)
        if not len(scores):
            return found
        for column in [each for each in self._open if each not in touched]:
            found += self._close(column, self._open.pop(column))
        self._n += len(scores)
        return found + self._over()

    def _over(self) -> list[Span]:
        """Return the spans that no later one can join."""
        found: list[Span] = []
        for column, run in list(self._kept.items()):
            next_start = self._open[column].start if column in self._open else self._n
            if next_start - run.end > self.rule.max_gap:
                found += self._give(column)
        return found

    def _close(self, column: int, run: _Run) -> list[Span]:
        """Take a run that has ended, where it is strong enough, and return what it ends."""
        if run.peak <= self.high[column]:
            return []
        before = self._kept.get(column)
        if before is not None and run.start - before.end <= self.rule.max_gap:
            self._kept[column] = before.joined(run)
            return []
        found = self._give(column) if before is not None else []
        self._kept[column] = run
        return found

    def _give(self, column: int) -> list[Span]:
        run = self._kept.pop(column)
        if run.end - run.start < self.rule.min_length:
            return []
        return [Span(column, run.start, run.end, run.total / run.n)]


def find_spans(scores: Floats | Floats32, rule: SpanRule) -> list[Span]:
    """Return the spans of scores, in order of start and class: see `SpanFinder`.

    Parameters
    ----------
    scores
        Shape ``(n_frames, n_classes)``.
    rule
        What a span is.

    Examples
    --------
    >>> spans = find_spans(np.array([[0.9, 0.1], [0.7, 0.8], [0.2, 0.6]]), SpanRule(0.5))
    >>> [(span.column, span.start, span.end) for span in spans]
    [(0, 0, 2), (1, 1, 3)]
    """
    finder = SpanFinder(rule, scores.shape[1])
    blocks = (scores[i : i + N_BLOCK] for i in range(0, len(scores), N_BLOCK))
    found = [span for block in blocks for span in finder.push(block)] + finder.flush()
    return sorted(found, key=lambda span: (span.start, span.column))


def _runs(scores: Floats, low: Floats, first: int) -> Iterator[tuple[int, _Run]]:
    """Yield the runs of frames whose scores exceed `low`, class by class in order of time."""
    columns, starts, ends = active_runs(scores > low)
    if not columns.size:
        return
    flat = scores.T.ravel()
    n = len(scores)
    edges = np.stack([columns * n + starts, np.minimum(columns * n + ends, flat.size - 1)], 1)
    peaks = np.maximum.reduceat(flat, edges.ravel())[::2]
    totals = np.concatenate([[0.0], np.cumsum(flat)])
    for column, start, end, peak in zip(
        columns.tolist(), starts.tolist(), ends.tolist(), peaks.tolist(), strict=True
    ):
        peak = max(peak, float(scores[end - 1, column]))
        total = float(totals[column * n + end] - totals[column * n + start])
        yield column, _Run(first + start, first + end, total, end - start, peak)


def active_runs(active: Bools) -> tuple[Ints, Ints, Ints]:
    """Return the runs of True in each column: column, first place, first place after it.

    Examples
    --------
    >>> active_runs(np.array([[True], [True], [False], [True]]))
    (array([0, 0]), array([0, 3]), array([2, 4]))
    """
    walled = np.zeros((active.shape[1], active.shape[0] + 2), np.int8)
    walled[:, 1:-1] = active.T
    steps = np.diff(walled, axis=1)
    columns, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return columns, starts, ends


class MedianFilter:
    """Running median of each column, in blocks; it lags by half its longest window.

    Parameters
    ----------
    lengths
        Odd length of the window of each column [frames].

    Examples
    --------
    >>> smooth = MedianFilter(np.array([3]))
    >>> smooth.push(np.array([[0.0], [9.0], [1.0]])).ravel(), smooth.flush().ravel()
    (array([0., 1.]), array([1.]))
    """

    def __init__(self, lengths: Ints) -> None:
        self.lengths = lengths
        self.half = int(lengths.max(initial=1)) // 2
        self._rows: Floats | None = None

    def push(self, scores: Floats) -> Floats:
        """Return the medians that the next scores complete, shape ``(n, n_columns)``."""
        if not self.half or not len(scores):
            return scores
        if self._rows is None:
            self._rows = np.repeat(scores[:1], self.half, axis=0)
        self._rows = np.concatenate([self._rows, scores])
        out = self._filtered(self._rows)
        self._rows = self._rows[len(out) :]
        return out

    def flush(self) -> Floats:
        """Return the medians that are left at the end."""
        if self._rows is None:
            return np.empty((0, len(self.lengths)))
        return self._filtered(
            np.concatenate([self._rows, np.repeat(self._rows[-1:], self.half, 0)])
        )

    def _filtered(self, rows: Floats) -> Floats:
        n = max(len(rows) - 2 * self.half, 0)
        out = np.empty((n, rows.shape[1]))
        for length in np.unique(self.lengths).tolist():
            which = self.lengths == length
            first = self.half - length // 2
            part = rows[first : first + n + length - 1, which]
            if n:
                views = np.lib.stride_tricks.sliding_window_view(part, length, axis=0)
                out[:, which] = np.median(views, axis=-1)
        return out


def find_boxes(
    scores: Floats | Floats32, *, step: int = 5, threshold: float = 0.1, drop: float = 0.3
) -> list[Span]:
    """Find bounding boxes of events: between a rise and a fall of the score, whatever its level.

    The score is compared with itself across each frame boundary: the mean of the `step` frames
    after it less that of those before it. A box begins at a local maximum of this difference and
    ends at the next local minimum. Two boxes are one where the score between them stays close to
    them: within `drop` of the lower of the two. The score of a box is the mean of its frames, so
    boxes can be ranked and cut off at any confidence afterwards, which moves no boundary.

    Parameters
    ----------
    scores
        Shape ``(n_frames, n_classes)``.
    step
        Frames on each side that are compared.
    threshold
        Boxes of a lower score are left out.
    drop
        How far the score falls between two boxes, as a share of the lower one's score.

    Returns
    -------
    list of Span
        In order of start and class.

    References
    ----------
    J. Ebbers, F. G. Germain, G. Wichern and J. Le Roux, "Sound event bounding boxes",
    Interspeech 2024.

    Examples
    --------
    >>> scores = np.repeat([0.1, 0.4, 0.1], 10)[:, None]
    >>> [(box.start, box.end, round(box.score, 2)) for box in find_boxes(scores)]
    [(10, 20, 0.4)]
    """
    checks.positive("step", step)
    checks.unit_number("drop", drop)
    values = np.asarray(scores, np.float64)
    found = [
        Span(column, start, end, float(curve[start:end].mean()))
        for column, curve in enumerate(values.T)
        if curve.max(initial=0.0) > threshold
        for start, end in _joined_boxes(curve, _raw_boxes(curve, int(step)), drop)
    ]
    kept = [span for span in found if span.score > threshold]
    return sorted(kept, key=lambda span: (span.start, span.column))


def _raw_boxes(curve: Floats, step: int) -> list[tuple[int, int]]:
    """Return the stretches from each rise to the next fall; the ends of the recording are both."""
    rise = _rise(curve, step)
    sign = np.sign(np.where(np.abs(rise) < 1e-9, 0.0, rise))
    boxes: list[tuple[int, int]] = []
    start: int | None = 0
    for direction, place in _extrema(rise, sign):
        if direction > 0:
            start = place
        elif start is not None:
            boxes.append((start, place))
            start = None
    if start is not None:
        boxes.append((start, len(curve)))
    return [(a, b) for a, b in boxes if b > a]


def _rise(curve: Floats, step: int) -> Floats:
    """Return the mean after each boundary less that before it; the end scores last beyond them."""
    totals = np.concatenate([[0.0], np.cumsum(np.pad(curve, step, mode="edge"))])
    at = np.arange(step, step + len(curve) + 1)
    rise: Floats = (totals[at + step] - 2 * totals[at] + totals[at - step]) / step
    return rise


def _extrema(rise: Floats, sign: Floats) -> Iterator[tuple[int, int]]:
    """Yield the place of the extremum of each stretch of one sign, and the sign."""
    edges = np.flatnonzero(np.diff(sign, prepend=np.nan))
    for first, last in zip(edges, [*edges[1:], len(sign)], strict=True):
        if sign[first]:
            yield int(sign[first]), int(first + np.argmax(np.abs(rise[first:last])))


def _joined_boxes(
    curve: Floats, boxes: list[tuple[int, int]], drop: float
) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in boxes:
        if joined:
            first, last = joined[-1]
            lower = min(curve[first:last].mean(), curve[start:end].mean())
            if last >= start or curve[last:start].min() >= (1 - drop) * lower:
                joined[-1] = (first, end)
                continue
        joined.append((start, end))
    return joined
