"""What a user installs: the wheel, in a clean environment outside the checkout, without torch."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]


def run(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """The bin folder of an environment that holds the wheel and what it depends on."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = base / "wheel", base / "wheel" / "done"
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    with FileLock(base / "wheel.lock"):  # builds share a folder of the checkout
        if not done.exists():
            folder.mkdir()
            run(sys.executable, "-m", "build", "--wheel", "-o", folder, ROOT, cwd=folder)
            (wheel,) = folder.glob("*.whl")
            venv.create(folder / "venv", with_pip=True)
            run(programs / "python", "-m", "pip", "install", "-q", wheel, cwd=folder)
            done.touch()
    return programs


def test_the_installed_wheel_finds_beats_without_torch(clean, tmp_path):
    demo = ROOT / "examples" / "audio" / "demo.ogg"
    row = json.loads(run(clean / "mirkit", "beats", demo, "--json", cwd=tmp_path))
    assert row["tempo"]["bpm"] == pytest.approx(112, rel=0.01)
    assert len(row["beats"]) > 50
    probe = "import importlib.util as u, mirkit; print(u.find_spec('torch'), mirkit.__file__)"
    absent, home = run(clean / "python", "-c", probe, cwd=tmp_path).split()
    assert absent == "None"
    assert ROOT not in Path(home).parents


def test_the_installed_wheel_knows_its_models_and_its_state(clean, tmp_path):
    assert "tempogram" in run(clean / "mirkit", "models", cwd=tmp_path)
    assert "missing" in run(clean / "mirkit", "doctor", cwd=tmp_path)


def test_the_wheel_shares_the_namespace_of_beets(clean):
    (wheel,) = clean.parents[1].glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = [name for name in archive.namelist() if name.startswith("beetsplug/")]
    assert found == ["beetsplug/mirkit.py"]  # an __init__.py would hide the plug-ins of others
