"""Teachers of taggers (knowledge distillation): soft labels from a file, or from a model."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, softmax

from mirkit.activations import Head
from mirkit.arrays import Floats, Floats32, Ints
from mirkit.audio import reading
from mirkit.errors import ParameterError
from mirkit.training.tag.data import TagData
from mirkit.training.tag.recipe import TagLossSettings
from mirkit.zoo import registry


@dataclass(frozen=True)
class Teacher:
    """Soft labels of recordings, window by window.

    Parameters
    ----------
    targets
        Probabilities, ``(n_windows, n_classes)``.
    mask
        1 where the teacher was asked, of the same shape.
    spans
        Beginning and end of each window [s], ``(n_windows, 2)``.
    first
        The first window of each recording, and last the number of windows,
        ``(n_recordings + 1,)``.
    """

    targets: Floats32
    mask: Floats32
    spans: Floats
    first: Ints

    def draw(self, recording: int, rng: np.random.Generator) -> int:
        """Return a window of a recording."""
        first, end = self.first[recording], self.first[recording + 1]
        return int(first if end - first == 1 else rng.integers(first, end))

    def truth(self, window: int) -> dict[str, Floats32]:
        """Return what the teacher hears in a window, and of what it was asked."""
        return {"teacher": self.targets[window], "teacher_mask": self.mask[window]}

    def cut(self, window: int, values: Floats32, fps: float) -> Floats32:
        """Return the rows of a recording that a window holds."""
        start, end = self.spans[window]
        first = min(round(start * fps), max(len(values) - 1, 0))
        last = len(values) if np.isinf(end) else max(first + 1, round(end * fps))
        return values[first:last]


def load_teacher(settings: TagLossSettings, data: TagData) -> Teacher | None:
    """Return what the teacher of a recipe hears in each recording, or None without a teacher.

    Raises
    ------
    ParameterError
        Where a recording, or a class, is not among the teacher's.
    """
    if not settings.teacher:
        return None
    if settings.teacher.endswith(".npz"):
        rows, labels = _read_rows(Path(settings.teacher).expanduser())
    else:
        model = registry.load_model(settings.teacher)
        logits = _ask_model(model, data, settings.exclusive)
        rows = {
            str(path): [Row(x, 0.0, np.inf)] for path, x in zip(data.paths, logits, strict=True)
        }
        labels = data.labels
    missing = [path for path in map(str, data.paths) if path not in rows]
    if missing:
        raise ParameterError(f"the teacher {settings.teacher} has not heard {missing[0]}")
    windows = [rows[str(path)] for path in data.paths]
    found = [row for each in windows for row in each]
    columns = _columns(settings, labels, data.labels, len(found[0].logits))
    logits = np.stack([row.logits[columns] for row in found]).astype(np.float32)
    asked = np.isfinite(logits)
    targets = soft_targets(np.where(asked, logits, 0), settings)
    spans = np.array([(row.start, row.end) for row in found])
    first = np.cumsum([0, *map(len, windows)])
    return Teacher(targets, asked.astype(np.float32), spans, first)


def _columns(
    settings: TagLossSettings, known: Sequence[str], labels: Sequence[str], width: int
) -> list[int]:
    """Return the columns of the labels, then those of the hints."""
    if not known and width != len(labels):
        raise ParameterError(
            f"the teacher {settings.teacher} has {width} classes; there are {len(labels)}"
        )
    place = {label: i for i, label in enumerate(known or labels)}
    unknown = [label for label in labels if label not in place]
    if unknown:
        raise ParameterError(f"the teacher {settings.teacher} knows no {unknown[0]!r}")
    further = [i for label, i in place.items() if label not in set(labels)]
    if settings.hints > len(further):
        raise ParameterError(
            f"hints is {settings.hints}; the teacher {settings.teacher} has {len(further)}"
        )
    return [*(place[label] for label in labels), *further[: settings.hints]]


def soft_targets(logits: Floats32, settings: TagLossSettings) -> Floats32:
    """Return the probabilities of a teacher, which a network is to give.

    Probabilities can be mixed as the sounds are: 4 and -8 in equal parts are .491, and not what the
    mean of the logits gives.

    Examples
    --------
    >>> given = soft_targets(np.array([[4.0], [-8.0]], np.float32), TagLossSettings("bce"))
    >>> given.mean().round(3)
    np.float32(0.491)
    """
    softened = logits / np.float32(settings.temperature)
    if settings.exclusive:
        return np.asarray(softmax(softened, axis=-1), np.float32)
    return np.asarray(expit(softened), np.float32)


class Row(NamedTuple):
    """The logits of a window, nan where the teacher was not asked, and where it lies [s]."""

    logits: Floats32
    start: float
    end: float


def _read_rows(path: Path) -> tuple[dict[str, list[Row]], tuple[str, ...]]:
    """Return the windows in a file by the path of the recording, and its labels if it says them."""
    rows: dict[str, list[Row]] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            logits, paths = file["logits"], file["paths"]
            spans = file.get("spans", np.tile([0.0, np.inf], (len(paths), 1)))
            labels = tuple(map(str, file.get("labels", ())))
            for name, x, span in zip(paths, logits, spans, strict=True):
                rows.setdefault(str(name), []).append(Row(x, *map(float, span)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise ParameterError(
            f"the teacher {path} is no .npz file with 'paths' (texts) and 'logits' (n_paths, "
            "n_classes), as mirkit teach and numpy.savez write it"
        ) from None
    return rows, labels


def _ask_model(model: Any, data: TagData, exclusive: bool) -> Floats32:
    return np.stack([_logits_of(model, path, data.labels, exclusive) for path in data.paths])


def _logits_of(model: Any, path: Path, labels: Sequence[str], exclusive: bool) -> Floats32:
    """Return the logits that a model gives to a recording, of a softmax or of sigmoids."""
    audio = reading.read(path, sample_rate=model.sample_rate)
    head = model.activations([audio.samples])["tags"]
    unknown = sorted(set(labels) - set(head.labels))
    if unknown:
        raise ParameterError(f"the teacher knows no {unknown[0]!r}")
    if head.kind == "softmax" and not exclusive:
        head = Head(head.values, head.labels, None)  # each class by itself
    order = [head.labels.index(label) for label in labels]
    return np.asarray(head.logits()[0, order], dtype=np.float32)
