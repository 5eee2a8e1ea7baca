import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mirkit
from mirkit.cli.doctor import NEEDS


def test_models_are_listed_with_their_licences(mirkit_cli):
    result = mirkit_cli("models", "--json")
    cards = {row["name"]: row for row in result.objects()}
    assert "NC" in cards["madmom"]["license_weights"]
    assert "tempogram" in mirkit_cli("models").out
    assert mirkit_cli("models", "beat*", "--json").objects()[0]["name"].startswith("beat")


def test_doctor_names_every_need_and_what_its_absence_costs(mirkit_cli):
    result = mirkit_cli("doctor", "--json")
    assert result.status == 0
    rows = {row["name"]: row for row in result.objects()}
    assert rows["numpy"]["version"]
    assert "video" in rows["ffmpeg"]["without"]
    assert mirkit.__version__ in mirkit_cli("doctor").out


def test_doctor_knows_every_extra_of_users():
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    told = {need.install for need in NEEDS}
    for name in set(extras) - {"docs", "test", "tensorboard"}:
        assert f"pip install 'mirkit[{name}]'" in told, name


def test_version_is_printed(mirkit_cli):
    assert mirkit_cli("--version").out == f"mirkit {mirkit.__version__}\n"


@pytest.mark.parametrize("model", [None, "tempogram"])
def test_beats_run_in_a_process_that_loads_neither_torch_nor_librosa_nor_numba(demo, model):
    probe = (
        "import sys, mirkit\n"
        f"mirkit.beats({str(demo)!r}, model={model!r})\n"
        "print({'torch', 'librosa', 'numba', 'scipy.signal', 'jams'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
