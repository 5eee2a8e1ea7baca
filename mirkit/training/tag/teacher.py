"""Teachers of taggers (knowledge distillation): logits from a file, or from a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from mirkit.arrays import Floats32
from mirkit.audio import reading
from mirkit.errors import ParameterError
from mirkit.training.tag.data import TagData
from mirkit.zoo import registry


def load_logits(teacher: str, data: TagData) -> Floats32 | None:
    """Return the logits that a teacher gives to each recording, or None without a teacher.

    Parameters
    ----------
    teacher
        An ``.npz`` file with ``paths`` and ``logits``, the name of a model, or empty.
    data
        The recordings and the classes.

    Raises
    ------
    ParameterError
        Where a recording, or a class, is not among the teacher's.
    """
    if not teacher:
        return None
    if not teacher.endswith(".npz"):
        return _ask_model(registry.load_model(teacher), data)
    with np.load(teacher) as file:
        rows = {str(path): row for path, row in zip(file["paths"], file["logits"], strict=True)}
    missing = [path for path in map(str, data.paths) if path not in rows]
    if missing:
        raise ParameterError(f"the teacher {teacher} has not heard {missing[0]}")
    logits = np.stack([rows[str(path)] for path in data.paths]).astype(np.float32)
    if logits.shape[1] != len(data.labels):
        raise ParameterError(
            f"the teacher {teacher} has {logits.shape[1]} classes; there are {len(data.labels)}"
        )
    return logits


def _ask_model(model: Any, data: TagData) -> Floats32:
    unknown = sorted(set(data.labels) - set(model.labels))
    if unknown:
        raise ParameterError(f"the teacher knows no {unknown[0]!r}")
    order = [model.labels.index(label) for label in data.labels]
    rows = []
    for path in data.paths:
        audio = reading.read(path, sample_rate=model.sample_rate)
        heads = model.activations([audio.samples])
        probability = heads["tags"].values[0, order].clip(1e-6, 1 - 1e-6)
        rows.append(np.log(probability / (1 - probability)))
    return np.array(rows, np.float32)
