"""Layers of published networks in numpy, for inference: recurrent ones step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from mirkit.arrays import Floats32


class LSTMState(NamedTuple):
    """State of an LSTM: its output and its cell, each ``(n_units,)``."""

    output: Floats32
    cell: Floats32


@dataclass(frozen=True, eq=False)
class LSTM:
    """A long short-term memory, its gates in the order in, forget, out, candidate.

    One tanh serves all gates, as ``sigmoid(x) = (1 + tanh(x / 2)) / 2``; so the weights of the
    first three are halved here.

    Parameters
    ----------
    kernel
        From inputs to gates, ``(n_inputs, 4 * n_units)``.
    recurrent
        From outputs to gates, ``(n_units, 4 * n_units)``.
    bias
        ``(4 * n_units,)``.
    """

    kernel: Floats32
    recurrent: Floats32
    bias: Floats32

    @classmethod
    def from_torch(cls, kernel: Floats32, recurrent: Floats32, bias: Floats32) -> Self:
        """Return the layer that has these weights in torch, its two biases summed.

        Torch has them transposed, and its gates in the order in, forget, candidate, out.
        """
        n = len(bias) // 4
        order = np.r_[: 2 * n, 3 * n : 4 * n, 2 * n : 3 * n]
        scale = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), n)
        return cls(
            np.ascontiguousarray(kernel[order].T * scale),
            np.ascontiguousarray(recurrent[order].T * scale),
            bias[order] * scale,
        )

    @property
    def n_units(self) -> int:
        """Values that it gives for a frame."""
        return len(self.recurrent)

    @property
    def start(self) -> LSTMState:
        """The state before the first frame: zeros."""
        return LSTMState(np.zeros(self.n_units, np.float32), np.zeros(self.n_units, np.float32))

    def __call__(self, frames: Floats32, state: LSTMState) -> tuple[Floats32, LSTMState]:
        """Return the outputs for frames ``(n_frames, n_inputs)``, and the state after them."""
        inputs = frames @ self.kernel + self.bias
        outputs = np.empty((len(frames), self.n_units), np.float32)
        n, (h, c) = self.n_units, state
        for gates, output in zip(inputs, outputs, strict=True):
            gates += h @ self.recurrent
            np.tanh(gates, out=gates)
            opened = 0.5 * gates[: 3 * n] + 0.5
            c = opened[n : 2 * n] * c + opened[:n] * gates[3 * n :]
            h = np.multiply(opened[2 * n :], np.tanh(c), out=output)
        return outputs, LSTMState(h.copy(), c)


@dataclass(frozen=True, eq=False)
class GRU:
    """A gated recurrent unit as Keras 2 had it: hard sigmoids, the reset before the product.

    A hard sigmoid is ``clip(0.2 x + 0.5, 0, 1)``; the factor and the offset are in the weights
    here. Gates are in the order update, reset, candidate.

    Parameters
    ----------
    kernel
        From inputs to gates, ``(n_inputs, 3 * n_units)``.
    recurrent
        From outputs to gates, ``(n_units, 3 * n_units)``.
    bias
        ``(3 * n_units,)``.
    """

    kernel: Floats32
    recurrent: Floats32
    bias: Floats32

    @classmethod
    def from_keras(cls, kernel: Floats32, recurrent: Floats32, bias: Floats32) -> Self:
        """Return the layer that has these weights in Keras."""
        n = len(recurrent)
        scale = np.repeat(np.array([0.2, 0.2, 1.0], np.float32), n)
        offset = np.repeat(np.array([0.5, 0.5, 0.0], np.float32), n)
        return cls(kernel * scale, recurrent * scale, bias * scale + offset)

    def __call__(self, frames: Floats32) -> Floats32:
        """Return the outputs for frames ``(n_frames, n_inputs)``, from a state of zeros."""
        n = len(self.recurrent)
        gating = np.ascontiguousarray(self.recurrent[:, : 2 * n])
        renewing = np.ascontiguousarray(self.recurrent[:, 2 * n :])
        inputs = frames @ self.kernel + self.bias
        outputs = np.empty((len(frames), n), np.float32)
        h = np.zeros(n, np.float32)
        for values, output in zip(inputs, outputs, strict=True):
            gates = np.clip(values[: 2 * n] + h @ gating, 0, 1)
            update, reset = gates[:n], gates[n:]
            candidate = np.tanh(values[2 * n :] + (reset * h) @ renewing)
            h = np.add(update * (h - candidate), candidate, out=output)
        return outputs


def depthwise(x: Floats32, kernels: Floats32, bias: Floats32) -> Floats32:
    """Return each channel convolved with its own kernel; values at the edges are repeated.

    Parameters
    ----------
    x
        Shape ``(n_channels, n_rows, n_columns)``.
    kernels
        Shape ``(n_channels, size, size)``, an odd size.
    bias
        Shape ``(n_channels,)``.
    """
    from scipy.ndimage import correlate

    pairs = zip(x, kernels, strict=True)
    seen = np.stack([correlate(channel, kernel, mode="nearest") for channel, kernel in pairs])
    return np.asarray(seen + bias[:, None, None])


def gelu(x: Floats32) -> Floats32:
    """Return the Gaussian error linear unit of `x`, ``x * Phi(x)``, exact."""
    from scipy.special import erf

    half = np.multiply(x, np.float32(0.5))
    return np.asarray(half + half * erf(x * np.float32(0.5**0.5)), np.float32)


def softmax(logits: Floats32) -> Floats32:
    """Return the probabilities of classes, along the last axis."""
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)


def sigmoid(logits: Floats32) -> Floats32:
    """Return the logistic function."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits), np.float32)
