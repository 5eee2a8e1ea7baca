from itertools import pairwise

import numpy as np
import pytest
import signals
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.activations import Activations, Head, beat_activations
from mirkit.annotation import Beats
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.metrics.beat import beat_scores
from mirkit.music.beat.decoder import decoder
from mirkit.music.beat.follower import BeatFollower

FPS = 50


def made(beats, downbeats=None, **options):
    """Activations of beats [s], of which every fourth is a downbeat."""
    curve = signals.click_activation(beats, FPS, **options)
    down = signals.click_activation(beats[::4], FPS, duration=(len(curve) - 1) / FPS)
    return beat_activations(curve, np.resize(down, len(curve)), fps=FPS)


def parts(activations, sizes):
    """Cut activations into consecutive ones of some lengths, the rest in the last."""
    grid = activations["beat"].grid
    n_frames = activations["beat"].n_frames
    bounds = np.unique(np.minimum([0, *np.cumsum(sizes), n_frames], n_frames))
    for first, stop in pairwise(bounds):
        own = FrameGrid(grid.rate, float(grid.time_of(first)))
        heads = {
            name: Head(activations[name].values[first:stop], (name,), own)
            for name in ("beat", "downbeat")
        }
        if "tempo" in activations:
            tempo = activations["tempo"]
            rows = slice(-(-first // FPS), -(-stop // FPS))
            start = float(tempo.grid.time_of(rows.start))
            slow = FrameGrid(tempo.grid.rate, start)
            heads["tempo"] = Head(tempo.values[rows], tempo.labels, slow, "softmax")
        yield Activations(heads)


def with_tempo(activations, bpm):
    """Add a tempo head, a row a second, that is sure of one tempo."""
    n_rows = -(-activations["beat"].n_frames // FPS)
    rows = np.full((n_rows, 300), 1e-4)
    rows[:, bpm - 2 : bpm + 3] = 0.2
    labels = tuple(map(str, range(300)))
    head = Head(rows / rows.sum(1, keepdims=True), labels, FrameGrid.from_fps(1), "softmax")
    return Activations({**activations, "tempo": head})


@pytest.mark.parametrize("bpm", [60, 83.7, 120, 171])
def test_steady_beats_are_found_where_they_are(bpm):
    truth = signals.steady_beats(bpm, 20)
    found = BeatFollower()(with_tempo(made(truth), round(bpm)))
    scores = beat_scores(Beats(truth), found)
    assert scores["cmlt"] == 1
    late = found.times[found.times > 5]
    nearest = truth[np.abs(truth[:, None] - late).argmin(axis=0)]
    assert np.abs(late - nearest).max() < 0.02
    assert abs(np.mean(late - nearest)) < 0.012
    assert (found.confidence[-5:] > 0.6).all()


def test_positions_follow_the_downbeats():
    truth = signals.steady_beats(120, 20)
    found = BeatFollower()(made(truth))
    late = found.times > 6
    bars = np.rint((found.times[late] - truth[0]) / 0.5).astype(int) % 4 + 1
    np.testing.assert_array_equal(found.positions[late], bars)


def test_meter_of_three_is_heard_and_may_be_asked_for():
    truth = signals.steady_beats(120, 20)
    curve = signals.click_activation(truth, FPS)
    down = np.resize(signals.click_activation(truth[::3], FPS, duration=22), len(curve))
    for follower in (BeatFollower(), BeatFollower(meter=3)):
        found = follower(beat_activations(curve, down, fps=FPS))
        assert found.positions[found.times > 8].max() == 3


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=8), st.booleans())
def test_blocks_of_any_length_give_the_same_beats(sizes, has_tempo):
    activations = made(signals.ramp_beats(100, 130, 7), noise=0.05)
    if has_tempo:
        activations = with_tempo(activations, 110)
    whole = BeatFollower()(activations)
    assert len(whole) > 8
    updates = list(BeatFollower().stream(parts(activations, sizes)))
    for name in ("times", "positions", "confidence"):
        joined = np.concatenate([getattr(update.beats, name) for update in updates])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_frame_by_frame_gives_each_beat_with_the_frame_nearest_to_it():
    activations = made(signals.ramp_beats(90, 120, 10))
    n_frames = activations["beat"].n_frames
    updates = list(BeatFollower().stream(parts(activations, [1] * n_frames)))
    assert len(updates) == n_frames
    beats = [(update.time, time) for update in updates for time in update.beats.times]
    assert len(beats) > 10
    assert max(abs(frame - beat) for frame, beat in beats) <= 0.5 / FPS + 1e-9


def test_next_beat_is_foretold():
    activations = made(signals.steady_beats(110, 15))
    updates = list(BeatFollower().stream(parts(activations, [1] * 10_000)))
    told = None
    errors = []
    for update in updates:
        if len(update.beats) and told is not None and update.time > 5:
            errors.append(update.beats.times[0] - told)
        if len(update.beats):
            told, bpm = update.next_beat, update.bpm
            assert told > update.time
    assert len(errors) > 10
    assert np.abs(errors).max() < 0.02
    assert bpm == pytest.approx(110, rel=0.02)


@pytest.mark.parametrize(("first", "last"), [(90, 120), (140, 105)])
def test_tempo_that_drifts_is_followed(first, last):
    truth = signals.ramp_beats(first, last, 30)
    found = BeatFollower()(made(truth))
    assert beat_scores(Beats(truth), found)["cmlt"] > 0.95


def test_tempo_that_jumps_is_found_again():
    before, after = signals.steady_beats(100, 12), signals.steady_beats(135, 14) + 12.1
    truth = np.concatenate([before, after])
    found = BeatFollower()(made(truth))
    late = found.times[found.times > 18]
    expected = truth[truth > 18]
    assert len(late) == pytest.approx(len(expected), abs=1)
    assert np.median(np.diff(late)) == pytest.approx(60 / 135, rel=0.02)


def uneven(bpm):
    """Beats of which every second is weaker: two levels to choose from."""
    truth = signals.steady_beats(bpm, 20)
    strong = signals.click_activation(truth[::2], FPS, 21, 0.9)
    weak = signals.click_activation(truth[1::2], FPS, 21, 0.6)
    return beat_activations(np.maximum(strong, weak), np.zeros(len(weak)), fps=FPS)


def test_tempo_head_chooses_the_slower_level():
    low = BeatFollower()(with_tempo(uneven(140), 70))
    assert np.median(np.diff(low.times[-8:])) == pytest.approx(60 / 70, rel=0.02)


def test_tempo_head_keeps_the_faster_level():
    high = BeatFollower()(with_tempo(uneven(140), 140))
    assert np.median(np.diff(high.times[-8:])) == pytest.approx(60 / 140, rel=0.02)


def test_silence_has_no_beats_and_ends_them():
    silent = beat_activations(np.zeros(500), np.zeros(500), fps=FPS)
    (update,) = BeatFollower().stream([silent])
    assert len(update.beats) == 0
    assert update.bpm is update.next_beat is None
    truth = signals.steady_beats(120, 10)
    found = BeatFollower()(made(truth, duration=40))
    assert len(found) >= 15
    assert found.times[-1] < 20


def test_no_frames_have_no_beats():
    assert len(BeatFollower()(beat_activations([], fps=FPS))) == 0
    assert list(BeatFollower().stream([])) == []
    assert len(BeatFollower()(beat_activations([0.9], fps=FPS))) == 0


def test_beats_without_a_downbeat_head_have_no_positions():
    curve = signals.click_activation(signals.steady_beats(120, 10), fps=100)
    found = decoder("live")(beat_activations(curve, fps=100))
    assert len(found) > 10
    assert found.positions is None


def test_what_is_no_probability_is_named():
    with pytest.raises(ParameterError, match="beat\\[3\\] is nan"):
        BeatFollower()(beat_activations([0, 0, 0, np.nan], fps=FPS))


@pytest.mark.parametrize(
    ("option", "value"),
    [("rigidity", 0), ("threshold", 2), ("bpm_range", (90, 60)), ("hint_bpm", 500), ("meter", 0)],
)
def test_wrong_option_is_named(option, value):
    with pytest.raises(ParameterError, match=option):
        BeatFollower(**{option: value})
