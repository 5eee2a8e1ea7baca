"""A damaged recording is an error, never a shorter result."""

import gc
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import signals
import soundfile
from encoders import encode, has

from mirkit.audio import Audio
from mirkit.audio.reading import blocks, read
from mirkit.errors import AudioError

NOISE = Audio(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 132_300)).astype(np.float32), 44100)


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


@pytest.mark.parametrize("name", ["x.wav", "x.aiff", "x.flac", "x.mp3"])
def test_a_file_that_is_cut_short_says_where_and_is_read_up_to_there(save_wav, name):
    path = cut(save_wav(name, NOISE), 0.6)
    with pytest.raises(AudioError, match=r"announces 3\.000 s, but after 1\.\d+ s") as error:
        read(path)
    hint = str(error.value).rsplit("duration=", 1)[1]
    assert read(path, duration=float(hint)).duration == pytest.approx(1.7, abs=0.3)


@pytest.mark.parametrize("name", ["x.ogg"])
def test_ogg_cannot_tell_that_it_was_cut(save_wav, name):
    assert 1 < read(cut(save_wav(name, NOISE), 0.6)).duration < 2


def test_a_wav_whose_writer_could_not_know_its_length_is_whole(save_wav):
    path = save_wav("x.wav", NOISE)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    for unknown in (b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f"):
        content[4:8], content[at : at + 4] = unknown, unknown
        path.write_bytes(content)
        assert read(path).n_samples == NOISE.n_samples


def test_a_flac_with_a_broken_frame_is_an_error(save_wav):
    path = save_wav("x.flac", NOISE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 5000] = bytes(5000)
    path.write_bytes(content)
    with pytest.raises(AudioError, match="damaged or cut short"):
        read(path)


@pytest.mark.parametrize("encoder", ["aac_m4a_streamable", "matroska", "wma"])
def test_what_ffmpeg_reads_is_an_error_too_where_it_is_cut(tmp_path, encoder):
    source = tmp_path / "noise.wav"
    soundfile.write(source, NOISE.samples.T, NOISE.sample_rate)
    path = cut(encode(encoder, source, tmp_path), 0.6)
    with pytest.raises(AudioError, match=r"damaged or cut short.*duration=") as error:
        read(path)
    hint = str(error.value).rsplit("duration=", 1)[1]
    assert read(path, duration=float(hint)).duration > 1


def test_an_m4a_whose_index_is_cut_away_is_an_error(ticking, tmp_path):
    path = tmp_path / "x.m4a"
    path.write_bytes(ticking("aac_m4a").read_bytes()[:-600])
    with pytest.raises(AudioError, match="MPEG-4"):
        read(path)


def test_a_rate_that_no_recording_has_is_a_damaged_header(save_wav):
    path = save_wav("x.wav", NOISE)
    content = bytearray(path.read_bytes())
    content[24:28] = (3).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(AudioError, match="claims 3 samples a second"):
        read(path)


def test_without_ffmpeg_the_error_says_how_to_install_it(ticking, monkeypatch):
    path = ticking("aac_m4a")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AudioError, match=r"MPEG-4.*ffmpeg.*not installed.*apt install ffmpeg"):
        read(path)


def test_a_video_without_a_sound_track_is_told(tmp_path):
    if not has("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    picture = ["-f", "lavfi", "-i", "color=size=32x32:duration=0.2"]
    path = tmp_path / "x.mp4"
    subprocess.run(["ffmpeg", "-v", "error", *picture, path], check=True)
    with pytest.raises(AudioError, match="without a sound track"):
        read(path)


def test_ffmpeg_reads_file_objects_in_memory(ticking):
    import io

    path = ticking("aac_m4a")
    assert read(io.BytesIO(path.read_bytes())) == read(path)
    with path.open("rb") as file:
        assert read(file) == read(path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere /dev/stdin shares its place")
def test_ffmpeg_takes_no_sound_for_a_command(tmp_path):
    """It listens to keys on stdin, where the file is: a q in it would end the decoding."""
    source = tmp_path / "long.wav"
    soundfile.write(source, np.tile(NOISE.samples, 5).T, NOISE.sample_rate)
    path = encode("matroska", source, tmp_path)
    with path.open("rb") as file, blocks(file, block_seconds=1) as stream:
        for i, _ in enumerate(stream):
            time.sleep(0.5 if i == 0 else 0)  # it looks for keys ten times a second
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0


def children():
    done = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, text=True
    )
    return [name for name in done.stdout.split() if name != "ps"]


@pytest.mark.parametrize("how", ["closed", "forgotten", "finished", "never begun"])
def test_no_ffmpeg_is_left_behind(tmp_path, how):
    source = tmp_path / "long.wav"
    soundfile.write(source, np.tile(NOISE.samples, 5).T, NOISE.sample_rate)
    path = encode("matroska", source, tmp_path)
    stream = blocks(path, block_seconds=1)
    if how != "never begun":
        next(stream)
        assert children() == ["ffmpeg"]
    if how == "finished":
        list(stream)
    elif how != "forgotten":
        stream.close()
    else:
        del stream
        gc.collect()
    for _ in range(100):
        if not children():
            break
        time.sleep(0.01)
    assert children() == []


def test_a_long_complaint_of_ffmpeg_does_not_block(tmp_path):
    """More errors than a pipe holds: they go to a file."""
    path = tmp_path / "x.aac"
    frame = bytes.fromhex("fff15080043ffc")
    rng = np.random.default_rng(0)
    path.write_bytes(b"".join(frame + rng.bytes(26) for _ in range(3000)))
    with pytest.raises(AudioError):
        read(path)


def test_a_playlist_opens_no_other_file(save_wav, tmp_path):
    save_wav("secret.wav", signals.ticks([0.1], 0.3, 8000))
    for name, text in (
        ("x.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"),
        ("x.ffconcat", "ffconcat version 1.0\nfile 'secret.wav'\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(AudioError):
            read(tmp_path / name)
