"""Teachers of taggers (knowledge distillation): logits from a file, or from a model."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from mirkit.activations import Head
from mirkit.arrays import Floats32
from mirkit.audio import reading
from mirkit.errors import ParameterError
from mirkit.training.tag.data import TagData
from mirkit.training.tag.recipe import TagLossSettings
from mirkit.zoo import registry


def load_logits(teacher: str, data: TagData, exclusive: bool) -> Floats32 | None:
    """Return the logits that a teacher gives to each recording, or None without a teacher.

    Parameters
    ----------
    teacher
        An ``.npz`` file with ``paths`` and ``logits``, the name of a model, or empty.
    data
        The recordings and the classes.
    exclusive
        Whether the classes exclude each other: logits are then those of a softmax.

    Raises
    ------
    ParameterError
        Where a recording, or a class, is not among the teacher's.
    """
    if not teacher:
        return None
    if not teacher.endswith(".npz"):
        return _ask_model(registry.load_model(teacher), data, exclusive)
    rows = _read_rows(Path(teacher).expanduser())
    missing = [path for path in map(str, data.paths) if path not in rows]
    if missing:
        raise ParameterError(f"the teacher {teacher} has not heard {missing[0]}")
    logits = np.stack([rows[str(path)] for path in data.paths]).astype(np.float32)
    if logits.shape[1] != len(data.labels):
        raise ParameterError(
            f"the teacher {teacher} has {logits.shape[1]} classes; there are {len(data.labels)}"
        )
    return logits


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


def _read_rows(path: Path) -> dict[str, Floats32]:
    """Return the logits in a file by the path of the recording."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {str(row): x for row, x in zip(file["paths"], file["logits"], strict=True)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise ParameterError(
            f"the teacher {path} is no .npz file with 'paths' (texts) and 'logits' (n_paths, "
            "n_classes), as numpy.savez writes it"
        ) from None


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
    return np.asarray(head.logits()[0, order], np.float32)
