"""The loop that trains every task.

All randomness is a function of the seed and the step: the order of clips, where excerpts are cut,
how they are augmented, what dropout drops. So a run that was killed continues as if nothing had
happened, with the same losses to the last bit on the same machine.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor, nn

from mirkit.errors import ParameterError
from mirkit.training.batches import Batch, dropout_seed, open_batches
from mirkit.training.families import make_task, read_recipe
from mirkit.training.logs import Progress, RunLogs
from mirkit.training.optim import clip_gradient, learning_rate
from mirkit.training.ranks import Ranks, join
from mirkit.training.run import Run

STATE = "state.pt"
RECIPE = "recipe.toml"


def train(
    recipe_path: str | Path,
    resume: bool = False,
    device: str | None = None,
    progress: TextIO | None = sys.stderr,
) -> Path:
    """Train by a recipe, and return the folder of the run.

    The folder then holds ``best.safetensors`` and ``best.onnx``, the logs ``train.csv`` and
    ``validation.csv``, a copy of the recipe, and the state to resume from.

    Parameters
    ----------
    recipe_path
        The recipe.
    resume
        Continue the run that its folder holds.
    device
        ``"cpu"``, ``"cuda"``, or None for a GPU where there is one. Under torchrun each process
        takes its own.
    progress
        Stream of the progress bar, which shows on terminals only.

    Raises
    ------
    FormatError
        Where the recipe is wrong.
    ParameterError
        Where the folder holds a run and `resume` is False, or a run of another recipe.
    """
    recipe = read_recipe(recipe_path)
    folder = recipe.path
    torch.set_num_threads(recipe.loop.threads)
    ranks = join(device)
    try:
        _prepare_folder(folder, Path(recipe_path).read_text("utf-8"), resume, ranks)
        run = Run(recipe, make_task(recipe, ranks.device), ranks)
        if resume:
            run.load(folder / STATE)
        _loop(run, folder, progress if ranks.is_first else None)
    finally:
        ranks.close()
    return folder


def _prepare_folder(folder: Path, text: str, resume: bool, ranks: Ranks) -> None:
    state, copy = folder / STATE, folder / RECIPE
    if resume:
        if not state.is_file():
            raise ParameterError(f"{folder} holds no run to resume; {STATE} is absent")
        if copy.read_text("utf-8") != text:
            raise ParameterError(
                f"the recipe differs from {copy}, with which the run began; resume with that, or "
                "give the new recipe another name"
            )
        return
    if state.is_file():
        raise ParameterError(
            f"{folder} holds a run already; resume=True continues it. To begin anew, delete it."
        )
    if ranks.is_first:
        folder.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, "utf-8")


def _loop(run: Run, folder: Path, stream: TextIO | None) -> None:
    loop = run.recipe.loop
    logs = RunLogs(folder, run.step, loop.tensorboard) if run.ranks.is_first else None
    progress = Progress(loop.n_steps, stream)
    saved = time.monotonic()
    with _catch_signals() as stop, open_batches(run) as batches:
        while not run.is_done and not run.ranks.share(len(stop)):
            take_step(run, next(batches))
            if run.step % loop.log_every == 0:
                _log_losses(run, logs)
            if run.step % loop.validate_every == 0 or run.step == loop.n_steps:
                _validate(run, folder, logs)
            if time.monotonic() - saved > 60 * loop.checkpoint_minutes:
                _save(run, folder)
                saved = time.monotonic()
            progress.show(run.step, f"best {run.task.monitor} {run.best:.4f}")
    _save(run, folder)
    progress.close()


def _save(run: Run, folder: Path) -> None:
    if run.ranks.is_first:
        run.save(folder / STATE)


def take_step(run: Run, batch: Batch) -> None:
    """Take one step of the optimizer, and add its losses to those of the run."""
    settings = run.recipe.optimizer
    rate = learning_rate(run.step, run.recipe.loop.n_steps, settings)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.wrapped.train()
    torch.manual_seed(dropout_seed(run))
    totals = _accumulate_gradient(run, batch)
    run.scaler.unscale_(run.optimizer)
    norm = clip_gradient(run.net.parameters(), settings.clip_norm)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    run.optimizer.zero_grad(set_to_none=True)
    run.mean.update(run.net, run.step)
    run.step += 1
    shared = run.ranks.mean(torch.stack(list(totals.values()))).tolist()
    for name, value in [*zip(totals, shared, strict=True), ("gradient_norm", norm)]:
        run.sums[name] = run.sums.get(name, 0.0) + value


def _accumulate_gradient(run: Run, batch: Batch) -> dict[str, Tensor]:
    """Add up the gradients of all parts of a batch, and return its losses."""
    device = run.ranks.device
    sizes = [len(next(iter(part.values()))) for part in batch]
    totals: dict[str, Tensor] = {}
    for i, (part, size) in enumerate(zip(batch, sizes, strict=True)):
        part = {name: x.to(device, non_blocking=True) for name, x in part.items()}
        with _synchronize(run.wrapped, is_last=i == len(batch) - 1), _autocast(run):
            losses = run.task.losses(run.wrapped, part)
        share = size / sum(sizes)
        torch.autograd.backward(run.scaler.scale(losses["loss"] * share))
        for name, loss in losses.items():
            totals[name] = totals.get(name, 0) + loss.detach().float() * share
    return totals


def _validate(run: Run, folder: Path, logs: RunLogs | None) -> None:
    """Score the running mean of the weights, and keep it where it is the best so far."""
    score = 0.0
    if logs is not None:
        scores = run.task.validate(run.mean.net)
        score = scores[run.task.monitor]
        logs.write_scores(run.step, scores)
    score = run.ranks.share(score)
    if score > run.best:
        run.best, run.n_worse = score, 0
        if run.ranks.is_first:
            run.task.save(run.mean.net, folder)
    else:
        run.n_worse += 1


def _log_losses(run: Run, logs: RunLogs | None) -> None:
    """Write the mean losses since the last row."""
    n_steps = run.recipe.loop.log_every
    row = {name: value / n_steps for name, value in run.sums.items()}
    run.sums.clear()
    if logs is not None:
        rate = run.optimizer.param_groups[0]["lr"]
        logs.write_losses(run.step, row | {"learning_rate": rate})


def _autocast(run: Run) -> contextlib.AbstractContextManager[Any]:
    """Return the precision of the recipe on a GPU; a CPU computes in float32, always."""
    precision = run.recipe.loop.precision
    if run.ranks.device.type != "cuda" or precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cuda", getattr(torch, precision))


def _synchronize(net: nn.Module, is_last: bool) -> contextlib.AbstractContextManager[Any]:
    """Average gradients over processes with the last part of a batch only."""
    if is_last or not isinstance(net, nn.parallel.DistributedDataParallel):
        return contextlib.nullcontext()
    return net.no_sync()


@contextlib.contextmanager
def _catch_signals() -> Iterator[Sequence[int]]:
    """Yield a list that is no longer empty once someone asks to stop, so that state is saved."""
    asked: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(name, lambda number, _: asked.append(number)) for name in names]
    except ValueError:  # signals reach the main thread only
        yield asked
        return
    try:
        yield asked
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
