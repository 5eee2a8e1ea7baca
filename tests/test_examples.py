import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("beats", "demo.ogg: 62 beats at 111.96 bpm"),
        ("stages", "audio        (1, 854112) at 22050 Hz"),
        ("chords", "demo.ogg: C major (8B)"),
        ("export", "rekordbox.xml holds 1 track"),
        ("own_network", "90 beats, bars of 3"),
    ],
)
def test_every_example_runs_and_says_what_it_should(name, line):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert line in done.stdout
