"""Calibration: probabilities from scores, by logistic models (Platt scaling).

`mirkit.metrics.calibration` fits them and measures how well calibrated confidence is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.activations import Head
from mirkit.arrays import Floats

PerLabel: TypeAlias = "float | Mapping[str, float]"


@dataclass(frozen=True)
class Logistic:
    """A logistic model: ``1 / (1 + exp(-(intercept + features @ weights)))``.

    Parameters
    ----------
    weights
        One for each feature.
    intercept
        Log odds where all features are 0.

    Examples
    --------
    >>> Logistic((2.0,), -1.0)([[0.5], [0.0]]).round(3)
    array([0.5  , 0.269])
    """

    weights: tuple[float, ...]
    intercept: float

    def __call__(self, features: ArrayLike) -> Floats:
        """Return the probability of each row of `features`, ``(n, n_features)``: ``(n,)``."""
        return sigmoid(np.asarray(features, np.float64) @ np.array(self.weights) + self.intercept)


def sigmoid(odds: Any) -> Floats:
    """Return the probability of log odds, without overflow."""
    probability: Floats = 0.5 * (1 + np.tanh(0.5 * np.asarray(odds)))
    return probability


def platt_scale(posterior: Floats, calibration: tuple[float, float] | None) -> Floats:
    """Return the confidence of a posterior: a logistic curve of its log odds (Platt scaling).

    Examples
    --------
    >>> platt_scale(np.array([0.5, 0.9]), (0.5, 0.0)).round(3)
    array([0.5 , 0.75])
    """
    posterior = np.clip(posterior, 0.0, 1.0)
    if calibration is None:
        return posterior
    slope, offset = calibration
    inside = np.clip(posterior, 1e-6, 1 - 1e-6)
    odds = slope * np.log(inside / (1 - inside)) + offset
    return sigmoid(odds)


@dataclass(frozen=True)
class Calibration:
    """Platt scaling of the scores of labels: ``slope * logit + offset``, back to a probability.

    Parameters
    ----------
    slope, offset
        One number for all labels, or one for each by name; labels without one stay as they are.

    Examples
    --------
    >>> calibration = Calibration.from_dict({"temperature": 2.0})
    >>> calibration(Head([[0.8, 0.5]], ("Dog", "Rain"), None)).round(3)
    array([[0.667, 0.5  ]])
    """

    slope: PerLabel = 1.0
    offset: PerLabel = 0.0

    def __post_init__(self) -> None:
        for name in ("slope", "offset"):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, MappingProxyType(dict(value)))
        numbers = self.slope.values() if isinstance(self.slope, Mapping) else [self.slope]
        for number in numbers:
            checks.positive("slope", number)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """Return what a card holds under ``[confidence]``.

        Fields are ``temperature``, by which logits are divided, or ``slope`` and ``offset``; other
        fields are ignored.

        Raises
        ------
        ParameterError
            Where a temperature or a slope is not above 0.
        """
        slope = values.get("slope", 1.0)
        if "temperature" in values:
            checks.positive("temperature", values["temperature"])
            slope = 1 / values["temperature"]
        return cls(slope, values.get("offset", 0.0))

    def __call__(self, head: Head) -> Floats:
        """Return the calibrated probabilities of a head, shape ``(n_rows, n_classes)``."""
        slope, offset = (
            _column(value, head.labels, default)
            for value, default in ((self.slope, 1.0), (self.offset, 0.0))
        )
        probabilities = head.probabilities().astype(np.float64)
        if np.all(slope == 1) and np.all(offset == 0):
            return probabilities  # to the last digit
        logits = np.asarray(slope * head.logits() + offset)
        if head.kind.startswith("softmax"):
            odds = np.exp(logits)
            return np.asarray(odds / odds.sum(axis=1, keepdims=True))
        return sigmoid(logits)


def _column(value: PerLabel, labels: tuple[str, ...], default: float) -> Floats:
    if not isinstance(value, Mapping):
        return np.full(len(labels), float(value))
    return np.array([float(value.get(label, default)) for label in labels])
