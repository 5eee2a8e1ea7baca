import json

import numpy as np
import pytest
import signals
import soundfile

RATE = 22050
TEMPI = (80, 96, 104, 118, 127, 140, 152, 171)


def write_clip(folder, name, split, bpm, seconds=12.0, seed=0, **truth):
    """Write clicks in noise, louder on downbeats, as a renderer would: flac and truth."""
    rng = np.random.default_rng(seed)
    start = float(rng.uniform(0.1, 0.6))
    n_beats = int((seconds - start) * bpm / 60)
    audio = signals.click_track(bpm, n_beats, RATE, start=start, noise=0.003)
    samples = np.resize(audio.samples[0], round(seconds * RATE))
    samples[audio.n_samples :] = 0
    soundfile.write(folder / f"{name}.flac", samples, RATE, subtype="PCM_16")
    beats = start + np.arange(n_beats) * 60 / bpm
    positions = (np.arange(n_beats) % 4 + 1).tolist()
    row = {"split": split, "beats": beats.tolist(), "positions": positions} | truth
    (folder / f"{name}.json").write_text(json.dumps(row))


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Return a folder of eight clips to train on, and the same eight to validate on."""
    folder = tmp_path_factory.mktemp("clips")
    for i, bpm in enumerate(TEMPI):
        write_clip(folder, f"train-{i}", "train", bpm, seed=i, source="made" if i else "drums")
        write_clip(folder, f"val-{i}", "val", bpm, seed=i)
    return folder


@pytest.fixture(scope="session")
def store(clips, tmp_path_factory):
    from mirkit.training.beat.data import pack_clips

    folder = tmp_path_factory.mktemp("store")
    assert pack_clips(clips, folder) == 16
    return folder
