import os
import shutil

import numpy as np
import pytest
import signals
import soundfile
from serving import DEMO, serving


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    root = tmp_path_factory.mktemp("music")
    with serving(folder, "--root", root, "--max-mb", "16", "--max-minutes", "3") as running:
        running.root, running.folder = root, folder
        yield running


@pytest.fixture(scope="session")
def demo_track(service):
    return service.analyzed("demo.ogg", DEMO.read_bytes())


@pytest.fixture
def clicks(tmp_path):
    audio = signals.click_track(120, n_beats=16, sample_rate=22050)
    soundfile.write(tmp_path / "clicks.wav", np.asarray(audio.samples.T), 22050)
    return tmp_path / "clicks.wav"


CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        if os.environ.get("MIRKIT_REQUIRE_HOSTS") == "1":
            pytest.fail("chromium is required here and not installed: apt install chromium")
        pytest.skip("chromium is not installed: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()
