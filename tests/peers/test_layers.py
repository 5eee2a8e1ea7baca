import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mirkit.peers.layers import GRU, LSTM, depthwise, gelu, sigmoid, softmax


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def lstm():
    torch.manual_seed(0)
    return torch.nn.LSTM(7, 5)


def ours(net):
    kernel, recurrent, bias, other = (tensor.detach().numpy() for tensor in net.parameters())
    return LSTM.from_torch(kernel, recurrent, bias + other)


def test_the_lstm_is_that_of_torch(lstm, rng):
    x = rng.standard_normal((50, 7)).astype(np.float32)
    layer = ours(lstm)
    outputs, state = layer(x, layer.start)
    with torch.no_grad():
        expected, (h, c) = lstm(torch.from_numpy(x))
    np.testing.assert_allclose(outputs, expected.numpy(), atol=1e-6)
    np.testing.assert_allclose(state.output, h[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(state.cell, c[0].numpy(), atol=1e-6)


def test_the_lstm_goes_on_from_its_state(lstm, rng):
    x = rng.standard_normal((50, 7)).astype(np.float32)
    layer = ours(lstm)
    whole, _ = layer(x, layer.start)
    first, state = layer(x[:20], layer.start)
    np.testing.assert_allclose(np.concatenate((first, layer(x[20:], state)[0])), whole, atol=1e-6)


def keras_gru(x, kernel, recurrent, bias):
    """Keras 2's GRU with hard sigmoids and reset_after=False, as its documentation has it."""
    n = len(recurrent)
    h, outputs = np.zeros(n), []
    for frame in x:
        a = frame @ kernel + bias
        z = np.clip(0.2 * (a[:n] + h @ recurrent[:, :n]) + 0.5, 0, 1)
        r = np.clip(0.2 * (a[n : 2 * n] + h @ recurrent[:, n : 2 * n]) + 0.5, 0, 1)
        candidate = np.tanh(a[2 * n :] + (r * h) @ recurrent[:, 2 * n :])
        h = z * h + (1 - z) * candidate
        outputs.append(h)
    return np.array(outputs)


def test_the_gru_is_that_of_keras(rng):
    kernel, recurrent, bias = (
        (2 * rng.standard_normal(shape)).astype(np.float32) for shape in ((7, 15), (5, 15), 15)
    )
    x = rng.standard_normal((50, 7)).astype(np.float32)
    expected = keras_gru(x.astype(float), kernel, recurrent, bias)
    np.testing.assert_allclose(GRU.from_keras(kernel, recurrent, bias)(x), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 12, 30), (3, 2, 1)])
@pytest.mark.parametrize("size", [5, 7])
def test_the_depthwise_convolution_is_that_of_torch(rng, shape, size):
    x = rng.standard_normal(shape).astype(np.float32)
    kernels = rng.standard_normal((3, size, size)).astype(np.float32)
    bias = rng.standard_normal(3).astype(np.float32)
    padded = F.pad(torch.from_numpy(x)[None], (size // 2,) * 4, mode="replicate")
    expected = F.conv2d(
        padded, torch.from_numpy(kernels)[:, None], torch.from_numpy(bias), groups=3
    )
    np.testing.assert_allclose(depthwise(x, kernels, bias), expected[0].numpy(), atol=1e-5)


def test_the_activations_are_those_of_torch(rng):
    x = (5 * rng.standard_normal((20, 6))).astype(np.float32)
    tensor = torch.from_numpy(x)
    np.testing.assert_allclose(gelu(x), F.gelu(tensor).numpy(), atol=1e-6)
    np.testing.assert_allclose(sigmoid(x), torch.sigmoid(tensor).numpy(), atol=1e-6)
    np.testing.assert_allclose(softmax(x), torch.softmax(tensor, 1).numpy(), atol=1e-6)


def test_large_logits_do_not_overflow():
    x = np.array([[1e4, -1e4]], np.float32)
    assert softmax(x).tolist() == [[1, 0]]
    assert sigmoid(x).tolist() == [[1, 0]]
