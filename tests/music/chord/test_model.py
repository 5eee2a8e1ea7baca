import dataclasses
import json

import numpy as np
import pytest
import signals

import mirkit
from mirkit.audio import Audio
from mirkit.backbones.crnn.export import export_crnn
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import front_end
from mirkit.music.chord.model import ChordCRNN
from mirkit.music.key.model import KeyCRNN
from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS, PITCHES
from mirkit.zoo.registry import card

FRONT = front_end("vqt_11k")
MODELS = {"chord-crnn": ChordCRNN, "key-crnn": KeyCRNN}
CADENCE = ([48, 55, 60, 64], [41, 57, 60, 65], [43, 55, 59, 62, 65], [45, 57, 60, 64])


def cadence(cents=0.0):
    parts = [signals.chord(each, 2.0, FRONT.sample_rate, cents).samples for each in CADENCE]
    return Audio(np.concatenate(parts, axis=1), FRONT.sample_rate)


@pytest.fixture(scope="module")
def model():
    return ChordCRNN.from_card(card("chord-crnn"))


def test_heads_have_the_labels_of_the_vocabulary(model):
    features = FRONT(cadence())
    activations = model.activations(features)
    labels = {name: head.labels for name, head in activations.items()}
    assert labels.pop("tuning") == ("cents",)
    assert labels == {
        "root": CHORD_ROOTS,
        "bass": CHORD_ROOTS,
        "pitch": PITCHES,
        "tag": CHORD_TAGS,
    }
    for name in labels:
        head = activations[name]
        assert head.grid == FRONT.grid
        assert head.n_frames == features.n_frames
        if name != "pitch":
            np.testing.assert_allclose(head.values.sum(axis=1), 1, atol=1e-4)


def heard(activations, name="tag"):
    head = activations[name]
    at = [10, 32, 53, 75]  # well inside each chord
    return [head.labels[i] for i in head.values[at].argmax(axis=1)]


@pytest.mark.parametrize("cents", [-40, 0, 40])
def test_a_cadence_is_heard_in_any_tuning(model, cents):
    features = FRONT(cadence(cents))
    activations = model.activations(features)
    assert model.tuning_cents(features) == pytest.approx(cents, abs=5)
    assert heard(activations) == ["C:maj", "F:maj", "G:7", "A:min"]
    assert heard(activations, "bass") == ["C", "F", "G", "A"]


def test_silence_and_noise_are_no_chord(model):
    noise = np.random.default_rng(0).standard_normal(10 * FRONT.sample_rate)
    for samples in (np.zeros_like(noise), 0.05 * noise):
        features = FRONT(Audio(samples.astype(np.float32), FRONT.sample_rate))
        tags = model.activations(features)["tag"]
        assert (tags.values.argmax(axis=1) == CHORD_TAGS.index("N")).mean() > 0.9


@pytest.mark.parametrize("name", MODELS)
def test_onnx_is_torch_on_music(name, tmp_path):
    model = MODELS[name].from_card(card(name), "random")
    kept = {"config": model.config.to_json(), "front_end": "vqt_11k"}
    export_crnn(model.run.module.net, tmp_path / "net.onnx", kept)
    other = MODELS[name].from_card(card(name), tmp_path / "net.onnx")
    features = FRONT(cadence())
    expected = model.activations(features)
    for head, values in other.activations(features).items():
        np.testing.assert_allclose(values.values, expected[head].values, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_features_of_another_front_end_are_refused(name):
    model = MODELS[name].from_card(card(name), "random")
    with pytest.raises(ParameterError, match="'onset'"):
        model.activations(front_end("onset")(signals.music(1.0, 22050)))
    with pytest.raises(ParameterError, match="no frames"):
        model.activations(FRONT(signals.silence(0, FRONT.sample_rate)))


def test_weights_of_the_other_task_are_refused(tmp_path):
    key = KeyCRNN.from_card(card("key-crnn"), "random")
    kept = {"config": json.dumps(dataclasses.asdict(key.config)), "front_end": "vqt_11k"}
    export_crnn(key.run.module.net, tmp_path / "key.onnx", kept)
    with pytest.raises(WeightsError, match="hears key"):
        ChordCRNN.from_card(card("chord-crnn"), tmp_path / "key.onnx")


def test_load_gives_the_models():
    for name, kind in MODELS.items():
        assert isinstance(mirkit.load(name).model, kind)
