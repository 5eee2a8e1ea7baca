import numpy as np
import pytest
from signals import click_activation, ramp_beats, steady_beats

from mirkit.activations import Activations, Head, beat_activations
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.music.beat.decoder import DECODERS, decoder

NAMES = sorted(name for name, entry in DECODERS.items() if not isinstance(entry, str))
# what follows forward does not know the beginning: test_follower.py holds it to what it can
LOOKING_BACK = [name for name in NAMES if name != "live"]
TRACKERS = [name for name in LOOKING_BACK if name != "peaks"]


def clicks(bpm=120, duration=20, fps=100, **options):
    beats = steady_beats(bpm, duration)
    return beats, click_activation(beats, fps=fps, duration=duration, **options)


def within(estimate, reference, tolerance=0.02):
    return len(estimate) == len(reference) and np.max(np.abs(estimate - reference)) < tolerance


@pytest.mark.parametrize("name", LOOKING_BACK)
@pytest.mark.parametrize("fps", [50, 86.1328125, 100, 200])
def test_every_decoder_finds_clicks_at_any_frame_rate(name, fps):
    beats, curve = clicks(fps=fps)
    assert within(decoder(name)(beat_activations(curve, fps=fps)).times, beats)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_frames", [0, 1, 2, 3, 300])
def test_silence_has_no_beats_and_no_tempo(name, n_frames):
    beats = decoder(name)(beat_activations(np.zeros(n_frames), np.zeros(n_frames), fps=100))
    assert len(beats) == 0
    assert beats.bpm is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("bad", "words"), [(np.nan, "broken"), (-3.2, "sigmoid_logits"), (7.5, "sigmoid_logits")]
)
def test_what_is_no_probability_is_named_with_the_likely_mistake(name, bad, words):
    curve = np.full(100, 0.1)
    curve[37] = bad
    with pytest.raises(ParameterError, match=rf"beat\[37\].*{words}"):
        decoder(name)(beat_activations(curve, fps=100))


@pytest.mark.parametrize("name", TRACKERS)
def test_logits_and_probabilities_give_the_same_beats(name):
    _, curve = clicks()
    curve = np.clip(curve, 0.01, 0.9)
    logits = np.log(curve / (1 - curve)).astype(np.float32)[:, None]
    head = Head(logits, ("beat",), FrameGrid.from_fps(100), "sigmoid_logits")
    a = decoder(name)(Activations({"beat": head}))
    b = decoder(name)(beat_activations(curve, fps=100))
    assert np.allclose(a.times, b.times, atol=1e-3)


@pytest.mark.parametrize("name", TRACKERS)
@pytest.mark.parametrize("height", [0.06, 0.02])
def test_low_peaks_are_beats_all_the_same(name, height):
    beats, curve = clicks(height=height)
    assert within(decoder(name)(beat_activations(curve, fps=100)).times, beats)


@pytest.mark.parametrize("name", ["drift", "dp"])
def test_a_floor_under_the_activations_changes_nothing(name):
    _, curve = clicks(140, 30, noise=0.05)
    low, high = (beat_activations(x, fps=100) for x in (0.5 * curve, 0.5 * curve + 0.4))
    assert np.allclose(decoder(name)(low).times, decoder(name)(high).times, atol=1e-3)


@pytest.mark.parametrize("name", ["drift", "dp"])
def test_scores_sum_to_one_and_rank_the_levels(name):
    _, curve = clicks()
    levels = decoder(name)(beat_activations(curve, fps=100)).hypotheses
    scores = [level.score for level in levels]
    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert 3 <= len(levels) <= 5


@pytest.mark.parametrize("name", ["drift", "dp"])
@pytest.mark.parametrize("hint", [60, 120, 240])
def test_the_level_nearest_to_the_hint_is_taken(name, hint):
    _, curve = clicks(120, 30, noise=0.05)
    beats = decoder(name, hint_bpm=hint)(beat_activations(curve, fps=100))
    assert beats.bpm == pytest.approx(hint, rel=0.02)


def test_a_hint_off_every_simple_ratio_becomes_a_level():
    _, curve = clicks(120, 30, noise=0.05)
    beats = decoder(hint_bpm=41)(beat_activations(curve, fps=100))
    assert beats.bpm == pytest.approx(40, rel=0.01)


def test_double_and_halve_are_decoded_already():
    beats, curve = clicks()
    tracked = decoder()(beat_activations(curve, fps=100))
    assert tracked.double().bpm == pytest.approx(240, rel=0.02)
    assert within(tracked.halve().double().times, beats)


@pytest.mark.parametrize("name", TRACKERS)
def test_the_tempo_stays_in_its_range(name):
    _, curve = clicks(120)
    beats = decoder(name, bpm_range=(50, 90))(beat_activations(curve, fps=100))
    assert 50 <= beats.bpm <= 90


def test_the_tempo_head_decides_the_level():
    _, curve = clicks(120, 30)
    tempo = np.full(300, 1e-4)
    tempo[60] = 1
    beats = decoder()(beat_activations(curve, tempo=tempo, fps=100))
    assert beats.bpm == pytest.approx(60, rel=0.01)


def test_levels_that_the_tempo_head_rules_out_are_decoded_all_the_same():
    _, curve = clicks(200, 20)
    tempo = np.zeros(250)
    tempo[200] = 1
    beats = decoder()(beat_activations(curve, tempo=tempo, fps=100))
    assert beats.bpm == pytest.approx(200, rel=0.01)
    assert all(np.isfinite(level.bpm) and len(level.times) for level in beats.hypotheses)


def test_no_tempo_head_is_needed_to_find_a_fast_beat_with_nothing_between():
    _, curve = clicks(205, 30, noise=0.05)
    assert decoder()(beat_activations(curve, fps=100)).bpm == pytest.approx(205, rel=0.01)


def test_no_tempo_head_is_needed_to_find_a_slow_beat_with_nothing_between():
    _, curve = clicks(62, 30, noise=0.05)
    assert decoder()(beat_activations(curve, fps=100)).bpm == pytest.approx(62, rel=0.01)


def test_a_tempo_ramp_is_followed():
    truth = ramp_beats(100, 150, 60)
    curve = click_activation(truth, noise=0.02)
    assert within(decoder()(beat_activations(curve, fps=100)).times, truth)


@pytest.mark.parametrize("meter", [2, 3, 4, 5, 6, 7])
def test_bars_of_every_length_are_numbered(meter):
    beats, curve = clicks(120, 40)
    downbeats = click_activation(beats[1::meter], duration=40)
    tracked = decoder(meter=meter)(beat_activations(curve, downbeats, fps=100))
    assert within(tracked.downbeats, beats[1::meter])
    assert set(np.diff(np.flatnonzero(tracked.positions == 1))) == {meter}


def test_without_a_downbeat_head_there_are_no_positions():
    _, curve = clicks()
    assert decoder()(beat_activations(curve, fps=100)).positions is None


def test_unknown_names_and_options_say_what_is_known():
    with pytest.raises(UnknownName, match="Did you mean 'peaks'"):
        decoder("peeks")
    with pytest.raises(ParameterError, match="no option 'tightnes'"):
        decoder("dp", tightnes=3)


@pytest.mark.parametrize(
    "options",
    [
        {"bpm_range": (200, 60)},
        {"bpm_range": (0, 60)},
        {"hint_bpm": -1},
        {"hint_bpm": 400},
        {"meter": 0},
        {"meter": (3, 40)},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ParameterError):
        decoder(**options)


def test_heads_on_two_clocks_are_refused():
    _, curve = clicks()
    heads = dict(beat_activations(curve, fps=100))
    heads["downbeat"] = Head(np.zeros((5, 1)), ("downbeat",), FrameGrid.from_fps(100))
    with pytest.raises(ParameterError, match="downbeat head has 5 frames"):
        decoder()(Activations(heads))


@pytest.mark.parametrize("name", ["drift", "dp"])
@pytest.mark.parametrize("bpm", [70, 112, 140])
def test_half_and_twice_the_tempo_are_always_there_and_levels_differ(name, bpm):
    _, curve = clicks(bpm, 40, noise=0.05)
    beats = decoder(name)(beat_activations(curve, fps=100))
    assert beats.bpm == pytest.approx(bpm, rel=0.02)
    half, double = beats.halve(), beats.double()
    np.testing.assert_allclose(np.diff(half.times), 120 / bpm, rtol=0.05)
    np.testing.assert_allclose(np.diff(double.times), 30 / bpm, rtol=0.1)
    tempi = np.sort([level.bpm for level in beats.hypotheses])
    assert (tempi[1:] / tempi[:-1]).min() > 1.03
    assert sum(level.score for level in beats.hypotheses) == pytest.approx(1)


def test_beats_do_not_flip_to_an_offbeat_that_is_louder_for_a_while():
    beats = steady_beats(150, 90)
    loud = np.where((beats // 12) % 3 == 1, 0.3, 0.8)
    curve = np.zeros(9000)
    for times, heights in ((beats, loud), (beats + 0.2, 0.95 - loud)):
        frames = np.rint(100 * times).astype(int)
        curve[frames[frames < 9000]] = heights[frames < 9000]
    found = decoder()(beat_activations(curve, fps=100))
    assert found.bpm == pytest.approx(150, abs=0.01)
    assert within(found.times, found.times[0] + 0.4 * np.arange(len(found)), 1e-3)
    assert abs((found.times[5] - 0.3 + 0.2) % 0.4 - 0.2) < 0.01
    free = decoder(coverage=1.1)(beat_activations(curve, fps=100))
    assert np.ptp(np.diff(free.times)) > 0.05


def test_a_song_that_changes_its_tempo_keeps_both():
    first, second = np.arange(0.5, 40, 60 / 120), np.arange(40.5, 90, 60 / 96)
    truth = np.r_[first, second]
    found = decoder()(beat_activations(click_activation(truth, duration=91), fps=100))
    near = np.abs(found.times[:, None] - truth).min(axis=0) < 0.03
    assert near.mean() > 0.97
    assert abs(len(found) - len(truth)) <= 2
