import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import signals
import soundfile

from mirkit.cli import main

DEMO = Path(__file__).parents[2] / "examples" / "audio"


@pytest.fixture(scope="session")
def demo():
    """The demo piece."""
    return DEMO / "demo.ogg"


@pytest.fixture(scope="session")
def clicks(tmp_path_factory):
    """A folder with two click tracks in sub-folders, and one damaged file."""
    folder = tmp_path_factory.mktemp("music 🎵")
    for name, bpm in (("a/slow.wav", 84), ("b c/fast.flac", 126)):
        path = folder / name
        path.parent.mkdir()
        audio = signals.click_track(bpm, n_beats=30, sample_rate=22050)
        soundfile.write(path, audio.samples.T, audio.sample_rate)
    (folder / "a" / "broken.mp3").write_bytes(b"this is no music")
    return folder


class Result:
    """What a command left behind."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert "Traceback" not in self.err

    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(scope="session")
def mirkit_cli():
    """Run the command line in a process of its own."""

    def run(*args, stdin=None, env=None, cwd=None):
        done = subprocess.run(
            [sys.executable, "-m", "mirkit", *map(str, args)],
            input=stdin, capture_output=True, timeout=120, env=env, cwd=cwd,
        )  # fmt: skip
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return Result(done)

    return run


@pytest.fixture
def run(capsys):
    """Run the command line in this process, where the libraries of the baselines are loaded."""

    def run(*args):
        try:
            status = main([str(arg) for arg in args])
        except SystemExit as exit:
            status = exit.code
        out, err = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, err=err)

    return run
