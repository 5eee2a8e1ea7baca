"""Write docs/dj.md: what each DJ format holds, and how far it moves beats, by writing and reading.

Run: python benchmarks/dj.py
"""

from pathlib import Path

import numpy as np

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj import DJ_FORMATS, DJ_STORES, Collection, Cue, DJTrack, losses

DOCS = Path(__file__).parents[1] / "docs" / "dj.md"
N_TRACKS = 60

HEAD = """# DJ software

`mirkit export FORMAT PATH… -o OUT` analyzes recordings (or takes the annotations of `--annotations
DIR`), fits a grid and writes it. A program's file that is there is merged into: what it says of
these tracks changes, all else stays, and a copy of it as it was lies beside it as `.bak`. Close the
program first: it writes what it knows when it ends. `mirkit import FORMAT FILE -o DIR` reads grids,
keys and cues back as JAMS (or `.beats`, `.csv`, `.json`, `.mid`).

## The grid

`fit_grid` makes the fewest segments of constant tempo in which no beat lies farther from its place
than a tolerance (10 ms), with tempi of whole hundredths of a bpm. A tempo near a whole one becomes
it where the beats do not speak against it. `quality`, in [0, 1], is to sort by what to check by
hand. `double`, `halve` and `shift(0.5)` or `shift(1)` are the corrections that DJs make.

## What each format holds

Measured by `benchmarks/dj.py`: {n} random tempo curves of 1 to 6 tempi are written and read back.
"Worst beat" is the distance of the beat that suffers most from its place in the grid.

| format | `mirkit export` | worst beat, tempi of 0.01 bpm | any tempo | bound | not kept |
|---|---|---|---|---|---|
{rows}

What the rows mean:

- **rekordbox**: File › Preferences › Advanced › Database names the XML; import from its tree. Times
  have three decimals. A tempo of more than two decimals gets as many TEMPO elements as it needs.
- **Traktor**: bars are of four beats and the first marker is a downbeat. Versions up to 3 hold one
  marker: of a track whose tempo changes they cannot hold the grid, and the report says by how much.
- **VirtualDJ**: holds seconds a beat, with six decimals, from which we read whole hundredths of a
  bpm back; a program that does not may see beats up to 0.5 ms off. Written from public
  descriptions of the format; no reader but ours has been tried.
- **M3U8**: a playlist has no grid.
- **Tags** (`mirkit export tags`): tempo and key alone. Two decimals; whole in MP4.

- **Serato** (`mirkit export serato PATH…`, no `-o`): grid, cues, loops, lock and tempo go into the
  tags of MP3, AIFF, FLAC and MP4 files; all other tags stay byte for byte. Cues and loops have
  eight buttons each, bars are of four beats.
- **Mixxx** (`-o` names `mixxxdb.sqlite` or its folder): tracks that Mixxx has scanned, found by
  path, get beats, key and cues, in one transaction, and never while Mixxx has the library open.
  Bars have no place there, nor have cues without a button.
- **Engine DJ**: `mirkit.formats.dj.engine` writes and reads the `beatData` block alone, from public
  descriptions of it; its database is not written.

A grid that the DJ has locked in Serato or Mixxx is left alone, and the report says so; `--force`
changes it, `--lock` locks what is written. `mirkit import` reads both.

## Clocks of MP3 files

The frames of an MP3 begin with the delay of its encoder, and often with a frame that holds a tag
and no sound. Programs begin to count at different samples; `mirkit.formats.dj.clocks` goes by the
frames of each file:

| | with a LAME tag, 44.1 kHz | without a tag |
|---|---|---|
| here | 0 | 0 (the delay is not known, and stays) |
| Mixxx 2.3 | +25.1 ms | −26.1 ms: it leaves out the first frame |
| Serato, as Mixxx reads it | +51.2 ms | 0 |

The row of Mixxx is measured: its own search for the first sound, beside where the sound is. That of
Serato follows from Mixxx, which takes 26 ms (at 44.1 kHz) from Serato's times in every MP3.

## Mixxx is the judge

`tests/hosts/test_mixxx_judges.py` runs Mixxx 2.3.3. It scans recordings with our Serato tags: one
tempo, three tempi and a drift from 100 to 140 bpm, in MP3 with and without a tag, FLAC and M4A.
Each beat, cue and loop lies where it should within 1 ms, the lock is kept, and the log has no
warning (of a damaged tag it has). Then tracks that we wrote into its library are played, and Mixxx
quits: the blobs of beats and keys are the same bytes, and it has not analyzed them anew.

## Editors and sequencers

| `mirkit export` | file | beats are kept to |
|---|---|---|
| `audacity` | labels, File › Import › Labels | 0.5 µs |
| `svl` | layer of Sonic Visualiser | 12 µs |
| `svcsv` | table of Sonic Visualiser | 0.5 ns |
| `reaper` | project with tempo map and markers | exactly |
| `midi` | tempo map with a click on each beat | 10 µs |
| `jams`, `json`, `csv` | annotations | exactly |

## Keys

`mirkit.formats.dj.keys` spells and reads them: `standard` (A minor), `tag` (Am), `sharp`, `flat`,
`camelot` (8A), `open` (1m), and the numbers of Traktor (21) and Mixxx (22).
"""


def main() -> None:
    """Measure and write."""
    rng = np.random.default_rng(0)
    curves = {lattice: [grid(rng, lattice) for _ in range(N_TRACKS)] for lattice in (True, False)}
    rows = [row(name, curves) for name in (*DJ_FORMATS, *DJ_STORES)]
    DOCS.write_text(HEAD.format(n=N_TRACKS, rows="\n".join(rows)))
    print(*rows, sep="\n")


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
    bound = "none" if form.bound is None or form.bound == np.inf else f"{1000 * form.bound:g} ms"
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
