"""Packing of recordings into stores: read, resampled, and computed once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.audio import Audio, reading
from mirkit.errors import AudioError, ParameterError
from mirkit.features import FrontEnd, front_end
from mirkit.training.stores import FULL_SCALE, Header, Store, append_to


@dataclass(frozen=True)
class Label:
    """The split of a recording, and its annotation as plain values."""

    split: str
    truth: dict[str, Any]


def samples_header(sample_rate: int) -> Header:
    """Return the header of a store of samples as 16-bit integers."""
    return Header("int16", 1, sample_rate)


def features_header(chosen: FrontEnd, longest: float = 0.0) -> Header:
    """Return the header of a store of the features of a front end."""
    return Header("float16", chosen.n_bins, chosen.sample_rate, chosen.name, longest)


def pack(
    source: str | Path,
    folder: str | Path,
    header: Header,
    describe: Callable[[Path], Label | None],
) -> int:
    """Append the recordings in a folder to a store, and return how many are new.

    A recording that cannot be read may still be being written: it is left for the next time.

    Parameters
    ----------
    source
        A folder of recordings.
    folder
        The store.
    header
        Its header.
    describe
        Returns what is known of a recording, or None to leave it out.

    Raises
    ------
    ParameterError
        Where the store holds something else.
    """
    source = Path(source).expanduser()
    with append_to(folder, header) as store:
        n_before = len(store.names)
        for path in reading.find_audio([source]):
            name = f"{source.name}/{path.stem}"
            if name in store.names or (label := describe(path)) is None:
                continue
            try:
                values = encode(path, header)
            except AudioError:
                continue
            store.append(name, values, label.split, label.truth)
        return len(store.names) - n_before


def read_annotation(path: Path) -> dict[str, Any] | None:
    """Return the annotation beside a recording, ``name.json``, or None where there is none."""
    annotation = path.with_suffix(".json")
    if not annotation.is_file():
        return None
    truth: dict[str, Any] = json.loads(annotation.read_text("utf-8"))
    return truth


def open_packed(paths: Sequence[Path], folder: str | Path, header: Header) -> Store:
    """Return recordings from a store, in their order, packing those that are not in it yet.

    A recording is known by its path, size and time of change.

    Raises
    ------
    AudioError
        Where a recording cannot be read.
    ParameterError
        Where the store holds something else, or no recording is given.
    """
    if not paths:
        raise ParameterError("paths is empty: there is nothing to keep")
    names = [_identify(path) for path in paths]
    with append_to(folder, header) as store:
        for name, path in zip(names, paths, strict=True):
            if name not in store.names:
                store.append(name, encode(path, header))
    opened = Store.open(folder)
    by_name = {clip.name: clip for clip in opened.clips}
    return replace(opened, clips=tuple(by_name[name] for name in names))


def _identify(path: Path) -> str:
    about = path.stat()
    text = f"{path.resolve()} {about.st_size} {about.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def encode(path: Path, header: Header) -> NDArray[Any]:
    """Return the samples or features of a recording as a store keeps them, ``(n, width)``."""
    samples: Floats32 = reading.read(path, header.sample_rate).mono().samples[0]
    if header.longest:
        samples = samples[: round(header.longest * header.sample_rate)]
    if header.dtype == "int16":
        integers: Floats32 = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        return integers.astype(np.int16)[:, None]
    if not header.front_end:
        return samples.astype(np.float16)[:, None]
    audio = Audio(samples[None], header.sample_rate)
    return front_end(header.front_end)(audio).values.astype(np.float16)
