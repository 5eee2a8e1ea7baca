"""Measure every front end next to what librosa has of its kind.

Run: python benchmarks/front_ends.py [--only NAME …]
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import report

report.use_one_core()

import librosa  # noqa: E402
import numpy as np  # noqa: E402

from mirkit.audio import Audio  # noqa: E402
from mirkit.features import (  # noqa: E402
    FRONT_ENDS,
    VQT,
    AttackEnvelope,
    FourierTempogram,
    FrontEnd,
    LogSpectrogram,
    OnsetStrength,
)

RESULTS = report.ROOT / "benchmarks" / "results" / "front_ends.json"


def clip(sample_rate: int, seconds: float) -> Audio:
    """Return noise whose loudness beats twice a second."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    noise = np.random.default_rng(0).standard_normal(t.size)
    return Audio((0.1 * noise * np.exp(-8 * (t % 0.5))).astype(np.float32), sample_rate)


def librosa_mel(front: LogSpectrogram, audio: Audio) -> Callable[[], Any]:
    """Return librosa's log-mel spectrogram of the same sizes, as a call without arguments."""
    return lambda: librosa.power_to_db(
        librosa.feature.melspectrogram(
            y=audio.samples[0],
            sr=audio.sample_rate,
            n_fft=front.stft.n_fft,
            hop_length=front.stft.hop_length,
            n_mels=front.n_bins,
        ),
        top_db=None,
    )


def librosa_onset(front: OnsetStrength, audio: Audio) -> Callable[[], Any]:
    """Return librosa's onset strength of the same sizes."""
    mel = librosa_mel(front.spectrogram, audio)
    hop_length = front.spectrogram.stft.hop_length
    return lambda: librosa.onset.onset_strength(
        S=mel(), sr=audio.sample_rate, hop_length=hop_length
    )


def librosa_vqt(front: VQT, audio: Audio) -> Callable[[], Any]:
    """Return librosa's transform of the same bins, at the same hop, which skips parts of treble."""
    return lambda: librosa.vqt(
        audio.samples[0],
        sr=audio.sample_rate,
        hop_length=front.hop_length,
        fmin=front.fmin,
        n_bins=front.n_bins,
        bins_per_octave=front.bins_per_octave,
        gamma=front.gamma,
        filter_scale=front.filter_scale,
    )


def librosa_rms(front: AttackEnvelope, audio: Audio) -> Callable[[], Any]:
    samples, hop = audio.samples[0], front.hop_length
    return lambda: librosa.feature.rms(y=samples, frame_length=hop, hop_length=hop)


def librosa_twin(front: FrontEnd, audio: Audio) -> tuple[str, Callable[[], Any]]:
    """Return the name of librosa's function of the same kind, and a call of it."""
    if isinstance(front, LogSpectrogram):
        return "melspectrogram", librosa_mel(front, audio)
    if isinstance(front, OnsetStrength):
        return "onset_strength", librosa_onset(front, audio)
    if isinstance(front, VQT):
        return "vqt", librosa_vqt(front, audio)
    if isinstance(front, AttackEnvelope):
        return "rms", librosa_rms(front, audio)
    name = "fourier_tempogram" if isinstance(front, FourierTempogram) else "tempogram"
    onset = librosa_onset(front.onset, audio)
    function = getattr(librosa.feature, name)
    return name, lambda: function(onset_envelope=onset(), sr=audio.sample_rate)


def measure(front: FrontEnd, seconds: float, rounds: int) -> dict[str, Any]:
    """Return the times of one front end and its twin, measured in turn."""
    audio = clip(front.sample_rate, seconds)
    twin, call_twin = librosa_twin(front, audio)
    ours, theirs = report.least_cpu_seconds([lambda: front(audio), call_twin], rounds)
    return {
        "sample_rate": front.sample_rate,
        "fps": round(front.grid.fps, 3),
        "n_bins": front.n_bins,
        "latency": round(front.latency, 4),
        "cpu_seconds_of_3_minutes": round(ours * 180 / seconds, 3),
        "times_real_time": round(seconds / ours),
        "librosa": twin,
        "librosa_times_real_time": round(seconds / theirs),
        "ratio": round(theirs / ours, 2),
    }


def as_table(results: dict[str, dict[str, Any]]) -> str:
    header = ["front end", "Hz", "frames/s", "bins", "latency [ms]", "x real time"]
    header += ["librosa's", "x real time", "ratio"]
    rows = [
        [
            f"`{name}`",
            each["sample_rate"],
            f"{each['fps']:g}",
            each["n_bins"],
            f"{1000 * each['latency']:.1f}",
            each["times_real_time"],
            f"`{each['librosa']}`",
            each["librosa_times_real_time"],
            f"{each['ratio']:.1f}",
        ]
        for name, each in results.items()
    ]
    return report.table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", help="measure these, and keep what is known of others")
    options = parser.parse_args()
    known = json.loads(RESULTS.read_text())["front_ends"] if options.only else {}
    results = {}
    for name, front in FRONT_ENDS.items():
        if options.only and name not in options.only:
            results[name] = known[name]
            continue
        results[name] = measure(front, options.seconds, options.rounds)
        print(name, results[name])
    machine = report.machine()
    report.write_json("front_ends", {"machine": machine, "front_ends": results})
    note = (
        f"\n\nOne core of {machine['processor']}, numpy {machine['numpy']}, "
        f"{options.seconds:g} s of audio, least processor time of {options.rounds} rounds, "
        f"load {machine['load'][0]}, {machine['date']}."
    )
    page = report.ROOT / "docs" / "front_ends.md"
    report.write_between_markers(page, "front_ends", as_table(results) + note)


if __name__ == "__main__":
    main()
