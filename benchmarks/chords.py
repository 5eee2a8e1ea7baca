"""How fast chords and key are: a three-minute MP3 on one core, with the peers beside them.

The decoding of the file is included. Times are processor time, the lesser of two rounds in which
all systems take turns, so that a busy machine slows all alike. Writes the table into
docs/chords-and-key.md and benchmarks/results/chords.json. Needs ffmpeg; madmom where present.

Run: python benchmarks/chords.py
"""

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import report
from speed import SECONDS, encode

ROUNDS = 2


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mp3"
        encode(path, SECONDS)
        calls = systems(path)
        for call in calls.values():
            call()  # loads models
        seconds = report.least_cpu_seconds(list(calls.values()), ROUNDS)
    rates = {name: SECONDS / s for name, s in zip(calls, seconds, strict=True)}
    own = next(iter(rates.values()))
    text = report.table(
        ("chords and key of a 3-minute MP3, one core, warm", "times real time", "ours / its"),
        [(name, f"{rate:.0f}", f"{own / rate:.1f}") for name, rate in rates.items()],
    )
    text += f"\n\n{report.machine()['processor']}, load {report.machine()['load'][0]}."
    print(text)
    report.write_between_markers(report.ROOT / "docs" / "chords-and-key.md", "chords", text)
    report.write_json("chords", {"machine": report.machine(), "times_real_time": rates})


def systems(path: Path) -> dict[str, Callable[[], object]]:
    """Return what is measured; ours first."""
    import mirkit

    def both(chords: str | None, key: str | None) -> Callable[[], object]:
        return lambda: (mirkit.chords(path, model=chords), mirkit.key(path, model=key))

    calls = {"mirkit": both(None, None), "librosa": both("librosa-chords", "librosa-key")}
    if find_spec("madmom"):
        calls["madmom"] = both("madmom-chords", "madmom-key")
    return calls


if __name__ == "__main__":
    main()
