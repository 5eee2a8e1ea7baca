"""References for boards: from a file that a person or a renderer wrote to the value scored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from mirkit.errors import FormatError, ParameterError


def is_clip(path: Path) -> bool:
    """Return whether `path` is the truth of a rendered clip, not an annotation of ours."""
    if path.suffix != ".json":
        return False
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return False
    return isinstance(truth, dict) and "clip_id" in truth


_KINDS = {"key": "key", "chords": "chord", "sections": "section"}
"""What segments are that are read for a task: it says so, not the spelling of their labels."""


def read_reference(path: Path, attribute: str, kinds: tuple[type, ...]) -> Any:
    """Return the annotation of a file.

    Parameters
    ----------
    path
        The truth of a rendered clip, or any annotation that `mirkit.read` reads.
    attribute
        What is asked of a clip or an `Analysis`: ``"beats"``, ``"chords"``.
    kinds
        What the value may be.

    Raises
    ------
    FormatError
        Where it holds something else.
    """
    from mirkit.annotation import Analysis, Segments
    from mirkit.formats import read
    from mirkit.rendering.clips import read_clip

    if is_clip(path):
        clip = read_clip(path)
        if attribute == "tags":
            raise FormatError(f"{path} is the truth of a rendered clip, which has no tags")
        return getattr(clip, "keys" if attribute == "key" else attribute)
    value: Any = read(path)
    if isinstance(value, Analysis):
        value = value.get(attribute, value.get(f"{attribute}s"))
    if isinstance(value, Segments) and attribute in _KINDS:
        value = _of_kind(value, _KINDS[attribute], path)
    if not isinstance(value, kinds):
        held = "nothing" if value is None else type(value).__name__
        raise FormatError(f"{path} holds no {attribute}, but {held}")
    return value


def _of_kind(segments: Any, kind: str, path: Path) -> Any:
    """Return segments whose labels mean what the task says."""
    try:
        return replace(segments, kind=kind)
    except ParameterError as error:
        raise FormatError(f"{path} holds no {kind}s: {error}") from None
