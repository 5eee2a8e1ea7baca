"""Checkpoints as users save them: wrapped, prefixed, in arrays; and ones that diverged."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import taggers  # noqa: E402
from taggers import made_card, trained  # noqa: E402

import mirkit  # noqa: E402
from mirkit.backbones.published import load_published  # noqa: E402
from mirkit.backbones.tagging import export_tagger  # noqa: E402
from mirkit.backbones.vggish import Whitening  # noqa: E402
from mirkit.errors import WeightsError  # noqa: E402
from mirkit.sound.tag.config import TagConfig  # noqa: E402
from mirkit.sound.tag.model import Tagger  # noqa: E402
from mirkit.training.weights import load_fitting  # noqa: E402
from mirkit.zoo import checkpoints  # noqa: E402
from mirkit.zoo.state_dicts import PREFIXES, WRAPPERS, state_dict_in  # noqa: E402

STATE = {"conv.weight": torch.ones(2, 3), "out.bias": torch.arange(2.0)}


def prefixed(prefix, state=STATE):
    return {prefix + name: x for name, x in state.items()}


def same(found, state=STATE):
    return found.keys() == state.keys() and all(torch.equal(found[n], state[n]) for n in state)


@pytest.mark.parametrize("key", [*WRAPPERS, "generator"])
@pytest.mark.parametrize("prefix", ["", *PREFIXES, "module._orig_mod.", "model.net."])
def test_a_state_dict_is_found_in_what_wraps_it(key, prefix):
    optimizer = {"state": {0: {"step": torch.ones(1)}}, "param_groups": [{"lr": 0.1}]}
    assert same(state_dict_in(prefixed(prefix)))
    assert same(state_dict_in({key: prefixed(prefix), "epoch": 3, "optimizer": optimizer}))
    assert same(state_dict_in({"checkpoint": 1, "model": {key: prefixed(prefix), "cfg": {}}}))


def test_what_only_some_names_begin_with_stays():
    state = {"model.weight": torch.ones(1), "head.weight": torch.ones(1)}
    assert state_dict_in(state).keys() == state.keys()
    assert state_dict_in({}) == {}


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "f2", "i8", "u1", "?"])
def test_arrays_of_numbers_become_tensors(dtype):
    found = state_dict_in({"model": {"w": np.array([[0, 1], [1, 1]], dtype), "b": torch.ones(1)}})
    assert found["w"].tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"epoch": 3}, "epoch"),
        ({"model": "cnn14"}, "model"),
        ({**STATE, "lr": 0.1}, "lr"),
        ({"a": STATE, "b": STATE}, "a"),
        ({"w": np.array(["x"])}, "w"),
    ],
)
def test_what_is_no_state_dict_is_named(content, name):
    with pytest.raises(WeightsError, match=f"holds '{name}', which is no tensor"):
        state_dict_in(content)


def wraps(state):
    """The ways in which users save a network."""
    yield "bare", state
    yield "wrapped", {"model_state_dict": state, "epoch": 1}
    yield "parallel", {"state_dict": prefixed("module.", state), "epoch": 1}
    yield "lightning", {"state_dict": prefixed("model.", state), "global_step": 9}
    yield "compiled", {"model": prefixed("module._orig_mod.", state)}


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt"])
def test_a_tagger_loads_whatever_its_user_saved(suffix, tmp_path):
    net, card = trained(taggers.Frames), made_card(taggers.Frames)
    samples = np.random.default_rng(0).standard_normal((1, 16000)).astype(np.float32)
    expected = Tagger.from_net(net, card).activations([samples])["tags"].values
    for name, content in wraps(net.state_dict()):
        path = tmp_path / f"{name}{suffix}"
        torch.save(content, path)
        model = Tagger.from_card(card, path)
        assert np.array_equal(model.activations([samples])["tags"].values, expected), name


def test_a_beat_network_loads_whatever_its_user_saved(tmp_path):
    net = mirkit.load("beat-tcn", weights="random").model.run.module.net
    noise = np.random.default_rng(0).standard_normal(44100).astype(np.float32)
    heads = []
    for name, content in wraps(net.state_dict()):
        path = tmp_path / f"{name}.pt"
        torch.save(content, path)
        system = mirkit.load("beat-tcn", weights=str(path))
        heads.append(system.model.activations([noise[None]])["beat"].values)
    assert all(np.array_equal(each, heads[0]) for each in heads)


def diverged(state, value):
    """Return a copy of which one number of one tensor is `value`."""
    state = {name: x.clone() for name, x in state.items()}
    state["conv.weight"].view(-1)[1] = value
    return state


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".ckpt"])
def test_weights_that_are_not_finite_are_refused(value, suffix, tmp_path):
    net, card, path = trained(taggers.Frames), made_card(taggers.Frames), tmp_path / f"net{suffix}"
    state = diverged(net.state_dict(), value)
    kept = {"config": TagConfig.from_dict(card.config).to_json(), "front_end": "panns_16k"}
    if suffix == ".safetensors":
        checkpoints.save_tensors(path, state, kept)
    else:
        torch.save({"model_state_dict": state}, path)
    n = state["conv.weight"].numel()
    message = rf"net\{suffix}: 'conv\.weight' holds 1 numbers of {n} that are NaN or infinite"
    with pytest.raises(WeightsError, match=message):
        Tagger.from_card(card, path)
    with pytest.raises(WeightsError, match=message):
        checkpoints.load_tensors(path)
    with pytest.raises(WeightsError, match=r"'conv\.weight' holds 1 numbers"):
        load_fitting(net, state)


def test_an_exported_network_that_diverged_is_refused(tmp_path):
    net = trained(taggers.Frames)
    net.load_state_dict(diverged(net.state_dict(), float("nan")))
    export_tagger(net, tmp_path / "net.onnx", {})
    with pytest.raises(WeightsError, match=r"net\.onnx: '.*conv\.weight' holds 1 .* NaN"):
        Tagger.from_card(made_card(taggers.Frames), tmp_path / "net.onnx")


def test_what_is_dropped_may_hold_anything(tmp_path):
    net, card = trained(taggers.Frames), made_card(taggers.Frames)
    state = net.state_dict() | {"mel.w": torch.full((3,), float("nan"))}
    published = {name.replace("out.", "fc."): x for name, x in state.items()}
    torch.save({"model": published}, tmp_path / "net.pth")
    loaded = Tagger.from_card(card, tmp_path / "net.pth")
    assert torch.equal(loaded.run.heads.net.out.bias, net.out.bias)
    published["fc.bias"] = published["fc.bias"] * float("nan")
    torch.save({"model": published}, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=r"'out\.bias' holds 3 numbers of 3"):
        Tagger.from_card(card, tmp_path / "net.pth")


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(128, 1), (128,)])
def test_the_published_components_of_vggish_are_arrays(is_new, dtype, shape, tmp_path):
    rng = np.random.default_rng(0)
    vectors, means = rng.standard_normal((128, 128)).astype(dtype), rng.standard_normal(128)
    path = tmp_path / "vggish_pca_params-970ea276.pth"
    content = {"pca_eigen_vectors": vectors, "pca_means": means.astype(dtype).reshape(shape)}
    torch.save(content, path, _use_new_zipfile_serialization=is_new)
    whitening = Whitening.from_file(path)
    embedding = torch.from_numpy(rng.standard_normal((5, 128)).astype(np.float32))
    white = (embedding.double().numpy() - means.astype(dtype)) @ vectors.astype(float).T
    level = np.round((np.clip(white, -2, 2) + 2) * 63.75)
    given = whitening(embedding).numpy()
    assert np.abs(given.astype(int) - level).max() <= 1  # single precision, halfway
    assert (given == level).mean() > 0.99


def test_components_that_hold_objects_or_other_shapes_are_refused(tmp_path):
    path = tmp_path / "pca.pth"
    torch.save({"pca_eigen_vectors": np.array([[print]], object), "pca_means": np.ones(1)}, path)
    with pytest.raises(WeightsError, match="pickled code"):
        Whitening.from_file(path)
    torch.save({"pca_eigen_vectors": np.eye(3), "pca_means": np.ones(3)}, path)
    with pytest.raises(WeightsError, match=r"pca_eigen_vectors \(3, 3\) for \(128, 128\)"):
        Whitening.from_file(path)
    load_published(Whitening(n_embedding=3), checkpoints.load_content(path), Whitening.published)
