"""Reports as aligned text."""

from __future__ import annotations

from collections.abc import Sequence

from mirkit.evaluation.report import Averaged, Part, Report
from mirkit.evaluation.statistics import LEVEL, Interval


def report_table(report: Report) -> str:
    """Return a report as text: a block a part, then a block a headline measure by group."""
    blocks = [_title(report)]
    blocks += [part_table(report, part) for part in report.summaries]
    if report.groups:
        blocks += [_by_group(report, measure) for measure in report.headline]
    if report.failed:
        blocks.append(f"{len(report.failed)} failed and are in no mean.")
    return "\n\n".join(blocks)


def _title(report: Report) -> str:
    return (
        f"{report.task}: {report.source}\n"
        f"Mean [{LEVEL:.0%} interval: {report.n_draws} bootstrap draws of songs]"
    )


def part_table(report: Averaged, part: Part) -> str:
    """Return the measures of a part: a row each, a column a system, then the differences."""
    others = [s for s in report.systems if s in part.differences]
    header = [_size(part), *report.systems, *(f"{other} - {report.against}" for other in others)]
    rows = [
        [
            label,
            *(cell(part.means[system].get(measure)) for system in report.systems),
            *(_signed(part.differences[other].get(measure)) for other in others),
        ]
        for measure, label in report.labels.items()
        if any(measure in part.means[system] for system in report.systems)
    ]
    return aligned([header, *rows])


def _by_group(report: Report, measure: str) -> str:
    rows = [
        [_size(part), *(cell(part.means[system].get(measure)) for system in report.systems)]
        for part in report.groups
    ]
    return aligned([[f"{report.labels[measure]} by {report.by}", *report.systems], *rows])


def _size(part: Part) -> str:
    return f"{part.name} ({part.n_clips})"


def cell(x: Interval | None) -> str:
    """Return a mean with its interval, or a dash."""
    return "-" if x is None else str(x)


def _signed(x: Interval | None) -> str:
    if x is None:
        return "-"
    if x.low is None or x.high is None:
        return f"{x.mean:+.3f}"
    return f"{x.mean:+.3f} [{x.low:+.3f}, {x.high:+.3f}]"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines of columns: the first aligned left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)
