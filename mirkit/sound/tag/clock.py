"""How recordings are cut for a network, and when its outputs by frame are."""

from __future__ import annotations

from dataclasses import dataclass

from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.sound.tag.config import Shape, TagConfig
from mirkit.sound.tag.windows import Grid


@dataclass(frozen=True)
class Clock:
    """Windows, and the rows of outputs by frame in them.

    Parameters
    ----------
    windows
        How recordings are cut.
    places
        When each place (frame or sample) is that windows are cut from.
    rows
        When each row of the outputs by frame is, or None where there are none.
    rows_per_hop
        Rows from one window to the next.
    """

    windows: Grid
    places: FrameGrid
    rows: FrameGrid | None
    rows_per_hop: int

    @property
    def n_context(self) -> int:
        """Rows at either side that a window leaves to its neighbour."""
        overlap = self.windows.length - self.windows.hop
        return overlap * self.rows_per_hop // (2 * self.windows.hop)

    def n_rows(self, n_places: int) -> int:
        """Return how many rows so many places have; the last may be begun only."""
        return -(-n_places * self.rows_per_hop // self.windows.hop)

    def of_windows(self, n_places: int) -> FrameGrid:
        """Return when the middle of each window is, of a recording of so many places."""
        middle = (min(n_places, self.windows.length) - 1) / 2
        return FrameGrid(self.places.rate / self.windows.hop, float(self.places.time_of(middle)))


def clock(
    shape: Shape, places: FrameGrid, inner: FrameGrid, config: TagConfig, n_places: int
) -> Clock:
    """Return how a network hears long recordings.

    Parameters
    ----------
    shape
        Of the network.
    places
        The clock of what windows are cut from.
    inner
        The clock of the first input of the network, in which `shape` counts.
    config
        What says how much windows have in common.
    n_places
        How many places a window has, if the network bears that many.

    Raises
    ------
    ParameterError
        Where the overlap leaves windows no step forward.
    """
    length = n_places
    if shape.max_length is not None:
        length = min(length, int(shape.max_length * places.rate / inner.rate))
    hop = length - int(config.overlap * places.rate)
    if shape.step is None:
        return Clock(Grid(length, _forward(hop, config)), places, None, 0)
    per_row = places.rate * shape.step / inner.rate  # so rows of neighbours fall together
    hop = _forward(hop // per_row.numerator * per_row.numerator, config)
    first = (shape.step - 1) / 2 if shape.first is None else shape.first
    rows = FrameGrid(inner.rate / shape.step, float(inner.time_of(first)))
    return Clock(Grid(length, hop), places, rows, int(hop / per_row))


def _forward(hop: int, config: TagConfig) -> int:
    if hop < 1:
        raise ParameterError(
            f"overlap is {config.overlap} s: the network hears no more than that at once"
        )
    return hop
