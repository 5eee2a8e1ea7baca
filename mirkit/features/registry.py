"""Front ends by name."""

from __future__ import annotations

from types import MappingProxyType

from mirkit.errors import UnknownName
from mirkit.features.attack import ATTACK_22K
from mirkit.features.base import FrontEnd
from mirkit.features.logfilt import SEMITONES_22K, TCN_22K, TCN_2020
from mirkit.features.logmel import PRESETS
from mirkit.features.onset import ONSET, ONSET_50
from mirkit.features.tempogram import FOURIER_TEMPOGRAM, TEMPOGRAM
from mirkit.features.vqt import VQT_11K

_ALL: tuple[FrontEnd, ...] = (
    TCN_2020,
    TCN_22K,
    SEMITONES_22K,
    ATTACK_22K,
    ONSET,
    ONSET_50,
    TEMPOGRAM,
    FOURIER_TEMPOGRAM,
    VQT_11K,
    *PRESETS,
)

FRONT_ENDS = MappingProxyType({each.name: each for each in _ALL})


def front_end(name: str) -> FrontEnd:
    """Return the front end of this name; `FRONT_ENDS` lists them.

    Raises
    ------
    UnknownName
        Where there is none; the message holds close matches.

    Examples
    --------
    >>> front_end("tcn_22k").n_bins
    81
    """
    try:
        return FRONT_ENDS[name]
    except KeyError:
        raise UnknownName("front end", name, list(FRONT_ENDS)) from None
