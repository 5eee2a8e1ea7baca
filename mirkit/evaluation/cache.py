"""Scores that are kept in a file, so that an evaluation goes on where it was cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from mirkit.errors import FormatError
from mirkit.evaluation.parts import Scores
from mirkit.tasks import SCHEMA


class CacheKey(NamedTuple):
    """Key of a score: other weights, other versions and other recordings have another key."""

    task: str
    system: str
    fingerprint: str
    clip: str
    audio: str


class ScoreCache:
    """Scores in a file of JSON lines; a last line that was cut off is ignored.

    Parameters
    ----------
    path
        The file; None keeps nothing.

    Raises
    ------
    FormatError
        Where it holds something else.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._scores: dict[CacheKey, Scores] = {}
        if self.path is not None and self.path.exists():
            self._read(self.path)

    def get(self, key: CacheKey) -> Scores | None:
        """Return what is kept under a key, or None."""
        return self._scores.get(key)

    def append(self, key: CacheKey, scores: Scores) -> None:
        """Write the scores of a key to the file."""
        if self.path is None:
            return
        row = {"schema": SCHEMA, **key._asdict(), "scores": dict(scores)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        whole, _, torn = text.rpartition("\n")
        lines = whole.split("\n") if whole else []
        for i, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                key = CacheKey(*(str(row[name]) for name in CacheKey._fields))
                self._scores[key] = row["scores"]
            except (json.JSONDecodeError, KeyError, TypeError):
                raise _foreign(path, i) from None
        if torn and not torn.startswith("{"):
            raise _foreign(path, len(lines) + 1)
        if torn:  # killed while it wrote
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _foreign(path: Path, line: int) -> FormatError:
    return FormatError(f"{path}, line {line} is no score; it is a file that evaluate wrote")
