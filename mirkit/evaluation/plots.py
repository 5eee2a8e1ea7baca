"""Reports as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirkit.errors import MissingExtra
from mirkit.evaluation.report import Part, Report
from mirkit.evaluation.statistics import Interval
from mirkit.evaluation.tag_report import ClassRow, TagReport

_ROW_HEIGHT = 0.32  # [inches]
_MANY = 80
"""With more classes than that their names find no room."""


def plot_report(report: Report, path: Path) -> None:
    """Draw means with intervals: a panel a part, and one for the first headline by group."""
    panels = [_part_rows(report, part) for part in report.summaries]
    if report.groups:
        panels.append(_group_rows(report))
    heights = [len(rows) + 2 for _, rows in panels]
    figure = _figure(8, 1 + _ROW_HEIGHT * sum(heights))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (title, rows) in zip(axes, panels, strict=True):
        _draw(ax, report, title, rows)
    axes[0].legend(loc="lower left", frameon=False)
    figure.savefig(path, dpi=150)


def plot_classes(report: TagReport, path: Path) -> None:
    """Draw the average precision of each class, best first, with intervals.

    Few classes are rows with their names; of many only the worst and best have room for names, so
    their curve is drawn by rank.
    """
    first = report.systems[0]
    rows = [row for row in report.classes if row.precision]
    rows.sort(key=lambda row: -row.precision[first].mean)
    if len(rows) > _MANY:
        _draw_ranks(report, rows, path)
        return
    figure = _figure(8, 1.5 + _ROW_HEIGHT * len(rows))
    ax = figure.subplots()
    gap = 0.7 / len(report.systems)
    for k, system in enumerate(report.systems):
        found = [row.precision[system] for row in rows]
        heights = [i + (k - (len(report.systems) - 1) / 2) * gap for i in range(len(rows))]
        label = f"{system}: mAP {report.intervals[system]['map']}"
        ax.errorbar(
            [x.mean for x in found], heights, xerr=_whiskers(found), fmt="o", ms=4, capsize=2,
            label=label,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [f"{row.label} ({row.n})" for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    _finish(ax, figure, path)


def _draw_ranks(report: TagReport, rows: list[ClassRow], path: Path) -> None:
    """Draw the precision of many classes by rank, each system in the order of the first."""
    figure = _figure(10, 5)
    ax = figure.subplots()
    for system in report.systems:
        values = [row.precision[system].mean for row in rows]
        label = f"{system}: mAP {report.intervals[system]['map']}"
        ax.plot(values, range(len(rows)), ".", ms=4, label=label)
    ends = [*range(3), *range(len(rows) - 3, len(rows))]
    ax.set_yticks(ends, [rows[i].label for i in ends])
    ax.set_ylim(len(rows), -1)
    _finish(ax, figure, path)


def _finish(ax: Any, figure: Any, path: Path) -> None:
    ax.set_xlim(0, 1.02)
    ax.set_xlabel("average precision")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.08), frameon=False)
    figure.savefig(path, dpi=150)


def _whiskers(found: list[Interval]) -> list[list[float]]:
    """Return how far the intervals reach to both sides."""
    left = [x.mean - (x.mean if x.low is None else min(x.low, x.mean)) for x in found]
    right = [(x.mean if x.high is None else max(x.high, x.mean)) - x.mean for x in found]
    return [left, right]


def _figure(width: float, height: float) -> Any:
    """Return an empty figure of this size [inches]."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "pip install 'mirkit[plot]'", "a plot") from None
    return Figure(figsize=(width, height), layout="constrained")


Panel = tuple[str, list[tuple[str, dict[str, Any]]]]


def _part_rows(report: Report, part: Part) -> Panel:
    rows = [
        (label, {s: part.means[s][m] for s in report.systems if m in part.means[s]})
        for m, label in report.labels.items()
    ]
    return f"{part.name} ({part.n_clips} clips)", [row for row in rows if row[1]]


def _group_rows(report: Report) -> Panel:
    m = report.headline[0]
    rows = [
        (
            f"{part.name} ({part.n_clips})",
            {s: part.means[s][m] for s in report.systems if m in part.means[s]},
        )
        for part in report.groups
    ]
    return f"{report.labels[m]} by {report.by}", rows


def _draw(ax: Any, report: Report, title: str, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """Draw a row a measure (or group), in it a dot with whiskers a system."""
    gap = 0.7 / len(report.systems)
    for k, system in enumerate(report.systems):
        known = [(i, row[system]) for i, (_, row) in enumerate(rows) if system in row]
        heights = [i + (k - (len(report.systems) - 1) / 2) * gap for i, _ in known]
        means = [x.mean for _, x in known]
        whiskers = _whiskers([x for _, x in known])
        ax.errorbar(means, heights, xerr=whiskers, fmt="o", ms=4, capsize=2, label=system)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(right=1.01)
    ax.tick_params(labelbottom=True)
    ax.set_title(title, loc="left")
    ax.grid(axis="x", alpha=0.3)
