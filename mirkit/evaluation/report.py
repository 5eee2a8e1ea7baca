"""What a board found: rows, means with intervals, differences; as table, JSON and plot."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mirkit.arrays import Floats
from mirkit.batch import Failure
from mirkit.evaluation.statistics import LEVEL, Interval, bootstrap

if TYPE_CHECKING:
    from mirkit.evaluation.boards import Board

SCHEMA = 1

Intervals = Mapping[str, Mapping[str, Interval]]
"""By system, then by measure."""


@dataclass(frozen=True)
class Row:
    """What a system scored on a clip, and what is known of the clip."""

    clip: str
    system: str
    scores: Mapping[str, float]
    columns: Mapping[str, str] = field(default_factory=dict)
    song: str = ""


@dataclass(frozen=True)
class Part:
    """The measures of some clips of a board.

    Parameters
    ----------
    name
        ``"all"``, the name of a subset, or a value of the column that the report's `by` names.
    n_clips, n_groups
        Its size. Clips of a group, such as those of one song, are drawn together.
    means
        By system, then by measure.
    differences
        What each system is better by than the report's `against`, on the clips that both have.
    """

    name: str
    n_clips: int
    n_groups: int
    means: Intervals
    differences: Intervals


class Averaged(ABC):
    """What all reports have: measures of systems over all clips."""

    systems: tuple[str, ...]
    labels: Mapping[str, str]
    against: str | None

    @property
    @abstractmethod
    def whole(self) -> Part:
        """All clips."""

    @property
    def means(self) -> dict[str, dict[str, float]]:
        """Mean over all clips, by system and measure."""
        found = self.whole.means
        return {system: {name: x.mean for name, x in row.items()} for system, row in found.items()}

    @property
    def intervals(self) -> Intervals:
        """Mean and interval over all clips, by system and measure."""
        return self.whole.means

    @property
    def differences(self) -> Intervals:
        """What each system is better by than `against` over all clips, by system and measure."""
        return self.whole.differences


@dataclass(frozen=True)
class Report(Averaged):
    """The scores of systems on a board.

    Parameters
    ----------
    task, source
        The board, and the manifest.
    systems
        In the order they were asked for.
    labels
        The measures: name, and label in tables.
    headline
        The measures that tables by group show.
    rows
        Each clip with each system.
    failed
        Clip, system and reason of what could not be scored; it counts in no mean.
    summaries
        All clips, then the named subsets.
    groups
        The values of the column `by`, if any.
    against
        The system that differences refer to, or None.
    n_draws, seed
        Of the bootstrap.
    """

    task: str
    source: str
    systems: tuple[str, ...]
    labels: Mapping[str, str]
    headline: tuple[str, ...]
    rows: tuple[Row, ...]
    failed: tuple[tuple[str, str, Failure], ...]
    summaries: tuple[Part, ...]
    groups: tuple[Part, ...]
    by: str | None
    against: str | None
    n_draws: int
    seed: int

    @property
    def whole(self) -> Part:
        """All clips."""
        return self.summaries[0]

    def table(self) -> str:
        """Return the report as text: a block for each part, then one for each headline measure."""
        from mirkit.evaluation.tables import report_table

        return report_table(self)

    def to_json(self, indent: int | None = 1) -> str:
        """Return the report as a JSON object with ``"schema": 1``."""
        return json.dumps(_object(self), ensure_ascii=False, allow_nan=False, indent=indent) + "\n"

    def plot(self, path: str | Path) -> None:
        """Draw means and intervals into an image file, whose suffix says the format.

        Raises
        ------
        MissingExtra
            Where matplotlib is not installed.
        """
        from mirkit.evaluation.plots import plot_report

        plot_report(self, Path(path))


def summarized(
    task: str,
    source: str,
    board: Board,
    systems: tuple[str, ...],
    rows: tuple[Row, ...],
    failed: tuple[tuple[str, str, Failure], ...],
    against: str | None,
    by: str | None,
    n_draws: int,
    seed: int,
) -> Report:
    """Return the report of scored rows."""

    def part(name: str, chosen: Sequence[Row]) -> Part:
        return _summary(name, chosen, systems, tuple(board.measures), against, n_draws, seed)

    def matching(wanted: Mapping[str, str]) -> list[Row]:
        return [
            row
            for row in rows
            if all(row.columns.get(column) == value for column, value in wanted.items())
        ]

    parts = [part("all", rows)]
    parts += [
        part(name, chosen) for name, wanted in board.subsets.items() if (chosen := matching(wanted))
    ]
    values = sorted({row.columns[by] for row in rows if by in row.columns}) if by else []
    groups = [part(value, matching({str(by): value})) for value in values]
    return Report(
        task, source, systems, board.measures, board.headline, rows, failed, tuple(parts),
        tuple(groups), by, against, n_draws, seed,
    )  # fmt: skip


def _summary(
    name: str,
    rows: Sequence[Row],
    systems: tuple[str, ...],
    measures: tuple[str, ...],
    against: str | None,
    n_draws: int,
    seed: int,
) -> Part:
    songs = {row.clip: row.song or row.clip for row in rows}
    place = {clip: i for i, clip in enumerate(songs)}
    values = {system: np.full((len(songs), len(measures)), np.nan) for system in systems}
    for row in rows:
        scored = [row.scores.get(measure, np.nan) for measure in measures]
        values[row.system][place[row.clip]] = scored

    def intervals(columns: Floats) -> dict[str, Interval]:
        found = bootstrap(columns, list(songs.values()), n_draws, seed=seed)
        return {m: x for m, x in zip(measures, found, strict=True) if x is not None}

    differences = {}
    if against is not None:
        others = [system for system in systems if system != against]
        differences = {other: intervals(values[other] - values[against]) for other in others}
    means = {system: intervals(values[system]) for system in systems}
    return Part(name, len(songs), len(set(songs.values())), means, differences)


def _object(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "task": report.task,
        "manifest": report.source,
        "systems": list(report.systems),
        "measures": dict(report.labels),
        "against": report.against,
        "bootstrap": {"draws": report.n_draws, "seed": report.seed, "level": LEVEL},
        "parts": [_part(part) for part in report.summaries],
        "by": report.by,
        "groups": [_part(part) for part in report.groups],
        "rows": [
            {"clip": row.clip, "song": row.song, "system": row.system, "scores": dict(row.scores)}
            for row in report.rows
        ],
        "failed": [
            {"clip": clip, "system": system, "error": {"type": x.type, "message": x.message}}
            for clip, system, x in report.failed
        ],
    }


def _part(part: Part) -> dict[str, Any]:
    to_dict: Callable[[Interval], dict[str, Any]] = vars

    def plain(found: Intervals) -> dict[str, Any]:
        return {s: {m: dict(to_dict(x)) for m, x in row.items()} for s, row in found.items()}

    return {
        "name": part.name,
        "n_clips": part.n_clips,
        "n_songs": part.n_groups,
        "means": plain(part.means),
        "differences": plain(part.differences),
    }
