"""Targets of beat networks: beats and downbeats per frame, tempo per excerpt."""

from __future__ import annotations

import numpy as np

from mirkit.arrays import Floats, Floats32

SPREAD = np.array([0.25, 0.5, 1.0, 0.5, 0.25])  # of a tempo over neighboring bins


def frame_targets(times: Floats, fps: float, n_frames: int, neighbour: float = 0.5) -> Floats32:
    """Return 1 at the frame of each time, and `neighbour` at the frames beside it.

    Parameters
    ----------
    times
        Events, counted from frame 0 [s].
    fps
        Frames per second.
    n_frames
        Length of the result.
    neighbour
        Target of the frames on either side; 0 leaves them out.

    Examples
    --------
    >>> frame_targets(np.array([0.02, 0.05]), fps=100, n_frames=8).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.5, 1.0, 0.5, 0.0]
    """
    padded = np.zeros(n_frames + 2, dtype=np.float32)
    frames = np.rint(times * fps).astype(np.int64) + 1
    frames = frames[(frames >= 0) & (frames < n_frames + 2)]
    for shift, value in ((-1, neighbour), (1, neighbour), (0, 1.0)):
        at = frames + shift
        at = at[(at >= 0) & (at < n_frames + 2)]
        padded[at] = np.maximum(padded[at], value)
    return padded[1:-1]


def tempo_target(times: Floats, stretch: float, n_tempi: int) -> Floats32 | None:
    """Return the distribution of an excerpt's tempi, bin i = i bpm, or None where there is none.

    Each beat interval counts by its length, spread over two bins either way, so that a tempo
    that drifts gives a broad hill and a constant one a narrow one.

    Parameters
    ----------
    times
        Beats of the excerpt [s].
    stretch
        By how much faster the excerpt passes than it was played.
    n_tempi
        Length of the result.
    """
    intervals = np.diff(times)
    if not len(intervals):
        return None
    bpm = 60 / intervals * stretch
    low = np.floor(bpm).astype(np.int64)
    histogram = np.zeros(n_tempi + 8)
    for at, share in ((low, 1 - (bpm - low)), (low + 1, bpm - low)):
        inside = at < n_tempi
        np.add.at(histogram, at[inside] + 4, (share * intervals)[inside])
    smooth = np.convolve(histogram, SPREAD, "same")[4 : 4 + n_tempi]
    total = smooth.sum()
    return np.asarray(smooth / total, dtype=np.float32) if total > 0 else None
