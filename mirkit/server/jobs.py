"""Jobs: recordings that wait for a worker process, their progress, and how they end.

A worker that dies, hangs or is canceled is replaced, and its job alone is lost. Jobs outlive the
service: those that wait, or were cut off by its end, go on when it starts again.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from mirkit.server.settings import Settings
from mirkit.server.store import JobRow, Store, TrackRow

ENDED = ("done", "failed", "canceled")
"""States in which a job stays."""

MOST_ATTEMPTS = 2
"""Attempts at a job where the whole service dies under it."""

MESSAGE_BYTES = 2**20  # of a message of a worker


class QueueFull(Exception):
    """So many jobs wait that no more are taken."""


@dataclass
class Counters:
    """Counts of jobs since the service started."""

    done: int = 0
    failed: int = 0
    canceled: int = 0
    worker_deaths: int = 0


@dataclass
class _Running:
    """A job at work, and the process that works on it."""

    row: JobRow
    process: asyncio.subprocess.Process
    canceled: bool = False


@dataclass
class Jobs:
    """The queue of a service and the workers that empty it."""

    store: Store
    settings: Settings
    counters: Counters = field(default_factory=Counters)
    _queue: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _running: dict[str, _Running] = field(default_factory=dict)
    _listeners: dict[str, set[asyncio.Queue[JobRow]]] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Take up the jobs that a former service left, and begin to work."""
        for row in self.store.jobs(("queued", "running")):
            self._resume(row)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self.settings.n_workers)]

    def _resume(self, row: JobRow) -> None:
        attempts = row.attempts + (row.status == "running")
        if attempts >= MOST_ATTEMPTS:
            self._end(row, "failed", "Interrupted", "the service ended twice during this job")
            return
        self.store.save_job(replace(row, status="queued", attempts=attempts, progress=0.0))
        self._queue.put_nowait(row.id)

    async def stop(self) -> None:
        """End the workers; their jobs wait for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for running in list(self._running.values()):
            self.store.save_job(replace(running.row, status="queued", progress=0.0))
        self._running.clear()

    def submit(self, track: str, tasks: tuple[str, ...]) -> JobRow:
        """Queue a job; where one of the track is not at its end, return that.

        Raises
        ------
        QueueFull
            Where too many wait.
        """
        active = self.store.jobs(("queued", "running"))
        for row in active:
            if row.track == track:
                return row
        if len(active) >= self.settings.max_jobs:
            raise QueueFull
        row = JobRow(
            secrets.token_hex(8), track, ",".join(tasks), "queued", 0.0, "waiting", None, None, 0,
            time.time(),
        )  # fmt: skip
        self.store.save_job(row)
        self._queue.put_nowait(row.id)
        return row

    def current(self, job: str) -> JobRow | None:
        """Return a job with its newest progress, or None where there is none."""
        running = self._running.get(job)
        return running.row if running else self.store.job(job)

    def cancel(self, job: str) -> JobRow | None:
        """Cancel a job that waits or runs, and return it; None where there is none."""
        if running := self._running.get(job):
            running.canceled = True
            _kill(running.process)
            return replace(running.row, status="canceled")
        row = self.store.job(job)
        if row is not None and row.status not in ENDED:
            return self._end(row, "canceled")
        return row

    def listen(self, job: str) -> asyncio.Queue[JobRow]:
        """Return a queue that gets each new state of a job; `forget` ends it."""
        queue: asyncio.Queue[JobRow] = asyncio.Queue(maxsize=100)
        self._listeners.setdefault(job, set()).add(queue)
        return queue

    def forget(self, job: str, queue: asyncio.Queue[JobRow]) -> None:
        """End what `listen` began."""
        self._listeners.get(job, set()).discard(queue)
        if not self._listeners.get(job):
            self._listeners.pop(job, None)

    @property
    def n_running(self) -> int:
        """Number of jobs at work."""
        return len(self._running)

    @property
    def pids(self) -> list[int]:
        """Process numbers of the workers that are at work."""
        return [running.process.pid for running in self._running.values()]

    async def _work(self) -> None:
        """Take jobs, one after the other; the process is kept as long as it lives."""
        process: asyncio.subprocess.Process | None = None
        try:
            while True:
                row = self.store.job(await self._queue.get())
                track = None if row is None else self.store.track(row.track)
                if row is None or track is None or row.status != "queued":
                    continue
                if process is None or process.returncode is not None:
                    process = await self._spawn()
                await self._run(row, track, process)
        finally:
            if process is not None:
                _kill(process)
                await process.wait()

    async def _run(self, row: JobRow, track: TrackRow, process: asyncio.subprocess.Process) -> None:
        running = _Running(replace(row, status="running", stage="starting"), process)
        self._running[row.id] = running
        self._tell(running.row)
        self.store.save_job(running.row)
        try:
            async with asyncio.timeout(self.settings.job_seconds):
                outcome = await self._converse(running, track)
        except TimeoutError:
            _kill(process)
            await process.wait()
            minutes = self.settings.job_seconds / 60
            outcome = {"error": {"type": "Timeout", "message": f"took over {minutes:g} minutes"}}
        except asyncio.CancelledError:
            _kill(process)
            raise
        self._running.pop(row.id, None)
        self._conclude(running, track, outcome)

    async def _converse(self, running: _Running, track: TrackRow) -> dict[str, Any]:
        """Send the request, follow the progress, and return the last message."""
        process = running.process
        assert process.stdin is not None
        assert process.stdout is not None
        request = {
            "source": track.source,
            "name": track.name,
            "folder": str(self.store.place(track.id)),
            "tasks": [task for task in running.row.tasks.split(",") if task],
            "max_seconds": self.settings.max_seconds,
        }
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
        while line := await process.stdout.readline():
            message: dict[str, Any] = json.loads(line)
            if "progress" not in message:
                return message
            running.row = replace(running.row, progress=message["progress"], stage=message["stage"])
            self._tell(running.row)
        await process.wait()
        return {}

    def _conclude(self, running: _Running, track: TrackRow, outcome: dict[str, Any]) -> None:
        row = running.row
        if running.canceled:
            self._end(row, "canceled")
        elif "done" in outcome:
            self.store.describe(track.id, **outcome["done"])
            self._end(row, "done")
        elif "error" in outcome:
            error = outcome["error"]
            self._end(row, "failed", str(error["type"]), str(error["message"]))
        else:
            self.counters.worker_deaths += 1
            text = f"the process that read {track.name} died; is the file damaged, or too large?"
            self._end(row, "failed", "WorkerDied", text)

    def _end(
        self, row: JobRow, status: str, kind: str | None = None, text: str | None = None
    ) -> JobRow:
        progress = 1.0 if status == "done" else row.progress
        ended = replace(
            row, status=status, progress=progress, stage=status, error_type=kind, error=text
        )
        self.store.save_job(ended)
        setattr(self.counters, status, getattr(self.counters, status) + 1)
        self._tell(ended)
        return ended

    def _tell(self, row: JobRow) -> None:
        for queue in self._listeners.get(row.id, ()):
            if queue.full():
                queue.get_nowait()  # a slow listener misses steps, not the end
            queue.put_nowait(row)

    async def _spawn(self) -> asyncio.subprocess.Process:
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = os.environ | one | {"MIRKIT_WORKER_BYTES": str(self.settings.worker_bytes)}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mirkit.server.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, env=environment, limit=MESSAGE_BYTES,
            start_new_session=True,
        )  # fmt: skip


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # with the decoders that it started
