"""A service in a process of its own, for tests."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

DEMO = Path(__file__).parents[2] / "examples" / "audio" / "demo.ogg"


class Running:
    """A service in a process of its own."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def upload(self, name, content):
        return self.http.post("/v1/tracks", files={"file": (name, content)})

    def wait(self, job, seconds=400):
        """The job, once it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            body = self.http.get(f"/v1/jobs/{job}").json()
            if body["status"] in ("done", "failed", "canceled"):
                return body
            time.sleep(0.1)
        raise AssertionError(f"job {job} did not end: {body}")

    def analyzed(self, name, content):
        """The track of an upload, once it is analyzed."""
        body = self.upload(name, content).json()
        if body["job"]:
            assert self.wait(body["job"]["id"])["status"] == "done"
        return body["track"]


@contextlib.contextmanager
def serving(folder, *args):
    command = [sys.executable, "-m", "mirkit", "serve", "--port", "0", "--data", str(folder)]
    process = subprocess.Popen(
        [*command, *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"MIRKIT_WORKER_NICE": "0"},
    )
    running, lines = None, []
    try:
        while not lines or "serves" not in lines[-1]:
            line = process.stdout.readline()
            assert line, f"the service did not start: {lines}"
            lines.append(line)
        url = lines[-1].split()[2].rstrip("/").replace("0.0.0.0", "127.0.0.1")
        running = Running(process, url)
        running.lines = lines
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                running.http.get("/v1/health")
                break
            time.sleep(0.05)
        yield running
    finally:
        if running is not None:
            running.http.close()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
