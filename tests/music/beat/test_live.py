import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals
from hypothesis import given, settings
from hypothesis import strategies as st

import mirkit
from mirkit.activations import Features
from mirkit.audio import Audio
from mirkit.errors import AudioError, NotStreamable, ParameterError
from mirkit.features import front_end
from mirkit.frames import FrameGrid
from mirkit.music.beat.live import BeatTCNLive
from mirkit.zoo.registry import card, load_model

RATE = 22050
HEADS = ("beat", "downbeat", "tempo")


@pytest.fixture(scope="module")
def model():
    return load_model("beat-tcn-live")


@pytest.fixture(scope="module")
def system():
    return mirkit.load("beat-tcn-live")


def band(seconds=8.0, bpm=118):
    """Clicks over gliding tones: what has beats for the network."""
    clicks = signals.click_track(bpm, int(seconds * bpm / 60), RATE, noise=0.003).samples[0]
    tones = signals.music(seconds, RATE).samples[0]
    return np.resize(clicks, tones.size) + 0.05 * tones


def split(samples, cuts):
    return np.split(samples, sorted({int(cut * samples.size) for cut in cuts}))


def joined(updates, name):
    return np.concatenate([getattr(update.beats, name) for update in updates])


def same_beats(updates, whole):
    np.testing.assert_allclose(joined(updates, "times"), whole.times, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(joined(updates, "positions"), whole.positions)
    np.testing.assert_allclose(joined(updates, "confidence"), whole.confidence, rtol=0, atol=1e-3)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=40))
def test_blocks_of_any_length_give_the_beats_of_the_whole(system, cuts):
    samples = band()
    whole = mirkit.beats((samples, RATE), model="beat-tcn-live")
    assert len(whole) >= 8
    same_beats(list(system.stream(split(samples, cuts))), whole)


def test_single_samples_give_the_activations_and_beats_of_the_whole(model, system):
    samples = band(3.0)
    whole = model.activations([samples])
    one_by_one = model.activations(samples[i : i + 1] for i in range(samples.size))
    for name in HEADS:
        np.testing.assert_allclose(one_by_one[name].values, whole[name].values, rtol=0, atol=1e-5)
    updates = list(system.stream(samples[i : i + 1] for i in range(samples.size)))
    same_beats(updates, mirkit.beats(whole, decoder="live"))


@pytest.mark.parametrize("sizes", [[1] * 170, [3, 50, 1, 49, 67], [170]])
def test_frames_in_blocks_give_the_activations_of_the_whole(model, sizes):
    values = front_end("tcn_22k")(Audio(band(), RATE)).values[:170]
    features = Features(values, FrameGrid.from_fps(50), "tcn_22k")
    whole = model.activations(features)
    parts = list(model.follow(np.split(values, np.cumsum(sizes)[:-1])))
    for name in HEADS:
        assert whole[name].n_frames == (4 if name == "tempo" else 170)
        together = np.concatenate([part[name].values for part in parts])
        np.testing.assert_allclose(together, whole[name].values, rtol=0, atol=1e-5)
        times = np.concatenate([part[name].grid.times(part[name].n_frames) for part in parts])
        np.testing.assert_allclose(times, whole[name].grid.times(len(times)), atol=1e-9)


def test_every_beat_comes_within_the_latency(model, system):
    samples, n_heard, waits = band(), [0], []

    def microphone(size):
        for first in range(0, samples.size, size):
            n_heard[0] = min(first + size, samples.size)
            yield samples[first : first + size]

    for update in system.stream(microphone(49)):
        waits += [n_heard[0] / RATE - time for time in update.beats.times]
    assert len(waits) >= 8
    assert max(waits) <= model.latency + 49 / RATE
    assert max(waits) > model.latency - 0.03, "the latency is stated too high"
    assert model.latency <= 0.1


def test_tempo_head_is_a_running_mean_that_knows_no_future(model):
    features = front_end("tcn_22k")(Audio(band(), RATE))
    cut = Features(features.values[:200], features.grid, features.front_end)
    known, cut_off = (model.activations(x)["tempo"].values for x in (features, cut))
    np.testing.assert_allclose(known[:4], cut_off, rtol=0, atol=1e-6)
    np.testing.assert_allclose(known.sum(axis=1), 1, atol=1e-5)


def test_random_weights_stream_as_well():
    model = load_model("beat-tcn-live", weights="random", seed=1)
    frames = np.random.default_rng(0).random((60, 81)).astype(np.float32)
    whole = model.activations(Features(frames, FrameGrid.from_fps(50), "tcn_22k"))
    parts = list(model.follow(np.split(frames, [1, 30])))
    together = np.concatenate([part["beat"].values for part in parts])
    np.testing.assert_allclose(together, whole["beat"].values, rtol=0, atol=1e-5)


def test_silence_has_no_beats(system):
    silent = signals.silence(6.0, RATE)
    assert len(mirkit.beats(silent, model="beat-tcn-live")) == 0
    updates = list(system.stream(np.split(silent.samples[0], 50)))
    assert updates
    assert all(update.bpm is None and len(update.beats) == 0 for update in updates)


@pytest.mark.parametrize("n_samples", [1, 440, 900])
def test_a_few_samples_are_a_recording_too(n_samples):
    assert len(mirkit.beats((band()[:n_samples], RATE), model="beat-tcn-live")) <= 1


def test_no_samples_are_refused_by_the_whole_and_silent_in_a_stream(model):
    assert list(model.stream([])) == []
    with pytest.raises(ParameterError, match="no frames"):
        model.activations([])


def test_samples_that_are_no_numbers_are_named(model):
    samples = band()
    samples[100] = np.nan
    stream = model.stream([samples[:50], samples[50:]])
    with pytest.raises(AudioError, match="sample 100"):
        list(stream)


def test_features_of_another_front_end_are_refused(model):
    with pytest.raises(ParameterError, match="come from 'tcn_2020'"):
        model.activations(Features(np.zeros((3, 81)), FrameGrid.from_fps(100), "tcn_2020"))


def test_network_that_needs_the_future_is_refused():
    weights = card("beat-tcn").weights
    with pytest.raises(NotStreamable, match="lookahead"):
        BeatTCNLive.from_card(card("beat-tcn"), weights)


def test_card_says_that_it_streams():
    assert card("beat-tcn-live").streams


def test_example_in_the_docs_runs(capsys, monkeypatch):
    root = Path(__file__).parents[3]
    monkeypatch.chdir(root)
    code = (root / "docs" / "live.md").read_text().split("```python\n")[1].split("```")[0]
    exec(compile(code, "docs/live.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 8
    assert "bpm, next at" in lines[-1]


def test_live_model_runs_without_torch():
    code = """
import sys, numpy as np, mirkit
model = mirkit.load("beat-tcn-live")
list(model.stream([np.zeros(22050, np.float32)]))
print(sorted({"torch", "librosa", "numba"} & {*sys.modules}))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
