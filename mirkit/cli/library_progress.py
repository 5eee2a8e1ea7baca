"""Progress of an analysis on stderr: a bar on a terminal, a line every minute elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from mirkit.library import Progress

EVERY = 60.0
"""Time between two lines where stderr is no terminal [s]."""


class Bar:
    """The progress of an analysis: count, rate, time left, and the file in hand."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Show how far it is."""
        if sys.stderr.isatty():
            self._show(progress)
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            print(line(progress), file=sys.stderr, flush=True)

    def _show(self, progress: Progress) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=progress.n_total, unit="track", dynamic_ncols=True)
        self._bar.total = progress.n_total
        self._bar.set_postfix_str(_names(progress), refresh=False)
        self._bar.update(progress.n_done - self._bar.n)


def _names(progress: Progress) -> str:
    failed = f"{progress.n_failed} failed, " if progress.n_failed else ""
    return failed + ", ".join(Path(path).name[:24] for path in progress.in_hand[:2])


def line(progress: Progress) -> str:
    """Return how far an analysis is as a line.

    Examples
    --------
    >>> from mirkit.library import Progress
    >>> line(Progress(30, 90, 1, 60.0, ("/music/a.mp3",)))
    '30 of 90 tracks, 1 failed, 1800 per hour, 2 min left: a.mp3'
    """
    left = "" if progress.eta is None else f", {progress.eta / 60:.0f} min left"
    names = ", ".join(Path(path).name for path in progress.in_hand)
    return (
        f"{progress.n_done} of {progress.n_total} tracks, {progress.n_failed} failed, "
        f"{3600 * progress.rate:.0f} per hour{left}: {names}"
    )
