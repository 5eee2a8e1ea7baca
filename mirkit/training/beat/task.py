"""The task of hearing beats: excerpts of clips, their features, losses, and scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor, nn

from mirkit.activations import Activations, Head, Provenance
from mirkit.annotation import Beats
from mirkit.arrays import Floats32
from mirkit.audio import Audio
from mirkit.backbones.export import export_live, export_onnx
from mirkit.backbones.tcn.config import TCNConfig
from mirkit.backbones.tcn.inference import Probabilities
from mirkit.backbones.tcn.live import live_runner
from mirkit.backbones.tcn.network import TCN, TCNLogits, layout, past_taps
from mirkit.backbones.widen import widened
from mirkit.errors import ParameterError
from mirkit.features import LogSpectrogram, front_end
from mirkit.metrics.beat import beat_scores
from mirkit.music.beat.decoder import decoder
from mirkit.music.beat.live import BeatTCNLive
from mirkit.training.augment import (
    Augmentation,
    change_samples,
    equalizer_gains,
    mixed,
    mute_stripes,
    random_hop,
    shift_bands,
)
from mirkit.training.beat.targets import frame_targets, tempo_target
from mirkit.training.clips import Clip, ClipStore
from mirkit.training.losses import focal_bce, masked_bce, shift_tolerant_bce, soft_cross_entropy
from mirkit.training.recipe import Recipe, build
from mirkit.training.tasks import with_fresh
from mirkit.training.twin import TorchLogSpectrogram
from mirkit.zoo import checkpoints

MONITORED = ("f_measure", "cmlt", "downbeat_f_measure")
REPORTED = (*MONITORED, "amlt", "tempo_accuracy_1")


@dataclass(frozen=True)
class BeatModelSettings:
    """The network of a beat recipe.

    Parameters
    ----------
    front_end
        Name of the front end.
    config
        The shape of the TCN.
    init
        Checkpoint to start from; random weights where empty. A causal network starts from a
        centred one with those taps that look at the past, a wider one from a narrower one whose
        answers it gives at first.
    fresh
        Prefixes of the parts that begin with random weights all the same, such as
        ``"heads.tempo"``, because the checkpoint lacks them or has them in another shape.
    """

    front_end: str
    config: TCNConfig
    init: str = ""
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True)
class BeatDataSettings:
    """The data of a beat recipe.

    Parameters
    ----------
    store
        Folder of the clips: see `mirkit.training.clips.pack`.
    crop
        Length of an excerpt, as the network hears it [s].
    n_train, n_validation
        Greatest number of clips; all where 0.
    decoder
        Name of the decoder that validation scores; the default one where empty.
    sources
        Sources of music to train on, such as ``"mma"``; all where empty.
    """

    store: str
    crop: float = 20.0
    n_train: int = 0
    n_validation: int = 100
    decoder: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class BeatLossSettings:
    """The losses of a beat recipe.

    Parameters
    ----------
    kind
        Of beats and downbeats: see `mirkit.training.losses`.
    beat, downbeat, tempo
        How much each head counts.
    beat_weight, downbeat_weight
        How much more a frame with an event counts than one without.
    tolerance
        Frames that ``"shift_tolerant"`` forgives.
    neighbour
        Target of the frames beside an event; 0 with ``"shift_tolerant"``.
    gamma
        Of ``"focal"``.
    """

    kind: Literal["bce", "focal", "shift_tolerant"] = "bce"
    beat: float = 1.0
    downbeat: float = 1.0
    tempo: float = 0.1
    beat_weight: float = 1.0
    downbeat_weight: float = 1.0
    tolerance: int = 3
    neighbour: float = 0.5
    gamma: float = 2.0


class BeatTask:
    """Beats, downbeats and tempo of clips in a store.

    Parameters
    ----------
    recipe
        The recipe.
    device
        Where networks compute.
    """

    monitor = "score"

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        where = f"recipe {recipe.name!r}"
        self.model = build(BeatModelSettings, recipe.model, f"{where}: model")
        self.data = build(BeatDataSettings, recipe.data, f"{where}: data")
        self.loss = build(BeatLossSettings, recipe.loss, f"{where}: loss")
        self.recipe, self.device = recipe, device
        chosen = front_end(self.model.front_end)
        if not isinstance(chosen, LogSpectrogram):
            raise ParameterError(f"front end {chosen.name!r} is no spectrogram; a TCN needs one")
        self.front_end = chosen
        self.twin = TorchLogSpectrogram(chosen).to(device)
        self.train = ClipStore.open(self.data.store, "train").of_sources(self.data.sources)
        self.validation = ClipStore.open(self.data.store, "val")
        if self.train.sample_rate != chosen.sample_rate:
            raise ParameterError(
                f"the store is at {self.train.sample_rate} Hz; {chosen.name!r} takes "
                f"{chosen.sample_rate} Hz"
            )
        self.n_frames = round(self.data.crop * chosen.grid.fps)
        if self.model.config.farthest_tap >= self.n_frames:
            raise ParameterError(
                f"n_blocks is {self.model.config.n_blocks}: the widest convolution reaches "
                f"{self.model.config.farthest_tap} frames, past any excerpt of {self.n_frames}, so "
                "its outer weights would stay random. Lengthen crop, or take fewer blocks."
            )
        self.n_clips = len(self.train.clips)
        self.limit(self.data.n_train or self.n_clips)

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""
        self.n_clips = min(self.n_clips, n_clips)

    def network(self) -> TCN:
        """Return a new network, or the one that the recipe starts from."""
        net = TCN(self.model.config)
        if self.model.init:
            tensors, kept = checkpoints.load_tensors(self.model.init)
            was_causal = json.loads(kept.get("config", "{}")).get("lookahead") is not None
            if self.model.config.lookahead is not None and not was_causal:
                tensors = past_taps(tensors, self.model.config)
            own = net.state_dict()
            tensors = widened(with_fresh(own, tensors, self.model.fresh), own, layout)
            net.load_state_dict(tensors)
        return net

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return a batch: excerpt i of clip ``clips[i]``, all chance from ``seeds[i]``."""
        excerpts = [
            self._excerpt(self.train.clips[i], np.random.default_rng(seed))
            for i, seed in zip(clips, seeds, strict=True)
        ]
        batch = {
            name: torch.from_numpy(np.stack([excerpt[name] for excerpt in excerpts]))
            for name in excerpts[0]
        }
        batch["seeds"] = torch.tensor([[*seed] for seed in seeds])
        return batch

    def _excerpt(self, clip: Clip, rng: np.random.Generator) -> dict[str, Floats32]:
        """Cut, change and label an excerpt, in frames at a hop of its own."""
        how, stft, rate = self.recipe.augment, self.front_end.stft, self.front_end.sample_rate
        hop = random_hop(stft.hop_length, how.rate, rng)
        length = stft.framing.frame_length
        n_samples = (self.n_frames - 1) * hop + length
        start = int(rng.integers(-hop, max(1, clip.n_samples - self.n_frames * hop)))
        samples = self.train.excerpt(clip, start - length // 2, n_samples)
        samples = change_samples(samples, how, rng)
        frames = as_strided(samples, (self.n_frames, length), (hop * 4, 4), writeable=False)
        excerpt = {"frames": frames, "gains": equalizer_gains(stft.n_bins, how, rng)}
        return excerpt | self._targets(clip, start / rate, hop)

    def _targets(self, clip: Clip, start: float, hop: int) -> dict[str, Floats32]:
        fps = self.front_end.sample_rate / hop
        beats = clip.beats
        end = start + self.n_frames / fps
        inside = beats.times[(beats.times >= start) & (beats.times < end)]
        stretch = hop / self.front_end.stft.hop_length
        n_tempi = self.model.config.n_tempi
        tempo = tempo_target(inside, stretch, n_tempi) if n_tempi else None
        knows_bars = beats.positions is not None
        downbeats = beats.downbeats - start if knows_bars else np.empty(0)
        neighbour = 0.0 if self.loss.kind == "shift_tolerant" else self.loss.neighbour
        return {
            "beat": frame_targets(beats.times - start, fps, self.n_frames, neighbour),
            "downbeat": frame_targets(downbeats, fps, self.n_frames, neighbour),
            "downbeat_mask": np.full(self.n_frames, knows_bars, dtype=np.float32),
            "tempo": np.zeros(n_tempi, np.float32) if tempo is None else tempo,
            "tempo_mask": np.array(tempo is not None, dtype=np.float32),
        }

    @torch.no_grad()
    def features(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `batch` with features, augmented, instead of frames of samples."""
        how = self.recipe.augment
        features = self.twin.from_frames(batch["frames"], batch["gains"])
        rngs = [np.random.default_rng([*seed, 1]) for seed in batch["seeds"].tolist()]
        parts = [_changed(x, how, rng) for x, rng in zip(features, rngs, strict=True)]
        kept = {name: x for name, x in batch.items() if name not in ("frames", "gains", "seeds")}
        kept["features"] = torch.stack(parts)
        return mixed(kept, how.mixup, rngs[0]) if how.mixup else kept

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the heads and ``"loss"``, their weighted sum."""
        batch = self.features(batch)
        logits: TCNLogits = net(batch["features"])
        how = self.loss
        losses = {
            "beat": self._frame_loss(logits.beat, batch["beat"], None, how.beat_weight),
            "downbeat": self._frame_loss(
                logits.downbeat, batch["downbeat"], batch["downbeat_mask"], how.downbeat_weight
            ),
        }
        total = how.beat * losses["beat"] + how.downbeat * losses["downbeat"]
        if logits.tempo is not None:
            losses["tempo"] = soft_cross_entropy(logits.tempo, batch["tempo"], batch["tempo_mask"])
            total = total + how.tempo * losses["tempo"]
        return {"loss": total, **losses}

    def _frame_loss(
        self, logits: Tensor, targets: Tensor, mask: Tensor | None, weight: float
    ) -> Tensor:
        if self.loss.kind == "bce":
            return masked_bce(logits, targets, mask, weight)
        if self.loss.kind == "focal":
            return focal_bce(logits, targets, mask, self.loss.gamma)
        return shift_tolerant_bce(logits, targets, mask, weight, self.loss.tolerance)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return mean scores of decoded beats, whole clips, nothing augmented.

        ``score`` is the mean of beat F, CMLt and downbeat F.
        """
        assert isinstance(net, TCN)
        decode = decoder(self.data.decoder or None)
        clips = self.validation.clips[: self.data.n_validation or None]
        rows = [self._score(net, clip, decode) for clip in clips]
        names = sorted(set().union(*rows))
        means = {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
        parts = [
            means[name] for name in ("f_measure", "cmlt", "downbeat_f_measure") if name in means
        ]
        return {"score": float(np.mean(parts))} | means

    def _score(
        self, net: TCN, clip: Clip, decode: Callable[[Activations], Beats]
    ) -> dict[str, float]:
        scores = beat_scores(clip.beats, decode(self.activations(net, clip)))
        return {name: scores[name] for name in REPORTED if name in scores}

    @torch.no_grad()
    def activations(self, net: TCN, clip: Clip) -> Activations:
        """Return what `net` makes of a whole clip of the validation split."""
        samples = self.validation.excerpt(clip, 0, clip.n_samples)
        features = self.front_end(Audio(samples, self.front_end.sample_rate))
        if net.config.lookahead is not None:  # as it will be heard: a tempo that knows no future
            origin = Provenance(self.recipe.name)
            live = BeatTCNLive(live_runner(net), net.config, features.front_end, origin)
            return live.activations(features)
        module = Probabilities(net).eval()
        x = torch.tensor(features.values, device=self.device)[None]
        outputs = module(x, torch.ones(x.shape[:2], device=self.device))
        heads = {}
        for name, y in zip(module.names, outputs, strict=True):
            values = y.T.cpu().numpy()
            if name == "tempo":
                labels = tuple(map(str, range(len(values))))
                heads[name] = Head(values.T, labels, None, "softmax")
            else:
                heads[name] = Head(values, (name,), features.grid)
        return Activations(heads)

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors`` and ``best.onnx``, which names the hash of the former.

        A causal network is exported with its states, to be run block by block.
        """
        assert isinstance(net, TCN)
        kept = {"config": net.config.to_json(), "front_end": self.front_end.name}
        kept["recipe"] = self.recipe.name
        tensors = folder / "best.safetensors"
        checkpoints.save_tensors(tensors, net.state_dict(), kept)
        kept["weights_sha256"] = checkpoints.sha256_of(tensors)
        part = folder / "best.part.onnx"
        export = export_onnx if net.config.lookahead is None else export_live
        export(net.cpu() if self.device.type != "cpu" else net, part, kept)
        net.to(self.device)
        part.replace(folder / "best.onnx")


def _changed(features: Tensor, how: Augmentation, rng: np.random.Generator) -> Tensor:
    steps = int(rng.integers(-how.pitch, how.pitch + 1))
    return mute_stripes(shift_bands(features, steps), how, rng)
