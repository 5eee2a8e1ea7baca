"""WordPiece: words split into the longest pieces that a vocabulary holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mirkit.arrays import Ints
from mirkit.errors import ParameterError

PAD, UNKNOWN = "[PAD]", "[UNK]"
CONTINUED = "##"  # what pieces begin with that do not begin a word
LONGEST = 64  # characters; longer words are unknown
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class WordPiece:
    """A tokenizer: small letters without accents, words, then their longest known pieces.

    Punctuation separates words and is dropped.

    Parameters
    ----------
    pieces
        The vocabulary; the place of a piece is its number. The first two are ``[PAD]`` and
        ``[UNK]``; pieces within words begin with ``##``.
    max_length
        Tokens of a text at most; the rest is cut off.

    References
    ----------
    Y. Wu et al., "Google's neural machine translation system", 2016, section 4.1.

    Examples
    --------
    >>> tokenizer = WordPiece((PAD, UNKNOWN, "bark", "##ing", "dog", "a"))
    >>> [tokenizer.pieces[i] for i in tokenizer.encode("A Dog, barking!")]
    ['a', 'dog', 'bark', '##ing']
    """

    pieces: tuple[str, ...]
    max_length: int = 64

    def __post_init__(self) -> None:
        if self.pieces[:2] != (PAD, UNKNOWN):
            raise ParameterError(f"pieces begin with {self.pieces[:2]}, not with {PAD}, {UNKNOWN}")
        if len(self._numbers) < len(self.pieces):
            raise ParameterError("pieces hold a piece twice; each has a number of its own")

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {piece: i for i, piece in enumerate(self.pieces)}

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the pieces of a text."""
        numbers = [i for word in words_of(text) for i in self._split(word)]
        return numbers[: self.max_length]

    def batch(self, texts: Sequence[str]) -> Ints:
        """Return the numbers of several texts, ``(n_texts, n_tokens)``, padded with 0."""
        rows = [self.encode(text) or [1] for text in texts]
        longest = max(map(len, rows), default=0)
        return np.array([row + [0] * (longest - len(row)) for row in rows], np.int64)

    def _split(self, word: str) -> list[int]:
        """Return the longest known pieces of a word from the left, or that it is unknown."""
        found, start = [], 0
        while start < len(word):
            match = next(self._known(word, start), None)
            if match is None or len(word) > LONGEST:
                return [1]
            number, start = match
            found.append(number)
        return found

    def _known(self, word: str, start: int) -> Iterator[tuple[int, int]]:
        """Yield the known pieces from `start` on, longest first: their numbers and ends."""
        prefix = CONTINUED if start else ""
        for end in range(len(word), start, -1):
            number = self._numbers.get(prefix + word[start:end])
            if number is not None:
                yield number, end


def words_of(text: str) -> Iterable[str]:
    """Return the words of a text, in small letters and without accents.

    Examples
    --------
    >>> list(words_of("Café-Lärm: 120 BPM"))
    ['cafe', 'larm', '120', 'bpm']
    """
    plain = unicodedata.normalize("NFD", text.lower())
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))
