"""The exported towers compute what the trained ones do."""

import clap_towers
import numpy as np
import pytest
import torch

from mirkit.training.clap.export import pool, round_vectors
from mirkit.training.clap.small_text import AudioHead, SmallText
from mirkit.zoo.checkpoints import shipped_path
from mirkit.zoo.runtime import Session


def features(n_frames, batch=2):
    rng = np.random.default_rng(0)
    return rng.normal(-6, 3, (batch, n_frames, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return clap_towers.write_clap(tmp_path_factory.mktemp("clap"))


def test_the_audio_tower_is_a_tagger_and_a_head(path):
    audio, _, _ = clap_towers.small_towers()
    x = features(40)
    heard = Session(shipped_path("tag-mn.onnx")).batch(features=x)
    inputs = [torch.from_numpy(heard[name]) for name in ("embedding", "frame_embedding")]
    with torch.no_grad():
        expected = audio(pool(*inputs)).numpy()
        alone = torch.cat([inputs[1], inputs[1], torch.zeros_like(inputs[1])], dim=-1)
        rows = audio(alone).numpy()
    found = Session(path).batch(features=x)
    assert set(found) == {"embedding", "frame_embedding"}
    np.testing.assert_allclose(found["embedding"], expected, atol=1e-5)
    np.testing.assert_allclose(found["frame_embedding"], rows, atol=1e-5)


def test_the_text_tower_is_rounded_and_else_the_same(path):
    _, text, tokenizer = clap_towers.small_towers()
    ids = tokenizer.batch(["a dog barking", "hiss", "xyz"])
    whole, step = round_vectors(text.vectors.weight.detach())
    with torch.no_grad():
        text.vectors.weight.copy_(whole * step)
        expected = text(torch.from_numpy(ids)).numpy()
    run = Session(path.with_name("small-text.onnx"))
    np.testing.assert_allclose(run.batch(ids=ids)["embedding"], expected, atol=1e-5)
    assert run.metadata["pieces"].split("\n") == list(clap_towers.PIECES)


def test_padding_does_not_count():
    _, text, _ = clap_towers.small_towers()
    with torch.no_grad():
        alone, padded = text(torch.tensor([[3, 4]])), text(torch.tensor([[3, 4, 0, 0]]))
    torch.testing.assert_close(alone, padded)


def test_some_piece_of_a_text_is_always_kept_in_training():
    net = SmallText(5, 4, 6, dropout=0.99).train()
    assert torch.isfinite(net(torch.tensor([[1, 2], [3, 0]]))).all()


def test_inputs_are_normed_as_they_were_in_training():
    head = AudioHead(3, 4).eval()
    x = torch.tensor([[1.0, 10.0, 5.0], [3.0, 30.0, 5.0]])
    head.fit_scale(x)
    torch.testing.assert_close(head(x[:1]), head(torch.tensor([[1.0, 10.0, 5.0]])))
    assert head.deviation[2] == pytest.approx(1e-3)  # of a number that never changes
    torch.testing.assert_close(head.mean, torch.tensor([2.0, 20.0, 5.0]))
