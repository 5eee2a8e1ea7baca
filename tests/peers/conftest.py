import pytest


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
