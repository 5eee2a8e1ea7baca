"""From scores by frame to `Events`: calibrated, thresholded, in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from mirkit import checks
from mirkit.activations import Activations, Head
from mirkit.annotation import Events
from mirkit.arrays import Floats
from mirkit.calibration import Calibration
from mirkit.decoding.threshold import Span, SpanFinder, SpanRule, find_boxes, find_spans
from mirkit.errors import ParameterError
from mirkit.gate import SilenceGate
from mirkit.system import Table, find_decoder
from mirkit.zoo.registry import Card

FRAMES = "frames"
"""The head that is decoded."""

ByLabel: TypeAlias = "float | Mapping[str, float]"
"""One number for all classes, or one for each by name; a class without one has the default."""

THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True)
class EventDecoder:
    """The settings that all decoders of events share.

    Parameters
    ----------
    labels
        Names of the classes that are wanted; None for all.
    threshold
        Least probability at which a class sounds, in [0, 1].
    calibration
        What is done to the scores first.
    """

    labels: tuple[str, ...] | None = None
    threshold: ByLabel = THRESHOLD
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        for value in _numbers(self.threshold):
            checks.unit_number("threshold", value)
        if self.labels is not None:
            object.__setattr__(self, "labels", checks.texts("labels", self.labels))

    @property
    def heads(self) -> tuple[str, ...]:
        """The head that is read."""
        return (FRAMES,)

    def chosen(self, head: Head) -> tuple[tuple[str, ...], Floats]:
        """Return the classes that are wanted and their probabilities, ``(n_frames, n_classes)``.

        Raises
        ------
        UnknownName
            Where the model does not know a class.
        """
        if head.grid is None:
            raise ParameterError(f"the head {FRAMES!r} is of the clip; events need scores by frame")
        labels = head.labels if self.labels is None else self.labels
        for label in labels:
            checks.member("class", label, head.labels)
        columns = [head.labels.index(label) for label in labels]
        return labels, self.calibration(head)[:, columns]


@dataclass(frozen=True, kw_only=True)
class ThresholdDecoder(EventDecoder):
    """Decode events as runs of frames above a threshold, whole or as they come.

    Parameters
    ----------
    low
        Share of the threshold above which an event goes on that exceeds the threshold somewhere
        (hysteresis), in (0, 1]; 1 for one threshold.
    median
        Length of the median filter on the scores [s], which is rounded to an odd number of frames.
    max_gap
        Events of a class with a pause of at most this between them are one [s].
    min_length
        Shorter events are left out [s].
    """

    low: float = 0.5
    median: ByLabel = 0.0
    max_gap: float = 0.2
    min_length: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.positive("low", self.low)
        checks.unit_number("low", self.low)
        for name in ("max_gap", "min_length"):
            if not 0 <= checks.number(name, getattr(self, name)) < np.inf:
                raise ParameterError(f"{name} is {getattr(self, name)}; it is a time from 0 [s]")

    def __call__(self, activations: Activations) -> Events:
        """Return the events of `activations`, in order of their starts."""
        head = activations[FRAMES]
        labels, scores = self.chosen(head)
        spans = find_spans(scores, self.rule(labels, head))
        return to_events(spans, labels, head, activations)

    def rule(self, labels: tuple[str, ...], head: Head) -> SpanRule:
        """Return the settings in frames."""
        assert head.grid is not None
        fps = head.grid.fps
        high = _spread(self.threshold, labels, THRESHOLD)
        medians = 2 * (_spread(self.median, labels, 0.0) * fps / 2).round().astype(int) + 1
        return SpanRule(
            high - 1e-6,  # a score of just the threshold counts
            self.low * high - 1e-6,
            np.maximum(medians, 1),
            max_gap=round(self.max_gap * fps),
            min_length=max(1, int(np.ceil(self.min_length * fps - 1e-6))),
        )

    def stream(self, activations: Iterable[Activations]) -> Iterator[Events]:
        """Yield the events that are over, for each block of activations.

        Together they are those of the whole recording. An event is known `SpanRule.delay` frames
        after its end.

        Parameters
        ----------
        activations
            Consecutive blocks with the head ``frames``; the grid of each starts at its first frame.
        """
        finder: SpanFinder | None = None
        first, last = None, None
        for block in activations:
            head = block[FRAMES]
            labels, scores = self.chosen(head)
            if finder is None:
                finder, first = SpanFinder(self.rule(labels, head), len(labels)), head
            assert first is not None
            last = block
            yield to_events(finder.push(scores), labels, first, block)
        if finder is not None and first is not None and last is not None:
            labels, _ = self.chosen(first)
            yield to_events(finder.flush(), labels, first, last)


@dataclass(frozen=True, kw_only=True)
class BoxDecoder(EventDecoder):
    """Decode events as bounding boxes between changes of the score: see `find_boxes`.

    Parameters
    ----------
    step
        Time on each side of a change that is compared [s].
    drop
        How far the score falls between two events, as a share of the lower one's.
    """

    step: float = 0.32
    drop: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.positive("step", self.step)
        checks.unit_number("drop", self.drop)

    def __call__(self, activations: Activations) -> Events:
        """Return the events of `activations`, in order of their starts."""
        head = activations[FRAMES]
        labels, scores = self.chosen(head)
        assert head.grid is not None
        step = max(1, round(self.step * head.grid.fps))
        high = _spread(self.threshold, labels, THRESHOLD)
        boxes = find_boxes(scores, step=step, threshold=float(high.min(initial=1)), drop=self.drop)
        kept = [box for box in boxes if box.score >= high[box.column]]
        return to_events(kept, labels, head, activations)


def to_events(
    spans: Iterable[Span], labels: tuple[str, ...], head: Head, activations: Activations
) -> Events:
    """Return spans of frames in seconds: each frame reaches half way to its neighbors.

    Parameters
    ----------
    spans
        In frames of `head`.
    labels
        Of the columns of the spans.
    head
        Whose clock counts.
    activations
        Whose duration bounds the events, and whose model they are of.
    """
    ordered = sorted(spans, key=lambda span: (span.start, span.column))
    assert head.grid is not None
    frames = np.array([(span.start, span.end) for span in ordered]).reshape(-1, 2)
    end = np.inf if activations.duration is None else activations.duration
    intervals = np.clip(head.grid.time_of(frames - 0.5), 0, end)
    kept = intervals[:, 1] > intervals[:, 0]
    confidence = np.clip([span.score for span in ordered], 0, 1)
    names = tuple(
        labels[span.column] for span, is_kept in zip(ordered, kept, strict=True) if is_kept
    )
    return Events(intervals[kept], names, confidence[kept], provenance=activations.provenance)


def _numbers(value: ByLabel) -> list[float]:
    return list(value.values()) if isinstance(value, Mapping) else [value]


def _spread(value: ByLabel, labels: tuple[str, ...], default: float) -> Floats:
    if isinstance(value, Mapping):
        return np.array([float(value.get(label, default)) for label in labels])
    return np.full(len(labels), float(value))


DECODERS: Table = {"threshold": ThresholdDecoder, "boxes": BoxDecoder}
"""The decoders by name."""

GATE = SilenceGate({FRAMES: None})

_LEARNED = {"threshold": ("threshold", "median", "low", "max_gap"), "boxes": ("threshold",)}
"""What a card may tell each decoder under ``[confidence]``."""


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> Any:
    """Return the decoder called `name`, or the default one, with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose activations are decoded, with its own weights: its calibration is used,
        and what was learned for each class.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.

    Examples
    --------
    >>> decoder(threshold=0.3).threshold
    0.3
    """
    chosen = name or "threshold"
    if card is not None:
        options.setdefault("calibration", Calibration.from_dict(card.confidence))
        for setting in _LEARNED.get(chosen, ()):
            if setting in card.confidence:
                options.setdefault(setting, card.confidence[setting])
    return find_decoder("event decoder", DECODERS, chosen, options)
