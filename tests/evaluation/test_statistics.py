import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.errors import ParameterError
from mirkit.evaluation.statistics import Interval, bootstrap, interval, resample


def plain_bootstrap(values, songs, n_draws, seed):
    """One draw and one song at a time, with the same random numbers."""
    names = sorted(set(songs))
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(names), [1 / len(names)] * len(names), size=n_draws)
    means = []
    for drawn in times:
        chosen = []
        for name, n in zip(names, drawn, strict=True):
            chosen += [v for v, s in zip(values, songs, strict=True) if s == name] * n
        means.append(np.mean([v for v in chosen if v == v] or [np.nan]))
    return np.nanquantile(means, [0.025, 0.975])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_songs_are_drawn_with_all_their_clips(seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(size=12)
    values[rng.uniform(size=12) < 0.2] = np.nan
    values[:2] = 0.5
    songs = ["ab"[i % 2] if i < 2 else str(rng.integers(4)) for i in range(12)]
    found = bootstrap(values[:, None], songs, n_draws=50, seed=seed)[0]
    assert found.mean == pytest.approx(np.nanmean(values))
    low, high = plain_bootstrap(values, songs, 50, seed)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_interval_is_that_of_scipy():
    from scipy import stats

    values = np.random.default_rng(0).beta(5, 2, 80)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=1)
    ours = bootstrap(values[:, None], n_draws=5000)[0]
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.004)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        x = bootstrap(rng.normal(size=(60, 1)), n_draws=300, seed=seed)[0]
        held += x.low <= 0 <= x.high
    assert 0.89 <= held / 200 <= 0.985


def test_clips_of_one_song_widen_the_interval():
    values = np.repeat(np.random.default_rng(2).uniform(size=20), 5)[:, None]
    apart = bootstrap(values)[0]
    together = bootstrap(values, [str(i // 5) for i in range(100)])[0]
    assert together.mean == pytest.approx(apart.mean)
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_one_song_gives_no_interval_and_no_clip_no_mean():
    values = np.array([[0.5, np.nan], [1.0, np.nan]])
    assert bootstrap(values, ["a", "a"]) == [Interval(0.75, None, None, 2), None]
    assert bootstrap(np.empty((0, 1))) == [None]


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(3).uniform(size=(30, 2))
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values, seed=1) != bootstrap(values)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ParameterError, match="n_draws is 0"):
        bootstrap(np.ones((2, 1)), n_draws=0)
    with pytest.raises(ParameterError, match="songs holds 1"):
        bootstrap(np.ones((2, 1)), ["a"])


def test_any_statistic_meets_the_same_draws_in_blocks_of_any_size():
    values = np.random.default_rng(4).uniform(size=(12, 2))

    def mean(times):
        return times @ values / times.sum(1, keepdims=True)

    whole = resample(mean, 12, 50, seed=5)
    assert whole.shape == (51, 2)
    assert np.allclose(whole[0], values.mean(0))
    assert np.allclose(resample(mean, 12, 50, seed=5, n_at_once=7), whole)
    found = bootstrap(values, [f"{i:02d}" for i in range(12)], n_draws=50, seed=5)
    for column, x in zip(whole.T, found, strict=True):
        same = interval(column, 12, 12)
        assert (same.mean, same.low, same.high) == pytest.approx((x.mean, x.low, x.high))
    assert resample(lambda times: times, 1, 50, seed=5).shape == (1, 1)


def test_an_infinite_draw_is_an_end_and_no_hole():
    column = np.array([2.0, 1.0, np.inf, np.nan, 3.0])
    assert interval(column, 9, 3, method="nearest") == Interval(2.0, 1.0, np.inf, 9)
