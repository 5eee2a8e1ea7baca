import io

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.activations import beat_activations
from mirkit.system import load


@pytest.fixture(scope="module")
def audio():
    return signals.click_track(104, n_beats=40, sample_rate=22050)


def test_every_kind_of_input_gives_the_same_beats(audio, tmp_path):
    path = tmp_path / "clicks.wav"
    soundfile.write(path, audio.samples.T, audio.sample_rate, subtype="FLOAT")
    whole = mirkit.beats(path)
    assert whole.bpm == pytest.approx(104, rel=0.01)
    file = io.BytesIO(path.read_bytes())
    pair = (audio.samples, audio.sample_rate)
    for x in (str(path), file, pair, audio, mirkit.Track(path)):
        np.testing.assert_array_equal(mirkit.beats(x).times, whole.times)


def test_a_list_gives_a_list(audio):
    both = mirkit.beats([audio, audio])
    assert len(both) == 2
    assert both[0] == both[1] == mirkit.beats(audio)
    assert mirkit.tempo([audio])[0].bpm == both[0].bpm


def test_activations_are_only_decoded():
    clicks = np.zeros(1000)
    clicks[7::40] = 0.9
    beats = mirkit.beats(beat_activations(clicks, fps=100))
    assert beats.bpm == pytest.approx(150, rel=0.01)


def test_a_hint_and_a_range_choose_the_level(audio):
    assert mirkit.beats(audio, hint_bpm=52).bpm == pytest.approx(52, rel=0.02)
    assert mirkit.tempo(audio, bpm_range=(150, 260)).bpm == pytest.approx(208, rel=0.02)
    beats = mirkit.beats(audio)
    assert beats.halve().bpm == pytest.approx(52, rel=0.02)
    assert beats.double().bpm == pytest.approx(208, rel=0.02)


def test_beats_say_which_model_found_them(audio):
    provenance = mirkit.beats(audio, model="tempogram").provenance
    assert (provenance.model, provenance.version) == ("tempogram", mirkit.__version__)


@pytest.mark.parametrize("model", ["librosa", "madmom"])
@pytest.mark.usefixtures("madmom")
def test_peers_stand_behind_the_same_verb(audio, model):
    beats = mirkit.beats(audio, model=model)
    assert beats.bpm == pytest.approx(104, rel=0.02)
    assert beats.provenance.model == model


@pytest.mark.usefixtures("madmom")
def test_models_and_decoders_are_chosen_apart(audio):
    beats = mirkit.beats(audio, model="librosa", decoder="dp")
    assert beats.bpm == pytest.approx(104, rel=0.02)
    beats = mirkit.beats(audio, model="tempogram", decoder="madmom")
    assert beats.bpm == pytest.approx(104, rel=0.02)


def test_wrong_names_are_corrected(audio):
    with pytest.raises(mirkit.UnknownName, match="Did you mean 'tempogram'"):
        mirkit.beats(audio, model="tempogramm")
    with pytest.raises(mirkit.UnknownName, match="decoder 'dpp'"):
        mirkit.beats(audio, decoder="dpp")


def test_a_model_is_loaded_once(audio):
    assert load("beat-tcn").model is load(task="beats").model


def test_silence_has_no_beats_and_no_tempo():
    beats = mirkit.beats(signals.silence(5, 22050))
    assert len(beats) == 0
    assert beats.bpm is None
    assert mirkit.tempo(signals.silence(5, 22050)) == mirkit.Tempo(
        None, provenance=beats.provenance
    )


def test_samples_that_are_not_finite_are_named():
    samples = np.zeros(30000, np.float32)
    samples[20000] = np.inf
    with pytest.raises(mirkit.AudioError, match="sample 20000 of channel 0 is inf"):
        mirkit.beats((samples, 22050))


@pytest.mark.parametrize("seconds", [10, 30])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("level", [0.001, 0.1])
def test_the_default_hears_no_pulse_in_noise(seconds, level, seed):
    noise = np.random.default_rng(seed).normal(0, level, seconds * 22050).astype(np.float32)
    beats = mirkit.beats((noise, 22050))
    assert len(beats) == 0
    assert beats.bpm is None


def test_the_shipped_network_numbers_the_bars_of_the_demo_piece(demo_piece):
    truth = mirkit.read(demo_piece.with_suffix(".beats"))
    scores = mirkit.score(truth, mirkit.beats(demo_piece)).mean()
    # the network goes on beating for a bar while the last chord rings: so much CMLt four beats cost
    assert scores["cmlt"] > 0.92
    assert scores["downbeat_f_measure"] > 0.95
