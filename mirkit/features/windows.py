"""Windows: the weights that a frame is multiplied with before its spectrum is taken."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.errors import ParameterError


def _cosine(length: int, period: int, mean: float) -> NDArray[np.float64]:
    phase = 2 * np.pi * np.arange(length) / max(period, 1)
    return np.asarray(mean - (1 - mean) * np.cos(phase))


# A periodic window leaves out its last zero, a symmetric one keeps it.
WINDOWS: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "hann": lambda n: _cosine(n, n, 0.5),
    "hann_symmetric": lambda n: _cosine(n, n - 1, 0.5),
    "hamming_symmetric": lambda n: _cosine(n, n - 1, 0.54),
    "povey": lambda n: _cosine(n, n - 1, 0.5) ** 0.85,
    "rectangular": lambda n: np.ones(n),
}


@lru_cache(maxsize=64)
def window(name: str, length: int) -> NDArray[np.float32]:
    """Return a window, read-only, shape ``(length,)``.

    Parameters
    ----------
    name
        ``"hann"`` is periodic, as spectrograms want it; ``"hann_symmetric"``,
        ``"hamming_symmetric"`` and ``"povey"`` (Kaldi's, a Hann to the power 0.85) end as they
        begin.
    length
        Number of samples.

    Examples
    --------
    >>> window("hann", 4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    checks.member("window", name, WINDOWS)
    if length < 1:
        raise ParameterError(f"length is {length} samples; a window holds at least 1")
    exact = np.ones(1) if length == 1 else WINDOWS[name](length)
    weights = exact.astype(np.float32)
    weights.flags.writeable = False
    return weights
