"""The work on one track: decoded once, its samples hashed, measured, and given to the systems."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mirkit.arrays import Floats32
from mirkit.audio import Audio, Track, reading
from mirkit.batch import Failure
from mirkit.errors import MirkitError
from mirkit.library.makers import LOUDNESS, Maker
from mirkit.library.packing import pack, unpack
from mirkit.library.records import Result
from mirkit.recording import MOST_KEPT, Recording
from mirkit.sound.loudness import loudness_of
from mirkit.sound.loudness.meter import Meter


@dataclass(frozen=True)
class Job:
    """A track to work on.

    Parameters
    ----------
    track
        Its number.
    path
        Where it lies.
    makers
        What is left to do, those that others need first.
    known
        Results that the others need, packed, by task.
    audio_hash
        Hash of the samples of the file that was there before, or None: where they are the same,
        only its tags have changed, and there is nothing to do.
    """

    track: int
    path: str
    makers: tuple[Maker, ...]
    known: Mapping[str, bytes] = field(default_factory=dict)
    audio_hash: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Outcome of a job.

    Parameters
    ----------
    results
        One for each maker, in their order; values are packed.
    audio_hash
        sha256 of rate and samples, or None where they could not be read.
    duration
        Length [s], or None.
    metadata
        What the file says.
    seconds
        How long all of it took [s].
    is_same
        Whether the samples are those of `Job.audio_hash`; there are no results then.
    """

    results: tuple[Result, ...]
    audio_hash: str | None = None
    duration: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    is_same: bool = False


def work(job: Job) -> Outcome:
    """Return the outcome of a job; errors are results too."""
    start = time.perf_counter()
    try:
        heard = _Heard(job)
    except MirkitError as error:
        return fail(job, Failure(type(error).__name__, str(error)), start)
    except Exception as error:  # noqa: BLE001  # a defect of ours must not stop the other files
        return fail(job, Failure(type(error).__name__, f"{job.path}: {error}"), start)
    if heard.audio_hash == job.audio_hash:
        results: tuple[Result, ...] = ()
    else:
        results = tuple(_results(job, heard))
    return Outcome(
        results,
        heard.audio_hash,
        heard.duration,
        heard.metadata,
        time.perf_counter() - start,
        heard.audio_hash == job.audio_hash,
    )


def fail(job: Job, failure: Failure, start: float | None = None) -> Outcome:
    """Return the outcome of a job that failed as a whole."""
    results = tuple(Result(maker.task, failure) for maker in job.makers)
    return Outcome(results, seconds=0.0 if start is None else time.perf_counter() - start)


class _Heard:
    """A recording that has been decoded once: its hash, its loudness, and its samples."""

    def __init__(self, job: Job) -> None:
        self._last: tuple[Any, bool, Any] = (None, False, ())
        is_measured = any(maker.task == LOUDNESS for maker in job.makers)
        parts: list[Floats32] = []
        self.n_kept = 0
        with reading.blocks(job.path, mono=False) as blocks:
            self.metadata = dict(blocks.metadata)
            rate, n_channels = blocks.sample_rate, blocks.n_channels
            meter = Meter(rate, n_channels) if is_measured else None
            digest = hashlib.sha256(f"{rate} {n_channels}".encode())
            n_samples = 0
            for block in blocks:
                n_samples += block.shape[1]
                digest.update(np.ascontiguousarray(block.T, "<f4").tobytes())
                if meter is not None:
                    meter.feed(block)
                self._keep(parts, block)
        self.audio_hash = digest.hexdigest()
        self.duration = n_samples / rate
        self.loudness = None if meter is None else loudness_of(meter)
        self.recording = self._recording(job.path, parts, rate)

    def annotation(self, system: Any, known: Mapping[str, Any]) -> Any:
        """Return the annotation of a system; two systems of one model share its activations."""
        if system.model is None:
            return system(self.recording, **known)
        model, is_usual, activations = self._last
        has_all = is_usual if system.heads is None else set(system.heads) <= set(activations)
        if model is not system.model or not has_all:
            activations = system.activations(self.recording)
            self._last = (system.model, system.heads is None, activations)
        return system.decode(activations, **known)

    def _keep(self, parts: list[Floats32], block: Floats32) -> None:
        """Keep a block; drop them all where they grow too many."""
        self.n_kept += block.size
        if self.n_kept <= MOST_KEPT:
            parts.append(block)
        else:
            parts.clear()

    def _recording(self, path: str, parts: list[Floats32], sample_rate: int) -> Recording:
        if not parts:  # a long one is decoded again for each system
            return Recording(Track(Path(path))).shared()
        samples = np.concatenate(parts, axis=1)
        parts.clear()
        samples.flags.writeable = False
        return Recording(Track(Audio(samples, sample_rate))).shared()


def _results(job: Job, heard: _Heard) -> list[Result]:
    known = {task: unpack(data) for task, data in job.known.items()}
    done = []
    for maker in job.makers:
        start = time.perf_counter()
        value = _attempt(maker, heard, known, job.path)
        known[maker.task] = value
        packed = value if isinstance(value, Failure) else pack(value)
        done.append(Result(maker.task, packed, time.perf_counter() - start))
    return done


def _attempt(maker: Maker, heard: _Heard, known: Mapping[str, Any], path: str) -> Any:
    """Return what a maker makes of a recording, or why it fails."""
    for need in maker.needs:
        if isinstance(known.get(need), Failure):
            return Failure(known[need].type, f"{need} failed: {known[need].message}")
    if maker.task == LOUDNESS:
        return heard.loudness
    try:
        return heard.annotation(system(maker), {need: known.get(need) for need in maker.needs})
    except MirkitError as error:
        return Failure(type(error).__name__, str(error))
    except Exception as error:  # noqa: BLE001  # a defect of ours must not stop the other tasks
        return Failure(type(error).__name__, f"{path}: internal error: {error}")


def system(maker: Maker) -> Any:
    """Return the system of a maker, which a process loads once."""
    return _system(maker.task, maker.model, tuple(sorted(maker.settings.items())))


@lru_cache(maxsize=32)
def _system(task: str, model: str, settings: tuple[tuple[str, Any], ...]) -> Any:
    from mirkit.system import load

    return load(model, task=task, **dict(settings))
