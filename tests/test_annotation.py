import numpy as np
import pytest

from mirkit.annotation import (
    Beats,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
    TempoHypothesis,
    TempoMap,
)
from mirkit.errors import ParameterError


def levels():
    slow = TempoHypothesis(60, 0.3, [0.0, 1.0, 2.0])
    fast = TempoHypothesis(
        120, 0.7, [0.0, 0.5, 1.0, 1.5, 2.0], positions=[1, 2, 3, 4, 1], tempo_confidence=0.8
    )
    return Beats(fast.times, fast.positions, hypotheses=(fast, slow), level=0)


def test_levels_are_looked_up_by_rank_and_by_ratio():
    beats = levels()
    assert beats.bpm == 120
    assert beats.halve() == beats.at(1)
    assert beats.halve().double() == beats.at(0)
    assert len(beats.halve()) == 3
    np.testing.assert_array_equal(beats.downbeats, [0.0, 2.0])


def test_a_level_that_was_not_decoded_is_named_with_those_that_were():
    with pytest.raises(ParameterError, match=r"no level at 240\.0 bpm.*120\.0, 60\.0"):
        levels().double()
    with pytest.raises(ParameterError, match="levels 0 to 1"):
        levels().at(2)
    with pytest.raises(ParameterError, match="no tempo hypotheses"):
        Beats([1.0]).at(0)


def test_the_tempo_of_a_chosen_level_carries_its_confidence_and_that_of_another_does_not():
    assert levels().tempo == Tempo(120, 0.8, ((120, 0.7), (60, 0.3)))
    assert levels().halve().tempo.confidence is None


def test_beats_without_levels_take_their_tempo_from_the_median_interval():
    assert Beats([0, 0.5, 1.0, 1.6]).bpm == pytest.approx(120)
    assert Beats([1.0]).bpm is None
    assert Beats().bpm is None


@pytest.mark.parametrize(
    ("times", "match"),
    [
        ([1.0, 0.5], r"times\[1\] is 0.5 s after 1.0 s"),
        ([0.5, 0.5], "must increase"),
        ([-0.1], "start at 0"),
        ([0.1, np.nan], r"times\[1\] is nan"),
        ([[0.1]], "1 axes"),
    ],
)
def test_bad_beat_times_are_refused_with_their_place(times, match):
    with pytest.raises(ParameterError, match=match):
        Beats(times)


def test_arrays_are_copies_that_cannot_be_written():
    times = np.array([0.5, 1.0])
    beats = Beats(times)
    times[0] = 9
    assert beats.times[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        beats.times[0] = 1


def test_confidence_and_positions_match_the_beats():
    with pytest.raises(ParameterError, match="confidence holds 1 items where 2"):
        Beats([1.0, 2.0], confidence=[0.5])
    with pytest.raises(ParameterError, match=r"confidence\[1\] is 1.5"):
        Beats([1.0, 2.0], confidence=[0.5, 1.5])
    with pytest.raises(ParameterError, match="count from 1"):
        Beats([1.0, 2.0], positions=[1, -2])


def test_segments_partition_time_and_events_may_overlap():
    overlapping = [[0.0, 2.0], [1.0, 3.0]]
    assert len(Events(overlapping, ("dog", "car"))) == 2
    with pytest.raises(ParameterError, match="what may overlap are Events"):
        Segments(overlapping, ("C:maj", "G:maj"), kind="chord")
    with pytest.raises(ParameterError, match="duration"):
        Segments([[5.0, 1.0]], ("N",))
    assert len(Segments([], ())) == 0


def notes(labels=("60", "64"), kind="note", **more):
    return Events([[0.0, 1.0], [0.5, 2.0]], labels, kind=kind, **more)


def test_the_pitches_of_notes_are_their_labels_unless_given():
    np.testing.assert_array_equal(notes().pitches, [60, 64])
    np.testing.assert_array_equal(notes(("60", "61.5")).pitches, [60, 61.5])
    np.testing.assert_array_equal(notes(pitches=[60.2, 64]).pitches, [60.2, 64])
    np.testing.assert_allclose(notes(("69", "57.5")).frequencies, [440, 226.446], atol=1e-3)
    assert notes(("C4", "64")).pitches is notes(("C4", "64")).frequencies is None
    assert notes(kind="event").pitches is None


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"pitches": [60, 440.0]}, r"pitches\[1\] is 440.0; .*frequencies \[Hz\]"),
        ({"pitches": [60, np.nan]}, r"pitches\[1\] is nan"),
        ({"pitches": [60]}, "pitches holds 1 items where 2"),
        ({"labels": ("60", "440")}, r"pitches\[1\] is 440.0"),
        ({"velocities": [0.5, 1.0]}, r"velocities\[0\] is 0; it lies in 1 … 127.*127"),
        ({"velocities": [64, 128]}, r"velocities\[1\] is 128"),
        ({"kind": "event", "pitches": [60, 64]}, "pitches are given, but kind is 'event'"),
    ],
)
def test_bad_pitches_and_velocities_are_refused_with_the_likely_mistake(more, match):
    with pytest.raises(ParameterError, match=match):
        notes(**more)


def test_tags_are_kept_best_first():
    assert list(Tags(("a", "b", "c"), [0.1, 0.9, 0.9])) == [("b", 0.9), ("c", 0.9), ("a", 0.1)]


def test_keys_have_one_spelling():
    assert Key("Db:min") == Key("C# minor")
    assert Key("gb major").label == "F# major"
    assert Key("Am").label == "A minor"
    with pytest.raises(ParameterError, match="no key"):
        Key("H dorian")


def test_tempo_maps_check_every_tempo():
    with pytest.raises(ParameterError, match="bpms is 0"):
        TempoMap([0.0, 1.0], [120, 0])
