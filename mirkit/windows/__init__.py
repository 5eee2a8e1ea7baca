"""Windows: long recordings cut on a fixed grid, run through a network, and merged.

`run` is the engine. A strategy says how recordings are cut and what each window counts:
`Context` discards the context around each window, so that the result is that of the whole
recording; `Overlap` averages windows that overlap. Memory is bounded by a few windows and by the
heads, and the result does not depend on the sizes of the blocks that come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mirkit.activations import Head, HeadSpec
from mirkit.arrays import Floats32
from mirkit.frames import FrameGrid
from mirkit.windows.cutting import (
    ALIGNMENT,
    Average,
    Context,
    Overlap,
    Strategy,
    Window,
    batches,
    pad,
)
from mirkit.windows.merging import Merger

__all__ = [
    "ALIGNMENT",
    "Average",
    "Context",
    "Net",
    "Overlap",
    "Strategy",
    "Window",
    "pad",
    "run",
]

Net = Callable[[list[Window]], Mapping[str, Floats32]]
"""A network on a batch of windows of one length; its outputs have a batch axis."""


def run(
    strategy: Strategy,
    places: Iterable[Floats32],
    net: Net,
    heads: Mapping[str, HeadSpec],
    grid: FrameGrid,
    n_batch: int = 1,
) -> dict[str, Head]:
    """Return the heads of a network on a recording.

    Parameters
    ----------
    strategy
        How the recording is cut.
    places
        Consecutive pieces of the recording: frames ``(n_frames, n_bins)`` or samples
        ``(n_samples,)``, of any length.
    net
        What runs the network.
    heads
        The heads that are wanted.
    grid
        The clock of the places.
    n_batch
        Windows that the network is given at once.

    Raises
    ------
    ParameterError
        Where there are no places, or the rows of a head do not meet the windows.
    """
    strategy.check(heads)
    merger = Merger(heads, grid, strategy.average, strategy.hop)
    for batch in batches(strategy.cut(places), n_batch):
        outputs = net(batch)
        for i, window in enumerate(batch):
            merger.add(window, {name: values[i] for name, values in outputs.items()})
    return merger.heads()
