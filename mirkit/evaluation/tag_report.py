"""What a board of tags found: measures and classes with intervals; as table, JSON and plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.batch import Failure
from mirkit.evaluation.report import SCHEMA, Averaged, Part
from mirkit.evaluation.statistics import LEVEL, Interval
from mirkit.evaluation.tables import aligned, cell, part_table

N_SHOWN = 60
"""So many classes a table shows, the worst and the best; JSON has all."""


@dataclass(frozen=True)
class ClassRow:
    """A class of a board.

    Parameters
    ----------
    label
        Its name.
    n
        How many clips have it.
    stratum
        ``"head"``, ``"mid"`` or ``"tail"``; empty where all are as frequent.
    precision
        Average precision by system; nothing where no clip has the class.
    """

    label: str
    n: int
    stratum: str
    precision: Mapping[str, Interval]


@dataclass(frozen=True)
class TagReport(Averaged):
    """How systems tag the clips of a board.

    Parameters
    ----------
    source
        The manifest.
    systems
        In the order they were asked for.
    labels
        The measures: name, and label in tables.
    classes
        Each class, in order of its name.
    parts
        All clips, then those of each value of the column `by`.
    failed
        Clip, system and reason of what could not be tagged; such a clip counts for no system.
    unheard
        By system, the classes that it never named: they count as score 0.
    unrelated
        Classes that the ontology lacks, and that are in none of its measures.
    against
        The system that differences refer to, or None.
    by
        The column that parts are made by, or None.
    n_draws, seed
        Of the bootstrap.
    """

    source: str
    systems: tuple[str, ...]
    labels: Mapping[str, str]
    classes: tuple[ClassRow, ...]
    parts: tuple[Part, ...]
    failed: tuple[tuple[str, str, Failure], ...]
    unheard: Mapping[str, tuple[str, ...]]
    unrelated: tuple[str, ...]
    against: str | None
    by: str | None
    n_draws: int
    seed: int
    task: str = "tags"

    @property
    def whole(self) -> Part:
        """All clips."""
        return self.parts[0]

    def table(self) -> str:
        """Return the report as text: a block for each part, then the classes."""
        blocks = [
            f"tags: {self.source}\n[{LEVEL:.0%} interval: {self.n_draws} bootstrap draws of groups]"
        ]
        blocks += [part_table(self, part) for part in self.parts]
        blocks.append(self._classes())
        for system, labels in self.unheard.items():
            blocks.append(f"{system} never names: {', '.join(labels)}")
        if self.unrelated:
            blocks.append(f"Not in the ontology: {', '.join(self.unrelated)}")
        if self.failed:
            blocks.append(f"{len(self.failed)} failed; their clips count for no system.")
        return "\n\n".join(blocks)

    def _classes(self) -> str:
        """Return the classes from the best of the first system to the worst."""
        first = self.systems[0]
        known = [row for row in self.classes if row.precision]
        known.sort(key=lambda row: -row.precision[first].mean)
        half = N_SHOWN // 2
        shown = known if len(known) <= N_SHOWN else [*known[:half], *known[-half:]]
        header = ["average precision", "clips", "", *self.systems]
        rows = [
            [row.label, str(row.n), row.stratum, *(cell(row.precision[s]) for s in self.systems)]
            for row in shown
        ]
        more = len(known) - len(shown)
        return aligned([header, *rows]) + (f"\n({more} between them)" if more else "")

    def to_json(self, indent: int | None = 1) -> str:
        """Return the report as a JSON object with ``"schema": 1``; infinite numbers are null."""
        return json.dumps(_object(self), ensure_ascii=False, allow_nan=False, indent=indent) + "\n"

    def plot(self, path: str | Path) -> None:
        """Draw the average precision of each class into an image file.

        Raises
        ------
        MissingExtra
            Where matplotlib is not installed.
        """
        from mirkit.evaluation.plots import plot_classes

        plot_classes(self, Path(path))


def _object(report: TagReport) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "task": report.task,
        "manifest": report.source,
        "systems": list(report.systems),
        "measures": dict(report.labels),
        "against": report.against,
        "bootstrap": {"draws": report.n_draws, "seed": report.seed, "level": LEVEL},
        "by": report.by,
        "parts": [
            {
                "name": part.name,
                "n_clips": part.n_clips,
                "n_groups": part.n_groups,
                "means": {s: _plain(row) for s, row in part.means.items()},
                "differences": {s: _plain(row) for s, row in part.differences.items()},
            }
            for part in report.parts
        ],
        "classes": [
            {
                "label": row.label,
                "n_clips": row.n,
                "stratum": row.stratum or None,
                "average_precision": _plain(row.precision),
            }
            for row in report.classes
        ],
        "unheard": {system: list(labels) for system, labels in report.unheard.items()},
        "not_in_ontology": list(report.unrelated),
        "failed": [
            {"clip": clip, "system": system, "error": {"type": x.type, "message": x.message}}
            for clip, system, x in report.failed
        ],
    }


def _plain(found: Mapping[str, Interval]) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {"mean": _finite(x.mean), "low": _finite(x.low), "high": _finite(x.high), "n": x.n}
        for name, x in found.items()
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
