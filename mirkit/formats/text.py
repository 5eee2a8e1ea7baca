"""Lines of text formats with their numbers, and errors that guess the mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import FormatError

_LONGEST_BEAT = 100.0  # of a real beat, in seconds; beats in milliseconds are longer


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, which knows where it stands."""

    file: str
    number: int
    text: str

    def error(self, problem: str) -> FormatError:
        """Return the error that names file, line, content and problem."""
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        return FormatError(f"{self.file}, line {self.number}: {problem}. The line is {shown!r}")

    def number_in(self, word: str, meaning: str) -> float:
        """Return the number that `word` of this line spells."""
        try:
            value = float(word)
        except ValueError:
            raise self.error(f"{meaning} {word!r} is no number{_guess(word, self)}") from None
        if not np.isfinite(value):
            raise self.error(f"{meaning} is {word}; it must be finite")
        return value

    def time_in(self, word: str, meaning: str = "time") -> float:
        """Return the time [s] that `word` of this line spells."""
        value = self.number_in(word, meaning)
        if value < 0:
            raise self.error(f"{meaning} {word} is negative; times start at 0")
        return value


def lines_of(text: str, file: str) -> Iterator[Line]:
    """Yield the lines that hold something; ``#`` begins a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip("\r")
        if line.strip() and not line.lstrip().startswith("#"):
            yield Line(file, number, line)


def check_sorted(lines: list[Line], times: list[float]) -> None:
    """Raise where a time does not come after the one before it."""
    for i in range(1, len(times)):
        if times[i] <= times[i - 1]:
            what = "is given twice" if times[i] == times[i - 1] else "goes back"
            raise lines[i].error(
                f"time {times[i]:g} s {what} after {times[i - 1]:g} s; sort the lines by time"
            )


def check_seconds(file: str, times: NDArray[np.float64]) -> None:
    """Raise where beats lie so far apart that they are in milliseconds."""
    if len(times) >= 4 and np.median(np.diff(times)) > _LONGEST_BEAT:
        raise FormatError(
            f"{file}: beats lie {np.median(np.diff(times)):g} s apart. Are the times in "
            "milliseconds, or in frames? They are seconds here."
        )


def _guess(word: str, line: Line) -> str:
    if re.fullmatch(r"-?\d+,\d+", word):
        return ": write the decimal point, not a comma"
    if re.fullmatch(r"\d+(:\d+)+(\.\d+)?", word):
        return ": write seconds, not minutes:seconds"
    if re.search(r"[,;]", word):
        return ": columns are separated by tabs or spaces here; is this a CSV file?"
    if line.number == 1:
        return ": is the first line a header? Put # before it"
    return ""
