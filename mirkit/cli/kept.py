"""Annotations that ``mirkit export --keep`` keeps as JAMS: only new recordings take time."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirkit.batch import Failure, Tally, run_batch
from mirkit.cli.arguments import processors
from mirkit.cli.files import Source, report_failure, targets
from mirkit.cli.tracks import Outcome, Worker, read_parts

SUFFIX = ".jams"
PLAYLISTS = (".m3u", ".m3u8")
BESIDE = Path()
"""Stands for the folder of each recording."""


@dataclass(frozen=True)
class Item:
    """A recording, where what is known of it may lie, and where what is found is kept."""

    source: Source
    known: tuple[Path, ...]
    kept: Path

    def __str__(self) -> str:
        return self.source.path


@dataclass(frozen=True)
class Listener:
    """The function that runs in each process: it analyzes what is not kept yet, and keeps it."""

    worker: Worker
    again: bool = False

    def __call__(self, item: Item) -> tuple[Outcome, bool]:
        """Return what is known of a recording, and whether all of it was kept."""
        paths = () if self.again else item.known
        path = next((path for path in paths if path.exists()), None)
        parts = {} if path is None else read_parts(path)
        heard = self.worker.heard(item.source, parts)
        outcome = self.worker.outcome(item.source, parts | heard)
        if heard:
            self._keep(outcome, path or item.kept)
        return outcome, not heard

    def _keep(self, outcome: Outcome, path: Path) -> None:
        from mirkit.annotation import Analysis
        from mirkit.errors import AudioError
        from mirkit.formats import save

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save(Analysis(outcome.parts, duration=outcome.track.duration), path)
        except OSError as error:
            raise AudioError(
                f"what was found in {outcome.source.path} cannot be kept in {path}: {error}. Name "
                "another folder with --keep"
            ) from None


def analyze_kept(
    sources: Sequence[Source], worker: Worker, args: argparse.Namespace, tally: Tally
) -> tuple[list[Outcome], int]:
    """Return the outcomes, and how many were known before; count the recordings that fail."""
    items = _items(sources, None if args.keep == BESIDE else args.keep)
    n_jobs = min(args.jobs or processors(), len(items) or 1)
    done, n_known = [], 0
    for item, result in run_batch(Listener(worker, args.again), items, n_jobs, "export"):
        if isinstance(result, Failure):
            tally.fail(item.source.path)
            report_failure(item.source.path, result, args.json)
        else:
            done.append(result[0])
            n_known += result[1]
    return done, n_known


def _items(sources: Sequence[Source], folder: Path | None) -> list[Item]:
    if folder is not None:
        places = targets(sources, folder, SUFFIX)
        return [Item(x, (places[x],), places[x]) for x in sources]
    shared = Counter(Path(x.path).with_suffix("") for x in sources)
    return [_beside(x, shared[Path(x.path).with_suffix("")] == 1) for x in sources]


def _beside(source: Source, alone: bool) -> Item:
    """Return a recording whose annotations lie beside it: ``song.jams``, where only it is a song.

    Another of the same name may be another version of it, so then only ``song.mp3.jams`` counts.
    """
    whole = Path(f"{source.path}{SUFFIX}")
    short = Path(source.path).with_suffix(SUFFIX)
    return Item(source, (whole, short) if alone else (whole,), short if alone else whole)


def open_playlists(
    paths: Sequence[str],
) -> tuple[list[str], dict[str, list[str]], list[tuple[str, Failure]]]:
    """Return paths with those in playlists, the playlists, and those that cannot be read."""
    found: list[str] = []
    playlists: dict[str, list[str]] = {}
    failed: list[tuple[str, Failure]] = []
    for path in paths:
        if Path(path).suffix.lower() not in PLAYLISTS or Path(path).is_dir():
            found.append(path)
            continue
        try:
            name, places = _playlist(Path(path))
        except (OSError, ValueError) as error:  # FormatError too
            failed.append((path, Failure(type(error).__name__, str(error))))
        else:
            found += places
            playlists.setdefault(name, []).extend(places)
    return found, playlists, failed


def _playlist(path: Path) -> tuple[str, list[str]]:
    """Return the name of a playlist and its recordings, by whole paths."""
    from mirkit.formats.dj import m3u

    (found,) = m3u.loads(path.read_bytes(), str(path)).playlists
    places = [os.path.abspath(path.parent / x) for x in found.locations]  # noqa: PTH100  # links stay
    return found.name or path.stem, places
