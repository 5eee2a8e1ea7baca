"""How true the trackers are: on 200 rendered clips of many styles, and on the real files at hand.

Every system scores in the same run, by `mirkit.evaluate`. Writes tables into docs/trackers.md,
docs/evaluation.md and README.md, and benchmarks/results/trackers.json. Needs MIRKIT_DATA, and to
render FluidSynth, soundfonts and MMA; the clips are rendered once into runs/trackers, or taken from
--clips.

Run: python benchmarks/trackers.py [--clips DIR] [--systems NAME ...] [--jobs N]
"""

import argparse
import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import report

import mirkit
from mirkit.evaluation import Item, Report
from mirkit.evaluation.items import read_items
from mirkit.evaluation.statistics import Interval

MEASURES = {
    "f_measure": "F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f_measure": "downbeat F",
    "tempo_accuracy_1": "Acc1",
    "tempo_accuracy_2": "Acc2",
}
BY_STYLE = ("f_measure", "cmlt", "amlt")
N_CLIPS = 200
SEED = 1  # seed 0 gave the clips on which a prior was set


def main() -> None:
    """Score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, default=report.ROOT / "runs" / "trackers")
    parser.add_argument("--systems", nargs="*", default=["beat-tcn", "tempogram", "librosa"])
    parser.add_argument("--keep", type=Path, help="go on from these scores")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if not list(args.clips.glob("*.json")):
        render_clips(args.clips, args.jobs)
    boards = {"rendered": read_items(args.clips), **real(Path(os.environ["MIRKIT_DATA"]))}
    reports = {
        name: mirkit.evaluate(
            "beats",
            items,
            systems=args.systems,
            by="style" if name == "rendered" else None,
            keep=args.keep,
            n_jobs=args.jobs,
        )
        for name, items in boards.items()
    }
    for found in reports.values():
        for clip, system, failure in found.failed:
            raise SystemExit(f"{clip}, {system}: {failure.message}")
    write(reports)


def render_clips(folder: Path, n_jobs: int) -> None:
    """Render the clips: test styles, songs, grooves and soundfonts, one seed."""
    from mirkit.rendering.plan import plan
    from mirkit.rendering.run import render

    failed = render(plan("test", N_CLIPS, seed=SEED, shard="bench", seconds=30.0), folder, n_jobs)
    if failed:
        raise SystemExit(f"{len(failed)} clips failed, such as {next(iter(failed.items()))}")


def real(data: Path) -> dict[str, tuple[Item, ...]]:
    """Return the real boards: pieces with beats, and songs with a tempo."""
    with (data / "tempo" / "tempo.csv").open() as file:
        songs = tuple(
            Item(row["title"], data / "tempo" / row["path"], mirkit.Tempo(float(row["bpm"])))
            for row in csv.DictReader(file)
        )
    return {"expressive": read_items(data / "expressive"), "tempo": songs}


def write(reports: dict[str, Report]) -> None:
    """Print the tables, and put them into the documents."""
    summary, intervals = (summary_table(reports, cell) for cell in (short, str))
    details = style_table(reports["rendered"])
    print(intervals, details, sep="\n\n")
    docs = report.ROOT / "docs" / "trackers.md"
    report.write_between_markers(docs, "trackers", intervals)
    report.write_between_markers(docs, "styles", details)
    report.write_between_markers(report.ROOT / "README.md", "trackers", summary)
    page = report.ROOT / "docs" / "evaluation.md"
    report.write_between_markers(page, "table", printed(reports["rendered"]))
    means = {name: found.means for name, found in reports.items()}
    report.write_json("trackers", {"machine": report.machine(), "means": means})


def printed(found: Report) -> str:
    """Return the report as the command line prints it without --by."""
    return f"```\n{replace(found, groups=()).table()}\n```"


def summary_table(reports: dict[str, Report], cell: Callable[[Interval], str]) -> str:
    """Return a row for each board and system; `cell` prints an interval."""
    rows = [
        (
            f"{name} ({found.summaries[0].n_clips})",
            system,
            *(cell(x) if (x := found.intervals[system].get(m)) else "" for m in MEASURES),
        )
        for name, found in reports.items()
        for system in found.systems
    ]
    return report.table(("board", "system", *MEASURES.values()), rows)


def style_table(found: Report) -> str:
    """Return a row for each style, with the means of all systems."""
    header = [f"{system} {MEASURES[m]}" for system in found.systems for m in BY_STYLE]
    rows = [
        (
            part.name,
            part.n_clips,
            *(f"{part.means[system][m].mean:.2f}" for system in found.systems for m in BY_STYLE),
        )
        for part in found.groups
    ]
    return report.table(("style", "clips", *header), rows)


def short(x: Interval) -> str:
    """Print the mean alone."""
    return f"{x.mean:.3f}"


if __name__ == "__main__":
    main()
