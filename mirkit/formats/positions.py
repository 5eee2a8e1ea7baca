"""Positions in the bar, as programs write them: the number of the beat, or bar and beat.

``1 2 3 4 1`` are numbers of beats. ``1.1 1.2 1.3 1.4 2.1`` are bar and beat, where the dot is no
decimal point: in a text, ``1.10`` is the tenth beat of bar 1. What is neither is refused, and
nothing is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mirkit import checks
from mirkit.arrays import Ints
from mirkit.errors import ParameterError

_NUMBER = re.compile(r"(\d+)(?:\.0*)?")
_BAR_AND_BEAT = re.compile(r"(\d+)\.(\d+)")


def read_positions(words: Sequence[str | float | None]) -> Ints | None:
    """Return the number of each beat in its bar; 0 where a word is empty, or None where all are.

    Parameters
    ----------
    words
        Texts or numbers; None and empty texts stand for what is not known.

    Raises
    ------
    ParameterError
        Where they are neither numbers of beats nor bars and beats that follow each other.

    Examples
    --------
    >>> read_positions(["1", "2", "", "1"]), read_positions([1.1, 1.2, 2.1])
    (array([1, 2, 0, 1]), array([1, 2, 1]))
    """
    texts = [_text(word) for word in words]
    whole = [_NUMBER.fullmatch(text) if text else None for text in texts]
    if all(match or not text for match, text in zip(whole, texts, strict=True)):
        positions = [int(match[1]) if match else 0 for match in whole]
        return np.array(positions, dtype=np.int64) if any(positions) else None
    return _beats_of_bars(texts)


def _text(word: str | float | None) -> str:
    """Return a word as text; a number that was held in single precision loses its noise."""
    if word is None or isinstance(word, str):
        return (word or "").strip()
    return f"{checks.number('position', word):.7g}"


def _beats_of_bars(texts: Sequence[str]) -> Ints:
    matches = [_BAR_AND_BEAT.fullmatch(text) if text else None for text in texts]
    if any(text and match is None for text, match in zip(texts, matches, strict=True)):
        odd = next(text for text in texts if text and not _NUMBER.fullmatch(text))
        raise ParameterError(
            f"position {odd} is no number of a beat (1 = downbeat), and not all of them are "
            "bar.beat, as 1.1 1.2 1.3 2.1"
        )
    places = [(int(match[1]), int(match[2])) for match in matches if match]
    for (bar, beat), (after, following) in pairwise(places):
        if not (following == beat + 1 if after == bar else after > bar and following == 1):
            raise ParameterError(
                f"position {bar}.{beat} is followed by {after}.{following}; as numbers of beats "
                "they are not whole, and as bar.beat they do not follow each other"
            )
    return np.array([int(match[2]) if match else 0 for match in matches], dtype=np.int64)
