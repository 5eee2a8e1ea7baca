import subprocess
import sys
from pathlib import Path

import numpy as np
import published
import pytest
from signals import chords, cut, music, silence

import mirkit
from mirkit.activations import Features
from mirkit.errors import MissingExtra, WeightsError
from mirkit.music.chord.inputs import HEADS
from mirkit.peers.crema import Crema
from mirkit.peers.crema_cqt import CremaCQT, harmonics
from mirkit.vocab import CHORD_TAGS

NORM_FLOOR = 1e-3


@pytest.fixture(scope="module")
def model():
    return published.model("crema")


def test_heads_are_those_that_its_own_code_gave(model, goldens):
    for samples, golden in goldens("crema", model.sample_rate):
        found = model.activations([samples])
        frames = golden["frames"]
        for name in ("root", "bass", "pitch"):
            assert found[name].n_frames == golden["n_frames"]
            np.testing.assert_allclose(found[name].values[frames], golden[name], atol=5e-4)
        for frame, likeliest in zip(frames, golden["tag"], strict=True):
            row = found["tag"].values[frame]
            assert CHORD_TAGS[row.argmax()] == next(iter(likeliest))
            for label, value in likeliest.items():
                assert row[CHORD_TAGS.index(label)] == pytest.approx(value, abs=5e-4)


class Plain:
    """What the list of layers says, loop by loop, in double precision."""

    def __init__(self, weights):
        self.weights = {name: x.astype(float) for name, x in weights.items()}

    def norm(self, i, x):
        mean, var, gamma, beta = (
            self.weights[f"batch_normalization_{i}/{part}"]
            for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return (x - mean) / np.sqrt(var + NORM_FLOOR) * gamma + beta

    def conv(self, x):
        kernel, bias = self.weights["conv2d_1/kernel"], self.weights["conv2d_1/bias"]
        padded = np.pad(x, ((2, 2), (2, 2), (0, 0)))
        y = np.zeros(x.shape[:2])
        for frame, bin_ in np.ndindex(y.shape):
            seen = padded[frame : frame + 5, bin_ : bin_ + 5]
            y[frame, bin_] = (seen * kernel[..., 0]).sum() + bias[0]
        return np.maximum(y, 0)

    def gru(self, layer, x):
        kernel, recurrent, bias = (
            self.weights[f"{layer}/{part}"] for part in ("kernel", "recurrent_kernel", "bias")
        )
        n, outputs = len(recurrent), []
        h = np.zeros(n)
        for frame in x:
            a = frame @ kernel + bias
            b = h @ recurrent
            z, r = np.clip(0.2 * (a[: 2 * n] + b[: 2 * n]) + 0.5, 0, 1).reshape(2, n)
            h = z * h + (1 - z) * np.tanh(a[2 * n :] + (r * h) @ recurrent[:, 2 * n :])
            outputs.append(h)
        return np.array(outputs)

    def both(self, i, x):
        forward, backward = f"forward_gru_{i}", f"backward_gru_{i}"
        layer = f"bidirectional_{i}"
        there, back = self.gru(f"{layer}/{forward}", x), self.gru(f"{layer}/{backward}", x[::-1])
        return np.concatenate((there, back[::-1]), axis=1)

    def dense(self, name, x):
        return x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]

    def __call__(self, x):
        y = self.norm(2, self.conv(self.norm(1, x))[..., None])[..., 0]
        y = y @ self.weights["conv2d_2/kernel"][0, :, 0] + self.weights["conv2d_2/bias"]
        y = self.both(1, self.norm(3, np.maximum(y, 0)))
        y = self.both(2, self.norm(4, y))
        pitch = 1 / (1 + np.exp(-self.dense("chord_pitch", y)))
        root, bass = (softmax(self.dense(f"chord_{name}", y)) for name in ("root", "bass"))
        y = self.norm(5, np.concatenate((y, pitch, root, bass), axis=1))
        return {
            "pitch": pitch,
            "root": root,
            "bass": bass,
            "tag": softmax(self.dense("chord_tag", y)),
        }


def softmax(x):
    odds = np.exp(x - x.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_frames", [1, 2, 30])
def test_the_network_is_its_plain_twin(model, n_frames):
    magnitudes = 10 ** (-4 * np.random.default_rng(0).random((n_frames, 252)).astype(np.float32))
    found = model.activations(Features(magnitudes, CremaCQT().grid, "crema"))
    expected = Plain(model.weights)(harmonics(magnitudes))
    alphabetical = sorted(CHORD_TAGS)
    expected["tag"] = expected["tag"][:, [alphabetical.index(label) for label in CHORD_TAGS]]
    for name, head in found.items():
        np.testing.assert_allclose(head.values, expected[name], atol=1e-5)


def test_its_heads_are_those_that_chord_decoders_read(model):
    found = model.activations([music(2.0, model.sample_rate).samples])
    assert {name: head.labels for name, head in found.items()} == HEADS


@pytest.mark.parametrize(
    "progression",
    ["C:maj A:min F:maj G:7", "Eb:maj C:min Ab:maj Bb:7", "D:min G:min A:7 D:min"],
)
def test_our_decoder_finds_played_chords(model, progression):
    labels = progression.split()
    samples = chords([(label, 2.0) for label in labels], model.sample_rate, level=0.05).samples
    found = mirkit.chords(model.activations([samples]), vocabulary="sevenths", inversions=False)
    assert [label for label in found.labels if label != "N"] == labels


def test_our_decoder_finds_the_chords_of_real_music(model, song):
    """Brahms opens on the tonic, and turns to the dominant; Karissa Hobbs goes from I to IV."""
    brahms = mirkit.chords(model.activations([song("hungarian_dance_5", model.sample_rate)]))
    assert brahms.labels[0] == "G:min"
    assert {"D:7", "C:min", "G:7"} <= {label.split("/")[0] for label in brahms.labels}
    hobbs = mirkit.chords(
        model.activations([song("lets_go_fishin", model.sample_rate)]), vocabulary="majmin"
    )
    assert hobbs.labels[:4] == ("Bb:maj", "Eb:maj", "Bb:maj", "Eb:maj")


def test_the_sizes_of_blocks_do_not_matter(model):
    samples = music(5.0, model.sample_rate).samples
    whole = model.activations([samples])
    blocks = [block[None] for block in cut(samples[0], np.random.default_rng(0), 9000)]
    for name, head in model.activations(blocks).items():
        np.testing.assert_array_equal(head.values, whole[name].values)


def test_one_sample_and_silence_are_finite(model):
    for samples in (np.ones((1, 1), np.float32), silence(3.0, model.sample_rate).samples):
        for head in model.activations([samples]).values():
            assert np.isfinite(head.values).all()


def test_converting_needs_h5py_and_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mirkit\[crema\]'"):
        Crema.read_checkpoint(Path("model.h5"))


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"<html>")
    with pytest.raises(WeightsError, match="holds no weights of Keras"):
        Crema.read_checkpoint(tmp_path / "model.h5")


def test_it_runs_without_tensorflow_torch_librosa_or_numba(model):
    code = """
import sys, numpy as np, mirkit
print(len(mirkit.load("crema")((np.ones(44100, np.float32), 44100)).labels))
print(sorted({"tensorflow", "keras", "h5py", "torch", "librosa", "numba"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["1", "[]"]
