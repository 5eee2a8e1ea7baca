"""Reports of benchmarks whose measures are means over clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mirkit.arrays import Floats
from mirkit.evaluation.items import column_values
from mirkit.evaluation.parts import Part, Row
from mirkit.evaluation.report import Report, Trial
from mirkit.evaluation.statistics import Interval, bootstrap


def summarize_means(trial: Trial) -> Report:
    """Return the report of a trial: means over all clips, over named subsets and over groups."""
    subsets = {name: _match(trial.rows, wanted) for name, wanted in trial.subsets.items()}
    values = column_values([row.item for row in trial.rows], trial.by)
    groups = {value: _match(trial.rows, {str(trial.by): value}) for value in values}
    whole = _part(trial, "all", trial.rows)
    parts = [_part(trial, name, rows) for name, rows in subsets.items() if rows]
    return Report(
        **vars(trial),
        summaries=(whole, *parts),
        groups=tuple(_part(trial, name, rows) for name, rows in groups.items()),
    )


def _match(rows: Sequence[Row], wanted: Mapping[str, str]) -> list[Row]:
    """Return the rows whose columns hold what is wanted."""
    return [row for row in rows if wanted.items() <= row.item.columns.items()]


def _part(trial: Trial, name: str, rows: Sequence[Row]) -> Part:
    songs = {row.clip: row.song for row in rows}
    tables = _tables(trial, rows, tuple(songs))

    def intervals(columns: Floats) -> dict[str, Interval]:
        found = bootstrap(columns, list(songs.values()), trial.n_draws, seed=trial.seed)
        return {m: x for m, x in zip(trial.labels, found, strict=True) if x is not None}

    against = None if trial.against is None else tables[trial.against]
    differences = {
        system: intervals(table - against)
        for system, table in tables.items()
        if against is not None and system != trial.against
    }
    means = {system: intervals(table) for system, table in tables.items()}
    return Part(name, len(songs), len(set(songs.values())), means, differences)


def _tables(trial: Trial, rows: Sequence[Row], clips: Sequence[str]) -> dict[str, Floats]:
    """Return scores by system, shape ``(n_clips, n_measures)``; NaN where there is none."""
    place = {clip: i for i, clip in enumerate(clips)}
    tables = {system: np.full((len(clips), len(trial.labels)), np.nan) for system in trial.systems}
    for row in rows:
        scored = [row.scores.get(measure, np.nan) for measure in trial.labels]
        tables[row.system][place[row.clip]] = scored
    return tables
