"""crema: a network for chords, trained on real songs, as published.

References
----------
B. McFee and J. P. Bello: Structured training for large-vocabulary chord recognition. ISMIR 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from mirkit.activations import Features, HeadSpec
from mirkit.arrays import Floats32
from mirkit.errors import MissingExtra, WeightsError
from mirkit.peers.crema_cqt import N_BINS, CremaCQT, harmonics
from mirkit.peers.layers import GRU, sigmoid, softmax
from mirkit.peers.published import Published
from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS, PITCHES

NORM_FLOOR = 1e-3
_ORDER = np.argsort(np.argsort(CHORD_TAGS))
"""Place of each of `CHORD_TAGS` among the classes of the network, which are in the alphabet's."""


@dataclass(frozen=True, eq=False)
class Crema(Published):
    """The heads ``tag`` (170 classes), ``root``, ``bass`` (13) and ``pitch`` (12), frame by frame.

    The features of a recording are kept whole, 42 MB for an hour, and so are the activations: the
    level of a frame is relative to the loudest, and the network looks both ways.
    """

    specs: ClassVar = {
        "tag": HeadSpec(CHORD_TAGS, "softmax"),
        "root": HeadSpec(CHORD_ROOTS, "softmax"),
        "bass": HeadSpec(CHORD_ROOTS, "softmax"),
        "pitch": HeadSpec(PITCHES, "sigmoid"),
    }
    front_end = CremaCQT()

    @classmethod
    def read_checkpoint(cls, path: Path) -> dict[str, Floats32]:
        """Return the tensors in the published file, by layer and by their names in Keras."""
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

        try:
            with h5py.File(path) as file:
                file["model_weights"].visititems(take)
        except (OSError, KeyError) as error:
            raise WeightsError(f"{path} holds no weights of Keras: {error}") from None
        return tensors

    def run(self, features: Features) -> dict[str, Floats32]:
        """Return the chord heads of the features of a whole recording."""
        x = self._seen(harmonics(features.values))
        x = self._both_ways(1, x)
        x = self._both_ways(2, self._normalized(4, x))
        pitch = sigmoid(self._dense("chord_pitch", x))
        root = softmax(self._dense("chord_root", x))
        bass = softmax(self._dense("chord_bass", x))
        x = self._normalized(5, np.concatenate((x, pitch, root, bass), axis=1))
        tag = softmax(self._dense("chord_tag", x))[:, _ORDER]
        return {"tag": tag, "root": root, "bass": bass, "pitch": pitch}

    def _seen(self, frames: Floats32) -> Floats32:
        """Return what the convolutions make of frames, ``(n_frames, 72)``."""
        x = self._normalized(1, frames)
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
