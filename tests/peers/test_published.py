import hashlib
from typing import ClassVar

import numpy as np
import pytest

from mirkit.activations import Features, Head
from mirkit.errors import AudioError, ParameterError, UnknownName, WeightsError
from mirkit.frames import FrameGrid
from mirkit.peers.published import Published, whole
from mirkit.zoo.origin import Origin

GRID = FrameGrid.from_fps(10)


class Loud(Published):
    """The level of each tenth of a second, times a weight: the smallest published model."""

    origins: ClassVar = {"loud": Origin("loud.bin", hashlib.sha256(bytes(4)).hexdigest())}
    sample_rate = 100
    front_end = "level"
    labels: ClassVar = {"level": ("level",), "half": ("half",)}

    @classmethod
    def tensors_in(cls, content):
        return {"weight": np.frombuffer(content, np.float32) + 2}

    def features(self, blocks):
        samples = whole(blocks, self.sample_rate)
        n_frames = len(samples) // 10
        return Features(samples[: 10 * n_frames].reshape(-1, 10), GRID, self.front_end)

    def heads_of(self, features):
        level = np.abs(features.values).max(axis=1, keepdims=True) * self.weights["weight"]
        return {
            "level": Head(level, ("level",), features.grid),
            "half": Head(level / 2, ("half",), features.grid),
        }


@pytest.fixture
def converted(tmp_path):
    (tmp_path / "loud.bin").write_bytes(bytes(4))
    return Loud.convert(tmp_path / "loud.bin", tmp_path / "loud.safetensors", "loud")


@pytest.fixture
def model(converted):
    return Loud.from_weights(converted)


BLOCKS = [np.full((1, 15), 0.25, np.float32), np.full((1, 5), 0.25, np.float32)]


def test_a_converted_model_remembers_its_origin(model):
    assert model.provenance.model == "loud"
    assert model.provenance.weights_hash == Loud.origins["loud"].sha256
    assert model.activations(BLOCKS).provenance == model.provenance


def test_activations_come_from_blocks_and_from_features_alike(model):
    from_blocks = model.activations(BLOCKS)
    from_features = model.activations(model.features(BLOCKS))
    assert list(from_blocks) == ["level", "half"]
    assert from_blocks["level"].values.tolist() == [[0.5], [0.5]]
    assert from_features["level"] == from_blocks["level"]


def test_only_the_heads_that_are_wanted_are_given(model):
    assert list(model.activations(BLOCKS, heads=["half"])) == ["half"]
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


def test_an_unknown_name_is_not_converted(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'loud'"):
        Loud.convert(tmp_path / "loud.bin", tmp_path / "x.safetensors", "lout")


def test_another_file_is_not_converted(tmp_path):
    (tmp_path / "loud.bin").write_bytes(bytes(5))
    with pytest.raises(WeightsError, match="sha256"):
        Loud.convert(tmp_path / "loud.bin", tmp_path / "x.safetensors", "loud")
    assert not (tmp_path / "x.safetensors").exists()


def test_the_weights_of_another_model_are_refused(converted):
    class Soft(Loud):
        origins: ClassVar = {"soft": Loud.origins["loud"]}

    with pytest.raises(WeightsError, match="holds loud, and Soft runs soft"):
        Soft.from_weights(converted)
