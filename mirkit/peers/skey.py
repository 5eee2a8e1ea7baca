"""S-KEY: a network for the key of a recording, trained without annotations, as published.

References
----------
Y. Kong, G. Meseguer-Brocal, V. Lostanlen, M. Lagrange and R. Hennequin: S-KEY: self-supervised
learning of major and minor keys from audio. ICASSP 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from mirkit.activations import Features, HeadSpec
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError, WeightsError
from mirkit.peers.layers import depthwise, gelu, softmax
from mirkit.peers.published import Published
from mirkit.peers.skey_vqt import BINS_PER_OCTAVE, OctaveVQT
from mirkit.vocab import KEYS
from mirkit.zoo.checkpoints import load_content

SAMPLE_RATE, HOP_LENGTH = 22050, 512
N_BINS = 84
"""Bins that the network hears, of the 99 from 27.5 Hz up that the transform gives."""

RANGE = 80.0
"""What lies further below the loudest is taken for that [dB]."""

LEAST = 1e-20
N_BLOCKS = 7
LEAST_FRAMES = 2**N_BLOCKS
"""Each block of the network halves the frames. What is shorter is filled up with silence."""

MOST_FRAMES = 25_840
"""Frames that the network is given at once: 10 minutes, for which it takes some 200 MB."""

NORM_FLOOR = 1e-5
COLUMNS = 4096
"""Places in a spectrogram that are worked on at once, so that they stay in the cache."""

FIRST_MAJOR, FIRST_MINOR = 9, 11
"""Tonics of the first major and the first minor class of the network: A and B."""


@dataclass(frozen=True, eq=False)
class SKey(Published):
    """The head ``clip_key``: the probability of each key for the whole recording.

    The features of a recording are kept whole, 61 MB for an hour. The network normalizes over all
    frames that it is given; recordings of more than 10 minutes are divided into equal parts, whose
    probabilities are averaged.
    """

    specs: ClassVar = {"clip_key": HeadSpec(KEYS, "softmax", "clip")}

    @classmethod
    def read_checkpoint(cls, path: Path) -> dict[str, Floats32]:
        """Return the tensors in the published file, and of the transform one octave."""
        content = load_content(path)
        if "stone" not in content:
            raise WeightsError(f"{path} is no checkpoint of S-KEY: nothing in it is named 'stone'")
        tensors = {name: x.numpy() for name, x in content["stone"].items()}
        kept = {name: x for name, x in tensors.items() if x.dtype == np.float32}
        return {
            name.removeprefix("chromanet."): x
            for name, x in kept.items()
            if "kernels" not in name or name.endswith("_0")  # those of all octaves are the same
        }

    @cached_property
    def front_end(self) -> OctaveVQT:
        """The variable-Q transform, whose kernels come with the weights."""
        real, imaginary = (self.weights[f"hcqt.cqt_kernels_{part}_0"] for part in ("real", "imag"))
        return OctaveVQT(
            "skey",
            SAMPLE_RATE,
            (real + 1j * imaginary)[:, 0].astype(np.complex64),
            self.weights["hcqt.lowpass_filter"][0, 0],
            self.weights["hcqt.lenghts"],
            HOP_LENGTH,
            LEAST_FRAMES,
        )

    def run(self, features: Features) -> dict[str, Floats32]:
        """Return the key of a recording, of 128 frames at least."""
        if features.n_frames < LEAST_FRAMES:
            raise ParameterError(
                f"features hold {features.n_frames} frames; s-key needs {LEAST_FRAMES}, of 3 s. "
                "SKey.features fills up what is shorter."
            )
        level = decibels(features.values)[:, :N_BINS]
        parts = np.array_split(level, -(-len(level) // MOST_FRAMES))
        keys = np.average([self._key(part) for part in parts], axis=0, weights=[*map(len, parts)])
        return {"clip_key": np.asarray(keys[None], np.float32)}

    def _key(self, level: Floats32) -> Floats32:
        """Return the probability of each key, ``(24,)``."""
        x = level.T[None]  # (1, n_bins, n_frames)
        for i in range(N_BLOCKS):
            x = self._block(i, x)
        chroma = x.reshape(len(x), -1, BINS_PER_OCTAVE, x.shape[2]).mean(axis=(1, 3))
        weights = self.weights
        logits = weights["classifier.weight"][:, :, 0, 0] @ chroma  # (2, 12)
        logits += (weights["classifier.bias"] - weights["batch_norm.running_mean"])[:, None]
        logits /= np.sqrt(weights["batch_norm.running_var"] + NORM_FLOOR)[:, None]
        major, minor = softmax(logits.reshape(1, -1)).reshape(logits.shape)
        return np.concatenate((np.roll(major, FIRST_MAJOR), np.roll(minor, FIRST_MINOR)))

    def _block(self, i: int, x: Floats32) -> Floats32:
        """Return half as many frames: ``(n_channels, n_bins, n_frames)`` each way."""
        x = self._fewer(f"time_downsampling_blocks.{i}.conv", normalized(x))
        block = f"convnext_blocks.{i}"
        kernels = self.weights[f"{block}.dwconv.weight"][:, 0]
        y = normalized(depthwise(x, kernels, self.weights[f"{block}.dwconv.bias"]))
        return x + self._mixed(block, y.reshape(len(y), -1)).reshape(x.shape)

    def _fewer(self, name: str, x: Floats32) -> Floats32:
        """Return what a convolution makes of each two frames."""
        weight, bias = self.weights[f"{name}.weight"][:, :, 0], self.weights[f"{name}.bias"]
        n_frames = x.shape[2] // 2
        pairs = x[:, :, : 2 * n_frames].reshape(*x.shape[:2], n_frames, 2)
        return gelu(np.einsum("oik,ihwk->ohw", weight, pairs, optimize=True) + bias[:, None, None])

    def _mixed(self, block: str, x: Floats32) -> Floats32:
        """Return what two layers make of the channels at each place, ``(n_channels, n_places)``."""
        weights = self.weights
        wide, wide_bias = weights[f"{block}.pwconv1.weight"], weights[f"{block}.pwconv1.bias"]
        scale = weights[f"{block}.gamma"]
        narrow = weights[f"{block}.pwconv2.weight"] * scale[:, None]
        narrow_bias = weights[f"{block}.pwconv2.bias"] * scale
        mixed = np.empty_like(x)
        for first in range(0, x.shape[1], COLUMNS):
            places = slice(first, first + COLUMNS)
            hidden = gelu(wide @ x[:, places] + wide_bias[:, None])
            mixed[:, places] = narrow @ hidden + narrow_bias[:, None]
        return mixed


def decibels(magnitudes: Floats32) -> Floats32:
    """Return the level below the loudest, 1 for that and 0 for what lies 80 dB below.

    The network was given the level below the peak of the samples; it normalizes away what differs.
    """
    level = 10 * np.log10(np.maximum(magnitudes, np.float32(LEAST)))
    level -= level.max()
    return np.asarray(np.maximum(level, -RANGE) / RANGE + 1, np.float32)


def normalized(x: Floats32) -> Floats32:
    """Return `x` with mean 0 and variance 1 over all of it."""
    mean, variance = x.mean(dtype=np.float64), x.var(dtype=np.float64)
    return np.asarray((x - np.float32(mean)) * np.float32(1 / np.sqrt(variance + NORM_FLOOR)))
