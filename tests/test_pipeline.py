from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO

import numpy as np
import pytest
import soundfile

from mirkit.activations import Activations, Features, Head
from mirkit.audio import Audio, Track
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.pipeline import Pipeline, Windows, side_by_side

GRID = FrameGrid(Fraction(100), start=0.25)


@dataclass(frozen=True)
class Smoother:
    """A model whose numbers a reader can check: sums over neighbours, a mean over the clip."""

    receptive_field = (3, 2)
    kind: str = "softmax"

    def __call__(self, features, weight=None):
        before, after = self.receptive_field
        padded = np.pad(features.values[:, 0], (before, after))
        total = np.convolve(padded, np.ones(before + 1 + after), "valid")
        pooled = np.average(np.stack([total, -total]), axis=1, weights=weight)
        clip = Head(pooled[None], ("up", "down"), None, f"{self.kind}_logits")
        if not self.kind.endswith("logits"):
            clip = Head(clip.probabilities(), clip.labels, None, self.kind)
        frames = Head(total[:, None], ("beat",), features.grid, "sigmoid_logits")
        return Activations({"beat": frames, "tempo": clip})


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


def features(n_frames):
    values = np.random.default_rng(0).normal(0, 0.5, (n_frames, 1))
    return Features(values.astype(np.float32), GRID, "blocky")


@pytest.mark.parametrize("n_frames", [1, 7, 20, 39, 40, 41, 200])
@pytest.mark.parametrize("size", [1, 2, 7, 20, 500])
@pytest.mark.parametrize("kind", ["sigmoid", "softmax"])
def test_windows_give_what_the_whole_gives(n_frames, size, kind):
    model = Smoother(kind)
    whole = model(features(n_frames))
    windowed = Windows(size)(model, features(n_frames))
    assert windowed.keys() == whole.keys()
    for name, head in whole.items():
        assert windowed[name].grid == head.grid
        assert windowed[name].kind == head.kind
        np.testing.assert_allclose(windowed[name].values, head.values, rtol=0, atol=1e-5)


def test_windows_bound_what_the_model_sees_at_once():
    seen = []

    class Watched(Smoother):
        def __call__(self, features, weight=None):
            seen.append(features.n_frames)
            return super().__call__(features, weight)

    Windows(20)(Watched(), features(100))
    assert seen == [22, 26, 30, 26, 28]  # each begins at a multiple of 8
    seen.clear()
    Windows(20)(Watched(), features(25))
    assert seen == [25], "a window with its context is as long: the whole costs no more"
    seen.clear()
    Windows()(Watched(), features(40_000))
    assert seen == [15_002, 15_010, 10_008]


def test_wide_models_get_windows_as_long_as_their_context():
    class Wide(Smoother):
        receptive_field = (9_000, 11_000)

        def __call__(self, features, weight=None):
            seen.append(features.n_frames)
            head = Head(features.values, ("beat",), features.grid, "sigmoid_logits")
            return Activations({"beat": head})

    seen = []
    Windows()(Wide(), features(50_000))
    assert seen == [31_000, 39_000, 19_000]


def test_too_little_context_is_noticed_by_the_comparison():
    class Lying(Smoother):
        receptive_field = (3, 1)

        def __call__(self, features, weight=None):
            return Smoother()(features, weight)

    whole = Lying()(features(100))["beat"].values
    windowed = Windows(20)(Lying(), features(100))["beat"].values
    assert np.abs(whole - windowed).max() > 0.01


class Halving(Smoother):
    """One frame for `n` of the features."""

    n = 2

    def __call__(self, features, weight=None):
        start = float(features.grid.time_of((self.n - 1) / 2))
        grid = FrameGrid(features.grid.rate / self.n, start)
        return Activations({"key": Head(features.values[:: self.n], ("beat",), grid)})


@pytest.mark.parametrize("n_frames", [100, 101, 117])
def test_a_slower_clock_of_the_model_is_joined(n_frames):
    whole = Halving()(features(n_frames))
    assert Windows(20)(Halving(), features(n_frames)) == whole


def test_a_clock_of_the_model_that_windows_do_not_meet_is_refused():
    class Thirds(Halving):
        n = 3

    with pytest.raises(ParameterError, match=r"33.3333 frames a second and the features 100"):
        Windows(20)(Thirds(), features(100))
    with pytest.raises(ParameterError, match="n_frames a multiple"):
        Windows(21)(Halving(), features(100))


def test_a_user_may_stop_after_any_arrow():
    audio = Audio(np.random.default_rng(1).normal(0, 0.1, 995), 1000)
    pipeline = Pipeline(Blocky(), Smoother(), lambda activations: activations["beat"].n_frames)
    assert pipeline.features(audio) == Blocky()(audio)
    assert pipeline.activations(audio) == Smoother()(Blocky()(audio))
    assert pipeline(audio) == pipeline(Track(audio)) == pipeline((audio.samples, 1000)) == 99
    with BytesIO() as file:
        soundfile.write(file, audio.samples[0], 1000, format="WAV", subtype="FLOAT")
        file.seek(0)
        assert pipeline.features(file) == pipeline.features(audio)


@pytest.mark.parametrize("size", [1, 13, 400, 5000])
def test_blocks_give_what_the_recording_gives(size):
    samples = np.random.default_rng(1).normal(0, 0.1, 995).astype(np.float32)
    pipeline = Pipeline(Blocky(), Smoother(), lambda activations: activations, Windows(30))
    blocks = (samples[i : i + size] for i in range(0, len(samples), size))
    whole, streamed = pipeline(Audio(samples, 1000)), pipeline(blocks)
    for name in whole:
        np.testing.assert_allclose(streamed[name].values, whole[name].values, rtol=0, atol=1e-5)


def test_blocks_without_samples_are_refused():
    pipeline = Pipeline(Blocky(), Smoother(), lambda activations: activations)
    with pytest.raises(ParameterError, match="no frames"):
        pipeline(iter([]))
    with pytest.raises(ParameterError, match="n_frames"):
        Windows(0)


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
