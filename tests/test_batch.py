import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirkit.batch import Failure, run_batch
from mirkit.errors import AudioError


def double(x):
    if x == 3:
        raise AudioError("three.wav is empty")
    if x == 4:
        raise ZeroDivisionError("a defect")
    if x == 5 and os.environ.get("MIRKIT_TEST_DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * x


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_order_and_one_failure_stops_nothing(n_jobs):
    outcomes = dict(run_batch(double, range(7), n_jobs))
    assert list(outcomes) == list(range(7))
    assert outcomes.pop(3) == Failure("AudioError", "three.wav is empty")
    assert outcomes.pop(4) == Failure("ZeroDivisionError", "4: internal error: a defect")
    assert outcomes == {x: 2 * x for x in outcomes}


def test_a_process_that_dies_takes_no_other_file_with_it(monkeypatch):
    monkeypatch.setenv("MIRKIT_TEST_DIE", "1")
    outcomes = dict(run_batch(double, [0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 2))
    assert outcomes.pop(5) == Failure("AudioError", "5: the process that read it died")
    assert outcomes == {x: 2 * x for x in outcomes}
    assert len(outcomes) == 12


SLEEPERS = """
import os, signal, sys, time
from mirkit.batch import run_batch

def sleep(x):
    os.write(1, b"at work\\n")
    time.sleep(120)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    try:
        for each in run_batch(sleep, range(8), 2):
            pass
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_an_interrupt_of_the_parent_alone_ends_a_batch(tmp_path):
    script = tmp_path / "sleepers.py"
    script.write_text(SLEEPERS)
    parent = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert parent.stdout.readline() == b"at work\n"  # so it has workers
    assert parent.stdout.readline() == b"at work\n"
    workers = children_of(parent.pid)
    started = time.monotonic()
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=60)
    assert time.monotonic() - started < 3
    assert (parent.returncode, err) == (130, b"")
    assert len(workers) >= 2
    while running := [pid for pid in workers if is_running(pid)]:  # what tracks them ends last
        assert time.monotonic() - started < 3, running
        time.sleep(0.02)


def children_of(pid):
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_progress_is_shown_on_a_terminal_and_nowhere_else(tmp_path):
    for i in range(20):
        soundfile.write(tmp_path / f"{i}.wav", np.zeros(800), 8000)
    words = [sys.executable, "-m", "mirkit", "beats", "--model", "tempogram", "-j", "1"]
    command = [*words, tmp_path, "-o", tmp_path / "found"]
    shown = on_terminal(command)
    assert re.search(r"beats:.*20/20", shown), shown
    assert shown.rstrip().endswith(f"20 done, 0 failed; written to {tmp_path / 'found'}")
    plain = subprocess.run(command, capture_output=True, timeout=60)
    assert (plain.stdout, len(plain.stderr.splitlines())) == (b"", 1)


def on_terminal(command):
    """Return what a command writes on stderr where that is a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    done = subprocess.Popen(command, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that nobody writes to it any more
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert done.wait(60) == 0
    return shown.decode()
