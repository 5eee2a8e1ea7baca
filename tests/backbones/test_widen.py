from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from mirkit.backbones.crnn import network as crnn  # noqa: E402
from mirkit.backbones.tcn import network as tcn  # noqa: E402
from mirkit.backbones.widen import widen  # noqa: E402
from mirkit.errors import ParameterError  # noqa: E402

TCN = tcn.TCNConfig(conv_filters=(4, 4, 8), n_filters=8, n_blocks=3, tempo_filters=10)
CRNN = crnn.CRNNConfig(conv_filters=(4, 5), n_channels=6, n_hidden=7)
WIDER_CRNN = {"conv_filters": (6, 5), "n_channels": 8, "n_hidden": 11}
CASES = {
    "tcn": (tcn, tcn.TCN, TCN, {"n_filters": 12, "conv_filters": (4, 8, 12)}),
    "normed tcn": (tcn, tcn.TCN, replace(TCN, norm="batch"), {"n_filters": 12}),
    "wider tempo": (tcn, tcn.TCN, TCN, {"tempo_filters": 24}),
    "chords": (crnn, crnn.CRNN, CRNN, WIDER_CRNN),
    "key": (crnn, crnn.CRNN, replace(CRNN, task="key", pool=4), WIDER_CRNN),
    "more hidden": (crnn, crnn.CRNN, CRNN, {"n_hidden": 14}),
}


def pair(case):
    """A narrow network with an eventful past, and a wide one that begins with it."""
    module, network, config, more = CASES[case]
    torch.manual_seed(0)
    narrow, wide = network(config), network(replace(config, **more))
    with torch.no_grad():  # as training leaves them: no weight is 0, no mean is 0, no variance 1
        for tensor in narrow.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.2 * torch.rand_like(tensor))
    wide.load_state_dict(widen(narrow.state_dict(), wide.state_dict(), module.layout))
    return narrow.eval(), wide.eval(), torch.rand(3, 100, config.n_bins)


def outputs(net, x):
    heads = net(x)
    return list(heads.values()) if isinstance(heads, dict) else list(heads)


@pytest.mark.parametrize("case", CASES)
def test_wide_network_hears_at_first_what_the_narrow_one_hears(case):
    narrow, wide, x = pair(case)
    with torch.no_grad():
        for ours, theirs in zip(outputs(wide, x), outputs(narrow, x), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_new_filters_begin_to_be_listened_to(case):
    _, wide, x = pair(case)
    sum(y.square().mean() for y in outputs(wide.train(), x)).backward()
    layers = [weight for weight in wide.parameters() if weight.dim() > 1 and (weight == 0).any()]
    assert layers
    for weight in layers:
        assert (weight.grad[weight == 0] != 0).any()


def test_a_narrower_network_is_refused():
    narrow, wide, _ = pair("tcn")
    with pytest.raises(ParameterError, match="may be wider only"):
        widen(wide.state_dict(), narrow.state_dict(), tcn.layout)


def test_a_network_of_other_depth_is_refused():
    _, wide, _ = pair("tcn")
    deeper = tcn.TCN(replace(TCN, n_blocks=4))
    with pytest.raises(ParameterError, match=r"only the network has .*blocks\.3"):
        widen(wide.state_dict(), deeper.state_dict(), tcn.layout)
