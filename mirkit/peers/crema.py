"""crema: a network for chords, trained on real songs, as published.

References
----------
B. McFee and J. P. Bello: Structured training for large-vocabulary chord recognition. ISMIR 2017.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mirkit.activations import Features, Head
from mirkit.arrays import Blocks, Floats32
from mirkit.errors import MissingExtra
from mirkit.frames import FrameGrid
from mirkit.peers.crema_cqt import HOP_LENGTH, N_BINS, N_HARMONICS, SAMPLE_RATE, harmonic_cqt
from mirkit.peers.layers import GRU, sigmoid, softmax
from mirkit.peers.published import Published, whole
from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS, PITCHES
from mirkit.zoo.origin import Origin

NORM_FLOOR = 1e-3
_ORDER = np.argsort(np.argsort(CHORD_TAGS))
"""Place of each of `CHORD_TAGS` among the classes of the network, which are in the alphabet's."""


@dataclass(frozen=True, eq=False)
class Crema(Published):
    """The heads ``tag`` (170 classes), ``root``, ``bass`` (13) and ``pitch`` (12), frame by frame.

    A recording is kept whole: its features are relative to its loudest frame, and the network
    looks both ways.
    """

    origins: ClassVar = {
        "crema": Origin(
            "crema/models/chord/model.h5",
            "08b80e5b648e743c89284e9bc0b12b993dad1129157a75e0de70e076b0b8a235",
            "crema==0.2.0",
        )
    }
    sample_rate = SAMPLE_RATE
    front_end = "crema"
    labels: ClassVar = {
        "tag": CHORD_TAGS,
        "root": CHORD_ROOTS,
        "bass": CHORD_ROOTS,
        "pitch": PITCHES,
    }

    @classmethod
    def tensors_in(cls, content: bytes) -> dict[str, Floats32]:
        """Return the tensors in the published file, by layer and by what Keras calls them."""
        try:
            import h5py
        except ImportError:
            install = "pip install 'mirkit[crema]'"
            raise MissingExtra("h5py", install, "converting the weights of crema") from None
        tensors: dict[str, Floats32] = {}

        def take(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                layer = name.split("/", 1)[1]  # each layer's group holds one of the same name
                tensors[layer.removesuffix(":0")] = item[()]

        with h5py.File(io.BytesIO(content)) as file:
            file["model_weights"].visititems(take)
        return tensors

    def features(self, blocks: Blocks) -> Features:
        """Return the constant-Q transform of a recording, ``(n_frames, 216 * 2)`` [dB].

        Of each bin the first harmonic, then the second.
        """
        values = harmonic_cqt(whole(blocks, self.sample_rate)).reshape(-1, N_BINS * N_HARMONICS)
        grid = FrameGrid.from_hop(self.sample_rate, HOP_LENGTH)
        return Features(values, grid, self.front_end)

    def heads_of(self, features: Features) -> dict[str, Head]:
        """Return the chord heads of the features of a whole recording."""
        x = self._seen(features.values)
        x = self._both_ways(1, x)
        x = self._both_ways(2, self._normalized(4, x))
        pitch = sigmoid(self._dense("chord_pitch", x))
        root = softmax(self._dense("chord_root", x))
        bass = softmax(self._dense("chord_bass", x))
        x = self._normalized(5, np.concatenate((x, pitch, root, bass), axis=1))
        tag = softmax(self._dense("chord_tag", x))[:, _ORDER]
        values = {"tag": tag, "root": root, "bass": bass, "pitch": pitch}
        return {
            name: Head(
                values[name], labels, features.grid, "sigmoid" if name == "pitch" else "softmax"
            )
            for name, labels in self.labels.items()
        }

    def _seen(self, frames: Floats32) -> Floats32:
        """Return what the convolutions make of frames, ``(n_frames, 72)``."""
        x = self._normalized(1, frames.reshape(len(frames), N_BINS, N_HARMONICS))
        half = len(self._columns) // 2
        padded = np.pad(x.reshape(len(x), -1), ((half, half), (0, 0)))
        y = sum(padded[i : i + len(x)] @ column for i, column in enumerate(self._columns))
        y = np.maximum(y + self.weights["conv2d_1/bias"], 0)
        y = self._normalized(2, y[..., None])[..., 0]
        y = y @ self.weights["conv2d_2/kernel"][0, :, 0] + self.weights["conv2d_2/bias"]
        return self._normalized(3, np.maximum(y, 0))

    def _both_ways(self, i: int, x: Floats32) -> Floats32:
        """Return what a recurrent layer makes of frames, forward and backward side by side."""
        forward, backward = self._recurrent[i]
        return np.concatenate((forward(x), backward(x[::-1])[::-1]), axis=1)

    def _dense(self, name: str, x: Floats32) -> Floats32:
        return np.asarray(x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"])

    def _normalized(self, i: int, x: Floats32) -> Floats32:
        """Return `x` by the statistics of the training, along its last axis."""
        layer = f"batch_normalization_{i}"
        mean, variance, gamma, beta = (
            self.weights[f"{layer}/{part}"]
            for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        scale = gamma / np.sqrt(variance + np.float32(NORM_FLOOR))
        return np.asarray(x * scale + (beta - mean * scale))

    @cached_property
    def _columns(self) -> Floats32:
        """The first convolution as matrices, one for each frame it sees, ``(5, 432, 216)``."""
        kernel = self.weights["conv2d_1/kernel"][..., 0]  # (5 frames, 5 bins, 2 harmonics)
        n_frames, n_seen, n_harmonics = kernel.shape
        columns = np.zeros((n_frames, N_BINS + n_seen - 1, n_harmonics, N_BINS), np.float32)
        for bin_ in range(N_BINS):
            columns[:, bin_ : bin_ + n_seen, :, bin_] = kernel
        inside = columns[:, n_seen // 2 : n_seen // 2 + N_BINS]
        return np.ascontiguousarray(inside.reshape(n_frames, -1, N_BINS))

    @cached_property
    def _recurrent(self) -> dict[int, tuple[GRU, GRU]]:
        return {i: (self._gru(i, "forward"), self._gru(i, "backward")) for i in (1, 2)}

    def _gru(self, i: int, way: str) -> GRU:
        layer = f"bidirectional_{i}/{way}_gru_{i}"
        kernel, recurrent, bias = (
            self.weights[f"{layer}/{part}"] for part in ("kernel", "recurrent_kernel", "bias")
        )
        return GRU.from_keras(kernel, recurrent, bias)
