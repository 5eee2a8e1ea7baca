"""Meters: how many beats a bar has, and which note each of them is written as."""

from __future__ import annotations

import re

from mirkit.errors import ParameterError

QUARTER = 4
"""The denominator that is written where none is known."""

DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)
"""The notes that a beat may be written as, as fractions of a whole note."""

_METER = re.compile(r"\s*(\d{1,3})\s*(?:/\s*(\d{1,3})\s*)?")


def read_meter(text: str) -> tuple[int, int | None]:
    """Return the beats in a bar and the denominator that a time signature names.

    The denominator is None where the text is a number alone.

    Raises
    ------
    ParameterError
        Where the text is no time signature.

    Examples
    --------
    >>> read_meter("4/4"), read_meter("6/8"), read_meter("3")
    ((4, 4), (6, 8), (3, None))
    """
    match = _METER.fullmatch(text)
    if match is None or not int(match[1]):
        raise ParameterError(f"{text!r} is no meter; one is written as 4, 4/4 or 6/8")
    if match[2] is None:
        return int(match[1]), None
    denominator = int(match[2])
    if denominator not in DENOMINATORS:
        raise ParameterError(
            f"{text!r} has the denominator {denominator}; it is one of "
            f"{', '.join(map(str, DENOMINATORS))}"
        )
    return int(match[1]), denominator


def write_meter(meter: int, denominator: int | None = None) -> str:
    """Return the time signature of a meter; its beats are quarters where nothing else is known.

    Examples
    --------
    >>> write_meter(6, 8), write_meter(3)
    ('6/8', '3/4')
    """
    return f"{meter}/{denominator or QUARTER}"
