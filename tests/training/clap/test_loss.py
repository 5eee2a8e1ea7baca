"""InfoNCE as it is written in papers, and the same over several processes."""

import math
import os
from functools import partial

import pytest
import torch
import torch.multiprocessing as mp

from mirkit.training.clap.loss import info_nce, match


def drawn(seed=0, n=5, dim=4):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, dim, generator=generator), torch.randn(n, dim, generator=generator)


def plain(audio, text, temperature):
    """−1/N Σ log softmax(cos / τ), both ways, with loops."""

    def cosine(a, t):
        dot = sum(x * y for x, y in zip(a, t, strict=True))
        return dot / math.hypot(*a) / math.hypot(*t)

    def one_way(xs, ys):
        total = 0.0
        for i, x in enumerate(xs):
            odds = [math.exp(cosine(x, y) / temperature) for y in ys]
            total -= math.log(odds[i] / sum(odds))
        return total / len(xs)

    a, t = audio.tolist(), text.tolist()
    return (one_way(a, t) + one_way(t, a)) / 2


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_it_is_what_papers_say(temperature):
    audio, text = drawn()
    expected = plain(audio, text, temperature)
    assert float(info_nce(audio, text, 1 / temperature)) == pytest.approx(expected, rel=1e-5)


def test_lengths_of_vectors_do_not_count():
    audio, text = drawn()
    torch.testing.assert_close(info_nce(3 * audio, text / 7, 10.0), info_nce(audio, text, 10.0))


def test_shares_are_spread_over_true_texts():
    logits = torch.tensor([[2.0, 1.0, -1.0]])
    truth = torch.tensor([[1.0, 1.0, 0.0]])
    rows = -(logits.log_softmax(1)[0, :2].mean())
    torch.testing.assert_close(match(logits, truth), rows / 2)  # each column has one row alone


def test_what_has_no_truth_does_not_count():
    logits, truth = torch.randn(3, 3), torch.eye(3)
    truth[2, 2] = 0
    expected = -(logits.log_softmax(1).diag()[:2].mean() + logits.log_softmax(0).diag()[:2].mean())
    torch.testing.assert_close(match(logits, truth), expected / 2)


def in_rank(rank, folder, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    audio, text = (x[3 * rank : 3 * rank + 3].requires_grad_() for x in drawn(n=6))
    loss = info_nce(audio, text, 5.0)
    loss.backward()
    torch.save({"loss": loss.detach(), "grad": audio.grad}, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_are_one_batch(tmp_path):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(partial(in_rank, folder=str(tmp_path), port=port), nprocs=2)
    audio, text = drawn(n=6)
    audio.requires_grad_()
    whole = info_nce(audio, text, 5.0)
    whole.backward()
    parts = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    for part in parts:
        torch.testing.assert_close(part["loss"], whole.detach())
    # Each process computes the whole loss, and gradients are summed: twice those of one process.
    grads = torch.cat([part["grad"] for part in parts]) / 2
    torch.testing.assert_close(grads, audio.grad)
