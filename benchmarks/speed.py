"""How fast mirkit is: every task beside an older version and the peers, and where the time goes.

All that is compared is measured in one run and in turns, on one processor with one thread, so that
a busy machine slows all alike. Times are processor time, the decoding of the file included; the
least of several rounds counts. Writes the tables into README.md, docs/speed.md and
benchmarks/results/speed.json. Needs ffmpeg; madmom and aubiotrack where present.

Run: python benchmarks/speed.py [--before CHECKOUT]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import report

DEMO = report.ROOT / "examples" / "audio" / "demo.ogg"
SECONDS = 180
ROUNDS = 7
COLUMNS = ("beats", "chords", "key", "tags", "sections", "analyze")
STAGES = ("decoding", "mixing, resampling", "features", "network", "decoder")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of an older version")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    report.use_one_core()
    if options.work:
        work()
        return
    with tempfile.TemporaryDirectory() as folder:
        long, short = Path(folder) / "long.mp3", Path(folder) / "short.mp3"
        encode(long, SECONDS)
        encode(short, 30)
        rates = measure(systems(options.before), long)
        stages = {task: Worker(report.ROOT).ask("stages", task, long) for task in COLUMNS[:-1]}
        starts = start_times(short)
    write(rates, stages, starts)


def write(
    rates: Mapping[str, Mapping[str, float]],
    stages: Mapping[str, Mapping[str, float]],
    starts: Mapping[str, float],
) -> None:
    """Print the tables and write them where they stand."""
    machine = report.machine()
    measured_on = f"\n\n{machine['processor']}, load {machine['load'][0]}."
    by_task = _by_task(rates) + measured_on
    shown = {name: row for name, row in rates.items() if " of " not in name}
    by_stage = report.table(
        ("processor time [ms]", *stages),
        [(name, *(f"{row[name]:.0f}" for row in stages.values())) for name in STAGES],
    )
    start = report.table(
        ("start-up, one core", "seconds"), [(k, f"{v:.2f}") for k, v in starts.items()]
    )
    print(by_task, by_stage, start, sep="\n\n")
    report.write_between_markers(
        report.ROOT / "README.md", "speed", f"{_by_task(shown)}{measured_on}\n\n{start}"
    )
    page = report.ROOT / "docs" / "speed.md"
    report.write_between_markers(page, "speed", by_task)
    report.write_between_markers(page, "stages", by_stage)
    results = {"times_real_time": rates, "stages_ms": stages, "start_seconds": starts}
    report.write_json("speed", {"machine": machine, **results})


def _by_task(rates: Mapping[str, Mapping[str, float]]) -> str:
    return report.table(
        ("3-minute MP3, one core, warm: times real time", *COLUMNS),
        [(name, *(_rate(row.get(each)) for each in COLUMNS)) for name, row in rates.items()],
    )


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.0f}"


def encode(path: Path, seconds: int) -> None:
    """Write the demo piece, repeated to `seconds`, as an MP3."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", DEMO, "-t", str(seconds),
         "-b:a", "192k", path],
        check=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Contender:
    """What is measured: how it is called for each column, and in how many rounds."""

    calls: Mapping[str, Callable[[Path], float]]
    rounds: int = ROUNDS


@dataclass
class Worker:
    """A process that runs a checkout of mirkit, and says how long each call took."""

    checkout: Path
    _process: Any = field(init=False)

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--work"],
            env={**os.environ, "PYTHONPATH": str(self.checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *words: object) -> Any:
        """Return the answer to a line: see `work`."""
        print(*words, sep="\t", file=self._process.stdin, flush=True)
        return json_line(self._process.stdout.readline())

    def call(self, verb: str, model: str | None = None) -> Callable[[Path], float]:
        """Return what measures a verb on a file [s]."""
        return lambda clip: float(self.ask(verb, clip, *([model] if model else [])))


def json_line(line: str) -> Any:
    """Return what a worker said; nothing means that it ended, after telling why on stderr."""
    if not line:
        raise SystemExit("a worker ended; its error stands above")
    return json.loads(line)


def work() -> None:
    """Answer lines such as ``beats<tab>file`` with the processor time of the call [s]."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        verb, *words = line.rstrip("\n").split("\t")
        answer = stage_times(*words) if verb == "stages" else _timed(verb, *words)
        print(json.dumps(answer), file=answers, flush=True)


def _timed(verb: str, clip: str, model: str | None = None) -> float:
    import mirkit

    start = time.process_time()
    if verb == "librosa":
        librosa_beats(clip)
    elif model is None:
        getattr(mirkit, verb)(clip)
    else:
        getattr(mirkit, verb)(clip, model=model)
    return time.process_time() - start


def librosa_beats(clip: str) -> object:
    """Run librosa's tracker as its tutorial does."""
    import librosa

    samples, rate = librosa.load(clip)
    return librosa.beat.beat_track(y=samples, sr=rate)


def aubiotrack(clip: Path) -> float:
    """Return the processor time of the program [s]."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["aubiotrack", clip], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def systems(before: Path | None) -> dict[str, Contender]:
    """Return what is measured, by name."""
    now, peers = Worker(report.ROOT), Worker(report.ROOT)
    found = {"mirkit": Contender({each: now.call(each) for each in COLUMNS})}
    if before is not None:
        old = Worker(before)
        found[f"mirkit, {_revision(before)}"] = Contender({x: old.call(x) for x in COLUMNS})
    for model in ("beat-tcn-live", "tempogram"):
        found[f"mirkit, {model}"] = Contender({"beats": now.call("beats", model)}, 3)
    if shutil.which("aubiotrack"):
        found["aubiotrack"] = Contender({"beats": aubiotrack})
    found["librosa"] = Contender(
        {"beats": peers.call("librosa")}
        | {each: peers.call(each, f"librosa-{each}") for each in ("chords", "key")},
        3,
    )
    if find_spec("madmom"):
        models = {"beats": "madmom", "chords": "madmom-chords", "key": "madmom-key"}
        found["madmom"] = Contender({x: peers.call(x, models[x]) for x in models}, 1)
    return found


def _revision(checkout: Path) -> str:
    command = ["git", "-C", checkout, "log", "-1", "--format=%h of %cs"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure(contenders: Mapping[str, Contender], clip: Path) -> dict[str, dict[str, float]]:
    """Return how many times faster than real time each contender is, by column."""
    least: dict[str, dict[str, float]] = {name: {} for name in contenders}
    for column in COLUMNS:
        rivals = {name: each for name, each in contenders.items() if column in each.calls}
        for each in rivals.values():
            if each.rounds > 1:
                each.calls[column](clip)  # loads models
        for i in range(ROUNDS):
            for name, each in rivals.items():
                if i < each.rounds:
                    known = least[name].get(column, float("inf"))
                    least[name][column] = min(known, each.calls[column](clip))
    return {
        name: {column: SECONDS / seconds for column, seconds in row.items()}
        for name, row in least.items()
    }


def stage_times(task: str, clip: str) -> dict[str, float]:
    """Return the processor time of each stage of a task, the stages before it done [ms]."""
    from mirkit.audio import reading
    from mirkit.model import front_ends_of, side_by_side
    from mirkit.system import load

    system = load(task=task)
    rate = system.sample_rate
    audio = reading.read(clip, rate, mono=True)
    blocks = list(reading.blocks(audio))
    front_ends = front_ends_of(system.model)
    features = side_by_side(front_ends, blocks)
    known = {need: load(task=need)(clip) for need in system.first}
    activations = system.activations(clip)
    calls: list[Callable[[], object]] = [
        lambda: list(reading.blocks(clip, mono=False)),
        lambda: list(reading.blocks(clip, rate)),
        lambda: side_by_side(front_ends, blocks),
        lambda: system.model.activations(features),
        lambda: system.decode(activations, **known),
    ]
    for call in calls:
        call()
    decoding, reading_all, *rest = (1000 * t for t in report.least_cpu_seconds(calls, ROUNDS))
    times = (decoding, max(0.0, reading_all - decoding), *rest)
    return dict(zip(STAGES, times, strict=True))


def start_times(clip: Path) -> dict[str, float]:
    """Return the shortest of five wall times of each start [s]."""
    python = [sys.executable]
    commands = {
        "import mirkit (beyond bare Python)": [*python, "-c", "import mirkit"],
        "mirkit --help": [*python, "-m", "mirkit", "--help"],
        "mirkit beats, 30 s MP3, cold": [*python, "-m", "mirkit", "beats", str(clip)],
        "mirkit beats --model tempogram, 30 s MP3, cold": [
            *python, "-m", "mirkit", "beats", "--model", "tempogram", str(clip),
        ],
    }  # fmt: skip
    times = {name: shortest(command) for name, command in commands.items()}
    times["import mirkit (beyond bare Python)"] -= shortest([*python, "-c", "pass"])
    return times


def shortest(command: list[str]) -> float:
    """Return the shortest of five wall times of a command [s]."""
    return report.least_wall_seconds(
        lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), rounds=5
    )


if __name__ == "__main__":
    main()
