"""Encoders that tests run: lossy files of known ticks."""

import shutil
import subprocess
from functools import cache

import numpy as np
import pytest

TICKS = (0.0, 0.25, 1.0, 1.7, 2.5, 3.3)  # uneven, so that they fit in one place only
SECONDS = 4.0


@cache
def has(program):
    return shutil.which(program) is not None


ENCODERS = {
    # name: (suffix, program, arguments before the input and after it)
    "lame_cbr": (".mp3", "lame", ["--quiet", "-b", "128"], []),
    "lame_vbr": (".mp3", "lame", ["--quiet", "-V2"], []),
    "lame_cbr_untagged": (".mp3", "lame", ["--quiet", "-t", "-b", "128"], []),
    "lame_vbr_untagged": (".mp3", "lame", ["--quiet", "-t", "-V2"], []),
    "ffmpeg_cbr": (".mp3", "ffmpeg", [], ["-c:a", "libmp3lame", "-b:a", "128k"]),
    "ffmpeg_vbr": (".mp3", "ffmpeg", [], ["-c:a", "libmp3lame", "-q:a", "2"]),
    "ffmpeg_untagged": (".mp3", "ffmpeg", [], ["-c:a", "libmp3lame", "-write_xing", "0"]),
    "vorbis": (".ogg", "ffmpeg", [], ["-c:a", "libvorbis"]),
    "opus": (".opus", "ffmpeg", [], ["-c:a", "libopus"]),
    "webm": (".webm", "ffmpeg", [], ["-c:a", "libopus"]),
    "aac_m4a": (".m4a", "ffmpeg", [], ["-c:a", "aac"]),
    "aac_m4a_streamable": (".m4a", "ffmpeg", [], ["-c:a", "aac", "-movflags", "+faststart"]),
    "aac_m4a_fragmented": (
        ".m4a",
        "ffmpeg",
        [],
        ["-c:a", "aac", "-movflags", "frag_keyframe+delay_moov"],
    ),
    "alac": (".m4a", "ffmpeg", [], ["-c:a", "alac"]),
    "aac_raw": (".aac", "ffmpeg", [], ["-c:a", "aac"]),
    "matroska": (".mkv", "ffmpeg", [], ["-c:a", "flac"]),
    "ogg_flac": (".ogg", "ffmpeg", [], ["-c:a", "flac"]),
    "wavpack": (".wv", "ffmpeg", [], ["-c:a", "wavpack"]),
    "tta": (".tta", "ffmpeg", [], ["-c:a", "tta"]),
    "alac_streamable": (".m4a", "ffmpeg", [], ["-c:a", "alac", "-movflags", "+faststart"]),
    "mp3_in_wav": (".mp3.wav", "ffmpeg", [], ["-c:a", "libmp3lame"]),
    "wma": (".wma", "ffmpeg", [], ["-c:a", "wmav2"]),
}


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *args], check=True, capture_output=True)


def decoded_by_ffmpeg(path, n_channels):
    """What the program decodes, as far as it does, ``(n_channels, n_samples)``."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True)
    return np.frombuffer(done.stdout, "<f4").reshape(-1, n_channels).T


def encode(encoder, source, folder):
    """Encode a WAV file and return the path; skip the test where there is no such program."""
    suffix, program, before, after = ENCODERS[encoder]
    if not has(program):
        pytest.skip(f"{program} is not installed")
    path = folder / f"{encoder}{suffix}"
    if program == "ffmpeg":
        before = ["-v", "error", "-y", *before, "-i"]
    subprocess.run([program, *before, source, *after, path], check=True, capture_output=True)
    return path
