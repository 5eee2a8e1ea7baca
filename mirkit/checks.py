"""Checks at the border: turn what a user passed into what the values hold, or say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mirkit.errors import ParameterError


def frozen_array(name: str, value: Any, dtype: DTypeLike, ndim: int) -> NDArray[Any]:
    """Return `value` as a read-only array of `ndim` axes.

    An array that the caller may still write to is copied; a read-only one is shared.

    Raises
    ------
    ParameterError
        Where `value` does not convert, or has another number of axes.
    """
    try:
        array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} does not convert to {np.dtype(dtype)}: {error}") from None
    if array.ndim != ndim:
        raise ParameterError(f"{name} has shape {array.shape}; it needs {ndim} axes")
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def finite(name: str, array: NDArray[Any]) -> None:
    """Raise `ParameterError` where `array` holds NaN or infinity, naming the first."""
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        where = tuple(int(i) for i in np.unravel_index(bad[0], array.shape))
        raise ParameterError(f"{name}{list(where)} is {array[where]}; all values must be finite")


def increasing_times(name: str, times: NDArray[np.float64]) -> None:
    """Raise `ParameterError` unless `times` [s] are finite, not negative and increasing."""
    finite(name, times)
    if times.size and times[0] < 0:
        raise ParameterError(f"{name}[0] is {times[0]} s; times start at 0")
    steps = np.flatnonzero(np.diff(times) <= 0)
    if steps.size:
        i = int(steps[0]) + 1
        raise ParameterError(
            f"{name}[{i}] is {times[i]} s after {times[i - 1]} s; times must increase. "
            "Are they sorted, and is each given once?"
        )


def intervals(name: str, value: Any) -> NDArray[np.float64]:
    """Return `value` as read-only intervals [s], shape ``(n, 2)``, none ending before it starts."""
    array = np.asarray(value, dtype=np.float64)
    if array.size == 0:
        array = np.empty((0, 2))
    array = frozen_array(name, array, np.float64, 2)
    if array.shape[1] != 2:
        raise ParameterError(f"{name} has shape {array.shape}; it needs (n, 2): start, end [s]")
    finite(name, array)
    bad = np.flatnonzero((array[:, 1] < array[:, 0]) | (array[:, 0] < 0))
    if bad.size:
        start, end = array[bad[0]]
        raise ParameterError(
            f"{name}[{bad[0]}] runs from {start} s to {end} s; starts are not negative and ends "
            "do not precede them. Are these (start, duration) pairs?"
        )
    return array


def unit_interval(name: str, value: Any, n: int) -> NDArray[np.float64] | None:
    """Return `value` as `n` read-only numbers in [0, 1], or None for None."""
    if value is None:
        return None
    array = frozen_array(name, value, np.float64, 1)
    same_length(name, array, n)
    bad = np.flatnonzero(~((array >= 0) & (array <= 1)))
    if bad.size:
        raise ParameterError(f"{name}[{bad[0]}] is {array[bad[0]]}; it lies in [0, 1]")
    return array


def unit_number(name: str, value: float | None) -> None:
    """Raise `ParameterError` unless `value` is None or a number in [0, 1]."""
    if value is not None and not 0 <= value <= 1:
        raise ParameterError(f"{name} is {value}; it lies in [0, 1] or is None")


def same_length(name: str, value: Sequence[Any] | NDArray[Any], n: int) -> None:
    """Raise `ParameterError` unless `value` holds `n` items."""
    if len(value) != n:
        raise ParameterError(f"{name} holds {len(value)} items where {n} are needed")


def positive(name: str, value: float) -> None:
    """Raise `ParameterError` unless `value` is a finite number above zero."""
    if not (np.isfinite(value) and value > 0):
        raise ParameterError(f"{name} is {value}; it must be a number above 0")


def freeze_beats(value: Any) -> None:
    """Freeze `times`, `positions` and `confidence` of a value, or raise `ParameterError`."""
    times = frozen_array("times", value.times, np.float64, 1)
    increasing_times("times", times)
    object.__setattr__(value, "times", times)
    if value.positions is not None:
        positions = frozen_array("positions", value.positions, np.int64, 1)
        same_length("positions", positions, len(times))
        if positions.size and positions.min() < 0:
            raise ParameterError(
                f"positions hold {positions.min()}; they count from 1, 0 means not known"
            )
        object.__setattr__(value, "positions", positions)
    confidence = unit_interval("confidence", value.confidence, len(times))
    object.__setattr__(value, "confidence", confidence)


def freeze_intervals(value: Any, kinds: tuple[str, ...]) -> None:
    """Freeze `intervals`, `labels` and `confidence` of a value, or raise `ParameterError`."""
    if value.kind not in kinds:
        raise ParameterError(f"kind is {value.kind!r}; it is one of {', '.join(kinds)}")
    spans = intervals("intervals", value.intervals)
    labels = tuple(value.labels)
    same_length("labels", labels, len(spans))
    if np.any(np.diff(spans[:, 0]) < 0):
        raise ParameterError("intervals are not sorted by start")
    object.__setattr__(value, "intervals", spans)
    object.__setattr__(value, "labels", labels)
    confidence = unit_interval("confidence", value.confidence, len(spans))
    object.__setattr__(value, "confidence", confidence)


def freeze_pitches(value: Any) -> None:
    """Freeze `pitches` and `velocities` of events, or raise `ParameterError`.

    Only notes have them. Pitches that are not given are read from labels that are all numbers.
    """
    if value.kind == "note" and value.pitches is None:
        object.__setattr__(value, "pitches", _numbers(value.labels))
    for name, dtype, least, most, hint in _OF_NOTES:
        given = getattr(value, name)
        if given is None:
            continue
        if value.kind != "note":
            raise ParameterError(f"{name} are given, but kind is {value.kind!r}; notes have them")
        array = frozen_array(name, given, dtype, 1)
        same_length(name, array, len(value.labels))
        bad = np.flatnonzero(~((array >= least) & (array <= most)))
        if bad.size:
            raise ParameterError(
                f"{name}[{bad[0]}] is {array[bad[0]]}; it lies in {least} … {most}. {hint}"
            )
        object.__setattr__(value, name, array)


_OF_NOTES: tuple[tuple[str, type, float, float, str], ...] = (
    ("pitches", np.float64, 0, 127.5, "Are these frequencies [Hz]? Pitches are MIDI note numbers."),
    ("velocities", np.int64, 1, 127, "Are these amplitudes in [0, 1]? Multiply them by 127."),
)


def _numbers(labels: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the numbers that labels spell, or None where one spells none."""
    try:
        return np.array([float(label) for label in labels])
    except ValueError:
        return None
