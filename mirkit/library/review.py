"""Reviewing a library: doubtful results by confidence, corrections, tags of one's own by examples.

A tag of one's own is learned from examples: tracks that have it and, where given, tracks that do
not; other tracks of the library stand for the rest. The probe is a logistic regression on unit
embeddings, whose strength is set by how few examples there are. Each example is scored by a probe
that has not seen it (leave one out); these scores are calibrated by Platt scaling, and the least
score that separates best becomes the threshold of the tag.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mirkit.annotation import Embedding
from mirkit.arrays import Bools, Floats, Ints
from mirkit.errors import ParameterError
from mirkit.library.database import Database
from mirkit.library.neighbors import TASK
from mirkit.library.packing import unpack
from mirkit.library.rows import COLUMNS, TrackRow, track_row
from mirkit.sound.index import Space
from mirkit.values import count

LEAST, USUAL = 5, 20
"""Examples of a tag: at least so many; more than that change little."""

_DOUBTS = {
    "bpm_confidence": ("bpm is not null", "tempo"),
    "beat_confidence": ("beat_confidence is not null", "grid"),
    "key_confidence": ("key is not null", "key"),
}
_MOST_OTHERS = 500  # tracks that stand for all the others
_RIDGE = 1.0
_STEPS = 30  # of Newton's method


@dataclass(frozen=True)
class Doubt:
    """A result that may be wrong.

    Parameters
    ----------
    track
        Its track.
    what
        ``"tempo"``, ``"grid"`` or ``"key"``.
    confidence
        In [0, 1].
    """

    track: TrackRow
    what: str
    confidence: float


@dataclass(frozen=True)
class Probe:
    """A tag of one's own, and how well it was learned.

    Parameters
    ----------
    tag
        Its name.
    n_examples, n_others
        Tracks that have it, and that do not.
    accuracy
        Share of both that probes told apart that had not seen them, each side counting half.
    threshold
        Least calibrated score of a track that has the tag.
    n_found
        Tracks of the library that have it now.
    """

    tag: str
    n_examples: int
    n_others: int
    accuracy: float
    threshold: float
    n_found: int


def doubtful(database: Database, limit: int = 50) -> list[Doubt]:
    """Return the results of models that are least sure, those of people left out."""
    found: list[Doubt] = []
    for column, (known, what) in _DOUBTS.items():
        kinds = "('key')" if what == "key" else "('beats', 'tempo')"
        sql = (
            f"select {COLUMNS} from tracks where here > 0 and {known} and {column} is not null"
            " and not exists (select 1 from results join makers on makers.id = maker where"
            f" track = tracks.id and current and model = 'human' and results.task in {kinds})"
            f" order by {column} limit ?"
        )
        rows = [track_row(row) for row in database.rows(sql, (limit,))]
        found += [Doubt(row, what, getattr(row, column)) for row in rows]
    return sorted(found, key=lambda doubt: doubt.confidence)[:limit]


def teach(
    database: Database, tag: str, examples: Sequence[int], others: Sequence[int] = ()
) -> Probe:
    """Learn a tag of one's own, and give it to the tracks of the library that have it.

    Parameters
    ----------
    database
        Of the library.
    tag
        Its name.
    examples
        Numbers of tracks that have it, 5 to 20.
    others
        Numbers of tracks that do not.

    Raises
    ------
    ParameterError
        Where there are fewer examples than 5, or some have no embedding.
    """
    if len(set(examples)) < LEAST:
        given = count(len(set(examples)), "example")
        raise ParameterError(f"tag {tag!r} has {given}; it needs {LEAST} to {USUAL}")
    numbers, vectors = _vectors(database)
    place = {number: i for i, number in enumerate(numbers)}
    for number in (*examples, *others):
        if number not in place:
            raise ParameterError(f"track {number} has no embedding: analyze it first (task embed)")
    chosen = _chosen(place, examples, others)
    is_one = np.array([i < len(set(examples)) for i in range(len(chosen))])
    held_out = leave_one_out(vectors[chosen], is_one)
    slope, offset = _platt(held_out, is_one)
    weights = fit(vectors[chosen], is_one)
    scores = _sigmoid(slope * _margins(vectors, weights) + offset)
    kept = _sigmoid(slope * held_out + offset)
    threshold, accuracy = best_threshold(kept, is_one)
    n = _write(database, tag, dict(zip(numbers, scores.tolist(), strict=True)), threshold,
               examples, others)  # fmt: skip
    return Probe(tag, int(is_one.sum()), int((~is_one).sum()), accuracy, threshold, n)


def _vectors(database: Database) -> tuple[list[int], Floats]:
    """Return the numbers of tracks and their unit embeddings, of the model of the newest."""
    rows = database.rows(
        "select track, value from results join contents on result = results.id"
        " where task = ? and current order by results.id",
        (TASK,),
    )
    values: list[tuple[int, Embedding]] = [(int(row[0]), unpack(row[1])) for row in rows]
    if not values:
        raise ParameterError("the library holds no embeddings: analyze it first (task embed)")
    space = Space.of(values[-1][1])
    kept = [(n, x.values.mean(axis=0)) for n, x in values if Space.of(x) == space]
    vectors = np.array([vector for _, vector in kept], float)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return [n for n, _ in kept], vectors / np.maximum(lengths, 1e-12)


def _chosen(place: dict[int, int], examples: Sequence[int], others: Sequence[int]) -> list[int]:
    """Return the rows of examples, then of those that lack the tag."""
    ones, zeros = list(dict.fromkeys(examples)), list(dict.fromkeys(others))
    if not zeros:
        left = [number for number in place if number not in set(ones)]
        step = max(1, len(left) // _MOST_OTHERS)
        zeros = left[::step]
    if not zeros:
        raise ParameterError("all tracks are examples; some must lack the tag")
    return [place[number] for number in (*ones, *zeros)]


def fit(vectors: Floats, is_one: Bools) -> Floats:
    """Return the weights of a logistic regression, its offset last; both classes count alike.

    Parameters
    ----------
    vectors
        Shape ``(n, n_dimensions)``.
    is_one
        Which rows have the tag, shape ``(n,)``.
    """
    x = np.hstack([vectors, np.ones((len(vectors), 1))])
    shares = np.where(is_one, 0.5 / is_one.sum(), 0.5 / (~is_one).sum()) * is_one.sum()
    penalty = _RIDGE * np.append(np.ones(vectors.shape[1]), 1e-6) / 10
    weights = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = _sigmoid(x @ weights)
        gradient = x.T @ (shares * (p - is_one)) + penalty * weights
        curvature = shares * np.maximum(p * (1 - p), 1e-9)
        step = _solve(x, curvature, penalty, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _solve(x: Floats, curvature: Floats, penalty: Floats, gradient: Floats) -> Floats:
    """Return the Newton step, by the smaller of the two systems (Woodbury's identity)."""
    n, width = x.shape
    if width <= n:
        return np.asarray(
            np.linalg.solve(x.T @ (curvature[:, None] * x) + np.diag(penalty), gradient)
        )
    scaled = x / penalty
    inner = np.diag(1 / curvature) + scaled @ x.T
    direct = gradient / penalty
    return np.asarray(direct - scaled.T @ np.linalg.solve(inner, x @ direct))


def leave_one_out(vectors: Floats, is_one: Bools) -> Floats:
    """Return the margin of each example by a probe that has not seen it.

    Those that lack the tag are left out in turns, a tenth at once.
    """
    margins = np.zeros(len(vectors))
    for left_out in _folds(is_one):
        rest = np.setdiff1d(np.arange(len(vectors)), left_out)
        weights = fit(vectors[rest], is_one[rest])
        margins[left_out] = _margins(vectors[left_out], weights)
    return margins


def _folds(is_one: Bools) -> Iterator[Ints]:
    for place in np.flatnonzero(is_one):
        yield np.array([place])
    zeros = np.flatnonzero(~is_one)
    if len(zeros) > 1:
        for part in range(min(10, len(zeros))):
            yield zeros[part::10]


def _margins(vectors: Floats, weights: Floats) -> Floats:
    return np.asarray(vectors @ weights[:-1] + weights[-1])


def _platt(margins: Floats, is_one: Bools) -> tuple[float, float]:
    """Return slope and offset of Platt scaling, with his targets for few examples."""
    n_ones, n_zeros = is_one.sum(), (~is_one).sum()
    target = np.where(is_one, (n_ones + 1) / (n_ones + 2), 1 / (n_zeros + 2))
    x = np.stack([margins, np.ones(len(margins))], axis=1)
    shares = np.where(is_one, 0.5 / n_ones, 0.5 / n_zeros)
    found = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = _sigmoid(x @ found)
        curvature = (shares * p * (1 - p))[:, None] * x
        gradient = x.T @ (shares * (p - target)) + 1e-3 * found
        found = found - np.linalg.solve(x.T @ curvature + 1e-3 * np.eye(2), gradient)
    return max(float(found[0]), 1e-3), float(found[1])


def best_threshold(scores: Floats, is_one: Bools) -> tuple[float, float]:
    """Return the score that separates best, and the share it separates, each side counting half."""
    levels = np.unique(scores)
    middles = (levels[1:] + levels[:-1]) / 2 if len(levels) > 1 else levels
    right = [((scores[is_one] >= x).mean() + (scores[~is_one] < x).mean()) / 2 for x in middles]
    best = int(np.argmax(right))
    return float(middles[best]), float(right[best])


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _write(
    database: Database,
    tag: str,
    scores: dict[int, float],
    threshold: float,
    examples: Sequence[int],
    others: Sequence[int],
) -> int:
    """Write the scores of a tag, and its examples; return how many tracks have it."""
    rows = [(n, score) for n, score in scores.items() if score >= threshold / 2]
    with database.write() as db:
        db.execute("insert into tags (name) values (?) on conflict do nothing", (tag,))
        (number,) = db.execute("select id from tags where name = ?", (tag,)).fetchone()
        db.execute("update tags set threshold = ? where id = ?", (threshold, number))
        db.execute("delete from own_tags where tag = ?", (number,))
        db.executemany("insert into own_tags values (?, ?, ?)", ((number, *row) for row in rows))
        db.execute("delete from examples where tag = ?", (number,))
        held = [(number, n, 1) for n in dict.fromkeys(examples)]
        held += [(number, n, 0) for n in dict.fromkeys(others)]
        db.executemany("insert or replace into examples values (?, ?, ?)", held)
        db.execute("delete from track_tags where tag = ?", (number,))
        db.execute(
            "insert into track_tags select tag, track, score from own_tags where tag = ?",
            (number,),
        )
        db.execute("update tags set taught = ? where id = ?", (time.time(), number))
    return sum(score >= threshold for _, score in rows)
