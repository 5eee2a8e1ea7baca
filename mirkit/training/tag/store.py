"""The features or samples of labeled recordings, computed once and mapped from their file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.audio import Audio, reading
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd
from mirkit.training.stores import appending, mapped

VALUES = "values.f16"


@dataclass(frozen=True)
class SoundStore:
    """What recordings look like to a network, in half precision.

    Parameters
    ----------
    values
        All of them, one after the other: features ``(n, n_bins)``, or samples ``(n, 1)``.
    places
        Of each recording that was asked for, the first row and the number of rows.
    """

    values: NDArray[np.float16]
    places: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, i: int) -> Floats32:
        """Return recording `i`, ``(n_frames, n_bins)`` or ``(n_samples, 1)``."""
        first, n = self.places[i]
        return self.values[first : first + n].astype(np.float32)

    def length(self, i: int) -> int:
        """Return how many frames or samples recording `i` has."""
        return self.places[i][1]


def open_sounds(
    paths: Sequence[Path],
    folder: str | Path,
    front_end: FrontEnd | None,
    sample_rate: int,
    longest: float = 0.0,
) -> SoundStore:
    """Return recordings from a store, computing what is not in it yet.

    Parameters
    ----------
    paths
        The recordings.
    folder
        The store; only ever appended to. A recording is known by its path, size and time.
    front_end
        What makes the features, or None for samples.
    sample_rate
        Of the samples [Hz].
    longest
        How much of a recording is kept, from its beginning [s]; all where 0.

    Raises
    ------
    ParameterError
        Where the store holds something else.
    """
    if not paths:
        raise ParameterError("paths is empty: there is nothing to keep")
    n_bins = front_end.n_bins if front_end else 1
    kind = {
        "front_end": front_end.name if front_end else "samples",
        "sample_rate": sample_rate,
        "longest": longest,
        "n_bins": n_bins,
    }
    folder = Path(folder).expanduser()
    with appending(folder, VALUES, kind, "n", 2 * n_bins) as store:
        have = {row["key"]: (row["first"], row["n"]) for row in store.rows}
        for path in paths:
            key = _key(path)
            if key not in have:
                made = _made(path, front_end, sample_rate, longest).astype(np.float16)
                have[key] = (store.first, len(made))
                store.append(made, {"key": key, "first": store.first, "n": len(made)})
    places = tuple(have[_key(path)] for path in paths)
    return SoundStore(mapped(folder / VALUES, np.float16, n_bins), places)


def _key(path: Path) -> str:
    about = path.stat()
    text = f"{path.resolve()} {about.st_size} {about.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _made(path: Path, front_end: FrontEnd | None, sample_rate: int, longest: float) -> Floats32:
    audio = reading.read(path, sample_rate=sample_rate)
    samples: Floats32 = audio.samples.mean(axis=0)
    if longest:
        samples = samples[: round(longest * sample_rate)]
    if front_end is None:
        return samples[:, None]
    return front_end(Audio(samples[None], sample_rate)).values
