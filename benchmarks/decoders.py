"""Score every beat decoder on published activations, beside the published network's detections.

    python benchmarks/decoders.py [--tracks N] [--only scores|peer] [--decoders NAME …] [--tables]

MIRKIT_DATA names the data. Writes the tables of docs/decoders.md between its markers and
benchmarks/results/decoders.json. Scores are means over tracks of mir_eval's measures, the first
5 s left out. Speed is seconds of music by second of processor time, pinned to one processor with
one thread.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import tarfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report
from numpy.typing import NDArray

from mirkit.activations import Activations, beat_activations
from mirkit.annotation import Beats
from mirkit.decoding import dbn
from mirkit.music.beat.decoder import DECODERS, DEFAULT, decoder

OWN = [name for name, entry in DECODERS.items() if not isinstance(entry, str)]
SETS = ("ballroom", "hainsworth", "smc")
RESULTS = report.ROOT / "benchmarks" / "results" / "decoders.json"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Item:
    """One track: the published activations and detections, and the annotation."""

    name: str
    activations: Activations
    duration: float
    beats: Floats
    positions: Floats | None
    published_beats: Floats
    published_bars: Floats


def read_set(root: Path, name: str, n_tracks: int | None = None) -> Iterator[Item]:
    """Yield the tracks of one set, all or about `n_tracks` spread over it."""
    texts = read_texts(root, name)
    arrays = np.load(root / f"{name}.npz")
    tracks = sorted({key.rsplit("/", 1)[0] for key in arrays.files})
    step = max(1, len(tracks) // n_tracks) if n_tracks else 1
    for track in tracks[::step]:
        annotation = texts[f"annotations/{track}.beats"]
        heads = [arrays[f"{track}/{head}"] for head in ("beats", "downbeats", "tempo")]
        yield Item(
            track,
            beat_activations(*heads, fps=100),
            len(heads[0]) / 100,
            annotation[:, 0],
            annotation[:, 1] if annotation.shape[1] > 1 else None,
            texts[f"detections/{track}.beats.txt"][:, 0],
            texts[f"detections/{track}.downbeats.txt"],
        )


def read_texts(root: Path, name: str) -> dict[str, Floats]:
    """Return the annotations and detections of a set by path."""
    prefix = f"activations_text/{name}/"
    found = {}
    with tarfile.open(root / "text.tar.xz") as archive:
        for member in archive:
            path = member.name.removeprefix(prefix)
            if member.isfile() and path != member.name and path.endswith((".beats", "beats.txt")):
                found[path] = np.loadtxt(archive.extractfile(member), ndmin=2)
    return found


def score(reference: Floats, estimate: Floats) -> tuple[float, float, float]:
    """Return F, CMLt and AMLt, the first 5 s left out."""
    import mir_eval

    reference = mir_eval.beat.trim_beats(reference)
    estimate = mir_eval.beat.trim_beats(estimate)
    if not len(reference) or not len(estimate):
        return 0.0, 0.0, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, cml, _, aml = mir_eval.beat.continuity(reference, estimate)
    return mir_eval.beat.f_measure(reference, estimate), cml, aml


@dataclass
class Row:
    """What one system scored on one set."""

    measures: list[tuple[float, float, float]]
    downbeats: list[float]
    seconds: float = 0.0

    def add(self, item: Item, beats: Floats, downbeats: Floats | None) -> None:
        """Score one track."""
        self.measures.append(score(item.beats, beats))
        if item.positions is not None and downbeats is not None:
            self.downbeats.append(score(item.beats[item.positions == 1], downbeats)[0])

    def summary(self) -> dict[str, float | None]:
        """Return the means over tracks."""
        f, cml, aml = (float(x) for x in np.mean(self.measures, axis=0))
        downbeat = float(np.mean(self.downbeats)) if self.downbeats else None
        return {"F": f, "CMLt": cml, "AMLt": aml, "downbeat F": downbeat}


def run(root: Path, n_tracks: int | None, names: list[str]) -> dict[str, Any]:
    """Score decoders on every set."""
    systems: dict[str, Callable[[Activations], Beats]] = {name: decoder(name) for name in names}
    table: dict[str, Any] = {name: {} for name in ["published", *systems]}
    spent, music = dict.fromkeys(systems, 0.0), 0.0
    for name in SETS:
        items = list(read_set(root, name, n_tracks))
        music += sum(item.duration for item in items)
        row = Row([], [])
        for item in items:
            bars = item.published_bars
            row.add(item, item.published_beats, bars[bars[:, 1] == 1, 0])
        table["published"][name] = row.summary() | {"tracks": len(items)}
        for system, decode in systems.items():
            row = Row([], [])
            for item in items:
                start = time.process_time()
                beats = decode(item.activations)
                spent[system] += time.process_time() - start
                row.add(item, beats.times, None if beats.positions is None else beats.downbeats)
            table[system][name] = row.summary() | {"tracks": len(items)}
    for system in table:
        table[system]["mean"] = mean_over_sets(table[system])
        if system in spent:
            table[system]["times real time"] = music / spent[system]
    return table


def mean_over_sets(sets: dict[str, Any]) -> dict[str, float]:
    """Return the means of F, CMLt and AMLt over the sets."""
    return {
        key: float(np.mean([sets[name][key] for name in SETS])) for key in ("F", "CMLt", "AMLt")
    }


def compare_with_peer(root: Path, n_tracks: int | None, _: list[str]) -> dict[str, Any]:
    """Decode some 200 tracks with madmom and mirkit by equal settings: how alike, how fast."""
    from mirkit.peers import madmom_shim

    peers = madmom_shim.load("madmom.features.beats"), madmom_shim.load("madmom.features.downbeats")
    beat_peer = peers[0].DBNBeatTrackingProcessor(fps=100)
    bar_peer = peers[1].DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)
    beat_model, bar_model = dbn.BarModel(100, (1,), n_tempi=None), dbn.BarModel(100)
    alike = {"beats": [], "bars": []}
    spent = np.zeros(4)
    music = 0.0
    for name in SETS:
        for item in read_set(root, name, n_tracks or 67):
            beat, bars = network_input(item.activations)
            clocks = [time.process_time()]
            theirs = beat_peer(beat)
            clocks.append(time.process_time())
            ours = dbn.pick(dbn.decode(beat, None, beat_model), beat)[0] / 100
            clocks.append(time.process_time())
            alike["beats"].append(same(theirs, ours))
            clocks.append(time.process_time())
            theirs = bar_peer(bars)
            clocks.append(time.process_time())
            frames, numbers = joint(bars, bar_model)
            clocks.append(time.process_time())
            both = same(theirs[:, 0], frames / 100) and np.array_equal(theirs[:, 1], numbers)
            alike["bars"].append(bool(both))
            spent += np.diff(clocks)[[0, 1, 3, 4]]
            music += item.duration
    speeds = music / spent
    return {
        "tracks": len(alike["beats"]),
        "beats alike": float(np.mean(alike["beats"])),
        "bars alike": float(np.mean(alike["bars"])),
        "madmom beats": speeds[0],
        "mirkit beats": speeds[1],
        "madmom bars": speeds[2],
        "mirkit bars": speeds[3],
    }


def network_input(activations: Activations) -> tuple[Floats, Floats]:
    """Return (beat) and (beat but no downbeat, downbeat), inside (0, 1) as both sides need."""
    beat = np.clip(activations["beat"].values[:, 0].astype(np.float64), 1e-4, 1 - 1e-4)
    down = np.clip(activations["downbeat"].values[:, 0].astype(np.float64), 1e-4, 1 - 3e-4)
    return beat, np.stack([np.clip(beat - down, 1e-4, 1 - 1e-4 - down), down], axis=1)


def joint(bars: Floats, model: dbn.BarModel, threshold: float = 0.05) -> tuple[Any, Any]:
    """Decode beats and downbeats as madmom does, silence at the ends left out."""
    loud = np.flatnonzero(bars.max(axis=1) >= threshold)
    if not len(loud):
        return np.empty(0), np.empty(0)
    kept = bars[loud[0] : loud[-1] + 1]
    path = dbn.decode(kept[:, 0], kept[:, 1], model)
    frames, numbers = dbn.pick(path, kept.max(axis=1))
    return frames + loud[0], numbers


def same(a: Floats, b: Floats) -> bool:
    """Return whether both hold the same beats within 10 ms."""
    return len(a) == len(b) and bool(np.all(np.abs(a - b) <= 0.0101))


def as_markdown(table: dict[str, Any]) -> str:
    """Return the table of scores."""
    lines = [
        "| decoder | "
        + " | ".join(f"{name} F / CMLt / AMLt / downbeat F" for name in SETS)
        + " | mean F / CMLt / AMLt | × real time |",
        "|---" * (len(SETS) + 3) + "|",
    ]
    for system, row in table.items():
        cells = [numbers(row[name]) for name in SETS] + [numbers(row["mean"])]
        speed = row.get("times real time")
        title = f"**{system}** (default)" if system == DEFAULT else system
        cells.append(f"{speed:.0f}" if speed else "–")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def numbers(row: dict[str, Any]) -> str:
    """Return one cell of the table."""
    values = [row[key] for key in ("F", "CMLt", "AMLt", "downbeat F") if key in row]
    return " / ".join("–" if value is None else f"{value:.3f}".lstrip("0") for value in values)


def peer_as_markdown(peer: dict[str, Any]) -> str:
    """Return the table of the comparison with madmom."""
    return "\n".join(
        [
            "| network | same within 10 ms | madmom × real time | mirkit × real time | ratio |",
            "|---|---|---|---|---|",
            *(
                f"| {kind} | {peer[f'{kind} alike']:.1%} of {peer['tracks']} | "
                f"{peer[f'madmom {kind}']:.0f} | {peer[f'mirkit {kind}']:.0f} | "
                f"{peer[f'mirkit {kind}'] / peer[f'madmom {kind}']:.1f} |"
                for kind in ("beats", "bars")
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, help="about so many tracks of each set, not all")
    parser.add_argument("--only", choices=list(PARTS), help="one part; both where not given")
    parser.add_argument("--decoders", nargs="+", default=OWN, help="only these")
    parser.add_argument("--tables", action="store_true", help="write them from what is measured")
    options = parser.parse_args()
    if options.tables:
        known = json.loads(RESULTS.read_text())
        for part, (_, in_words) in PARTS.items():
            write_tables(part, in_words(known[part]))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    root = Path(os.environ["MIRKIT_DATA"]) / "activations"
    for part in [options.only] if options.only else PARTS:
        measure, in_words = PARTS[part]
        found = measure(root, options.tracks, options.decoders)
        print(in_words(found), flush=True)
        if not options.tracks:
            write_tables(part, in_words(keep(part, found)))


def write_tables(part: str, text: str) -> None:
    """Put a table into docs/decoders.md, and the scores into the README too."""
    report.write_between_markers(report.ROOT / "docs" / "decoders.md", part, text)
    if part == "scores":
        report.write_between_markers(report.ROOT / "README.md", "decoders", text)


def keep(part: str, found: dict[str, Any]) -> dict[str, Any]:
    """Write what was measured to the results file, keep the rest of it, and return the part."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[part] = known.get(part, {}) | found
    report.write_json("decoders", known)
    return known[part]


PARTS = {"scores": (run, as_markdown), "peer": (compare_with_peer, peer_as_markdown)}


if __name__ == "__main__":
    main()
