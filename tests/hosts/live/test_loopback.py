"""Sound in, beats out, in the time of the music: the same as live, without its waiting."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.hosts.live.outputs import JsonLines
from mirkit.hosts.live.performer import perform
from mirkit.hosts.live.sources import file_blocks, pace

SECONDS = 14


@pytest.fixture(scope="module")
def model():
    return mirkit.load("beat-tcn-live")


def clicks(path, bpm):
    audio = signals.click_track(bpm, int(SECONDS * bpm / 60), 22050, noise=0.003)
    soundfile.write(path, audio.samples.T, 22050, subtype="FLOAT")
    return 0.5 + np.arange(int(SECONDS * bpm / 60)) * 60 / bpm


def sent_beats(text):
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line["type"] == "beat"]


@pytest.mark.parametrize("bpm", [97, 120])
def test_beats_go_out_on_the_click(model, tmp_path, bpm):
    true, out = clicks(tmp_path / "clicks.wav", bpm), io.StringIO()
    blocks = file_blocks(str(tmp_path / "clicks.wav"), model.sample_rate)
    perform(blocks, [JsonLines(out)], system=model, fast=True)
    sent = np.array([beat["sent"] for beat in sent_beats(out.getvalue())])
    sent = sent[(sent > 5.1) & (sent < true[-1] + 0.1)]
    assert len(sent) == (true > 5.1).sum()
    errors = sent - true[np.abs(sent[:, None] - true).argmin(axis=1)]
    assert np.abs(errors).max() < 0.025
    assert np.diff(sent).std() < 0.005


def test_a_live_performance_on_a_clock_that_is_not_real_is_the_fast_one(model, tmp_path):
    clicks(tmp_path / "clicks.wav", 120)
    now = [100.0]

    class Clock:
        def now(self):
            return now[0]

    def sleep(seconds):
        now[0] += seconds

    out = io.StringIO()
    blocks = pace(file_blocks(str(tmp_path / "clicks.wav"), model.sample_rate), Clock(), sleep)
    perform(blocks, [JsonLines(out)], system=model, clock=Clock())
    live = np.array([beat["time"] for beat in sent_beats(out.getvalue())])
    out = io.StringIO()
    blocks = file_blocks(str(tmp_path / "clicks.wav"), model.sample_rate)
    perform(blocks, [JsonLines(out)], system=model, fast=True)
    fast = np.array([beat["time"] for beat in sent_beats(out.getvalue())])
    late = fast[(fast > 5) & (fast < SECONDS)]
    assert np.abs(late[:, None] - live).min(axis=1).max() < 0.02


def test_command_follows_a_pipe(tmp_path):
    bpm = 120
    clicks(tmp_path / "clicks.wav", bpm)
    samples = soundfile.read(tmp_path / "clicks.wav")[0][: 22050 * 8]
    done = subprocess.run(
        [sys.executable, "-m", "mirkit", "live", "-", "--fast", "--rate", "22050", "--channels",
         "1", "--encoding", "f32", "--midi", str(tmp_path / "midi")],
        input=samples.astype("<f4").tobytes(), capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    beats = sent_beats(done.stdout.decode())
    assert len(beats) >= 12
    assert abs(beats[-1]["bpm"] - bpm) < 3
    assert (tmp_path / "midi").stat().st_size > 24 * (len(beats) - 1)
    done = subprocess.run(
        [sys.executable, "-m", "mirkit", "live", "--fast", "--osc", "host:x"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
