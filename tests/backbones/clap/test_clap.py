"""CLAP computes what transformers does; the tensors of LAION and Microsoft find their places."""

import re

import numpy as np
import pytest
import torch

from mirkit.backbones.clap.network import AudioTower, Clap, TextTower, make_clap
from mirkit.backbones.clap.published import HUB, LAION, MICROSOFT, map_for
from mirkit.backbones.clap.text import HubText
from mirkit.backbones.htsat.network import HTSAT
from mirkit.backbones.panns.cnn import Cnn6
from mirkit.backbones.published import load_published
from mirkit.errors import UnknownName, WeightsError

TEXT = {
    "vocab_size": 120, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 40, "bos_token_id": 0, "eos_token_id": 2,
    "type_vocab_size": 1,
}  # fmt: skip
AUDIO = {
    "spec_size": 64, "num_mel_bins": 16, "window_size": 4, "patch_embeds_hidden_size": 8,
    "hidden_size": 16, "depths": [2, 2], "num_attention_heads": [2, 4],
}  # fmt: skip
BODY = {
    "size": 64, "n_bins": 16, "window": 4, "dim": 8, "depths": [2, 2], "n_heads": [2, 4],
    "n_classes": 0, "short": "stretch",
}  # fmt: skip
CONFIG = {
    "body": "mirkit.backbones.htsat.network:HTSAT", "settings": BODY, "n_joint": 16,
    "projection": "relu", "text": {"kind": "roberta", "settings": TEXT},
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs():
    from transformers import ClapConfig, ClapModel

    torch.manual_seed(3)
    config = ClapConfig(text_config=TEXT, audio_config=AUDIO, projection_dim=16)
    net = ClapModel(config).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        net.audio_model.audio_encoder.batch_norm.running_mean.normal_()
        net.audio_model.audio_encoder.batch_norm.running_var.uniform_(0.5, 2)
    return net


def as_laion(state):
    """The tensors of transformers under the names, and in the shapes, of LAION's files."""
    laion = {}
    for name, tensor in state.items():
        name = re.sub(r"^text_model\.", "text_branch.", name)
        name = re.sub(r"^(\w+_projection)\.linear1", r"\1.0", name)
        name = re.sub(r"^(\w+_projection)\.linear2", r"\1.2", name)
        name = name.replace("audio_model.audio_encoder.", "audio_branch.")
        for old, new in {
            "batch_norm.": "bn0.", "layernorm_before": "norm1", "layernorm_after": "norm2",
            "attention.self.relative": "attn.relative", "attention.output.dense": "attn.proj",
            "intermediate.dense": "mlp.fc1",
        }.items():  # fmt: skip
            if name.startswith("audio_branch"):
                name = name.replace(old, new)
        if name.startswith("audio_branch"):
            name = re.sub(r"(blocks\.\d+)\.output\.dense", r"\1.mlp.fc2", name)
        laion[name] = tensor
    for name in [name for name in laion if ".attention.self.query." in name and "audio" in name]:
        parts = [laion.pop(name.replace("query", part)) for part in ("query", "key", "value")]
        laion[name.replace("attention.self.query", "attn.qkv")] = torch.cat(parts)
    laion |= {
        "audio_branch.tscam_conv.bias": torch.zeros(527),
        "audio_branch.head.bias": torch.ones(1),
    }
    laion |= {"audio_branch.logmel_extractor.melW": torch.zeros(2, 2)}
    laion |= {f"{kind}_transform.sequential.0.weight": torch.zeros(2) for kind in ("audio", "text")}
    return {f"module.{name}": tensor for name, tensor in laion.items()}


def towers(net, theirs, n_frames):
    """Embeddings of both, of the same recordings and texts."""
    torch.manual_seed(4)
    x = torch.randn(2, n_frames, 16)
    ids = torch.randint(3, 120, (3, 9))
    mask = torch.ones_like(ids)
    mask[0, 5:], ids[0, 5:] = 0, 1
    with torch.no_grad():
        own = net.audio(x).embedding, net.text(ids, mask), net((x,), ids, mask)
        output = theirs(input_ids=ids, attention_mask=mask, input_features=x.unsqueeze(1))
    return own, (output.audio_embeds, output.text_embeds, output.logits_per_audio)


@pytest.mark.parametrize("n_frames", [256, 200])
@pytest.mark.parametrize("source", ["laion", "hub"])
def test_both_towers_are_those_of_transformers(theirs, source, n_frames):
    state = theirs.state_dict()
    content = {"epoch": 3, "state_dict": as_laion(state)} if source == "laion" else state
    net = make_clap(CONFIG).eval()
    load_published(net, content, LAION if source == "laion" else HUB)
    for own, expected in zip(*towers(net, theirs, n_frames), strict=True):
        torch.testing.assert_close(own, expected, atol=1e-4, rtol=0)


def test_a_missing_tensor_is_named(theirs):
    state = as_laion(theirs.state_dict())
    del state["module.text_projection.2.bias"]
    with pytest.raises(WeightsError, match=r"lacks text\.projection\.linear2\.bias"):
        load_published(make_clap(CONFIG), state, LAION)


def test_the_map_is_chosen_by_names():
    assert map_for(["audio_model.x"], "laion") is HUB
    assert map_for(["audio_branch.x"], "laion") is LAION
    assert map_for(["audio_encoder.x"], "microsoft") is MICROSOFT


def residual(name, n_in, n_out):
    return {
        f"{name}.projection.linear1.weight": (n_out, n_in),
        f"{name}.projection.linear2.weight": (n_out, n_out),
        f"{name}.projection.layer_norm.weight": (n_out,),
        f"{name}.projection.layer_norm.bias": (n_out,),
    }


BERT = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 20,
}  # fmt: skip
GPT2 = {
    "vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 20,
    "bos_token_id": 1, "eos_token_id": 1,
}  # fmt: skip


def make_microsoft(year):
    """A network of that year, and a state dict with the published names."""
    if year == 2022:
        body, base, kind, settings = Cnn6(width=4), "audio_encoder.base.", "bert", BERT
    else:
        body, base, kind, settings = HTSAT(**BODY), "audio_encoder.base.htsat.", "gpt2", GPT2
    net = Clap(AudioTower(body, 8, "residual"), TextTower(HubText(kind, settings), 8, "residual"))
    generator = torch.Generator().manual_seed(year)
    shapes = residual("audio_encoder", body.n_embedding, 8) | residual("caption_encoder", 16, 8)
    state = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    encoder = net.text.net.body
    state |= {base + name: x.clone() for name, x in body.state_dict().items()}
    state |= {f"caption_encoder.base.{n}": x.clone() for n, x in encoder.state_dict().items()}
    state |= {"logit_scale": torch.tensor(4.5)}
    state |= {"caption_encoder.base.embeddings.position_ids": torch.arange(20)}
    state |= {"caption_encoder.base.h.0.attn.bias": torch.ones(1, 1, 20, 20)}
    state |= {f"{base}logmel_extractor.melW": torch.zeros(3, 3), f"{base}head.bias": torch.ones(2)}
    return net, {"epoch": 1, "model": state}


@pytest.mark.parametrize("year", [2022, 2023])
def test_the_files_of_microsoft_fit(year):
    net, content = make_microsoft(year)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    load_published(net, content, MICROSOFT)
    state = content["model"]
    assert float(net.scale.detach()) == pytest.approx(np.exp(4.5))
    for tower, theirs in ((net.audio, "audio_encoder"), (net.text, "caption_encoder")):
        for name, own in tower.projection.state_dict().items():
            assert torch.equal(own, state[f"{theirs}.projection.{name}"])
    first = next(iter(net.text.net.body.state_dict()))
    own = net.text.net.body.state_dict()[first]
    assert torch.equal(own, state[f"caption_encoder.base.{first}"])
    assert own.any()


def test_the_projection_of_microsoft_is_as_written():
    net, content = make_microsoft(2022)
    load_published(net, content, MICROSOFT)
    net.eval()
    x = torch.randn(2, 64, 64)
    with torch.no_grad():
        embedding = net.audio.body(x).embedding
        own = net.audio(x).embedding
    weights = {n: t for n, t in content["model"].items() if n.startswith("audio_encoder.proj")}
    first = embedding @ weights["audio_encoder.projection.linear1.weight"].T
    gelu = first * 0.5 * (1 + torch.erf(first / 2**0.5))
    y = first + gelu @ weights["audio_encoder.projection.linear2.weight"].T
    y = (y - y.mean(1, keepdim=True)) / (y.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    y = y * weights["audio_encoder.projection.layer_norm.weight"]
    y = y + weights["audio_encoder.projection.layer_norm.bias"]
    torch.testing.assert_close(own, y / y.norm(dim=1, keepdim=True), atol=1e-5, rtol=0)


def test_gpt2_is_read_at_its_last_token():
    torch.manual_seed(0)
    net = HubText("gpt2", GPT2).eval()
    ids = torch.tensor([[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]])
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    with torch.no_grad():
        padded = net(ids, mask)
        alone = net(ids[:1, :3], mask[:1, :3])
    torch.testing.assert_close(padded[:1], alone)
    assert not torch.allclose(padded[0], padded[1])


def test_rows_by_frame_are_projected_too():
    tower = AudioTower(HTSAT(**BODY), 8).eval()
    with torch.no_grad():
        y = tower(torch.randn(1, 200, 16))
    assert y.logits.shape == (1, 0)
    assert y.frame_embedding.shape[::2] == (1, 8)
    torch.testing.assert_close(
        y.frame_embedding.norm(dim=-1), torch.ones(y.frame_embedding.shape[:2])
    )


def test_unknown_encoders_are_named():
    with pytest.raises(UnknownName, match=r"unknown text encoder 'robertta'.*roberta"):
        HubText("robertta", {})
