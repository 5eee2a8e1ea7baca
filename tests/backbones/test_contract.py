"""What every registered backbone promises."""

import importlib.util
from functools import cache

import numpy as np
import pytest
import tiny
import torch

from mirkit.audio import Audio
from mirkit.backbones.heads import HEADS, ON_FRAMES, HeadedBackbone
from mirkit.backbones.tagging import TagHeads, export_tagger
from mirkit.features import front_end
from mirkit.zoo import checkpoints

HERE = [name for name in tiny.ROWS if importlib.util.find_spec(name.partition(":")[0])]
every_backbone = pytest.mark.parametrize("name", HERE, ids=lambda name: name.partition(":")[2])
every_head = pytest.mark.parametrize("kind", list(HEADS))
every_card = pytest.mark.parametrize("card", tiny.tagging_cards(), ids=lambda card: card.name)
network = cache(tiny.make)


def hear(net, *inputs):
    with torch.inference_mode():
        return net(*inputs)


def close(a, b, tolerance=1e-5):
    """Whether two outputs, None where there is nothing, agree within a share of their size."""
    for x, y in zip(a, b, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            scale = max(1.0, float(y.abs().max()))
            torch.testing.assert_close(x, y, atol=tolerance * scale, rtol=0)


def sampled_lengths(net):
    """The ends, and some between them, evenly on a scale of ratios."""
    least, most = net.min_length[0], tiny.longest(net)
    rng = np.random.default_rng(least)
    between = np.exp(rng.uniform(np.log(least), np.log(most), 3)).astype(int).tolist()
    return sorted({least, min(least + 1, most), *between, most})


def test_every_registered_backbone_has_a_row():
    assert set(tiny.registered()) <= set(tiny.ROWS)


@every_backbone
def test_any_length_is_heard(name):
    net = network(name)
    for n in sampled_lengths(net):
        output = hear(net, *tiny.draw(net, n, n_clips=1))
        assert output.logits.shape == (1, net.n_classes)
        assert output.embedding.shape == (1, net.n_embedding)
        for rows in (output.frame_logits, output.frame_embedding):
            if rows is None:
                continue
            n_steps = rows.shape[1]
            first = (net.step - 1) / 2 if net.first is None else net.first
            assert rows.shape[0] == 1
            assert n_steps >= 1
            assert (n_steps - 1) * net.step < n, "a row begins after the end"
            assert first + (n_steps + 1) * net.step > n - 2 * first, "rows are missing at the end"
        if output.frame_logits is not None:
            assert output.frame_logits.shape[2] == net.n_classes
        assert all(torch.isfinite(x).all() for x in output if x is not None)


@every_backbone
@pytest.mark.parametrize("share", [0.0, 0.9])
def test_what_is_too_short_is_padded_with_silence(name, share):
    net = network(name)
    whole = tiny.draw(net, net.min_length[0])
    n = max(1, int(share * net.min_length[0]))
    short = [x[:, :m] for x, m in zip(whole, tiny.lengths(net, n), strict=True)]
    filled = []
    for x, least, silence in zip(short, net.min_length, net.silence, strict=True):
        shape = (x.shape[0], max(0, least - x.shape[1]), *x.shape[2:])
        filled.append(torch.cat([x, torch.full(shape, silence)], dim=1))
    close(hear(net, *short), hear(net, *filled), 0)


@every_backbone
def test_clips_of_a_batch_do_not_hear_each_other(name):
    net = network(name)
    inputs = tiny.draw(net, min(2 * net.min_length[0] + 7, tiny.longest(net)), n_clips=3)
    together = hear(net, *inputs)
    for i in range(3):
        alone = hear(net, *(x[i : i + 1] for x in inputs))
        close([None if x is None else x[i : i + 1] for x in together], alone)
    backwards = hear(net, *(x.flip(0) for x in inputs))
    close([None if x is None else x.flip(0) for x in backwards], together)


@every_backbone
def test_silence_is_finite(name):
    net = network(name)
    n = tiny.longest(net, 1.0)
    audio = Audio(np.zeros((1, net.sample_rate), np.float32), net.sample_rate)
    padding, heard = [], []
    for kind, length, value in zip(net.inputs, tiny.lengths(net, n), net.silence, strict=True):
        if kind == "samples":
            padding.append(torch.full((1, length), value))
            heard.append(torch.zeros(1, length))
        else:
            front = front_end(net.front_end)
            padding.append(torch.full((1, length, front.n_bins), value))
            heard.append(torch.from_numpy(np.array(front(audio).values))[None, :length])
    for inputs in (padding, heard):
        assert all(torch.isfinite(x).all() for x in hear(net, *inputs) if x is not None)


@every_backbone
def test_gradient_reaches_every_parameter_but_those_unused(name):
    net = tiny.make(name).train()
    n = min(2 * net.min_length[0] + 3, tiny.longest(net))
    output = net(*tiny.draw(net, n, n_clips=3))
    torch.manual_seed(1)
    sum((x * torch.randn_like(x)).sum() for x in output if x is not None).backward()
    for key, parameter in net.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached == net.is_used(key), f"{key}: reached is {reached}"
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), key


@every_backbone
def test_training_hears_silence_without_harm(name):
    net = tiny.make(name).train()
    inputs = [
        x * 0 + value
        for x, value in zip(tiny.draw(net, net.min_length[0]), net.silence, strict=True)
    ]
    sum(x.square().sum() for x in net(*inputs) if x is not None).backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), key


@every_backbone
def test_state_survives_a_file(name, tmp_path):
    net, other = network(name), tiny.make(name, seed=1)
    inputs = tiny.draw(net, net.min_length[0])
    expected = hear(net, *inputs)
    assert not torch.equal(hear(other, *inputs).embedding, expected.embedding)
    checkpoints.save_tensors(tmp_path / "net.safetensors", net.state_dict())
    other.load_state_dict(checkpoints.load_tensors(tmp_path / "net.safetensors")[0])
    close(hear(other, *inputs), expected, 0)


@every_backbone
def test_answers_do_not_depend_on_threads(name):
    net = network(name)
    inputs = tiny.draw(net, min(net.min_length[0] + 100, tiny.longest(net)))
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one, again = hear(net, *inputs), hear(net, *inputs)
        torch.set_num_threads(2)
        two = hear(net, *inputs)
    finally:
        torch.set_num_threads(n_threads)
    close(one, again, 0)
    close(one, two, tiny.ROWS[name].thread_tolerance)


@every_backbone
def test_onnx_answers_as_torch_does(name, tmp_path):
    net = network(name)
    if not net.exports:
        pytest.skip("says that it is not exported")
    onnxruntime = pytest.importorskip("onnxruntime")
    export_tagger(net, tmp_path / "net.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    least = net.min_length[0]
    for n, n_clips in ((least, 1), (min(2 * least + 11, tiny.longest(net)), 3)):
        inputs = tiny.draw(net, n, n_clips)
        feed = {kind: x.numpy() for kind, x in zip(net.inputs, inputs, strict=True)}
        with torch.inference_mode():
            expected = TagHeads(net)(*inputs)
        given = session.run(list(expected), feed)
        for head, x in zip(expected, given, strict=True):
            np.testing.assert_allclose(x, expected[head].numpy(), atol=1e-4, rtol=1e-4)


def headed(name, kind):
    torch.manual_seed(2)
    return HeadedBackbone(tiny.make(name), kind, 3, dropout=0.0).eval()


@every_backbone
@every_head
def test_every_head_learns_on_every_backbone(name, kind):
    net = headed(name, kind)
    n = min(3 * net.min_length[0] + 1, tiny.longest(net))
    heard = hear(net, *tiny.draw(net, n))
    assert heard.logits.shape == (2, 3)
    assert (heard.frame_logits is not None) == (kind in ON_FRAMES)
    if kind in ON_FRAMES:
        assert heard.frame_logits.shape == (2, heard.frame_embedding.shape[1], 3)
    net.train()(*tiny.draw(net, n, n_clips=3)).logits.square().sum().backward()
    taught = {key for key, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    assert taught == {key for key, _ in net.named_parameters() if net.is_used(key)}


@every_backbone
@every_head
def test_a_frozen_body_hears_in_training_what_it_hears_in_use(name, kind):
    net = headed(name, kind)
    net.freeze("all")
    inputs = tiny.draw(net, min(2 * net.min_length[0] + 1, tiny.longest(net)))
    expected = hear(net, *inputs)
    close(hear(net.train(), *inputs), expected, 0)
    assert all(key.startswith("head.") for key, p in net.named_parameters() if p.requires_grad)


@every_backbone
def test_a_head_is_exported_where_its_backbone_is(name, tmp_path):
    net = headed(name, "attention")
    assert net.exports == network(name).exports
    if not net.exports:
        pytest.skip("says that it is not exported")
    onnxruntime = pytest.importorskip("onnxruntime")
    export_tagger(net, tmp_path / "net.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    inputs = tiny.draw(net, min(2 * net.min_length[0] + 11, tiny.longest(net)), 3)
    feed = {each: x.numpy() for each, x in zip(net.inputs, inputs, strict=True)}
    with torch.inference_mode():
        expected = TagHeads(net)(*inputs)
    for head, x in zip(expected, session.run(list(expected), feed), strict=True):
        np.testing.assert_allclose(x, expected[head].numpy(), atol=1e-4, rtol=1e-4)


@every_backbone
def test_bins_are_those_of_the_front_end(name):
    net = network(name)
    assert net.n_bins == (front_end(net.front_end).n_bins if "features" in net.inputs else 0)


@every_card
def test_card_and_backbone_agree(card):
    from mirkit.sound.tag.config import TagConfig

    config = TagConfig.from_dict(card.config)
    with torch.device("meta"):
        net = tiny.backbone(config.backbone)(**config.network)
    assert net.n_classes == len(config.labels)
    assert net.sample_rate == card.sample_rate
    assert net.front_end == card.front_end
    assert ("features" in net.inputs) == (card.front_end is not None)
    assert set(card.labels) <= {"tags", "frames", "embedding"}
