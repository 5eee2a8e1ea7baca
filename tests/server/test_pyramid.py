"""The pyramid of a waveform: in time, in its bands, and alike for any blocks."""

import numpy as np
import pytest
import signals

from mirkit.errors import ParameterError
from mirkit.server import pyramid

RATE = pyramid.SAMPLE_RATE
AT = np.array([0.6, 1.2134, 2.9, 3.5])


def built(samples):
    return pyramid.build([samples[None].astype(np.float32)])


def test_clicks_stand_in_their_columns_on_every_level():
    audio = signals.ticks(AT, 12.0, RATE)
    made = built(audio.samples[0])
    assert [len(level) for level in made.levels] == pyramid.sizes(2400)
    for k, level in enumerate(made.levels):
        width = 2**k / pyramid.RATE
        loud = np.flatnonzero(level[:, 0] > 100)
        starts = loud[np.diff(loud, prepend=-99) > 0.2 / width] * width
        assert starts == pytest.approx(AT, abs=width + 0.001)
        assert width < 0.02 or k > 1


@pytest.mark.parametrize(("hertz", "band"), [(60, 1), (800, 2), (7000, 3)])
def test_a_tone_is_in_its_band(hertz, band):
    t = np.arange(3 * RATE) / RATE
    column = built(0.5 * np.sin(2 * np.pi * hertz * t)).levels[0][200:400].mean(0)
    assert column[1:].argmax() == band - 1
    assert column[0] == pytest.approx(126, abs=3)
    assert column[band] == pytest.approx(255 * np.sqrt(0.5 / np.sqrt(2)), abs=12)


def test_blocks_of_any_size_give_the_same():
    rng = np.random.default_rng(0)
    samples = rng.uniform(-1, 1, 3 * RATE + 37).astype(np.float32)
    whole = built(samples)
    parts = pyramid.build(part[None] for part in signals.cut(samples, rng, 5000))
    for a, b in zip(whole.levels, parts.levels, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1


def test_columns_are_read_from_any_level(tmp_path):
    made = built(np.random.default_rng(0).uniform(-1, 1, 20 * RATE))
    made.save(tmp_path / "w")
    assert pyramid.finest(tmp_path / "w") == 4000
    for level, columns in enumerate(made.levels):
        read = pyramid.read_columns(tmp_path / "w", level, 100, 50)
        assert read == columns[100:150].tobytes()
    assert pyramid.read_columns(tmp_path / "w", 0, 3990, 100) == made.levels[0][3990:].tobytes()
    assert pyramid.read_columns(tmp_path / "w", 0, 9999, 100) == b""
    with pytest.raises(ParameterError, match="levels 0 to 2"):
        pyramid.read_columns(tmp_path / "w", 3, 0, 1)


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 123_457])
def test_the_finest_level_is_known_from_the_size(n):
    assert pyramid._finest(sum(pyramid.sizes(n))) == n


def test_silence_and_a_single_sample_have_columns():
    assert built(np.zeros(1)).levels[0].tolist() == [[0, 0, 0, 0]]
    assert pyramid.build([]).levels[0].shape == (1, 4)
