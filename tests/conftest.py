import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of shared data that MIRKIT_DATA names."""
    path = os.environ.get("MIRKIT_DATA")
    if path and Path(path).is_dir():
        return Path(path)
    reason = f"the data pack is absent: MIRKIT_DATA is {path!r}"
    if os.environ.get("MIRKIT_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cases(data_dir) -> Path:
    """The folder of inputs that once failed, beside the shared data."""
    path = data_dir.parent / "cases"
    if not path.is_dir():
        pytest.fail(f"{path} is absent, which belongs to the shared data")
    return path


@pytest.fixture(scope="session")
def madmom() -> None:
    """Skip what needs madmom where it is not installed; fail where MIRKIT_REQUIRE_MADMOM=1."""
    from importlib import metadata

    try:
        metadata.version("madmom")
    except metadata.PackageNotFoundError:
        if os.environ.get("MIRKIT_REQUIRE_MADMOM") == "1":
            pytest.fail("madmom is required here and not installed: make madmom")
        pytest.skip("madmom is not installed: make madmom")


@pytest.fixture
def click_track():
    import signals

    return signals.click_track


@pytest.fixture
def silence():
    import signals

    return signals.silence


@pytest.fixture
def demo_piece() -> Path:
    """The demo piece; its true beats lie beside it."""
    return Path(__file__).parents[1] / "examples" / "audio" / "demo.ogg"


BASIC_PITCH_WHEEL = "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0"


@pytest.fixture(scope="session")
def basic_pitch_weights(tmp_path_factory) -> Path:
    """The weights of Basic Pitch: from the cache, or out of the wheel that pip fetches once."""
    from mirkit.errors import WeightsError
    from mirkit.music.note.basic_pitch import ORIGIN, take_weights
    from mirkit.zoo.checkpoints import cache_dir
    from mirkit.zoo.wheels import fetch_wheel

    path = cache_dir() / ORIGIN.sha256[:16] / "nmp.onnx"
    if path.is_file():
        return path
    name, version = str(ORIGIN.requirement).split("==")
    try:
        wheel = fetch_wheel(name, version, BASIC_PITCH_WHEEL, tmp_path_factory.mktemp("wheel"))
        return take_weights(wheel, path)
    except WeightsError as error:
        reason = f"the weights are not at {path}: {error}"
    if os.environ.get("MIRKIT_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
