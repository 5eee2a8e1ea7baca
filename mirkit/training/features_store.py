"""A store of features to train on: computed once, and kept in half precision."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.audio import Audio, reading
from mirkit.errors import AudioError, ParameterError
from mirkit.features import FrontEnd, front_end
from mirkit.training.stores import INDEX, appending, mapped, rows_of

VALUES = "features.f16"
KEPT = ("chords", "keys", "instruments", "source")
NOISE = "noise"  # the split of sounds without chords


@dataclass(frozen=True)
class FeatureClip:
    """Where a clip's frames lie in its store, and what is true of it.

    Parameters
    ----------
    name
        Its name.
    split
        ``train``, ``val``, ``test``, or ``noise`` for what has neither chords nor key.
    first, n_frames
        Its frames in the store.
    truth
        The annotation that was rendered with it.
    """

    name: str
    split: str
    first: int
    n_frames: int
    truth: dict[str, Any]


@dataclass(frozen=True)
class FeatureStore:
    """The clips of one split.

    Parameters
    ----------
    clips
        The clips.
    values
        Frames of all clips of the store, ``(n, n_bins)`` float16, mapped from their file.
    front_end
        What made them.
    """

    clips: tuple[FeatureClip, ...]
    values: NDArray[np.float16]
    front_end: FrontEnd

    @classmethod
    def open(cls, folder: str | Path, split: str) -> FeatureStore:
        """Open the store in `folder`, for the clips of `split`; there may be none.

        Raises
        ------
        ParameterError
            Where there is no store.
        """
        folder = Path(folder).expanduser()
        rows = list(rows_of(folder / INDEX))
        if not rows:
            raise ParameterError(
                f"{folder} holds no store of features; make one with "
                "mirkit.training.features_store.pack_features"
            )
        made_by = front_end(rows[0]["front_end"])
        clips = tuple(FeatureClip(**row) for row in rows[1:] if row["split"] == split)
        return cls(clips, mapped(folder / VALUES, np.float16, made_by.n_bins), made_by)

    def excerpt(self, clip: FeatureClip, first: int, n_frames: int) -> NDArray[np.float32]:
        """Return frames of `clip` from `first` on; silence past its end."""
        out = np.zeros((n_frames, self.values.shape[1]), np.float32)
        last = min(clip.n_frames, first + n_frames)
        out[: max(0, last - first)] = self.values[clip.first + first : clip.first + last]
        return out


def pack_features(
    source: str | Path, folder: str | Path, front_end_name: str = "vqt_11k", split: str = ""
) -> int:
    """Append the features of clips to a store, and return how many came new.

    Parameters
    ----------
    source
        A folder of recordings. One beside which lies ``name.json`` has that annotation, and is
        left out where it holds neither chords nor keys.
    folder
        The store.
    front_end_name
        The front end.
    split
        What all clips are for; where empty, what each annotation says. With ``"noise"``, no
        annotation is needed.

    Raises
    ------
    ParameterError
        Where the store holds features of another front end.
    """
    source, chosen, n_new = Path(source).expanduser(), front_end(front_end_name), 0
    header, width = {"front_end": front_end_name}, 2 * chosen.n_bins
    with appending(folder, VALUES, header, "n_frames", width) as store:
        have = {row["name"] for row in store.rows}
        for path, truth in _annotated(reading.find_audio([source]), split):
            name = f"{source.name}/{path.stem}"
            if name in have:
                continue
            frames = _frames(path, chosen)
            if frames is None:
                continue
            row = {"name": name, "split": split or truth["split"], "first": store.first}
            row |= {"n_frames": len(frames), "truth": {k: truth[k] for k in KEPT if k in truth}}
            store.append(frames.astype(np.float16), row)
            n_new += 1
    return n_new


def _annotated(paths: Iterable[Path], split: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in paths:
        annotation = path.with_suffix(".json")
        if split == NOISE:
            yield path, {}
        elif annotation.is_file():
            truth = json.loads(annotation.read_text("utf-8"))
            if truth.get("chords") or truth.get("keys"):
                yield path, truth


def _frames(path: Path, chosen: FrontEnd) -> NDArray[np.float32] | None:
    """Return the frames of a recording, or None of one that is still being written."""
    try:
        audio = reading.read(path, sample_rate=chosen.sample_rate)
    except AudioError:
        return None
    return chosen(Audio(audio.samples, audio.sample_rate)).values
