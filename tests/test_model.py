from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from mirkit.activations import Features
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.model import side_by_side
from mirkit.zoo.registry import load_model

GRID = FrameGrid(Fraction(100), start=0.25)


@dataclass(frozen=True)
class Blocky:
    """A front end: the mean of each 10 samples."""

    name = "blocky"
    sample_rate = 1000
    grid = GRID

    def __call__(self, audio):
        return Features(np.concatenate(list(self.stream([audio.samples[0]]))), self.grid, self.name)

    def stream(self, blocks):
        kept = np.empty(0, np.float32)
        for block in blocks:
            kept = np.concatenate([kept, np.atleast_2d(block)[0]])
            n_frames = len(kept) // 10
            yield kept[: n_frames * 10].reshape(-1, 10).mean(1, keepdims=True)
            kept = kept[n_frames * 10 :]


@dataclass(frozen=True)
class Slow:
    """A front end of one frame for as many samples as it says."""

    n_samples: int
    name = "slow"
    sample_rate = 1000

    @property
    def grid(self):
        return FrameGrid(Fraction(1000, self.n_samples))

    def stream(self, blocks):
        kept = np.empty(0, np.float32)
        for block in blocks:
            kept = np.concatenate([kept, np.atleast_2d(block)[0]])
            n = len(kept) // self.n_samples
            if n:
                yield kept[: n * self.n_samples].reshape(n, -1).mean(1, keepdims=True)
            kept = kept[n * self.n_samples :]


def test_front_ends_side_by_side_give_what_each_gives_alone():
    samples = np.random.default_rng(3).normal(size=20_000).astype(np.float32)
    pieces = np.split(samples, [3, 500, 500, 7_000, 19_990])
    front_ends = (Blocky(), Slow(700), Slow(30))
    for front_end, found in zip(front_ends, side_by_side(front_ends, pieces), strict=True):
        alone = np.concatenate(list(front_end.stream([samples])))
        assert found.grid == front_end.grid
        assert found.front_end == front_end.name
        assert np.allclose(found.values, alone, atol=1e-6)


def test_front_ends_side_by_side_keep_few_blocks():
    alive, most = set(), 0

    class Block(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    def blocks():
        nonlocal most
        for _ in range(300):
            block = np.zeros(100, np.float32).view(Block)
            alive.add(id(block))
            most = max(most, len(alive))
            yield block
            del block

    side_by_side((Slow(30), Slow(700)), blocks())
    assert most < 20


def test_front_ends_side_by_side_refuse_a_recording_without_samples():
    with pytest.raises(ParameterError, match="no frames"):
        side_by_side((Blocky(), Slow(700)), [])


def test_a_model_takes_samples_or_features_and_the_heads_that_are_wanted():
    model = load_model("beat-tcn")
    samples = np.random.default_rng(0).normal(0, 0.1, (1, 40_000)).astype(np.float32)
    whole = model.activations([samples])
    assert list(whole) == ["beat", "downbeat", "tempo", "kick", "chroma", "attack"]
    assert model.activations(model.features([samples])) == whole
    alone = model.activations(model.features([samples])[0], heads=["beat"])
    assert list(alone) == ["beat", "kick"], "without semitones there is no chroma"
    assert alone["beat"] == whole["beat"]
    with pytest.raises(UnknownName, match="'beats'"):
        model.activations([samples], heads=["beats"])
    with pytest.raises(ParameterError, match="come from 'slow'"):
        model.activations(Features(np.zeros((3, 1)), GRID, "slow"))
