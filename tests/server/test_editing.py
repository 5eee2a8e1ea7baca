"""Corrections of grids: what moves, what stays, and what is refused."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mirkit.annotation import Beats, TempoHypothesis
from mirkit.errors import ParameterError
from mirkit.server import editing

END = 30.0


def steady(bpm=120.0, start=0.5, end=END, meter=4, first=0):
    times = np.arange(start, end, 60 / bpm)
    return Beats(times, positions=(np.arange(len(times)) - first) % meter + 1)


grids = st.builds(
    steady, st.floats(60, 180), st.floats(0, 1), st.floats(10, 60), st.integers(2, 7),
    st.integers(0, 3),
)  # fmt: skip


@given(grids)
def test_halving_what_was_doubled_gives_the_same_beats(beats):
    assume(beats.meter % 2 == 0)  # a bar of five doubled has downbeats on odd beats
    again = editing.halve(editing.double(beats))
    assert again.times == pytest.approx(beats.times)
    assert again.provenance == editing.HUMAN


def test_halving_keeps_the_first_downbeat():
    halved = editing.halve(steady(first=1))
    assert halved.times[0] == 1.0
    assert halved.positions[:5].tolist() == [1, 2, 3, 4, 1]


def test_levels_that_were_decoded_are_looked_up():
    slow = TempoHypothesis(60, 0.3, [0.7, 1.7, 2.7], positions=[1, 2, 1])
    fast = TempoHypothesis(120, 0.7, [0.5, 1.0, 1.5, 2.0])
    beats = Beats(fast.times, hypotheses=(fast, slow), level=0)
    assert editing.halve(beats).times.tolist() == [0.7, 1.7, 2.7]
    moved = editing.shift(beats, 0.5)
    assert editing.halve(moved).times.tolist() == [0.75, 1.75], "an edited grid is not looked up"


@given(grids, st.integers(-9, 9))
def test_whole_beats_move_the_downbeats_alone(beats, by):
    moved = editing.shift(beats, by)
    assert np.array_equal(moved.times, beats.times)
    downs, before = np.flatnonzero(moved.positions == 1), np.flatnonzero(beats.positions == 1)
    assert (downs[0] - before[0] - by) % beats.meter == 0
    assert np.array_equal(editing.shift(moved, -by).positions, beats.positions)


def test_half_a_beat_moves_the_beats():
    moved = editing.shift(steady(), 0.5)
    assert moved.times == pytest.approx(steady().times + 0.25)
    assert np.array_equal(moved.positions, steady().positions)


def test_a_nudge_drops_what_falls_before_the_start():
    moved = editing.nudge(steady(start=0.01), -0.02)
    assert moved.times[0] == pytest.approx(0.49)
    assert moved.positions[0] == 2


@given(st.floats(40, 200), st.floats(0, END))
def test_one_tempo_is_laid_through_its_anchor(bpm, anchor):
    beats = editing.set_bpm(steady(), bpm, END, anchor)
    assert np.diff(beats.times[1:]) == pytest.approx(60 / bpm)
    assert np.abs(beats.times - anchor).min() < 1e-6
    assert beats.times[0] < 60 / bpm + 1e-6
    assert END - beats.times[-1] < 60 / bpm + 1e-6


def test_the_one_tempo_of_a_human_grid_is_round_and_near_all_beats():
    rng = np.random.default_rng(0)
    true = steady(bpm=124.0, end=240.0)
    heard = Beats(np.delete(true.times + rng.normal(0, 0.01, len(true)), [50, 51, 200]))
    found = editing.one_tempo(heard, 240.0)
    assert found.bpm == pytest.approx(124.0, abs=1e-6)
    off = found.times[:, None] - true.times
    assert np.abs(off[np.abs(off) < 0.1]).max() < 0.01


def test_one_tempo_is_as_fine_as_it_needs_to_be():
    assert editing.one_tempo(steady(bpm=93.37, end=300.0), 300.0).bpm == pytest.approx(
        93.37, abs=2e-3
    )


def test_a_downbeat_is_set_everywhere_or_from_here_on():
    beats = steady()
    everywhere = editing.set_downbeat(beats, 5.02)
    assert everywhere.positions[9] == 1
    assert everywhere.positions[5] == everywhere.positions[1] == 1
    here = editing.set_downbeat(beats, 5.02, from_here=True)
    assert here.positions[:9].tolist() == beats.positions[:9].tolist()
    assert here.positions[9:14].tolist() == [1, 2, 3, 4, 1]


def test_adjusting_from_here_keeps_what_lies_before():
    beats = steady()
    moved = editing.adjust_from(beats, 10.05, END)
    assert np.array_equal(moved.times[:19], beats.times[:19])
    assert moved.times[19:] == pytest.approx(beats.times[19:][: len(moved) - 19] + 0.05)
    faster = editing.adjust_from(beats, 10.05, END, bpm=150)
    assert np.array_equal(faster.times[:19], beats.times[:19])
    assert np.diff(faster.times[19:]) == pytest.approx(0.4)
    assert faster.times[19] == pytest.approx(10.05)
    assert faster.positions[19] == beats.positions[19]


def test_a_whole_number_of_beats_is_fitted_between_two_times():
    found = editing.stretch(steady(), 10.0, 14.0, 7)
    inside = found.times[(found.times >= 10) & (found.times <= 14)]
    assert inside == pytest.approx(np.linspace(10, 14, 8))
    assert np.array_equal(found.times[:19], steady().times[:19])
    assert found.times[-1] == steady().times[-1]


def test_beats_are_moved_added_and_taken_away():
    beats = steady()
    moved = editing.move(beats, 5.0, 5.1)
    assert moved.times[9] == 5.1
    assert np.array_equal(np.delete(moved.times, 9), np.delete(beats.times, 9))
    assert len(editing.insert(beats, 5.25)) == len(beats) + 1
    assert editing.delete(editing.insert(beats, 5.25), 5.25).times == pytest.approx(beats.times)
    with pytest.raises(ParameterError, match="between the neighbors"):
        editing.move(beats, 5.0, 6.2)
    with pytest.raises(ParameterError, match="a beat already"):
        editing.insert(beats, 5.01)


def test_taps_tell_tempo_and_place():
    rng = np.random.default_rng(1)
    taps = np.delete(3.0 + 0.48 * np.arange(20) + rng.normal(0, 0.012, 20), 7)
    found = editing.tap(steady(), taps, END)
    assert found.bpm == pytest.approx(125, rel=0.004)
    assert np.abs(found.times - 3.0).min() < 0.015
    part = editing.tap(steady(), taps, END, from_here=True)
    assert np.array_equal(part.times[:5], steady().times[:5])


@pytest.mark.parametrize(
    "edit",
    [
        lambda: editing.halve(Beats([0.5, 1.0])),
        lambda: editing.set_bpm(steady(), 0.5, END),
        lambda: editing.set_bpm(steady(), 120, END, anchor=99),
        lambda: editing.nudge(steady(), -100),
        lambda: editing.set_downbeat(Beats(), 1),
        lambda: editing.tap(steady(), [1, 2, 3], END),
        lambda: editing.double(steady(bpm=600)),
        lambda: editing.set_meter(steady(), 0),
        lambda: editing.stretch(steady(), 3, 2, 4),
        lambda: editing.one_tempo(Beats([1.0]), END),
    ],
)
def test_what_leaves_no_grid_is_refused(edit):
    with pytest.raises(ParameterError):
        edit()


@given(grids, st.lists(st.integers(0, 7), max_size=5), st.floats(1, 9))
def test_any_edits_leave_a_grid(beats, ops, at):
    for op in ops:
        change = [
            lambda b: editing.halve(b) if len(b) > 6 else b,
            lambda b: editing.double(b) if b.bpm < 400 else b,
            lambda b: editing.shift(b, 0.5),
            lambda b: editing.shift(b, 1),
            lambda b: editing.one_tempo(b, END),
            lambda b: editing.set_downbeat(b, at, from_here=True),
            lambda b: editing.adjust_from(b, at, END),
            lambda b: editing.adjust_from(b, at, END, bpm=100),
        ][op]
        beats = change(beats)
        assert (np.diff(beats.times) > 0).all()
        assert (beats.positions >= 1).all()
