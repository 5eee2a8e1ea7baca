"""Where sample 0 is: ticks at known times, through each encoder, are found at those times."""

import numpy as np
import pytest
import signals
import soundfile
from encoders import SECONDS, TICKS, decoded_by_ffmpeg, has

from mirkit.audio.codecs import mp3
from mirkit.audio.reading import blocks, read

LAME_DELAY = 1105  # samples, of encoder and decoder
AAC_DELAY = 1024


def found_lag(path):
    """By how many samples the ticks in a file come late, and by how much it is longer."""
    audio = read(path)
    expected = signals.ticks(TICKS, SECONDS, audio.sample_rate).samples[0]
    return signals.lag(expected, audio.samples[0]), audio.n_samples - len(expected)


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("rate", [22050, 44100, 48000])
@pytest.mark.parametrize("encoder", ["lame_cbr", "lame_vbr", "ffmpeg_cbr", "ffmpeg_vbr"])
def test_an_mp3_with_a_lame_tag_begins_and_ends_where_its_source_did(
    ticking, encoder, rate, n_channels
):
    assert found_lag(ticking(encoder, rate, n_channels)) == (0, 0)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
@pytest.mark.parametrize("encoder", ["lame_cbr_untagged", "lame_vbr_untagged", "ffmpeg_untagged"])
def test_an_mp3_without_a_tag_is_late_by_the_delay_and_loses_nothing(ticking, encoder, rate):
    lag, longer = found_lag(ticking(encoder, rate))
    assert lag == LAME_DELAY
    assert longer >= LAME_DELAY


@pytest.mark.parametrize("tag", ["Xing", "Info"])
def test_an_mp3_whose_tag_has_no_delay_is_as_one_without_a_tag(ticking, tmp_path, tag):
    source = ticking("lame_vbr" if tag == "Xing" else "lame_cbr")
    content = bytearray(source.read_bytes())
    at = content.index(tag.encode())
    content[at + 120 : at + 156] = bytes(36)  # what LAME adds to Xing's
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    assert found_lag(path)[0] == LAME_DELAY


@pytest.mark.parametrize(
    "encoder",
    ["lame_cbr", "lame_vbr", "lame_cbr_untagged", "lame_vbr_untagged", "ffmpeg_untagged"],
)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_mp3_samples_are_those_of_ffmpeg(ticking, encoder, n_channels):
    path = ticking(encoder, 44100, n_channels)
    if not has("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    np.testing.assert_allclose(
        read(path).samples, decoded_by_ffmpeg(path, n_channels), atol=1e-5, strict=True
    )


@pytest.mark.data
def test_mp3s_of_other_encoders_are_decoded_as_ffmpeg_does(data_dir):
    if not has("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    for path in (
        data_dir / "tempo" / "mr_fancy_pants.mp3",
        *sorted((data_dir / "berklee").rglob("*.mp3"))[:3],
    ):
        audio = read(path)
        expected = decoded_by_ffmpeg(path, audio.n_channels)
        np.testing.assert_allclose(audio.samples, expected, atol=1e-4, strict=True)


@pytest.mark.parametrize(
    ("encoder", "late", "within"),
    [
        ("vorbis", 0, 0),
        ("opus", 0, 1),
        ("webm", 0, 1),
        ("aac_m4a", 0, 0),
        ("aac_m4a_streamable", 0, 0),
        ("aac_m4a_fragmented", AAC_DELAY, 0),
        ("alac", 0, 0),
        ("matroska", 0, 0),
        ("aac_raw", AAC_DELAY, 0),
    ],
)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_other_encodings_begin_where_their_source_did_or_are_late_as_stated(
    ticking, encoder, late, within, rate
):
    lag, longer = found_lag(ticking(encoder, rate))
    assert abs(lag - late) <= within
    assert -1 <= longer < 2 * AAC_DELAY


def test_tags_before_the_sound_and_behind_it_change_nothing(ticking, tmp_path):
    for encoder in ("lame_vbr", "lame_vbr_untagged", "lame_cbr_untagged"):
        plain = ticking(encoder)
        id3 = b"ID3\x04\x00\x00" + bytes((0, 0, 0x20, 0)) + bytes(0x20 << 7)
        path = tmp_path / f"{encoder}.mp3"
        path.write_bytes(id3 + plain.read_bytes() + b"TAG".ljust(128, b"\0"))
        assert read(path) == read(plain)


def test_two_mp3s_put_together_are_both_heard(ticking, tmp_path):
    first, second = ticking("lame_vbr"), ticking("lame_cbr")
    path = tmp_path / "both.mp3"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    assert read(path).duration == pytest.approx(2 * SECONDS, abs=0.1)


def test_the_tags_of_an_untagged_stream_are_still_read(tmp_path, ticking):
    with blocks(ticking("ffmpeg_untagged")) as stream:
        assert "software" in stream.metadata  # ffmpeg signs its ID3 tag


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
def test_frames_of_every_rate_are_counted(tmp_path, rate):
    """The sound library writes them, and a decoder that is not ours counts them."""
    path = tmp_path / "x.mp3"
    soundfile.write(path, signals.ticks([0.1], 1.0, rate, 2).samples.T, rate)
    with path.open("rb") as file:
        header = mp3.parse_header(file.read(4))
        n_frames = mp3.n_frames_from(file, header.length)  # behind the tag
    assert header.sample_rate == rate
    assert (n_frames - 3) * header.n_samples < rate < n_frames * header.n_samples


def test_frames_are_counted_over_junk_and_across_reads(ticking, monkeypatch):
    import io

    content = ticking("lame_vbr_untagged").read_bytes()
    whole = mp3.n_frames_from(io.BytesIO(content), 0)
    end = 0
    for _ in range(10):
        end += mp3.parse_header(content[end : end + 4]).length
    junk = b"\xff\xfb" + bytes(777)
    assert mp3.n_frames_from(io.BytesIO(content[:end] + junk + content), 0) == 10 + whole
    monkeypatch.setattr(mp3, "_BLOCK", 1000)
    assert mp3.n_frames_from(io.BytesIO(content), 0) == whole
    assert mp3.n_frames_from(io.BytesIO(content[:-1]), 0) == whole - 1
