"""How steady grids are where one tempo holds: 5 songs, 26 loops of 60 s and 12 excerpts of 30 s.

What a DJ sees and the usual measures do not: whether the fitted tempo is the one stated (or an
octave of it) within .1 %, whether 98 % of the beats lie within 20 ms of one grid and on the beat,
whether rekordbox gets one TEMPO node, and whether bars are counted on without a slip. The grid of
every system is fitted by `mirkit.decoding.gridfit`, as the peers fit none. Writes tables into
docs/beats.md and benchmarks/results/grid_stability.json. MIRKIT_DATA names the data.

Run: python benchmarks/grid_stability.py [--systems NAME …] [--keep DIR] [--tables]
essentia is no dependency: install it in an environment of its own, and name it in --systems there.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report
from numpy.typing import NDArray

import mirkit
from mirkit.activations import Activations
from mirkit.annotation import Beats
from mirkit.audio import Audio, reading
from mirkit.decoding.gridfit import fit_grid
from mirkit.formats.dj import Collection, DJTrack, dj_format

RESULTS = report.ROOT / "benchmarks" / "results" / "grid_stability.json"
PATH = "beat-tcn, path alone"  # without the grid of one tempo beside it
SYSTEMS = ("beat-tcn", PATH, "madmom", "librosa")
BOARDS = ("songs", "loops", "excerpts")
LOOP_SECONDS = 60.0
ODD = ("5/8", "7/8", "15/16", "19/16")
KICK_BAND = (40.0, 110.0)  # [Hz]
OCTAVES = (0.25, 0.5, 1.0, 2.0, 4.0)
TEMPO = 1e-3  # of the stated tempo
NEAR = 0.020  # [s] from the grid
SHARE = 0.98  # of the beats
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Item:
    """A recording of one tempo; `phase` is the time of a beat [s], or None."""

    board: str
    name: str
    audio: Audio
    bpm: float
    phase: float | None = None


@dataclass(frozen=True)
class Steadiness:
    """What a grid of one recording is worth: see the head of this file."""

    board: str
    bpm: float
    share: float
    is_on_beat: bool | None
    nodes: int
    bar_phases: int | None
    has_tempo: bool
    quality: float

    @property
    def is_steady(self) -> bool:
        """Whether a DJ can mix on it."""
        one = self.nodes == 1 and self.bar_phases in (None, 1)
        return self.has_tempo and self.share >= SHARE and self.is_on_beat is not False and one


def items(data: Path) -> Iterator[Item]:
    """Yield the recordings."""
    for row in rows(data / "tempo" / "tempo.csv"):
        audio = reading.read(data / "tempo" / row["path"], mono=True)
        bpm = float(row["bpm"])
        phase = kick_phase(audio, bpm) if row["title"] == "Not About You" else None
        yield Item("songs", row["title"], audio, bpm, phase)
    for row in rows(data / "music" / "all.csv"):
        audio = data / "music" / row["file"]
        if row["file"].startswith("stargate-loops/") and is_plain_loop(row):
            whole = looped(reading.read(audio, mono=True), float(row["bpm"]))
            yield Item("loops", row["title"], whole, float(row["bpm"]), 0.0)
        elif row["file"].startswith("everything-is-free/"):
            one = reading.read(audio, mono=True)
            yield Item("excerpts", audio.stem, one, float(row["bpm"]))


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open() as file:
        return list(csv.DictReader(file))


def is_plain_loop(row: dict[str, str]) -> bool:
    """Whether a loop has a beat, in a meter of quarters."""
    has_beat = not row["title"].startswith(("Ambience", "FX"))
    return has_beat and not any(f"metre {meter}" in row["tags"] for meter in ODD)


def looped(audio: Audio, bpm: float) -> Audio:
    """Return a loop of whole beats again and again, each turn where the tempo has it."""
    rate, samples = audio.sample_rate, audio.samples[0]
    turn = round(len(samples) / rate * bpm / 60) * 60 / bpm * rate  # [samples]
    out = np.zeros(round(LOOP_SECONDS * rate), np.float32)
    for start in np.rint(np.arange(0, len(out), turn)).astype(int):
        part = samples[: min(len(out) - start, int(turn))]
        out[start : start + len(part)] = part
    return Audio(out[None], rate)


def kick_phase(audio: Audio, bpm: float) -> float:
    """Return the time of the beats that kicks fall on [s], modulo a beat.

    The power of the band of kicks rises there: its rises, folded at the beat, are highest.
    """
    from scipy import signal

    rate = audio.sample_rate
    band = signal.sosfilt(
        signal.butter(4, KICK_BAND, "bandpass", fs=rate, output="sos"), audio.samples[0]
    )
    hop = rate // 200
    power = np.sqrt(np.add.reduceat(band**2, np.arange(0, len(band) - hop, hop)) / hop)
    rises = np.maximum(np.diff(np.log1p(1000 * power)), 0)
    turns = np.exp(2j * np.pi * np.arange(1, len(rises) + 1) * hop / rate * bpm / 60)
    n_bins = 40
    bins = (np.angle(turns) / (2 * np.pi) % 1 * n_bins).astype(int)
    folded = np.bincount(bins, rises, n_bins)
    folded = folded + np.roll(folded, 1) + np.roll(folded, -1)
    return (int(folded.argmax()) + 0.5) / n_bins * 60 / bpm


def judge(item: Item, beats: Beats) -> Steadiness:
    """Return what the beats of a recording are worth as a grid."""
    if len(beats) < 4:
        return Steadiness(item.board, 0.0, 0.0, None, 0, None, False, 0.0)
    fit = fit_grid(beats, end=item.audio.duration)
    ratio = float(np.min(np.abs(fit.grid.bpm / (item.bpm * np.array(OCTAVES)) - 1)))
    period, phase, share = one_grid(beats.times, item.bpm)
    return Steadiness(
        item.board,
        fit.grid.bpm,
        share,
        None if item.phase is None else is_on(phase - item.phase, period, 60 / item.bpm),
        tempo_nodes(fit.grid),
        bar_phases(beats, period, phase),
        bool(ratio <= TEMPO),
        fit.quality,
    )


def one_grid(times: Floats, bpm: float) -> tuple[float, float, float]:
    """Return period and phase [s] of the grid of the stated tempo that most beats lie near.

    The tempo may be an octave of it, and off by `TEMPO`; the share of beats counts missing ones.
    """
    usual = float(np.median(np.diff(times)))
    octave = min(OCTAVES, key=lambda x: abs(np.log(60 / bpm / x / usual)))
    found = [(*best_phase(times, p), p) for p in 60 / bpm / octave * tempi()]
    share, phase, period = max(found)
    return period, phase, share


def tempi() -> Floats:
    """Return the ratios of tempi that are tried; the one that was stated comes among them."""
    return np.linspace(1 - TEMPO, 1 + TEMPO, 81)


def best_phase(times: Floats, period: float) -> tuple[float, float]:
    """Return the share of beats that lie near a grid of this period, and its best phase [s]."""
    places = np.sort(times % period)
    around = np.concatenate([places, places + period])
    within = np.searchsorted(around, places + 2 * NEAR, side="right") - np.arange(len(places))
    first = int(within.argmax())
    n_grid = max(len(times), round((times[-1] - times[0]) / period) + 1)
    inside = around[first : first + within[first]]
    return float(within[first]) / n_grid, float(np.median(inside) % period)


def is_on(offset: float, period: float, beat: float) -> bool:
    """Whether a grid of a period has its beats on those of the true one, and not between."""
    finer = min(period, beat)
    return bool(abs((offset + finer / 2) % finer - finer / 2) < finer / 4)


def tempo_nodes(grid: Any) -> int:
    """Return how many TEMPO nodes rekordbox gets."""
    track = DJTrack("/a.mp3", duration=grid.end, grid=grid)
    return dj_format("rekordbox").dumps(Collection([track])).count(b"<TEMPO ")


def bar_phases(beats: Beats, period: float, phase: float) -> int | None:
    """Return how often bars begin to be counted anew, the first time included; None without any."""
    if beats.positions is None or beats.meter is None:
        return None
    index = np.rint((beats.times - phase) / period).astype(int)
    places = (index - beats.positions) % beats.meter
    return 1 + int(np.count_nonzero(np.diff(places)))


def tracker(name: str, keep: Path | None, decoder: str | None) -> Callable[[Audio], Beats]:
    """Return a system; what its network says of each recording is kept for the next time."""
    if name == "essentia":
        return essentia_beats
    model, options = ("beat-tcn", {"coverage": 1.1}) if name == PATH else (name, {})
    system = mirkit.load(model, decoder=decoder, **options)

    def track(audio: Audio) -> Beats:
        path = None if keep is None else keep / f"{model}-{digest(audio)}.pickle"
        if path is None or not path.exists():
            activations = system.activations(audio)
            if path is None:
                return system(activations)
            parts = dict(activations), activations.provenance, activations.duration
            path.write_bytes(pickle.dumps(parts))
        return system(Activations(*pickle.loads(path.read_bytes())))

    return track


def digest(audio: Audio) -> str:
    """Return a short hash of the samples."""
    return hashlib.sha256(audio.samples.tobytes()).hexdigest()[:16]


def essentia_beats(audio: Audio) -> Beats:
    """Return the beats of essentia's RhythmExtractor2013."""
    import essentia.standard

    samples = reading.read(audio, 44100, mono=True).samples[0]
    extract = essentia.standard.RhythmExtractor2013(method="multifeature")
    return Beats(np.asarray(extract(samples)[1], np.float64))


def as_tables(results: dict[str, dict[str, Any]]) -> str:
    """Return the summary of each system, and each recording that mirkit's default fails."""
    found = {
        system: {name: Steadiness(**row) for name, row in each.items()}
        for system, each in results.items()
    }
    header = (
        "system", "steady", *BOARDS, "tempo", "≥ 98 % on one grid", "< 80 %", "beats on one grid",
        "on the beat", "one TEMPO node", "one bar phase",
    )  # fmt: skip
    summary = report.table(header, [summary_row(name, each) for name, each in found.items()])
    own = found[SYSTEMS[0]]
    failed = [failure_row(name, x) for name, x in own.items() if not x.is_steady]
    columns = ("recording", "bpm", "on one grid", "on the beat", "TEMPO nodes", "bar phases")
    return f"{summary}\n\nWhere `{SYSTEMS[0]}` is not steady:\n\n{report.table(columns, failed)}"


def summary_row(name: str, each: dict[str, Steadiness]) -> tuple[object, ...]:
    """Return the row of a system."""
    all_ = list(each.values())
    shares = np.array([x.share for x in all_])
    on = [x.is_on_beat for x in all_ if x.is_on_beat is not None]
    bars = [x.bar_phases == 1 for x in all_ if x.bar_phases is not None]
    return (
        name,
        out_of(x.is_steady for x in all_),
        *(out_of(x.is_steady for x in all_ if x.board == board) for board in BOARDS),
        out_of(x.has_tempo for x in all_),
        out_of(shares >= SHARE),
        out_of(shares < 0.8),
        f"{shares.mean():.1%}",
        out_of(on),
        out_of(x.nodes == 1 for x in all_),
        out_of(bars) if bars else "–",
    )


def failure_row(name: str, x: Steadiness) -> tuple[object, ...]:
    """Return the row of a recording."""
    on = {None: "–", True: "yes", False: "no"}[x.is_on_beat]
    return name, f"{x.bpm:.2f}", f"{x.share:.0%}", on, x.nodes, x.bar_phases or "–"


def out_of(values: Any) -> str:
    """Return how many are true, of how many."""
    held = [bool(x) for x in values]
    return f"{sum(held)}/{len(held)}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS))
    parser.add_argument("--decoder", help="another than that of the model; nothing is written")
    parser.add_argument("--keep", type=Path, help="keep activations there, for other decoders")
    parser.add_argument("--tables", action="store_true", help="write them from what is measured")
    args = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not args.tables:
        if args.keep:
            args.keep.mkdir(parents=True, exist_ok=True)
        recordings = list(items(Path(os.environ["MIRKIT_DATA"])))
        for system in args.systems:
            track = tracker(system, args.keep, args.decoder)
            results[system] = {x.name: asdict(judge(x, track(x.audio))) for x in recordings}
    tables = as_tables(results)
    print(tables)
    if not args.decoder:
        report.write_json(RESULTS.stem, results)
        report.write_between_markers(report.ROOT / "docs" / "beats.md", "grid", tables)


if __name__ == "__main__":
    main()
