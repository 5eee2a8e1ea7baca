import io

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.errors import ParameterError, UnknownName
from mirkit.vocab.keys import transpose_key

CADENCES = {
    "C major": ["C:maj", "F:maj", "G:maj", "C:maj", "A:min", "D:min", "G:maj", "C:maj"],
    "A minor": ["A:min", "D:min", "E:maj", "A:min", "F:maj", "D:min", "E:maj", "A:min"],
}
PEER = {"model": "librosa-key"}


def cadence(key):
    return signals.chords([(chord, 1.0) for chord in CADENCES[key]], 22050)


@pytest.mark.parametrize("label", CADENCES)
def test_a_baseline_hears_the_key_of_a_cadence(label):
    key = mirkit.key(cadence(label), **PEER)
    assert key.label == label
    assert 0 < key.confidence <= 1
    assert key.segments.labels == (label,)
    np.testing.assert_allclose(key.segments.intervals, [[0, 8]])
    assert key.provenance.model == "librosa-key"


def test_a_modulation_is_found():
    low = cadence("C major").samples[0]
    up = [(str(mirkit_chord), 1.0) for mirkit_chord in moved(CADENCES["C major"], 3)]
    high = signals.chords(up, 22050).samples[0]
    samples = np.concatenate([low] * 4 + [high] * 3)
    key = mirkit.key((samples, 22050), **PEER)
    assert key.segments.labels == ("C major", transpose_key("C major", 3))
    assert key.segments.intervals[1, 0] == pytest.approx(32, abs=4)
    assert key.segments.intervals[-1, 1] == 56


def moved(labels, n):
    from mirkit.vocab import parse_chord

    return [parse_chord(label).transpose(n) for label in labels]


def test_every_kind_of_input_gives_the_same_key(tmp_path):
    audio = cadence("A minor")
    found = mirkit.key(audio, **PEER)
    path = tmp_path / "song.wav"
    soundfile.write(path, audio.samples.T, audio.sample_rate, subtype="FLOAT")
    for x in (path, io.BytesIO(path.read_bytes()), (audio.samples, 22050), mirkit.Track(path)):
        assert mirkit.key(x, **PEER) == found
    assert mirkit.key([audio, audio], **PEER) == [found, found]


def test_activations_are_only_decoded():
    assert mirkit.key(signals.key_activations([("Eb minor", 20)])).label == "Eb minor"


@pytest.mark.parametrize("n_samples", [1, 22050, 10 * 22050])
def test_silence_has_no_key(n_samples):
    key = mirkit.key((np.zeros(n_samples, np.float32), 22050), **PEER)
    assert (key.label, key.confidence, len(key.segments)) == (None, None, 0)


def test_one_sample_is_no_error():
    mirkit.key((np.array([0.5], np.float32), 22050), **PEER)


def test_samples_that_are_not_finite_are_named():
    with pytest.raises(mirkit.AudioError, match="sample 0 of channel 0 is nan"):
        mirkit.key((np.full(22050, np.nan), 22050), **PEER)


def test_a_model_of_another_task_is_refused():
    with pytest.raises(mirkit.ParameterError, match=r"is for chords, not key: call mirkit\.chords"):
        mirkit.key(cadence("C major"), model="librosa-chords")


@pytest.mark.usefixtures("madmom")
def test_madmom_stands_behind_the_same_verb():
    key = mirkit.key(cadence("C major"), model="madmom-key")
    assert key.label in ("C major", "G major", "A minor")
    assert key.segments.labels == (key.label,)
    assert key.provenance.model == "madmom-key"


def test_the_prior_of_music_is_the_default_of_the_shipped_model():
    audio = cadence("A minor")
    default = mirkit.key(audio)
    assert default == mirkit.key(audio, prior="music")
    assert default.label == "A minor"
    flat, sure = (mirkit.key(audio, prior=prior).confidence for prior in ("flat", {"minor": 0.99}))
    assert flat != default.confidence < sure
    assert mirkit.key(audio, **PEER) == mirkit.key(audio, prior="flat", **PEER)


def test_a_wrong_prior_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'music'"):
        mirkit.key(cadence("C major"), prior="musik")
    with pytest.raises(ParameterError, match="percentage"):
        mirkit.key(cadence("C major"), prior={"minor": 80}, **PEER)
