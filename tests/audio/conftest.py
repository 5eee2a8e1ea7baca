from functools import cache
from pathlib import Path

import pytest
import signals
import soundfile
from encoders import SECONDS, TICKS, encode


@pytest.fixture(scope="session")
def ticking(tmp_path_factory):
    """`ticking(encoder, rate, n_channels)` -> path of the ticks in that encoding."""
    folder = tmp_path_factory.mktemp("ticks")

    def make(encoder, sample_rate=44100, n_channels=2):
        return made(encoder, sample_rate, n_channels)

    @cache
    def made(encoder, sample_rate, n_channels):
        place = folder / f"{encoder}-{sample_rate}-{n_channels}"
        place.mkdir()
        audio = signals.ticks(TICKS, SECONDS, sample_rate, n_channels)
        source = place / "ticks.wav"
        soundfile.write(source, audio.samples.T, sample_rate, subtype="PCM_16")
        return source if encoder == "wav" else encode(encoder, source, place)

    return make


@pytest.fixture
def save_wav(tmp_path):
    """`save_wav(name, audio)` -> path."""

    def save(name, audio, **kwargs):
        path = Path(tmp_path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio.samples.T, audio.sample_rate, **kwargs)
        return path

    return save
