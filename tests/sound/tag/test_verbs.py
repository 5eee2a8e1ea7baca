import io
import subprocess
import sys

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.errors import AudioError, ParameterError, UnknownName
from mirkit.features import front_end
from mirkit.zoo import registry

torch = pytest.importorskip("torch")

import taggers  # noqa: E402
from taggers import trained  # noqa: E402

from mirkit.backbones.tagging import export_tagger  # noqa: E402


@pytest.fixture
def cards(monkeypatch):
    """Small networks as models of the registry; the first is the default of the verbs."""
    taggers.install(monkeypatch)


@pytest.fixture
def weights(tmp_path):
    """A checkpoint of the first network."""
    path = tmp_path / "small.pt"
    torch.save(trained(taggers.Frames).state_dict(), path)
    return str(path)


def song(seconds=4.0, sample_rate=22050):
    return signals.music(seconds, sample_rate)


def test_whatever_names_a_recording_gives_the_same_tags(cards, weights, tmp_path):
    audio = song()
    path = tmp_path / "song.wav"
    soundfile.write(path, audio.samples.T, audio.sample_rate, subtype="FLOAT")
    pair = (audio.samples[0], audio.sample_rate)
    file = io.BytesIO(path.read_bytes())
    sources = [path, str(path), file, pair, audio, mirkit.Track(path)]
    found = mirkit.tags(sources, weights=weights)
    assert [each.labels for each in found] == [found[0].labels] * len(sources)
    for each in found:
        np.testing.assert_allclose(each.scores, found[0].scores, atol=1e-6)
    assert found[0].provenance.model == "small"
    assert found[0].provenance.weights_hash is not None


def test_activations_are_only_decoded(cards, weights):
    heard = mirkit.load("small", weights=weights).activations(song())
    assert heard.duration == pytest.approx(4.0, abs=1e-3)
    assert mirkit.tags(heard, top=2) == mirkit.tags(song(), top=2, weights=weights)
    assert mirkit.embed(heard) == mirkit.embed(song(), weights=weights)


def test_the_rate_of_a_recording_does_not_matter(cards, weights):
    """A tone below all rates: resampled ones are heard as almost the same."""
    found = []
    for sample_rate in (16000, 44100, 48000):
        t = np.arange(3 * sample_rate) / sample_rate
        found.append(mirkit.tags((0.3 * np.sin(880 * t), sample_rate), weights=weights))
    for each in found[1:]:
        np.testing.assert_allclose(each.scores, found[0].scores, atol=0.02)


def test_top_and_threshold_limit_what_is_given(cards, weights):
    everything = mirkit.tags(song(), top=None, weights=weights)
    assert len(everything) == len(taggers.LABELS)
    assert mirkit.tags(song(), top=1, weights=weights).labels == everything.labels[:1]
    middle = float(everything.scores[1])
    assert len(mirkit.tags(song(), threshold=middle, weights=weights)) == 2


def test_calibration_is_of_the_card_s_own_weights_alone(cards, weights, monkeypatch):
    plain = mirkit.tags(song(), weights=weights)
    assert mirkit.tags(song(), model="honest", weights=weights).scores == pytest.approx(
        plain.scores
    )
    taggers.install(monkeypatch, weights)
    honest = dict(mirkit.tags(song(), model="honest"))
    for label, score in plain:
        logit = np.log(score / (1 - score))
        assert np.log(honest[label] / (1 - honest[label])) == pytest.approx(logit / 3, abs=1e-4)


def test_an_embedding_is_one_row_or_one_a_frame(cards, weights):
    clip = mirkit.embed(song(), weights=weights)
    assert clip.values.shape == (1, 5)
    assert clip.grid is None
    rows = mirkit.embed(song(), weights=weights, frames=True)
    assert rows.values.shape == (100, 5)
    assert rows.grid.fps == 25
    np.testing.assert_allclose(rows.values.mean(0), clip.values[0], atol=1e-5)


def test_models_that_only_embed_give_no_tags(cards):
    assert mirkit.embed(song(), model="clips", weights="random").values.shape == (1, 4)
    with pytest.raises(ParameterError, match=r"is for embed, not tags: call mirkit\.embed\("):
        mirkit.tags(song(), model="clips", weights="random")
    with pytest.raises(ParameterError, match=r"is for beats, not embed: call mirkit\.beats\("):
        mirkit.embed(song(), model="beats")
    with pytest.raises(UnknownName, match="'smal'"):
        mirkit.tags(song(), model="smal")


def test_an_hour_takes_the_memory_of_a_minute(cards, weights, tmp_path):
    """What a stream of an hour of noise allocates at its peak, as Python counts it."""
    import tracemalloc

    model = registry.load_model("small", weights)
    rng = np.random.default_rng(0)
    block = rng.normal(0, 0.1, 16000 * 10).astype(np.float32)

    def peak(n_blocks):
        tracemalloc.start()
        model.activations(block for _ in range(n_blocks))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(12)
    assert peak(60) < 1.2 * peak(12)


@pytest.mark.parametrize("n_samples", [1, 7, 800])
def test_the_shortest_recordings_have_tags(cards, weights, n_samples):
    found = mirkit.tags((np.full(n_samples, 0.1), 44100), weights=weights)
    assert np.isfinite(found.scores).all()
    assert len(found) == 3


def test_silence_is_what_the_model_says_of_it(cards, weights):
    quiet = mirkit.tags((np.zeros(44100), 44100), weights=weights)
    model = registry.load_model("small", weights)
    features = front_end("panns_16k")(signals.silence(1, 16000))
    expected = model.run.batch(features=features.values[None])["tags"][0]
    np.testing.assert_allclose(sorted(quiet.scores), sorted(expected), atol=1e-6)


def test_what_is_no_recording_is_refused(cards, weights, tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.mp3").write_text("this is no music")
    for name in ("empty.wav", "text.mp3", "missing.wav"):
        with pytest.raises(AudioError, match=name):
            mirkit.tags(tmp_path / name, weights=weights)
        with pytest.raises(AudioError, match=name):
            mirkit.embed(tmp_path / name, weights=weights)
    with pytest.raises(AudioError, match="nan"):
        mirkit.tags((np.array([0.0, np.nan, 0.1]), 8000), weights=weights)
    with pytest.raises(AudioError, match="no samples"):
        mirkit.tags((np.zeros(0), 8000), weights=weights)


def test_wrong_settings_cost_no_loading(cards, monkeypatch):
    monkeypatch.setattr(registry, "load_model", None)
    with pytest.raises(ParameterError, match="top is 0"):
        mirkit.tags(song(), top=0)
    with pytest.raises(ParameterError, match="threshold is 2"):
        mirkit.tags(song(), threshold=2)


def test_tags_by_onnxruntime_load_neither_torch_nor_librosa(tmp_path):
    path = tmp_path / "net.onnx"
    export_tagger(trained(taggers.Frames), path, {"front_end": "panns_16k"})
    code = f"""
import sys, numpy as np, mirkit
from mirkit.zoo import registry
registry._cards = lambda: {{"tag-mn": registry.Card(
    "tag-mn", "tags", "small", "mirkit.sound.tag.model:Tagger", 16000, ("tags",), "MIT", "MIT",
    front_end="panns_16k", config={{"labels": ["Dog", "Rain", "Music"]}})}}
noise = (np.random.default_rng(0).normal(0, 0.1, 44100), 44100)
print(len(mirkit.tags(noise, weights={str(path)!r})), mirkit.embed(noise, weights={str(path)!r}))
print(sorted({{"torch", "librosa", "numba", "scipy.signal", "jams"}} & {{*sys.modules}}))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("3 ")
    assert out.stdout.strip().endswith("[]")
