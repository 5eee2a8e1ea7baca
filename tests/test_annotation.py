import numpy as np
import pytest

from mirkit.annotation import (
    Beats,
    Embedding,
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
    assert levels().tempo == Tempo(120, 0.8, ((120, 0.7), (60, 0.3)), meter=4)
    assert levels().halve().tempo.confidence is None


def test_beats_without_levels_take_their_tempo_from_the_median_interval():
    assert Beats([0, 0.5, 1.0, 1.6]).bpm == pytest.approx(120)
    assert Beats([1.0]).bpm is None
    assert Beats().bpm is None


def test_held_and_missing_beats_leave_the_tempo_as_it_is():
    even = np.arange(21) * 0.42
    held = even + 0.09 * (np.arange(21) > 7) + 0.08 * (np.arange(21) > 8)
    assert Beats(held).bpm == pytest.approx(60 / 0.42, rel=1e-9)
    assert Beats(np.delete(even, [5, 12])).bpm == pytest.approx(60 / 0.42, rel=1e-9)


def test_beats_on_a_coarse_clock_still_have_a_fine_tempo():
    coarse = np.round(np.arange(30) * 60 / 127.3, 2)
    assert Beats(coarse).bpm == pytest.approx(127.3, rel=2e-3)


@pytest.mark.parametrize(
    ("positions", "meters", "meter"),
    [
        ([1, 2, 3, 4, 1, 2, 3, 4], [4] * 8, 4),
        ([1, 2, 3, 1, 2, 3, 4, 1, 2], [3, 3, 3, 4, 4, 4, 4, 4, 4], 3),  # it changes; cut at the end
        ([3, 4, 1, 2, 3, 1, 2, 3, 1], [4, 4, 3, 3, 3, 3, 3, 3, 3], 3),  # a pick-up of another bar
        ([1, 2, 3, 4, 5, 6, 1, 2], [6] * 8, 6),
        ([1, 0, 0, 1, 0, 0], [3, 3, 3, 3, 3, 3], 3),  # downbeats alone
        ([2, 3], [3, 3], None),
        ([0, 0], [0, 0], None),
    ],
)
def test_meters_follow_from_the_positions(positions, meters, meter):
    beats = Beats(np.arange(1.0, len(positions) + 1), positions)
    assert beats.meters.tolist() == meters
    assert (beats.meter, beats.tempo.meter) == (meter, meter)


def test_beats_without_positions_have_no_meter():
    assert (Beats([1.0]).meters, Beats([1.0]).meter, Beats([1.0]).tempo.meter) == (None,) * 3


def test_the_meter_comes_with_the_confidence_of_the_chosen_level():
    level = TempoHypothesis(120, 1.0, [1.0, 2.0], [1, 2], meter_confidence=0.75)
    assert Beats(level.times, level.positions, hypotheses=(level,), level=0).tempo == Tempo(
        120, None, ((120, 1.0),), None, 2, 0.75
    )
    for wrong in ({"meter": 0}, {"meter": "4/4"}, {"meter_confidence": 2}):
        with pytest.raises(ParameterError, match="meter"):
            Tempo(120, **wrong)


@pytest.mark.parametrize(
    ("bpm", "meter", "denominator", "bar"),
    [(240, 6, 8, 1.5), (60, 2, 2, 2.0), (120, 4, 4, 2.0), (420, 7, 8, 1.0), (480, 12, 16, 1.5)],
)
def test_a_bar_lasts_as_long_as_its_beats_whatever_they_are_written_as(
    bpm, meter, denominator, bar
):
    assert TempoMap([0.0], [bpm], [meter], denominators=[denominator]).bars == pytest.approx([bar])


def test_denominators_are_notes_and_quarters_where_nothing_else_is_said():
    assert TempoMap([0.0], [120], [3]) == TempoMap([0.0], [120], [3], denominators=[4])
    assert TempoMap([0.0], [120]).denominators is None
    assert Beats([1.0, 2.0], denominators=[4, 4]) == Beats([1.0, 2.0])
    assert Beats([1.0, 2.0], denominators=[8, 8]).denominators.tolist() == [8, 8]
    for wrong in ([3], [0], [128], [4, 4], ["8/8"]):
        with pytest.raises(ParameterError, match="denominators"):
            TempoMap([0.0], [120], [3], denominators=wrong)
    with pytest.raises(ParameterError, match="without meters"):
        TempoMap([0.0], [120], denominators=[8])


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


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tempo("120"),
        lambda: Tempo(True),
        lambda: Tempo(120, "0.5"),
        lambda: TempoHypothesis(None, 0.5),
        lambda: TempoHypothesis(120, [0.5]),
        lambda: Beats([1.0, 2.0], [1.5, 2.5]),
        lambda: Beats([1.0], [np.nan]),
        lambda: Beats([1.0], [np.inf]),
        lambda: Beats([1.0 + 1j]),
        lambda: Beats("soon"),
        lambda: Segments([[0, "x"]], ["a"]),
        lambda: Segments(None, ["a"]),
        lambda: Segments([[0, 1]], "a"),
        lambda: Segments([[0, 1]], [3]),
        lambda: Segments([[0, 1]], None),
        lambda: Tags(["a", 3], [0.5, 0.5]),
    ],
)
def test_values_of_a_wrong_type_are_refused_in_words(make):
    with pytest.raises(ParameterError, match=r"\w+ (is|has|holds|does|\[)|\w+\[\d+\] is"):
        make()


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
        ({"velocities": [0.5, 1.0]}, "velocities holds 0.5; it holds whole numbers"),
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


def test_an_embedding_tells_its_size_and_not_its_numbers():
    assert repr(Embedding(np.zeros((1, 128), np.float32))) == "Embedding(1 vector, 128 dimensions)"
