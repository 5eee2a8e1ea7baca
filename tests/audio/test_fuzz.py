"""Damage of every kind to real recordings: an `AudioError` or finite samples, and nothing else.

Files are read in a process of their own, so that a decoder that crashes or hangs is caught. What is
lossless gives no more samples than ffmpeg decodes.
"""

import os
import select
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from encoders import encode, has

from mirkit.audio.reading import read

N_VARIANTS = int(os.environ.get("MIRKIT_FUZZ", "300"))
TIME_LIMIT = 30  # [s] for one file of 2 s, on a machine that does much else
SLOW_SHARE = 0.1  # of the variants, for what takes several processes

LIBRARY = {
    # suffix: how the sound library writes it
    "wav": {},
    "float.wav": {"subtype": "FLOAT"},
    "wavex.wav": {"format": "WAVEX", "subtype": "PCM_24"},
    "rf64": {"format": "RF64"},
    "w64": {},
    "aiff": {},
    "au": {},
    "caf": {},
    "flac": {},
    "ogg": {},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {},
}
FFMPEG = {
    # suffix: the encoder
    "m4a": "aac_m4a",
    "alac.m4a": "alac_streamable",
    "flac.ogg": "ogg_flac",
    "wv": "wavpack",
    "tta": "tta",
    "mkv": "matroska",
    "wma": "wma",
    "webm": "webm",
}
LOSSLESS = {*LIBRARY, *FFMPEG, "real.flac"} - {"ogg", "opus", "mp3", "m4a", "wma", "webm"}
"""Not MP3, where decoders find back into damaged frames in their own ways, nor other lossy ones."""

FRAME = {"flac": 4096, "real.flac": 4608, "flac.ogg": 4608, "mkv": 4608, "wv": 22050, "tta": 46080,
         "alac.m4a": 4096}  # fmt: skip
"""Samples that are decoded at once; 1 in all others."""

REFUSED = {"w64"}
"""What ffmpeg refuses to open where anything follows its chunks, which is no damage."""


class Worker:
    """A process that reads one file after the other."""

    def __init__(self):
        self.process = None

    def read(self, path):
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("fuzz_worker.py")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True,
            )  # fmt: skip
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], TIME_LIMIT)
        answer = self.process.stdout.readline() if ready else "BAD: it hangs"
        if not answer or not ready:
            self.close()
            return answer or "BAD: the process died"
        return answer.rstrip("\n")

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def truncate(content, rng, other):
    return content[: rng.integers(0, len(content))]


def flip_bytes(content, rng, other):
    content = bytearray(content)
    for at in rng.integers(0, len(content), rng.integers(1, 60)):
        content[at] ^= int(rng.integers(1, 256))
    return bytes(content)


def zero_run(content, rng, other):
    at, n = rng.integers(0, len(content)), rng.integers(1, 5000)
    return content[:at] + bytes(len(content[at : at + n])) + content[at + n :]


def splice(content, rng, other):
    at, end = sorted(rng.integers(0, len(content), 2))
    middle = [b"", content[at:end] * 2, other[at:end]][rng.integers(3)]
    return content[:at] + middle + content[end:]


def break_header(content, rng, other):
    content = bytearray(content)
    for at in rng.integers(0, min(len(content), rng.choice([16, 64, 512])), rng.integers(1, 12)):
        content[at] = int(rng.choice([0, 1, 127, 128, 255, rng.integers(256)]))
    return bytes(content)


def junk_around(content, rng, other):
    n = rng.integers(1, 3000)
    return rng.bytes(n) + content if rng.integers(2) else content + rng.bytes(n)


MUTATIONS = [truncate, flip_bytes, zero_run, splice, break_header, junk_around]


@pytest.fixture(scope="module")
def originals(data_dir, tmp_path_factory):
    """Two seconds of real recordings in each format, as bytes."""
    folder = tmp_path_factory.mktemp("originals")
    song = read(data_dir / "songs" / "vibe_ace.ogg", offset=20, duration=2)
    files = {}
    for suffix, kwargs in LIBRARY.items():
        path = folder / f"x.{suffix}"
        rate = 48000 if suffix == "opus" else song.sample_rate
        soundfile.write(path, song.samples.T, rate, **kwargs)
        files[suffix] = path.read_bytes()
    files["untagged.mp3"] = (data_dir / "tempo" / "mr_fancy_pants.mp3").read_bytes()[:40_000]
    files["real.flac"] = (data_dir / "expressive" / "easy_example.flac").read_bytes()[:100_000]
    files["chain.ogg"] = 2 * files["ogg"]
    for suffix, encoder in FFMPEG.items() if has("ffmpeg") else ():
        files[suffix] = encode(encoder, folder / "x.wav", folder).read_bytes()
    return files


def variants(originals):
    """Yield suffix, name of the mutation and content; the same ones each time."""
    fast = [suffix for suffix in originals if suffix not in FFMPEG]
    slow = [suffix for suffix in originals if suffix in FFMPEG]
    for seed in range(N_VARIANTS):
        rng = np.random.default_rng(seed)
        among = slow if slow and rng.random() < SLOW_SHARE else fast
        suffix = among[rng.integers(len(among))]
        mutate = MUTATIONS[rng.integers(len(MUTATIONS))]
        other = originals[fast[rng.integers(len(fast))]]
        yield seed, suffix, mutate.__name__, mutate(originals[suffix], rng, other)


def n_decoded(path):
    """How many samples of each channel ffmpeg decodes."""
    command = ["ffmpeg", "-v", "quiet", "-i", path, "-map", "0:a:0", "-ac", "1", "-f", "u8", "-"]
    return len(subprocess.run(command, capture_output=True).stdout)


def complaint(path, suffix, answer):
    """What is wrong with how a file was read, or None."""
    if answer.startswith("BAD"):
        return answer
    if suffix not in LOSSLESS or not answer.startswith("audio") or not has("ffmpeg"):
        return None
    n_found, n_there = int(answer.split()[1]), n_decoded(path)
    if n_found <= n_there + FRAME.get(suffix, 1) or (n_there == 0 and suffix in REFUSED):
        return None
    return f"{n_found} samples, of which ffmpeg decodes {n_there}"


@pytest.mark.data
def test_damaged_files_give_an_audio_error_or_finite_audio(originals, tmp_path):
    worker, bad, outcomes = Worker(), [], Counter()
    try:
        for seed, suffix, mutation, content in variants(originals):
            path = tmp_path / f"{seed}-{mutation}.{suffix}"
            path.write_bytes(content)
            answer = worker.read(path)
            outcomes[answer.split(":")[0]] += 1
            if (wrong := complaint(path, suffix, answer)) is not None:
                bad.append(f"{path.name}: {wrong}")
            path.unlink()
    finally:
        worker.close()
    assert not bad, "\n".join(bad)
    assert min(outcomes["audio"], outcomes["AudioError"]) > N_VARIANTS / 10, outcomes


@pytest.mark.data
def test_the_originals_are_read(originals, tmp_path):
    worker = Worker()
    for suffix, content in originals.items():
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(content)
        expected = "AudioError" if suffix == "real.flac" else "audio"  # that one is cut
        answer = worker.read(path)
        assert answer.split(":")[0] == expected, suffix
        assert complaint(path, suffix, answer) is None, suffix
    worker.close()
