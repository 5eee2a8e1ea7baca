"""Published models in the tables of their tasks, beside mirkit's own: real recordings and renders.

Writes the tables of docs/published.md and benchmarks/results/published_boards.json; afterwards
benchmarks/card_scores.py writes the scores into the cards. The weights must be there (`mirkit
models download NAME`), MIRKIT_DATA names the data, and the speeds are those that
benchmarks/published_songs.py measured. CLIPS is the folder with the clips of
data/manifests/chord-test.jsonl, which are rendered where they are not there.

Run: python benchmarks/published_boards.py CLIPS [--jobs N] [--keep FILE] [--only BOARD ...]
"""

import argparse
import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import report

import mirkit
from mirkit.errors import MirkitError
from mirkit.evaluation import Item, Report
from mirkit.evaluation.items import read_items
from mirkit.rendering.clips import read_clip
from mirkit.vocab import normal_key
from mirkit.vocab.audioset import audioset_labels
from mirkit.vocab.music_tags import LASTFM, MAGNATAGATUNE

PAGE = report.ROOT / "docs" / "published.md"
MANIFEST = report.ROOT / "data" / "manifests" / "chord-test.jsonl"
BEATNETS = ("beatnet-1", "beatnet-2", "beatnet-3")
BEATS = (*BEATNETS, *(f"{name}+drift" for name in BEATNETS), "beat-tcn", "beat-tcn-live")
LEAST = 5
"""Clips that a label is of, at least."""


class Board(NamedTuple):
    """Systems of one task on one set of recordings, or on so many of them."""

    task: str
    systems: tuple[str, ...]
    items: Callable[[Path, Path], tuple[Item, ...]]
    measures: dict[str, str]
    n_clips: int | None = None


def renders(data: Path, clips: Path) -> tuple[Item, ...]:
    """Return the rendered clips."""
    if not list(clips.glob("*.json")):
        from mirkit.rendering import read_specs, render

        failed = render(read_specs(MANIFEST), clips, os.cpu_count() or 1)
        if failed:
            raise SystemExit(f"{len(failed)} clips failed, such as {next(iter(failed.items()))}")
    return tuple(read_items(MANIFEST, clips))


def harmonic_renders(data: Path, clips: Path) -> tuple[Item, ...]:
    """Return the rendered clips that have chords and a key: some are drums alone."""
    items = [(item, read_clip(Path(item.reference))) for item in renders(data, clips)]
    return tuple(item for item, truth in items if len(truth.chords) and len(truth.keys))


def songs_of_known_tempo(data: Path, clips: Path) -> tuple[Item, ...]:
    """Return five songs of constant tempo."""
    return tuple(
        Item(row["title"], data / "tempo" / row["path"], mirkit.Tempo(float(row["bpm"])))
        for row in rows_of(data / "tempo" / "tempo.csv")
    )


def expressive(data: Path, clips: Path) -> tuple[Item, ...]:
    """Return two pieces with beats, one of them of free tempo."""
    return tuple(read_items(data / "expressive"))


def stated_keys(data: Path, clips: Path) -> tuple[Item, ...]:
    """Return the recordings whose source states a key in major or minor."""
    items = []
    for row in rows_of(data / "music" / "all.csv"):
        key = read_stated(row["key"])
        if key is not None:
            path = data / "music" / row["file"]
            items.append(Item(row["file"], path, mirkit.Key(key), {"group": row["group"]}))
    return tuple(items)


def read_stated(text: str) -> str | None:
    """Return a key as mirkit spells it; a tonic alone is major; None for no key or a mode."""
    name = f"{text} major" if text and " " not in text else text
    tonic, _, mode = name.partition(" ")
    try:
        return normal_key(f"{tonic} {mode.lower()}")
    except MirkitError:
        return None


def real_sounds(data: Path, clips: Path) -> tuple[Item, ...]:
    """Return real sounds with names of AudioSet, but those that are in ESC-10 too."""
    known = set(audioset_labels())
    rows = [row for row in rows_of(data / "sounds" / "all.csv") if row["in_esc10"] == "no"]
    labels = [(row, [x for x in row["labels"].split(";") if x in known]) for row in rows]
    folder = data / "sounds"
    return often(
        (Item(f"{r['folder']}/{r['file']}", folder / r["folder"] / r["file"], tuple(named),
              {"group": r["group"]}) for r, named in labels), 12)  # fmt: skip


def music_tags(known: tuple[str, ...]) -> Callable[[Path, Path], tuple[Item, ...]]:
    """Return what gives recordings of music whose source states some of the tags of a model."""

    def items(data: Path, clips: Path) -> tuple[Item, ...]:
        return often(
            (
                Item(
                    row["file"],
                    data / "music" / row["file"],
                    tuple(x for x in row["tags"].split(";") if x in known),
                    {"group": row["group"]},
                )
                for row in rows_of(data / "music" / "all.csv")
            ),
            LEAST,
        )

    return items


def often(items: Any, least: int) -> tuple[Item, ...]:
    """Return items with the labels that so many have, and without those that are left none."""
    found = list(items)
    counts = Counter(label for item in found for label in item.reference)
    kept = (
        Item(x.name, x.audio, tuple(y for y in x.reference if counts[y] >= least), x.columns)
        for x in found
    )
    return tuple(item for item in kept if item.reference)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


BEAT_MEASURES = {
    "f_measure": "F", "cmlt": "CMLt", "amlt": "AMLt", "downbeat_f_measure": "downbeat F",
    "tempo_accuracy_1": "Acc1", "tempo_accuracy_2": "Acc2",
}  # fmt: skip
KEY_MEASURES = {"weighted": "weighted", "correct": "correct"}
TAG_MEASURES = {"map": "mAP", "auc": "AUC", "lwlrap": "lwlrap"}
BOARDS = {
    "beats-rendered": Board("beats", BEATS, renders, BEAT_MEASURES, 20),
    "beats-expressive": Board("beats", BEATS, expressive, BEAT_MEASURES),
    "beats-tempo": Board("beats", BEATS, songs_of_known_tempo, BEAT_MEASURES),
    "chords-rendered": Board("chords", ("crema", "chord-crnn"), harmonic_renders, {
        "root": "root", "majmin": "majmin", "sevenths": "sevenths", "tetrads": "tetrads",
        "seg": "seg"}, 40),
    "key-stated": Board("key", ("s-key", "key-crnn", "librosa-key"), stated_keys, KEY_MEASURES),
    "key-rendered": Board("key", ("s-key", "key-crnn"), harmonic_renders, KEY_MEASURES, 40),
    "tags-sounds": Board("tags", ("yamnet", "tag-mn"), real_sounds, TAG_MEASURES, 400),
    "tags-mtt": Board("tags", ("musicnn-mtt", "musicnn-mtt-vgg"), music_tags(MAGNATAGATUNE),
                      TAG_MEASURES),
    "tags-msd": Board("tags", ("musicnn-msd", "musicnn-msd-vgg"), music_tags(LASTFM),
                      TAG_MEASURES),
}  # fmt: skip
"""The boards by name."""


def main() -> None:
    """Score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, help="go on from these scores")
    parser.add_argument("--only", nargs="+", choices=list(BOARDS), default=list(BOARDS))
    args = parser.parse_args()
    data = Path(os.environ["MIRKIT_DATA"])
    means = report.read_json("published_boards")
    for name in args.only:
        board = BOARDS[name]
        items = board.items(data, args.clips)
        found = mirkit.evaluate(
            board.task,
            items,
            systems=board.systems,
            clips=board.n_clips,
            keep=args.keep,
            n_jobs=args.jobs,
        )
        for clip, system, failure in found.failed:
            raise SystemExit(f"{clip}, {system}: {failure.message}")
        text = board_table(found, board)
        print(f"{name}\n{text}\n")
        report.write_between_markers(PAGE, name, text)
        means[name] = means_of(found, board)
        report.write_json("published_boards", means)


def board_table(found: Report, board: Board) -> str:
    """Return a row for each system, with intervals, and its speed."""
    n = found.summaries[0].n_clips
    first = found.intervals[board.systems[0]]
    shown = {measure: title for measure, title in board.measures.items() if measure in first}
    speeds = report.read_json("published_songs")["speed"]
    rows = [
        (
            name,
            *(str(found.intervals[name].get(measure, "")) for measure in shown),
            f"{speeds[name]:.0f}" if name in speeds else "",
        )
        for name in found.systems
    ]
    return report.table((f"{n} recordings", *shown.values(), "times real time"), rows)


def means_of(found: Report, board: Board) -> dict[str, dict[str, float]]:
    """Return the means of each system."""
    return {
        name: {m: x.mean for m, x in found.intervals[name].items() if m in board.measures}
        for name in found.systems
    }


if __name__ == "__main__":
    main()
