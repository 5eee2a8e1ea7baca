import numpy as np
import pytest
import signals
import soundfile

from mirkit.library import Library


@pytest.fixture
def library(tmp_path):
    """An empty library."""
    with Library(tmp_path / "music.db") as made:
        yield made


@pytest.fixture
def music(tmp_path):
    """A folder of short recordings: two click tracks, a copy of one, and a broken file."""
    folder = tmp_path / "music"
    for place, bpm in (("a/slow.wav", 90), ("b/fast.flac", 126)):
        path = folder / place
        path.parent.mkdir(parents=True)
        write_clicks(path, bpm)
    (folder / "b" / "copy.flac").write_bytes((folder / "b" / "fast.flac").read_bytes())
    (folder / "a" / "broken.mp3").write_bytes(b"this is no music")
    (folder / "a" / "notes.txt").write_text("no recording")
    return folder


def write_clicks(path, bpm=120, n_beats=12, seed=0):
    audio = signals.click_track(bpm, n_beats, sample_rate=22050)
    samples = audio.samples[0] + 1e-3 * np.random.default_rng(seed).standard_normal(
        audio.samples.shape[1]
    )
    soundfile.write(path, samples, audio.sample_rate)
    return path


@pytest.fixture
def clicks():
    return write_clicks
