"""Annotations of a recording: beats, segments, events, tags, key, tempo, captions, embeddings.

Times are seconds in float64. `confidence` lies in [0, 1] and is None where it was not calibrated.
Values do no input or output: `mirkit.save` and `mirkit.read` do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirkit import checks, markup
from mirkit.activations import Provenance
from mirkit.annotation.rhythm import Beats, Tempo, TempoHypothesis, TempoMap
from mirkit.annotation.spans import EventKind, Events, SegmentKind, Segments
from mirkit.arrays import Floats
from mirkit.audio import Track
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.tasks import TASKS
from mirkit.values import Value, count, join, sure
from mirkit.vocab.tag_groups import is_in_group

__all__ = [
    "Analysis",
    "Annotation",
    "Beats",
    "Caption",
    "Embedding",
    "EventKind",
    "Events",
    "Key",
    "SegmentKind",
    "Segments",
    "Tags",
    "Tempo",
    "TempoHypothesis",
    "TempoMap",
]


@dataclass(frozen=True, eq=False, repr=False)
class Tags(Value):
    """Labels of a whole recording and their scores in [0, 1], best first.

    Parameters
    ----------
    labels, scores
        In any order; held by falling score.
    provenance
        Which model made them, or None.
    kind
        ``"tags"``: the classes of a model; ``"zero_shot"``: texts of its user.
    """

    labels: tuple[str, ...]
    scores: Floats
    provenance: Provenance | None = None
    kind: str = "tags"

    def __post_init__(self) -> None:
        known = [row.name for row in TASKS.values() if row.value == "Tags"]
        if self.kind not in known:
            raise ParameterError(f"kind is {self.kind!r}; it is one of {', '.join(known)}")
        labels = checks.texts("labels", self.labels)
        scores = checks.unit_interval("scores", self.scores, len(labels))
        if scores is None:
            raise ParameterError("scores is None; each tag needs one")
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "labels", tuple(labels[i] for i in order))
        object.__setattr__(
            self, "scores", checks.frozen_array("scores", scores[order], np.float64, 1)
        )

    def summary(self) -> str:
        """Return the number, and the best tags."""
        best = ", ".join(f"{label} {score:.2f}" for label, score in [*self][:3])
        more = ", …" if len(self) > 3 else ""
        return join(count(len(self), "tag"), f"{best}{more}")

    def picture(self) -> str:
        """Return a bar per tag, of the best."""
        return markup.bars([*self])

    def group(self, name: str) -> Tags:
        """Return the tags of one group.

        Parameters
        ----------
        name
            ``"genre"``, ``"mood"``, ``"tempo"``, ``"energy"``, ``"vocals"``, ``"instrument"``, or
            ``"environment"``: see `mirkit.vocab.tag_groups`.

        Raises
        ------
        UnknownName
            Where there is no such group.

        Examples
        --------
        >>> [*Tags(("Rain", "Piano", "Music"), [0.9, 0.6, 0.8]).group("instrument")]
        [('Piano', 0.6)]
        """
        kept = [i for i, label in enumerate(self.labels) if is_in_group(label, name)]
        return Tags(tuple(self.labels[i] for i in kept), self.scores[kept], self.provenance)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.labels, (float(score) for score in self.scores), strict=True)


@dataclass(frozen=True, eq=False, repr=False)
class Key(Value):
    """The key of a whole track, and where it is in another.

    Parameters
    ----------
    label
        In any spelling; held as ``"C# minor"``, or None where there is no key. Modes beside major
        and minor are held too (``"D dorian"``), and not scored.
    confidence
        How sure the label is, or None.
    provenance
        Which model made it, or None.
    segments
        The local keys, or None where they are not known; what made the key made them.
    tuning_cents
        How far the recording is above A4 = 440 Hz [cents], or None.

    Examples
    --------
    >>> key = Key("a:min")
    >>> key.label, key.write("camelot")
    ('A minor', '8A')
    """

    label: str | None
    confidence: float | None = None
    provenance: Provenance | None = None
    segments: Segments | None = None
    tuning_cents: float | None = None

    def __post_init__(self) -> None:
        from mirkit.vocab.keys import NO_KEY, read_key

        if self.label is not None:
            label = read_key(self.label)
            object.__setattr__(self, "label", None if label == NO_KEY else label)
        checks.unit_number("confidence", self.confidence)
        if self.segments is not None and self.segments.kind != "key":
            raise ParameterError(f"segments are of kind {self.segments.kind!r}; local keys are key")
        if self.segments is not None:  # made by what made the key
            object.__setattr__(self, "segments", replace(self.segments, provenance=None))
        if self.tuning_cents is not None and not -100 <= self.tuning_cents <= 100:
            raise ParameterError(
                f"tuning_cents is {self.tuning_cents}; it lies in -100 … 100. Is it in hertz?"
            )

    def summary(self) -> str:
        """Return the label, its confidence, and the number of local keys."""
        local = None if self.segments is None else count(len(self.segments), "local key")
        return join(self.label or "no key", sure(self.confidence), local)

    def picture(self) -> str:
        """Return the local keys as a strip."""
        return "" if self.segments is None else self.segments.picture()

    def write(self, notation: str = "standard") -> str | None:
        """Return the label in one of `mirkit.vocab.keys.NOTATIONS`, or None for no key."""
        from mirkit.vocab.keys import write_key

        return None if self.label is None else write_key(self.label, notation)


@dataclass(frozen=True, eq=False, repr=False)
class Caption(Value):
    """A sentence that describes a recording."""

    text: str
    confidence: float | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        checks.unit_number("confidence", self.confidence)


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Value):
    """Vectors that a model gives a recording.

    Parameters
    ----------
    values
        Shape ``(n_frames, n_dimensions)``; one row at clip level.
    grid
        The clock of the rows, or None at clip level.
    provenance
        Which model made it, or None.
    """

    values: NDArray[np.float32]
    grid: FrameGrid | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "values", checks.frozen_array("values", self.values, np.float32, 2)
        )

    def summary(self) -> str:
        """Return the number of vectors, their size and their model."""
        n, size = self.values.shape
        model = None if self.provenance is None else self.provenance.model
        return join(count(n, "vector"), f"{size} dimensions", model)


Annotation: TypeAlias = (
    Beats | Tempo | TempoMap | Segments | Events | Tags | Key | Caption | Embedding
)


@dataclass(frozen=True, eq=False, repr=False)
class Analysis(Value, Mapping[str, Annotation]):
    """All annotations of one track, as a read-only mapping from task (``"beats"``, …) to value.

    Parameters
    ----------
    annotations
        The annotations by task.
    track
        What they are of, or None.
    duration
        Length of the recording [s], or None where not known.
    """

    annotations: Mapping[str, Annotation]
    track: Track | None = field(default=None, compare=False)
    duration: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", MappingProxyType(dict(self.annotations)))

    def __getitem__(self, task: str) -> Annotation:
        return self.annotations[task]

    def picture(self) -> str:
        """Return the annotations, one below the other."""
        return "".join(
            markup.card(task, value.summary(), value.picture()) for task, value in self.items()
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.annotations)

    def __len__(self) -> int:
        return len(self.annotations)
