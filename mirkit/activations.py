"""Arrays on a clock: the `Features` of front ends and the `Activations` of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.values import Value

Kind = Literal["sigmoid", "softmax", "sigmoid_logits", "softmax_logits", "embedding", "measure"]
Per = Literal["frame", "clip", "window"]

TINY = float(np.finfo(np.float32).tiny)
"""Probability below which logarithms are cut off."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Origin of a value: the model that made it.

    Parameters
    ----------
    model
        Name of the model or of the person's tool, such as ``"tempogram"``.
    version
        Version of the package that ran it.
    weights_hash
        sha256 of the weights, or None where there are none.
    """

    model: str
    version: str | None = None
    weights_hash: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Features(Value):
    """Features of a recording: what a front end computes from audio.

    Parameters
    ----------
    values
        Shape ``(n_frames, n_bins)``, float32.
    grid
        The clock of the frames.
    front_end
        Name of the front end that made them.
    """

    values: NDArray[np.float32]
    grid: FrameGrid
    front_end: str

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "values", checks.frozen_array("values", self.values, np.float32, 2)
        )

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.values.shape[0])

    @property
    def times(self) -> NDArray[np.float64]:
        """Time at the center of each frame, shape ``(n_frames,)`` [s]."""
        return self.grid.times(self.n_frames)


@dataclass(frozen=True, eq=False, repr=False)
class Head(Value):
    """One output of a model.

    Parameters
    ----------
    values
        Shape ``(n_frames, n_classes)``, or ``(1, n_classes)`` at clip level; float32.
    labels
        Names of the classes.
    grid
        The clock of the frames, or None at clip level.
    kind
        ``"sigmoid"`` and ``"softmax"`` are probabilities (of classes that may hold together, or
        that exclude each other), ``"sigmoid_logits"`` and ``"softmax_logits"`` what precedes them.
        ``"embedding"`` is a vector, whose labels are its dimensions; ``"measure"`` holds numbers
        that are no probabilities, such as levels.
    """

    values: NDArray[np.float32]
    labels: tuple[str, ...]
    grid: FrameGrid | None
    kind: Kind = "sigmoid"

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "values", checks.frozen_array("values", self.values, np.float32, 2)
        )
        object.__setattr__(self, "labels", tuple(self.labels))
        checks.same_length("labels", self.labels, self.values.shape[1])
        if self.kind not in get_args(Kind):
            raise ParameterError(f"kind is {self.kind!r}; it is one of {', '.join(get_args(Kind))}")
        if self.grid is None and self.values.shape[0] != 1:
            raise ParameterError(
                f"values hold {self.values.shape[0]} frames but no grid; only a clip-level head, "
                "with one row, has none"
            )

    @property
    def n_frames(self) -> int:
        """Number of frames (1 at clip level)."""
        return int(self.values.shape[0])

    def probabilities(self) -> NDArray[np.float32]:
        """Return the values as probabilities, shape ``(n_frames, n_classes)``.

        Raises
        ------
        ParameterError
            Where the head is an embedding or a measure.
        """
        self._check_is_scored()
        if self.kind == "sigmoid_logits":
            return np.asarray(0.5 * (1 + np.tanh(0.5 * self.values)), dtype=np.float32)
        if self.kind == "softmax_logits":
            odds = np.exp(self.values - self.values.max(axis=1, keepdims=True))
            return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)
        return self.values

    def logits(self) -> NDArray[np.float64]:
        """Return the values as logits, shape ``(n_frames, n_classes)``.

        Those of a softmax are log probabilities; probabilities of 0 give about -87.

        Raises
        ------
        ParameterError
            Where the head is an embedding or a measure.
        """
        self._check_is_scored()
        values = self.values.astype(np.float64)
        if self.kind.endswith("_logits"):
            return values
        logits = np.log(np.maximum(values, TINY))
        if self.kind == "sigmoid":
            logits -= np.log(np.maximum(1 - values, TINY))
        return np.asarray(logits)

    @classmethod
    def from_logits(
        cls,
        logits: NDArray[Any],
        labels: Sequence[str],
        grid: FrameGrid | None = None,
        kind: Literal["sigmoid", "softmax"] = "sigmoid",
    ) -> Head:
        """Return the head of probabilities that logits ``(n_frames, n_classes)`` stand for."""
        given: Kind = "sigmoid_logits" if kind == "sigmoid" else "softmax_logits"
        return cls(
            cls(logits, tuple(labels), grid, given).probabilities(), tuple(labels), grid, kind
        )

    def _check_is_scored(self) -> None:
        if self.kind in ("embedding", "measure"):
            raise ParameterError(
                f"the head is of kind {self.kind!r}; it holds no probabilities: take its values"
            )


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """The declaration of a head: its classes, its kind and its clock.

    Parameters
    ----------
    labels
        Names of the classes; none for those of an embedding, which are numbered.
    kind
        As for `Head`.
    per
        Whether there is a row per frame, per clip, or per window of a long recording.
    step
        Places (frames of the features, or samples) from a row to the next.
    first
        Place of the middle of row 0.
    output
        Name of the output of the network; None where it is that of the head.
    """

    labels: tuple[str, ...]
    kind: Kind = "sigmoid"
    per: Per = "frame"
    step: Fraction = Fraction(1)
    first: float = 0.0
    output: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Activations(Value, Mapping[str, Head]):
    """The named heads of a model, as a read-only mapping.

    Beat models carry ``beat`` and perhaps ``downbeat`` (one class each, by frame), ``tempo``
    (one row of classes, whose labels are the tempi [bpm]) and ``chroma`` (pitch classes on a clock
    of their own). Systems add ``level``, the peak level over time.

    Parameters
    ----------
    heads
        The heads by name.
    provenance
        Which model made them, or None where that is not known.
    duration
        Length of the recording [s], or None where it is not known.
    """

    heads: Mapping[str, Head]
    provenance: Provenance | None = field(default=None)
    duration: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", MappingProxyType(dict(self.heads)))

    def __getitem__(self, name: str) -> Head:
        try:
            return self.heads[name]
        except KeyError:
            raise UnknownName("head", name, list(self.heads)) from None

    def __contains__(self, name: object) -> bool:
        return name in self.heads

    def __iter__(self) -> Iterator[str]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)


def beat_activations(
    beats: Any,
    downbeats: Any = None,
    tempo: Any = None,
    *,
    fps: float,
    bpms: Sequence[float] | None = None,
    provenance: Provenance | None = None,
) -> Activations:
    """Wrap the arrays of a beat network, one probability a frame, as `Activations`.

    Parameters
    ----------
    beats, downbeats
        Probabilities, shape ``(n_frames,)``. No downbeats where there is no such head.
    tempo
        Probabilities of the tempi, shape ``(n_tempi,)``, or None.
    fps
        Frames a second.
    bpms
        The tempo of each bin [bpm]; bin index = bpm where None.

    Examples
    --------
    >>> activations = beat_activations([0, 0.9, 0, 0.1], fps=100)
    >>> activations["beat"].n_frames
    4
    """
    grid = FrameGrid.from_fps(fps)
    heads = {"beat": Head(_column(beats), ("beat",), grid)}
    if downbeats is not None:
        heads["downbeat"] = Head(_column(downbeats), ("downbeat",), grid)
    if tempo is not None:
        row = np.asarray(tempo, dtype=np.float32).reshape(1, -1)
        labels = range(row.shape[1]) if bpms is None else bpms
        heads["tempo"] = Head(row, tuple(f"{bpm:g}" for bpm in labels), None, "softmax")
    return Activations(heads, provenance)


def _column(values: Any) -> NDArray[np.float32]:
    array = np.asarray(values, dtype=np.float32)
    if array.ndim == 2 and array.shape[1] == 1:
        return array
    if array.ndim != 1:
        raise ParameterError(
            f"activations have shape {array.shape}; they hold one probability a frame. "
            "Pass one column of a multi-class network at a time."
        )
    return array[:, None]
