"""How much memory a long recording takes: make one of three hours, read it, ask the system.

    python benchmarks/memory.py [--hours 3] [--format mp3|flac|wav|m4a] [--model NAME ...]

Each format is streamed in a process of its own, mono at 22050 Hz, and the greatest resident size of
that process is printed beside the size of an interpreter that has only imported the reader. The
same for what models find, beat-tcn or those that are named, from the first format alone.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 44100
MINUTE = 60 * SAMPLE_RATE
FORMATS = ("mp3", "flac", "wav", "m4a")


def make(path: Path, hours: float) -> None:
    """Write a stereo recording: a minute of tones, clicks and noise, again and again."""
    rng = np.random.default_rng(0)
    t = np.arange(MINUTE) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * (110 + 3 * t) * t)
    tone += 0.3 * rng.standard_normal(MINUTE) * np.exp(-60 * (t % 0.5))  # 120 bpm
    minute = np.stack([tone, tone[::-1]], axis=1) + rng.normal(0, 0.01, (MINUTE, 2))
    if path.suffix == ".mp3":  # frames follow frames: encode them once
        soundfile.write(path, minute, SAMPLE_RATE)
        path.write_bytes(path.read_bytes() * round(hours * 60))
        return
    source = path.with_suffix(".wav")
    with soundfile.SoundFile(
        source if path.suffix == ".m4a" else path, "w", SAMPLE_RATE, 2
    ) as file:
        for _ in range(round(hours * 60)):
            file.write(minute.astype(np.float32))
    if path.suffix == ".m4a":
        command = ["ffmpeg", "-v", "error", "-i", source, "-c:a", "alac", path]
        subprocess.run(command, check=True)
        source.unlink()


def peak_mib() -> float:
    """Return the greatest resident size of this process so far [MiB]."""
    status = Path("/proc/self/status")
    if status.exists():  # its ru_maxrss counts the parent's memory at the fork
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def stream(path: str) -> None:
    """Stream a recording and print what it took."""
    from mirkit.audio.reading import blocks

    before = peak_mib()
    wall, cpu = time.perf_counter(), time.process_time()
    with blocks(path, sample_rate=22050) as blocks_of:
        seconds = sum(block.shape[1] for block in blocks_of) / blocks_of.sample_rate
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    speed = f"{seconds / cpu:.0f}x of processor, {seconds / wall:.0f}x of wall time"
    print(
        f"{Path(path).suffix[1:]:5} {seconds / 3600:.2f} h: {peak_mib():.0f} MiB at most, "
        f"{before:.0f} MiB before; {speed}"
    )


def find(path: str, model: str) -> None:
    """Let a model answer for a recording, and print what it took."""
    from mirkit.system import load

    cpu = time.process_time()
    system = load(model)
    activations = system.activations(path)
    found = system.decode(activations)
    cpu = time.process_time() - cpu
    hours = activations.duration / 3600
    print(
        f"{system.task} by {model}, {hours:.2f} h: {peak_mib():.0f} MiB at most, "
        f"{3600 * hours / cpu:.0f}x of processor; {type(found).__name__}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--format", choices=FORMATS, action="append")
    parser.add_argument("--model", nargs="+", default=["beat-tcn"])
    parser.add_argument("--stream", help=argparse.SUPPRESS)
    parser.add_argument("--find", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.stream:
        stream(args.stream)
        return
    if args.find:
        find(args.find, args.model[0])
        return
    for i, suffix in enumerate(args.format or FORMATS):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"long.{suffix}"
            make(path, args.hours)
            subprocess.run([sys.executable, __file__, "--stream", path], check=True)
            if i == 0:
                for model in args.model:
                    command = [sys.executable, __file__, "--find", path, "--model", model]
                    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
