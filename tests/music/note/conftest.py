import published
import pytest


@pytest.fixture(scope="session")
def weights():
    """The weights of Basic Pitch, out of the wheel that pip fetches once."""
    return published.weights("basic-pitch")


@pytest.fixture(scope="session")
def model():
    return published.model("basic-pitch")
