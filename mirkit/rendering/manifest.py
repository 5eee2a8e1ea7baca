"""Manifests: tables of clips without their sound, to be kept under version control."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mirkit.audio.sources import missing_message
from mirkit.errors import FormatError
from mirkit.rendering.clips import Clip
from mirkit.rendering.plan import ClipSpec, format_specs
from mirkit.rendering.plan_file import read_plan

COLUMNS: Mapping[str, str] = {
    "clip_id": "name of the clip and of its files",
    "split": "train, val or test",
    "source": "where the music comes from: arranger, mma, groove, pop909, hymnal, lieder, freedoom",
    "style": "style, genre or groove family",
    "meter": "time signature",
    "bpm": "tempo of the median beat interval at the tapped level",
    "song": "song or chart; own-… are generated",
    "groove": "rhythm patterns",
    "font": "soundfont",
    "drums": "1 where drums play, 0 where none do",
    "bars": "1 where downbeats are known",
    "n_beats": "number of beats",
    "seconds": "length [s]",
    "seed": "of all chance in the clip",
    "version": "of the renderer",
}
"""Columns of a manifest and what they hold."""


def row(clip: Clip) -> dict[str, Any]:
    """Return a clip's line of a manifest."""
    truth = clip.truth
    known = {
        "drums": int(truth["drums"]),
        "bars": int(truth["positions"] is not None),
        "n_beats": len(truth["beats"]),
    }
    return {name: known.get(name, truth.get(name)) for name in COLUMNS}


def write_manifest(clips: Iterable[Clip], path: str | Path) -> None:
    """Write clips as a CSV table with the columns of `COLUMNS`."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row(clip) for clip in clips)


def read_manifest(path: str | Path) -> tuple[dict[str, str], ...]:
    """Return the rows of a manifest, by column.

    Raises
    ------
    FormatError
        Where the file cannot be read, or a column is missing.
    """
    reader = csv.DictReader(io.StringIO(_text(Path(path))))
    missing = set(COLUMNS) - set(reader.fieldnames or ())
    if missing:
        raise FormatError(f"{path} lacks the columns {', '.join(sorted(missing))}")
    return tuple(reader)


def write_specs(specs: Sequence[ClipSpec], path: str | Path) -> None:
    """Write specifications, one JSON object a line: what `render` needs to make the same clips."""
    Path(path).write_text(format_specs(specs), encoding="utf-8")


def read_specs(path: str | Path) -> tuple[ClipSpec, ...]:
    """Return the specifications that `write_specs` wrote, those of a CSV manifest, or of a plan.

    A plan is a TOML file: see `mirkit.rendering.plan_file.read_plan`.

    Raises
    ------
    FormatError
        Where the file cannot be read, or is neither; the message names the line.
    """
    path = Path(path)
    if path.suffix == ".toml":
        return read_plan(path)
    if path.suffix == ".csv":
        return tuple(_parse_spec(line, str(path)) for line in read_manifest(path))
    lines = _text(path).splitlines()
    return tuple(
        _parse_spec(_object(line, f"{path}, line {i}"), f"{path}, line {i}")
        for i, line in enumerate(lines, 1)
        if line.strip()
    )


def _text(path: Path) -> str:
    """Return the text of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise FormatError(missing_message(path)) from None
    except UnicodeDecodeError:
        raise FormatError(f"{path} is no text, so no manifest; see data/manifests/") from None
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from None


def _object(line: str, place: str) -> Mapping[str, Any]:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise FormatError(f"{place} is no JSON: {error.msg}. Is it a manifest?") from None
    if not isinstance(values, dict):
        raise FormatError(f"{place} is no object; a line holds the specification of a clip")
    return values


def _parse_spec(values: Mapping[str, Any], place: str) -> ClipSpec:
    names = [field.name for field in fields(ClipSpec)]
    try:
        known = {name: values[name] for name in names}
    except KeyError as error:
        raise FormatError(f"{place}: a clip lacks {error.args[0]!r}") from None
    try:
        known["seed"], known["seconds"] = int(known["seed"]), float(known["seconds"])
    except (TypeError, ValueError) as error:
        raise FormatError(f"{place}: seed and seconds are numbers: {error}") from None
    return ClipSpec(**known)
