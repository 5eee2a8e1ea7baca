import re
import subprocess
from itertools import pairwise

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.audio.values import Audio
from mirkit.library.packing import pack, unpack
from mirkit.sound.loudness import energy
from mirkit.sound.loudness.meter import Meter, _Cells


def ffmpeg(path):
    """Integrated loudness, range and true peak by ffmpeg's ebur128."""
    command = ["ffmpeg", "-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    summary = done.stderr[done.stderr.rindex("Summary:") :]
    return [float(re.search(rf"{name}:\s+(-?[\d.]+)", summary)[1]) for name in ("I", "LRA", "Peak")]


def varied(seconds, sample_rate, n_channels, seed=0):
    """Noise and tones whose level changes, with short peaks."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    level = 10 ** ((-30 + 20 * np.abs(np.sin(0.3 * t))) / 20)
    parts = [
        level * (np.sin(2 * np.pi * (300 + 2000 * i) * t) + 0.3 * rng.standard_normal(t.size))
        for i in range(n_channels)
    ]
    samples = np.clip(0.5 * np.array(parts), -1, 1)
    samples[:, sample_rate] = 0.95
    return samples.astype(np.float32)


@pytest.mark.parametrize(
    ("sample_rate", "n_channels"),
    [(48000, 2), (44100, 1), (22050, 2), (11025, 1), (96000, 2), (48000, 6)],
)
def test_loudness_is_that_of_ffmpeg(tmp_path, sample_rate, n_channels):
    path = tmp_path / "a.wav"
    soundfile.write(path, varied(15, sample_rate, n_channels).T, sample_rate, subtype="PCM_24")
    found = mirkit.loudness(path)
    integrated, range_, peak = ffmpeg(path)
    assert found.integrated == pytest.approx(integrated, abs=0.1)
    assert found.range == pytest.approx(range_, abs=0.25)
    assert found.true_peak == pytest.approx(peak, abs=0.2)


def test_loudness_of_music_is_that_of_ffmpeg(demo_piece):
    found = mirkit.loudness(demo_piece)
    integrated, range_, peak = ffmpeg(demo_piece)
    assert found.integrated == pytest.approx(integrated, abs=0.1)
    assert found.range == pytest.approx(range_, abs=0.25)
    assert found.true_peak == pytest.approx(peak, abs=0.2)


def tone(level, sample_rate=48000, seconds=20, frequency=1000):
    t = np.arange(seconds * sample_rate) / sample_rate
    return (10 ** (level / 20) * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def test_the_tone_of_tech_3341_has_its_loudness():
    both = np.stack([tone(-23), tone(-23)])
    found = mirkit.loudness((both, 48000))
    assert found.integrated == pytest.approx(-23.0, abs=0.1)
    assert found.momentary_max == pytest.approx(-23.0, abs=0.1)
    assert found.short_term_max == pytest.approx(-23.0, abs=0.1)


def test_quiet_parts_do_not_count_by_the_gate_of_tech_3341():
    parts = np.concatenate([tone(-36, seconds=10), tone(-23, seconds=60), tone(-36, seconds=10)])
    found = mirkit.loudness((np.stack([parts, parts]), 48000))
    assert found.integrated == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(("low", "high", "wanted"), [(-20, -30, 10), (-20, -15, 5), (-40, -20, 20)])
def test_the_ranges_of_tech_3342(low, high, wanted):
    parts = np.concatenate([tone(low), tone(high)])
    found = mirkit.loudness((np.stack([parts, parts]), 48000))
    assert found.range == pytest.approx(wanted, abs=1)


def test_the_true_peak_lies_between_samples():
    t = np.arange(48000)
    samples = 0.5 * np.sin(2 * np.pi * t / 4 + np.pi / 4)  # its samples reach 0.354
    samples *= np.clip(np.minimum(t, t[::-1]) / 4800, 0, 1)
    found = mirkit.loudness((samples, 48000))
    assert found.sample_peak == pytest.approx(-9.03, abs=0.01)
    assert found.true_peak == pytest.approx(-6.02, abs=0.1)


def test_replaygain_brings_music_to_minus_18():
    found = mirkit.loudness((np.stack([tone(-23), tone(-23)]), 48000))
    assert found.gain == pytest.approx(5.0, abs=0.1)
    assert found.peak == pytest.approx(10 ** (-23 / 20), rel=0.01)


def test_silence_and_clicks_have_none():
    found = mirkit.loudness(signals.silence(5, 44100))
    assert (found.integrated, found.range, found.true_peak, found.gain) == (None,) * 4
    assert (found.energy, found.peak) == (0.0, 0.0)
    assert mirkit.loudness(([0.1] * 100, 44100)).integrated is None


@pytest.mark.parametrize("sample_rate", [8000, 11025, 22050, 44100])
def test_blocks_of_any_length_measure_the_same(sample_rate):
    samples = varied(3, sample_rate, 2)
    whole = Meter(sample_rate, 2)
    whole.feed(samples)
    pieces = Meter(sample_rate, 2)
    rng = np.random.default_rng(1)
    cuts = np.sort(rng.integers(0, samples.shape[1], 40))
    for piece in np.split(samples, cuts, axis=1):
        pieces.feed(piece)
    assert len(whole.power) == 300
    np.testing.assert_allclose(pieces.power, whole.power, rtol=1e-9)
    np.testing.assert_allclose(pieces.high, whole.high, rtol=1e-9)
    assert pieces.true_peak == pytest.approx(whole.true_peak, rel=1e-9)


def test_cells_are_the_means_of_their_samples():
    power = np.random.default_rng(0).random(11025)
    cells = _Cells(11025)
    for piece in np.array_split(power, 7):
        cells.feed(piece)
    edges = np.round(np.arange(101) * 110.25 + 1e-9).astype(int)
    wanted = [power[a:b].mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(cells.means(), wanted)


def test_drums_have_more_energy_than_a_soft_tone():
    drums = mirkit.loudness(signals.click_track(170, 60, 44100, noise=0.05))
    soft = mirkit.loudness((tone(-35, 44100), 44100))
    assert 0 <= soft.energy < 0.3 < drums.energy <= 1
    assert energy(-8.0, np.ones(500), np.ones(500)) == pytest.approx(0.7)


def test_loudness_is_a_value_that_a_library_keeps():
    found = mirkit.loudness(Audio(tone(-20)[None], 48000))
    assert unpack(pack(found)) == found
    assert "LUFS" in repr(found)
