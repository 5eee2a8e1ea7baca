"""Fit a network for sound events to stores of scenes, from labels with and without times."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.training.event.augment import SceneAugment
from mirkit.training.event.data import SceneStore

Labels = Literal["strong", "weak", "both"]


@dataclass(frozen=True)
class FitSettings:
    """The settings of `fit`.

    Parameters
    ----------
    labels
        What teaches it: frames (``"strong"``), clips (``"weak"``), or both.
    n_batch
        Scenes of a batch.
    seconds
        How long it learns [s of wall clock]; the learning rate falls to 0 by then.
    n_batches
        How many batches at most.
    rate
        Highest learning rate.
    body_rate
        That of the body, where it comes with weights, as a share.
    warm_up
        Share of the time in which the rate rises.
    decay
        Weight decay.
    seed
        Of the batches and their changes.
    augment
        What changes them.
    """

    labels: Labels = "both"
    n_batch: int = 16
    seconds: float = 2400.0
    n_batches: int = 100_000
    rate: float = 2e-3
    body_rate: float = 0.5
    warm_up: float = 0.05
    decay: float = 1e-3
    seed: int = 0
    augment: SceneAugment = field(default_factory=SceneAugment)

    def __post_init__(self) -> None:
        if self.labels not in ("strong", "weak", "both"):
            raise ParameterError(f"labels is {self.labels!r}; it is strong, weak or both")
        for name in ("n_batch", "seconds", "n_batches", "rate"):
            checks.positive(name, getattr(self, name))


def event_loss(output: Any, targets: Tensor, labels: Labels) -> Tensor:
    """Return the cross-entropy of frames, of clips, or their sum.

    Parameters
    ----------
    output
        Of the backbone: `frame_logits` and `logits`.
    targets
        Shape ``(batch, n_steps, n_classes)``, in [0, 1]; of a clip, their largest.
    labels
        Which of them count.
    """
    strong = F.binary_cross_entropy_with_logits(output.frame_logits, targets)
    weak = F.binary_cross_entropy_with_logits(output.logits, targets.amax(dim=1))
    return {"strong": strong, "weak": weak, "both": strong + 0.5 * weak}[labels]


def fit(
    net: nn.Module,
    stores: Sequence[SceneStore],
    settings: FitSettings,
    log: Callable[[dict[str, float]], None] = lambda row: None,
    checkpoint: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Fit a network in place.

    Parameters
    ----------
    net
        A `mirkit.backbones.sed.network.EventCRNN`, or another backbone with frames.
    stores
        The scenes.
    settings
        How.
    log
        Takes ``batch``, ``seconds``, ``loss`` and ``rate`` every 25 batches.
    checkpoint
        Where weights are kept every 200 batches and at the end, or None.
    clock
        Tells the time [s].
    """
    rng = np.random.default_rng(settings.seed)
    torch.manual_seed(settings.seed)
    optimizer = torch.optim.AdamW(_groups(net, settings), weight_decay=settings.decay)
    began, losses = clock(), []
    net.train()
    for i, (features, targets) in enumerate(_batches(stores, settings, rng)):
        done = max((clock() - began) / settings.seconds, i / settings.n_batches)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = group["most"] * rate_at(done, settings.warm_up)
        loss = event_loss(
            net(torch.from_numpy(features)), torch.from_numpy(targets), settings.labels
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        losses.append(loss.item())
        if i % 25 == 24:
            rate = optimizer.param_groups[0]["lr"]
            row = {"batch": i + 1, "seconds": clock() - began, "rate": rate}
            log(row | {"loss": float(np.mean(losses[-25:]))})
        if checkpoint is not None and i % 200 == 199:
            save(net, checkpoint)
    net.eval()
    if checkpoint is not None:
        save(net, checkpoint)


def rate_at(done: float, warm_up: float) -> float:
    """Return the learning rate at a share of the time: a rise, then half a cosine, in [0, 1].

    Examples
    --------
    >>> rate_at(0.05, 0.1), round(rate_at(0.55, 0.1), 2), round(rate_at(1.0, 0.1), 2)
    (0.5, 0.5, 0.0)
    """
    if done < warm_up:
        return done / warm_up
    return float(0.5 + 0.5 * np.cos(np.pi * (done - warm_up) / (1 - warm_up)))


def save(net: nn.Module, path: Path) -> None:
    """Write the weights of a network at once and whole."""
    from safetensors.torch import save_file

    part = path.with_suffix(".part")
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    save_file(tensors, str(part))
    part.replace(path)


def _groups(net: nn.Module, settings: FitSettings) -> list[dict[str, Any]]:
    """Return the parameters with their highest learning rates: those of the body apart."""
    body = [p for name, p in net.named_parameters() if name.startswith("body.")]
    rest = [p for name, p in net.named_parameters() if not name.startswith("body.")]
    rates = (settings.rate, settings.rate * settings.body_rate)
    pairs = zip((rest, body), rates, strict=True)
    return [{"params": each, "most": rate, "lr": 0.0} for each, rate in pairs if each]


def _batches(
    stores: Sequence[SceneStore], settings: FitSettings, rng: np.random.Generator
) -> Iterator[tuple[Floats32, Floats32]]:
    """Yield batches without end: the stores in random order, over and over."""
    while True:
        for k in rng.permutation(len(stores)):
            for batch in stores[int(k)].batches(settings.n_batch, rng):
                yield settings.augment(batch, rng)


def json_lines(path: Path) -> Callable[[dict[str, float]], None]:
    """Return a function that adds a row to a file of JSON lines."""

    def log(row: dict[str, float]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: round(value, 6) for key, value in row.items()}) + "\n")

    return log
