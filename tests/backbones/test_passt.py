"""PaSST loads its authors' files, leaves patches out in training, and hears any length."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirkit.backbones.published import load_published
from mirkit.backbones.vit.passt import SILENCE, PaSST
from mirkit.errors import ParameterError
from mirkit.features import front_end

SMALL = {"n_classes": 7, "n_bins": 36, "n_frames": 58, "dim": 16, "depth": 2, "n_heads": 4}
PATCHOUT = {"time_patchout": 2, "frequency_patchout": 1}


def small(**settings):
    torch.manual_seed(0)
    net = PaSST(**SMALL | PATCHOUT | settings).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


def features(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def as_published(n_layers=12, dim=768, grid=(12, 99), n_classes=527):
    """Name and shape the tensors of the authors' file."""
    shapes = dict.fromkeys(("cls_token", "dist_token"), (1, 1, dim))
    shapes["new_pos_embed"] = (1, 2, dim)
    shapes["freq_new_pos_embed"] = (1, dim, grid[0], 1)
    shapes["time_new_pos_embed"] = (1, dim, 1, grid[1])
    layers = {
        "patch_embed.proj": (dim, 1, 16, 16),
        "norm": (dim,),
        "head.0": (dim,),
        "head.1": (n_classes, dim),
        "head_dist": (n_classes, dim),
    }
    for i in range(n_layers):
        layers[f"blocks.{i}.norm1"] = layers[f"blocks.{i}.norm2"] = (dim,)
        layers[f"blocks.{i}.attn.qkv"] = (3 * dim, dim)
        layers[f"blocks.{i}.attn.proj"] = (dim, dim)
        layers[f"blocks.{i}.mlp.fc1"] = (4 * dim, dim)
        layers[f"blocks.{i}.mlp.fc2"] = (dim, 4 * dim)
    for name, shape in layers.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes


@pytest.mark.parametrize(
    ("n_frames", "stride", "grid"),
    [
        (998, 10, (12, 99)),
        (998, 12, (10, 83)),
        (998, 14, (9, 71)),
        (998, 16, (8, 62)),
        (2000, 10, (12, 200)),  # the files of 20 s, 30 s, and of a hop of 100 samples
        (3000, 10, (12, 300)),
        (3200, 10, (12, 320)),
    ],
)
def test_the_published_files_fit(n_frames, stride, grid):
    with torch.device("meta"):
        net = PaSST(stride=stride, n_frames=n_frames).eval()
        state = {name: torch.empty(shape) for name, shape in as_published(grid=grid).items()}
    load_published(net, state, PaSST.published)
    assert net.max_length >= max(1000, n_frames)  # ten seconds are one window
    with torch.device("meta"):
        heard = net(torch.empty(2, net.max_length, 128))
    assert heard.frame_embedding.shape == (2, grid[1], 768)  # each position has its patches


def test_published_tensors_come_to_their_places():
    shapes = as_published(2, 16, (3, 5), 7)
    state = {name: features(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    net = small()
    load_published(net, state, PaSST.published)
    assert all(torch.equal(own, state[name]) for name, own in net.state_dict().items())


def test_size_and_work_are_the_published_ones():
    with torch.device("meta"):
        net, x = PaSST().eval(), torch.empty(1, 998, 128)
    assert sum(p.numel() for p in net.parameters()) == 86_153_758
    with FlopCounterMode(display=False) as counter:
        net(x)
    assert counter.get_total_flops() / 2e9 == pytest.approx(127.4, rel=0.01)


def test_padding_is_what_the_front_end_makes_of_silence():
    values = front_end("passt").stream([torch.zeros(6400).numpy()])
    assert next(iter(values))[-1, 64] == pytest.approx(SILENCE, rel=1e-5)


def test_positions_of_time_and_frequency_are_added_apart():
    net = small()
    grid = torch.zeros(1, 16, 3, 5)
    placed = net.placed(grid)[0, 0]
    times, rows = net.time_new_pos_embed[0, 0, 0], net.freq_new_pos_embed[0, 0, :, 0]
    torch.testing.assert_close(placed, rows[:, None] + times)


def test_a_shorter_clip_takes_the_first_positions_and_any_in_training():
    net = small()
    grid = torch.zeros(1, 16, 3, 3)
    first = net.placed(grid)
    assert torch.equal(first, net.placed(torch.zeros(1, 16, 3, 5))[..., :3])
    net.train()
    starts = {net.placed(grid)[0, 0, 0, 0].item() for _ in range(30)}
    whole = net.placed(torch.zeros(1, 16, 3, 5))[0, 0, 0]
    assert starts == set(whole[:3].tolist())


@pytest.mark.parametrize(
    ("n_frames", "patchout", "n_kept"),
    [
        (998, (40, 4, 0), 59 * 8),  # as on AudioSet
        (998, (0, 0, 400), 99 * 12 - 400),  # as its authors do without structure
        (500, (20, 5, 0), 39 * 7),  # as its authors do on ESC-50: 10 columns and 5 rows
        (500, (40, 4, 0), 29 * 8),
        (200, (40, 4, 0), 11 * 8),
        (16, (40, 4, 0), 8),  # a single column stays
        (998, (10, 2, 100), 89 * 10 - 100),
        (500, (0, 0, 400), 49 * 12 - 198),
        (998, (999, 99, 0), 1),
    ],
)
def test_patches_are_left_out_in_training_only_in_proportion_to_the_clip(
    n_frames, patchout, n_kept
):
    names = ("time_patchout", "frequency_patchout", "unstructured_patchout")
    shape = {"n_bins": 128, "n_frames": 998, "dim": 8, "depth": 1, "n_heads": 1}
    net = small(**shape, **dict(zip(names, patchout, strict=True)))
    seen, x = [], features(2, n_frames, 128)
    net.blocks.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    whole, trained = net(x), net.train()(x)
    n_times = (n_frames - 16) // 10 + 1
    assert seen == [2 + 12 * n_times, 2 + n_kept]
    assert trained.frame_embedding.shape == whole.frame_embedding.shape == (2, n_times, 8)
    assert not torch.equal(trained.embedding, whole.embedding)


def test_whole_rows_and_columns_are_left_out():
    net = small(**PATCHOUT)
    places = net.drawn(3, 5)
    grid = torch.zeros(15).index_fill(0, places, 1).reshape(3, 5)
    assert sorted(grid.sum(0).tolist()) == [0, 0, 2, 2, 2]
    assert sorted(grid.sum(1).tolist()) == [0, 3, 3]
    assert torch.equal(places, places.sort().values)
    assert {tuple(net.drawn(3, 5).tolist()) for _ in range(40)} != {tuple(places.tolist())}


def test_single_patches_are_left_out_anywhere():
    net = small(time_patchout=0, frequency_patchout=0, unstructured_patchout=6)
    counts = torch.zeros(15)
    for _ in range(300):
        places = net.drawn(3, 5)
        assert len(set(places.tolist())) == 9
        counts[places] += 1
    assert (counts / 300 - 9 / 15).abs().max() < 0.12


@pytest.mark.parametrize("patchout", [(2, 1, 0), (0, 0, 6), (3, 2, 1), (4, 0, 2)])
def test_frame_embeddings_keep_their_clock_while_patches_are_left_out(patchout):
    """Without attention each patch knows itself alone: rows are means of the patches that stay."""
    net = small(**dict(zip(("time_patchout", "frequency_patchout", "unstructured_patchout"),
                           patchout, strict=True)))  # fmt: skip
    net.blocks, x = torch.nn.Sequential(), features(2, 58, 36)
    tokens = net.norm(net.placed(net.patch_embed(x)).flatten(2).transpose(1, 2))
    torch.manual_seed(3)
    rows = net.train()(x).frame_embedding
    torch.manual_seed(3)
    kept = net.drawn(3, 5)
    known = sorted({int(place) % 5 for place in kept})
    means = torch.stack([tokens[:, kept[kept % 5 == time]].mean(1) for time in known], dim=1)
    for clip, row in zip(means.detach().numpy(), rows.detach().numpy(), strict=True):
        for i in range(16):
            expected = np.interp(np.arange(5), known, clip[:, i])
            np.testing.assert_allclose(row[:, i], expected, atol=1e-5)


def test_a_gradient_flows_through_frames_while_patches_are_left_out():
    net = small(**PATCHOUT).train()
    net(features(2, 58, 36)).frame_embedding.square().sum().backward()
    assert net.patch_embed.proj.weight.grad.abs().sum() > 0
    assert torch.isfinite(net.patch_embed.proj.weight.grad).all()


def test_patchout_is_no_negative_number():
    with pytest.raises(ParameterError, match="unstructured_patchout is -1"):
        small(unstructured_patchout=-1)


def test_nothing_is_left_out_where_nothing_is_asked():
    net = small(time_patchout=0, frequency_patchout=0)
    x = features(2, 58, 36)
    assert torch.equal(net(x).logits, net.train()(x).logits)


def test_any_length_up_to_a_window_is_heard():
    net = small()
    for n_frames, n_times in ((1, 1), (16, 1), (26, 2), (58, 5), (65, 5)):
        assert net(features(1, n_frames, 36)).frame_embedding.shape == (1, n_times, 16)
    with pytest.raises(ParameterError, match="hears at most 65"):
        net(features(1, 66, 36))


def test_frames_of_the_output_sit_at_their_patches():
    """A click moves the embedding of the patches that contain it most."""
    net = small(n_frames=98)
    x = features(1, 98, 36)
    net.blocks = torch.nn.Sequential()  # without attention, each patch knows itself alone
    quiet, loud = net(x).frame_embedding, x.clone()
    loud[:, 50] += 5
    moved = (net(loud).frame_embedding - quiet).abs().sum(-1)[0]
    centers = net.first + net.step * torch.arange(len(moved))
    assert torch.equal(moved > 1e-4, (centers - 50).abs() < 8)


def test_clips_of_a_batch_do_not_touch_each_other():
    net, x = small(), features(3, 58, 36)
    whole, alone = net(x), net(x[1:2])
    torch.testing.assert_close(whole.logits[1:2], alone.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(whole.frame_embedding[1:2], alone.frame_embedding, atol=1e-5, rtol=0)
    assert torch.equal(whole.logits, net(x).logits)


def test_a_gradient_reaches_every_weight_but_the_unused_head():
    net = small().train()
    net(features(2, 58, 36)).logits.square().sum().backward()
    for name, parameter in net.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached == net.is_used(name), name
