"""Annotations of a part of a recording: from its own clock to that of the whole, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from mirkit.annotation.rhythm import Beats, TempoHypothesis
from mirkit.frames import FrameGrid

Moved = TypeVar("Moved")


def moved(value: Moved, seconds: float) -> Moved:
    """Return an annotation with all of its times later by `seconds`.

    Examples
    --------
    >>> moved(Beats([0.5, 1.0]), 60.0).times
    array([60.5, 61. ])
    """
    if seconds == 0 or not is_dataclass(value):
        return value
    held = {each.name: getattr(value, each.name) for each in fields(value)}
    changes = {
        name: move(held[name], seconds)
        for name, move in _MOVES.items()
        if held.get(name) is not None
    }
    return replace(value, **changes)  # type: ignore[type-var]  # fields of an instance of one


def beats_within(beats: Beats, start: float, duration: float | None) -> Beats:
    """Return the beats in the part of a recording from `start` on, at its own clock [s].

    Examples
    --------
    >>> beats_within(Beats([0.5, 1.0, 1.5]), 1.0, 0.25).times
    array([0.])
    """
    stop = float("inf") if duration is None else start + duration
    kept = (beats.times >= start) & (beats.times <= stop)
    return Beats(
        beats.times[kept] - start,
        None if beats.positions is None else beats.positions[kept],
        None if beats.confidence is None else beats.confidence[kept],
        provenance=beats.provenance,
        denominators=None if beats.denominators is None else beats.denominators[kept],
    )


def _later(times: Any, seconds: float) -> Any:
    return times + seconds


def _levels_later(levels: tuple[Any, ...], seconds: float) -> tuple[Any, ...]:
    """Return the metrical levels later; those of a `Tempo` hold no times."""
    return tuple(moved(x, seconds) if isinstance(x, TempoHypothesis) else x for x in levels)


def _grid_later(grid: FrameGrid, seconds: float) -> FrameGrid:
    return replace(grid, start=grid.start + seconds)


_MOVES: Mapping[str, Callable[[Any, float], Any]] = {
    "times": _later,
    "intervals": _later,
    "hypotheses": _levels_later,
    "segments": moved,
    "grid": _grid_later,
}
"""What is done to each field that holds times."""
