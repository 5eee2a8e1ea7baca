"""The drop: where bass and level come back, and nowhere else."""

import numpy as np
import pytest

from mirkit.annotation import Beats, Segments
from mirkit.audio import Audio
from mirkit.music.section.drop import DropFinder, beat_levels, find_drop

RATE = 8000
BEAT = 0.5
PART = 16  # beats


def piece(*parts):
    """Sections of 16 beats, each of bass and treble so loud [dB], and their sections and beats."""
    time = np.arange(int(PART * BEAT * RATE)) / RATE
    bass, treble = np.sin(2 * np.pi * 60 * time), np.sin(2 * np.pi * 1000 * time)
    sound = [10 ** (low / 20) * bass + 10 ** (high / 20) * treble for low, high in parts]
    edges = np.arange(len(parts) + 1) * PART * BEAT
    sections = Segments(
        np.column_stack([edges[:-1], edges[1:]]),
        tuple("ABCDEFGH"[: len(parts)]),
        kind="section",
    )
    beats = Beats(np.arange(0, edges[-1], BEAT))
    return Audio(np.concatenate(sound)[None].astype(np.float32), RATE), sections, beats


FULL, VERSE, BUILD, SOFT = (-12, -20), (-18, -24), (-60, -16), (-24, -30)
NOTHING = (-200, -200)


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ((VERSE, BUILD, FULL, SOFT), 2),  # the classic: no bass before it
        ((SOFT, FULL, BUILD, FULL), 3),  # of two, the one that rises most
        ((VERSE, VERSE, VERSE), None),  # nothing rises
        ((VERSE, (-15, -22), (-16, -22)), None),  # a little
        ((FULL, BUILD, SOFT, FULL), 3),
        ((FULL, FULL, BUILD, VERSE), None),  # what follows is not among the loudest
        ((NOTHING, FULL, VERSE), None),  # the music starts, after silence
        ((FULL,), None),
    ],
)
def test_the_drop_is_the_clearest_rise_to_the_loudest_part(parts, place):
    found = find_drop(*piece(*parts))
    expected = [] if place is None else [place * PART * BEAT]
    assert found.intervals[:, 0].tolist() == expected
    assert set(found.labels) <= {"drop"}


def test_levels_are_those_of_the_parts():
    audio, _, beats = piece(FULL, BUILD)
    levels = beat_levels(audio, np.append(beats.times, audio.duration))
    half = 10 * np.log10(2)  # a sine has half the power of its peak
    np.testing.assert_allclose(levels[2:15, 1], -12 - half, atol=0.1)
    np.testing.assert_allclose(levels[PART + 2 :, 0], -16 - half, atol=0.1)
    assert levels[PART + 2 :, 1].max() < -45


def test_how_clear_a_drop_must_be_can_be_told():
    parts = piece(VERSE, (-15, -22), (-16, -22))
    assert len(DropFinder(rise=2.0)(*parts)) == 1
