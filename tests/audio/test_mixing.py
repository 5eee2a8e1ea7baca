"""Channels that cancel each other: the louder one is heard; all else is the mean, bit for bit."""

import warnings

import numpy as np
import pytest
import signals
import soundfile
from encoders import encode
from hypothesis import given, settings
from hypothesis import strategies as st

import mirkit
from mirkit.audio import Audio, mixing
from mirkit.audio.reading import blocks, read
from mirkit.errors import AudioWarning
from mirkit.features import FRONT_ENDS

RATE = 8000
MUSIC = signals.music(6.0, RATE).samples[0]
OTHER = signals.music(6.0, RATE, seed=1).samples[0][::-1].copy()


def mixed(samples, rate=RATE):
    """One channel, and whether a warning came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mono = mixing.mix_to_mono(np.asarray(samples, np.float32), rate)
    assert len(caught) <= 1
    assert mono.shape == (1, np.shape(samples)[1])
    return mono[0], bool(caught)


def halves(first, second, n=24_000):
    """One recording up to sample `n`, and then another."""
    return np.concatenate([np.asarray(first)[:, :n], np.asarray(second)[:, n:]], axis=1)


SAME, INVERTED = np.stack([MUSIC, OTHER]), np.stack([MUSIC, -MUSIC])


@pytest.mark.parametrize("gain", [1, 0.99, 0.97, 0.95])
def test_of_channels_that_cancel_the_louder_is_heard(gain):
    for samples, left in (([MUSIC, -gain * MUSIC], True), ([-gain * MUSIC, MUSIC], False)):
        mono, warned = mixed(samples)
        assert warned
        np.testing.assert_array_equal(np.abs(mono), np.abs(samples[0 if left or gain > 0.9 else 1]))


@pytest.mark.parametrize(
    "samples",
    [
        SAME,
        [MUSIC, MUSIC],
        [MUSIC, -0.9 * MUSIC],
        [MUSIC, 0 * MUSIC],
        [MUSIC, -0.5 * MUSIC],
        [MUSIC, OTHER, -MUSIC, OTHER[::-1]],
        [0 * MUSIC, 0 * MUSIC],
        [1e-5 * MUSIC, -1e-5 * MUSIC],  # silence
        [MUSIC[:390], -MUSIC[:390]],  # less than a cell
        np.random.default_rng(0).uniform(-1, 1, (8, 5000)),
        np.eye(30)[:, np.zeros(9000, int)],  # one of thirty
        [MUSIC],
    ],
    ids=range(12),
)
def test_all_other_recordings_give_the_mean_bit_for_bit(samples):
    samples = np.asarray(samples, np.float32)
    mono, warned = mixed(samples)
    total = samples[0].copy()
    for channel in samples[1:]:
        total = total + channel
    np.testing.assert_array_equal(mono, total / np.float32(len(samples)), strict=True)
    assert not warned


def test_of_many_channels_one_of_those_that_cancel_is_heard():
    silent = 0 * MUSIC
    mono, warned = mixed([silent, MUSIC, silent, -MUSIC, silent, silent])
    assert warned
    np.testing.assert_array_equal(mono, MUSIC)


@pytest.mark.data
@pytest.mark.parametrize("encoder", ["lame_cbr", "vorbis", "aac_m4a", "opus"])
def test_what_a_lossy_encoder_makes_of_them_is_heard_throughout(data_dir, tmp_path, encoder):
    """Its noise is what the mean would hold: 29 to 74 dB below."""
    song = read(data_dir / "songs" / "vibe_ace.ogg", 44100, offset=20, duration=6)
    left = song.samples.mean(axis=0)
    soundfile.write(tmp_path / "x.wav", np.stack([left, -left], axis=1), 44100)
    path = encode(encoder, tmp_path / "x.wav", tmp_path)
    with pytest.warns(AudioWarning, match="cancel"):
        mono = read(path, mono=True).samples[0]
    n = len(mono) // 4410 * 4410
    found, expected = (
        (x[:n].reshape(-1, 4410) ** 2).mean(axis=1) for x in (mono, read(path).samples[0])
    )
    np.testing.assert_allclose(found, expected, rtol=0.2)


def test_where_they_begin_to_cancel_the_mean_goes_on_for_less_than_a_second():
    mono, warned = mixed(halves(SAME, INVERTED))
    assert warned
    np.testing.assert_array_equal(mono[:24_000], SAME.mean(axis=0, dtype=np.float32)[:24_000])
    np.testing.assert_array_equal(mono[24_000 + RATE :], MUSIC[24_000 + RATE :])


def test_where_they_cease_to_cancel_the_mean_is_back_within_a_tenth():
    mono, _ = mixed(halves(INVERTED, SAME))
    back = 24_000 + RATE // 10
    np.testing.assert_array_equal(mono[:24_000], MUSIC[:24_000])
    np.testing.assert_array_equal(mono[back:], SAME.mean(axis=0, dtype=np.float32)[back:])


def test_the_change_is_faded():
    """Both hold a steady tone, which jumps nowhere by more than it does by itself."""
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(6 * RATE) / RATE).astype(np.float32)
    mono, _ = mixed(halves([tone, 0.8 * tone], [tone, -tone], 24_020))
    jumps = np.abs(np.diff(mono))
    edge = jumps[24_010:24_030].max()  # where the recording itself changes
    jumps[24_010:24_030] = 0
    assert jumps.max() < 1.1 * np.abs(np.diff(tone)).max() < edge


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 9000), min_size=1, max_size=30),
    kind=st.sampled_from(["inverted", "begins", "ceases", "same", "noise"]),
)
def test_stream_equals_batch_for_any_length_of_block(sizes, kind):
    noise = np.random.default_rng(0).normal(0, 0.02, INVERTED.shape)
    samples = {
        "inverted": INVERTED,
        "begins": halves(SAME, INVERTED),
        "ceases": halves(INVERTED, SAME, 20_001),
        "same": SAME,
        "noise": INVERTED + noise,
    }[kind].astype(np.float32)
    ends = np.minimum(np.cumsum([*sizes, 10**9]), samples.shape[1])
    pieces = np.split(samples, ends[:-1], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        batch = mixing.mix_to_mono(samples, RATE)
        stream = np.concatenate(list(mixing.mono(pieces, RATE)), axis=1)
    np.testing.assert_allclose(stream, batch, atol=1e-6, strict=True)


@settings(deadline=None, max_examples=30)
@given(offset=st.floats(0, 5.5), duration=st.floats(0.01, 6), rate=st.sampled_from([RATE, 11025]))
def test_a_part_is_what_the_whole_holds_there(offset, duration, rate):
    source = Audio(halves(INVERTED, halves(SAME, INVERTED, 30_000), 20_001), RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        whole = read(source, rate, mono=True).samples
        part = read(source, rate, mono=True, offset=offset, duration=duration).samples
    first = round(offset * rate)
    expected = whole[:, first : first + max(1, round(duration * rate))]
    np.testing.assert_allclose(part, expected, atol=1e-5, strict=True)


def test_blocks_of_a_file_say_it_once_with_its_name(tmp_path):
    path = tmp_path / "inverted.wav"
    soundfile.write(path, INVERTED.T, RATE)
    message = r"inverted\.wav: its channels cancel"
    with pytest.warns(AudioWarning, match=message) as caught, blocks(path, block_seconds=0.01) as s:
        mono = np.concatenate(list(s), axis=1)
    assert len(caught) == 1
    np.testing.assert_array_equal(mono[0], read(path).samples[0])


@pytest.mark.parametrize("name", sorted(FRONT_ENDS))
def test_front_ends_hear_the_louder_channel_too(name):
    front = FRONT_ENDS[name]
    music = signals.music(1.5, front.sample_rate).samples[0]
    with pytest.warns(AudioWarning):
        found = front(Audio(np.stack([music, -music]), front.sample_rate))
    expected = front(Audio(music, front.sample_rate)).values
    np.testing.assert_allclose(found.values, expected, atol=1e-5, strict=True)


@pytest.mark.data
def test_what_was_not_heard_is_heard(cases):
    path = cases / "r01_right_inverted.flac"
    left = Audio(read(path).samples[0], 11025)
    with pytest.warns(AudioWarning) as caught:
        beats = mirkit.beats(path)
    assert len(caught) == 1
    assert len(beats) == 17
    assert beats.bpm == pytest.approx(120, abs=0.01)
    np.testing.assert_allclose(beats.times, mirkit.beats(left).times, atol=1e-6)
    with pytest.warns(AudioWarning):
        assert mirkit.key(path).label == "A minor"
    with pytest.warns(AudioWarning):
        assert mirkit.chords(path).labels == ("A:min",)


@pytest.mark.data
def test_real_stereo_recordings_are_the_mean_bit_for_bit(data_dir):
    for name in ("songs/vibe_ace.ogg", "songs/sugar_plum_fairy.ogg", "samples/hat_gnu.flac"):
        audio = read(data_dir / name)
        expected = (audio.samples[0] + audio.samples[1]) / np.float32(2)
        np.testing.assert_array_equal(read(data_dir / name, mono=True).samples[0], expected)
