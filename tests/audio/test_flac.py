"""FLAC whose header does not fit its frames: what is there, as ffmpeg decodes it, or an error."""

import json
import subprocess

import numpy as np
import pytest
import signals
import soundfile
from encoders import decoded_by_ffmpeg, ffmpeg, has

from mirkit.audio.codecs import flac
from mirkit.audio.reading import blocks, read
from mirkit.errors import AudioError

pytestmark = pytest.mark.skipif(not has("ffmpeg"), reason="ffmpeg is not installed")

SECONDS = 8.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Eight seconds of music in 44.1 kHz, of two channels."""
    path = tmp_path_factory.mktemp("flac") / "whole.flac"
    mono = signals.music(SECONDS, 44100).samples[0]
    soundfile.write(path, np.stack([mono, 0.5 * mono[::-1]], axis=1), 44100)
    return path


@pytest.fixture(scope="module")
def frames(whole):
    """Where the frames of `whole` begin, as ffprobe finds them, and where the last ends."""
    show = ["-show_entries", "packet=pos,size", "-of", "json"]
    done = subprocess.run(["ffprobe", "-v", "error", *show, whole], capture_output=True, check=True)
    packets = json.loads(done.stdout)["packets"]
    return [int(packet["pos"]) for packet in packets] + [whole.stat().st_size]


def copied(whole, tmp_path, *cut):
    """A part of the file, its frames copied and not encoded again."""
    path = tmp_path / "copied.flac"
    ffmpeg(*cut[: cut.index("in")], "-i", whole, *cut[cut.index("in") + 1 :], "-c", "copy", path)
    return path


def announcing(content, n_samples):
    """The file with another length in its header."""
    content = bytearray(content)
    content[21:26] = ((content[21] & 0xF0) << 32 | n_samples).to_bytes(5, "big")
    return bytes(content)


def as_ffmpeg_or_error(path):
    """Read the file as ffmpeg does, to the sample, or get an error; return which."""
    try:
        audio = read(path)
    except AudioError:
        return "error"
    expected = decoded_by_ffmpeg(path, audio.n_channels)
    np.testing.assert_array_equal(audio.samples, expected, strict=True)
    return "audio"


@pytest.mark.data
def test_the_part_that_is_copied_is_read_and_nothing_else(cases):
    audio = read(cases / "r05b_cut.flac")
    assert audio.n_samples == 125_712
    np.testing.assert_array_equal(audio.samples, decoded_by_ffmpeg(cases / "r05b_cut.flac", 1))


@pytest.mark.parametrize(
    "cut", [("-ss", "0.05", "in"), ("-ss", "5.9", "in"), ("in", "-ss", "2.3"), ("in", "-ss", "7.9")]
)
def test_what_is_copied_up_to_the_end_is_read(whole, tmp_path, cut):
    path = copied(whole, tmp_path, *cut)
    assert as_ffmpeg_or_error(path) == "audio"
    part = read(path, 22050, mono=True, offset=0.01, duration=0.02)
    np.testing.assert_allclose(part.samples, read(path, 22050, mono=True).samples[:, 220:661])


@pytest.mark.parametrize("cut", [("-t", "3", "in"), ("-ss", "1", "-t", "3", "in")])
def test_what_is_copied_from_the_middle_is_an_error_as_what_is_cut(whole, tmp_path, cut):
    path = copied(whole, tmp_path, *cut)
    with pytest.raises(AudioError, match=r"announces \d\.\d+ s, but after [23]\.\d+ s") as error:
        read(path)
    hint = float(str(error.value).rsplit("duration=", 1)[1])
    part = read(path, 22050, duration=hint)
    assert part.duration == pytest.approx(hint, abs=1e-3)


def test_a_length_of_zero_is_one_that_the_writer_could_not_know(whole, tmp_path):
    path = tmp_path / "x.flac"
    path.write_bytes(announcing(whole.read_bytes(), 0))
    assert read(path) == read(whole)
    with blocks(path) as stream:
        assert stream.duration == SECONDS
    assert read(path, offset=2.0, duration=1.0) == read(whole, offset=2.0, duration=1.0)


@pytest.mark.parametrize(
    ("announced", "outcome"), [(44100, "audio"), (352_799, "audio"), (352_801, "error")]
)
def test_a_wrong_length_loses_nothing_in_silence(whole, tmp_path, announced, outcome):
    path = tmp_path / "x.flac"
    path.write_bytes(announcing(whole.read_bytes(), announced))
    assert as_ffmpeg_or_error(path) == outcome


@pytest.mark.parametrize(
    ("pieces", "outcome"),  # which frames follow each other
    [
        ([(1, 87)], "audio"),  # the first is lost
        ([(40, 87)], "audio"),
        ([(0, 30), (31, 87)], "error"),  # the library of FLAC fills one frame with silence
        ([(0, 30), (50, 87)], "error"),
        ([(0, 31), (30, 87)], "audio"),  # twice
        ([(0, 50), (30, 87)], "audio"),
        ([(0, 86)], "error"),
        ([(0, 1)], "error"),
        ([], "error"),
    ],
)
def test_frames_that_do_not_follow_each_other(whole, frames, tmp_path, pieces, outcome):
    content = whole.read_bytes()
    path = tmp_path / "x.flac"
    path.write_bytes(
        content[: frames[0]] + b"".join(content[frames[a] : frames[b]] for a, b in pieces)
    )
    assert as_ffmpeg_or_error(path) == outcome


def test_two_files_put_together_are_both_heard(whole, tmp_path):
    path = tmp_path / "x.flac"
    path.write_bytes(2 * whole.read_bytes())
    assert as_ffmpeg_or_error(path) == "audio"
    assert read(path).duration > 15


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"", b"TAG".ljust(128, b"\0")),
        (b"", np.random.default_rng(0).bytes(5000)),
        (b"ID3\4\0\0\0\0\1\0" + bytes(128), b""),
    ],
)
def test_tags_and_junk_around_change_nothing(whole, tmp_path, before, behind):
    path = tmp_path / "x.flac"
    path.write_bytes(before + whole.read_bytes() + behind)
    assert read(path) == read(whole)


def test_the_hint_never_is_a_duration_of_zero(whole, frames, tmp_path):
    path = tmp_path / "x.flac"
    content = whole.read_bytes()
    path.write_bytes(content[: frames[0] + 20] + bytes(200) + content[frames[0] + 220 :])
    with pytest.raises(AudioError, match=r"after 0\.000 s") as error:
        read(path)
    assert "duration" not in str(error.value)


def test_headers_are_found_as_ffprobe_does(whole, frames):
    content = whole.read_bytes()
    position = 0
    for at in frames[:-1]:
        frame = flac.parse_frame(content[at : at + 16])
        assert frame.number * 4096 == position
        position += frame.n_samples
    assert position == SECONDS * 44100


def test_sound_that_looks_like_the_header_of_the_next_frame_is_sound(tmp_path):
    """Noise is kept as it is, so bytes of a header in it stay: of frame 1, inside frame 0."""
    start = bytes.fromhex("fff96326018e")  # of another rate and sample size
    header = next(x for x in (start + bytes((c, 0)) for c in range(256)) if flac.parse_frame(x))
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 3 * 4096).astype(">i2")
    place = 200
    samples[place : place + 4] = np.frombuffer(header, ">i2")
    path = tmp_path / "noise.flac"
    soundfile.write(path, samples.astype(np.int16), 44100)
    assert header in path.read_bytes()
    assert flac.parse_frame(header).number == 1
    np.testing.assert_array_equal(read(path).samples[0], samples.astype(np.float32) / 2**15)


@pytest.mark.parametrize("n", [0, 127, 128, 2047, 2048, 65_535, 65_536, 2**21, 2**26, 2**35])
def test_numbers_of_any_length_are_read(n):
    """Written as in UTF-8, of up to seven bytes."""
    n_more = next(k for k in range(7) if n < 2 ** (5 * k + 6 if k else 7))
    lead = (0xFF00 >> n_more + 1) & 0xFF if n_more else 0
    digits = [n >> 6 * k & 0x3F for k in range(n_more, -1, -1)]
    written = bytes([lead | digits[0] if n_more else n, *(0x80 | d for d in digits[1:])])
    head = bytes((0xFF, 0xF9, 0xC9, 0x18)) + written
    checksum = next(c for c in range(256) if flac.parse_frame(head + bytes((c, 0, 0))))
    frame = flac.parse_frame(head + bytes((checksum,)))
    assert (frame.number, frame.n_samples, frame.varies) == (n, 4096, True)
