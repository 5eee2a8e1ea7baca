import numpy as np
import pytest

from mirkit.errors import ParameterError

torch = pytest.importorskip("torch")

from mirkit.backbones.sed.network import EventCRNN  # noqa: E402
from mirkit.backbones.sed.pooling import Pooling, PoolingKind  # noqa: E402
from mirkit.backbones.sed.probe import EventProbe, solve_probe, widen_rows  # noqa: E402
from mirkit.backbones.sed.stages import split_bands, stretch_rows  # noqa: E402
from mirkit.backbones.tagging import export_tagger  # noqa: E402

KINDS = PoolingKind.__args__
SMALL = {"widths": (4, 8, 8), "bands": (4, 2, 1), "n_hidden": 8}


def probabilities(seed=0, n_steps=9, n_classes=3):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.01, 0.99, (2, n_steps, n_classes)).astype(np.float32)


def plain(kind, p):
    """The pooled probability of one class, by the formulas of the paper."""
    if kind == "max":
        return max(p)
    if kind == "average":
        return sum(p) / len(p)
    if kind == "linear":
        return sum(x * x for x in p) / sum(p)
    return sum(x * np.exp(x) for x in p) / sum(np.exp(x) for x in p)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "attention"])
def test_pooling_follows_its_formula(kind):
    p = probabilities()
    found, weights = Pooling(kind, 4, 3)(torch.from_numpy(p), torch.zeros(2, 9, 4))
    expected = [[plain(kind, p[i, :, j].tolist()) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(weights.sum(dim=1).numpy(), 1, rtol=1e-5)


def test_attention_weighs_by_the_embedding_class_by_class():
    torch.manual_seed(0)
    pool = Pooling("attention", 4, 3)
    p, h = torch.from_numpy(probabilities()), torch.randn(2, 9, 4)
    found, weights = pool(p, h)
    hidden = np.tanh(h.numpy() @ pool.attention[0].weight.detach().numpy().T
                     + pool.attention[0].bias.detach().numpy())  # fmt: skip
    logits = hidden @ pool.attention[2].weight.detach().numpy().T
    logits = logits + pool.attention[2].bias.detach().numpy()
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights.detach().numpy(), share, rtol=1e-4)
    np.testing.assert_allclose(found.detach().numpy(), (share * p.numpy()).sum(1), rtol=1e-4)
    assert not torch.allclose(weights[..., 0], weights[..., 1])


def test_unknown_poolings_are_named():
    with pytest.raises(ParameterError, match="pooling is 'mean'; it is one of max"):
        Pooling("mean", 4, 3)


def test_stretched_rows_meet_the_rows_they_came_from():
    rows = torch.randn(1, 5, 3)
    for factor in (2, 4, 8):
        long = stretch_rows(rows, factor, 5 * factor - 1)
        assert long.shape == (1, 5 * factor - 1, 3)
        torch.testing.assert_close(long[:, ::factor], rows)
        torch.testing.assert_close(long[:, factor // 2], (rows[:, 0] + rows[:, 1]) / 2)


def test_bands_are_means_of_neighboring_bins():
    x = torch.arange(8.0).reshape(1, 1, 8, 1)
    assert split_bands(x, 2).tolist() == [[[1.5, 5.5]]]


@pytest.mark.parametrize("n_frames", [8, 9, 31, 100, 313])
def test_there_is_a_step_for_two_frames(n_frames):
    output = EventCRNN(5, **SMALL).eval()(torch.zeros(1, n_frames, 64))
    assert output.frame_logits.shape == (1, -(-n_frames // 2), 5)
    assert output.logits.shape == (1, 5)


def test_steps_are_centered_where_the_network_says():
    """A click moves the outputs most at the step that it lies in."""
    torch.manual_seed(1)
    net = EventCRNN(5, **SMALL).eval()
    silent = torch.full((1, 128, 64), -11.5)
    rows = net.rows(silent)
    for frame in (20, 64, 101):
        loud = silent.clone()
        loud[:, frame] = 0
        change = (net.rows(loud) - rows)[0].abs()[:, :16].sum(dim=1)
        assert abs(int(change.argmax()) - (frame - net.first) / net.step) <= 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_the_export_gives_what_torch_gives(kind, tmp_path):
    import onnxruntime

    torch.manual_seed(0)
    net = EventCRNN(5, pooling=kind, **SMALL).eval()
    export_tagger(net, tmp_path / "x.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    for n_frames in (8, 57, 313):
        x = torch.randn(2, n_frames, 64)
        output = net(x)
        expected = {"tags": output.logits.sigmoid(), "frames": output.frame_logits.sigmoid()}
        for name, values in expected.items():
            (found,) = session.run([name], {"features": x.numpy()})
            np.testing.assert_allclose(found, values.detach().numpy(), atol=1e-4)


def test_a_probe_reads_the_means_around_each_step(tmp_path):
    import onnxruntime

    torch.manual_seed(0)
    net = EventProbe(5, widths=(4, 8), bands=(4, 2), spans=(1, 5)).eval()
    x = torch.randn(2, 61, 64)
    rows = net.context(x)
    assert rows.shape == (2, 31, 2 * 32)
    np.testing.assert_allclose(rows[0, 9, 32:].detach(), rows[0, 7:12, :32].mean(0).detach(), 1e-4)
    torch.testing.assert_close(widen_rows(rows, (1,)), rows)
    export_tagger(net, tmp_path / "x.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    (found,) = session.run(["frames"], {"features": x.numpy()})
    np.testing.assert_allclose(found, net(x).frame_logits.sigmoid().detach().numpy(), atol=1e-4)


def test_the_solution_of_a_probe_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(50, 4)), np.ones((50, 1))], axis=1)
    y = rng.normal(size=(50, 2))
    weights, bias = solve_probe(torch.from_numpy(x.T @ x), torch.from_numpy(x.T @ y), 0.0)
    expected = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(weights.numpy(), expected[:-1].T, atol=1e-9)
    np.testing.assert_allclose(bias.numpy(), expected[-1], atol=1e-9)
