import io

import numpy as np
import pytest
import signals
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.audio import Audio
from mirkit.audio.reading import blocks, read, track
from mirkit.errors import AudioError, ParameterError


def noise(n_channels, n_samples, seed=0):
    return (
        np.random.default_rng(seed).uniform(-0.5, 0.5, (n_channels, n_samples)).astype(np.float32)
    )


def joined(*args, **kwargs):
    with blocks(*args, **kwargs) as stream:
        return np.concatenate(list(stream), axis=1)


@pytest.mark.parametrize("kind", ["path", "text", "file", "bytes", "pair", "audio", "track"])
def test_every_kind_of_source_gives_the_same_samples(save_wav, kind):
    samples = noise(2, 5000)
    path = save_wav("x.wav", Audio(samples, 44100), subtype="FLOAT")
    with path.open("rb") as file:
        source = {
            "path": path,
            "text": str(path),
            "file": file,
            "bytes": io.BytesIO(path.read_bytes()),
            "pair": (samples, 44100),
            "audio": Audio(samples, 44100),
            "track": track(path),
        }[kind]
        audio = read(source)
    np.testing.assert_array_equal(audio.samples, samples)
    assert audio.sample_rate == 44100


@pytest.mark.parametrize(
    ("name", "kwargs", "tolerance"),
    [
        ("x.wav", {"subtype": "PCM_16"}, 1e-4),
        ("x.wav", {"subtype": "PCM_24"}, 1e-6),
        ("x.wav", {"subtype": "PCM_U8"}, 1e-2),
        ("x.wav", {"subtype": "DOUBLE"}, 1e-7),
        ("x.aiff", {"subtype": "PCM_16"}, 1e-4),
        ("x.flac", {}, 1e-4),
        ("x.ogg", {}, 0.5),
        ("x.mp3", {}, 0.9),
        ("x.w64", {}, 1e-4),
        ("x.caf", {}, 1e-4),
    ],
)
def test_each_format_gives_rate_channels_and_samples(save_wav, name, kwargs, tolerance):
    samples = signals.ticks([0.01, 0.05], 0.1, 48000, 2).samples
    audio = read(save_wav(name, Audio(samples, 48000), **kwargs))
    assert (audio.sample_rate, audio.samples.shape) == (48000, samples.shape)
    np.testing.assert_allclose(audio.samples, samples, atol=tolerance)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 48000, 96000, 192_000])
def test_any_rate_is_resampled_as_soxr_does_it_at_once(rate):
    samples = noise(1, rate // 3 + 1)
    expected = soxr.resample(samples[0], rate, 22050)
    np.testing.assert_allclose(read((samples, rate), 22050).samples[0], expected, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(
    seconds=st.floats(1 / 22050, 3),
    rates=st.sampled_from([(44100, 22050), (48000, 22050), (22050, 44100), (44100, 44100)]),
    n_channels=st.integers(1, 3),
    mono=st.booleans(),
)
def test_stream_equals_batch_for_any_length_of_block(seconds, rates, n_channels, mono):
    old, new = rates
    source = Audio(noise(n_channels, int(1.3 * old)), old)
    batch = read(source, new, mono=mono).samples
    stream = joined(source, new, mono=mono, block_seconds=seconds)
    np.testing.assert_allclose(stream, batch, atol=1e-5, strict=True)


def test_blocks_of_one_sample_work():
    source = Audio(noise(1, 300), 8000)
    with blocks(source, block_seconds=1e-9) as stream:
        shapes = {block.shape for block in stream}
    assert shapes == {(1, 1)}


def test_all_blocks_but_the_last_have_the_length_that_was_asked_for():
    with blocks((noise(2, 25_000), 10_000), mono=False, block_seconds=1) as stream:
        assert (stream.sample_rate, stream.n_channels, stream.duration) == (10_000, 2, 2.5)
        assert [block.shape for block in stream] == [(2, 10_000), (2, 10_000), (2, 5000)]


@pytest.mark.parametrize(("old", "new"), [(44100, 22050), (48000, 44100), (8000, 22050)])
def test_resampling_moves_no_click(old, new):
    samples = np.zeros(old, np.float32)
    places = [0, old // 4, old // 2]
    samples[places] = 1
    found = read((samples, old), new).samples[0]
    for place in places:
        near = round(place * new / old)
        low = max(0, near - 50)
        peak = low + int(np.argmax(np.abs(found[low : near + 50])))
        assert peak == near


@settings(deadline=None, max_examples=60)
@given(
    offset=st.floats(0, 1.9),
    duration=st.one_of(st.none(), st.floats(0.001, 3)),
    rates=st.sampled_from([(44100, 22050), (48000, 22050), (22050, 44100), (8000, 8000)]),
)
def test_a_part_is_the_same_samples_that_the_whole_holds_there(offset, duration, rates):
    old, new = rates
    source = Audio(noise(2, 2 * old), old)
    whole = read(source, new, mono=True).samples
    part = read(source, new, mono=True, offset=offset, duration=duration).samples
    first = round(offset * new)
    end = None if duration is None else first + max(1, round(duration * new))
    np.testing.assert_allclose(part, whole[:, first:end], atol=1e-5, strict=True)


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.ogg", "x.mp3", "x.aiff"])
def test_parts_of_files_begin_at_the_exact_sample(save_wav, name):
    path = save_wav(name, Audio(noise(1, 100_000), 44100))
    whole = read(path).samples
    for first in (1, 4410, 77_777):
        part = read(path, offset=first / 44100, duration=0.1).samples
        np.testing.assert_allclose(part, whole[:, first : first + 4410], atol=1e-6, strict=True)


def test_mono_is_the_mean_of_the_channels():
    samples = noise(8, 1000)
    np.testing.assert_allclose(
        joined((samples, 8000)), samples.mean(0, keepdims=True), atol=1e-6, strict=True
    )


@pytest.mark.parametrize("rate", [8000, 192_000])
@pytest.mark.parametrize("n_channels", [1, 8])
@pytest.mark.parametrize("n_samples", [1, 7, 5000])
def test_unusual_shapes_work(save_wav, rate, n_channels, n_samples):
    path = save_wav("x.wav", Audio(noise(n_channels, n_samples), rate))
    audio = read(path, 22050, mono=True)
    assert audio.n_channels == 1
    assert audio.n_samples == pytest.approx(n_samples * 22050 / rate, abs=1)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize(("bad", "word"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_the_first_sample_that_is_not_finite_is_named_where_it_lies(save_wav, rate, bad, word):
    samples = noise(2, 300_000)
    samples[1, 250_123] = bad
    with pytest.raises(AudioError):
        Audio(samples, rate)
    path = save_wav("x.wav", Audio(np.zeros_like(samples), rate), subtype="FLOAT")
    soundfile.write(path, samples.T, rate, subtype="FLOAT")
    stream = blocks(path, 22050, block_seconds=1)
    with pytest.raises(AudioError, match=f"sample 250123 of channel 1 is {word}"):
        list(stream)


def test_samples_beyond_all_reason_are_refused_before_they_overflow(save_wav):
    path = save_wav("x.wav", Audio(np.full((2, 100), 3e38), 44100), subtype="FLOAT")
    with pytest.raises(AudioError, match=r"reach 3e\+38"):
        read(path, mono=True)


def test_metadata_and_duration_are_known_before_the_first_block(tmp_path):
    path = tmp_path / "x.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        file.title, file.artist = "Spring", "Nobody"
        file.write(np.zeros(16_000))
    with blocks(path, 22050) as stream:
        assert stream.metadata == {"title": "Spring", "artist": "Nobody"}
        assert stream.duration == 2.0


def test_closing_early_closes_the_file(save_wav):
    path = save_wav("x.wav", Audio(noise(1, 50_000), 8000))
    stream = blocks(path, block_seconds=1)
    next(stream)
    stream.close()
    assert list(stream) == []


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"sample_rate": 0}, "sample_rate is 0"),
        ({"sample_rate": 22050.5}, "whole number"),
        ({"block_seconds": 0}, "block_seconds is 0"),
        ({"offset": -1}, "offset is -1"),
        ({"offset": np.nan}, "offset is nan"),
        ({"duration": 0}, "duration is 0"),
    ],
)
def test_parameters_outside_their_range_are_refused(kwargs, match):
    with pytest.raises(ParameterError, match=match):
        blocks(([0.0] * 10, 8000), **kwargs)


def test_an_offset_behind_the_end_is_an_error():
    with pytest.raises(AudioError, match="ends before offset=2"):
        read((noise(1, 8000), 8000), offset=2.0)
