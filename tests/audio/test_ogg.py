"""Ogg files that hold several recordings, lack a page, or begin before 0."""

import io

import numpy as np
import pytest
import signals
import soundfile
from encoders import decoded_by_ffmpeg, encode, ffmpeg

from mirkit.audio.reading import blocks, read
from mirkit.errors import AudioError

RATE = 48000
FIRST, SECOND = signals.music(3.0, RATE, seed=1), signals.music(2.0, RATE, seed=2)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """`encoded(encoder)` -> paths of the two pieces of music in an Ogg file each."""
    made = {}

    def make(encoder):
        if encoder not in made:
            made[encoder] = tuple(
                encode(encoder, source(audio), source(audio).parent) for audio in (FIRST, SECOND)
            )
        return made[encoder]

    def source(audio):
        folder = tmp_path_factory.mktemp("ogg")
        soundfile.write(folder / "x.wav", audio.samples.T, RATE)
        return folder / "x.wav"

    return make


@pytest.mark.parametrize("encoder", ["vorbis", "opus", "ogg_flac"])
def test_recordings_that_follow_each_other_are_all_heard(encoded, tmp_path, encoder):
    """As web radios write them; programs that end at the first lose the rest."""
    parts = [read(path).samples for path in encoded(encoder)]
    path = tmp_path / "chain.ogg"
    path.write_bytes(b"".join(part.read_bytes() for part in encoded(encoder)))
    audio = read(path)
    np.testing.assert_array_equal(audio.samples, np.concatenate(parts, axis=1))
    assert read(io.BytesIO(path.read_bytes())) == audio
    for offset in (1.0, 2.999, 3.5):
        part = read(path, 22050, offset=offset, duration=0.5).samples
        first = round(offset * 22050)
        expected = read(path, 22050).samples[:, first : first + 11_025]
        np.testing.assert_allclose(part, expected, atol=1e-5, strict=True)


def test_three_of_a_chain_and_its_length(encoded, tmp_path):
    first, second = (path.read_bytes() for path in encoded("vorbis"))
    path = tmp_path / "chain.ogg"
    path.write_bytes(first + second + first)
    with blocks(path) as stream:
        assert stream.duration == 8.0
        assert sum(block.shape[1] for block in stream) == 8 * RATE


def test_a_chain_that_changes_its_rate_or_is_cut_is_an_error(encoded, tmp_path):
    first, second = (path.read_bytes() for path in encoded("vorbis"))
    other = io.BytesIO()
    soundfile.write(other, np.zeros((4000, 2)), 8000, format="OGG")
    path = tmp_path / "chain.ogg"
    path.write_bytes(first + other.getvalue())
    with pytest.raises(AudioError, match="number 2 has 8000 Hz and 2 channels and the first 48000"):
        read(path)
    path.write_bytes(first + second[:100])
    with pytest.raises(AudioError, match=r"chain\.ogg"):
        read(path)


def pages(content):
    return [i for i in range(len(content)) if content.startswith(b"OggS", i)] + [len(content)]


@pytest.mark.parametrize("encoder", ["vorbis", "opus", "ogg_flac"])
def test_a_lost_page_is_an_error_and_all_before_it_is_read(encoded, tmp_path, encoder):
    """Decoders go on behind it as if nothing were missing: all that follows comes early."""
    whole = encoded(encoder)[0]
    content = whole.read_bytes()
    found = pages(content)
    lost = len(found) - 3
    path = tmp_path / "x.ogg"
    path.write_bytes(content[: found[lost]] + content[found[lost + 1] :])
    with pytest.raises(AudioError, match="damaged or cut short") as error:
        read(path)
    hint = float(str(error.value).rsplit("duration=", 1)[1])
    assert hint > 0.9
    part = read(path, duration=hint)
    np.testing.assert_allclose(part.samples, read(whole, duration=hint).samples, atol=1e-6)


def test_pages_that_are_lost_before_the_sound_are_no_damage(encoded, tmp_path):
    """Who joins a web radio gets its headers, and the pages from now on."""
    content = encoded("vorbis")[0].read_bytes()
    found = pages(content)
    path = tmp_path / "x.ogg"
    path.write_bytes(content[: found[2]] + content[found[4] :])
    assert 0.5 < read(path).duration < 3


@pytest.mark.data
def test_a_part_that_was_copied_is_heard_whole_as_ffmpeg_does(cases):
    """Its first page lies before 0. libvorbis drops 384 samples at the end of that page (0.98 s),
    so for oggdec all that follows is early, and the sound library drops 0.26 s at the end."""
    audio = read(cases / "r06_cut.ogg")
    assert audio.n_samples == 131_728
    np.testing.assert_array_equal(audio.samples, decoded_by_ffmpeg(cases / "r06_cut.ogg", 1))


@pytest.mark.parametrize("cut", [("-ss", "0.7"), ("-ss", "1.3", "-t", "1"), ("-t", "1.2")])
@pytest.mark.parametrize("encoder", ["vorbis", "opus", "ogg_flac"])
def test_parts_that_are_copied_lose_nothing(encoded, tmp_path, cut, encoder):
    whole = encoded(encoder)[0]
    path = tmp_path / "x.ogg"
    ffmpeg(*cut, "-i", whole, "-c", "copy", path)
    audio = read(path)
    expected = decoded_by_ffmpeg(path, 1)
    assert audio.n_samples == expected.shape[1]
    np.testing.assert_allclose(audio.samples, expected, atol=1e-3)
    if encoder != "opus":  # which begins anew, and needs a while to be what it was
        tail = audio.samples[0, -24_000:] if "-t" not in cut else audio.samples[0, 9600:33_600]
        where = signals.lag(tail, read(whole).samples[0])
        found = read(whole).samples[0, where : where + len(tail)]
        np.testing.assert_allclose(found, tail, atol=0.05)
