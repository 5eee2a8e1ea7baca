"""The options that all beat trackers share: what they may be, and what they mean."""

from __future__ import annotations

from typing import TypeAlias

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.vocab.meters import read_meter

Meter: TypeAlias = "int | str | tuple[int | str, ...] | None"

# Bar lengths that compete where none was asked for. Others are rare, and a bar of two is too easily
# found in the backbeat of a bar of four: they want asking for.
USUAL = (3, 4)


def check_options(hint_bpm: float | None, bpm_range: tuple[float, float], meter: Meter) -> None:
    """Raise `ParameterError` where an option is out of range."""
    if not isinstance(bpm_range, tuple | list) or len(bpm_range) != 2:
        raise ParameterError(
            f"bpm_range is {checks.shown(bpm_range)}; it is (slowest, fastest) [bpm]"
        )
    for bpm in bpm_range:
        checks.positive("bpm_range", bpm)
    if bpm_range[0] >= bpm_range[1]:
        raise ParameterError(f"bpm_range is {bpm_range}; the slowest tempo comes first")
    if hint_bpm is not None:
        checks.positive("hint_bpm", hint_bpm)
        if not bpm_range[0] <= hint_bpm <= bpm_range[1]:
            raise ParameterError(f"hint_bpm is {hint_bpm}, outside bpm_range {bpm_range}")
    if isinstance(meter, tuple | list) and not meter:
        raise ParameterError("meter is empty; it is a bar length, several of them, or None")
    for length in _lengths(meter):
        if not 1 <= checks.whole("meter", length) <= 16:
            raise ParameterError(f"meter holds {length}; bars have 1 to 16 beats")


def meter_priors(meter: Meter) -> dict[int, float]:
    """Return the bar lengths that `meter` allows and how likely each is: all alike.

    Examples
    --------
    >>> meter_priors(None)
    {3: 0.5, 4: 0.5}
    """
    lengths = _lengths(meter)
    return dict.fromkeys(lengths, 1 / len(lengths))


def _lengths(meter: Meter) -> tuple[int, ...]:
    if meter is None:
        return USUAL
    given = meter if isinstance(meter, tuple | list) else (meter,)
    known = [read_meter(x)[0] if isinstance(x, str) else checks.whole("meter", x) for x in given]
    return tuple(dict.fromkeys(known))
