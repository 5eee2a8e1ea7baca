"""A store of clips to train on: their samples, and what is true of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.annotation import Beats
from mirkit.errors import FormatError, ParameterError
from mirkit.training.stores import INDEX, appending, rows_of

SAMPLES = "samples.i16"
SCALE = 32768


@dataclass(frozen=True)
class Clip:
    """Where a clip's samples lie in its store, and what is true of it.

    Parameters
    ----------
    name
        Its name.
    split
        ``train``, ``val`` or ``test``.
    first, n_samples
        Its samples in the store.
    truth
        The annotation that was rendered with it.
    """

    name: str
    split: str
    first: int
    n_samples: int
    truth: dict[str, Any]

    @property
    def beats(self) -> Beats:
        """Its beats, with positions where bars are known."""
        return Beats(self.truth["beats"], self.truth.get("positions"))


@dataclass(frozen=True)
class ClipStore:
    """The clips of one split.

    Parameters
    ----------
    clips
        The clips.
    samples
        Samples of all clips of the store, ``(n,)`` int16, mapped from their file.
    sample_rate
        Their rate [Hz].
    """

    clips: tuple[Clip, ...]
    samples: NDArray[np.int16]
    sample_rate: int

    @classmethod
    def open(cls, folder: str | Path, split: str) -> ClipStore:
        """Open the store in `folder`, for the clips of `split`.

        Raises
        ------
        ParameterError
            Where there is no store, or no clip of this split in it.
        """
        folder = Path(folder).expanduser()
        rows = list(rows_of(folder / INDEX))
        if not rows:
            raise ParameterError(
                f"{folder} holds no store of clips; make one with mirkit.training.clips.pack"
            )
        rate = rows[0].pop("sample_rate")
        clips = tuple(Clip(**row) for row in rows[1:] if row["split"] == split)
        if not clips:
            raise ParameterError(f"the store {folder} holds no clips of the split {split!r}")
        samples = np.memmap(folder / SAMPLES, dtype=np.int16, mode="r")
        return cls(clips, samples, rate)

    def of_sources(self, sources: Sequence[str]) -> ClipStore:
        """Return the store with the clips of these sources only; all where there are none named.

        Raises
        ------
        ParameterError
            Where no clip is left.
        """
        if not sources:
            return self
        clips = tuple(clip for clip in self.clips if clip.truth.get("source") in sources)
        if not clips:
            known = sorted({str(clip.truth.get("source")) for clip in self.clips})
            raise ParameterError(f"sources is {sources}; the store has {', '.join(known)}")
        return replace(self, clips=clips)

    def excerpt(self, clip: Clip, first: int, n_samples: int) -> NDArray[np.float32]:
        """Return samples of `clip` from `first` on; zeros before its beginning and past its end."""
        out = np.zeros(n_samples, dtype=np.float32)
        low, high = max(0, first), min(clip.n_samples, first + n_samples)
        if high > low:
            out[low - first : high - first] = self.samples[clip.first + low : clip.first + high]
        return out / np.float32(SCALE)


def pack(source: str | Path, folder: str | Path, sample_rate: int = 22050) -> int:
    """Append clips to a store, and return how many came new.

    Parameters
    ----------
    source
        A folder of pairs ``name.flac`` and ``name.json``, as `mirkit.rendering` makes them;
        pairs of which a file is absent are left for the next time.
    folder
        The store.
    sample_rate
        Rate to keep samples at [Hz].

    Raises
    ------
    FormatError
        Where an annotation lacks its beats or its split.
    ParameterError
        Where the store holds samples of another rate.
    """
    n_new = 0
    header = {"sample_rate": sample_rate}
    with appending(folder, SAMPLES, header, "n_samples", width=2) as store:
        have = {row["name"] for row in store.rows}
        for path in sorted(Path(source).expanduser().glob("*.json")):
            if path.stem in have or not path.with_suffix(".flac").is_file():
                continue
            truth, samples = _read(path, sample_rate)
            row = {"name": path.stem, "split": truth["split"], "first": store.first}
            store.append(samples, row | {"n_samples": len(samples), "truth": truth})
            n_new += 1
    return n_new


def _read(path: Path, sample_rate: int) -> tuple[dict[str, Any], NDArray[np.int16]]:
    """Return what is true of a clip, and its samples."""
    import soundfile
    import soxr

    truth = json.loads(path.read_text("utf-8"))
    for name in ("split", "beats"):
        if name not in truth:
            raise FormatError(f"{path} has no field {name!r}; a clip to train on needs it")
    data, rate = soundfile.read(path.with_suffix(".flac"), dtype="float32", always_2d=True)
    mono = soxr.resample(data.mean(axis=1), rate, sample_rate, quality="HQ")
    return truth, np.clip(np.rint(mono * SCALE), -SCALE, SCALE - 1).astype(np.int16)
