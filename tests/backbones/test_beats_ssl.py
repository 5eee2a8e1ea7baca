"""BEATs is what its slow twin computes, loads what its authors wrote, and hears any length."""

import numpy as np
import pytest
import reference
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirkit.backbones.beats.encoder import BEATsConfig, Encoder, buckets
from mirkit.backbones.beats.network import SILENCE, BEATs, label_places, published_config
from mirkit.backbones.published import load_published
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import front_end
from mirkit.vocab.audioset import audioset_classes

SHAPE = {
    "n_bins": 32,
    "embed": 6,
    "dim": 8,
    "depth": 2,
    "n_heads": 2,
    "n_hidden": 12,
    "conv_width": 6,
    "conv_groups": 2,
    "n_buckets": 16,
    "max_distance": 9,
}
CFG = {
    "input_patch_size": 16,
    "embed_dim": 512,
    "encoder_embed_dim": 768,
    "encoder_layers": 12,
    "encoder_attention_heads": 12,
    "encoder_ffn_embed_dim": 3072,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "num_buckets": 320,
    "max_distance": 800,
    "deep_norm": True,
    "layer_norm_first": False,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "conv_bias": False,
    "activation_fn": "gelu",
    "finetuned_model": True,
    "predictor_class": 527,
    "layer_wise_gradient_decay_ratio": 0.6,
}


def small(**settings):
    torch.manual_seed(0)
    net = BEATs(**{"n_classes": 5} | SHAPE | settings).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net


def features(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def as_published(c, n_classes=527):
    """Name and shape the tensors of the authors' file."""
    layers = {
        "self_attn.k_proj": (c.dim, c.dim),
        "self_attn.v_proj": (c.dim, c.dim),
        "self_attn.q_proj": (c.dim, c.dim),
        "self_attn.out_proj": (c.dim, c.dim),
        "self_attn.grep_linear": (8, c.dim // c.n_heads),
        "self_attn_layer_norm": (c.dim,),
        "fc1": (c.n_hidden, c.dim),
        "fc2": (c.dim, c.n_hidden),
        "final_layer_norm": (c.dim,),
    }
    pairs = {"post_extract_proj": (c.dim, c.embed), "layer_norm": (c.embed,)}
    pairs |= {"encoder.layer_norm": (c.dim,)}
    if n_classes:
        pairs["predictor"] = (n_classes, c.dim)
    shapes = {
        "patch_embedding.weight": (c.embed, 1, c.patch, c.patch),
        "encoder.pos_conv.0.bias": (c.dim,),
        "encoder.pos_conv.0.weight_g": (1, 1, c.conv_width),
        "encoder.pos_conv.0.weight_v": (c.dim, c.dim // c.conv_groups, c.conv_width),
    }
    for i in range(c.depth):
        layer = f"encoder.layers.{i}"
        shapes[f"{layer}.self_attn.grep_a"] = (1, c.n_heads, 1, 1)
        bias = f"{layer}.self_attn.relative_attention_bias.weight"
        shapes[bias] = (c.n_buckets, c.n_heads)
        pairs |= {f"{layer}.{name}": shape for name, shape in layers.items()}
    for name, shape in pairs.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes


def drawn(n_classes=5):
    """Draw a small published file, its shared table alike in all layers, as saved."""
    shapes = as_published(BEATsConfig(**SHAPE), n_classes)
    state = {n: 0.3 * features(*shape, seed=i) for i, (n, shape) in enumerate(shapes.items())}
    shared = "self_attn.relative_attention_bias.weight"
    first = state[f"encoder.layers.0.{shared}"]
    return {name: first if name.endswith(shared) else x for name, x in state.items()}


def loaded(state):
    net = small()
    load_published(net, {"model": state, "cfg": {}}, BEATs.published)
    return net


@pytest.mark.parametrize("n_tokens", [1, 2, 14])
def test_the_encoder_is_its_slow_twin(n_tokens):
    state = drawn()
    arrays = {name: x.double().numpy() for name, x in state.items()}
    encoder = {name: x for name, x in arrays.items() if name.startswith("encoder.")}
    x = features(1, n_tokens, 8)
    expected = reference.beats_encoder(x[0].double().numpy(), encoder, 2, 16, 9)
    with torch.no_grad():
        y = loaded(state).encoder(x)[0]
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-5)


def test_buckets_are_those_of_the_rule():
    distance = torch.arange(-900, 901)
    expected = [reference.distance_bucket(int(d), 320, 800) for d in distance]
    assert buckets(distance, 320, 800).tolist() == expected


def test_the_published_file_fits():
    with torch.device("meta"):
        shapes = as_published(BEATsConfig())
        state = {name: torch.empty(shape) for name, shape in shapes.items()}
        content = {"cfg": CFG, "model": state, "label_dict": {}}
        net = BEATs.from_published(content)
        assert net.n_classes == 527
        del state["predictor.weight"], state["predictor.bias"]
        assert BEATs.from_published(content).predictor is None
        state["stray"] = state["layer_norm.bias"]
        with pytest.raises(WeightsError, match="too much: stray"):
            BEATs.from_published(content)


def test_files_of_newer_torch_fit_too():
    old = drawn()
    new = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): x
        for name, x in old.items()
    }
    x = features(1, 64, 32)
    assert torch.equal(loaded(old)(x).logits, loaded(new)(x).logits)


def test_the_shape_is_read_from_the_checkpoint():
    assert published_config(CFG) == BEATsConfig()
    assert published_config(CFG | {"encoder_layers": 3}).depth == 3
    bare = published_config({"encoder_layers": 3})  # what is missing is what its authors take
    assert (bare.deep_norm, bare.relative, bare.gated, bare.max_distance) == (0, 0, 0, 1280)
    assert published_config({}) == published_config(None) == BEATsConfig()
    with pytest.raises(WeightsError, match="activation_fn is 'relu'"):
        published_config(CFG | {"activation_fn": "relu"})
    with pytest.raises(WeightsError, match="deep_norm and norm_first are both true"):
        published_config(CFG | {"layer_norm_first": True})


def test_outputs_are_put_among_labels_of_ours():
    content = {"label_dict": {0: "/m/c", 1: "/m/a", 2: "/m/b"}}
    assert label_places(content, {"/m/a": 0, "/m/b": 1, "/m/c": 2}) == [2, 0, 1]
    with pytest.raises(WeightsError, match="names '/m/c'"):
        label_places(content, {"/m/a": 0, "/m/b": 1})
    with pytest.raises(WeightsError, match="no label_dict"):
        label_places({}, {})


def test_classes_come_in_the_order_of_audioset():
    mids = [each.mid for each in audioset_classes()]
    theirs = dict(enumerate(reversed(mids)))
    state = {name: x for name, x in drawn().items() if not name.startswith("predictor")}
    bias = torch.arange(527.0)
    state |= {"predictor.weight": bias[:, None].repeat(1, 8), "predictor.bias": bias}
    content = {"model": state, "label_dict": theirs}
    net = BEATs.from_published(content, **SHAPE)
    assert torch.equal(net.predictor.bias, bias.flip(0))
    assert torch.equal(net.predictor.weight[:, 3], bias.flip(0))
    own = BEATs.from_published({"model": state, "label_dict": {0: "dog"}}, **SHAPE)
    assert torch.equal(own.predictor.bias, bias)


def test_size_and_work_are_the_published_ones():
    with torch.device("meta"):
        net, x = BEATs().eval(), torch.empty(1, 998, 128)
    n_parameters = sum(p.numel() for p in net.parameters())
    assert n_parameters / 1e6 == pytest.approx(90.717, abs=0.0005)
    with FlopCounterMode(display=False) as counter:
        net(x)
    assert counter.get_total_flops() / 2e9 == pytest.approx(49.5, rel=0.005)


def test_tokens_go_time_by_time():
    net = small()
    net.patch_embedding.weight.data.fill_(1)
    x = torch.zeros(1, 48, 32)
    x[0, 16:32, :16] = 1  # second time, first row
    patches = net.patch_embedding(x)
    assert patches[0, :, 0].nonzero().tolist() == [[2]]


def test_the_clip_is_the_mean_of_its_frames():
    output = small()(features(2, 80, 32))
    torch.testing.assert_close(output.logits, output.frame_logits.mean(1))
    torch.testing.assert_close(output.embedding, output.frame_embedding.mean(1))


@pytest.mark.parametrize("n_frames", [1, 16, 31, 400])
def test_any_length_is_heard(n_frames):
    net = small()
    output = net(features(1, n_frames, 32))
    assert output.frame_logits.shape == (1, max(1, n_frames // 16), 5)
    with pytest.raises(ParameterError, match="at most 64"):
        small(max_frames=64)(features(1, 65, 32))


def test_a_part_of_the_tokens_keeps_its_places():
    """Kept tokens attend as if the others were not there, at their true distances."""
    encoder = small().encoder
    x = features(2, 10, 8)
    kept = torch.tensor([[0, 3, 4, 9], [1, 2, 5, 8]])
    every = torch.arange(10).expand(2, -1)
    torch.testing.assert_close(encoder(x, every), encoder(x))
    for i in range(2):
        distance = kept[i, None, :] - kept[i, :, None]
        table = encoder.relative_attention_bias.weight
        expected = table[buckets(distance, 16, 9)].permute(2, 0, 1)
        assert torch.equal(encoder.bias(kept)[i], expected)
    assert encoder(x, kept).shape == (2, 4, 8)


def test_deep_norm_begins_with_small_values_and_outputs():
    torch.manual_seed(0)
    encoder = Encoder(BEATsConfig(**SHAPE | {"dim": 64, "n_hidden": 64, "depth": 8, "n_heads": 4}))
    layer = encoder.layers[0]
    gain = (8 * 8) ** -0.25
    for linear, expected in (
        (layer.self_attn.q_proj, 1),
        (layer.self_attn.v_proj, gain),
        (layer.self_attn.out_proj, gain),
        (layer.fc1, gain),
    ):
        assert linear.weight.std().item() == pytest.approx(expected / 8, rel=0.1)
    assert layer.branch == 2


def test_padding_is_what_the_front_end_makes_of_silence():
    values = front_end("beats").stream([np.zeros(6400, np.float32)])
    assert next(iter(values))[-1, 5] == pytest.approx(SILENCE, rel=1e-6)


def test_wrong_shapes_are_refused():
    with pytest.raises(ParameterError, match="unknown setting 'width'"):
        BEATs(width=3)
    with pytest.raises(ParameterError, match="n_heads is 3"):
        small(n_heads=3)
    with pytest.raises(ParameterError, match="n_bins is 30"):
        small(n_bins=30)


def test_clips_of_a_batch_do_not_touch_each_other():
    net, x = small(), features(3, 64, 32)
    whole, alone, again = net(x), net(x[1:2]), net(x)
    for a, b, c in zip(whole, alone, again, strict=True):
        torch.testing.assert_close(a[1:2], b, atol=1e-5, rtol=0)
        assert torch.equal(a, c)


def test_a_gradient_reaches_every_weight():
    net = small(dropout=0.0, head_dropout=0.0).train()
    net(features(4, 160, 32)).logits.square().sum().backward()
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []
