"""Recall and mean average precision at k, by hand and against a plain count."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mirkit.errors import ParameterError
from mirkit.metrics.retrieval import map_at, rank_all, recall_at


def test_recall_counts_queries_with_an_answer():
    rankings = [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]]
    relevant = [{"a"}, {"a", "b"}, {"a"}]
    assert recall_at(rankings, relevant, 1) == pytest.approx(1 / 3)
    assert recall_at(rankings, relevant, 2) == pytest.approx(2 / 3)
    assert recall_at(rankings, relevant, 3) == 1


def test_map_by_hand():
    # Answers at places 1 and 3: (1 + 2/3) / 2. One of two answers among the first three: 1/2 / 2.
    rankings = [list("axbyz"), list("xayzb")]
    assert map_at(rankings, [{"a", "b"}] * 2, 3) == pytest.approx(((1 + 2 / 3) / 2 + 0.25) / 2)


def test_map_divides_by_what_could_be_found():
    assert map_at([list("ab")], [set("abcdefgh")], 2) == 1


def test_map_over_all_is_the_average_precision_of_scikit_learn():
    rng = np.random.default_rng(0)
    scores, truth = rng.random((20, 30)), rng.random((20, 30)) < 0.2
    answers = [set(np.flatnonzero(row).tolist()) for row in truth]
    theirs = np.mean([average_precision_score(t, s) for t, s in zip(truth, scores, strict=True)])
    assert map_at(rank_all(scores), answers, 30) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("rankings", "relevant", "k", "message"),
    [
        ([], [], 1, "empty"),
        ([["a"]], [set()], 1, r"relevant\[0\] is empty"),
        ([["a"]], [{"a"}, {"b"}], 1, "holds 2 items"),
        ([["a"]], [{"a"}], 0, "k is 0"),
    ],
)
def test_mistakes_are_named(rankings, relevant, k, message):
    with pytest.raises(ParameterError, match=message):
        recall_at(rankings, relevant, k)
