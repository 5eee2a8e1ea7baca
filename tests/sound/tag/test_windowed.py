"""What YAMNet and musicnn share, with a small network in their place."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import signals

from mirkit.activations import Features, HeadSpec, Provenance
from mirkit.audio import Audio
from mirkit.errors import AudioError, ParameterError, UnknownName, WeightsError
from mirkit.frames import FrameGrid
from mirkit.sound.tag import musicnn
from mirkit.sound.tag.musicnn import LastMovedBack, MusicNN
from mirkit.sound.tag.yamnet import FRONT_END, YAMNet
from mirkit.windows import run
from mirkit.zoo.checkpoints import write_whole
from mirkit.zoo.networks import Settings
from mirkit.zoo.onnx_graph import OnnxGraph
from mirkit.zoo.registry import card

ALL = ("tags", "embedding", "frames", "frame_embedding")
KINDS = [YAMNet, MusicNN]


@dataclass
class Means:
    """A network whose embedding is the mean of the features; it remembers its batches."""

    inputs: tuple[str, ...] = ("features",)
    n_bytes: int = 12
    seen: list[int] = field(default_factory=list)

    def batch(self, features):
        self.seen.append(len(features))
        mean = features.mean(axis=1)
        return {"tags": 1 / (1 + np.exp(-mean[:, :3])), "embedding": mean}


def model(kind, n_batch=4):
    return kind(Means(), ("a", "b", "c"), Provenance("small", "1", "0" * 64), n_batch)


def recording(seconds, seed=0):
    return signals.music(seconds, 16000, seed).samples


@pytest.mark.parametrize("kind", KINDS)
def test_heads_are_named_and_timed(kind):
    heads = model(kind).activations([recording(10)], heads=ALL)
    assert set(heads) == set(ALL)
    assert heads["tags"].labels == heads["frames"].labels == ("a", "b", "c")
    assert heads["tags"].grid is None
    assert heads["tags"].kind == heads["frames"].kind == "sigmoid"
    assert heads["embedding"].kind == heads["frame_embedding"].kind == "embedding"
    assert heads["embedding"].labels[:2] == ("0", "1")
    assert heads["frames"].grid == heads["frame_embedding"].grid == model(kind).grid
    assert heads.provenance == Provenance("small", "1", "0" * 64)


def test_rows_by_frame_are_at_the_middle_of_their_windows():
    assert YAMNet.grid.fget(model(YAMNet)) == FrameGrid.from_fps(1 / 0.48, 15600 / 16000 / 2)
    hop = 187 * 256 / 16000
    assert model(MusicNN).grid.period == pytest.approx(hop)
    assert model(MusicNN).grid.start == pytest.approx(93 * 256 / 16000)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_heads_that_are_asked_for_are_given(kind):
    made, blocks = model(kind), [recording(4)]
    assert set(made.activations(blocks)) == {"tags", "embedding"}
    assert set(made.activations(blocks, heads=["frames"])) == {"frames"}
    with pytest.raises(UnknownName, match="Did you mean 'frames'"):
        made.activations(blocks, heads=["frame"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_blocks_of_any_size_give_the_same(kind, seed):
    samples = recording(40.3)[0]
    whole = model(kind).activations([samples], heads=ALL)
    rng = np.random.default_rng(seed)
    blocks = [block[None] for block in signals.cut(samples, rng, 10 ** (seed + 3))]
    parts = model(kind).activations(blocks, heads=ALL)
    for name in ALL:
        np.testing.assert_allclose(parts[name].values, whole[name].values, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.5, 2.0, 7.3, 30.0])
def test_features_give_what_samples_do(kind, seconds):
    made, samples = model(kind), recording(seconds)
    features = made.features([samples])
    assert [each.front_end for each in features] == [kind.front_end.name]
    assert features[0].n_frames == kind.front_end.n_frames(samples.shape[1])
    ours, theirs = made.activations(features, ALL), made.activations([samples], ALL)
    for name in ALL:
        np.testing.assert_array_equal(ours[name].values, theirs[name].values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_clip_is_the_mean_of_its_windows(kind):
    made, n_frames = model(kind), 4 * kind.length + (kind is MusicNN)
    values = np.random.default_rng(0).normal(size=(n_frames, kind.front_end.n_bins))
    features = Features(values.astype(np.float32), kind.front_end.grid, kind.front_end.name)
    heads = made.activations(features, ALL)
    weights = np.ones(heads["frames"].n_frames)
    if kind is MusicNN:
        weights[-1] = 1 / kind.length
    for clip, frames in (("tags", "frames"), ("embedding", "frame_embedding")):
        mean = np.average(heads[frames].values, axis=0, weights=weights)
        np.testing.assert_allclose(heads[clip].values[0], mean, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_long_recordings_are_heard_a_few_windows_at_a_time(kind):
    made = model(kind)
    made.activations(recording(1, seed) for seed in range(90))
    assert set(made.network.seen[:-1]) == {4}
    assert len(made.network.seen) > 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_samples", [1, 255, 400, 15600, 15601])
def test_one_sample_is_enough(kind, n_samples):
    heads = model(kind).activations([np.full((1, n_samples), 0.1, np.float32)], heads=ALL)
    for head in heads.values():
        assert head.n_frames == (2 if (kind, n_samples) == (YAMNet, 15601) and head.grid else 1)
        assert np.isfinite(head.values).all()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_and_numbers_that_are_none_are_refused(kind):
    for blocks in ([], [np.zeros((1, 0), np.float32)]):
        with pytest.raises(ParameterError, match="hold no samples"):
            model(kind).activations(blocks)
    bad = np.zeros((1, 16000), np.float32)
    bad[0, 7] = np.nan
    with pytest.raises(AudioError, match="sample 7"):
        model(kind).activations([bad])


@pytest.mark.parametrize(("kind", "other"), [(YAMNet, MusicNN), (MusicNN, YAMNet)])
def test_features_of_another_front_end_are_refused(kind, other):
    (features,) = model(other).features([recording(2)])
    with pytest.raises(ParameterError, match=f"frames of '{kind.front_end.name}'"):
        model(kind).activations(features)


def test_yamnet_hears_zeros_after_the_end_as_its_authors_do():
    """An oracle: the samples with zeros after them, cut by hand."""
    samples = recording(3.3)[0]
    n_windows = 1 + int(np.ceil((samples.size - 15600) / 7680))
    padded = np.pad(samples, (0, 15600 + 7680 * (n_windows - 1) - samples.size))
    rows = [
        FRONT_END.spectrogram(Audio(padded[start : start + 15600], 16000)).values.mean(axis=0)
        for start in range(0, padded.size - 15599, 7680)
    ]
    head = model(YAMNet).activations([samples], heads=ALL)["frame_embedding"]
    np.testing.assert_allclose(head.values, rows, atol=1e-5)
    assert len(rows) == n_windows == 6


def test_frames_that_fill_no_window_of_yamnet_are_followed_by_silence():
    rows = np.random.default_rng(0).normal(size=(150, 64)).astype(np.float32)
    features = Features(rows, FRONT_END.grid, "yamnet")
    head = model(YAMNet).activations(features, ALL)["frame_embedding"]
    silence = FRONT_END.spectrogram(Audio(np.zeros(400, np.float32), 16000)).values
    padded = np.concatenate([rows, np.repeat(silence, 42, axis=0)])
    expected = [padded[start : start + 96].mean(axis=0) for start in (0, 48, 96)]
    np.testing.assert_allclose(head.values, expected, atol=1e-5)


def test_the_last_window_of_musicnn_ends_with_the_recording():
    rows = np.random.default_rng(0).normal(size=(400, 96)).astype(np.float32)
    features = Features(rows, musicnn.FRONT_END.grid, "musicnn")
    head = model(MusicNN).activations(features, ALL)["frame_embedding"]
    expected = [rows[:187].mean(axis=0), rows[187:374].mean(axis=0), rows[-187:].mean(axis=0)]
    np.testing.assert_allclose(head.values, expected, atol=1e-5)


def test_what_is_shorter_than_a_window_of_musicnn_is_repeated():
    rows = np.random.default_rng(0).normal(size=(100, 96)).astype(np.float32)
    features = Features(rows, musicnn.FRONT_END.grid, "musicnn")
    head = model(MusicNN).activations(features, ALL)["frame_embedding"]
    expected = np.concatenate([rows, rows[:87]]).mean(axis=0)
    np.testing.assert_allclose(head.values[0], expected, atol=1e-5)


def test_rows_within_windows_are_refused_where_windows_are_moved_back():
    with pytest.raises(ParameterError, match="'frames' has rows within windows"):
        run(LastMovedBack(4), [], lambda batch: {}, {"frames": HeadSpec(("a",))}, FRONT_END.grid)


@pytest.mark.parametrize(("kind", "name"), [(YAMNet, "yamnet"), (MusicNN, "musicnn-mtt")])
def test_weights_of_others_are_refused(kind, name, tmp_path):
    graph = OnnxGraph("other")
    graph.output(graph.add("Neg", graph.input("x", (1,)), name="y"), (1,))
    path = tmp_path / "other.onnx"
    for kept, theirs in ({"model": "crema"}, "crema"), ({}, "an unnamed model"):
        write_whole(path, graph.to_bytes(kept))
        with pytest.raises(WeightsError, match=f"weights of {theirs}, not of '{name}'"):
            kind.from_weights(path, card(name))
    write_whole(path, graph.to_bytes({"model": name}))
    made = kind.from_weights(path, card(name), Settings(n_batch=3, n_threads=2))
    assert (made.n_batch, made.network.n_threads) == (3, 2)
    assert kind.from_weights(path, card(name)).n_batch == kind.usual_batch
    (tmp_path / "other.onnx").write_bytes(b"<html>")
    with pytest.raises(WeightsError, match="cannot read it"):
        kind.from_weights(path, card(name))
