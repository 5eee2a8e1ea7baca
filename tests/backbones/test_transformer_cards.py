"""The cards of the transformers make the networks that they describe."""

import pytest
import torch

from mirkit.sound.tag.config import TagConfig
from mirkit.sound.tag.loading import backbone_of
from mirkit.zoo.registry import card

NAMES = ("ast", "beats-iter3", "htsat", "passt-s", "passt-s-kd", "passt-s-s12")


@pytest.mark.parametrize("name", NAMES)
def test_a_card_makes_its_network(name):
    chosen = card(name)
    config = TagConfig.from_dict(chosen.config)
    with torch.device("meta"):
        net = backbone_of(config, chosen)(**config.network).eval()
        output = net(torch.empty(1, 998, 64 if name == "htsat" else 128))
    assert output.logits.shape == (1, 527)
    assert (net.front_end, net.sample_rate) == (chosen.front_end, chosen.sample_rate)
    heads = {"tags", "embedding"} | ({"frames"} if output.frame_logits is not None else set())
    assert set(chosen.labels) == heads
    assert net.published is not None
