"""Write with every exporter, and die at byte after byte: run with tests/fault.c preloaded.

`python fault_worker.py FOLDER` reads recordings ``x.*`` from the folder, and prints what was found
there after each death, as one JSON object: exporter to the number of steps, of tries, and of those
that left the old content, the new one, or something else.
"""

import ctypes
import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from djtracks import make_engine_library, make_library

from mirkit.decoding.grid import BeatGrid
from mirkit.formats import FORMATS, save
from mirkit.formats.dj import (
    DJ_FORMATS,
    Collection,
    Cue,
    DJTrack,
    enginedb,
    file_tags,
    mixxx,
    save_collection,
    seratotags,
)

PLENTY = 1 << 40
FIRST, BETWEEN, LAST = 3, 7, 14
"""How many deaths: in the first steps, spread over the others, in the last ones."""

GRID = BeatGrid([0.25, 30.25], [128.0, 126.5], 60.0, [1, 1], [4, 4])
OLD = DJTrack("/music/a.mp3", "Old", key="C", grid=GRID, duration=60.0)
NEW = replace(
    OLD, title="New", key="Am", grid=BeatGrid([0.5], [99.0], 60.0), cues=(Cue(1.5, number=0),)
)
SOUNDS = ("mp3", "aiff", "flac", "m4a")
KEPT = ("jams", "json", "beats", "csv", "midi", "svl", "svcsv", "audacity", "reaper", "reapercsv")


def exporters(folder):
    """Name, target, and what writes old and new content."""
    for name, row in DJ_FORMATS.items():
        path = folder / row.file
        yield name, path, lambda t, p=path, n=name: save_collection(Collection([t]), p, n)
    for suffix in SOUNDS:
        path = folder / f"y.{suffix}"
        yield f"serato {suffix}", path, lambda t, p=path: seratotags.write(
            replace(t, location=str(p)), force=True)  # fmt: skip
        yield (
            f"tags {suffix}",
            path,
            lambda t, p=path: file_tags.write(p, bpm=t.grid.bpm, key=t.key),
        )
    for name in KEPT:
        path = folder / f"z{FORMATS[name].suffixes[0]}"
        yield name, path, lambda t, p=path: save(t.grid.beats(), p)
    library = folder / "mixxxdb.sqlite"
    yield "mixxx", library, lambda t, p=library: mixxx.update(Collection([t]), p)
    engine = folder / "m.db"
    yield "engine", engine, lambda t, p=engine: enginedb.update(Collection([t]), p)


def start(folder, target):
    """Clear the folder of what was written, and give what there is before any export."""
    restore(folder, {})
    if target.name.startswith("y."):
        shutil.copy(target.with_name(f"x{target.suffix}"), target)
    if target.suffix == ".sqlite":
        make_library(target, [OLD.location])
    if target.suffix == ".db":
        make_engine_library(target, [OLD.location])


def restore(folder, files):
    """Make the folder hold these files beside the recordings."""
    for path in folder.iterdir():
        if not path.name.startswith("x."):
            path.unlink()
    for path, data in files.items():
        path.write_bytes(data)


def content(target):
    """What a reader of the target sees."""
    if ".sqlite" not in target.name and ".db" not in target.name:
        return target.read_bytes()
    with closing(sqlite3.connect(target)) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        return "\n".join(database.iterdump()).encode()


def steps_of(fault, write, n):
    """Write in a process that dies at step `n`; how many steps it took, or None where it died."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            fault.fault_at(n)
            write()
            took = n - fault.fault_left()
            fault.fault_at(-1)
            os.write(write_end, str(took).encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    assert said or os.waitstatus_to_exitcode(status) == 9, "the writer failed"
    return int(said) if said else None


def deaths(fault, folder, target, write):
    """What is found after each death of one exporter."""
    start(folder, target)
    write(OLD)
    backup = target.with_name(f"{target.name}.bak")
    old, old_backup = content(target), backup.exists() and content(backup)
    files = {x: x.read_bytes() for x in (target, backup) if x.exists()}
    total = steps_of(fault, lambda: write(NEW), PLENTY)
    new = content(target)
    assert old != new
    stride = max(1, (total - FIRST - LAST) // BETWEEN)
    tries = sorted({*range(1, min(FIRST, total) + 1), *range(FIRST, total, stride),
                    *range(max(1, total - LAST), total + 2)})  # fmt: skip
    row = {"steps": total, "tries": len(tries), "old": 0, "new": 0, "other": [], "finished": 0}
    for n in tries:
        restore(folder, files)
        row["finished"] += steps_of(fault, lambda: write(NEW), n) is not None
        found = content(target)
        name = "old" if found == old else "new" if found == new else "other"
        row[name] = row[name] + 1 if name != "other" else [*row[name], n]
        if backup.exists() and content(backup) not in (old, old_backup):
            row["other"].append(f"backup at {n}")
    return row


def main():
    folder = Path(sys.argv[1])
    fault = ctypes.CDLL(None)
    fault.fault_at.argtypes, fault.fault_left.restype = [ctypes.c_long], ctypes.c_long
    found = {
        name: deaths(fault, folder, target, write)
        for name, target, write in exporters(folder)
        if not sys.argv[2:] or name in sys.argv[2:]
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
