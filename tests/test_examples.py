import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("beats", "demo.ogg: 63 beats at 112.0"),
        ("stages", "audio        (1, 854112) at 22050 Hz"),
        ("chords", "demo.ogg: C major (8B)"),
        ("export", "rekordbox.xml holds 1 track"),
        ("plots", "plot-waveform.png shows 5 axes"),
        ("own_network", "90 beats, bars of 3"),
    ],
)
def test_every_example_runs_and_says_what_it_should(name, line, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        capture_output=True, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert line in done.stdout


def test_the_example_of_tags_runs_on_any_tagger(monkeypatch, capsys, tmp_path):
    torch = pytest.importorskip("torch")
    import runpy

    import taggers

    assert torch is not None
    taggers.install(monkeypatch, "random")
    main = runpy.run_path(str(ROOT / "examples" / "tag_sounds.py"))["main"]
    demo = ROOT / "examples" / "audio" / "demo.ogg"
    other = tmp_path / "other.wav"
    soundfile.write(other, np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
    main([demo, other])
    out = capsys.readouterr().out
    assert out.startswith("demo.ogg: ")
    assert "demo.ogg is most like other.wav" in out


def test_a_tagger_is_fine_tuned_and_its_precision_plotted(tmp_path):
    pytest.importorskip("torch")
    signals.write_sound_folders(tmp_path / "sounds", 16000)
    plot = tmp_path / "plot.png"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    script = ROOT / "examples" / "fine_tune_tags.py"
    words = [tmp_path / "sounds", "--epochs", "2", "--plot", plot]
    done = subprocess.run(
        [sys.executable, script, *map(str, words)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "hiss" in done.stdout
    assert "recordings judged after" in done.stdout
    assert plot.stat().st_size > 1000
