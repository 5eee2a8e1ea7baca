"""Manifests: tables of clips without their sound, to be kept under version control."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

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
        Where a column is missing.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
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
    """
    path = Path(path)
    if path.suffix == ".toml":
        return read_plan(path)
    if path.suffix == ".csv":
        return tuple(_parse_spec(line, path) for line in read_manifest(path))
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(_parse_spec(json.loads(line), path) for line in lines if line)


def _parse_spec(values: Mapping[str, Any], path: Path) -> ClipSpec:
    names = [field.name for field in fields(ClipSpec)]
    try:
        known = {name: values[name] for name in names}
    except KeyError as error:
        raise FormatError(f"{path}: a clip lacks {error.args[0]!r}") from None
    known["seed"], known["seconds"] = int(known["seed"]), float(known["seconds"])
    return ClipSpec(**known)
