import numpy as np
import pytest
import signals

from mirkit import system
from mirkit.activations import Activations, Head
from mirkit.annotation import Events
from mirkit.errors import ParameterError, UnknownName, WeightsError
from mirkit.frames import FrameGrid
from mirkit.music.note import notes
from mirkit.music.note.basic_pitch import SAMPLE_RATE
from mirkit.zoo.checkpoints import CACHE_VARIABLE


def heads():
    onset, note = np.zeros((2, 100, 1), np.float32)
    onset[10], note[10:60] = 0.9, 0.8
    grid = FrameGrid.from_fps(100)
    return Activations({"onset": Head(onset, ("60",), grid), "note": Head(note, ("60",), grid)})


def test_activations_are_only_decoded(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))  # there are no weights
    assert notes(heads()).labels == ("60",)
    assert len(notes(heads(), min_length=0.6)) == 0
    assert [found.labels for found in notes([heads(), heads()])] == [("60",)] * 2


def test_samples_of_any_rate_are_transcribed(weights):
    audio = signals.chord([57, 64], 2.0, 44100)
    found = notes(audio, weights=str(weights), min_length=0.5)
    assert isinstance(found, Events)
    assert found.kind == "note"
    assert {"57", "64"} <= set(found.labels)
    assert found.provenance.model == "basic-pitch"
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    fine = notes(audio, weights=str(weights), min_length=0.5, bends=True, fmax=300)
    assert pytest.approx(fine.pitches[fine.labels.index("57")], abs=0.1) == 57
    assert "64" not in fine.labels


@pytest.mark.parametrize("n_samples", [1, 3 * SAMPLE_RATE])
def test_silence_has_no_notes(weights, n_samples):
    found = notes((np.zeros(n_samples, np.float32), SAMPLE_RATE), weights=str(weights))
    assert len(found) == 0
    assert found.kind == "note"


def test_noise_below_the_gate_has_no_notes(weights):
    """The network hears notes in the faintest noise, as it scales each window to its own range."""
    noise = 1e-4 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE).astype(np.float32)
    known = {"weights": str(weights)}
    assert len(notes((noise, SAMPLE_RATE), **known)) > 0
    assert len(notes((noise / 3, SAMPLE_RATE), **known)) == 0


def test_weights_that_are_not_there_are_named_with_the_command_that_fetches_them(
    monkeypatch, tmp_path
):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(system, "_MODELS", system.ModelCache())  # other tests have loaded it
    with pytest.raises(WeightsError, match="Run: mirkit models download basic-pitch"):
        notes((np.zeros(100, np.float32), SAMPLE_RATE), fmin=77.7)


def test_wrong_settings_cost_no_loading(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(
        UnknownName, match=r"unknown model 'basicpitch'\. Did you mean 'basic-pitch'"
    ):
        notes(heads(), model="basicpitch")
    with pytest.raises(ParameterError, match="onset_threshold is 2"):
        notes((np.zeros(100, np.float32), SAMPLE_RATE), onset_threshold=2)
