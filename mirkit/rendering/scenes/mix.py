"""Mix scenes: sounds cut to what can be heard, set to their level, over a bed that never stops.

A sound is labeled where it can be heard: from where its level, in frames of 20 ms, comes within
`AUDIBLE` dB of its loudest frame, to where it falls below for good, or for longer than `PAUSE`. The
level is that of the dry sound after its fades: reverberation is not labeled. Spans of one class
that overlap, or touch, are one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirkit.annotation import Events
from mirkit.arrays import Floats, Floats32
from mirkit.errors import ParameterError
from mirkit.metrics.psds import merge_overlaps
from mirkit.rendering import effects
from mirkit.rendering.scenes.plan import SceneEvent, SceneSpec

SAMPLE_RATE = 32000
"""Rate of the scenes [Hz]."""

AUDIBLE = 30.0
"""Level below the loudest frame of a sound at which it is not heard any more [dB]."""

PAUSE = 0.4
"""Longest pause within an event [s]."""

SHORTEST = 0.03
"""Shorter spans are not labeled [s]."""

HOP, FRAME = 320, 640
FADE = 0.01
"""Rise and fall of a sound [s]."""

CROSSFADE = 0.25
"""Overlap of the joints of a background that is repeated [s]."""

CEILING = 0.99
"""Highest peak of a scene: a louder one is turned down as a whole."""

FLOOR = 1e-3
"""Least level of the background that a level is set against."""

Read = Callable[[str], Floats32]


@dataclass(frozen=True)
class Scene:
    """A finished scene.

    Parameters
    ----------
    samples
        Shape ``(n_samples,)`` at `SAMPLE_RATE`; the sum of the parts.
    events
        What is heard in it, and when.
    parts
        The background, then each sound, in place, ``(n_samples,)`` each.
    """

    samples: Floats32
    events: Events
    parts: tuple[Floats32, ...]


class SoundReader:
    """Read the sounds of the data pack as mono samples of `SAMPLE_RATE`; the last ones are kept.

    Parameters
    ----------
    data
        Folder of the data pack.
    n_kept
        How many sounds are kept.
    """

    def __init__(self, data: str | Path, n_kept: int = 4096) -> None:
        self.data = Path(data)
        self._read = lru_cache(n_kept)(self._decoded)

    def __call__(self, path: str) -> Floats32:
        """Return the samples of a sound, read-only, cut to what is heard."""
        return self._read(path)

    def _decoded(self, path: str) -> Floats32:
        from mirkit.audio.reading import read

        audio = read(self.data / path, sample_rate=SAMPLE_RATE, mono=True)
        samples = trim(audio.samples[0])
        samples.flags.writeable = False
        return samples


def measure_levels(samples: Floats32) -> Floats:
    """Return the level of each frame of 20 ms, every 10 ms, shape ``(n_frames,)`` (RMS)."""
    n = max(-(-len(samples) // HOP), 1)
    padded = np.zeros(n * HOP + FRAME - HOP)
    padded[: len(samples)] = np.square(samples, dtype=np.float64)
    totals = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(n) * HOP
    power = (totals[starts + FRAME] - totals[starts]) / FRAME
    found: Floats = np.sqrt(np.maximum(power, 0.0))
    return found


def find_audible(samples: Floats32) -> Floats:
    """Return the spans in which a sound is heard, shape ``(n, 2)`` [samples].

    Examples
    --------
    >>> samples = np.zeros(32000, np.float32)
    >>> samples[8000:16000] = 0.5
    >>> find_audible(samples).tolist()
    [[7680.0, 16000.0]]
    """
    level = measure_levels(samples)
    loud = level > max(level.max() * effects.decibels(-AUDIBLE), 1e-5)
    edges = np.flatnonzero(np.diff(loud.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    spans = np.stack([edges[:, 0] * HOP, edges[:, 1] * HOP], axis=1).astype(np.float64)
    pause = np.array([0.0, PAUSE * SAMPLE_RATE])
    closed = merge_overlaps(spans + pause) - pause
    spans = np.clip(closed, 0, len(samples)).reshape(-1, 2)
    kept: Floats = spans[spans[:, 1] - spans[:, 0] >= SHORTEST * SAMPLE_RATE]
    return kept


def trim(samples: Floats32) -> Floats32:
    """Return a sound from where it is first heard to where it is last."""
    spans = find_audible(samples)
    if not len(spans):
        return samples.copy()
    return samples[int(spans[0, 0]) : int(spans[-1, 1])].copy()


def tile(samples: Floats32, n: int, start: float) -> Floats32:
    """Return `n` samples of a background from a place on, repeated with cross-fades.

    Parameters
    ----------
    samples
        The background.
    n
        How many samples.
    start
        Where it begins, as a share of its length.
    """
    fade = min(round(CROSSFADE * SAMPLE_RATE), len(samples) // 3)
    if len(samples) < 2:
        raise ParameterError("a background of fewer than 2 samples cannot be repeated")
    step = len(samples) - fade
    first = int(start * step)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade, endpoint=False, dtype=np.float32))
    body = samples.copy()
    body[:fade] *= ramp
    body[step:] *= ramp[::-1] if fade else 1
    out = np.zeros(-(-(first + n) // step) * step + fade, np.float32)
    for at in range(0, len(out) - fade, step):
        out[at : at + len(samples)] += body
    if first < fade:  # nothing comes before the first joint
        out[:fade] += samples[step:] * ramp[::-1] if fade else 0
    return out[first : first + n]


def mix_scene(spec: SceneSpec, read: Read) -> Scene:
    """Return a scene: its samples, its events, and its parts.

    The level of a sound is set against the background in the span of the sound. Where the sum
    exceeds `CEILING`, all is turned down together. The first samples of a sound are those at
    ``round(start * SAMPLE_RATE)``; what exceeds the scene is cut with a fade.

    Parameters
    ----------
    spec
        What the scene is.
    read
        Returns the samples of a sound at `SAMPLE_RATE`, see `SoundReader`.
    """
    n = round(spec.seconds * SAMPLE_RATE)
    rng = np.random.default_rng(spec.seed)
    bed = _background(spec, n, read, rng)
    parts = [bed]
    rows = [(0.0, spec.seconds, label) for label in spec.background_labels]
    for event in spec.events:
        part, spans = _placed(event, n, read, bed, rng)
        parts.append(part)
        rows += [(*span, label) for span in spans for label in event.labels]
    peak = float(np.abs(np.sum(parts, axis=0)).max())
    scale = np.float32(min(1.0, CEILING / max(peak, 1e-9)))
    scaled = tuple(part * scale for part in parts)
    return Scene(np.sum(scaled, axis=0, dtype=np.float32), make_events(rows), scaled)


def make_events(rows: Sequence[tuple[float, float, str]]) -> Events:
    """Return events from rows of start, end and label; those of one class that overlap are one.

    Examples
    --------
    >>> make_events([(0.0, 2.0, "Dog"), (1.0, 3.0, "Dog"), (0.5, 1.0, "Cat")]).intervals.tolist()
    [[0.0, 3.0], [0.5, 1.0]]
    """
    joined = []
    for label in sorted({row[2] for row in rows}):
        mine = np.array(sorted(row[:2] for row in rows if row[2] == label))
        joined += [(start, end, label) for start, end in merge_overlaps(mine).tolist()]
    joined.sort()
    intervals = np.array([row[:2] for row in joined]).reshape(-1, 2)
    return Events(intervals, tuple(row[2] for row in joined))


def _background(spec: SceneSpec, n: int, read: Read, rng: np.random.Generator) -> Floats32:
    if spec.background:
        bed = tile(read(spec.background), n, spec.background_start)
    else:
        bed = effects.noise(n, float(rng.uniform(-9, 0)), SAMPLE_RATE, rng)
    level = effects.rms(bed)
    return bed * np.float32(effects.decibels(spec.background_db) / max(level, 1e-9))


def _placed(
    event: SceneEvent, n: int, read: Read, bed: Floats32, rng: np.random.Generator
) -> tuple[Floats32, list[tuple[float, float]]]:
    """Return a sound in its place, ``(n,)``, and the spans in which it is heard [s]."""
    first = round(event.start * SAMPLE_RATE)
    dry = _faded(_cut(_sped(read(event.path), event.speed), event))[: max(n - first, 0)]
    out = np.zeros(n, np.float32)
    if first + len(dry) >= n:
        dry = _faded(dry)
    spans = find_audible(dry)
    if not len(spans):
        return out, []
    heard = np.zeros(n, bool)
    for start, end in spans.astype(np.int64):
        heard[first + start : first + end] = True
    own = effects.rms(dry[heard[first : first + len(dry)]])
    against = max(effects.rms(bed[heard]), FLOOR)
    gain = np.float32(against * effects.decibels(event.snr) / max(own, 1e-9))
    out[first : first + len(dry)] = dry * gain
    wet = effects.SoundPlan(room_seconds=event.room_seconds, room_mix=event.room_mix)
    out = effects.room(out, wet, SAMPLE_RATE, rng)
    times = (first + spans) / SAMPLE_RATE
    return out, [(float(start), float(end)) for start, end in times]


def _sped(samples: Floats32, speed: float) -> Floats32:
    """Return a sound played faster: shorter and higher."""
    if speed == 1:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE), np.float32)


def _cut(samples: Floats32, event: SceneEvent) -> Floats32:
    length = min(round(event.max_length * SAMPLE_RATE), len(samples))
    first = int(event.place * (len(samples) - length))
    return samples[first : first + length]


def _faded(samples: Floats32) -> Floats32:
    n = min(round(FADE * SAMPLE_RATE), len(samples) // 2)
    out = samples.copy()
    ramp = np.linspace(0, 1, n, endpoint=False, dtype=np.float32)
    out[:n] *= ramp
    out[len(out) - n :] *= ramp[::-1]
    return out
