"""What an item gets, from annotations that are made."""

import numpy as np
import pytest

from mirkit.annotation import Analysis, Beats, Key, TempoHypothesis
from mirkit.hosts.beets.fields import fields_of, missing_tasks


def tracked(bpm):
    times = 0.3 + np.arange(64) * 60 / bpm
    levels = tuple(
        TempoHypothesis(bpm * ratio, score, times, tempo_confidence=0.75)
        for ratio, score in ((1, 0.7), (0.5, 0.2), (2, 0.1))
    )
    return Beats(times, confidence=np.full(64, 0.9), hypotheses=levels, level=0)


def test_the_tempo_is_that_of_the_grid_and_whole_for_beets():
    found = fields_of(Analysis({"beats": tracked(93.4)}))
    assert (found["bpm"], found["mirkit_bpm"]) == (93, 93.4)
    assert found["mirkit_tempo_alternatives"] == "46.70 186.80"
    assert found["mirkit_tempo_confidence"] == 0.75
    assert found["mirkit_beat_confidence"] == pytest.approx(0.9)
    assert found["mirkit_heard"] == "beats"
    assert "initial_key" not in found


def test_keys_are_spelled_as_tags():
    found = fields_of(Analysis({"key": Key("Eb major", 0.5)}), "beats")
    assert found == {
        "initial_key": "Eb", "mirkit_key_confidence": 0.5, "mirkit_heard": "beats key",
    }  # fmt: skip


def test_silence_is_heard_once():
    found = fields_of(Analysis({"beats": Beats(), "key": Key(None)}))
    assert found.pop("mirkit_heard") == "beats key"
    assert set(found.values()) == {None}
    assert missing_tasks({"mirkit_heard": "beats key"}) == ()
    assert missing_tasks({}) == ("beats", "key")
    assert missing_tasks({"bpm": 0, "initial_key": "Am"}) == ("beats",)
