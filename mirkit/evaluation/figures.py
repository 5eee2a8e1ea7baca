"""Reports and outcomes as pictures: their arrays, handed to `mirkit.plots`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mirkit.arrays import Floats
from mirkit.evaluation.parts import Part, rank_classes
from mirkit.evaluation.report import Report
from mirkit.evaluation.statistics import Interval
from mirkit.plots.intervals import Panel, plot_intervals
from mirkit.plots.ranks import plot_ranks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NAMED = 80
"""With more classes than that their names find no room."""


def draw(report: Report) -> Figure:
    """Draw a report: its classes where it has some, otherwise its measures.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.

    Examples
    --------
    ``draw(mirkit.evaluate("beats", "my_songs/")).savefig("report.png")``
    """
    return draw_classes(report) if report.classes else draw_measures(report)


def draw_measures(report: Report) -> Figure:
    """Draw measures with intervals: a panel a part, and one for the first headline by group."""
    panels = [_part_panel(report, part) for part in report.summaries]
    return plot_intervals([*panels, _group_panel(report)] if report.groups else panels)


def draw_classes(report: Report) -> Figure:
    """Draw the average precision of each class, as the first system ranks them.

    Few classes are rows with their names and intervals; of many, only some have room for a name.
    """
    rows = rank_classes(report.classes, report.systems[0])
    names = [f"{row.label} ({row.n})" for row in rows]
    found = {s: _columns([row.precision[s] for row in rows]) for s in report.systems}
    titled = {f"{s}: mAP {report.intervals[s]['map']}": x for s, x in found.items()}
    if len(rows) > N_NAMED:
        means = {name: values[:, 0] for name, values in titled.items()}
        return plot_ranks(names, means, "average precision")
    return plot_intervals([Panel("", names, titled)], "average precision", (-0.01, 1.01))


def _part_panel(report: Report, part: Part) -> Panel:
    known = [m for m in report.labels if any(m in row for row in part.means.values())]
    series = {s: _columns([part.means[s].get(m) for m in known]) for s in report.systems}
    return Panel(_size(part, " clips"), [report.labels[m] for m in known], series)


def _group_panel(report: Report) -> Panel:
    measure = report.headline[0]
    series = {s: _columns([x.means[s].get(measure) for x in report.groups]) for s in report.systems}
    title = f"{report.labels[measure]} by {report.by}"
    return Panel(title, [_size(part) for part in report.groups], series)


def _size(part: Part, unit: str = "") -> str:
    return f"{part.name} ({part.n_clips}{unit})"


def _columns(found: Sequence[Interval | None]) -> Floats:
    """Return means and ends of intervals, shape ``(n, 3)``; NaN for what is not known."""
    rows = [(x.mean, x.low, x.high) if x else (None, None, None) for x in found]
    return np.array(rows, np.float64).reshape(-1, 3)
