"""Prompts: labels as sentences, and several sentences for a label averaged (an ensemble)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.errors import FormatError, ParameterError
from mirkit.sound.clap.text import TextEncoder

TEMPLATES = ("{}", "the sound of {}", "this is the sound of {}", "{} can be heard")
"""The sentences that are made of a label, unless told otherwise."""


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels as a tuple.

    Raises
    ------
    ParameterError
        Where there are none, one is empty, or one comes twice.
    """
    found = checks.texts("labels", labels)
    if not found:
        raise ParameterError("labels are empty; give sentences, such as 'a dog barking'")
    for i, label in enumerate(found):
        if not label.strip():
            raise ParameterError(f"labels[{i}] is empty; it is a sentence")
        if label in found[:i]:
            raise ParameterError(f"labels hold {label!r} twice; give it once")
    return found


def check_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """Return templates as a tuple.

    Raises
    ------
    ParameterError
        Where there are none, or one has no ``{}``.
    """
    found = checks.texts("templates", templates)
    odd = [template for template in found if template.count("{}") != 1]
    if odd or not found:
        raise ParameterError(
            f"templates hold {odd[0]!r}; each has one {{}}, such as 'the sound of {{}}'"
            if odd
            else "templates are empty; '{}' alone leaves labels as they are"
        )
    return found


def embed_prompts(
    text: TextEncoder, labels: Sequence[str], templates: Sequence[str] = TEMPLATES
) -> Floats32:
    """Return a unit vector per label: the mean over its prompts, ``(n_labels, n_joint)``."""
    prompts = [template.replace("{}", label) for label in labels for template in templates]
    rows = text.embed(prompts).reshape(len(labels), len(templates), -1).mean(axis=1)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Return the labels of a vocabulary file: one a line; ``#`` begins a comment.

    Raises
    ------
    FormatError
        Where the file cannot be read, or holds no labels.
    """
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise FormatError(
            f"{path} is no vocabulary, a text file with a label per line: {why}"
        ) from None
    labels = [line.partition("#")[0].strip() for line in lines]
    try:
        return check_labels([label for label in labels if label])
    except ParameterError as error:
        raise FormatError(f"{path}: {error}") from None
