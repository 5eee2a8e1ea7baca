"""Send a clip through a lossy codec and back, without moving it.

Every codec delays: MP3 by its encoder's and decoder's blocks, Opus by its look-ahead. FFmpeg writes
and undoes most of it; what is left is measured on the clip itself and taken out.
"""

from __future__ import annotations

import shutil
import subprocess

import numpy as np

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.errors import AudioError, MissingExtra

ENCODERS = {
    "mp3": ("libmp3lame", "mp3"),
    "ogg": ("libvorbis", "ogg"),
    "opus": ("libopus", "ogg"),
    "aac": ("aac", "adts"),
}

MAX_KBPS = {"ogg": 64}
"""Highest bit rate that an encoder takes for one channel of 22.05 kHz."""

MAX_SHIFT = 0.12
"""Largest delay looked for [s]."""


def round_trip(samples: Floats32, sample_rate: int, codec: str, kbps: int) -> Floats32:
    """Encode and decode mono samples; the result lies on the original to a sample.

    Raises
    ------
    MissingExtra
        Where ffmpeg is not installed.
    UnknownName
        Where the codec is not one of `ENCODERS`.
    """
    checks.member("codec", codec, ENCODERS)
    encoder, container = ENCODERS[codec]
    kbps = min(kbps, MAX_KBPS.get(codec, kbps))
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    raw = ["-f", "s16le", "-ar", str(sample_rate), "-ac", "1"]
    encoded = _ffmpeg(
        [*raw, "-i", "-", "-c:a", encoder, "-b:a", f"{kbps}k", "-f", container, "-"], pcm
    )
    decoded = _ffmpeg(["-f", "aac" if codec == "aac" else container, "-i", "-", *raw, "-"], encoded)
    out = np.frombuffer(decoded, dtype="<i2").astype(np.float32) * np.float32(1 / 32768)
    return align(out, samples, sample_rate)


def _ffmpeg(arguments: list[str], data: bytes) -> bytes:
    if shutil.which("ffmpeg") is None:
        raise MissingExtra("ffmpeg", "apt-get install ffmpeg", "a codec round trip")
    command = ["ffmpeg", "-v", "error", "-threads", "1", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=300)
    if done.returncode:
        raise AudioError(
            f"ffmpeg {' '.join(arguments)}: {done.stderr.decode(errors='replace')[-400:]}"
        )
    return done.stdout


def align(moved: Floats32, original: Floats32, sample_rate: int) -> Floats32:
    """Return `moved` shifted onto `original` and cut to its length."""
    shift = measure_delay(moved, original, sample_rate)
    out = np.zeros_like(original)
    source = moved[max(shift, 0) :]
    start = max(-shift, 0)
    n = min(len(source), len(out) - start)
    out[start : start + n] = source[:n]
    return out


def measure_delay(moved: Floats32, original: Floats32, sample_rate: int) -> int:
    """Return by how many samples `moved` lags `original`, from their correlation."""
    from scipy.fft import irfft, next_fast_len, rfft

    limit = int(MAX_SHIFT * sample_rate)
    n = min(len(moved), len(original), 12 * sample_rate)
    begin = _loud_start(original, n)
    a, b = moved[begin : begin + n], original[begin : begin + n]
    n_fft = next_fast_len(len(a) + len(b))
    correlation = irfft(rfft(a, n_fft) * np.conj(rfft(b, n_fft)), n_fft)
    lags = np.concatenate([correlation[-limit:], correlation[: limit + 1]])
    return int(np.argmax(lags)) - limit


def _loud_start(samples: Floats32, n: int) -> int:
    """Return where the loudest stretch of `n` samples begins, on a coarse grid."""
    if len(samples) <= n:
        return 0
    power = np.concatenate([[0.0], np.cumsum(np.square(samples), dtype=np.float64)])
    starts = np.arange(0, len(samples) - n + 1, max(n // 8, 1))
    return int(starts[np.argmax(power[starts + n] - power[starts])])
