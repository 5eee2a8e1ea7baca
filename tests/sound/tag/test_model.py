import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import signals

from mirkit.audio import Audio
from mirkit.errors import AudioError, ParameterError, WeightsError
from mirkit.features import front_end
from mirkit.sound.tag.config import Shape, TagConfig
from mirkit.sound.tag.model import Tagger
from mirkit.zoo import checkpoints
from mirkit.zoo.registry import card, models

torch = pytest.importorskip("torch")

import taggers  # noqa: E402
from taggers import made_card, trained  # noqa: E402

from mirkit.backbones.tagging import export_tagger  # noqa: E402

NETS = [taggers.Frames, taggers.Clips, taggers.Samples, taggers.Both]


def tagger(net_class, **changes):
    return Tagger.from_net(trained(net_class), made_card(net_class, **changes))


def recording(seconds, sample_rate, seed=0):
    return signals.music(seconds, sample_rate, seed).samples[0]


def everything(model, x):
    """All heads that a model has."""
    return model.activations(x, model.specs)


@pytest.fixture
def files(tmp_path):
    """Write one network as .safetensors and as .onnx."""
    net = trained(taggers.Frames)
    card = made_card(taggers.Frames)
    kept = {"config": TagConfig.from_dict(card.config).to_json(), "front_end": "panns_16k"}
    tensors = tmp_path / "net.safetensors"
    checkpoints.save_tensors(tensors, net.state_dict(), kept)
    kept["weights_sha256"] = checkpoints.sha256_of(tensors)
    export_tagger(net, tmp_path / "net.onnx", kept)
    return tensors, tmp_path / "net.onnx"


@pytest.mark.parametrize("net_class", NETS)
def test_a_clip_of_one_window_is_what_the_network_says_of_it(net_class):
    net = trained(net_class)
    samples = recording(2.5, net.sample_rate)
    inputs = {"samples": samples}
    if net.front_end:
        inputs["features"] = front_end(net.front_end)(Audio(samples, net.sample_rate)).values
    with torch.inference_mode():
        y = net(*(torch.tensor(inputs[name])[None] for name in net.inputs))
    heads = tagger(net_class).activations([samples])
    np.testing.assert_allclose(heads["tags"].values[0], y.logits[0].sigmoid(), atol=1e-6)
    np.testing.assert_allclose(heads["embedding"].values[0], y.embedding[0], atol=1e-6)
    assert heads["tags"].labels == taggers.LABELS
    assert heads["tags"].grid is None


@pytest.mark.parametrize("net_class", NETS)
def test_blocks_of_any_size_give_the_same(net_class):
    model = tagger(net_class)
    samples = recording(23.7, model.sample_rate)
    whole = everything(model, [samples])
    rng = np.random.default_rng(1)
    cut = everything(model, signals.cut(samples, rng, 40_000))
    assert list(whole) == list(cut)
    for name in whole:
        np.testing.assert_allclose(cut[name].values, whole[name].values, atol=1e-5)


@pytest.mark.parametrize("net_class", NETS)
def test_long_recordings_are_the_mean_of_their_windows_by_length(net_class):
    """An oracle: the windows cut by hand, run one by one."""
    config = {"window": 3.0, "overlap": 1.0}
    model = tagger(net_class, config=config)
    samples = recording(8.4, model.sample_rate)
    grid, weights, rows = model.layout, [], []
    if model.takes_features:
        values = front_end(net_class.front_end)(Audio(samples, model.sample_rate)).values
    else:
        values = samples
    for start in range(0, len(values), grid.hop):
        window = values[start : start + grid.length]
        outputs = model.run.batch(**one(model, window))
        weights.append(len(window))
        rows.append(outputs["tags"][0])
        if start + grid.length >= len(values):
            break
    assert len(rows) == 4
    expected = np.average(rows, axis=0, weights=weights)
    np.testing.assert_allclose(model.activations([samples])["tags"].values[0], expected, atol=1e-6)


def one(model, window):
    """The inputs of one window."""
    feed = {"features" if model.takes_features else "samples": window[None]}
    if model.front_end is not None and not model.takes_features:
        feed["features"] = model.front_end(Audio(window, model.sample_rate)).values[None]
    return feed


@pytest.mark.parametrize("net_class", NETS)
@pytest.mark.parametrize("n_samples", [1, 2, 399, 400, 5000])
def test_one_sample_is_enough_and_finite(net_class, n_samples):
    heads = everything(tagger(net_class), [np.full(n_samples, 0.1, np.float32)])
    for head in heads.values():
        assert np.isfinite(head.values).all()
        assert head.n_frames >= 1


@pytest.mark.parametrize("net_class", NETS)
def test_silence_is_finite(net_class):
    model = tagger(net_class)
    heads = model.activations([np.zeros(12 * model.sample_rate, np.float32)])
    assert np.isfinite(heads["tags"].values).all()
    assert np.isfinite(heads["embedding"].values).all()


def test_short_recordings_are_padded_with_silence_at_their_end():
    model = tagger(taggers.Frames)
    samples = recording(0.05, 16000)
    features = front_end("panns_16k")(Audio(samples, 16000)).values
    assert len(features) == 6
    padded = np.concatenate([features, np.full((2, 64), -100, np.float32)])
    expected = model.run.batch(features=padded[None])["tags"][0]
    np.testing.assert_array_equal(model.activations([samples])["tags"].values[0], expected)


def test_channels_are_averaged():
    model = tagger(taggers.Frames)
    left, right = recording(3, 16000, 0), recording(3, 16000, 1)
    both = model.activations([np.stack([left, right])])
    mean = model.activations([(left + right) / 2])
    np.testing.assert_allclose(both["tags"].values, mean["tags"].values, atol=1e-6)


def test_rows_by_frame_are_on_the_network_s_clock_and_none_is_missing():
    model = tagger(taggers.Frames)
    heads = everything(model, [recording(25, 16000)])
    rows = heads["frames"]
    assert rows.grid.rate == Fraction(25)  # 100 frames a second, four of them a row
    assert rows.grid.start == pytest.approx(0.015)
    assert rows.n_frames == heads["frame_embedding"].n_frames == 625
    assert rows.labels == taggers.LABELS


def test_rows_by_frame_at_borders_are_those_of_the_whole():
    """The network looks no further than a row, so that cutting must not be seen at all."""
    samples = recording(25, 16000)
    config = {"window": 60.0}
    whole = everything(tagger(taggers.Frames, config=config), [samples])
    cut = everything(tagger(taggers.Frames), [samples])
    n = cut["frames"].n_frames
    np.testing.assert_allclose(cut["frames"].values, whole["frames"].values[:n], atol=1e-5)


def test_samples_have_a_clock_too():
    rows = everything(tagger(taggers.Samples), [recording(21, 8000)])["frames"]
    assert rows.grid.rate == Fraction(100)
    assert 2095 <= rows.n_frames <= 2100


def test_a_network_without_rows_gives_one_a_window():
    model = tagger(taggers.Clips)
    assert model.layout.length == 300
    heads = everything(model, [recording(9, 16000)])
    assert "frames" not in heads
    rows = heads["frame_embedding"]
    assert rows.grid.period == pytest.approx(2.0)
    assert rows.grid.start == pytest.approx(1.5, abs=0.02)
    assert rows.n_frames == 4


def test_a_network_without_classes_embeds(tmp_path):
    net, card = trained(taggers.Vectors), made_card(taggers.Vectors, config={"labels": []})
    model = Tagger.from_net(net, card)
    assert list(model.activations([recording(1, 16000)])) == ["embedding"]
    export_tagger(net, tmp_path / "net.onnx", {})
    heads = Tagger.from_card(card, tmp_path / "net.onnx").activations([recording(1, 16000)])
    assert list(heads) == ["embedding"]


def test_rows_of_networks_on_samples_and_features_count_samples():
    rows = everything(tagger(taggers.Both), [recording(21, 16000)])["frames"]
    assert rows.grid.rate == Fraction(100)
    assert rows.n_frames == 2100


def test_nothing_by_frame_is_kept_unless_asked_for():
    assert list(tagger(taggers.Frames).activations([recording(3, 16000)])) == ["tags", "embedding"]


def test_features_that_are_there_are_not_computed_again():
    model = tagger(taggers.Frames)
    samples = recording(14, 16000)
    features = front_end("panns_16k")(Audio(samples, 16000))
    assert np.array_equal(
        model.activations(features)["tags"].values, model.activations([samples])["tags"].values
    )
    with pytest.raises(ParameterError, match="come from 'ast'"):
        model.activations(front_end("ast")(Audio(samples, 16000)))
    with pytest.raises(ParameterError, match="takes samples"):
        tagger(taggers.Samples).activations(features)


def test_the_batch_of_windows_does_not_change_what_one_says():
    model = tagger(taggers.Frames, config={"window": 1.0, "overlap": 0.1})
    samples = recording(19, 16000)
    together = model.activations([samples])["tags"].values
    alone = replace(model, n_batch=1).activations([samples])["tags"].values
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_torch_and_onnxruntime_say_the_same(files):
    samples = recording(13, 16000)
    card = made_card(taggers.Frames)
    by_torch, by_onnx = (Tagger.from_card(card, path) for path in files)
    a, b = everything(by_torch, [samples]), everything(by_onnx, [samples])
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_allclose(a[name].values, b[name].values, atol=1e-4)
        assert a[name].grid == b[name].grid
    assert a.provenance == b.provenance
    assert a.provenance.weights_hash == checkpoints.sha256_of(files[0])


@pytest.mark.parametrize("net_class", NETS)
def test_every_kind_of_network_is_exported_with_its_rules(net_class, tmp_path):
    net, card = trained(net_class), made_card(net_class)
    export_tagger(net, tmp_path / "net.onnx", {})
    exported = Tagger.from_card(card, tmp_path / "net.onnx")
    assert exported.shape == Shape.of(net)
    for seconds in (0.01, 11.0):
        samples = recording(seconds, net.sample_rate)
        np.testing.assert_allclose(
            exported.activations([samples])["tags"].values,
            Tagger.from_net(net, card).activations([samples])["tags"].values,
            atol=1e-5,
        )


def test_the_exported_network_runs_without_torch(files):
    code = f"""
import sys, numpy as np
from mirkit.zoo.registry import Card
from mirkit.sound.tag.model import Tagger
card = Card("small", "tags", "small", "a:b", 16000, ("tags",), "MIT", "none",
            front_end="panns_16k")
Tagger.from_card(card, {str(files[1])!r}).activations([np.zeros(16000, np.float32)])
print(sorted({{"torch", "librosa", "numba", "taggers"}} & {{*sys.modules}}))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_published_checkpoints_are_loaded_by_their_names(tmp_path):
    net = trained(taggers.Frames, seed=5)
    theirs = {name.replace("out.", "fc."): tensor for name, tensor in net.state_dict().items()}
    theirs["mel.weight"] = torch.ones(3)
    torch.save({"model": theirs, "iteration": 7}, tmp_path / "published.pth")
    torch.save(net.state_dict(), tmp_path / "ours.pt")
    samples = recording(2, 16000)
    card = made_card(taggers.Frames)
    expected = Tagger.from_net(net, card).activations([samples])["tags"].values
    for name in ("published.pth", "ours.pt"):
        model = Tagger.from_card(card, tmp_path / name)
        assert np.array_equal(model.activations([samples])["tags"].values, expected)
        assert model.weights_hash == checkpoints.sha256_of(tmp_path / name)


def test_checkpoints_of_another_network_are_refused(files, tmp_path):
    with pytest.raises(WeightsError, match="trained on the front end 'panns_16k'"):
        Tagger.from_card(made_card(taggers.Frames, front_end="panns_32k"), files[1])
    torch.save({"fc.weight": torch.ones(3, 5)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other\.pt.*lacks conv\.bias"):
        Tagger.from_card(made_card(taggers.Frames), tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="comes without weights"):
        Tagger.from_card(made_card(taggers.Frames))


def test_a_checkpoint_brings_its_own_classes(tmp_path):
    net = trained(taggers.Frames, n_classes=2, width=3)
    config = {"labels": ["Cat", "Cow"], "settings": {"width": 3}, "activation": "softmax"}
    kept = {"config": TagConfig.from_dict(config).to_json()}
    checkpoints.save_tensors(tmp_path / "own.safetensors", net.state_dict(), kept)
    model = Tagger.from_card(made_card(taggers.Frames), tmp_path / "own.safetensors")
    heads = model.activations([recording(2, 16000)])
    assert heads["tags"].labels == ("Cat", "Cow")
    assert heads["tags"].kind == "softmax"
    assert heads["tags"].values.sum() == pytest.approx(1, abs=1e-6)


def test_random_weights_follow_their_seed_alone():
    state = torch.get_rng_state()
    card, samples = made_card(taggers.Frames), recording(1, 16000)
    a, b, c = (
        Tagger.from_card(card, "random", seed=seed).activations([samples])["tags"].values
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"labels": ["a", "b", "a"]}, "'a' twice"),
        ({"labels": "imagenet"}, "'imagenet'"),
        ({"labels": ["a"], "overlap": 10.0}, "overlap"),
        ({"labels": ["a"], "window": 0.0}, "window"),
        ({"labels": ["a"], "activation": "relu"}, "activation"),
        ({"labels": ["a"], "hop": 2}, "no field 'hop'"),
        ({}, "needs 'labels'"),
    ],
)
def test_wrong_cards_say_what_is_wrong(config, message):
    with pytest.raises(ParameterError, match=message):
        TagConfig.from_dict(config)


def test_a_card_whose_backbone_is_not_there_says_so():
    for backbone in ("taggers:Nothing", "no.such.module:Net", None):
        card = made_card(taggers.Frames, config={"backbone": backbone})
        with pytest.raises(ParameterError, match=r"config\.backbone"):
            Tagger.from_card(card, "random")


def test_nothing_to_hear_and_what_is_not_a_number_are_refused():
    model = tagger(taggers.Frames)
    with pytest.raises(ParameterError, match="recording is empty"):
        model.activations([])
    with pytest.raises(AudioError, match="nan"):
        model.activations([np.array([0.0, np.nan], np.float32)])


def test_cards_of_taggers_have_labels_for_their_networks():
    for each in models():
        if each.task == "tags" and "backbone" in each.config:
            assert TagConfig.from_dict(card(each.name).config).labels
