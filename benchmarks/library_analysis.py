"""How fast a library is analyzed, how even the memory stays, and what disturbances cost.

Makes short tracks (clicks, chords and noise of changing tempo and key) and broken files of eight
kinds, and analyzes them: once undisturbed with each number of processes, once killed at random
moments, with a full disk and a cut WAL in between, which must end with the same table. Writes
benchmarks/results/library_analysis.json and the table into docs/scale.md.

Run: python benchmarks/library_analysis.py --tracks 2000 --seconds 60 --broken 5
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import report
import soundfile

from mirkit.library import LIBRARY_TASKS, Library, LibraryError
from mirkit.library.makers import makers
from mirkit.library.worker import Job, work

RATE = 22050
N_KILLS = 3
N_TIMED = 10  # tracks that speed is measured on
SETS = {
    "loudness": ("loudness",),
    "beats": ("beats",),
    "beats, key, loudness": ("beats", "key", "loudness"),
    "all of them": None,
}
"""Sets of tasks whose speed is measured."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--broken", type=int, default=1, help="files of each kind")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--write", action="store_true", help="into the page and the results")
    parser.add_argument("--worker", nargs=2, metavar=("LIBRARY", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        analyze(Path(args.worker[0]), Path(args.worker[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), args)
    print("\n".join(f"{name}: {value}" for name, value in results.items()))
    if args.write:
        report.write_json("library_analysis", results)
        page = report.ROOT / "docs" / "scale.md"
        report.write_between_markers(page, "analysis", text_of(results))


def measure(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Return all measures."""
    music = folder / "music"
    music.mkdir()
    for i in range(args.tracks):
        write_track(music / f"{i:05d}.flac", args.seconds, i)
    broken = write_broken(music, args.broken)
    results: dict[str, Any] = {
        "tracks": args.tracks,
        "seconds": args.seconds,
        "broken": len(broken),
    }
    results |= rates(folder, music)
    plain = undisturbed(folder, music, broken, args.jobs, results)
    results["identical after kills, a full disk and a cut WAL"] = disturbed(folder, music) == plain
    return results


def write_track(path: Path, seconds: float, seed: int) -> None:
    """Write a track of clicks over a chord, with a tempo and a key of its own."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    bpm, root = rng.uniform(80, 160), 110 * 2 ** (rng.integers(12) / 12)
    chord = sum(np.sin(2 * np.pi * root * ratio * t) for ratio in (1, 5 / 4, 3 / 2))
    clicks = np.exp(-60 * (t % (60 / bpm))) * rng.standard_normal(t.size)
    soundfile.write(path, 0.1 * chord + 0.3 * clicks, RATE)


def write_broken(folder: Path, n: int) -> list[Path]:
    """Write broken files of eight kinds."""
    whole = (folder / "00000.flac").read_bytes()
    kinds = {
        "empty.wav": b"",
        "text.mp3": b"this is no music " * 9,
        "zeros.ogg": bytes(4096),
        "cut.flac": whole[: len(whole) // 3],
        "head.flac": whole[:40],
        "page.m4a": b"<html><body>404 not found</body></html>",
        "riff.wav": b"RIFF\xff\xff\xff\xffWAVEfmt ",
        "noise.opus": np.random.default_rng(0).bytes(5000),
    }
    paths = []
    for i in range(n):
        for name, content in kinds.items():
            path = folder / f"broken{i}.{name}"
            path.write_bytes(content + (f"{i}".encode() if content else b""))
            paths.append(path)
    return paths


def rates(folder: Path, music: Path) -> dict[str, float]:
    """Return tracks per hour on one core for each set of tasks, by processor time."""
    found = {}
    paths = [str(path) for path in sorted(music.glob("[0-9]*.flac"))[:N_TIMED]]
    for name, tasks in SETS.items():
        wanted = tuple(makers(tasks).values())
        work(Job(0, paths[0], wanted))  # loads the models
        bare = processor_time(lambda wanted=wanted: [work(Job(0, x, wanted)) for x in paths])
        with Library(folder / f"rate {name}.db") as library:
            spent = processor_time(
                lambda tasks=tasks, library=library: library.add(*paths) and library.analyze(tasks)
            )
        found[f"tracks per hour and core: {name}"] = round(3600 * len(paths) / spent)
        found[f"overhead over bare analysis [%]: {name}"] = round(100 * (spent / bare - 1), 1)
    return found


def processor_time(call: Callable[[], Any]) -> float:
    """Return the processor time that a call takes [s]."""
    start = time.process_time()
    call()
    return time.process_time() - start


def undisturbed(
    folder: Path, music: Path, broken: list[Path], jobs: list[int], results: dict[str, Any]
) -> Any:
    """Analyze with each number of processes; return the table that all have."""
    tables = []
    for n_jobs in jobs:
        memory: list[int] = []
        with Library(folder / f"{n_jobs}.db") as library:
            library.add(music)
            done = library.analyze(
                ("beats", "key", "loudness"), n_jobs=n_jobs,
                progress=lambda _, memory=memory: memory.append(resident()),
            )  # fmt: skip
            results[f"tracks per hour, {n_jobs} processes (wall)"] = round(
                3600 * (done.n_done + done.n_failed) / done.seconds
            )
            half = memory[len(memory) // 2 :]
            results[f"growth of memory, second half, {n_jobs} processes [MiB]"] = round(
                (max(half[len(half) // 2 :]) - max(half[: len(half) // 2 + 1])) / 2**20, 1
            )
            named = {row.path for row in library.failures()}
            results["broken files named"] = sum(str(path) in named for path in broken)
            start = time.process_time()
            library.add()
            results["second scan [s of processor]"] = round(time.process_time() - start, 3)
            tables.append(table(library))
    results["identical with any number of processes"] = all(x == tables[0] for x in tables)
    return tables[0]


def resident() -> int:
    """Return the resident memory of this process and its children [bytes]."""
    me = os.getpid()
    out = subprocess.run(
        ["ps", "-o", "rss=", "--pid", str(me), "--ppid", str(me)], capture_output=True, text=True
    )
    return 1024 * sum(map(int, out.stdout.split()))


def analyze(path: Path, music: Path) -> None:
    with Library(path) as library:
        library.add(music)
        library.analyze(("beats", "key", "loudness"))


def disturbed(folder: Path, music: Path) -> Any:
    """Return the table after kills at random moments, a full disk and a cut WAL."""
    path, rng = folder / "disturbed.db", random.Random(0)
    for _ in range(N_KILLS):
        process = subprocess.Popen([sys.executable, __file__, "--worker", str(path), str(music)])
        time.sleep(rng.uniform(5, 15))
        process.kill()
        process.wait()
        wal = Path(f"{path}-wal")
        if wal.exists():
            os.truncate(wal, wal.stat().st_size * 2 // 3)
    with Library(path) as library:
        library.add(music)
        pages = library.database.value("pragma page_count")
        library.database.value(f"pragma max_page_count = {pages + 2}")
        try:
            library.analyze(("beats", "key", "loudness"))
        except LibraryError as error:
            print(f"as it should be: {error}")
    analyze(path, music)
    with Library(path) as library:
        assert library.problems() == []
        return table(library)


def table(library: Library) -> Any:
    """Return what is known, by content."""
    found = {
        row.content_hash: (
            row.path, row.bpm, row.key, row.energy, row.status, row.audio_hash,
            [library.get(row.id, task) for task in LIBRARY_TASKS],
        )
        for row in library.tracks(limit=None)
    }  # fmt: skip
    return found, sorted((row.path, row.task or "", row.message) for row in library.failures())


def text_of(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    return report.table(("measure", "value"), list(results.items()))


if __name__ == "__main__":
    main()
