"""Every exporter, killed at any byte, leaves the old file or the new one; and says what is locked.

`fault_worker.py` dies in earnest: a library that is preloaded counts the bytes that go to files, in
Python, in mutagen and in SQLite, and ends the process at one of them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("mutagen")
import fault_worker

HELPERS = Path(__file__).parents[2] / "helpers"
NAMES = [name for name, _, _ in fault_worker.exporters(Path())]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A fifth of a second in every container."""
    folder = tmp_path_factory.mktemp("faults")
    soundfile.write(folder / "x.wav", np.random.default_rng(0).normal(0, 0.01, 8000), 44100)
    for suffix in fault_worker.SOUNDS:
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", folder / "x.wav", folder / f"x.{suffix}"], check=True
        )
    return folder


@pytest.fixture(scope="module")
def deaths(recordings):
    """What was found after each death, by exporter."""
    if sys.platform != "linux" or not shutil.which("gcc"):
        pytest.skip("the library that kills is compiled with gcc, for Linux")
    library = recordings / "x.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, HELPERS / "fault.c", "-ldl"],
                   check=True)  # fmt: skip
    path = os.pathsep.join([str(HELPERS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, fault_worker.__file__, recordings], capture_output=True, text=True,
        env=os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_writer_killed_at_any_byte_leaves_the_old_file_or_the_new_one(deaths, name):
    found = deaths[name]
    assert found["other"] == []
    assert found["old"] > 3
    assert found["new"] >= 2  # killed after the file had its name, and not killed at all
    assert found["finished"] == 1  # the last try only
    assert found["tries"] == found["old"] + found["new"] > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_read_only_is_left_alone_with_a_word_on_why(recordings, name):
    found = {x: (target, write) for x, target, write in fault_worker.exporters(recordings)}
    target, write = found[name]
    fault_worker.start(recordings, target)
    write(fault_worker.OLD)
    old = target.read_bytes()
    target.chmod(0o444)
    try:
        with pytest.raises(PermissionError, match="is read-only, and is left as it is"):
            write(fault_worker.NEW)
        assert target.read_bytes() == old
    finally:
        target.chmod(0o644)
