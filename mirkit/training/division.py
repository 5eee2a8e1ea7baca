"""Division of recordings into those to train on and those held out, the same on every machine.

What was cut from one recording, or is known to be alike, is a group and stays together.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

from mirkit.datasets.sounds import Sound
from mirkit.errors import ParameterError

N_SHARES = 1 << 32


def is_held_out(sound: Sound, fold: int, share: float) -> bool:
    """Tell whether a recording validates: by fold, else by split, else by its group.

    Parameters
    ----------
    sound
        The recording.
    fold
        The fold that is held out; 0 where there are no folds.
    share
        Share of the groups that are held out, where nothing else decides.
    """
    if fold:
        return sound.fold == fold
    if sound.split is not None:
        return sound.split != "train"
    return share_of(sound.group or str(sound.path)) < share


def share_of(name: str) -> float:
    """Return a number in [0, 1) that only the name decides, by its SHA-256."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") / N_SHARES


def hold_out(names: Sequence[str], n_held_out: int) -> tuple[list[int], list[int]]:
    """Return the places of the names to train on, and of `n_held_out` others, by hash.

    Raises
    ------
    ParameterError
        Where nothing is left to train on, or nothing held out.
    """
    if not 0 < n_held_out < len(names):
        raise ParameterError(
            f"n_validation is {n_held_out}; of {len(names)} recordings, at least one is to "
            "validate on and one to train on"
        )
    order = sorted(range(len(names)), key=lambda i: (zlib.crc32(names[i].encode()), names[i]))
    return order[n_held_out:], order[:n_held_out]
