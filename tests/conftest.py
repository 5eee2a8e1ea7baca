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
