import mir_eval
import numpy as np
import pytest

from mirkit.annotation import Key, Segments
from mirkit.errors import ParameterError
from mirkit.formats.mir_eval import to_mir_eval
from mirkit.metrics.key import NEAR, key_scores, local_key_scores, longest_key
from mirkit.vocab import KEYS


def test_the_weighted_score_is_that_of_mir_eval_for_every_pair_of_keys():
    for true in [*KEYS, None]:
        for found in [*KEYS, None]:
            scores = key_scores(Key(true), Key(found))
            assert scores["weighted"] == mir_eval.key.weighted_score(true or "X", found or "X")
            assert sum(scores[name] for name in NEAR) == 1


def keys(*rows):
    return Segments([row[:2] for row in rows], tuple(row[2] for row in rows), kind="key")


def test_local_keys_count_by_their_time():
    true = keys((0, 30, "C major"), (30, 40, "D major"))
    found = keys((0, 25, "C major"), (25, 35, "A major"), (35, 40, "D major"))
    scores = local_key_scores(true, found)
    assert scores["local_correct"] == pytest.approx(30 / 40)
    assert scores["local_weighted"] == pytest.approx((30 + 0.5 * 5) / 40)


def test_local_keys_are_compared_where_both_are_known():
    local = keys((0, 10, "C major"))
    both = key_scores(Key("C major", segments=local), Key("C major", segments=local))
    assert both["local_correct"] == both["local_weighted"] == 1
    assert "local_correct" not in key_scores(Key("C major"), Key("C major", segments=local))


def test_time_without_a_key_is_wrong_unless_there_is_none():
    true = keys((0, 10, "C major"), (20, 30, "C major"))
    assert local_key_scores(true, true)["local_correct"] == 1
    assert local_key_scores(true, keys((0, 10, "C major")))["local_correct"] == pytest.approx(2 / 3)
    assert local_key_scores(true, keys())["local_correct"] == pytest.approx(1 / 3)


def test_a_reference_of_nothing_is_refused():
    empty = Segments(np.empty((0, 2)), (), kind="key")
    with pytest.raises(ParameterError, match="nothing to score against"):
        local_key_scores(empty, keys((0, 1, "C major")))


def test_other_modes_are_not_scored():
    dorian, minor = Key("D dorian"), Key("D minor")
    assert key_scores(dorian, minor) == {}
    for true in KEYS:  # an estimate of a mode is scored as mir_eval does
        weighted = mir_eval.key.weighted_score(true, to_mir_eval(dorian))
        assert key_scores(Key(true), dorian)["weighted"] == weighted
    assert key_scores(minor, dorian)["parallel"] == 1


def test_stretches_in_other_modes_do_not_count():
    true = keys((0, 10, "C major"), (10, 90, "D:dorian"), (90, 100, "N"))
    found = keys((0, 5, "C major"), (5, 95, "D minor"))
    assert local_key_scores(true, found)["local_correct"] == pytest.approx((5 + 5) / 20)
    assert local_key_scores(keys((0, 9, "D lydian")), found) == {}
    both = key_scores(Key("D dorian", segments=true), Key("D minor", segments=found))
    assert set(both) == {"local_correct", "local_weighted"}


def test_the_key_of_the_whole_is_the_longest_and_silence_is_none():
    assert longest_key(keys((0, 90, "Silence"), (90, 95, "C"), (95, 99, "Am"))).label == "C major"
    assert longest_key(keys((0, 90, "N"))).label is None
