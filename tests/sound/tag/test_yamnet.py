import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import golden_taggers
import numpy as np
import published
import pytest
import signals
import tflite_files

from mirkit.activations import Features
from mirkit.errors import WeightsError
from mirkit.sound.tag.yamnet import FRONT_END, YAMNet, yamnet_labels
from mirkit.zoo.checkpoints import sha256_of
from mirkit.zoo.registry import card
from mirkit.zoo.tflite import read_tflite

GOLDEN = json.loads(golden_taggers.GOLDEN.read_text())
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def checkpoint(data_dir):
    path = published.at_hand("yamnet")
    assert sha256_of(path) == card("yamnet").sha256
    return path


@pytest.fixture(scope="module")
def model():
    return published.model("yamnet")


def test_labels_are_those_of_its_authors(data_dir):
    theirs = json.loads((data_dir / "teachers" / "yamnet_labels.json").read_text())
    assert list(yamnet_labels()) == theirs


@dataclass(frozen=True)
class StoredBank:
    """The mel filters as the published file has them, rounded to 8 bits."""

    path: Path

    def check(self, sample_rate, n_fft): ...

    def matrix(self, sample_rate, n_fft):
        graph = read_tflite(self.path)
        (step,) = (each for each in graph.operators[:10] if each.kind == "FULLY_CONNECTED")
        return graph.constant(step.inputs[1])


def test_the_front_end_has_the_filters_and_the_window_of_the_published_file(checkpoint):
    stored = StoredBank(checkpoint).matrix(16000, 512)
    np.testing.assert_allclose(
        FRONT_END.spectrogram.filterbank, stored, atol=0.00393
    )  # half a step of 8 bits
    graph = read_tflite(checkpoint)
    windows = [each.values() for each in graph.tensors if each.shape == (400,)]
    np.testing.assert_allclose(windows, [FRONT_END.spectrogram.window], atol=1e-6)


def test_tags_are_those_of_tensorflow(model, checkpoint):
    """With the filters of the published file, so that nothing differs but rounding."""
    front_end = replace(FRONT_END.spectrogram, bank=StoredBank(checkpoint))
    samples = golden_taggers.signal()
    samples = np.pad(samples, (0, (15600 - samples.size) % 7680))
    values = np.concatenate(list(front_end.stream([samples])))
    heads = model.activations(Features(values, front_end.grid, "yamnet"), heads=["frames"])
    agree(heads["frames"], GOLDEN["yamnet"], rtol=2e-3, atol=2e-6)


def test_exact_filters_change_little(model):
    heads = model.activations([golden_taggers.signal()], heads=["frames"])
    agree(heads["frames"], GOLDEN["yamnet"], rtol=0.1, atol=0.01)


def agree(head, golden, **tolerance):
    assert head.n_frames == len(golden)
    for row, known in zip(head.values, golden, strict=True):
        places = [int(place) for place in known]
        np.testing.assert_allclose(row[places], list(known.values()), **tolerance)
        assert int(row.argmax()) == places[0]


def test_embeddings_lead_to_the_tags(model, checkpoint):
    """The embedding is the input of the last layer."""
    heads = model.activations([golden_taggers.signal()], heads=["frames", "frame_embedding"])
    graph = read_tflite(checkpoint)
    weights, bias = (graph.constant(place) for place in graph.operators[-2].inputs[1:])
    logits = heads["frame_embedding"].values @ weights.T + bias
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), heads["frames"].values, atol=1e-5)
    assert heads["frame_embedding"].values.shape == (13, 1024)


def test_blocks_of_any_size_give_the_same(model):
    samples = golden_taggers.signal()
    whole = model.activations([samples])
    parts = model.activations(signals.cut(samples, np.random.default_rng(0), 9000))
    for name in whole:
        np.testing.assert_allclose(parts[name].values, whole[name].values, atol=1e-5)


def test_its_origin_is_remembered(model):
    heads = model.activations([np.zeros((1, 16000), np.float32)])
    assert heads.provenance.model == "yamnet"
    assert heads.provenance.weights_hash == card("yamnet").sha256
    assert model.sample_rate == 16000


def test_other_networks_are_refused(tmp_path):
    (tmp_path / "other.tflite").write_bytes(tflite_files.small())
    with pytest.raises(WeightsError, match="is no YAMNet"):
        YAMNet.convert(tmp_path / "other.tflite", tmp_path / "other.onnx", card("yamnet"))
    assert not (tmp_path / "other.onnx").exists()


def test_names_alone_find_the_class_of_esc10(model, data_dir, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    sys.modules.pop("esc10_by_names", None)
    from esc10_by_names import clips, confusion

    counts = confusion(model, clips(data_dir / "esc10"))
    assert counts.sum() == 400
    assert np.trace(counts) / counts.sum() >= 0.92  # .9325 seen


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vibe_ace", "Vibraphone"),
        ("hungarian_dance_5", "Violin, fiddle"),
        ("solo_trumpet_06", "Trumpet"),
        ("speech_198", "Speech"),
        ("robin", "Bird"),
    ],
)
def test_recordings_have_the_tags_that_one_hears(model, data_dir, name, expected):
    from mirkit.audio import reading

    path = data_dir / "songs" / f"{name}.ogg"
    with reading.blocks(path, sample_rate=model.sample_rate) as blocks:
        tags = model.activations(blocks)["tags"]
    order = tags.values[0].argsort()[::-1]
    assert expected in [tags.labels[place] for place in order[:8]]
