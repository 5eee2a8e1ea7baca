import threading

import numpy as np
import pytest
import signals
import soundfile

from mirkit.errors import AudioError
from mirkit.features import FeatureCache, front_end

FRONT = front_end("vqt_11k")


def music(seed, seconds=2.0):
    return signals.music(seconds, FRONT.sample_rate, seed)


def test_features_are_computed_once():
    cache = FeatureCache()
    first = cache.features(music(0), FRONT)
    assert first == FRONT(music(0))
    assert cache.features(music(0), FRONT) is first
    assert (cache.n_hits, cache.n_misses) == (1, 1)


def test_a_copy_of_a_file_is_the_same_recording(tmp_path):
    cache = FeatureCache()
    for name in ("one.wav", "other.wav"):
        soundfile.write(tmp_path / name, music(0).samples[0], FRONT.sample_rate)
    first = cache.features(tmp_path / "one.wav", FRONT)
    assert cache.features(tmp_path / "other.wav", FRONT) is first


def test_front_ends_and_recordings_are_told_apart():
    cache = FeatureCache()
    cache.features(music(0), FRONT)
    cache.features(music(1), FRONT)
    cache.features(music(0), front_end("onset"))
    assert (len(cache), cache.n_hits) == (3, 0)


def test_the_least_recently_used_goes_first():
    size = FRONT(music(0)).values.nbytes
    cache = FeatureCache(max_bytes=2 * size)
    first = cache.features(music(0), FRONT)
    cache.features(music(1), FRONT)
    cache.features(music(0), FRONT)
    cache.features(music(2), FRONT)  # drops 1
    assert cache.n_bytes == 2 * size
    assert cache.features(music(0), FRONT) is first
    hits = cache.n_hits
    cache.features(music(1), FRONT)
    assert cache.n_hits == hits


def test_what_is_larger_than_the_cache_is_made_and_not_kept():
    cache = FeatureCache(max_bytes=10)
    assert cache.features(music(0), FRONT) == FRONT(music(0))
    assert (len(cache), cache.n_bytes) == (0, 0)


def test_threads_compute_the_same_features_once():
    cache, count = FeatureCache(), []

    def compute():
        count.append(1)
        return FRONT(music(0, 5.0))

    threads = [threading.Thread(target=cache.get, args=(("x", FRONT), compute)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(count) == 1
    assert cache.n_hits == 7


def test_a_failure_is_not_kept():
    cache = FeatureCache()
    empty = (np.zeros(0, np.float32), FRONT.sample_rate)
    for _ in range(2):
        with pytest.raises(AudioError, match="no samples"):
            cache.features(empty, FRONT)


def test_clear_forgets():
    cache = FeatureCache()
    cache.features(music(0), FRONT)
    cache.clear()
    assert (len(cache), cache.n_bytes) == (0, 0)


def test_an_empty_cache_is_not_taken_for_none():
    assert len(FeatureCache()) == 0
    assert FeatureCache()
