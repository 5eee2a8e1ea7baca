import io

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.errors import ParameterError
from mirkit.metrics.chord import chord_scores
from mirkit.system import load
from mirkit.vocab import parse_chord

SONG = [("C:maj", 2.0), ("A:min", 2.0), ("F:maj", 2.0), ("G:maj", 2.0)]
PEER = {"model": "librosa-chords"}


@pytest.fixture(scope="module")
def audio():
    return signals.chords(SONG, 22050)


@pytest.fixture(scope="module")
def found(audio):
    return mirkit.chords(audio, **PEER)


def test_a_baseline_hears_plain_triads(found):
    assert found.labels == tuple(label for label, _ in SONG)
    np.testing.assert_allclose(found.intervals[:, 0], [0, 2, 4, 6], atol=0.2)
    assert found.intervals[-1, 1] == 8
    assert found.kind == "chord"
    assert found.provenance.model == "librosa-chords"


def test_every_kind_of_input_gives_the_same_chords(audio, found, tmp_path):
    path = tmp_path / "chords.wav"
    soundfile.write(path, audio.samples.T, audio.sample_rate, subtype="FLOAT")
    file = io.BytesIO(path.read_bytes())
    pair = (audio.samples, audio.sample_rate)
    for x in (str(path), file, pair, mirkit.Track(path)):
        assert mirkit.chords(x, **PEER) == found
    assert mirkit.chords([audio, audio], **PEER) == [found, found]


def test_activations_are_only_decoded():
    segments = mirkit.chords(signals.chord_activations(SONG), vocabulary="majmin")
    assert segments.labels == tuple(label for label, _ in SONG)


def test_chords_lie_on_beats_that_are_given_or_found(audio):
    beats = mirkit.Beats(np.arange(0.06, 8, 0.5))
    segments = mirkit.chords(audio, beats=beats, **PEER)
    assert np.isin(segments.intervals[1:, 0], beats.times).all()
    assert segments.intervals[0, 0] == 0
    file = io.BytesIO()
    soundfile.write(file, audio.samples.T, audio.sample_rate, format="WAV", subtype="FLOAT")
    file.seek(0)
    both = mirkit.chords(file, beats=True, **PEER)  # a stream is read only once
    times = mirkit.beats(audio).times
    assert np.isin(both.intervals[1:, 0], times).all() or not len(times)


def test_beats_of_one_recording_are_not_those_of_a_list(audio):
    with pytest.raises(mirkit.ParameterError, match="give beats=True"):
        mirkit.chords([audio], beats=mirkit.Beats([1.0]), **PEER)
    with pytest.raises(mirkit.ParameterError, match="needs a recording"):
        mirkit.chords(signals.chord_activations(SONG), beats=True)


@pytest.mark.parametrize("n_samples", [1, 100, 22050, 5 * 22050])
def test_silence_is_one_segment_without_a_chord(n_samples):
    segments = mirkit.chords((np.zeros(n_samples, np.float32), 22050), **PEER)
    assert segments.labels == ("N",)
    np.testing.assert_allclose(segments.intervals, [[0, n_samples / 22050]])


def test_one_sample_is_no_error():
    segments = mirkit.chords((np.array([0.5], np.float32), 22050), **PEER)
    np.testing.assert_allclose(segments.intervals, [[0, 1 / 22050]])


def test_silence_within_a_piece_has_no_chord_whatever_the_model_says(audio):
    quiet = np.zeros(3 * 22050, np.float32)
    samples = np.concatenate([audio.samples[0], quiet, audio.samples[0]])
    segments = mirkit.chords((samples, 22050), **PEER)
    middle = int(np.searchsorted(segments.intervals[:, 0], 9.5)) - 1
    assert segments.labels[middle] == "N"
    np.testing.assert_allclose(segments.intervals[middle], [8, 11], atol=0.35)


def test_samples_that_are_not_finite_are_named():
    samples = np.zeros(30000, np.float32)
    samples[20000] = np.nan
    with pytest.raises(mirkit.AudioError, match="sample 20000 of channel 0 is nan"):
        mirkit.chords((samples, 22050), **PEER)


def test_wrong_names_are_corrected(audio):
    with pytest.raises(mirkit.UnknownName, match="Did you mean 'librosa-chords'"):
        mirkit.chords(audio, model="librosa-chord")
    with pytest.raises(mirkit.UnknownName, match="Did you mean 'majmin'"):
        mirkit.chords(audio, vocabulary="majmn", **PEER)
    with pytest.raises(mirkit.ParameterError, match=r"not chords: call mirkit\.beats"):
        mirkit.chords(audio, model="tempogram")


def test_a_model_is_loaded_once():
    assert load(PEER["model"]).model is load(PEER["model"]).model


@pytest.mark.usefixtures("madmom")
@pytest.mark.parametrize("model", ["madmom-chords", "madmom-deep-chroma"])
def test_madmom_stands_behind_the_same_verb(audio, model):
    segments = mirkit.chords(audio, model=model)
    truth = mirkit.Segments(
        [[0, 2], [2, 4], [4, 6], [6, 8]], tuple(label for label, _ in SONG), kind="chord"
    )
    assert chord_scores(truth, segments)["majmin"] > 0.6
    assert segments.provenance.model == model
    assert {parse_chord(x).shorthand for x in segments.labels} <= {"maj", "min", ""}
    assert mirkit.chords(signals.silence(0.5, 44100), model=model).intervals[-1, 1] == 0.5
    with pytest.raises(mirkit.ParameterError, match="major and minor only"):
        mirkit.chords(audio, model=model, vocabulary="full")


def test_the_prior_of_music_is_the_default_of_the_shipped_model(audio):
    default = mirkit.chords(audio)
    assert default == mirkit.chords(audio, prior="music")
    assert default.labels == tuple(label for label, _ in SONG)
    assert default != mirkit.chords(audio, prior="flat")
    assert mirkit.chords(audio, **PEER) == mirkit.chords(audio, prior="flat", **PEER)


def test_a_peer_takes_a_prior_where_it_is_asked(audio):
    sevenths = {"maj7": 0.45, "min7": 0.45}
    labels = mirkit.chords(audio, prior=sevenths, **PEER).labels
    assert {parse_chord(label).shorthand for label in labels} <= {"maj7", "min7", "maj", "min"}
    assert mirkit.chords(audio, prior={"maj": 0.97}, **PEER).confidence[0] > 0.5


def test_a_decoder_without_priors_says_so(audio):
    with pytest.raises(ParameterError, match="no option 'prior'"):
        load("chord-crnn", decoder="madmom", prior="music")
