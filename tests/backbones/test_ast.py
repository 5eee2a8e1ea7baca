"""AST computes what transformers does, loads its authors' file, and hears any length."""

import re

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirkit.backbones.published import load_published
from mirkit.backbones.vit.ast import AST, SILENCE, load_image_weights
from mirkit.backbones.vit.vit import fitted
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import front_end

SMALL = {"n_classes": 7, "n_bins": 36, "n_frames": 56, "dim": 16, "depth": 2, "n_heads": 4}


def small(**settings):
    torch.manual_seed(0)
    net = AST(**SMALL | settings).eval()
    with torch.no_grad():
        for parameter in net.parameters():  # biases and norms too, so that nothing is left out
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


def features(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def theirs(**config):
    from transformers import ASTConfig, ASTForAudioClassification

    torch.manual_seed(2)
    net = ASTForAudioClassification(ASTConfig(num_labels=7, **config)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return net


def as_on_the_hub(name):
    """Name a tensor as the files on the hub do, which are older than the package's names."""
    name = re.sub(r"transformer\.layers\.", "transformer.encoder.layer.", name)
    for new, old in (
        ("q_proj", "attention.query"),
        ("k_proj", "attention.key"),
        ("v_proj", "attention.value"),
        ("o_proj", "output.dense"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ):
        name = name.replace(f".{new}.", f".{old}.")
    return name


@pytest.mark.parametrize("rename", [str, as_on_the_hub], ids=["package", "hub"])
def test_it_is_the_network_of_transformers(rename):
    other = theirs(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        num_mel_bins=36,
        max_length=56,
    )
    net = small(epsilon=1e-12, head_epsilon=1e-12)
    load_published(net, {rename(k): v for k, v in other.state_dict().items()}, AST.published)
    x = features(3, 56, 36)
    with torch.no_grad():
        expected = other(x, output_hidden_states=False).logits
        torch.testing.assert_close(net(x).logits, expected, atol=1e-5, rtol=0)


def test_a_layer_at_full_width_is_that_of_transformers():
    other = theirs(num_hidden_layers=1, num_mel_bins=128, max_length=36)
    net = AST(n_classes=7, n_frames=36, depth=1, epsilon=1e-12, head_epsilon=1e-12).eval()
    load_published(net, other.state_dict(), AST.published)
    x = features(1, 36, 128)
    with torch.no_grad():
        torch.testing.assert_close(net(x).logits, other(x).logits, atol=1e-4, rtol=0)


def as_published(n_layers=12, dim=768, n_positions=1214, n_classes=527):
    """Name and shape the tensors of the authors' file."""
    linear = {
        "attn.qkv": (3 * dim, dim),
        "attn.proj": (dim, dim),
        "mlp.fc1": (4 * dim, dim),
        "mlp.fc2": (dim, 4 * dim),
        "norm1": (dim,),
        "norm2": (dim,),
    }
    shapes = {"v.cls_token": (1, 1, dim), "v.dist_token": (1, 1, dim)}
    shapes["v.pos_embed"] = (1, n_positions, dim)
    layers = {
        f"v.blocks.{i}.{name}": shape for i in range(n_layers) for name, shape in linear.items()
    }
    layers |= {
        "v.patch_embed.proj": (dim, 1, 16, 16),
        "v.norm": (dim,),
        "v.head": (1000, dim),
        "v.head_dist": (1000, dim),
        "mlp_head.0": (dim,),
        "mlp_head.1": (n_classes, dim),
    }
    for name, shape in layers.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {f"module.{name}": shape for name, shape in shapes.items()}


def test_the_published_file_fits():
    with torch.device("meta"):
        net = AST()
        state = {name: torch.empty(shape) for name, shape in as_published().items()}
    load_published(net, state, AST.published)
    state["module.v.blocks.12.norm1.weight"] = state["module.v.blocks.0.norm1.weight"]
    with pytest.raises(WeightsError, match=r"too much: blocks\.12"):
        load_published(net, state, AST.published)


def test_published_tensors_come_to_their_places():
    shapes = as_published(n_layers=2, dim=16, n_positions=17, n_classes=7)
    state = {name: features(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    net = small()
    load_published(net, state, AST.published)
    own = net.state_dict()
    for ours, name in (
        ("blocks.1.attn.qkv.weight", "v.blocks.1.attn.qkv.weight"),
        ("mlp_head.0.bias", "mlp_head.0.bias"),
        ("pos_embed", "v.pos_embed"),
        ("norm.weight", "v.norm.weight"),
    ):
        assert torch.equal(own[ours], state[f"module.{name}"]), ours


def test_size_and_work_are_the_published_ones():
    with torch.device("meta"):
        net, x = AST(), torch.empty(1, 1024, 128)
    assert sum(p.numel() for p in net.parameters()) == 86_594_063
    with FlopCounterMode(display=False) as counter:
        net(x)
    assert counter.get_total_flops() / 2e9 == pytest.approx(130.5, rel=0.005)


def test_padding_is_what_the_published_scaling_makes_of_zero():
    assert front_end("ast").normalized(0.0) == pytest.approx(SILENCE, rel=1e-6)
    net, x = small(), features(1, 30, 36)
    padded = torch.cat([x, torch.full((1, 26, 36), SILENCE)], dim=1)
    torch.testing.assert_close(net(x).logits, net(padded).logits)


def test_positions_are_cut_in_the_middle_or_stretched():
    grid = torch.arange(24.0).expand(1, 1, 24, 24)
    assert fitted(grid, 12, 9)[0, 0, 0].tolist() == list(range(8, 17))
    rows = fitted(grid.transpose(2, 3), 12, 24)[0, 0, :, 0]
    assert rows.tolist() == list(range(6, 18))
    wide = fitted(grid, 24, 48)[0, 0, 5]
    assert wide[20].item() == pytest.approx((20 + 0.5) / 2 - 0.5)


def test_other_lengths_take_the_positions_in_the_middle():
    net = small(min_frames=16, max_frames=96)
    net.pos_embed.data[:, 2:] = torch.arange(15.0)[:, None]  # 3 frequencies, 5 times
    assert net.positions(3)[0, 2:, 0].tolist() == [1, 2, 3, 6, 7, 8, 11, 12, 13]
    assert net.positions(5) is net.pos_embed
    assert net.positions(10)[0, 2:12, 0].tolist() == pytest.approx(
        [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4]
    )
    for n_frames in (1, 16, 40, 96):
        output = net(features(1, n_frames, 36))
        n_times = (max(n_frames, 16) - 16) // 10 + 1
        assert output.frame_embedding.shape == (1, n_times, 16)


def test_windows_that_hold_no_patch_are_refused():
    with pytest.raises(ParameterError, match="min_frames is 8"):
        small(min_frames=8)
    with pytest.raises(ParameterError, match="max_frames 40"):
        small(max_frames=40)


def test_more_than_a_window_is_refused():
    with pytest.raises(ParameterError, match="57 frames; this network hears at most 56"):
        small()(features(1, 57, 36))


def image_weights(distilled=True):
    shapes = as_published(n_layers=2, dim=16, n_positions=38 if distilled else 37, n_classes=7)
    names = {n.removeprefix("module.v."): s for n, s in shapes.items() if ".v." in n}
    names["patch_embed.proj.weight"] = (16, 3, 16, 16)
    if not distilled:
        names = {n: s for n, s in names.items() if "dist" not in n}
    return {name: features(*shape, seed=i) for i, (name, shape) in enumerate(names.items())}


@pytest.mark.parametrize(("channels", "n"), [("sum", 1), ("mean", 3)])
def test_it_begins_from_a_transformer_of_images(channels, n):
    weights, net = image_weights(), small()
    head = net.mlp_head[1].weight.clone()
    load_image_weights(net, weights, channels)
    colors = weights["patch_embed.proj.weight"]
    torch.testing.assert_close(net.patch_embed.proj.weight[:, 0], colors.sum(1) / n)
    image = weights["pos_embed"][0, 2:].reshape(6, 6, 16)
    middle = image[2:5, 1:6].reshape(15, 16)  # 3 of 6 frequencies, 5 of 6 times
    torch.testing.assert_close(net.pos_embed[0, 2:], middle)
    assert torch.equal(net.pos_embed[:, :2], weights["pos_embed"][:, :2])
    assert torch.equal(net.mlp_head[1].weight, head)


def test_an_image_network_without_distillation_lends_its_class_token():
    weights, net = image_weights(distilled=False), small()
    load_image_weights(net, weights)
    assert torch.equal(net.dist_token, weights["cls_token"])
    assert torch.equal(net.pos_embed[:, 1], weights["pos_embed"][:, 0])
    with pytest.raises(WeightsError, match="is no ViT"):
        load_image_weights(net, {"fc.weight": torch.ones(1)})


def test_clips_of_a_batch_do_not_touch_each_other():
    net, x = small(), features(3, 56, 36)
    whole = net(x)
    again = net(x)
    for a, b, c in zip(whole, net(x[1:2]), again, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a[1:2], b, atol=1e-5, rtol=0)
            assert torch.equal(a, c)


def test_a_gradient_reaches_every_weight():
    net = small().train()
    net(features(2, 56, 36)).logits.square().sum().backward()
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []
