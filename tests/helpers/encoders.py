"""Encoders that tests run: lossy files of known ticks."""

import shutil
import subprocess
from functools import cache

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
    "alac": (".m4a", "ffmpeg", [], ["-c:a", "alac"]),
    "aac_raw": (".aac", "ffmpeg", [], ["-c:a", "aac"]),
    "matroska": (".mkv", "ffmpeg", [], ["-c:a", "flac"]),
    "wma": (".wma", "ffmpeg", [], ["-c:a", "wmav2"]),
}


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
