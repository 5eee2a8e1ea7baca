"""Excerpts of features for chords and keys, and how they are changed in training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.activations import Features
from mirkit.arrays import Floats32
from mirkit.backbones.crnn.config import CRNNConfig
from mirkit.backbones.crnn.export import export_crnn
from mirkit.backbones.crnn.network import CRNN, layout
from mirkit.backbones.widen import widened
from mirkit.errors import ParameterError
from mirkit.features import VQT, tuned, tuning_of
from mirkit.features.tuning import shifted
from mirkit.training.features_store import NOISE, FeatureClip, FeatureStore
from mirkit.training.recipe import Recipe, build
from mirkit.training.tasks import with_fresh
from mirkit.zoo import checkpoints


@dataclass(frozen=True)
class HarmonyModelSettings:
    """The network of a recipe.

    Parameters
    ----------
    config
        Its shape.
    init
        Checkpoint to start from; random weights where empty. A wider network starts from a
        narrower one, whose answers it gives at first.
    fresh
        Prefixes of the parts that begin with random weights all the same, such as ``"heads"``
        where the checkpoint is of the other task.
    """

    config: CRNNConfig
    init: str = ""
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True)
class HarmonyDataSettings:
    """The data of a recipe.

    Parameters
    ----------
    store
        Folder of the features: see `mirkit.training.features_store.pack_features`.
    crop
        Length of an excerpt [s].
    n_validation
        Greatest number of clips to validate on; all where 0.
    """

    store: str
    crop: float = 12.0
    n_validation: int = 60


@dataclass(frozen=True)
class HarmonyChanges:
    """How excerpts are changed, all in the magnitudes of their features.

    Parameters
    ----------
    transposition
        Greatest shift, up or down [semitones].
    detuning
        Greatest detuning of one excerpt in four; the others are off by a tenth of it [cents].
    gain
        Greatest change of level [dB].
    equalizer
        Standard deviation of a smooth random curve over pitch [dB].
    noise
        Probability that other sounds are mixed in.
    drums
        Probability that another clip's drums, or whatever is not tonal, are mixed in, by its
        magnitudes averaged over half an octave.
    nothing
        Probability that a part of an excerpt is replaced by noise or silence, without a chord.
    mask
        Probability that a stretch of up to a second goes silent, its truth unchanged.
    """

    transposition: int = 6
    detuning: float = 50.0
    gain: float = 18.0
    equalizer: float = 5.0
    noise: float = 0.35
    drums: float = 0.25
    nothing: float = 0.12
    mask: float = 0.15


class HarmonyData:
    """Stores of features, and excerpts from them.

    Parameters
    ----------
    recipe
        The recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        values = dict(recipe.data)
        where = f"recipe {recipe.name!r}: data"
        self.changes = build(HarmonyChanges, values.pop("changes", {}), f"{where}: changes")
        self.settings = build(HarmonyDataSettings, values, where)
        self.train = FeatureStore.open(self.settings.store, "train")
        self.validation = FeatureStore.open(self.settings.store, "val")
        self.noise = FeatureStore.open(self.settings.store, NOISE)
        chosen = self.train.front_end
        if not isinstance(chosen, VQT):
            raise ParameterError(f"the store holds {chosen.name!r}; chords and keys need a VQT")
        self.front_end = chosen
        self.n_frames = round(self.settings.crop * chosen.grid.fps)
        self._tunings: dict[str, float] = {}

    def cents(self, store: FeatureStore, clip: FeatureClip) -> float:
        """Return the tuning of a whole clip [cents], measured once."""
        if clip.name not in self._tunings:
            self._tunings[clip.name] = tuning_of(self.features(store, clip), self.front_end)
        return self._tunings[clip.name]

    def features(self, store: FeatureStore, clip: FeatureClip) -> Features:
        """Return the features of a whole clip as they are."""
        values = store.excerpt(clip, 0, clip.n_frames)
        return Features(values, self.front_end.grid, self.front_end.name)

    def tuned_features(self, store: FeatureStore, clip: FeatureClip) -> Features:
        """Return the features of a whole clip as networks hear them."""
        return tuned(self.features(store, clip), self.cents(store, clip), self.front_end)

    def excerpt(self, clip: FeatureClip, rng: np.random.Generator) -> Excerpt:
        """Cut an excerpt of a training clip and change it."""
        how = self.changes
        first = int(rng.integers(0, max(1, clip.n_frames - self.n_frames)))
        semitones = int(rng.integers(-how.transposition, how.transposition + 1))
        wide = how.detuning if rng.random() < 0.25 else how.detuning / 10
        cents = self.cents(self.train, clip) + rng.uniform(-wide, wide)
        steps = self.front_end.bins_per_octave / 12
        values = self.train.excerpt(clip, first, self.n_frames)
        values = shifted(values, cents * steps / 100 - semitones * steps)
        magnitudes = self.front_end.magnitudes(values) * self._curve(rng)
        if rng.random() < how.noise:
            magnitudes = self._with_noise(magnitudes, rng)
        if rng.random() < how.drums:
            magnitudes = self._with_drums(magnitudes, rng)
        silent = np.zeros(self.n_frames, bool)
        if rng.random() < how.nothing:
            silent = self._nothing(magnitudes, rng)
        if rng.random() < how.mask:
            start = int(rng.integers(0, self.n_frames))
            magnitudes[start : start + int(rng.integers(1, 11))] *= 0.001
        return Excerpt(self.front_end.log(magnitudes), first, semitones, silent)

    def _curve(self, rng: np.random.Generator) -> Floats32:
        """Return a random level and a smooth random curve over pitch, as factors."""
        knots = rng.normal(0, self.changes.equalizer, 9)
        level = rng.uniform(-self.changes.gain, self.changes.gain)
        bins = np.linspace(0, 8, self.front_end.n_bins)
        decibels = level + np.interp(bins, np.arange(9), knots)
        return np.asarray(10 ** (decibels / 20), dtype=np.float32)

    def _with_noise(self, magnitudes: Floats32, rng: np.random.Generator) -> Floats32:
        noise = self._noise(rng)
        wanted = self._level(magnitudes) * 10 ** (-rng.uniform(3, 25) / 20)
        noise *= np.float32(wanted / max(self._level(noise), 1e-6))
        return np.asarray(np.sqrt(magnitudes**2 + noise**2), dtype=np.float32)

    def _with_drums(self, magnitudes: Floats32, rng: np.random.Generator) -> Floats32:
        """Mix in the attacks of another clip: what rises, smeared over pitch."""
        other = self.train.clips[int(rng.integers(len(self.train.clips)))]
        first = int(rng.integers(0, max(1, other.n_frames - self.n_frames)))
        theirs = self.front_end.magnitudes(self.train.excerpt(other, first, self.n_frames))
        rise = np.maximum(np.diff(theirs, axis=0, prepend=theirs[:1]), 0)
        width = self.front_end.bins_per_octave // 2
        sums = np.cumsum(np.pad(rise, ((0, 0), (width // 2 + 1, width // 2)), "edge"), axis=1)
        smear = (sums[:, width:] - sums[:, :-width])[:, : rise.shape[1]] / width
        smear = np.maximum(smear, 0) * rng.gamma(4, 0.25, smear.shape).astype(np.float32)
        wanted = self._level(magnitudes) * 10 ** (rng.uniform(-12, 3) / 20)
        smear *= np.float32(wanted / max(self._level(smear), 1e-6))
        return np.asarray(np.sqrt(magnitudes**2 + smear**2), dtype=np.float32)

    def _nothing(self, magnitudes: Floats32, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Overwrite a part by noise or silence; return where."""
        silent = np.zeros(self.n_frames, bool)
        if rng.random() < 0.4:
            silent[:] = True
        else:
            edge = int(rng.integers(8, self.n_frames))
            silent[slice(edge, None) if rng.random() < 0.5 else slice(0, edge)] = True
        filling = self._noise(rng) if rng.random() < 0.75 else np.zeros_like(magnitudes)
        floor = rng.gamma(1, 1, magnitudes.shape) * 10 ** rng.uniform(-6, -3)
        magnitudes[silent] = (filling * self._curve(rng) + floor)[silent]
        return silent

    def _noise(self, rng: np.random.Generator) -> Floats32:
        """Return magnitudes of sounds without chords, or of synthetic noise."""
        if not self.noise.clips or rng.random() < 0.3:
            tilt = np.exp2(np.linspace(0, rng.uniform(-4, 6), self.front_end.n_bins))
            loud = np.exp(rng.normal(0, 0.5, (self.n_frames, 1)))
            shape = np.sqrt(rng.gamma(1, 1, (self.n_frames, self.front_end.n_bins)))
            return np.asarray(0.01 * shape * loud * tilt, dtype=np.float32)
        clip = self.noise.clips[int(rng.integers(len(self.noise.clips)))]
        first = int(rng.integers(0, max(1, clip.n_frames - self.n_frames)))
        values = self.noise.excerpt(clip, first, min(self.n_frames, clip.n_frames))
        n_times = -(-self.n_frames // len(values))
        return self.front_end.magnitudes(np.tile(values, (n_times, 1))[: self.n_frames])

    @staticmethod
    def _level(magnitudes: Floats32) -> float:
        return float(np.sqrt(np.mean(magnitudes**2)))


@dataclass(frozen=True)
class Excerpt:
    """An excerpt: its features, where it was cut, how far moved, and where nothing was left."""

    values: Floats32
    first: int
    semitones: int
    silent: NDArray[np.bool_]


class HarmonyTask(ABC):
    """What the tasks of hearing chords and keys share: their data, their network, its files.

    Parameters
    ----------
    recipe
        The recipe.
    device
        Where networks compute.
    """

    monitor = "score"

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        where = f"recipe {recipe.name!r}: model"
        self.model = build(HarmonyModelSettings, recipe.model, where)
        self.recipe, self.device = recipe, device
        self.data = HarmonyData(recipe)
        self.clips = [clip for clip in self.data.train.clips if self.is_known(clip)]
        self.n_clips = len(self.clips)
        if not self.clips:
            raise ParameterError(
                f"the store {self.data.settings.store} has no clip of the split 'train' with "
                f"{recipe.task}"
            )

    @abstractmethod
    def is_known(self, clip: FeatureClip) -> bool:
        """Whether a clip has what is to be learned."""

    @abstractmethod
    def excerpt(self, clip: FeatureClip, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return an excerpt of a training clip and its targets, by name."""

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""
        self.n_clips = min(self.n_clips, n_clips)

    def network(self) -> CRNN:
        """Return a new network, or the one that the recipe starts from."""
        net = CRNN(self.model.config)
        if self.model.init:
            tensors = checkpoints.load_tensors(self.model.init)[0]
            own = net.state_dict()
            tensors = widened(with_fresh(own, tensors, self.model.fresh), own, layout)
            net.load_state_dict(tensors)
        return net

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return a batch: excerpt i of clip ``clips[i]``, all chance from ``seeds[i]``."""
        excerpts = [
            self.excerpt(self.clips[i], np.random.default_rng(seed))
            for i, seed in zip(clips, seeds, strict=True)
        ]
        return {
            name: torch.from_numpy(np.stack([each[name] for each in excerpts]))
            for name in excerpts[0]
        }

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors`` and ``best.onnx``, which names the hash of the former."""
        assert isinstance(net, CRNN)
        kept = {
            "config": net.config.to_json(),
            "front_end": self.data.front_end.name,
            "recipe": self.recipe.name,
        }
        tensors = folder / "best.safetensors"
        checkpoints.save_tensors(tensors, net.state_dict(), kept)
        kept["weights_sha256"] = checkpoints.sha256_of(tensors)
        part = folder / "best.part.onnx"
        export_crnn(net, part, kept)
        part.replace(folder / "best.onnx")
