"""Measure the service and its page: latencies under load, first paint, frames while zooming.

``python benchmarks/service.py --json results.json`` makes tracks of 4, 5, 10 and 60 minutes, serves
them, and drives Chromium (``apt install chromium``, ``pip install playwright httpx``).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile

from mirkit.activations import beat_activations
from mirkit.annotation import Beats, Key, Segments, Tags
from mirkit.formats.atomic import replace_file
from mirkit.library.packing import pack
from mirkit.server import pyramid
from mirkit.server.store import Store, TrackRow
from mirkit.tasks import ANALYZED

MINUTES = (4, 5, 10, 60)
BPM = 124.0
N_CLIENTS, N_REQUESTS = 50, 20
DEMO = Path(__file__).parents[1] / "examples" / "audio" / "demo.ogg"

PAINTED = """async () => {
  for (;;) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const { state, timeline } = window.mirkit ?? {};
    const shown = state?.track?.pyramid;
    if (!shown) continue;
    const level = shown.levelFor(timeline.scale);
    const first = Math.floor((timeline.start * shown.ratio(level)) / 2048);
    if (shown.tiles.get(`${level}/${first}`) && !timeline.waiting) return performance.now();
  }
}"""

FRAMES = """async () => {
  const { timeline } = mirkit;
  const times = [];
  const began = performance.now();
  for (let i = 0; performance.now() - began < 4000; i++) {
    timeline.zoom(i % 120 < 60 ? 1.05 : 1 / 1.05, timeline.start + timeline.seconds / 2);
    timeline.move(timeline.start + 0.02 * timeline.seconds * (i % 200 < 100 ? 1 : -1));
    times.push(await new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  const steps = times.slice(1).map((time, i) => time - times[i]);
  return { fps: (1000 * steps.length) / (times.at(-1) - times[0]),
    dropped: steps.filter((step) => step > 25).length, frames: steps.length };
}"""


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tracks = {minutes: make_track(Path(folder), minutes) for minutes in MINUTES}
        command = ["serve", "--port", "0", "--workers", "2", "--data", folder]
        service = subprocess.Popen(
            [sys.executable, "-m", "mirkit", *command], stdout=subprocess.PIPE, text=True
        )
        try:
            assert service.stdout is not None
            url = service.stdout.readline().split()[2].rstrip("/")
            found = measure(url, tracks)
        finally:
            service.terminate()
            service.wait()
    print(json.dumps(found, indent=1))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


def measure(url: str, tracks: dict[int, str]) -> dict[str, Any]:
    """Return all measurements of a running service."""
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
        while True:
            try:
                http.get("/v1/health")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        time.sleep(10)  # until the decoder is loaded
        edits = {op["op"]: edit_time(http, tracks[5], op) for op in EDITS}
        pages = browse(url, tracks)
        load = asyncio.run(crowd(url, tracks[4]))
    return {"edit_ms": edits, "page": pages, "crowd": load, "load_average": load_average()}


EDITS: tuple[dict[str, Any], ...] = (
    {"op": "halve"}, {"op": "double"}, {"op": "shift", "beats": 0.5}, {"op": "one_tempo"},
    {"op": "set_downbeat", "time": 60.0}, {"op": "adjust_from", "time": 60.0, "bpm": 124.0},
    {"op": "hint", "bpm": 62.0},
)  # fmt: skip


def edit_time(http: httpx.Client, track: str, op: dict[str, Any]) -> float:
    """Return the median time of a correction [ms]."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        http.patch(f"/v1/tracks/{track}/grid", json=op).raise_for_status()
        times.append(1000 * (time.perf_counter() - began))
        http.post(f"/v1/tracks/{track}/undo").raise_for_status()
    return round(float(np.median(times)), 1)


def browse(url: str, tracks: dict[int, str]) -> dict[str, Any]:
    """Return the first paint of each track [ms], and the frames while it is zoomed and panned."""
    from playwright.sync_api import sync_playwright

    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for minutes, track in tracks.items():
            paints = []
            for _ in range(3):
                page = browser.new_page(viewport={"width": 1360, "height": 900})
                page.goto(f"{url}/#{track}", wait_until="commit")
                paints.append(page.evaluate(PAINTED))
                page.close()
            found[f"first_paint_{minutes}_min_ms"] = round(float(np.median(paints)))
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.goto(f"{url}/#{tracks[10]}", wait_until="commit")
        page.evaluate(PAINTED)
        page.evaluate(FRAMES)  # loads the tiles
        found["zoom_and_pan_10_min"] = page.evaluate(FRAMES)
        browser.close()
    return found


async def crowd(url: str, track: str) -> dict[str, float]:
    """Return the latencies of 50 clients at once while two recordings are analyzed [ms]."""
    samples, rate = soundfile.read(DEMO)
    limits = httpx.Limits(max_connections=N_CLIENTS + 4)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as http:
        jobs = []
        for i in range(2):
            part = Path(tempfile.gettempdir()) / f"mirkit-crowd-{i}.flac"
            soundfile.write(part, np.concatenate([samples] * 8)[i:], rate)
            with part.open("rb") as file:
                answer = await http.post("/v1/tracks", files={"file": (part.name, file)})
            part.unlink()
            jobs.append(answer.json()["job"]["id"])
        paths = ("/v1/health", f"/v1/tracks/{track}", f"/v1/tracks/{track}/key",
                 f"/v1/tracks/{track}/waveform?level=4", "/v1/jobs")  # fmt: skip
        times: list[float] = []

        async def visit(i: int) -> None:
            for k in range(N_REQUESTS):
                began = time.perf_counter()
                answer = await http.get(paths[(i + k) % len(paths)])
                times.append(1000 * (time.perf_counter() - began))
                assert answer.status_code in (200, 429), answer.text
                await asyncio.sleep(0.5)

        await asyncio.gather(*map(visit, range(N_CLIENTS)))
        states = [(await http.get(f"/v1/jobs/{job}")).json()["status"] for job in jobs]
        for job in jobs:
            await http.delete(f"/v1/jobs/{job}")
    p50, p95, p99 = np.percentile(times, [50, 95, 99]).round(1).tolist()
    running = states.count("running")
    return {"p50": p50, "p95": p95, "p99": p99, "n": len(times), "still_running": running}


def make_track(folder: Path, minutes: int) -> str:
    """Put a track with waveform, beats and chords into a store; return its name there."""
    duration, rate = 60.0 * minutes, pyramid.SAMPLE_RATE
    rng = np.random.default_rng(minutes)
    second = (0.3 * rng.standard_normal(rate)).astype(np.float32)
    track = hashlib.sha256(str(minutes).encode()).hexdigest()[:16]
    store = Store(folder)
    place = store.place(track)
    place.mkdir(parents=True)
    pyramid.build(second[None] * (0.2 + 0.8 * (i % 8) / 8) for i in range(int(duration))).save(
        place / "waveform.bin"
    )
    source = folder / f"{minutes}.flac"
    soundfile.write(source, np.tile(second, 10), rate)
    for task, value in values(duration).items():
        replace_file(place / f"{task}.value", pack(value))
    heard = 0.9 * (np.arange(int(100 * duration)) % round(6000 / BPM) == 0)
    replace_file(place / "beats.activations", pack(beat_activations(heard, 0.5 * heard, fps=100)))
    size = source.stat().st_size
    row = TrackRow(
        track, source.name, str(source), 0, size, f"{minutes} minutes", "", duration, time.time()
    )
    store.add_track(row)
    store.close()
    return track


def values(duration: float) -> dict[str, Any]:
    """Return annotations of a recording of this length."""
    times = np.arange(0.2, duration, 60 / BPM)
    bars = np.arange(0, duration - 2, 240 / BPM)
    spans = np.stack([bars, bars + 240 / BPM], 1)
    labels = tuple(("C:maj", "G:maj", "A:min", "F:maj")[i % 4] for i in range(len(bars)))
    parts = np.arange(0, duration - 30, 60.0)
    made = (
        Beats(times, positions=np.arange(len(times)) % 4 + 1, confidence=np.full(len(times), 0.9)),
        Beats(times).tempo,
        Segments(spans, labels, kind="chord"),
        Key("C major", 0.9),
        Segments(np.stack([parts, parts + 60], 1), ("A",) * len(parts), kind="section"),
        Tags(("Music", "Techno"), np.array([0.9, 0.5])),
    )
    return dict(zip(ANALYZED, made, strict=True))


def load_average() -> float:
    """Return the load of this machine, which other work shares."""
    return float(Path("/proc/loadavg").read_text().split()[0])


if __name__ == "__main__":
    main()
