"""`mirkit live` on real songs, beside the offline beats of the whole song.

The first part of each song is played in the time of the music, and the beats that were sent are
compared with those that `mirkit.beats` finds in the same part, from 10 s on. Tempi may be of
another level, half or double; the table says so. Writes docs/live-host.md between its markers and
benchmarks/results/live_songs.json. MIRKIT_DATA names the data.

Run: python benchmarks/live_songs.py [--seconds N]
"""

import argparse
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import report

SONGS = (
    "tempo/chiron_beta_prime.mp3", "tempo/code_monkey.ogg", "tempo/mr_fancy_pants.mp3",
    "tempo/not_about_you.mp3", "tempo/that_spells_dna.mp3", "songs/lets_go_fishin.ogg",
    "songs/vibe_ace.ogg", "songs/sugar_plum_fairy.ogg", "songs/hungarian_dance_5.ogg",
    "expressive/easy_example.flac",
)  # fmt: skip
SETTLED = 10.0  # [s]
NEAR = 0.025  # [s]


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=45.0)
    args = parser.parse_args()
    data = Path(os.environ["MIRKIT_DATA"])
    rows = [{"song": Path(name).stem, **measure(data / name, args.seconds)} for name in SONGS]
    table = report.table(
        ("song", "bpm live", "bpm offline", "F", "within 25 ms", "median [ms]", "of a core"),
        [
            (
                row["song"].replace("_", " "), *(f"{row[x]:.1f}" for x in ("live", "offline")),
                f"{row['f']:.2f}", f"{row['near']:.0%}", f"{1e3 * row['median']:.1f}",
                f"{row['cpu']:.0%}",
            )
            for row in rows
        ],
    )  # fmt: skip
    machine = report.machine()
    mean, n = sum(row["f"] for row in rows) / len(rows), sum(row["f"] > 0.9 for row in rows)
    table += (
        f"\n\nMean F {mean:.2f}; above 0.9 on {n} of {len(rows)} songs. The first "
        f"{args.seconds:.0f} s of each, {machine['processor']}, one core, load "
        f"{machine['load'][0]}."
    )
    print(table)
    report.write_between_markers(report.ROOT / "docs" / "live-host.md", "live-songs", table)
    report.write_json("live_songs", {"machine": machine, "rows": rows})


def measure(path: Path, seconds: float) -> dict[str, Any]:
    """Return how live beats agree with offline ones."""
    import mir_eval
    import numpy as np

    import mirkit
    from mirkit.audio.reading import read

    audio = read(path, mono=True, duration=seconds)
    offline = mirkit.beats(audio)
    start = time.process_time()
    sent, bpm = played(audio)
    cpu = (time.process_time() - start) / seconds
    sent = sent[(sent > SETTLED) & (sent < seconds)]
    true = offline.times[offline.times > SETTLED]
    off = sent - true[np.abs(sent[:, None] - true).argmin(axis=1)]
    near = np.abs(off) <= NEAR
    return {
        "live": bpm,
        "offline": offline.bpm,
        "n_beats": len(sent),
        "f": float(mir_eval.beat.f_measure(true, sent)),
        "near": float(near.mean()),
        "median": float(np.median(off)),
        "cpu": cpu,
    }


def played(audio: Any) -> tuple[Any, float]:
    """Return when beats were sent [s], and the median of the tempi after they settled."""
    import numpy as np

    import mirkit
    from mirkit.audio.reading import blocks
    from mirkit.hosts.live.outputs import JsonLines
    from mirkit.hosts.live.performer import perform
    from mirkit.hosts.live.sources import Block

    system, out, at, sound = mirkit.load("beat-tcn-live"), io.StringIO(), 0, []
    with blocks(audio, sample_rate=system.sample_rate, block_seconds=0.02) as stream:
        for block in stream:
            at += block.shape[1]
            sound.append(Block(block[0], at / system.sample_rate))
    perform(sound, [JsonLines(out)], system=system, fast=True)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    beats = [line for line in lines if line["type"] == "beat"]
    late = [line["bpm"] for line in beats if line["sent"] > SETTLED]
    return np.array([line["sent"] for line in beats]), float(np.median(late))


if __name__ == "__main__":
    main()
