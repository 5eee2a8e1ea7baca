"""Damage of every kind to real recordings: an `AudioError` or finite samples, and nothing else.

Files are read in a process of their own, so that a decoder that crashes or hangs is caught.
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

N_VARIANTS = int(os.environ.get("MIRKIT_FUZZ", "500"))
TIME_LIMIT = 30  # [s] for one file of 2 s, on a machine that does much else
SLOW = {"m4a"}  # two processes for each file: a small share of the variants
SLOW_SHARE = 0.06


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
    for suffix, kwargs in {
        "wav": {},
        "float.wav": {"subtype": "FLOAT"},
        "flac": {},
        "ogg": {},
        "mp3": {},
        "aiff": {},
    }.items():
        path = folder / f"x.{suffix}"
        soundfile.write(path, song.samples.T, song.sample_rate, **kwargs)
        files[suffix] = path.read_bytes()
    files["untagged.mp3"] = (data_dir / "tempo" / "mr_fancy_pants.mp3").read_bytes()[:40_000]
    files["real.flac"] = (data_dir / "expressive" / "easy_example.flac").read_bytes()[:100_000]
    if has("ffmpeg"):
        files["m4a"] = encode("aac_m4a", folder / "x.wav", folder).read_bytes()
    return files


def variants(originals):
    """Yield suffix, name of the mutation and content; the same ones each time."""
    fast = [suffix for suffix in originals if suffix not in SLOW]
    for seed in range(N_VARIANTS):
        rng = np.random.default_rng(seed)
        slow = SLOW & set(originals) and rng.random() < SLOW_SHARE
        suffix = rng.choice(sorted(SLOW)) if slow else fast[seed % len(fast)]
        mutate = MUTATIONS[rng.integers(len(MUTATIONS))]
        other = originals[fast[rng.integers(len(fast))]]
        yield seed, suffix, mutate.__name__, mutate(originals[suffix], rng, other)


@pytest.mark.data
def test_damaged_files_give_an_audio_error_or_finite_audio(originals, tmp_path):
    worker, bad, outcomes = Worker(), [], Counter()
    try:
        for seed, suffix, mutation, content in variants(originals):
            path = tmp_path / f"{seed}-{mutation}.{suffix}"
            path.write_bytes(content)
            answer = worker.read(path)
            outcomes[answer.split(":")[0]] += 1
            if answer.startswith("BAD"):
                bad.append(f"{path.name}: {answer}")
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
        assert worker.read(path) == expected, suffix
    worker.close()
