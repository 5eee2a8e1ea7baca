"""The time of the music and the time of the machine."""

from __future__ import annotations

import time
from collections import deque
from typing import Protocol

MEMORY = 10.0
"""How long an arrival counts [s]: a sound card may drift from the machine by a millisecond then."""


class Clock(Protocol):
    """Clock of the machine [s]."""

    def now(self) -> float:
        """Return the time [s]; it never goes back."""
        ...


class MonotonicClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the time [s]."""
        return time.monotonic()


class MusicClock:
    """Position of the music at a time of the machine, learned from the arrival of its blocks.

    Blocks come late by whatever delays them, and never early, so the earliest of the last ten
    seconds counts. `lead` is how much earlier everything is to go out [s]: what the way from the
    microphone and the way to the lamp take together.

    Examples
    --------
    >>> clock = MusicClock()
    >>> for heard, arrived in ((0.02, 100.02), (0.04, 100.07), (0.06, 100.061)):
    ...     clock.arrive(heard, arrived)
    >>> round(clock.music(101.0), 6), round(clock.machine(1.0), 6)
    (1.0, 101.0)
    """

    def __init__(self, lead: float = 0.0) -> None:
        self.lead = lead
        self._starts: deque[tuple[float, float]] = deque()  # (arrived, start), starts increasing

    def arrive(self, heard: float, arrived: float) -> None:
        """Learn that the music up to `heard` [s] was there at `arrived` on the machine's clock."""
        start = arrived - heard
        while self._starts and self._starts[-1][1] >= start:
            self._starts.pop()
        self._starts.append((arrived, start))
        while self._starts[0][0] < arrived - MEMORY:
            self._starts.popleft()

    @property
    def known(self) -> bool:
        """Tell whether anything has arrived."""
        return bool(self._starts)

    def music(self, machine: float) -> float:
        """Return where the music is [s]."""
        return machine - self._start()

    def machine(self, music: float) -> float:
        """Return when the music is there, on the machine's clock [s]."""
        return music + self._start()

    def _start(self) -> float:
        return self._starts[0][1] - self.lead if self._starts else 0.0
