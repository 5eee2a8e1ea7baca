"""The held-out renders: 330 clips whose songs, charts, grooves and soundfonts no training heard.

Their plan, data/manifests/test.jsonl, was fixed before training. madmom is slow, so it is compared
on every third clip, all systems on the same ones. Writes tables into docs/trackers.md and
benchmarks/results/held_out.json.

Run: mirkit render data/manifests/test.jsonl -o DIR; python benchmarks/held_out.py --audio DIR
"""

import argparse
from pathlib import Path

import report

import mirkit
from mirkit.evaluation.report import Report

MANIFEST = report.ROOT / "data" / "manifests" / "test.jsonl"
N_PEER_CLIPS = 110


def main() -> None:
    """Score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="go on from these scores")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    shared = {"audio": args.audio, "keep": args.keep, "n_jobs": args.jobs}
    own = ("beat-tcn", "tempogram", "librosa")
    everything = mirkit.evaluate("beats", MANIFEST, systems=own, **shared)
    peers = mirkit.evaluate(
        "beats",
        MANIFEST,
        systems=("beat-tcn", "madmom", "librosa"),
        clips=N_PEER_CLIPS,
        against="madmom",
        **shared,
    )
    text = "\n\n".join(f"```\n{table(found)}\n```" for found in (everything, peers))
    print(text)
    report.write_between_markers(report.ROOT / "docs" / "trackers.md", "held out", text)
    means = {"all": everything.means, "every third": peers.means}
    report.write_json("held_out", {"machine": report.machine(), "means": means})


def table(found: Report) -> str:
    """Return the report's text without its first line, which names a path."""
    return found.table().split("\n", 1)[1]


if __name__ == "__main__":
    main()
