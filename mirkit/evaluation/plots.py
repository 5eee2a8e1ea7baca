"""Reports as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirkit.errors import MissingExtra
from mirkit.evaluation.report import Report, Summary

_ROW_HEIGHT = 0.32  # [inches]


def plot_report(report: Report, path: Path) -> None:
    """Draw means with intervals: a panel a part, and one for the first headline by group."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "pip install 'mirkit[plot]'", "a plot") from None
    panels = [_part_rows(report, part) for part in report.summaries]
    if report.groups:
        panels.append(_group_rows(report))
    heights = [len(rows) + 2 for _, rows in panels]
    figure = Figure(figsize=(8, 1 + _ROW_HEIGHT * sum(heights)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (title, rows) in zip(axes, panels, strict=True):
        _draw(ax, report, title, rows)
    axes[0].legend(loc="lower left", frameon=False)
    figure.savefig(path, dpi=150)


Panel = tuple[str, list[tuple[str, dict[str, Any]]]]


def _part_rows(report: Report, part: Summary) -> Panel:
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
        left = [x.mean - (x.mean if x.low is None else x.low) for _, x in known]
        right = [(x.mean if x.high is None else x.high) - x.mean for _, x in known]
        ax.errorbar(means, heights, xerr=[left, right], fmt="o", ms=4, capsize=2, label=system)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(right=1.01)
    ax.tick_params(labelbottom=True)
    ax.set_title(title, loc="left")
    ax.grid(axis="x", alpha=0.3)
