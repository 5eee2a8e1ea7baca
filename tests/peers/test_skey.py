import subprocess
import sys

import numpy as np
import published
import pytest
import torch
from signals import chords, cut, silence
from skey_plain import chroma_net

import mirkit
from mirkit.activations import Features
from mirkit.errors import ParameterError
from mirkit.peers import skey
from mirkit.peers.skey import LEAST_FRAMES, decibels
from mirkit.vocab import KEYS, normal_key


@pytest.fixture(scope="module")
def model():
    return published.model("s-key")


def test_keys_are_those_that_its_own_transform_and_network_gave(model, goldens):
    for samples, golden in goldens("s-key", model.sample_rate):
        (features,) = model.features([samples])
        assert features.n_frames == golden["n_frames"]
        level = decibels(features.values)[golden["frames"], :84]
        above = (
            np.array(golden["features"]) - level
        )  # theirs is relative to the peak of the samples
        np.testing.assert_allclose(above, np.median(above), atol=1e-3)
        found = model.activations(features)["clip_key"]
        expected = {normal_key(key): value for key, value in golden["clip_key"].items()}
        assert len(expected) == 24
        np.testing.assert_allclose(found.values[0], [expected[key] for key in KEYS], atol=2e-4)


@pytest.mark.parametrize("n_frames", [128, 130, 700])
def test_the_network_is_its_plain_twin(model, n_frames):
    rng = np.random.default_rng(n_frames)
    magnitudes = 10 ** (-8 * rng.random((n_frames, 99))).astype(np.float32)
    found = model.activations(Features(magnitudes, model.front_end.grid, "skey"))
    values = decibels(magnitudes)[:, :84]
    state = {name: torch.from_numpy(x.copy()) for name, x in model.weights.items()}
    expected = chroma_net(state, torch.from_numpy(values.T.copy())[None, None])[0].numpy()
    major, minor = np.roll(expected[:12], 9), np.roll(expected[12:], 11)
    values = found["clip_key"].values[0]
    np.testing.assert_allclose(values, np.concatenate((major, minor)), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("hungarian_dance_5", "G minor"),
        ("lets_go_fishin", "Bb major"),
        ("sugar_plum_fairy", "E minor"),
        ("vibe_ace", "E major"),
    ],
)
def test_our_decoder_names_the_keys_of_real_music(model, song, name, key):
    found = mirkit.key(model.activations([song(name, model.sample_rate)]))
    assert found.label == key
    assert found.provenance == model.provenance


@pytest.mark.parametrize(
    ("progression", "key"),
    [("D:maj G:maj A:maj D:maj", "D major"), ("Bb:maj Eb:maj F:7 Bb:maj", "Bb major"),
     ("C:min F:min G:7 C:min", "C minor"), ("F#:min B:min C#:7 F#:min", "F# minor")],
)  # fmt: skip
def test_cadences_have_their_keys(model, progression, key):
    samples = chords([(chord, 3.0) for chord in progression.split()], model.sample_rate).samples
    assert mirkit.key(model.activations([samples])).label == key


def test_the_sizes_of_blocks_do_not_matter(model, song):
    samples = song("solo_trumpet_06", model.sample_rate)
    whole = model.activations([samples])["clip_key"].values
    blocks = [block[None] for block in cut(samples[0], np.random.default_rng(0), 4000)]
    np.testing.assert_array_equal(model.activations(blocks)["clip_key"].values, whole)


def test_the_level_does_not_matter(model, song):
    samples = song("solo_trumpet_06", model.sample_rate)
    loud, soft = (model.activations([gain * samples])["clip_key"].values for gain in (1, 0.01))
    np.testing.assert_allclose(loud, soft, atol=1e-4)


@pytest.mark.parametrize("seconds", [0.0001, 0.1, 0.7, 2.9])
def test_what_is_short_is_filled_up(model, seconds):
    samples = chords([("C:maj", seconds)], model.sample_rate).samples
    (features,) = model.features([samples])
    assert features.n_frames == LEAST_FRAMES
    found = model.activations(features)["clip_key"].values
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_features_of_too_few_frames_are_refused(model):
    (features,) = model.features([np.ones((1, 100), np.float32)])
    with pytest.raises(ParameterError, match="hold 127 frames; s-key needs 128"):
        model.activations(Features(features.values[:127], features.grid, features.front_end))


def test_silence_is_finite(model):
    found = model.activations([silence(4.0, model.sample_rate).samples])["clip_key"].values
    assert np.isfinite(found).all()
    assert found.max() < 0.5


def test_long_recordings_are_divided_and_averaged(model, song, monkeypatch):
    (features,) = model.features([song("hungarian_dance_5", model.sample_rate)])
    whole = model.activations(features)["clip_key"]
    monkeypatch.setattr(skey, "MOST_FRAMES", -(-features.n_frames // 2))
    halves = model.activations(features)["clip_key"]
    level = decibels(features.values)[:, :84]
    cut = -(-len(level) // 2)
    expected = [model._key(level[:cut]), model._key(level[cut:])]
    np.testing.assert_allclose(halves.values[0], np.mean(expected, axis=0), atol=1e-3)
    assert whole.values.argmax() == halves.values.argmax()
    assert not np.allclose(whole.values, halves.values, atol=1e-3)


def test_it_runs_without_torch_librosa_or_numba(model):
    code = """
import sys, numpy as np, mirkit
print(mirkit.load("s-key")((np.zeros(22050, np.float32), 22050)).label)
print(sorted({"torch", "librosa", "numba"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["None", "[]"]
