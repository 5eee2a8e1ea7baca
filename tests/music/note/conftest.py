import pytest

from mirkit.music.note.basic_pitch import BasicPitch


@pytest.fixture(scope="session")
def weights(basic_pitch_weights):
    return basic_pitch_weights


@pytest.fixture(scope="session")
def model(weights) -> BasicPitch:
    return BasicPitch.from_weights(weights)
