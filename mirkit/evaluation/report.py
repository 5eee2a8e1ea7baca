"""The report of a benchmark: scores, measures with intervals, paired differences; as text and JSON.

It is data alone. `mirkit.evaluation.figures` turns it into pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mirkit.batch import Failure
from mirkit.evaluation.parts import ClassRow, Intervals, Part, Row
from mirkit.evaluation.statistics import LEVEL, Interval
from mirkit.evaluation.tables import class_table, group_table, part_table
from mirkit.tasks import SCHEMA


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Scores of systems on the clips of a benchmark, before they are summarized.

    Parameters
    ----------
    task, source
        The benchmark, and the manifest.
    systems
        In the order they were asked for.
    labels
        The measures: name, and label in tables.
    headline
        The measures that tables by group show.
    subsets
        Parts that have a name, and what their columns hold.
    rows
        Each clip with each system.
    failed
        Clip, system and reason of what could not be scored.
    against
        The system that differences refer to, or None.
    by
        The column that groups are made by, or None.
    n_draws, seed
        Of the bootstrap.
    """

    task: str
    source: str
    systems: tuple[str, ...]
    labels: Mapping[str, str]
    headline: tuple[str, ...]
    subsets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rows: tuple[Row, ...]
    failed: tuple[tuple[str, str, Failure], ...] = ()
    against: str | None = None
    by: str | None = None
    n_draws: int
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Report(Trial):
    """A trial with its measures.

    Parameters
    ----------
    summaries
        All clips, then the named subsets.
    groups
        The values of the column `by`, if any.
    classes
        The classes of a benchmark of labels, in order of their names.
    unheard
        By system, the classes that it never names: they count as score 0.
    unrelated
        Classes that the ontology lacks, and that are in none of its measures.
    """

    summaries: tuple[Part, ...]
    groups: tuple[Part, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    unheard: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unrelated: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All clips, the named subsets, and the groups."""
        return self.summaries + self.groups

    @property
    def means(self) -> dict[str, dict[str, float]]:
        """Mean over all clips, by system and measure."""
        return {
            system: {name: x.mean for name, x in row.items()}
            for system, row in self.intervals.items()
        }

    @property
    def intervals(self) -> Intervals:
        """Mean and interval over all clips, by system and measure."""
        return self.summaries[0].means

    @property
    def differences(self) -> Intervals:
        """Mean difference of each system to `against` over all clips, by system and measure."""
        return self.summaries[0].differences

    def table(self) -> str:
        """Return the report as text: a block for each part, then groups and classes."""
        blocks = [self._title(), *(self._part(part) for part in self.summaries)]
        blocks += [self._by_group(measure) for measure in self.headline if self._has(measure)]
        if self.classes:
            blocks.append(class_table(self.classes, self.systems))
        return "\n\n".join([*blocks, *self._notes()])

    def to_json(self, indent: int | None = 1) -> str:
        """Return the report as a JSON object ; infinite numbers are null."""
        return json.dumps(_object(self), ensure_ascii=False, allow_nan=False, indent=indent) + "\n"

    def _title(self) -> str:
        draws = f"{self.n_draws} draws of songs"
        return f"{self.task}: {self.source}\n[{LEVEL:.0%} interval: cluster bootstrap, {draws}]"

    def _part(self, part: Part) -> str:
        return part_table(part, self.systems, self.labels, self.against)

    def _has(self, measure: str) -> bool:
        return any(measure in row for part in self.groups for row in part.means.values())

    def _by_group(self, measure: str) -> str:
        title = f"{self.labels[measure]} by {self.by}"
        return group_table(self.groups, self.systems, measure, title)

    def _notes(self) -> list[str]:
        notes = [f"{system} never names: {', '.join(x)}" for system, x in self.unheard.items()]
        if self.unrelated:
            notes.append(f"Not in the ontology: {', '.join(self.unrelated)}")
        if self.failed:
            notes.append(f"{len(self.failed)} failed and are in no mean.")
        return notes


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
        "classes": [_class(row) for row in report.classes],
        "unheard": {system: list(labels) for system, labels in report.unheard.items()},
        "not_in_ontology": list(report.unrelated),
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
    return {
        "name": part.name,
        "n_clips": part.n_clips,
        "n_groups": part.n_groups,
        "means": {system: _plain(row) for system, row in part.means.items()},
        "differences": {system: _plain(row) for system, row in part.differences.items()},
    }


def _class(row: ClassRow) -> dict[str, Any]:
    return {
        "label": row.label,
        "n_clips": row.n,
        "stratum": row.stratum or None,
        "average_precision": _plain(row.precision),
    }


def _plain(found: Mapping[str, Interval]) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {"mean": _finite(x.mean), "low": _finite(x.low), "high": _finite(x.high), "n": x.n}
        for name, x in found.items()
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
