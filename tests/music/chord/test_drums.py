"""A drummer alone plays no chords: one-shots of the data pack, a bar of rock time and again."""

import numpy as np
import pytest

import mirkit
from mirkit.audio import reading

RATE = 22050
BAR = {
    "drum_heavy_kick": (0, 2.5, 5),
    "drum_snare_hard": (2, 6),
    "drum_cymbal_closed": range(8),
    "drum_tom_lo_soft": (7.5,),
}
"""When each drum is hit [eighths]."""


@pytest.fixture(scope="module")
def solo(data_dir):
    eighth = 60 / 110 / 2
    track = np.zeros(round((8 * 8 * eighth + 1) * RATE), np.float32)
    for name, places in BAR.items():
        sound = reading.read(data_dir / "samples" / f"{name}.flac", RATE).samples.mean(axis=0)
        for bar in range(8):
            for place in places:
                first = round((8 * bar + place) * eighth * RATE)
                track[first : first + len(sound)] += 0.3 * sound[: len(track) - first]
    return track, RATE


def test_a_drum_solo_has_no_chords(solo):
    chords = mirkit.chords(solo)
    lengths = np.diff(chords.intervals, axis=1)[:, 0]
    is_none = np.array([label == "N" for label in chords.labels])
    assert lengths[is_none].sum() > 0.9 * lengths.sum()
    assert (chords.confidence[~is_none] < 0.6).all()


def test_a_drum_solo_has_no_key_to_be_sure_of(solo):
    key = mirkit.key(solo)
    assert key.label is None or key.confidence < 0.5
