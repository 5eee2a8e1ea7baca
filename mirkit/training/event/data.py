"""Scenes as arrays for training: features and frame targets, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from mirkit.annotation import Events
from mirkit.arrays import Bools
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd
from mirkit.rendering.scenes.mix import SAMPLE_RATE, Read, mix_scene
from mirkit.rendering.scenes.plan import SceneSpec

FEATURES, TARGETS = "features.npy", "targets.npy"


def frame_targets(
    events: Events, labels: Sequence[str], n_steps: int, step: float, start: float = 0.0
) -> Bools:
    """Return in which steps each class sounds at the middle of the step.

    Parameters
    ----------
    events
        The events; labels that are not among `labels` are left out.
    labels
        Names of the classes.
    n_steps
        How many steps.
    step
        Their length [s].
    start
        Time at the middle of the first step [s].

    Returns
    -------
    Shape ``(n_steps, n_labels)``. An event between the middles of two steps marks the nearer one.

    Examples
    --------
    >>> frame_targets(Events([[0.1, 0.3]], ("Dog",)), ["Dog"], n_steps=4, step=0.1).ravel()
    array([False,  True,  True,  True])
    """
    place = {label: i for i, label in enumerate(labels)}
    found = np.zeros((n_steps, len(labels)), bool)
    for (onset, offset), label in zip(events.intervals.tolist(), events.labels, strict=True):
        if label in place:
            first = int(np.ceil((onset - start) / step - 1e-6))
            last = int(np.floor((offset - start) / step + 1e-6))
            if last < first:
                first = last = round(((onset + offset) / 2 - start) / step)
            found[max(first, 0) : max(last + 1, 0), place[label]] = True
    return found


@dataclass(frozen=True)
class SceneStore:
    """Features and targets of scenes on disk.

    Parameters
    ----------
    features
        Shape ``(n_scenes, n_frames, n_bins)``, float16.
    targets
        Shape ``(n_scenes, n_steps, n_classes)``, bool.
    """

    features: NDArray[np.float16]
    targets: Bools

    @classmethod
    def open(cls, folder: str | Path) -> SceneStore:
        """Return the store in a folder, read as it is needed."""
        root = Path(folder)
        return cls(np.load(root / FEATURES, "r"), np.load(root / TARGETS, "r"))

    def __len__(self) -> int:
        return len(self.features)

    def batches(
        self, n_batch: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield features and targets of batches, in random order where there is a generator."""
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        for at in range(0, len(order), n_batch):
            chosen = np.sort(order[at : at + n_batch])
            yield self.features[chosen].astype(np.float32), self.targets[chosen].astype(np.float32)


def store_scenes(
    specs: Sequence[SceneSpec],
    labels: Sequence[str],
    front_end: FrontEnd,
    read: Read,
    folder: str | Path,
    step: int = 2,
) -> SceneStore:
    """Mix scenes and keep their features and targets; a store that is whole is only opened.

    Parameters
    ----------
    specs
        Scenes of one length.
    labels
        Names of the classes.
    front_end
        What the network listens through.
    read
        Returns the samples of a sound, see `mirkit.rendering.scenes.SoundReader`.
    folder
        Where the arrays are kept.
    step
        Frames of the front end for a step of the targets.

    Raises
    ------
    ParameterError
        Where the front end has another sample rate than scenes.
    """
    if front_end.sample_rate != SAMPLE_RATE:
        raise ParameterError(
            f"{front_end.name} listens at {front_end.sample_rate} Hz; scenes have {SAMPLE_RATE} Hz"
        )
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    if not (root / TARGETS).is_file():
        _write(specs, labels, front_end, read, root, step)
    return SceneStore.open(root)


def _write(
    specs: Sequence[SceneSpec], labels: Sequence[str], front_end: FrontEnd, read: Read,
    root: Path, step: int,
) -> None:  # fmt: skip
    n = front_end.n_frames(round(specs[0].seconds * SAMPLE_RATE))
    n_steps = -(-n // step)
    shape = (len(specs), n, front_end.n_bins)
    features: Any = open_memmap(root / FEATURES, mode="w+", dtype=np.float16, shape=shape)
    targets = np.zeros((len(specs), n_steps, len(labels)), bool)
    period = step * front_end.grid.period
    for i, spec in enumerate(specs):
        scene = mix_scene(spec, read)
        features[i] = front_end(Audio(scene.samples[None], SAMPLE_RATE)).values
        targets[i] = frame_targets(scene.events, labels, n_steps, period, front_end.grid.start)
    features.flush()
    np.save(root / "part.npy", targets)
    (root / "part.npy").rename(root / TARGETS)
