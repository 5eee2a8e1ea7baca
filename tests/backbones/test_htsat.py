"""HTS-AT computes what transformers does within CLAP, and keeps the clock of any clip."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirkit.backbones.htsat.network import HTSAT, HUB, LAION, SILENCE, folded, unfolded
from mirkit.backbones.htsat.swin import (
    FORBIDDEN,
    from_windows,
    in_windows,
    relative_index,
    seam_mask,
)
from mirkit.backbones.published import load_published
from mirkit.backbones.tagging import TagHeads, export_tagger
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import front_end

SMALL = {
    "n_classes": 5,
    "n_bins": 16,
    "size": 64,
    "dim": 8,
    "depths": (2, 2),
    "n_heads": (2, 4),
    "window": 4,
}


def small(**settings):
    torch.manual_seed(0)
    net = HTSAT(**SMALL | settings).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        net.bn0.running_mean.normal_()
        net.bn0.running_var.uniform_(0.5, 2)
    return net


def features(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def linear(name, n_out, n_in):
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def norm(name, n):
    return {f"{name}.weight": (n,), f"{name}.bias": (n,)}


def as_published(
    dim=96, depths=(2, 2, 6, 2), heads=(4, 8, 16, 32), window=8, size=256, n_bins=64, n_classes=527
):
    """Name and shape the tensors of the authors' file."""
    shapes = {
        "spectrogram_extractor.stft.conv_real.weight": (513, 1, 1024),
        "spectrogram_extractor.stft.conv_imag.weight": (513, 1, 1024),
        "logmel_extractor.melW": (513, n_bins),
        "bn0.running_mean": (n_bins,),
        "bn0.running_var": (n_bins,),
        "bn0.num_batches_tracked": (),
        "patch_embed.proj.weight": (dim, 1, 4, 4),
        "patch_embed.proj.bias": (dim,),
        **norm("bn0", n_bins),
        **norm("patch_embed.norm", dim),
    }
    n_tokens = window * window
    for i, (depth, n_heads) in enumerate(zip(depths, heads, strict=True)):
        n = dim << i
        for j in range(depth):
            block = f"layers.{i}.blocks.{j}"
            shapes |= norm(f"{block}.norm1", n) | norm(f"{block}.norm2", n)
            shapes[f"{block}.attn.relative_position_bias_table"] = ((2 * window - 1) ** 2, n_heads)
            shapes[f"{block}.attn.relative_position_index"] = (n_tokens, n_tokens)
            shapes |= linear(f"{block}.attn.qkv", 3 * n, n) | linear(f"{block}.attn.proj", n, n)
            shapes |= linear(f"{block}.mlp.fc1", 4 * n, n) | linear(f"{block}.mlp.fc2", n, 4 * n)
            side = size // 4 >> i
            if j % 2 and side > window:
                shapes[f"{block}.attn_mask"] = ((side // window) ** 2, n_tokens, n_tokens)
        if i < len(depths) - 1:
            shapes[f"layers.{i}.downsample.reduction.weight"] = (2 * n, 4 * n)
            shapes |= norm(f"layers.{i}.downsample.norm", 4 * n)
    width = dim << len(depths) - 1
    shapes |= norm("norm", width) | linear("head", n_classes, n_classes)
    shapes |= {"tscam_conv.weight": (n_classes, width, 2, 3), "tscam_conv.bias": (n_classes,)}
    return shapes


@pytest.fixture(scope="module")
def theirs():
    from transformers import ClapAudioConfig, ClapAudioModel

    torch.manual_seed(2)
    config = ClapAudioConfig(
        spec_size=64,
        num_mel_bins=16,
        window_size=4,
        patch_embeds_hidden_size=8,
        hidden_size=16,
        depths=[2, 2],
        num_attention_heads=[2, 4],
    )
    net = ClapAudioModel(config).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        net.audio_encoder.batch_norm.running_mean.normal_()
        net.audio_encoder.batch_norm.running_var.uniform_(0.5, 2)
    return net


@pytest.mark.parametrize("n_frames", [256, 250, 100])
def test_it_is_the_encoder_of_transformers(theirs, n_frames):
    net = small(n_classes=0, short="stretch")
    state = {f"audio_model.{name}": tensor for name, tensor in theirs.state_dict().items()}
    state["text_model.embeddings.token_type_ids"] = torch.zeros(1)
    load_published(net, state, HUB)
    x = features(2, n_frames, 16)
    with torch.no_grad():
        expected = theirs(x.unsqueeze(1))
        torch.testing.assert_close(net(x).embedding, expected.pooler_output, atol=1e-4, rtol=0)
        grid = expected.last_hidden_state
        torch.testing.assert_close(net.encoded(x), grid, atol=1e-4, rtol=0)


def test_the_published_file_fits():
    with torch.device("meta"):
        net = HTSAT()
        state = {f"sed_model.{n}": torch.empty(s) for n, s in as_published().items()}
    load_published(net, {"state_dict": state, "epoch": 3}, HTSAT.published)
    state["sed_model.layers.2.blocks.6.norm1.bias"] = torch.empty(384)
    with pytest.raises(WeightsError, match=r"too much: layers\.2\.blocks\.6"):
        load_published(net, {"state_dict": state}, HTSAT.published)


def test_the_file_of_laion_fits():
    with torch.device("meta"):
        net = HTSAT(front_end="laion_clap", sample_rate=48000)
        state = {f"module.audio_branch.{n}": torch.empty(s) for n, s in as_published().items()}
        for name in ("text_branch.pooler.dense.bias", "audio_projection.0.bias", "logit_scale_a"):
            state[f"module.{name}"] = torch.empty(512)
    load_published(net, {"state_dict": state, "epoch": 3}, LAION)


def test_published_tensors_come_to_their_places():
    shapes = as_published(8, (2, 2), (2, 4), 4, 64, 16, 5)
    state = {name: features(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    net = small()
    load_published(net, {f"sed_model.{n}": x for n, x in state.items()}, HTSAT.published)
    for name, own in net.state_dict().items():
        assert torch.equal(own, state[name].to(own.dtype)), name


def test_size_and_work_are_the_published_ones():
    with torch.device("meta"):
        net, x = HTSAT(), torch.empty(1, 1001, 64)
    n_parameters = sum(p.numel() for p in net.parameters())
    assert n_parameters / 1e6 == pytest.approx(30.242, abs=0.0005)
    with FlopCounterMode(display=False) as counter:
        net(x)
    # The authors' network computes its spectrogram as a dense convolution.
    front = 1001 * (2 * 513 * 1024 + 513 * 64)
    assert (counter.get_total_flops() / 2 + front) / 1e9 == pytest.approx(7.07, rel=0.001)


def test_windows_are_cut_and_put_together():
    x = features(2, 8, 12, 3)
    windows = in_windows(x, 4)
    assert torch.equal(windows[0, 4, 5], x[0, 5, 5])  # second row of windows, second in it
    assert torch.equal(from_windows(windows, 4, 8, 12), x)


def test_equal_offsets_share_a_bias():
    index = relative_index(4)
    place = torch.stack([torch.arange(16) // 4, torch.arange(16) % 4])
    offset = place[:, :, None] - place[:, None, :]
    for a in range(0, 16, 3):
        for b in range(16):
            same = (offset == offset[:, a, b][:, None, None]).all(0)
            assert torch.equal(index == index[a, b], same)


def test_tokens_across_a_seam_do_not_see_each_other():
    mask = seam_mask(8, 8, 4, 2)
    assert mask.shape == (4, 16, 16)
    assert not mask[0].any()  # no seam runs through the first window
    side = torch.arange(4) >= 2
    apart = side[None, :] != side[:, None]
    columns = apart.repeat(4, 4)  # of the second window, which a vertical seam halves
    assert torch.equal(mask[1] != 0, columns)
    assert mask[1].min() == FORBIDDEN
    last = (mask[3] == 0).sum(-1)
    assert (last == 4).all()  # two seams leave a quarter


def test_folding_is_undone():
    x = torch.arange(4 * 6 * 2.0).reshape(1, 1, 24, 2)
    picture = folded(x, 4)
    assert picture.shape == (1, 1, 8, 6)
    assert torch.equal(unfolded(picture.permute(0, 2, 3, 1), 4), x.transpose(2, 3))


def test_short_clips_are_repeated_then_stretched():
    net, x = small(), features(1, 100, 16)
    twice = torch.cat([x, x], dim=1)
    torch.testing.assert_close(net(x).logits, small(short="stretch")(twice).logits)
    assert not torch.allclose(net(x).logits, small(short="stretch")(x).logits)


@pytest.mark.parametrize("n_frames", [1, 11, 12, 60, 100, 129, 250, 256])
def test_frames_keep_the_clock_of_the_clip(n_frames):
    net, x = small(), features(1, n_frames, 16)
    output = net(x)
    n_steps = max(1, sum(net.first + i * net.step < n_frames for i in range(99)))
    assert output.frame_logits.shape == (1, n_steps, 5)
    assert output.frame_embedding.shape == (1, n_steps, 16)


@pytest.mark.parametrize(("n_frames", "place"), [(256, 101), (250, 203), (120, 77), (60, 20)])
def test_a_click_is_heard_where_it_is(n_frames, place):
    """Followed as a picture, without attention, a click lies on the row of its own time."""
    net = small()
    ramp = torch.arange(n_frames, dtype=torch.float32).reshape(1, 1, n_frames, 1)
    window = net.filled(ramp.expand(-1, -1, -1, 16))[..., 0]  # time, as each frame knows it
    rows = window.reshape(1, 1, -1, net.step).mean(-1)[0, 0]  # and as each row does
    clock = net.clock(n_frames, len(rows))
    centers = net.first + net.step * torch.arange(len(clock))
    heard = np.interp(clock.numpy(), np.arange(len(rows)), rows.numpy())
    i = int((centers - place).abs().argmin())
    assert heard[i] == pytest.approx(centers[i].item(), abs=2.5)  # [frames] of 8 a row


def test_the_clip_is_the_mean_of_its_frames():
    net = small()
    output = net(features(2, 256, 16))
    torch.testing.assert_close(output.logits, output.frame_logits.mean(1))
    torch.testing.assert_close(output.embedding, output.frame_embedding.mean(1))


def test_padding_is_what_the_front_end_makes_of_silence():
    values = front_end("htsat").stream([np.zeros(6400, np.float32)])
    assert next(iter(values))[-1, 5] == pytest.approx(SILENCE)


def test_more_than_a_window_and_odd_sizes_are_refused():
    with pytest.raises(ParameterError, match="hears at most 256"):
        small()(features(1, 257, 16))
    with pytest.raises(ParameterError, match="size is 60"):
        small(size=60)


def test_clips_of_a_batch_do_not_touch_each_other():
    net, x = small(), features(3, 250, 16)
    whole, alone, again = net(x), net(x[1:2]), net(x)
    for a, b, c in zip(whole, alone, again, strict=True):
        torch.testing.assert_close(a[1:2], b, atol=1e-5, rtol=0)
        assert torch.equal(a, c)


def test_a_gradient_reaches_every_weight_but_the_unused_head():
    net = small().train()
    net(features(2, 250, 16)).logits.square().sum().backward()
    for name, parameter in net.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached == net.is_used(name), name


def test_onnx_shifts_its_windows_too(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    net = small()
    export_tagger(net, tmp_path / "net.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    for n_frames, n_clips in ((60, 1), (256, 2), (131, 3)):
        x = features(n_clips, n_frames, 16)
        with torch.inference_mode():
            expected = TagHeads(net)(x)
        given = session.run(list(expected), {"features": x.numpy()})
        for name, values in zip(expected, given, strict=True):
            np.testing.assert_allclose(values, expected[name].numpy(), atol=1e-4)
