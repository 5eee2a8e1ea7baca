"""Parts and classes of a report as aligned text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mirkit.evaluation.parts import ClassRow, Part, rank_classes
from mirkit.evaluation.statistics import Interval

N_CLASSES = 60
"""So many classes a table shows, the best and the worst; JSON has all."""


def part_table(
    part: Part, systems: Sequence[str], labels: Mapping[str, str], against: str | None
) -> str:
    """Return the measures of a part: a row each, a column a system, then the differences.

    Parameters
    ----------
    part
        The clips and their measures.
    systems
        Columns, in order.
    labels
        Rows, in order: name of a measure, and how it is printed; left out where no system has it.
    against
        The system that the differences of the part refer to.
    """
    others = [s for s in systems if s in part.differences]
    header = [_size(part), *systems, *(f"{other} - {against}" for other in others)]
    rows = [
        [
            label,
            *(cell(part.means[system].get(measure)) for system in systems),
            *(signed_cell(part.differences[other].get(measure)) for other in others),
        ]
        for measure, label in labels.items()
        if any(measure in part.means[system] for system in systems)
    ]
    return align([header, *rows])


def group_table(groups: Sequence[Part], systems: Sequence[str], measure: str, title: str) -> str:
    """Return one measure of several parts: a row each, a column a system."""
    rows = [
        [_size(part), *(cell(part.means[system].get(measure)) for system in systems)]
        for part in groups
    ]
    return align([[title, *systems], *rows])


def class_table(classes: tuple[ClassRow, ...], systems: Sequence[str]) -> str:
    """Return the average precision of classes, from the best of the first system to the worst."""
    known = rank_classes(classes, systems[0])
    half = N_CLASSES // 2
    shown = known if len(known) <= N_CLASSES else [*known[:half], *known[-half:]]
    header = ["average precision", "clips", "", *systems]
    rows = [
        [row.label, str(row.n), row.stratum, *(cell(row.precision[s]) for s in systems)]
        for row in shown
    ]
    more = len(known) - len(shown)
    return align([header, *rows]) + (f"\n({more} between them)" if more else "")


def cell(x: Interval | None) -> str:
    """Return a mean with its interval, or a dash."""
    return "-" if x is None else str(x)


def signed_cell(x: Interval | None) -> str:
    """Return a difference with its interval, all with their signs, or a dash."""
    if x is None:
        return "-"
    if x.low is None or x.high is None:
        return f"{x.mean:+.3f}"
    return f"{x.mean:+.3f} [{x.low:+.3f}, {x.high:+.3f}]"


def align(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines of columns: the first aligned left, the others right.

    Examples
    --------
    >>> print(align([["", "F"], ["beat-tcn", "0.9"]]))
                F
    beat-tcn  0.9
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _size(part: Part) -> str:
    return f"{part.name} ({part.n_clips})"
