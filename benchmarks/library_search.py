"""How long a library of many tracks takes to answer: status, lists, searches, similar tracks.

The rows are made up: tempo, key, energy, five words of a title, and six of 200 tags for each track.
The vectors are embeddings of real recordings with noise added. Times are processor time [ms], the
median of several calls on one thread. Writes the table into docs/library.md and
benchmarks/results/library_search.json.

Run: MIRKIT_DATA=… python benchmarks/library_search.py --tracks 1000000 --vectors 100000
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import report

from mirkit.audio.sources import find_audio
from mirkit.library import Library
from mirkit.sound.index import Space, VectorIndex

QUERIES = (
    "bpm:120-126",
    "key:~8A bpm:120-126",
    "energy:>0.6",
    "tag:tag7",
    "w1 w2",
    "w1 bpm:120-126 key:~8A",
    "bpm:120-126 key:~8A tag:tag7 -tag:tag8 energy:>0.6",
    "sort:-energy tag:tag7",
    "path:/music/folder500",
    "artist:w7",
)
ROUNDS = 5
N_REAL = 60  # recordings whose embeddings are taken
NOISE = 0.35  # of the length of a vector


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--vectors", type=int, default=20_000, help="0 for none")
    parser.add_argument("--write", action="store_true", help="into the page and the results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "music.db"
        made = milliseconds(lambda: fill(path, args.tracks), 1)
        rows = {"make the rows": made, **measured(path)}
        print(table(rows), flush=True)
        found = nearest(args.vectors) if args.vectors else {}
    size = rows.pop("MiB")
    print(table(found))
    results = {"n_tracks": args.tracks, "n_vectors": args.vectors, "MiB": size, **rows, **found}
    if args.write:
        report.write_json("library_search", results)
        text = f"{args.tracks:,} tracks ({size:.0f} MiB), {args.vectors:,} vectors.\n\n"
        page = report.ROOT / "docs" / "library.md"
        report.write_between_markers(page, "search", text + table(rows | found))


def fill(path: Path, n: int) -> None:
    """Make a library of `n` tracks up."""
    rng = np.random.default_rng(0)
    with Library(path) as library, library.database.write() as db:
        tags = [(i + 1, f"tag{i}") for i in range(200)]
        db.executemany("insert into tags (id, name) values (?, ?)", tags)
        for first in range(0, n, 10_000):
            count = min(10_000, n - first)
            db.executemany(
                "insert into tracks (id, content_hash, title, artist, bpm, key, energy, status,"
                " here, duration, added) values (?, ?, ?, ?, ?, ?, ?, 'done', 1, 200, 0)",
                tracks(rng, first, count),
            )
            db.executemany(
                "insert or ignore into track_tags values (?, ?, ?)", tagged(rng, first, count)
            )
            places = [
                (f"/music/folder{i // 1000}/{i}.flac", i + 1) for i in range(first, first + count)
            ]
            db.executemany(
                "insert into files (path, size, mtime_ns, track, state, added)"
                " values (?, 1, 1, ?, 'gone', 0)",
                places,
            )
    with Library(path) as library:
        library.database.connection.execute("analyze")


def tracks(rng: Any, first: int, n: int) -> list[tuple[Any, ...]]:
    words = rng.zipf(1.3, (n, 6)) % 20_000
    bpm = np.clip(rng.normal(118, 25, n), 45, 260)
    keys, energy = rng.integers(0, 24, n), rng.random(n)
    return [
        (
            first + i + 1, f"{first + i:064x}", " ".join(f"w{w}" for w in words[i, :5]),
            f"w{words[i, 5]}", float(bpm[i]), int(keys[i]), float(energy[i]),
        )
        for i in range(n)
    ]  # fmt: skip


def tagged(rng: Any, first: int, n: int) -> list[tuple[int, int, float]]:
    tags, scores = rng.integers(0, 200, (n, 6)), rng.random((n, 6))
    return [
        (int(tags[i, j]) + 1, first + i + 1, float(scores[i, j]))
        for i in range(n)
        for j in range(6)
    ]


def measured(path: Path) -> dict[str, float]:
    """Return the time of each call, and the size of the library."""
    rows = {"open": milliseconds(lambda: Library(path).close(), ROUNDS)}
    with Library(path) as library:
        rows["status"] = milliseconds(library.status, ROUNDS)
        rows["list, a page"] = milliseconds(lambda: library.tracks(after=500_000), ROUNDS)
        for query in QUERIES:
            rows[query] = milliseconds(lambda query=query: library.search(query), ROUNDS)
        rows["MiB"] = path.stat().st_size / 2**20
    return rows


def nearest(n: int) -> dict[str, float]:
    """Return the time of a query among `n` vectors, exact and by a graph, and its recall."""
    rng = np.random.default_rng(0)
    real = embeddings()
    vectors = real[rng.integers(0, len(real), n)]
    noise = rng.standard_normal(vectors.shape).astype(np.float32)
    scale = NOISE * np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors += scale * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    index = VectorIndex(Space("real embeddings with noise"), vectors.shape[1])
    index.add([str(i) for i in range(n)], vectors)
    queries = vectors[rng.integers(0, n, 50)] + 0.1 * noise[:50]
    build = milliseconds(lambda: index.search(queries[:1], exact=False), 1)
    recalls, exact_times, graph_times = [], [], []
    for query in queries:
        exact_times.append(milliseconds(lambda q=query: index.search(q[None], exact=True), 1))
        graph_times.append(milliseconds(lambda q=query: index.search(q[None], exact=False), 1))
        exact, near = (index.search(query[None], exact=kind)[0] for kind in (True, False))
        recalls.append(len({x.key for x in exact} & {x.key for x in near}) / len(exact))
    return {
        f"similar, exact, {vectors.shape[1]} dimensions": statistics.median(exact_times),
        "similar, graph": statistics.median(graph_times),
        "similar, graph: recall of 10 (not ms)": statistics.mean(recalls),
        "build the graph": build,
    }


def embeddings() -> np.ndarray:
    """Return embeddings of real recordings, shape ``(n, n_dimensions)``."""
    import mirkit

    files = find_audio([Path(os.environ["MIRKIT_DATA"])])
    step = max(1, len(files) // N_REAL)
    found = [mirkit.embed(path, duration=5.0).values[0] for path in files[::step][:N_REAL]]
    return np.array(found)


def milliseconds(call: Callable[[], Any], rounds: int) -> float:
    """Return the median processor time of a call [ms]."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def table(rows: dict[str, float]) -> str:
    """Return the times as Markdown."""
    lines = ["| call | processor time [ms] |", "|---|---|"]
    lines += [f"| `{name}` | {value:.2f} |" for name, value in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
