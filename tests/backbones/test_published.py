"""Published checkpoints find their place, tensor by tensor, or say which does not."""

import re

import pytest
import torch
from torch import nn

from mirkit.backbones.base import Backbone, Output, pad
from mirkit.backbones.published import KeyMap, load_published
from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo.checkpoints import load_content

KEYS = KeyMap(rules=((r"mel\.", None), (r"fc_audioset\.", "")))


def published(**extra):
    tensors = {"fc_audioset.weight": torch.ones(2, 3), "fc_audioset.bias": torch.arange(2.0)}
    tensors |= {"mel.w": torch.ones(1), **extra}
    return {"model": {f"module.{name}": tensor for name, tensor in tensors.items()}, "epoch": 3}


def test_tensors_are_renamed_dropped_and_loaded():
    net = nn.Linear(3, 2)
    load_published(net, published(), KEYS)
    assert torch.equal(net.bias, torch.arange(2.0))
    assert torch.equal(net.weight, torch.ones(2, 3))


def test_the_inner_part_alone_loads_too():
    net = nn.Linear(3, 2)
    load_published(net, published()["model"], KEYS)
    assert torch.equal(net.bias, torch.arange(2.0))


@pytest.mark.parametrize(
    ("net", "extra", "message"),
    [
        (nn.Linear(3, 2), {"stray": torch.ones(1)}, "holds too much: stray"),
        (nn.Bilinear(3, 1, 2), {}, r"other shapes: weight \(2, 3\) for \(2, 3, 1\)"),
        (nn.Sequential(nn.Linear(3, 2)), {}, r"lacks 0\.bias, 0\.weight"),
    ],
)
def test_what_does_not_fit_is_named(net, extra, message):
    with pytest.raises(WeightsError, match=message):
        load_published(net, published(**extra), KEYS)


def test_two_tensors_for_one_place_are_refused():
    keys = KeyMap(rules=((r"[ab]\.", "c."),))
    with pytest.raises(WeightsError, match=re.escape("two tensors for 'c.w'")):
        keys({"a.w": torch.ones(1), "b.w": torch.ones(1)})


def test_a_checkpoint_keeps_what_stands_beside_its_tensors(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(published(), path)
    content = load_content(path)
    assert content["epoch"] == 3
    assert set(KEYS(content)) == {"weight", "bias"}


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"net": nn.Linear(1, 1)}, path)
    with pytest.raises(WeightsError, match="pickled code"):
        load_content(path)


class Mean(Backbone):
    """A backbone that answers with the mean over time."""

    n_classes = n_embedding = 3
    min_length = (4,)
    silence = (-1.0,)

    def listen(self, features):
        return Output(features.mean(dim=1), features.mean(dim=1))


def test_short_input_is_padded_with_silence():
    output = Mean()(torch.ones(1, 2, 3))
    assert torch.equal(output.logits, torch.zeros(1, 3))
    assert pad(torch.ones(1, 5, 3), 4, -1.0).shape == (1, 5, 3)


def test_input_of_another_kind_is_refused():
    with pytest.raises(ParameterError, match="features has 2 axes"):
        Mean()(torch.ones(2, 3))
    with pytest.raises(ParameterError, match="takes features; 2 were given"):
        Mean()(torch.ones(1, 2, 3), torch.ones(1, 2))
