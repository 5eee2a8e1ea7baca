"""Answering: from a recording and the kind of a question to what is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mirkit.arrays import Bools, Floats
from mirkit.recording import Recording
from mirkit.sound.ask.answer import CANNOT_TELL, Span, spans_of
from mirkit.sound.caption.decoder import enumerate_phrases
from mirkit.system import load
from mirkit.vocab.phrases import GENERAL, phrase_of

FITS = 0.62
"""The least cosine of the words of a question and the phrase of a class that are the same sound."""

PRESENT, ABSENT = 0.5, 0.1
"""Scores from which a sound is there, and below which it is not; between them nobody can tell."""

ON, OFF = 0.5, 0.25
"""Scores of frames at which a sound begins and ends."""

INSTRUMENTS = frozenset(
    {
        "Accordion", "Acoustic guitar", "Banjo", "Bass drum", "Bass guitar",
        "Bowed string instrument", "Brass instrument", "Cello", "Clarinet", "Cymbal",
        "Double bass", "Drum", "Drum kit", "Electric guitar", "Electric piano", "Flute",
        "French horn", "Gong", "Guitar", "Harmonica", "Harp", "Harpsichord", "Hi-hat",
        "Mallet percussion", "Maraca", "Marimba, xylophone", "Organ", "Piano", "Saxophone",
        "Snare drum", "String section", "Synthesizer", "Tabla", "Theremin", "Timpani", "Trombone",
        "Trumpet", "Violin, fiddle",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Answer before its question is known: see `mirkit.sound.ask.answer.Answer`."""

    text: str = CANNOT_TELL
    confidence: float | None = None
    evidence: tuple[Span, ...] = ()
    source: str | None = None


def answer_key(recording: Recording, sound: str) -> Found:
    """Return the key, with where it holds."""
    key = load(task="key")(recording)
    if key.label is None:
        return Found()
    return Found(f"{key.label}.", key.confidence, spans_of(key, key.label), "key")


def answer_tempo(recording: Recording, sound: str) -> Found:
    """Return the tempo."""
    beats = load(task="beats")(recording)
    if beats.bpm is None or not len(beats.times):
        return Found()
    span = Span(float(beats.times[0]), float(beats.times[-1]), f"{beats.bpm:.1f} bpm")
    return Found(f"{beats.bpm:.0f} beats per minute.", beats.tempo.confidence, (span,), "tempo")


def answer_meter(recording: Recording, sound: str) -> Found:
    """Return the number of beats in a bar."""
    beats = load(task="beats")(recording)
    if beats.positions is None or not len(beats.positions):
        return Found()
    n = int(np.max(beats.positions))
    span = Span(float(beats.times[0]), float(beats.times[-1]), f"{n} beats per bar")
    return Found(f"{n} beats per bar.", beats.tempo.meter_confidence, (span,), "beats")


def answer_chords(recording: Recording, sound: str) -> Found:
    """Return the chords in the order in which they first come."""
    chords = load(task="chords")(recording)
    spans = tuple(span for span in spans_of(chords) if span.label not in ("N", "X"))
    if not spans:
        return Found()
    names = list(dict.fromkeys(span.label for span in spans))
    return Found(f"{', '.join(names)}.", _mean_confidence(spans), spans, "chords")


def answer_length(recording: Recording, sound: str) -> Found:
    """Return the length of the recording."""
    load(task="tags")(recording)  # the length is known once it has been read
    if recording.duration is None:
        return Found()
    text = f"{recording.duration:.2f} s."
    return Found(text, 1.0, (Span(0.0, recording.duration, "the recording", 1.0),))


def answer_instruments(recording: Recording, sound: str) -> Found:
    """Return the instruments that the tagger is sure of."""
    heard = [
        (label, p) for label, p in _tags(recording).items() if label in INSTRUMENTS and p >= PRESENT
    ]
    return _named(recording, heard[:5])


def answer_sounds(recording: Recording, sound: str) -> Found:
    """Return the sounds that the tagger is sure of, particular ones if there are any."""
    heard = [(label, p) for label, p in _tags(recording).items() if p >= PRESENT]
    heard = [pair for pair in heard if not pair[0].endswith((" tempo", " energy"))]
    particular = [pair for pair in heard if pair[0] not in GENERAL]
    return _named(recording, (particular or heard)[:3])


def answer_present(recording: Recording, sound: str) -> Found:
    """Return whether a sound is there."""
    label = find_class(sound)
    if label is None:
        return Found()
    score = max(float(np.max(_frames(recording, label)[1], initial=0)), _tags(recording)[label])
    if score >= PRESENT:
        return Found(f"Yes, {phrase_of(label)}.", score, _spans(recording, label), "tags")
    return Found("No.", 1 - score, (), "tags") if score < ABSENT else Found()


def answer_count(recording: Recording, sound: str) -> Found:
    """Return how often a sound begins."""
    spans = _heard_spans(recording, sound)
    return Found(f"{len(spans)}.", _mean_confidence(spans), spans, "tags") if spans else Found()


def answer_begin(recording: Recording, sound: str) -> Found:
    """Return when a sound begins first."""
    spans = _heard_spans(recording, sound)
    if not spans:
        return Found()
    return Found(f"At {spans[0].start:.1f} s.", spans[0].confidence, spans[:1], "tags")


def answer_end(recording: Recording, sound: str) -> Found:
    """Return when a sound ends last."""
    spans = _heard_spans(recording, sound)
    if not spans:
        return Found()
    return Found(f"At {spans[-1].end:.1f} s.", spans[-1].confidence, spans[-1:], "tags")


def answer_when(recording: Recording, sound: str) -> Found:
    """Return all times at which a sound is heard."""
    spans = _heard_spans(recording, sound)
    if not spans:
        return Found()
    times = [f"{span.start:.1f} to {span.end:.1f} s" for span in spans]
    return Found(f"{enumerate_phrases(times)}.", _mean_confidence(spans), spans, "tags")


_ALL = (
    answer_key, answer_meter, answer_tempo, answer_chords, answer_length, answer_instruments,
    answer_sounds, answer_present, answer_count, answer_begin, answer_end, answer_when,
)  # fmt: skip

ANSWERS: Mapping[str, Callable[[Recording, str], Found]] = {
    each.__name__.removeprefix("answer_"): each for each in _ALL
}
"""The answers by the kind of question."""


def find_class(sound: str) -> str | None:
    """Return the class of the tagger that words name, or None where none is near.

    Words are compared with the names of classes, and by the text tower with their phrases.
    """
    labels = list(_tagger().config.labels)
    words = sound.lower().strip()
    same = [x for x in labels if words in (x.lower(), phrase_of(x).lower())]
    if same or not words:
        return same[0] if same else None
    model: Any = load(task="embed", name="clap-mini").model
    near = model.embed_texts([words])[0] @ model.embed_texts([phrase_of(x) for x in labels]).T
    best = int(np.argmax(near))
    return labels[best] if near[best] >= FITS else None


def _tagger() -> Any:
    return load(task="tags", top="all").model


def _tags(recording: Recording) -> dict[str, float]:
    """Return the score of every class in the whole recording, best first."""
    return dict(load(task="tags", top="all")(recording))


def _named(recording: Recording, heard: Any) -> Found:
    """Return an answer that names classes."""
    found = list(heard.items() if isinstance(heard, dict) else heard)
    if not found:
        return Found()
    text = enumerate_phrases([phrase_of(label) for label, _ in found])
    spans = tuple(span for label, _ in found for span in _spans(recording, label))
    return Found(f"{text[0].upper()}{text[1:]}.", found[0][1], spans, "tags")


def _heard_spans(recording: Recording, sound: str) -> tuple[Span, ...]:
    """Return where a sound is heard, none where it is no known one."""
    label = find_class(sound)
    return () if label is None else _spans(recording, label)


def _spans(recording: Recording, label: str) -> tuple[Span, ...]:
    """Return where a class is heard."""
    times, scores, period = _clocked(recording, label)
    end = float("inf") if recording.duration is None else recording.duration
    return tuple(
        Span(max(0.0, float(times[a] - period / 2)), min(end, float(times[b - 1] + period / 2)),
             label, float(scores[a:b].max()))
        for a, b in runs(scores >= ON, scores >= OFF)
    )  # fmt: skip


def _frames(recording: Recording, label: str) -> tuple[Floats, Floats]:
    """Return the times [s] and scores of a class by frame."""
    times, scores, _ = _clocked(recording, label)
    return times, scores


def _clocked(recording: Recording, label: str) -> tuple[Floats, Floats, float]:
    """Return the times [s] and scores of a class by frame, and the length of a frame [s]."""
    head = recording.activations(_tagger(), ["frames"])["frames"]
    assert head.grid is not None, "the default tagger has frames"
    scores = head.probabilities()[:, head.labels.index(label)].astype(np.float64)
    times = np.asarray(head.grid.time_of(np.arange(len(scores))), np.float64)
    return times, scores, 1 / head.grid.fps


def runs(on: Bools, stays: Bools) -> list[tuple[int, int]]:
    """Return stretches of `stays` in which there is an `on` (hysteresis): first, one behind last.

    Examples
    --------
    >>> on = np.array([False, True, False, False, False])
    >>> runs(on, np.array([True, True, True, False, True]))
    [(0, 3)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stays, [False]]).astype(int)))
    pairs = edges.reshape(-1, 2).tolist()
    return [(a, b) for a, b in pairs if on[a:b].any()]


def _mean_confidence(spans: tuple[Span, ...]) -> float | None:
    known = [span.confidence for span in spans if span.confidence is not None]
    return float(np.mean(known)) if known else None
