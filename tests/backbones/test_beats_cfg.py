"""Files of BEATs of any shape load as their ``cfg`` says: fine-tuned or only pre-trained."""

import numpy as np
import pytest
import reference
import torch

import mirkit
from mirkit.backbones.beats.network import BEATs
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import front_end
from mirkit.training.tag.network import make_network
from mirkit.training.tag.recipe import TagModelSettings
from mirkit.vocab.audioset import audioset_classes

CFG = {
    "input_patch_size": 16,
    "embed_dim": 6,
    "encoder_embed_dim": 8,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_embed_dim": 12,
    "conv_pos": 6,
    "conv_pos_groups": 2,
    "num_buckets": 16,
    "max_distance": 9,
    "deep_norm": True,
    "layer_norm_first": False,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "conv_bias": False,
    "activation_fn": "gelu",
    "finetuned_model": True,
}
VARIANTS = {
    "as published": {},
    "without deep norm": {"deep_norm": False},
    "far": {"max_distance": 1280},
    "far without deep norm": {"deep_norm": False, "max_distance": 1280},
    "ungated": {"gru_rel_pos": False},
    "unbiased": {"relative_position_embedding": False, "gru_rel_pos": False},
    "norm first": {"deep_norm": False, "layer_norm_first": True},
    "offset": {"conv_bias": True},
    "one layer": {"encoder_layers": 1},
    "no projection": {"embed_dim": 8},
}
N_CLASSES = 527


def as_published(n_classes=N_CLASSES, **changes):
    """Return a small file as its authors write it, its tensors drawn."""
    cfg = CFG | changes
    dim, n_hidden = cfg["encoder_embed_dim"], cfg["encoder_ffn_embed_dim"]
    pairs = {"layer_norm": (cfg["embed_dim"],), "encoder.layer_norm": (dim,)}
    shapes = {
        "patch_embedding.weight": (cfg["embed_dim"], 1, 16, 16),
        "encoder.pos_conv.0.bias": (dim,),
        "encoder.pos_conv.0.weight_g": (1, 1, cfg["conv_pos"]),
        "encoder.pos_conv.0.weight_v": (dim, dim // cfg["conv_pos_groups"], cfg["conv_pos"]),
    }
    if cfg["conv_bias"]:
        shapes["patch_embedding.bias"] = (cfg["embed_dim"],)
    if cfg["embed_dim"] != dim:
        pairs["post_extract_proj"] = (dim, cfg["embed_dim"])
    if n_classes:
        pairs["predictor"] = (n_classes, dim)
    for i in range(cfg["encoder_layers"]):
        layer, n_heads = f"encoder.layers.{i}", cfg["encoder_attention_heads"]
        if cfg["relative_position_embedding"]:
            table = f"{layer}.self_attn.relative_attention_bias.weight"
            shapes[table] = (cfg["num_buckets"], n_heads)
        if cfg["gru_rel_pos"]:
            shapes[f"{layer}.self_attn.grep_a"] = (1, n_heads, 1, 1)
            pairs[f"{layer}.self_attn.grep_linear"] = (8, dim // n_heads)
        pairs |= {f"{layer}.self_attn.{x}_proj": (dim, dim) for x in ("q", "k", "v", "out")}
        pairs |= {f"{layer}.{x}": (dim,) for x in ("self_attn_layer_norm", "final_layer_norm")}
        pairs |= {f"{layer}.fc1": (n_hidden, dim), f"{layer}.fc2": (dim, n_hidden)}
    for name, shape in pairs.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    chance = torch.Generator().manual_seed(4)
    state = {name: 0.4 * torch.randn(shape, generator=chance) for name, shape in shapes.items()}
    first = state.get("encoder.layers.0.self_attn.relative_attention_bias.weight")
    shared = [name for name in state if name.endswith("relative_attention_bias.weight")]
    content = {"cfg": cfg | {"finetuned_model": n_classes > 0}, "model": state}
    return content | {"model": state | dict.fromkeys(shared, first)}


def labeled(content, labels):
    return content | {"label_dict": dict(enumerate(labels))}


def plain(content, samples):
    """Return the tokens of a clip, computed token by token."""
    cfg = content["cfg"]
    tensors = {name: x.double().numpy() for name, x in content["model"].items()}
    features = next(iter(front_end("beats").stream([samples])))
    n_times = len(features) // 16
    grid = features[: 16 * n_times].reshape(n_times, 16, 8, 16).transpose(0, 2, 1, 3)
    x = grid.reshape(-1, 256).astype(float) @ tensors["patch_embedding.weight"].reshape(-1, 256).T
    x = x + tensors.get("patch_embedding.bias", 0.0)
    x = reference._layer_norm(x, tensors, "layer_norm")
    if "post_extract_proj.weight" in tensors:
        x = reference._linear(x, tensors, "post_extract_proj")
    encoder = {name: w for name, w in tensors.items() if name.startswith("encoder.")}
    return reference.beats_encoder(
        x, encoder, 2, cfg["num_buckets"], cfg["max_distance"], cfg["deep_norm"],
        cfg["layer_norm_first"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def samples():
    return (0.1 * np.random.default_rng(0).standard_normal((1, 9000))).astype(np.float32)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_tags_are_what_the_cfg_says(changes, samples, tmp_path):
    mids = [each.mid for each in audioset_classes()]
    content = labeled(as_published(**changes), mids[::-1])
    torch.save(content, tmp_path / "beats.pt")
    model = mirkit.load("beats-iter3", weights=str(tmp_path / "beats.pt")).model
    tokens = plain(content, samples)
    state = {name: x.double().numpy() for name, x in content["model"].items()}
    logits = reference._linear(tokens, state, "predictor").mean(0)[::-1]
    given = model.activations([samples])
    np.testing.assert_allclose(given["tags"].values[0], 1 / (1 + np.exp(-logits)), atol=1e-5)
    np.testing.assert_allclose(given["embedding"].values[0], tokens.mean(0), atol=1e-4)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_a_network_that_was_only_pretrained_embeds(changes, samples, tmp_path):
    content = as_published(n_classes=0, **changes)
    torch.save(content, tmp_path / "beats.pt")
    x, path = (samples[0], 16000), str(tmp_path / "beats.pt")
    given = mirkit.embed(x, model="beats-iter3", weights=path)
    expected = plain(content, samples).mean(0)
    np.testing.assert_allclose(given.values[0], expected, atol=1e-4)
    with pytest.raises(ParameterError, match="the model has no classes"):
        mirkit.tags(x, model="beats-iter3", weights=path)


def test_classes_that_are_not_those_of_audioset_have_their_own_names(samples, tmp_path):
    content = labeled(as_published(n_classes=12), [f"class {i}" for i in range(12)])
    content["label_dict"] = {str(i): name for i, name in content["label_dict"].items()}
    torch.save(content, tmp_path / "beats.pt")
    tags = mirkit.tags(
        (samples[0], 16000), model="beats-iter3", weights=str(tmp_path / "beats.pt"), top=None
    )
    state = {name: x.double().numpy() for name, x in content["model"].items()}
    logits = reference._linear(plain(content, samples), state, "predictor").mean(0)
    assert tags.labels == tuple(f"class {i}" for i in np.argsort(-logits))


def test_a_shape_that_is_not_known_is_refused_with_its_file(tmp_path):
    torch.save(as_published(activation_fn="relu"), tmp_path / "beats.pt")
    with pytest.raises(WeightsError, match=r"beats\.pt: cfg says activation_fn is 'relu'"):
        mirkit.load("beats-iter3", weights=str(tmp_path / "beats.pt"))
    torch.save(as_published(layer_norm_first=True), tmp_path / "beats.pt")
    with pytest.raises(WeightsError, match=r"beats\.pt: cfg of the checkpoint: deep_norm and"):
        mirkit.load("beats-iter3", weights=str(tmp_path / "beats.pt"))


@pytest.mark.parametrize("n_classes", [0, N_CLASSES])
def test_training_starts_from_the_shape_of_the_checkpoint(n_classes, tmp_path):
    content = as_published(n_classes, max_distance=1280, deep_norm=False, encoder_layers=1)
    torch.save(content, tmp_path / "beats.pt")
    settings = TagModelSettings("beats-iter3", head="linear", weights=str(tmp_path / "beats.pt"))
    net = make_network(settings, 3)
    assert isinstance(net.body, BEATs)
    config = net.body.config
    assert (config.depth, config.max_distance, config.deep_norm) == (1, 1280, False)
    weight = content["model"]["encoder.layers.0.fc1.weight"]
    assert torch.equal(net.body.encoder.layers[0].fc1.weight, weight)
