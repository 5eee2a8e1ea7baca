from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from mirkit.activations import Features, HeadSpec
from mirkit.errors import AudioError, ParameterError, UnknownName, WeightsError
from mirkit.features import FrontEnd
from mirkit.features.base import mono_slices
from mirkit.features.framing import Framing
from mirkit.frames import FrameGrid
from mirkit.peers.published import Published
from mirkit.zoo.networks import Settings
from mirkit.zoo.registry import Card

GRID = FrameGrid.from_fps(10)


class Level(FrontEnd):
    """The samples of each tenth of a second."""

    name, sample_rate, n_bins, grid, latency = "level", 100, 10, GRID, 0.1

    def n_frames(self, n_samples):
        return n_samples // 10

    def stream(self, blocks):
        return Framing(10, 10).frames(mono_slices(blocks, self.sample_rate))


class Loud(Published):
    """The level of each tenth of a second, times a weight: the smallest published model."""

    specs: ClassVar = {
        "level": HeadSpec(("level",)),
        "clip": HeadSpec(("level",), per="clip"),
    }
    front_end = Level()

    @classmethod
    def read_checkpoint(cls, path):
        return {"weight": np.frombuffer(path.read_bytes(), np.float32) + 2}

    def run(self, features):
        level = np.abs(features.values).max(axis=1, keepdims=True) * self.weights["weight"]
        return {"level": level, "clip": level.mean(axis=0, keepdims=True)}


CARD = Card("loud", "beats", "a toy", "toy:Loud", 100, ("level",), "MIT", "MIT",
            sha256="ab" * 32, converted="loud-1.safetensors")  # fmt: skip


@pytest.fixture
def converted(tmp_path):
    (tmp_path / "loud.bin").write_bytes(bytes(4))
    Loud.convert(tmp_path / "loud.bin", tmp_path / "loud.safetensors", CARD)
    return tmp_path / "loud.safetensors"


@pytest.fixture
def model(converted):
    return Loud.from_weights(converted, CARD)


BLOCKS = [np.full((1, 15), 0.25, np.float32), np.full((1, 5), 0.25, np.float32)]


def test_a_converted_model_remembers_its_origin(model):
    assert model.provenance.model == "loud"
    assert model.provenance.weights_hash == "ab" * 32
    assert model.activations(BLOCKS).provenance == model.provenance
    assert model.n_bytes == 4


def test_activations_come_from_blocks_and_from_features_alike(model):
    from_blocks = model.activations(BLOCKS)
    features = model.features(BLOCKS)
    assert list(from_blocks) == ["level", "clip"]
    assert from_blocks["level"].values.tolist() == [[0.5], [0.5]]
    assert (from_blocks["level"].grid, from_blocks["clip"].grid) == (GRID, None)
    for given in (features, list(features), features[0]):
        assert model.activations(given)["level"] == from_blocks["level"]


def test_only_the_heads_that_are_wanted_are_given(model):
    assert list(model.activations(BLOCKS, heads=["clip"])) == ["clip"]
    with pytest.raises(UnknownName, match="Did you mean 'level'"):
        model.activations(BLOCKS, heads=["levels"])


def test_features_of_another_front_end_are_refused(model):
    with pytest.raises(ParameterError, match="'mel'; loud was trained on 'level'"):
        model.activations(Features(np.zeros((3, 10), np.float32), GRID, "mel"))


def test_an_empty_recording_is_refused(model):
    with pytest.raises(ParameterError, match="no frames"):
        model.activations([])


def test_a_sample_that_is_not_a_number_is_named(model):
    with pytest.raises(AudioError, match="sample 15 of channel 0 is nan"):
        model.activations([BLOCKS[0], np.full((1, 5), np.nan, np.float32)])


def test_the_weights_of_another_model_are_refused(converted):
    soft = Card("soft", "beats", "a toy", "toy:Loud", 100, (), "MIT", "MIT")
    with pytest.raises(WeightsError, match="holds the weights of loud, not of 'soft'"):
        Loud.from_weights(converted, soft)
    with pytest.raises(WeightsError, match="no such file"):
        Loud.from_weights(Path("absent.safetensors"), CARD)


def test_it_runs_on_the_cpu_alone(converted):
    assert Loud.from_weights(converted, CARD, Settings(device="cpu", n_threads=2)).n_bytes == 4
    with pytest.raises(ParameterError, match="device is 'cuda'; loud runs on cpu alone"):
        Loud.from_weights(converted, CARD, Settings(device="cuda"))
