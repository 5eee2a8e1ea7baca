import copy

import pytest

torch = pytest.importorskip("torch")

from mirkit.backbones.base import Backbone, Output  # noqa: E402
from mirkit.backbones.efficientat.mn import MobileNet  # noqa: E402
from mirkit.backbones.heads import HEADS, AttentionHead, HeadedBackbone, stages  # noqa: E402
from mirkit.backbones.residual import ResidualCNN  # noqa: E402
from mirkit.backbones.vit.ast import AST  # noqa: E402
from mirkit.errors import ParameterError  # noqa: E402


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def body():
    torch.manual_seed(0)
    return ResidualCNN(n_classes=7, widths=(4, 8))


@pytest.mark.parametrize("kind", list(HEADS))
def test_a_head_gives_its_own_classes(kind):
    net = HeadedBackbone(body(), kind, 3).eval()
    heard = net(noise(2, 40, 64))
    assert heard.logits.shape == (2, 3)
    assert (heard.frame_logits is not None) == (kind in ("lstm", "attention"))
    if heard.frame_logits is not None:
        assert heard.frame_logits.shape == (2, 10, 3)


@pytest.mark.parametrize("kind", list(HEADS))
def test_a_gradient_reaches_all_but_the_head_that_was_there(kind):
    net = HeadedBackbone(body(), kind, 3).train()
    net(noise(4, 40, 64)).logits.square().sum().backward()
    untaught = {name for name, p in net.named_parameters() if p.grad is None}
    assert untaught == {"body.classifier.weight", "body.classifier.bias"}
    assert untaught == {name for name, _ in net.named_parameters() if not net.is_used(name)}


def test_attention_that_counts_all_steps_alike_is_their_mean():
    head = AttentionHead(4, 3, dropout=0.0)
    torch.nn.init.zeros_(head.counts.weight)
    x = noise(2, 9, 4)
    logits, by_step = head(Output(x[:, 0], x[:, 0], None, x))
    torch.testing.assert_close(logits, by_step.mean(dim=1))


def test_attention_can_hear_a_single_step():
    head = AttentionHead(1, 1, dropout=0.0)
    with torch.no_grad():
        head.sounds.weight.fill_(1.0)
        head.sounds.bias.zero_()
        head.counts.weight.fill_(50.0)
    x = torch.tensor([0.0, 2.0, 1.0]).reshape(1, 3, 1)
    logits, _ = head(Output(x[:, 0], x[:, 0], None, x))
    assert logits.item() == pytest.approx(2.0, abs=1e-4)


def test_what_is_frozen_does_not_move_and_what_is_not_does():
    net = HeadedBackbone(body(), "linear", 3)
    net.freeze(3)  # norm, stem and the first stage
    before = copy.deepcopy(net.state_dict())
    net.train()
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        net(noise(4, 40, 64) + 3).logits.square().sum().backward()
        optimizer.step()
    moved = {name for name, x in net.state_dict().items() if not torch.equal(x, before[name])}
    assert not any(name.startswith(("body.norm", "body.stem", "body.stages.0")) for name in moved)
    assert {"body.stages.1.0.conv1.weight", "body.stages.1.0.norm1.running_mean"} <= moved
    assert "head.layers.1.weight" in moved


def test_a_probe_learns_its_head_alone_and_thaws_again():
    net = HeadedBackbone(body(), "linear", 3)
    net.freeze("all")
    assert {n for n, p in net.named_parameters() if p.requires_grad} == {
        "head.layers.1.weight",
        "head.layers.1.bias",
    }
    assert not net.train().body.stem.training
    net.freeze("none")
    assert net.train().body.stem.training
    assert net.body.stem[0].weight.requires_grad


def test_stages_of_a_mobilenet_are_its_blocks():
    names = [name for name, _ in stages(MobileNet(n_classes=2, width=0.1))]
    assert names[0] == "features.0"
    assert len([name for name in names if name.startswith("features.")]) == 17


def test_more_stages_than_there_are_cannot_be_frozen():
    net = HeadedBackbone(body(), "linear", 3)
    with pytest.raises(ParameterError, match=r"0 ... 5, since ResidualCNN has the stages norm"):
        net.freeze(6)


class Deaf(Backbone):
    n_classes, n_embedding, n_bins = 2, 4, 8

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 4)

    def listen(self, *inputs):
        embedding = self.layer(inputs[0].mean(dim=1))
        return Output(embedding[:, :2], embedding)


def test_heads_on_frames_need_frames():
    HeadedBackbone(Deaf(), "mlp", 3)
    with pytest.raises(ParameterError, match="linear and mlp"):
        HeadedBackbone(Deaf(), "lstm", 3)
    with pytest.raises(ParameterError, match="'loud'"):
        HeadedBackbone(Deaf(), "loud", 3)


def test_what_stands_in_no_stage_is_frozen_with_the_first():
    torch.manual_seed(0)
    net = HeadedBackbone(AST(dim=8, depth=2, n_heads=2, n_frames=32), "linear", 3)
    own = {"body.cls_token", "body.dist_token", "body.pos_embed"}
    for n, is_taught in ((0, True), (1, False), (2, False)):
        net.freeze(n)
        taught = {name for name, p in net.named_parameters() if p.requires_grad}
        assert own & taught == (own if is_taught else set())
        assert "body.norm.weight" in taught
