"""HTML and SVG of values for notebooks, as plain text: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

WIDTH, HEIGHT = 640, 36  # of a strip [px]
COLORS = ("#8fb8de", "#f2b880", "#a6cfa1", "#d9a5c7", "#b7b1e0", "#e8d28a", "#9ed3ce", "#e0a69b")
MOST = 2000
"""Marks of a strip; of more, an even choice is drawn."""

Span = tuple[float, float, str | None]
"""Start [s], end [s] and label."""


def card(title: str, summary: str, *parts: str) -> str:
    """Return the HTML of a value: its class and summary, and what is drawn below."""
    head = f"<div><b>{escape(title)}</b> <span style='opacity:.75'>{escape(summary)}</span></div>"
    body = "".join(parts)
    return f"<div style='font:13px/1.5 system-ui,sans-serif;max-width:660px'>{head}{body}</div>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table.

    Examples
    --------
    >>> table(["label"], [["a<b"]])
    '<table><thead><tr><th>label</th></tr></thead><tbody><tr><td>a&lt;b</td></tr></tbody></table>'
    """
    top = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(x))}</td>' for x in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def ticks(times: Sequence[float], strong: Sequence[bool], what: str) -> str:
    """Return a strip with a tick per time, tall where `strong`."""
    end = max(times, default=0.0) + 0.5
    step = max(1, -(-len(times) // MOST))
    marks = [
        f"<line x1='{_x(t, end)}' x2='{_x(t, end)}' y1='{0 if is_strong else 16}' y2='{HEIGHT}' "
        f"stroke='{'#d1495b' if is_strong else 'currentColor'}' "
        f"stroke-opacity='{1 if is_strong else 0.45}'/>"
        for t, is_strong in zip(times[::step], strong[::step], strict=True)
    ]
    return _strip("".join(marks), what, HEIGHT)


def spans(rows: Sequence[Span], what: str) -> str:
    """Return a strip of colored stretches, with labels where there is room for them."""
    end = max((stop for _, stop, _ in rows), default=1.0) or 1.0
    names = list(dict.fromkeys(label for _, _, label in rows))
    step = max(1, -(-len(rows) // MOST))
    colors = {label: COLORS[i % len(COLORS)] for i, label in enumerate(names)}
    marks = [_box(row, end, colors[row[2]]) for row in rows[::step]]
    return _strip("".join(marks), what, HEIGHT)


def bars(rows: Sequence[tuple[str, float]], most: int = 8) -> str:
    """Return a row per label with a bar as long as its score in [0, 1]."""
    drawn = [
        f"<tr><td>{escape(label)}</td><td><svg width='160' height='10' role='img' "
        f"aria-label='{score:.2f}'><rect width='{160 * score:.1f}' height='10' rx='2' "
        f"fill='#5b7db8'/></svg></td><td>{score:.2f}</td></tr>"
        for label, score in rows[:most]
    ]
    return f"<table><tbody>{''.join(drawn)}</tbody></table>"


def _box(row: Span, end: float, color: str) -> str:
    start, stop, label = row
    width = WIDTH * (stop - start) / end
    name = escape(label or "")
    title = f"<title>{start:.2f}-{stop:.2f} s {name}</title>"
    box = (
        f"<rect x='{_x(start, end)}' y='4' width='{max(width, 1):.1f}' height='{HEIGHT - 8}' "
        f"fill='{color}' stroke='#fff' stroke-width='.5'>{title}</rect>"
    )
    if width < 8 * len(label or "") + 6 or not label:
        return box
    middle = _x((start + stop) / 2, end)
    return box + (
        f"<text x='{middle}' y='{HEIGHT / 2 + 4:g}' text-anchor='middle' font-size='11' "
        f"fill='#23262f'>{name}</text>"
    )


def _x(seconds: float, end: float) -> str:
    return f"{WIDTH * seconds / end:.1f}"


def _strip(marks: str, what: str, height: int) -> str:
    return (
        f"<svg viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' role='img' "
        f"aria-label='{escape(what, quote=True)}' style='max-width:100%'>{marks}</svg>"
    )
