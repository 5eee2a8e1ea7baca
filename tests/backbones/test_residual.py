import pytest

torch = pytest.importorskip("torch")

from mirkit.backbones.residual import ResidualCNN  # noqa: E402
from mirkit.errors import ParameterError  # noqa: E402


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return ResidualCNN(n_classes=5, widths=(4, 8, 8)).eval()


def test_shapes_follow_the_length(net):
    for n_frames in (1, 7, 8, 63, 100):
        heard = net(noise(2, n_frames, 64))
        n_steps = -(-max(n_frames, net.step) // net.step)
        assert heard.logits.shape == (2, 5)
        assert heard.embedding.shape == (2, net.n_embedding)
        assert heard.frame_logits.shape == (2, n_steps, 5)
        assert heard.frame_embedding.shape == (2, n_steps, net.n_embedding)


def test_a_clip_does_not_hear_its_neighbors(net):
    x = noise(3, 40, 64)
    torch.testing.assert_close(net(x).logits[1:2], net(x[1:2]).logits, atol=1e-5, rtol=0)


def test_a_single_step_is_the_whole_clip(net):
    heard = net(noise(2, net.step, 64))
    torch.testing.assert_close(heard.frame_logits[:, 0], heard.logits)


def test_row_i_hears_frame_i_times_the_step(net):
    quiet = torch.zeros(1, 256, 64)
    loud = quiet.clone()
    loud[0, 16 * net.step] = 5.0
    with torch.no_grad():
        rows = (net(loud).frame_embedding - net(quiet).frame_embedding).abs().sum(-1)[0]
    near = rows * (torch.arange(len(rows)) - 16).abs()
    assert near.sum() / rows.sum() < 1.5  # its weight lies within a step and a half


def test_a_gradient_reaches_every_parameter(net):
    net.train()
    net(noise(4, 40, 64)).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_a_network_without_stages_is_refused():
    with pytest.raises(ParameterError, match="widths"):
        ResidualCNN(widths=())
    with pytest.raises(ParameterError, match="depth 0"):
        ResidualCNN(depth=0)
