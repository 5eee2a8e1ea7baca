"""Sonification: annotations as sound, to be heard with the recording or alone.

| annotation | sound |
|---|---|
| beats | clicks of 1 kHz; downbeats higher and louder |
| chords | their tones, held, over the bass |
| key | the tonic triad, struck where each local key begins |
| sections | a bell where each begins, the same for the same label |
| notes | tones at their pitches, as loud as their velocities |
| events, onsets | a short rising earcon where each begins, one pitch per label |

A sound starts in the sample nearest to its time, so that what is heard late is late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mirkit import checks
from mirkit.annotation import Analysis, Annotation, Beats, Events, Key, Segments
from mirkit.arrays import Floats
from mirkit.audio import Audio, reading
from mirkit.audio.sources import Source
from mirkit.errors import ParameterError
from mirkit.vocab import parse_chord, pitch_class
from mirkit.vocab.keys import NO_KEY

RATE = 44_100
"""Sample rate where there is no recording [Hz]."""

CLICK, ACCENT = 1000.0, 1600.0  # of beats and downbeats [Hz]
BASS, MIDDLE = 36, 60  # MIDI note numbers: the octaves of basses and of chord tones start here
PENTATONIC = (0, 2, 4, 7, 9)
MINOR_MODES = ("minor", "aeolian", "dorian", "phrygian", "locrian")
FADE = 0.008  # of held tones [s]
PARTIALS = ((1, 1.0), (2, 0.4), (3, 0.15))


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples that start at a time [s]."""

    time: float
    samples: Floats


def sonify(
    x: Source | None,
    annotation: Annotation | Analysis,
    *,
    volume: float = 0.5,
    sample_rate: int | None = None,
) -> Audio:
    """Return an annotation as sound, mixed with its recording.

    Parameters
    ----------
    x
        The recording, as for `mirkit.beats`; None for the annotation alone.
    annotation
        `Beats`, `Segments`, `Events`, `Key`, or an `Analysis`, of which all that has a place in
        time sounds.
    volume
        Balance of the annotation (1) and the recording (0), in [0, 1].
    sample_rate
        Of the result [Hz]; None keeps that of the recording.

    Returns
    -------
    Audio
        As many channels as the recording has, and its length; full scale is never passed.

    Raises
    ------
    AudioError
        Where the recording is missing, empty or damaged.
    ParameterError
        Where the annotation has no places in time, such as `Tags`, or `volume` is out of range.

    Examples
    --------
    >>> clicks = sonify(None, Beats([0.5, 1.0, 1.5], positions=[1, 2, 3]), sample_rate=8000)
    >>> clicks.n_channels, int(np.flatnonzero(clicks.samples)[0])
    (1, 4001)
    """
    checks.unit_number("volume", checks.number("volume", volume))
    recording = None if x is None else reading.read(x, sample_rate)
    rate = (sample_rate or RATE) if recording is None else recording.sample_rate
    sounds = sounds_of(annotation, rate)
    if recording is None:
        return _audio(mix(sounds, _end(sounds, rate), rate), rate)
    added = _limited(mix(sounds, recording.n_samples, rate))
    return _audio((1 - volume) * recording.samples + volume * added, rate)


def _audio(samples: Floats, sample_rate: int) -> Audio:
    return Audio(_limited(samples).astype(np.float32), sample_rate)


def sounds_of(annotation: Annotation | Analysis, sample_rate: int) -> list[Sound]:
    """Return the sounds of an annotation.

    Raises
    ------
    ParameterError
        Where it has no places in time.
    """
    if isinstance(annotation, Analysis):
        timed = [x for x in annotation.values() if type(x) in _SOUNDS]
        if annotation and not timed:
            raise ParameterError(
                f"annotation holds {', '.join(annotation)}, which have no places in time to be "
                "heard at; beats, chords, key, sections, notes and events have"
            )
        return [sound for each in timed for sound in sounds_of(each, sample_rate)]
    make = _SOUNDS.get(type(annotation))
    if make is None:
        raise ParameterError(
            f"annotation is {type(annotation).__name__}, which has no places in time to be heard "
            f"at; those that have are {', '.join(kind.__name__ for kind in _SOUNDS)}, Analysis"
        )
    return list(make(annotation, sample_rate))


def mix(sounds: Iterable[Sound], n_samples: int, sample_rate: int) -> Floats:
    """Return the sum of sounds, cut off at the end; shape ``(n_samples,)``."""
    total = np.zeros(n_samples)
    for sound in sounds:
        first = round(sound.time * sample_rate)
        part = sound.samples[: max(0, n_samples - first)]
        total[first : first + len(part)] += part
    return total


def _end(sounds: Sequence[Sound], sample_rate: int) -> int:
    """Return the number of samples up to the end of the last sound, at least 1."""
    ends = (round(sound.time * sample_rate) + len(sound.samples) for sound in sounds)
    return max(ends, default=1)


def _limited(samples: Floats) -> Floats:
    """Return samples, softer where they pass full scale."""
    return samples / max(1.0, float(np.max(np.abs(samples), initial=0.0)))


def tone(pitch: float, seconds: float, sample_rate: int) -> Floats:
    """Return a tone with some overtones at a MIDI pitch, peak at most 1; shape ``(n_samples,)``."""
    t = np.arange(max(1, round(seconds * sample_rate))) / sample_rate
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    heard = [(k, weight) for k, weight in PARTIALS if k * f0 < sample_rate / 2]
    waves = [weight * np.sin(2 * np.pi * k * f0 * t) for k, weight in heard]
    total: Floats = np.sum(waves, axis=0) / 1.55 if waves else np.zeros(len(t))
    return total


def click(frequency: float, sample_rate: int) -> Floats:
    """Return a decaying tone of 40 ms; shape ``(n_samples,)``."""
    t = np.arange(max(2, round(0.04 * sample_rate))) / sample_rate
    decaying: Floats = np.sin(2 * np.pi * min(frequency, sample_rate / 4) * t) * np.exp(-t / 0.008)
    return decaying


def _held(samples: Floats, sample_rate: int) -> Floats:
    """Return samples that fade in and out."""
    n_fade = min(max(1, round(FADE * sample_rate)), (len(samples) + 1) // 2)
    envelope = np.ones(len(samples))
    envelope[:n_fade] = np.arange(1, n_fade + 1) / n_fade
    envelope[-n_fade:] *= np.arange(n_fade, 0, -1) / n_fade
    held: Floats = samples * envelope
    return held


def _struck(samples: Floats, sample_rate: int, decay: float) -> Floats:
    """Return samples that decay in `decay` seconds."""
    t = np.arange(len(samples)) / sample_rate
    return _held(samples * np.exp(-t / decay), sample_rate)


def _chord(pitches: Sequence[float], seconds: float, sample_rate: int) -> Floats:
    together: Floats = np.mean([tone(p, seconds, sample_rate) for p in pitches], axis=0)
    return together


def _beats(beats: Beats, sample_rate: int) -> Iterator[Sound]:
    accent, plain = click(ACCENT, sample_rate), 0.6 * click(CLICK, sample_rate)
    is_first = np.zeros(len(beats), bool) if beats.positions is None else beats.positions == 1
    for time, first in zip(beats.times, is_first, strict=True):
        yield Sound(float(time), accent if first else plain)


def chord_pitches(label: str) -> list[int]:
    """Return the MIDI notes of a chord label: the bass, then the tones; none for N and X.

    Examples
    --------
    >>> chord_pitches("C:maj/3")
    [40, 60, 64, 67]
    """
    chord = parse_chord(label)
    if chord.root is None or chord.bass_step is None:
        return []
    bass = BASS + (chord.root + chord.bass_step) % 12
    return [bass, *(MIDDLE + p for p in chord.pitch_classes)]


def _chords(chords: Segments, sample_rate: int) -> Iterator[Sound]:
    for (start, end), label in zip(chords.intervals, chords.labels, strict=True):
        pitches = chord_pitches(label)
        if pitches and end > start:
            yield Sound(start, _held(_chord(pitches, end - start, sample_rate), sample_rate))


def _triad(label: str, time: float, sample_rate: int) -> Iterator[Sound]:
    if label == NO_KEY:
        return
    tonic, mode = label.split()
    third = 3 if mode in MINOR_MODES else 4
    pitches = [MIDDLE + pitch_class(tonic) + step for step in (-12, 0, third, 7)]
    yield Sound(time, _struck(_chord(pitches, 2.0, sample_rate), sample_rate, 0.6))


def _keys(keys: Segments, sample_rate: int) -> Iterator[Sound]:
    for start, label in zip(keys.intervals[:, 0], keys.labels, strict=True):
        yield from _triad(label, start, sample_rate)


def _key(key: Key, sample_rate: int) -> Iterator[Sound]:
    if key.segments is not None:
        yield from _keys(key.segments, sample_rate)
    elif key.label is not None:
        yield from _triad(key.label, 0.0, sample_rate)


def label_pitches(labels: Iterable[str | None]) -> dict[str | None, int]:
    """Return a pitch for each label, in order of appearance: a pentatonic scale, upwards.

    Examples
    --------
    >>> label_pitches(["A", "B", "A"])
    {'A': 72, 'B': 74}
    """
    known = list(dict.fromkeys(labels))
    return {label: 72 + PENTATONIC[i % 5] + 12 * (i // 5 % 3) for i, label in enumerate(known)}


def _sections(sections: Segments, sample_rate: int) -> Iterator[Sound]:
    pitches = label_pitches(sections.labels)
    for start, label in zip(sections.intervals[:, 0], sections.labels, strict=True):
        yield Sound(start, _struck(tone(pitches[label], 1.2, sample_rate), sample_rate, 0.35))


def _segments(segments: Segments, sample_rate: int) -> Iterator[Sound]:
    kinds = {"chord": _chords, "key": _keys}
    yield from kinds.get(segments.kind, _sections)(segments, sample_rate)


def _events(events: Events, sample_rate: int) -> Iterator[Sound]:
    if events.kind == "note" and events.pitches is not None:
        yield from _notes(events, events.pitches, sample_rate)
        return
    pitches = label_pitches(events.labels)
    for start, label in zip(events.intervals[:, 0], events.labels, strict=True):
        yield Sound(start, _earcon(pitches[label], sample_rate))


def _earcon(pitch: float, sample_rate: int) -> Floats:
    """Return two short tones, the second a fourth higher."""
    low, high = (_struck(tone(p, 0.09, sample_rate), sample_rate, 0.05) for p in (pitch, pitch + 5))
    return np.concatenate([low, high])


def _notes(notes: Events, pitches: Floats, sample_rate: int) -> Iterator[Sound]:
    velocities = np.full(len(notes), 90) if notes.velocities is None else notes.velocities
    for (start, end), pitch, velocity in zip(notes.intervals, pitches, velocities, strict=True):
        wave = tone(pitch, max(end - start, 0.05), sample_rate)
        yield Sound(start, 0.5 * velocity / 127 * _struck(wave, sample_rate, 1.0))


_SOUNDS: dict[type, Callable[..., Iterator[Sound]]] = {
    Beats: _beats,
    Segments: _segments,
    Events: _events,
    Key: _key,
}
"""What makes the sounds of each kind of annotation."""
