"""The stage of teaching: teachers hear recordings once, and what they heard is kept.

The result is an ``.npz`` file that `mirkit.training.tag.teacher` reads: a row for each window of
each recording, with logits of the labels that teachers were asked for (nan elsewhere), then hints:
further labels and dimensions of embeddings from which a student learns and which it forgets. Beside
it lies ``teachers.json``: which teachers, the hashes of their weights, their licenses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.activations import Activations
from mirkit.arrays import Floats, Floats32, Ints
from mirkit.audio import Audio, reading
from mirkit.datasets.sound_folders import LabeledSound, read_sounds
from mirkit.errors import ParameterError
from mirkit.training.teach.recipe import TeacherSettings, TeachRecipe, read_teach_recipe
from mirkit.zoo import registry

RESULT, RECORD = "soft.npz", "teachers.json"
LEAST = 1e-4
"""No probability is nearer to 0 or 1: half precision has no logits beyond."""

SURE = 0.98
"""Quantile of a dimension of an embedding that counts as 1."""

SLACK = 0.5
"""What may be left of a recording without being a window of its own [s]."""

Span = tuple[float, float]
Scale = tuple[Ints, Floats32]


@dataclass(frozen=True)
class Heard:
    """Scores of a teacher for one recording, window by window of its own.

    Parameters
    ----------
    probabilities, embedding
        Shape ``(n, n_labels)`` and ``(n, n_dimensions)``; the latter without columns where no
        hints are kept.
    times
        The middle of each window [s].
    """

    probabilities: Floats32
    embedding: Floats32
    times: Floats

    def within(self, span: Span) -> slice:
        """Return the windows whose middle is in a span, or the one that is nearest to it."""
        start, end = span
        first, last = np.searchsorted(self.times, [start, end])
        if first == last:
            first = int(np.abs(self.times - (start + min(end, start + 1)) / 2).argmin())
            last = first + 1
        return slice(int(first), int(last))


@dataclass(frozen=True)
class Lesson:
    """Scores of each teacher for one recording, None where it was not asked, and its windows."""

    heard: tuple[Heard | None, ...]
    spans: list[Span]


@dataclass(frozen=True)
class Teacher:
    """A teacher at work.

    Parameters
    ----------
    settings
        What it is asked.
    model
        The network.
    places
        Column of the recipe, or -1, for each of its labels.
    """

    settings: TeacherSettings
    model: Any
    labels: tuple[str, ...]
    places: tuple[int, ...]

    @classmethod
    def load(cls, settings: TeacherSettings, labels: Sequence[str]) -> Teacher:
        """Load a teacher, and find which labels it shares with the recipe.

        Raises
        ------
        ParameterError
            Where it shares none.
        UnknownName
            Where it lacks a label that it is to be asked for.
        """
        model = registry.load_model(settings.model, weights=settings.weights or None)
        own = _labels_of(model)
        for name in (*settings.labels, *settings.names):
            checks.member("label", name, own)
        asked = settings.labels or own
        place = {label: i for i, label in enumerate(labels)}
        called = [settings.names.get(label, label) if label in asked else "" for label in own]
        places = tuple(place.get(name, -1) for name in called)
        if max(places) < 0:
            raise ParameterError(f"teacher {settings.model!r} knows no label of the recipe")
        return cls(settings, model, own, places)

    def hears(self, sound: LabeledSound) -> bool:
        """Tell whether the teacher is asked about a recording."""
        is_wanted = not self.settings.only or self.settings.only in sound.sound.labels
        return is_wanted and not (sound.sound.group or "").startswith(self.settings.without)

    def listen(self, audio: Audio) -> Heard:
        """Return what is in a recording."""
        heads = ["frames", "frame_embedding"] if self.settings.hints else ["frames"]
        heard: Activations = self.model.activations([audio.samples], heads=heads)
        frames = heard["frames"]
        assert frames.grid is not None
        times = frames.grid.times(len(frames.values))
        empty = np.empty((len(frames.values), 0), np.float32)
        embedding = heard["frame_embedding"].values if self.settings.hints else empty
        return Heard(frames.values, embedding, times)


def teach(recipe_path: str | Path) -> Path:
    """Label recordings by a recipe, and return the file of soft labels.

    Raises
    ------
    FormatError
        Where the recipe is wrong.
    WeightsError
        Where a teacher's weights are absent; the message says how to get them.
    """
    recipe = read_teach_recipe(recipe_path)
    sounds = read_sounds(recipe.data)
    teachers = [Teacher.load(each, recipe.labels) for each in recipe.teachers]
    recipe.path.mkdir(parents=True, exist_ok=True)
    lessons = [_teach(sound, teachers, recipe) for sound in sounds]
    result = _gather(recipe, sounds, teachers, lessons)
    path = recipe.path / RESULT
    np.savez(path, **result)
    (recipe.path / RECORD).write_text(json.dumps(_record(teachers), indent=1) + "\n", "utf-8")
    return path


def _labels_of(model: Any) -> tuple[str, ...]:
    silence = np.zeros((1, model.sample_rate), np.float32)
    labels: tuple[str, ...] = model.activations([silence], heads=["frames"])["frames"].labels
    return labels


def _teach(sound: LabeledSound, teachers: Sequence[Teacher], recipe: TeachRecipe) -> Lesson:
    """Return what teachers hear in a recording, which is read once per sample rate."""
    asked = [teacher for teacher in teachers if teacher.hears(sound)]
    rates = {teacher.model.sample_rate for teacher in asked or teachers[:1]}
    audio = {rate: _read(sound.sound.path, rate, recipe.longest) for rate in rates}
    seconds = max(each.duration for each in audio.values())
    heard = tuple(
        teacher.listen(audio[teacher.model.sample_rate]) if teacher in asked else None
        for teacher in teachers
    )
    return Lesson(heard, cut_spans(seconds, recipe.window))


def _read(path: Path, sample_rate: int, longest: float) -> Audio:
    audio = reading.read(path, sample_rate).mono()
    if not longest:
        return audio
    return Audio(audio.samples[:, : round(longest * sample_rate)], sample_rate)


def cut_spans(seconds: float, window: float) -> list[Span]:
    """Return windows of a recording [s], which overlap where they do not divide it.

    Examples
    --------
    >>> cut_spans(3.0, 5.0), cut_spans(9.0, 5.0)
    ([(0.0, inf)], [(0.0, 5.0), (4.0, 9.0)])
    """
    if seconds <= window + SLACK:
        return [(0.0, np.inf)]
    starts = np.linspace(0, seconds - window, int(np.ceil(seconds / window)))
    return [(float(start), float(start + window)) for start in starts]


def _gather(
    recipe: TeachRecipe,
    sounds: Sequence[LabeledSound],
    teachers: Sequence[Teacher],
    lessons: Sequence[Lesson],
) -> dict[str, Any]:
    """Return the arrays of the result."""
    scales = [_scale(t, [each.heard[i] for each in lessons]) for i, t in enumerate(teachers)]
    hints = [
        name for t, (dims, _) in zip(teachers, scales, strict=True) for name in _hints(t, dims)
    ]
    paths, spans, rows = [], [], []
    for sound, lesson in zip(sounds, lessons, strict=True):
        for span in lesson.spans:
            paths.append(str(sound.sound.path))
            spans.append(span)
            rows.append(_row(recipe, sound, span, teachers, lesson.heard, scales))
    labels = np.array([*recipe.labels, *hints])
    logits = np.stack(rows).astype(np.float16)
    return {"paths": np.array(paths), "spans": np.array(spans), "labels": labels, "logits": logits}


def _scale(teacher: Teacher, lessons: Sequence[Heard | None]) -> Scale:
    """Return the dimensions of an embedding that are kept, and what counts as 1 in each."""
    if not teacher.settings.hints:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    found = np.concatenate([heard.embedding for heard in lessons if heard is not None])
    most = np.sort(np.argsort(-found.std(axis=0))[: teacher.settings.hints])
    return most, np.maximum(np.quantile(found[:, most], SURE, axis=0), 1e-6).astype(np.float32)


def _hints(teacher: Teacher, dimensions: Ints) -> Iterator[str]:
    """Yield the names of what a student learns from a teacher beside its labels."""
    name = teacher.settings.model
    if teacher.settings.others:
        others = zip(teacher.labels, teacher.places, strict=True)
        yield from (f"{name}: {label}" for label, place in others if place < 0)
    yield from (f"{name}: embedding {i}" for i in dimensions)


def _row(
    recipe: TeachRecipe,
    sound: LabeledSound,
    span: Span,
    teachers: Sequence[Teacher],
    lessons: Sequence[Heard | None],
    scales: Sequence[Scale],
) -> Floats32:
    """Return the logits of a window: labels, then hints; nan where nobody was asked."""
    labels = np.full(len(recipe.labels), np.nan, np.float32)
    hints = []
    for teacher, heard, (dimensions, ones) in zip(teachers, lessons, scales, strict=True):
        places = np.array(teacher.places)
        n_others = int((places < 0).sum()) if teacher.settings.others else 0
        extra = np.full(n_others + len(dimensions), np.nan, np.float32)
        if heard is not None:
            part = heard.within(span)
            p = pool(heard.probabilities[part])
            for place, x in zip(places, p, strict=True):
                if place >= 0:
                    labels[place] = np.fmax(labels[place], x)
            told = heard.embedding[part][:, dimensions].mean(axis=0) / ones
            extra = np.concatenate([p[places < 0][:n_others], np.clip(told, 0, 1)])
        hints.append(extra)
    there = [recipe.labels.index(name) for name in sound.sound.labels if name in recipe.labels]
    labels[there] = np.fmax(labels[there], recipe.floor)
    p = np.clip(np.concatenate([labels, *hints]), LEAST, 1 - LEAST)
    return np.asarray(np.log(p) - np.log1p(-p), np.float32)


def pool(probabilities: Floats32) -> Floats32:
    """Return the probabilities of a window from those of its parts, halfway from mean to maximum.

    So what sounds throughout and what sounds once both count.
    """
    return np.asarray((probabilities.mean(axis=0) + probabilities.max(axis=0)) / 2, np.float32)


def _record(teachers: Sequence[Teacher]) -> list[dict[str, Any]]:
    """Return who taught, for the card of the student."""
    return [
        {
            "model": teacher.settings.model,
            "weights_hash": teacher.model.provenance.weights_hash,
            "license_weights": registry.card(teacher.settings.model).license_weights,
            "only": teacher.settings.only,
            "n_labels": sum(place >= 0 for place in teacher.places),
        }
        for teacher in teachers
    ]
