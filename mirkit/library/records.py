"""Records of a result: the row, its value, and the columns of its track that follow."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mirkit.annotation import Beats, Key, Tags, Tempo
from mirkit.batch import Failure
from mirkit.library.makers import HUMAN, Maker
from mirkit.library.packing import pack, unpack
from mirkit.vocab.keys import is_scored, key_number


@dataclass(frozen=True)
class Result:
    """A result as it travels: what a maker made of a track.

    Parameters
    ----------
    task
        Name of the task.
    value
        The annotation, packed perhaps (`mirkit.library.packing`), or why there is none.
    seconds
        How long it took [s], or None.
    """

    task: str
    value: Any
    seconds: float | None = None


def maker_id(db: sqlite3.Connection, maker: Maker) -> int:
    """Return the number of a maker, which is new to the library perhaps."""
    values = (
        maker.fingerprint, maker.task, maker.model, maker.version, maker.weights_hash,
        maker.settings_text,
    )  # fmt: skip
    db.execute(
        "insert into makers (fingerprint, task, model, version, weights_hash, settings)"
        " values (?, ?, ?, ?, ?, ?) on conflict (fingerprint) do nothing",
        values,
    )
    found = db.execute("select id from makers where fingerprint = ?", values[:1]).fetchone()
    return int(found[0])


def store(db: sqlite3.Connection, track: int, maker: Maker, result: Result) -> None:
    """Write a result, which becomes the current one unless a person's is there.

    A failure takes the place of no result that was made.
    """
    is_packed = isinstance(result.value, Failure | bytes)
    value = result.value if is_packed else pack(result.value)
    error = value if isinstance(value, Failure) else None
    number = maker_id(db, maker)
    if error is not None and _is_made(db, track, number):
        return
    held = current_maker(db, track, maker.task)
    is_current = maker.model == HUMAN or (held != HUMAN and (error is None or held is None))
    if is_current:
        db.execute(
            "update results set current = 0 where track = ? and task = ? and current",
            (track, maker.task),
        )
    row = (
        track, number, maker.task, int(is_current),
        error and error.type, error and error.message, result.seconds, time.time(),
    )  # fmt: skip
    db.execute("delete from results where track = ? and maker = ?", row[:2])
    cursor = db.execute(
        "insert into results (track, maker, task, current, error_type, error_message, seconds,"
        " made) values (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    if error is None:
        db.execute("insert into contents values (?, ?)", (cursor.lastrowid, value))
        if is_current:
            describe(db, track, unpack(value))
    settle(db, track)


def _is_made(db: sqlite3.Connection, track: int, maker: int) -> bool:
    """Return whether a maker has made its result of a track."""
    found = db.execute(
        "select 1 from results where track = ? and maker = ? and error_type is null",
        (track, maker),
    )
    return found.fetchone() is not None


def current_maker(db: sqlite3.Connection, track: int, task: str) -> str | None:
    """Return the name of the model whose result of a task was made and is the current one."""
    row = db.execute(
        "select model from results join makers on makers.id = maker where track = ?"
        " and results.task = ? and current and error_type is null",
        (track, task),
    ).fetchone()
    return None if row is None else str(row[0])


def settle(db: sqlite3.Connection, track: int) -> None:
    """Set the status of a track by its current results."""
    db.execute(
        "update tracks set status = coalesce((select iif(max(error_type is not null), 'failed',"
        " 'done') from results where track = ?1 and current), 'new') where id = ?1",
        (track,),
    )


def describe(db: sqlite3.Connection, track: int, value: Any) -> None:
    """Set the columns of a track that an annotation speaks of."""
    kind = type(value).__name__
    if isinstance(value, Tags):
        _set_tags(db, track, value)
    elif kind in COLUMNS_OF:
        columns = COLUMNS_OF[kind](value)
        names = ", ".join(f"{name} = ?" for name in columns)
        db.execute(f"update tracks set {names} where id = ?", (*columns.values(), track))


def _of_beats(beats: Beats) -> Mapping[str, Any]:
    return {**_of_tempo(beats.tempo), "beat_confidence": beats.track_confidence}


def _of_tempo(tempo: Tempo) -> Mapping[str, Any]:
    return {"bpm": tempo.bpm, "bpm_confidence": tempo.confidence, "meter": tempo.meter}


def _of_key(key: Key) -> Mapping[str, Any]:
    known = key.label is not None and is_scored(key.label)
    number = key_number(str(key.label)) if known else None
    return {"key": number, "key_confidence": key.confidence}


COLUMNS_OF: dict[str, Callable[[Any], Mapping[str, Any]]] = {
    "Beats": _of_beats,
    "Tempo": _of_tempo,
    "Key": _of_key,
    "Loudness": lambda x: {
        "energy": x.energy,
        "loudness": x.integrated,
        "loudness_range": x.range,
        "true_peak": x.true_peak,
    },
}
"""The columns of tracks that each kind of annotation fills."""

SHOWN = 0.3
"""Score from which a tag is among the words that a track is found by."""


def _set_tags(db: sqlite3.Connection, track: int, tags: Tags) -> None:
    db.execute("delete from track_tags where track = ?", (track,))
    for label, score in tags:
        db.execute("insert into tags (name) values (?) on conflict (name) do nothing", (label,))
        db.execute(
            "insert into track_tags (tag, track, score)"
            " select id, ?, ? from tags where name = ? on conflict do nothing",
            (track, score, label),
        )
    db.execute(
        "insert or replace into track_tags select tag, track, score from own_tags where track = ?",
        (track,),
    )
    shown = ", ".join(label for label, score in tags if score >= SHOWN)
    db.execute("update tracks set labels = ? where id = ?", (shown, track))


def load(db: sqlite3.Connection, track: int, task: str) -> Any:
    """Return the current annotation of a task, or None where there is none."""
    row = db.execute(
        "select value from results join contents on result = results.id"
        " where track = ? and task = ? and current",
        (track, task),
    ).fetchone()
    return None if row is None else unpack(row[0])


def origin(db: sqlite3.Connection, track: int, task: str) -> Maker | None:
    """Return the maker of the current result of a task, or None."""
    row = db.execute(
        "select makers.* from results join makers on makers.id = maker"
        " where track = ? and results.task = ? and current",
        (track, task),
    ).fetchone()
    if row is None:
        return None
    held = json.loads(row["settings"])
    return Maker(
        row["task"], row["model"], row["version"], row["weights_hash"], held["settings"],
        held["needs"],
    )  # fmt: skip


def forget_human(db: sqlite3.Connection, track: int, task: str) -> None:
    """Remove a person's result of a task; the newest result that a model made is current again."""
    db.execute(
        "delete from results where track = ? and task = ?"
        " and maker in (select id from makers where model = ?)",
        (track, task, HUMAN),
    )
    db.execute(
        "update results set current = 1 where id = (select id from results where track = ?1"
        " and task = ?2 order by error_type is not null, made desc limit 1)"
        " and not exists (select 1 from results where track = ?1 and task = ?2 and current)",
        (track, task),
    )
    value = load(db, track, task)
    if value is not None:
        describe(db, track, value)
    settle(db, track)


def describe_all(db: sqlite3.Connection, track: int) -> None:
    """Set all columns of a track by its current results."""
    sql = "select task from results where track = ? and current and error_type is null"
    for (task,) in db.execute(sql, (track,)).fetchall():
        describe(db, track, load(db, track, task))
    settle(db, track)
