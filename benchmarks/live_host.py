"""The whole of `mirkit live` on click tracks: how near the beat its messages go out.

Once in the time of the music, and once in real time, from a recording at its speed to a UDP socket
that notes when each beat arrives. The first 5 s are left out. Jitter is the deviation of the time
from one beat to the next. Writes docs/live-host.md and benchmarks/results/live_host.json.

Run: python benchmarks/live_host.py [--seconds N]
"""

import argparse
import io
import json
import socket
import threading
import time
from typing import Any

import report

BPMS = (97, 120, 143)


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    rows = [
        {"time": name, "bpm": bpm, **measure(bpm, args.seconds)}
        for name, measure in (("of the music", in_music_time), ("real, by UDP", in_real_time))
        for bpm in BPMS
    ]
    machine = report.machine()
    table = report.table(
        (
            "time",
            "bpm",
            "beats",
            "mean error [ms]",
            "largest error [ms]",
            "jitter [ms]",
            "of a core",
        ),
        [
            (
                row["time"],
                row["bpm"],
                row["n_beats"],
                *(f"{1e3 * row[name]:.1f}" for name in ("mean", "largest", "jitter")),
                f"{row['cpu']:.0%}",
            )
            for row in rows
        ],
    )
    table += f"\n\n{machine['processor']}, one core, load {machine['load'][0]}."
    print(table)
    report.write_between_markers(report.ROOT / "docs" / "live-host.md", "live-host", table)
    report.write_json("live_host", {"machine": machine, "rows": rows})


def clicks(bpm: float, seconds: float) -> tuple[Any, Any]:
    """Return a click track at 22050 Hz in a little noise, and when its clicks are [s]."""
    import numpy as np

    rng = np.random.default_rng(0)
    true = np.arange(0.5, seconds - 0.1, 60 / bpm)
    samples = 0.003 * rng.standard_normal(round(seconds * 22050))
    burst = rng.standard_normal(441) * np.exp(-np.arange(441) / 88)
    for i, at in enumerate(true):
        samples[round(at * 22050) :][:441] += burst * (0.3 if i % 4 == 0 else 0.2)
    return samples.astype(np.float32), true


def blocks_of(samples: Any) -> list[Any]:
    """Return samples as a source gives them."""
    from mirkit.hosts.live.sources import Block

    return [
        Block(samples[i : i + 441], min(i + 441, len(samples)) / 22050)
        for i in range(0, len(samples), 441)
    ]


def in_music_time(bpm: float, seconds: float) -> dict[str, float]:
    """Play as fast as it goes."""
    import mirkit
    from mirkit.hosts.live.outputs import JsonLines
    from mirkit.hosts.live.performer import perform

    samples, true = clicks(bpm, seconds)
    system, out = mirkit.load("beat-tcn-live"), io.StringIO()
    start = time.process_time()
    perform(blocks_of(samples), [JsonLines(out)], system=system, fast=True)
    cpu = (time.process_time() - start) / seconds
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    sent = [line["sent"] for line in lines if line["type"] == "beat"]
    return {**errors(sent, true), "cpu": cpu}


def in_real_time(bpm: float, seconds: float) -> dict[str, float]:
    """Play at the speed of the music, and listen on a socket."""
    import mirkit
    from mirkit.hosts.live.clocks import MonotonicClock
    from mirkit.hosts.live.outputs import Osc
    from mirkit.hosts.live.performer import perform
    from mirkit.hosts.live.sources import pace

    samples, true = clicks(bpm, seconds)
    system, arrived = mirkit.load("beat-tcn-live"), []
    list(system.stream([samples[:22050]]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def listen() -> None:
            while packet := listener.recv(200):
                if packet.startswith(b"/mirkit/beat"):
                    arrived.append(time.monotonic())

        thread = threading.Thread(target=listen)
        thread.start()
        cpu, start = time.process_time(), time.monotonic()
        output = Osc("127.0.0.1", listener.getsockname()[1])
        perform(pace(blocks_of(samples), MonotonicClock()), [output], system=system)
        cpu = (time.process_time() - cpu) / seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", listener.getsockname())
        thread.join()
    return {**errors([at - start for at in arrived], true), "cpu": cpu}


def errors(sent: list[float], true: Any) -> dict[str, float]:
    """Return how far beats after 5 s are from the clicks [s]."""
    import numpy as np

    late = np.array([at for at in sent if 5 < at < true[-1] + 0.1])
    off = late - true[np.abs(late[:, None] - true).argmin(axis=1)]
    return {
        "n_beats": len(late),
        "mean": float(off.mean()),
        "largest": float(np.abs(off).max()),
        "jitter": float(np.diff(late).std()),
    }


if __name__ == "__main__":
    main()
