"""Write the table of docs/dj.md: what each DJ format holds, and how far it moves beats.

Random tempo curves are written and read back. Run: python benchmarks/dj.py
"""

import numpy as np
import report

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj import DJ_FORMATS, DJ_STORES, Collection, Cue, DJTrack, losses

N_TRACKS = 60
HEAD = (
    "format", "`mirkit export`", "worst beat, tempi of 0.01 bpm", "any tempo", "bound", "not kept"
)  # fmt: skip


def main() -> None:
    """Measure and write."""
    rng = np.random.default_rng(0)
    curves = {lattice: [grid(rng, lattice) for _ in range(N_TRACKS)] for lattice in (True, False)}
    rows = [row(name, curves) for name in (*DJ_FORMATS, *DJ_STORES)]
    table = "\n".join([f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *rows])
    report.write_between_markers(report.ROOT / "docs" / "dj.md", "dj", table)
    print(table)


def grid(rng: np.random.Generator, lattice: bool) -> BeatGrid:
    """Return a random tempo curve, each tempo for whole bars of 4/4."""
    n = int(rng.integers(1, 7))
    bpms = rng.uniform(60, 200, n)
    bpms = np.round(bpms, 2) if lattice else bpms
    times = rng.uniform(0, 5) + np.cumsum([0, *(4 * rng.integers(2, 100, n) * 60 / bpms)])
    return BeatGrid(times[:-1], bpms, times[-1], np.ones(n, int), np.full(n, 4))


def row(name: str, curves: dict[bool, list[BeatGrid]]) -> str:
    """Return a line of the table."""
    form = DJ_FORMATS.get(name) or DJ_STORES[name]
    worst = [milliseconds(max(deviations(name, curves[lattice]))) for lattice in (True, False)]
    bound = "none" if form.bound is None else f"{1000 * form.bound:g} ms"
    bound = "half a beat" if form.bound == np.inf else bound
    (lost,) = losses(Collection([full(curves[True][0])]), name)
    return f"| {form.title} | `{name}` | {' | '.join(worst)} | {bound} | {', '.join(lost.fields)} |"


def deviations(name: str, grids: list[BeatGrid]) -> list[float]:
    """Return how far the worst beat of each grid moves [s]."""
    tracks = [DJTrack(f"/{i}.mp3", duration=x.end + 1, grid=x) for i, x in enumerate(grids)]
    return [loss.deviation or 0.0 for loss in losses(Collection(tracks), name)]


def milliseconds(seconds: float) -> str:
    """Return a time for the table."""
    return "no grid" if seconds == np.inf else f"{1000 * seconds:.4f} ms"


def full(beats: BeatGrid) -> DJTrack:
    """Return a track of which everything is known."""
    return DJTrack(
        "/a.mp3", "T", "A", "L", "G", "words", beats.end, 44100, 320000, 99, key="Am", rating=3,
        grid=beats, cues=(
            Cue(1, number=0, name="in", color=(1, 2, 3)), Cue(2, 4, number=1),
            Cue(9, kind="memory", name="x"), Cue(3, kind="load"),
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
