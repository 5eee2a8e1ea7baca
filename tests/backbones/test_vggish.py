"""VGGish: its published names, its patches, and the 8-bit numbers that AudioSet releases."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import mirkit
from mirkit.audio import Audio
from mirkit.backbones.published import load_published
from mirkit.backbones.vggish import SILENCE, VGGish, Whitening
from mirkit.features.logmel import VGGISH

CONVOLUTIONS = {
    0: (1, 64),
    3: (64, 128),
    6: (128, 256),
    8: (256, 256),
    11: (256, 512),
    13: (512, 512),
}
LAYERS = {0: (512 * 6 * 4, 4096), 2: (4096, 4096), 4: (4096, 128)}


def small(**settings):
    torch.manual_seed(0)
    return VGGish(**{"n_classes": 5, "width": 2, "n_hidden": 8, **settings}).eval()


def plain(state, patch):
    """What VGGish computes of one patch ``(96, 64)``, straight from its tensors."""
    x = patch[None, None]
    for place in CONVOLUTIONS:
        weight, bias = (state[f"features.{place}.{key}"] for key in ("weight", "bias"))
        x = F.conv2d(x, weight, bias, padding=1).clamp(min=0)
        x = x if place in (6, 11) else F.max_pool2d(x, 2)
    x = x[0].permute(1, 2, 0).reshape(-1)  # time, frequency, channel
    for place in LAYERS:
        x = state[f"embeddings.{place}.weight"] @ x + state[f"embeddings.{place}.bias"]
        x = x.clamp(min=0)
    return x


def test_a_published_checkpoint_loads_strictly():
    shapes = {}
    for place, (n_in, n_out) in CONVOLUTIONS.items():
        shapes[f"features.{place}.weight"] = (n_out, n_in, 3, 3)
        shapes[f"features.{place}.bias"] = (n_out,)
    for place, (n_in, n_out) in LAYERS.items():
        shapes[f"embeddings.{place}.weight"] = (n_out, n_in)
        shapes[f"embeddings.{place}.bias"] = (n_out,)
    with torch.device("meta"):
        net = VGGish()
        content = {name: torch.empty(shape) for name, shape in shapes.items()}
    load_published(net, content, net.published)
    assert set(net.state_dict()) == set(shapes)
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(72e6, rel=0.005)


def test_each_patch_is_its_plain_twin():
    net = small()
    features = torch.randn(2, 3 * 96 + 50, 64)
    output = net(features)
    expected = [
        [plain(net.state_dict(), clip[96 * i : 96 * i + 96]) for i in range(3)] for clip in features
    ]
    rows = torch.stack([torch.stack(clip) for clip in expected])
    assert rows.std() > 0.01
    assert torch.allclose(output.frame_embedding, rows, atol=1e-5)
    assert torch.allclose(output.embedding, rows.mean(dim=1), atol=1e-5)
    assert torch.allclose(output.logits, output.frame_logits.mean(dim=1), atol=1e-5)


def test_the_last_layer_need_not_rectify():
    net, other = small(), small(rectifies=False)
    other.load_state_dict(net.state_dict())
    x = torch.randn(1, 96, 64)
    assert other(x).embedding.min() < 0
    assert torch.equal(other(x).embedding.clamp(min=0), net(x).embedding)


def test_without_classes_there_are_embeddings_alone():
    output = small(n_classes=0)(torch.randn(2, 200, 64))
    assert output.logits.shape == (2, 0)
    assert output.frame_logits is None
    assert output.frame_embedding.shape == (2, 2, 128)


def test_silence_is_what_the_front_end_makes_of_it():
    values = VGGISH(Audio(np.zeros((1, 16000), np.float32), 16000)).values
    assert values == pytest.approx(SILENCE, abs=1e-5)


def test_the_clock_counts_patches():
    net = small()
    assert (net.step, net.first, net.min_length) == (96, 47.5, (96,))
    assert net(torch.randn(1, 10, 64)).frame_embedding.shape == (1, 1, 128)


def test_embeddings_are_whitened_clipped_and_counted_in_8_bits():
    torch.manual_seed(0)
    vectors, means, embedding = torch.randn(8, 8), torch.randn(8), torch.randn(3, 8)
    whitening, original = Whitening(n_embedding=8), Whitening(rounds=False, n_embedding=8)
    content = {"pca_eigen_vectors": vectors, "pca_means": means[:, None]}
    for net in (whitening, original):
        load_published(net, content, Whitening.published)
    white = (vectors.double() @ (embedding - means).double().T).T.numpy()
    level = (np.clip(white, -2, 2) + 2) * 63.75
    np.testing.assert_array_equal(whitening(embedding).numpy(), np.round(level).astype(np.uint8))
    np.testing.assert_array_equal(original(embedding).numpy(), level.astype(np.uint8))
    assert (whitening(embedding) != original(embedding)).any()


def test_a_tagger_without_classes_gives_embeddings():
    tagger = mirkit.load("vggish", weights="random").model
    heard = tagger.activations([np.zeros((1, 2 * 16000), np.float32)], tagger.specs)
    assert set(heard.heads) == {"embedding", "frame_embedding"}
    assert heard.heads["frame_embedding"].values.shape == (2, 128)
