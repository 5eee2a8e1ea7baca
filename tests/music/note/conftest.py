import os
from pathlib import Path

import pytest

from mirkit.errors import WeightsError
from mirkit.music.note.basic_pitch import ORIGIN, BasicPitch, take_weights
from mirkit.zoo.checkpoints import cache_dir
from mirkit.zoo.wheels import fetch_wheel

WHEEL_SHA256 = "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0"


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """The weights of Basic Pitch: from the cache, or out of the wheel that pip fetches once."""
    path = cache_dir() / ORIGIN.sha256[:16] / "nmp.onnx"
    if path.is_file():
        return path
    name, version = str(ORIGIN.requirement).split("==")
    try:
        wheel = fetch_wheel(name, version, WHEEL_SHA256, tmp_path_factory.mktemp("wheel"))
        return take_weights(wheel, path)
    except WeightsError as error:
        reason = f"the weights are not at {path}: {error}"
    if os.environ.get("MIRKIT_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def model(weights) -> BasicPitch:
    return BasicPitch.from_weights(weights)
