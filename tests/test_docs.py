"""The pages of the site do what they say, and the site builds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

import mirkit

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ["quickstart.md", "concepts.md", *(f"guides/{x.name}" for x in DOCS.glob("guides/*.md"))]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Return a folder with the files that the pages name."""
    folder = tmp_path_factory.mktemp("desk")
    demo = ROOT / "examples" / "audio" / "demo.ogg"
    subprocess.run(["ffmpeg", "-v", "error", "-i", demo, folder / "song.mp3"], check=True)
    for name in ("Music", "truth", "data"):
        (folder / name).mkdir()
    shutil.copy(folder / "song.mp3", folder / "Music" / "song.mp3")
    shutil.copy(folder / "song.mp3", folder / "data" / "song.mp3")
    shutil.copy(demo.with_suffix(".beats"), folder / "data" / "song.beats")
    shutil.copy(demo.with_suffix(".beats"), folder / "truth" / "song.beats")
    mirkit.save(mirkit.chords(demo), folder / "truth" / "song.lab")
    rng = np.random.default_rng(0)
    soundfile.write(folder / "street.wav", rng.normal(0, 0.1, 3 * 16000), 16000)
    signals.write_sound_folders(folder / "sounds", 8000)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs_as_it_stands(page, desk, tmp_path):
    blocks = re.findall(r"^```(python|sh)\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)
    assert blocks
    shutil.copytree(desk, tmp_path, dirs_exist_ok=True)
    code = "\n".join(text for kind, text in blocks if kind == "python")
    run([sys.executable, "-c", code], tmp_path)
    for text in (text for kind, text in blocks if kind == "sh"):
        run(["bash", "-ec", f'mirkit() {{ "{sys.executable}" -m mirkit "$@"; }}\n{text}'], tmp_path)


def run(command, folder):
    """Run a command in a folder, and show its output where it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the site, built without a warning."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        DOCS,
        folder,
    ]
    run(command, ROOT)
    return folder


def test_all_public_names_are_in_the_reference(site):
    page = (site / "api.html").read_text()
    missing = [name for name in mirkit.__all__ if f'id="mirkit.{name}"' not in page]
    assert missing == ["__version__"]


def test_all_models_are_in_their_table(site):
    page = (site / "models.html").read_text()
    assert [card.name for card in mirkit.models() if f">{card.name}<" not in page] == []


def test_links_between_pages_and_into_the_repository_lead_somewhere():
    pages = [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not broken


def test_the_site_loads_nothing_from_elsewhere(site):
    loaded = {
        page.name: found
        for page in site.rglob("*.html")
        if (
            found := re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="https?:', page.read_text())
        )
    }
    assert not loaded
