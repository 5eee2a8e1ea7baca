"""Answers: what was found, how sure it is, and where in the recording it is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mirkit import checks
from mirkit.annotation import Events, Key, Segments

CANNOT_TELL = "I cannot tell."


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of evidence.

    Parameters
    ----------
    start, end
        Where it is heard [s].
    label
        What is heard.
    confidence
        How sure that is, in [0, 1], or None.
    """

    start: float
    end: float
    label: str
    confidence: float | None = None

    def to_dict(self) -> dict[str, object]:
        """Return what JSON holds."""
        return {name: getattr(self, name) for name in ("start", "end", "label", "confidence")}


@dataclass(frozen=True)
class Answer:
    """An answer to a question about a recording.

    Parameters
    ----------
    question
        The question.
    text
        The answer, or `CANNOT_TELL`.
    confidence
        How sure it is, in [0, 1]; None where there is no answer, or no measure of it.
    evidence
        Where in the recording it is heard.
    source
        The task of mirkit that found it, or None.
    """

    question: str
    text: str
    confidence: float | None = None
    evidence: tuple[Span, ...] = ()
    source: str | None = None

    def __post_init__(self) -> None:
        checks.unit_number("confidence", self.confidence)

    @property
    def is_known(self) -> bool:
        """True where there is an answer."""
        return self.text != CANNOT_TELL

    def to_dict(self) -> dict[str, object]:
        """Return what JSON holds."""
        evidence = [span.to_dict() for span in self.evidence]
        names = ("question", "text", "confidence", "source")
        return {**{name: getattr(self, name) for name in names}, "evidence": evidence}


def spans_of(found: Segments | Events | Key, label: str | None = None) -> tuple[Span, ...]:
    """Return segments as evidence, those of one label where it is given."""
    rows = found.segments if isinstance(found, Key) else found
    if rows is None:
        return ()
    sure: Sequence[float | None] = (
        [None] * len(rows.labels) if rows.confidence is None else rows.confidence.tolist()
    )
    return tuple(
        Span(float(start), float(end), str(name), confidence)
        for (start, end), name, confidence in zip(rows.intervals, rows.labels, sure, strict=True)
        if label is None or name == label
    )
