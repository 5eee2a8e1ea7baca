"""References: from a file that a person or a renderer wrote to the value scored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

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


def read_reference(path: Path, kinds: tuple[type, ...], *names: str) -> Any:
    """Return the annotation of a file.

    Parameters
    ----------
    path
        The truth of a rendered clip, or any annotation that `mirkit.read` reads.
    kinds
        What the value may be.
    names
        What it may be called in a clip or an `Analysis`; the first that is there is taken.

    Raises
    ------
    FormatError
        Where it holds something else.
    """
    from mirkit.annotation import Analysis, SegmentKind, Segments
    from mirkit.formats import read
    from mirkit.rendering.clips import read_clip

    value: Any
    if is_clip(path):
        clip = read_clip(path)
        value = next((getattr(clip, name) for name in names if hasattr(clip, name)), None)
    else:
        value = read(path)
    if isinstance(value, Analysis):
        value = next((value[name] for name in names if name in value), None)
    kind = names[0].removesuffix("s")
    if isinstance(value, Segments) and kind in get_args(SegmentKind):
        value = _of_kind(value, kind, path)
    if not isinstance(value, kinds):
        held = "nothing of the kind" if value is None else type(value).__name__
        raise FormatError(f"{path} holds no {names[0]}, but {held}")
    return value


def _of_kind(segments: Any, kind: str, path: Path) -> Any:
    """Return segments whose labels mean what the task says."""
    try:
        return replace(segments, kind=kind)
    except ParameterError as error:
        raise FormatError(f"{path} holds no {kind}s: {error}") from None
