"""Where an MP3 begins: behind tags, padding and junk, for its decoder and for Serato's clock."""

import io

import numpy as np
import pytest
import signals
from encoders import SECONDS, TICKS

from mirkit.audio.codecs import mp3
from mirkit.audio.reading import read
from mirkit.errors import AudioError
from mirkit.formats.dj.clocks import mixxx_lead, serato_lead

ID3 = b"ID3\4\0\0\0\0\2\0" + bytes(256)
RANDOM = np.random.default_rng(0)
GAPS = {
    "one byte": ID3 + b"\0",
    "padding": ID3 + bytes(5000),
    "junk": ID3 + RANDOM.bytes(3000),
    "junk without a tag": RANDOM.bytes(777),
    "much junk": ID3 + RANDOM.bytes(600_000),
    "sync codes": ID3 + b"\xff\xfb\x90\x64" * 100 + bytes(7),
    "a picture whose size was written wrong": b"ID3\4\0\0\0\0\2\0" + RANDOM.bytes(200_000),
    "APE": b"APETAGEX" + (2000).to_bytes(4, "little") + (100).to_bytes(4, "little")
    + (1).to_bytes(4, "little") + b"\0\0\0\xa0" + bytes(8) + bytes(100),
    "APE behind ID3": ID3 + b"APETAGEX" + bytes(4) + (64).to_bytes(4, "little") + bytes(16 + 64),
    "two tags": ID3 + ID3,
    "a part of a frame": b"\xff\xfb\x90\x64" + RANDOM.bytes(200),
}  # fmt: skip


def lag(path):
    audio = read(path)
    expected = signals.ticks(TICKS, SECONDS, audio.sample_rate).samples[0]
    return signals.lag(expected, audio.samples[0])


@pytest.mark.data
def test_the_cases_of_users(cases):
    expected = read(cases / "r04_no_gap.mp3")
    assert expected.duration == 8.0
    assert read(cases / "r04_one_byte_gap.mp3") == expected
    assert serato_lead(cases / "r04_one_byte_gap.mp3") == serato_lead(cases / "r04_no_gap.mp3")


@pytest.mark.parametrize("encoder", ["lame_cbr", "lame_vbr", "ffmpeg_cbr", "lame_vbr_untagged"])
@pytest.mark.parametrize("gap", GAPS)
def test_what_lies_before_the_first_frame_moves_nothing(ticking, tmp_path, encoder, gap):
    plain = ticking(encoder)
    path = tmp_path / "x.mp3"
    path.write_bytes(GAPS[gap] + plain.read_bytes())
    assert read(path) == read(plain)
    assert read(io.BytesIO(path.read_bytes())) == read(plain)
    assert serato_lead(path) == serato_lead(plain)
    assert mixxx_lead(path) == mixxx_lead(plain)


@pytest.mark.parametrize("encoder", ["lame_cbr", "lame_vbr", "lame_cbr_untagged"])
@pytest.mark.parametrize("gap", ["one byte", "junk", "APE"])
def test_the_clock_of_serato_trusts_the_tag_that_reading_trusts(ticking, tmp_path, encoder, gap):
    """Serato plays all frames, that of the tag too: a tick is later by as much as we removed."""
    path = tmp_path / "x.mp3"
    path.write_bytes(GAPS[gap] + ticking(encoder).read_bytes())
    with path.open("rb") as file:
        n_tag, n_delay, header = mp3.lead(file)
    encoder_delay = 1105
    assert lag(path) + n_delay == encoder_delay
    assert serato_lead(path) == (n_tag + n_delay) / header.sample_rate


def test_a_tag_in_the_cut_file_is_trusted_too(ticking, tmp_path):
    path = tmp_path / "x.mp3"
    path.write_bytes(GAPS["junk"] + ticking("lame_cbr").read_bytes()[:30_000])
    with pytest.raises(AudioError, match=r"announces 4\.000 s, but after 1\.[78]"):
        read(path)


@pytest.mark.parametrize(
    "before",
    [
        b"PK\3\4" + bytes(60),  # an archive that holds an MP3 as it is
        b"RIFF\0\0\0\0AVI LIST" + bytes(60),
        b"%PDF-1.7\n",
        b"\0\0\0\x18ftypM4A " + bytes(60),
    ],
)
def test_frames_inside_a_file_of_another_kind_are_not_taken_for_it(ticking, tmp_path, before):
    path = tmp_path / "x.mp3"
    path.write_bytes(before + ticking("lame_cbr").read_bytes())
    with path.open("rb") as file:
        assert mp3.look(file) is None
        assert mp3.lead(file) is None


def test_noise_is_no_mp3():
    for seed in range(20):
        noise = io.BytesIO(bytes(1) + np.random.default_rng(seed).bytes(2**20))
        assert mp3.look(noise) is None
