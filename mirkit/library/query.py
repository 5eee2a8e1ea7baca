"""The query line: what a library is searched by.

| term | finds |
|---|---|
| ``blue train`` | words in title, artist, album, genre, names of file and folder, tags |
| ``bpm:120-126``, ``bpm:124``, ``bpm:>140`` | tempo, at half and double time too |
| ``bpm:=120-126`` | tempo as it is |
| ``key:8A``, ``key:Am``, ``key:~8A`` | a key; with ``~`` all that mix with it |
| ``tag:jazz``, ``tag:jazz>0.5`` | a tag, from its threshold or from a score on |
| ``energy:>0.6`` and ``loudness:``, ``range:``, ``peak:``, ``duration:``, ``meter:`` | numbers |
| ``artist:coltrane`` and ``title:``, ``album:``, ``genre:``, ``name:`` | words in one field |
| ``path:/music/new`` | what lies in a folder |
| ``status:failed`` | ``new``, ``done`` or ``failed`` |
| ``-tag:vocals`` | all but these; before any term |
| ``sort:energy``, ``sort:-bpm`` | order; ``-`` for the highest first |

Terms hold together; ``"two words"`` is one. Durations are seconds or ``3:30``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mirkit import checks
from mirkit.errors import ParameterError, UnknownName
from mirkit.library.database import to_sql
from mirkit.library.harmony import compatible_keys
from mirkit.vocab.keys import KEYS, key_number

_TERM = re.compile(r'(-?)(?:([a-z_]+):)?(?:"([^"]*)"|(\S+))')
_RANGE = re.compile(r"([^-]+)-([^-]+)$")
_BOUND = re.compile(r"(>=|<=|>|<)(.+)")
_SLOWEST, _FASTEST = 80.0, 160.0  # of tempi that are folded into one octave
_INFINITE = float("inf")

NUMBERS = {
    "energy": ("energy", 0.05),
    "loudness": ("loudness", 0.5),
    "range": ("loudness_range", 0.5),
    "peak": ("true_peak", 0.25),
    "duration": ("duration", 1.0),
    "meter": ("meter", 0.0),
}
"""The column of each number, and how far a value lies from one that is given alone."""

WORDS = ("title", "artist", "album", "genre", "name", "labels")
"""The fields that words can be looked for in."""

SORTS = {"id": "tracks.id", "added": "tracks.id", "title": "title collate nocase",
         "artist": "artist collate nocase", "bpm": "bpm", "energy": "energy",
         "loudness": "loudness"}  # fmt: skip
"""What tracks can be sorted by, all of which have an index."""

STATES = ("new", "done", "failed")

SHOWN = 0.3
"""Score from which a track has a tag that has no threshold of its own."""


@dataclass
class Query:
    """A query line as SQL.

    Parameters
    ----------
    text
        The line.
    where
        Conditions, all of which hold.
    values
        Their values, in order.
    words
        What FTS5 looks for, or an empty text.
    tags
        Names and least scores of tags that tracks have; None for the threshold of the tag.
    order
        What tracks are sorted by.
    """

    text: str
    where: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    words: str = ""
    tags: list[tuple[str, float | None]] = field(default_factory=list)
    order: str | None = None

    def add(self, condition: str, values: list[Any], negated: bool) -> None:
        """Add a condition."""
        self.where.append(f"not coalesce({condition}, 0)" if negated else condition)
        self.values += values


def parse(text: str) -> Query:
    """Return the query of a line.

    Raises
    ------
    ParameterError
        Where a term means nothing; the message says what it may be.
    UnknownName
        Where there is no such field.

    Examples
    --------
    >>> parse('energy:>0.6 "blue train"').where
    ['tracks.energy > ?']
    """
    query = Query(text)
    for sign, name, quoted, plain in _terms(text):
        value, negated = quoted or plain, bool(sign)
        if not name:
            _add_words(query, value, negated)
        elif name in _ADDERS:
            _ADDERS[name](query, value, negated)
        elif name in NUMBERS:
            _add_number(query, name, value, negated)
        elif name in WORDS:
            _add_words(query, value, negated, name)
        else:
            raise UnknownName("field", name, [*_ADDERS, *NUMBERS, *WORDS])
    return query


def _terms(text: str) -> list[tuple[str, str, str, str]]:
    """Return sign, field, quoted value and plain value of each term."""
    found, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TERM.match(text, at)
        if match is None:
            raise ParameterError(f"{text[at:]!r} is no term; terms are words and field:value")
        found.append((match[1], match[2] or "", match[3] or "", match[4] or ""))
        at = match.end()
    return found


def _add_words(query: Query, value: str, negated: bool, column: str = "") -> None:
    parts = ['"' + part.replace('"', '""') + '"' for part in re.findall(r"\w+", value)]
    if not parts:
        raise ParameterError(f"{value!r} holds no word to look for")
    match = " + ".join(parts)
    match = f"{column} : {match}" if column else match
    if negated:
        query.add("tracks.id in (select rowid from words where words match ?)", [match], True)
    else:
        query.words = f"({query.words}) AND ({match})" if query.words else match


def _add_number(query: Query, name: str, value: str, negated: bool) -> None:
    column, near = NUMBERS[name]
    low, high, is_open = bounds(name, value, near)
    _add_range(query, f"tracks.{column}", low, high, is_open, negated)
    query.order = query.order or (column if column in SORTS else None)


def _add_range(
    query: Query, column: str, low: float, high: float, is_open: bool, negated: bool = False
) -> None:
    parts, values = [], []
    if low > -_INFINITE:
        parts.append(f"{column} {'>' if is_open else '>='} ?")
        values.append(low)
    if high < _INFINITE:
        parts.append(f"{column} {'<' if is_open else '<='} ?")
        values.append(high)
    query.add(
        " and ".join(parts) if len(parts) == 1 else f"({' and '.join(parts)})", values, negated
    )


def bounds(name: str, value: str, near: float) -> tuple[float, float, bool]:
    """Return the lowest and highest value that a text means, and whether they are left out.

    Examples
    --------
    >>> bounds("bpm", "120-126", 1), bounds("energy", ">0.6", 0.05), bounds("bpm", "124", 1)
    ((120.0, 126.0, False), (0.6, inf, True), (123.0, 125.0, False))
    """
    if match := _BOUND.fullmatch(value):
        number = _number(name, match[2])
        low, high = (number, _INFINITE) if match[1][0] == ">" else (-_INFINITE, number)
        return low, high, "=" not in match[1]
    if match := _RANGE.fullmatch(value[1:]):
        low, high = _number(name, value[0] + match[1]), _number(name, match[2])
        return min(low, high), max(low, high), False
    number = _number(name, value)
    return number - near, number + near, False


def _number(name: str, text: str) -> float:
    """Return a number, or minutes and seconds in seconds."""
    minutes, colon, seconds = text.rpartition(":")
    try:
        return float(seconds) + (60 * float(minutes) if colon else 0.0)
    except ValueError:
        raise ParameterError(
            f"{name}:{text} is no number; it is a number, a range (120-126), or >120"
        ) from None


def _add_bpm(query: Query, value: str, negated: bool) -> None:
    low, high, is_open = bounds("bpm", value.removeprefix("="), 1.0)
    query.order = query.order or "bpm"
    if value.startswith("=") or low <= 0 or high == _INFINITE or high >= 2 * low:
        _add_range(query, "tracks.bpm", low, high, is_open, negated)
        return
    condition = "tracks.pulse between ? and ?"
    first, last = fold(low), fold(high)
    values = [first, last]
    if first > last:  # the range goes past the end of the octave
        condition = f"({condition} or {condition})"
        values = [first, _FASTEST, _SLOWEST, last]
    query.add(f"({condition} and tracks.bpm between ? and ?)", [*values, low / 2.01, high * 2.01],
              negated)  # fmt: skip
    query.order = "pulse" if query.order == "bpm" and first <= last and not negated else query.order


def fold(bpm: float) -> float:
    """Return the tempo of a level between 80 and 160 bpm.

    Examples
    --------
    >>> fold(62.0), fold(174.0), fold(120.0)
    (124.0, 87.0, 120.0)
    """
    while bpm < _SLOWEST:
        bpm *= 2
    while bpm >= _FASTEST:
        bpm /= 2
    return bpm


def _add_key(query: Query, value: str, negated: bool) -> None:
    label = value.removeprefix("~")
    keys = compatible_keys(label) if value.startswith("~") else (KEYS[key_number(label)],)
    marks = ", ".join("?" * len(keys))
    query.add(f"tracks.key in ({marks})", [key_number(key) for key in keys], negated)


def _add_tag(query: Query, value: str, negated: bool) -> None:
    name, sign, least = value.partition(">")
    score = _number("tag", least.removeprefix("=")) if sign else None
    if not negated:
        query.tags.append((name, score))
        return
    query.add(
        "exists (select 1 from track_tags join tags on tags.id = tag where track = tracks.id"
        " and name = ? and score >= coalesce(?, threshold, ?))",
        [name, score, SHOWN],
        True,
    )


def _add_path(query: Query, value: str, negated: bool) -> None:
    folder = os.path.abspath(value)  # noqa: PTH100  # links stay
    low, high = folder + os.sep, folder + chr(ord(os.sep) + 1)
    query.add(
        "tracks.id in (select track from files where path = ? or (path >= ? and path < ?))",
        [to_sql(folder), to_sql(low), to_sql(high)],
        negated,
    )


def _add_status(query: Query, value: str, negated: bool) -> None:
    checks.member("status", value, STATES)
    query.add("tracks.status = ?", [value], negated)


def _add_sort(query: Query, value: str, negated: bool) -> None:
    name = value.removeprefix("-")
    checks.member("order", name, SORTS)
    query.order = SORTS[name] + (" desc" if value.startswith("-") else "")


_ADDERS: dict[str, Callable[[Query, str, bool], None]] = {
    function.__name__.removeprefix("_add_"): function
    for function in (_add_bpm, _add_key, _add_tag, _add_path, _add_status, _add_sort)
}
