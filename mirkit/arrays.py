"""The array types that signatures name."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

Blocks: TypeAlias = Iterable[NDArray[np.float32]]
"""Consecutive samples of one recording, each block ``(n_channels, n_samples)``."""
