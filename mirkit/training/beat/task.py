"""The task of beats: excerpts of clips, their features, losses, and scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor, nn

from mirkit.activations import Activations
from mirkit.arrays import Floats32
from mirkit.audio import Audio
from mirkit.backbones.export import export_live, export_onnx
from mirkit.backbones.tcn.network import TCN, TCNLogits, layout, past_taps
from mirkit.errors import ParameterError
from mirkit.features import LogSpectrogram, front_end
from mirkit.features.conditioning import RunningLevel
from mirkit.training import weights
from mirkit.training.augment import mix_examples
from mirkit.training.beat.augment import change_features, change_samples, draw_equalizer, draw_hop
from mirkit.training.beat.data import beats_of
from mirkit.training.beat.recipe import BeatRecipe
from mirkit.training.beat.targets import frame_targets, tempo_target
from mirkit.training.beat.validation import (
    average_scores,
    compute_activations,
    find_decoder,
    score_beats,
)
from mirkit.training.losses import (
    focal_bce,
    shift_tolerant_bce,
    soft_cross_entropy,
    weighted_bce,
)
from mirkit.training.stores import Clip, Header, Store
from mirkit.training.task import Task
from mirkit.training.twin import TorchLogSpectrogram


class BeatTask(Task[BeatRecipe]):
    """Beats, downbeats and tempo of clips in a store."""

    def __init__(self, recipe: BeatRecipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        chosen, data = front_end(recipe.model.front_end), recipe.data
        if not isinstance(chosen, LogSpectrogram):
            raise ParameterError(f"front end {chosen.name!r} is no spectrogram; a TCN needs one")
        self.front_end = chosen
        self.twin = TorchLogSpectrogram(chosen).to(device)
        store = Store.open(data.store)
        self.train = store.select("train", data.sources)
        self.validation = store.select("val")
        self.n_frames = round(data.crop * chosen.grid.fps)
        self._check(store.header)
        self.n_clips = len(self.train)
        self.limit(data.n_train or self.n_clips)

    def _check(self, header: Header) -> None:
        chosen, config = self.front_end, self.recipe.model.config
        if header.front_end:
            raise ParameterError(f"the store holds {header.front_end!r}; beats need samples")
        if header.sample_rate != chosen.sample_rate:
            raise ParameterError(
                f"the store is at {header.sample_rate} Hz; {chosen.name!r} takes "
                f"{chosen.sample_rate} Hz"
            )
        if config.farthest_tap >= self.n_frames:
            raise ParameterError(
                f"n_blocks is {config.n_blocks}: the widest convolution reaches "
                f"{config.farthest_tap} frames, past any excerpt of {self.n_frames}, so its outer "
                "weights would stay random. Lengthen crop, or take fewer blocks."
            )

    def network(self) -> TCN:
        """Return a new network, or the one that the recipe starts from."""
        model = self.recipe.model
        net = TCN(model.config)
        weights.start_from(net, model, layout, self._keep_past)
        return net

    def _keep_past(
        self, tensors: dict[str, Tensor], metadata: Mapping[str, str]
    ) -> dict[str, Tensor]:
        """Return only the taps on the past, where a causal network starts from a centered one."""
        config = self.recipe.model.config
        is_causal = json.loads(metadata.get("config", "{}")).get("lookahead") is not None
        return tensors if config.lookahead is None or is_causal else past_taps(tensors, config)

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return a batch, and its seeds, which what is changed on the device follows as well."""
        return super().batch(clips, seeds) | {"seeds": torch.tensor([[*seed] for seed in seeds])}

    def excerpt(self, clip: int, rng: np.random.Generator) -> dict[str, Floats32]:
        """Cut, change and label an excerpt, in frames at a hop of its own."""
        settings, stft, chosen = self.recipe.augment, self.front_end.stft, self.train.clips[clip]
        hop = draw_hop(stft.hop_length, settings.rate, rng)
        length = stft.framing.frame_length
        n_samples = (self.n_frames - 1) * hop + length
        start = int(rng.integers(-hop, max(1, chosen.length - self.n_frames * hop)))
        samples = self._leveled(chosen, start - length // 2, n_samples)
        samples = change_samples(samples, settings, rng)
        frames = as_strided(samples, (self.n_frames, length), (hop * 4, 4), writeable=False)
        excerpt = {"frames": frames, "gains": draw_equalizer(stft.n_bins, settings, rng)}
        return excerpt | self._targets(chosen, start / self.front_end.sample_rate, hop)

    def _leveled(self, clip: Clip, first: int, n_samples: int) -> Floats32:
        """Return samples of a clip as the front end conditions them, with those before in mind."""
        samples = self.train.excerpt(clip, first, n_samples)[:, 0]
        for step in self.front_end.conditioning:
            if isinstance(step, RunningLevel):
                before = np.abs(self.train.excerpt(clip, 0, max(first, 0))).max(initial=step.floor)
                samples = np.concatenate([*replace(step, floor=float(before))([samples])])
        return samples

    def _targets(self, clip: Clip, start: float, hop: int) -> dict[str, Floats32]:
        fps, loss = self.front_end.sample_rate / hop, self.recipe.loss
        beats = beats_of(clip)
        end = start + self.n_frames / fps
        inside = beats.times[(beats.times >= start) & (beats.times < end)]
        stretch = hop / self.front_end.stft.hop_length
        n_tempi = self.recipe.model.config.n_tempi
        tempo = tempo_target(inside, stretch, n_tempi) if n_tempi else None
        knows_bars = beats.positions is not None
        downbeats = beats.downbeats - start if knows_bars else np.empty(0)
        neighbour = 0.0 if loss.kind == "shift_tolerant" else loss.neighbour
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
        settings = self.recipe.augment
        features = self.twin.from_frames(batch["frames"], batch["gains"])
        rngs = [np.random.default_rng([*seed, 1]) for seed in batch["seeds"].tolist()]
        parts = [change_features(x, settings, rng) for x, rng in zip(features, rngs, strict=True)]
        kept = {name: x for name, x in batch.items() if name not in ("frames", "gains", "seeds")}
        kept["features"] = torch.stack(parts)
        return mix_batch(kept, settings.mixup, rngs[0]) if settings.mixup else kept

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the heads and ``"loss"``, their weighted sum."""
        batch, loss = self.features(batch), self.recipe.loss
        logits: TCNLogits = net(batch["features"])
        losses = {
            "beat": self._frame_loss(logits.beat, batch["beat"], None, loss.beat_weight),
            "downbeat": self._frame_loss(
                logits.downbeat, batch["downbeat"], batch["downbeat_mask"], loss.downbeat_weight
            ),
        }
        total = loss.beat * losses["beat"] + loss.downbeat * losses["downbeat"]
        if logits.tempo is not None:
            losses["tempo"] = soft_cross_entropy(logits.tempo, batch["tempo"], batch["tempo_mask"])
            total = total + loss.tempo * losses["tempo"]
        return {"loss": total, **losses}

    def _frame_loss(
        self, logits: Tensor, targets: Tensor, mask: Tensor | None, weight: float
    ) -> Tensor:
        loss = self.recipe.loss
        if loss.kind == "bce":
            return weighted_bce(logits, targets, mask, weight)
        if loss.kind == "focal":
            return focal_bce(logits, targets, mask, loss.gamma)
        return shift_tolerant_bce(logits, targets, mask, weight, loss.tolerance)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return mean scores of decoded beats, whole clips, nothing augmented.

        ``score`` is the mean of beat F, CMLt and downbeat F.
        """
        assert isinstance(net, TCN)
        decode = find_decoder(self.recipe.data.decoder)
        clips = self.validation.clips[: self.recipe.data.n_validation or None]
        rows = [score_beats(beats_of(clip), decode(self.activations(net, clip))) for clip in clips]
        return average_scores(rows)

    def activations(self, net: TCN, clip: Clip) -> Activations:
        """Return the activations of a whole clip of the validation split."""
        samples = self.validation.excerpt(clip, 0, clip.length)[:, 0]
        features = self.front_end(Audio(samples, self.front_end.sample_rate))
        return compute_activations(net, features, self.recipe.name)

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors`` and ``best.onnx``, which names the hash of the former.

        A causal network is exported with its states, to be run block by block.
        """
        assert isinstance(net, TCN)
        metadata = {"config": net.config.to_json(), "front_end": self.front_end.name}
        metadata["recipe"] = self.recipe.name
        export = export_onnx if net.config.lookahead is None else export_live
        weights.save_best(net, folder, metadata, export)


def mix_batch(
    batch: dict[str, Tensor], alpha: float, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Return a batch whose examples are mixed with one another, by a share from Beta(alpha)."""
    share = float(rng.beta(alpha, alpha))
    other = torch.as_tensor(rng.permutation(len(batch["features"])))
    return mix_examples(batch, {name: x[other] for name, x in batch.items()}, share)
