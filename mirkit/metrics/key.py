"""Score keys: MIREX's weighted score, and the share of time where local keys are right."""

from __future__ import annotations

import numpy as np

from mirkit.annotation import Key, Segments
from mirkit.errors import ParameterError
from mirkit.metrics.spans import fit_span, gapless, labels_at
from mirkit.vocab.keys import NO_KEY, is_scored, read_key
from mirkit.vocab.notes import pitch_class

NEAR = {"correct": 1.0, "fifth": 0.5, "relative": 0.3, "parallel": 0.2, "other": 0.0}
"""What MIREX gives for each way of being near the true key."""

_RELATIVE = {("minor", 3): "relative", ("major", 9): "relative"}
"""The mode of the true key, and how far above its tonic that of its relative is [semitones]."""

NONE = ""
"""What stands for no key in a list of local keys."""


def key_scores(reference: Key, estimate: Key) -> dict[str, float]:
    """Score the key of a recording, and its local keys where both know them.

    Returns
    -------
    dict
        ``weighted`` (1, or 0.5 for the fifth above, 0.3 for the relative, 0.2 for the parallel
        key), and 0 or 1 for each of ``correct``, ``fifth``, ``relative``, ``parallel`` and
        ``other``: their means over recordings are the table that MIREX prints. With
        local keys in both also ``local_correct`` and ``local_weighted``, the means over time.
        A reference in another mode than major and minor is not scored: then there are none of
        these, and its stretches do not count in the local ones.

    Examples
    --------
    >>> scores = key_scores(Key("C major"), Key("A minor"))
    >>> scores["weighted"], scores["correct"], scores["relative"]
    (0.3, 0.0, 1.0)
    """
    scores: dict[str, float] = {}
    if reference.label is None or is_scored(reference.label):
        near = nearness(reference.label, estimate.label)
        scores = {"weighted": NEAR[near]} | {name: float(name == near) for name in NEAR}
    if reference.segments is not None and estimate.segments is not None:
        scores |= local_key_scores(reference.segments, estimate.segments)
    return scores


def nearness(reference: str | None, estimate: str | None) -> str:
    """Return how an estimated key is near the true one: a name in `NEAR`.

    Examples
    --------
    >>> nearness("C major", "G major"), nearness("C major", "F major"), nearness(None, None)
    ('fifth', 'other', 'correct')
    """
    if reference is None or estimate is None:
        return "correct" if reference == estimate else "other"
    (true, true_mode), (found, mode) = (read_key(label).split() for label in (reference, estimate))
    above = (pitch_class(found) - pitch_class(true)) % 12
    if mode == true_mode:
        return {0: "correct", 7: "fifth"}.get(above, "other")
    return "parallel" if above == 0 else _RELATIVE.get((true_mode, above), "other")


def local_key_scores(reference: Segments, estimate: Segments) -> dict[str, float]:
    """Return the share of time where local keys are right, and the mean of MIREX's weights.

    The estimate is cut to the span of the reference; where it has no key it is wrong.

    Raises
    ------
    ParameterError
        Where the reference is empty, or a label is no key.

    Examples
    --------
    >>> true = Segments([[0, 6], [6, 8]], ("C major", "G major"), kind="key")
    >>> local_key_scores(true, Segments([[0, 8]], ("C major",), kind="key"))
    {'local_correct': 0.75, 'local_weighted': 0.75}
    """
    true_edges, true_labels = gapless(reference, NONE)
    if not true_labels:
        raise ParameterError("the reference holds no keys; there is nothing to score against")
    found_edges, found_labels = fit_span(estimate, true_edges[0], true_edges[-1], NONE)
    edges = np.unique(np.concatenate([true_edges, found_edges]))
    middles = (edges[1:] + edges[:-1]) / 2
    pairs = zip(
        labels_at(true_edges, _without_names(true_labels), middles),
        labels_at(found_edges, _without_names(found_labels), middles),
        strict=True,
    )
    rows = [
        (nearness(true or None, found or None), length)
        for (true, found), length in zip(pairs, np.diff(edges), strict=True)
        if true == NONE or is_scored(true)
    ]
    if not rows:
        return {}
    near, lengths = zip(*rows, strict=True)
    return {
        "local_correct": float(np.average([x == "correct" for x in near], weights=lengths)),
        "local_weighted": float(np.average([NEAR[x] for x in near], weights=lengths)),
    }


def _without_names(labels: list[str]) -> list[str]:
    return [NONE if label == NO_KEY else label for label in labels]


def longest_key(local: Segments) -> Key:
    """Return the key in which a piece is longest, with the local keys; none only where none is.

    Examples
    --------
    >>> longest_key(Segments([[0, 9], [9, 12]], ("C major", "A minor"), kind="key")).label
    'C major'
    """
    seconds: dict[str, float] = {}
    for (start, end), label in zip(local.intervals.tolist(), local.labels, strict=True):
        if label != NO_KEY:
            seconds[label] = seconds.get(label, 0.0) + end - start
    return Key(max(seconds, key=lambda label: seconds[label], default=None), segments=local)
