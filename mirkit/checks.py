"""Checks at the border: turn what a user passed into what the values hold, or say what is wrong."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mirkit.errors import ParameterError, UnknownName


def frozen_array(name: str, value: Any, dtype: DTypeLike, ndim: int) -> NDArray[Any]:
    """Return `value` as a read-only array of `ndim` axes.

    An array that the caller may still write to is copied; a read-only one is shared.

    Raises
    ------
    ParameterError
        Where `value` does not convert, or has another number of axes.
    """
    wanted = np.dtype(dtype)
    try:
        given = np.asarray(value)
        _lossless(name, given, wanted)
        array = given.astype(wanted, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"{name} does not convert to {wanted}: {error}") from None
    if array.ndim != ndim:
        raise ParameterError(f"{name} has shape {array.shape}; it needs {ndim} axes")
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def _lossless(name: str, given: NDArray[Any], wanted: np.dtype[Any]) -> None:
    """Raise `ParameterError` where a conversion would cut numbers off."""
    if given.dtype.kind == "c":
        raise ParameterError(f"{name} holds complex numbers; it needs {wanted}")
    if wanted.kind == "i" and given.dtype.kind == "f":
        bad = np.flatnonzero(~((np.abs(given) < 2.0**63) & (given == np.trunc(given))))
        if bad.size:
            raise ParameterError(
                f"{name} holds {given.flat[bad[0]]}; it holds whole numbers, and none is cut off"
            )


def texts(name: str, value: Any, *, or_none: bool = False) -> tuple[Any, ...]:
    """Return `value` as a tuple of texts; with `or_none` some may be None.

    Raises
    ------
    ParameterError
        Where it is one text or holds something else, naming the first.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ParameterError(f"{name} is {value!r}; it is a sequence of texts")
    found = tuple(value)
    for i, text in enumerate(found):
        if not isinstance(text, str) and not (or_none and text is None):
            raise ParameterError(f"{name}[{i}] is {text!r}, {_kind(text)}; it must be a text")
    return found


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
    empty = value is not None and np.size(value) == 0
    array = frozen_array(name, np.empty((0, 2)) if empty else value, np.float64, 2)
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
    if value is not None and not 0 <= number(name, value) <= 1:
        raise ParameterError(f"{name} is {value}; it lies in [0, 1] or is None")


def same_length(name: str, value: Sequence[Any] | NDArray[Any], n: int) -> None:
    """Raise `ParameterError` unless `value` holds `n` items."""
    if len(value) != n:
        raise ParameterError(f"{name} holds {len(value)} items where {n} are needed")


def number(name: str, value: Any) -> float:
    """Return `value` where it is one real number.

    Raises
    ------
    ParameterError
        Where it is a text, even one that spells a number, or an array, or None.

    Examples
    --------
    >>> number("hint_bpm", 120)
    120
    """
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
        return float(value)
    raise ParameterError(f"{name} is {shown(value)}; it must be a number")


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return `value` where it is one whole number, `least` or more.

    Raises
    ------
    ParameterError
        Where it is not.
    """
    given = number(name, value)
    if not (isfinite(given) and given == int(given) and given >= least):
        raise ParameterError(f"{name} is {value}; it is a whole number from {least} on")
    return int(given)


def instance(name: str, value: Any, kinds: type | tuple[type, ...], expected: str) -> None:
    """Raise `ParameterError` unless `value` is of one of these kinds, which `expected` names.

    Examples
    --------
    >>> instance("model", "tempogram", str, "the name of a model")
    """
    if not isinstance(value, kinds):
        raise ParameterError(f"{name} is {shown(value)}; it is {expected}")


def member(kind: str, value: Any, known: Iterable[str]) -> None:
    """Raise an error unless `value` is one of the `known` names of a kind of thing.

    Raises
    ------
    ParameterError
        Where it is no text.
    UnknownName
        Where it is unknown; the message suggests close matches.
    """
    instance(kind, value, str, "a name")
    if value not in known:
        raise UnknownName(kind, value, list(known))


def shown(value: Any) -> str:
    """Return a value, cut short, and what kind of thing it is, for messages.

    Examples
    --------
    >>> shown("120"), shown(None)
    ("'120', a text", 'None, nothing')
    """
    return f"{reprlib.repr(value)}, {_kind(value)}"


def _kind(value: Any) -> str:
    names = {str: "a text", bool: "a truth value", type(None): "nothing", np.ndarray: "an array"}
    return names.get(type(value), f"a {type(value).__name__}")


def positive(name: str, value: float) -> None:
    """Raise `ParameterError` unless `value` is a finite number above zero."""
    if not (isfinite(number(name, value)) and value > 0):
        raise ParameterError(f"{name} is {value}; it must be a number above 0")


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


def _numbers(labels: Sequence[str | None]) -> NDArray[np.float64] | None:
    """Return the numbers that labels spell, or None where one spells none."""
    try:
        return np.array([float(label or "") for label in labels])
    except ValueError:
        return None
