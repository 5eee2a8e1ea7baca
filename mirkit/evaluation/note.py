"""The benchmark of notes: against what was played, as mir_eval scores transcriptions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mirkit.annotation import Events
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system

MIDI = (".mid", ".midi")
"""Suffixes of files whose notes are those of all tracks but drums."""


def read_notes(path: Path) -> Events:
    """Return the notes of an annotation file, or of any MIDI file."""
    if path.suffix.lower() in MIDI:
        from mirkit.formats import midi

        return midi.notes(path.read_bytes(), str(path))
    value: Events = read_reference(path, (Events,), "notes")
    return value


def score_notes(reference: Events, estimate: Events, **settings: float) -> dict[str, float]:
    """Return all measures of notes; see `mirkit.metrics.note.note_scores`."""
    from mirkit.metrics.note import note_scores

    return note_scores(reference, estimate, **settings)


BENCHMARK = Benchmark(
    task="notes",
    measures={
        "f_measure": "F",
        "precision": "P",
        "recall": "R",
        "onset_f_measure": "onset F",
        "offset_f_measure": "F with offset",
        "overlap": "overlap",
    },
    headline=("f_measure", "onset_f_measure", "offset_f_measure"),
    systems=("basic-pitch",),
    reference=read_notes,
    estimator=partial(load_system, "notes"),
    score=score_notes,
    fingerprint=fingerprint,
    values=(Events,),
)
