"""Average the weights of a run with those that it began from (WiSE-FT): what is new, and what was.

A network that goes on from weights and learns other data forgets; between both ends of its way the
loss stays low, so their mean keeps most of either. Batch norms hear recordings again, as statistics
do not average. Classes that the old weights lack keep the new ones.

Run: python benchmarks/mix_tag_mn.py RUN BEFORE.safetensors TARGET [--share .3] [--n-old 110]

References
----------
M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

N_CLIPS, BATCH = 500, 50


def main() -> None:
    """Mix and write, as a run that can be shipped."""
    import torch

    from mirkit.training.families import read_recipe
    from mirkit.training.tag.recipe import TagRecipe
    from mirkit.training.tag.task import TagTask
    from mirkit.zoo import checkpoints

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("before", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--share", type=float, default=0.3, help="of the run")
    parser.add_argument("--n-old", type=int, default=110, help="classes of the weights before")
    args = parser.parse_args()
    recipe = read_recipe(args.run / "recipe.toml")
    assert isinstance(recipe, TagRecipe)
    task = TagTask(replace(recipe, model=replace(recipe.model, weights="")), torch.device("cpu"))
    new, old = (
        checkpoints.load_tensors(x)[0] for x in (args.run / "best.safetensors", args.before)
    )
    net = task.network()
    net.load_state_dict(mixed(new, old, args.share, args.n_old))
    hear_again(net, task)
    args.target.mkdir(parents=True, exist_ok=True)
    shutil.copy(args.run / "recipe.toml", args.target / "recipe.toml")
    task.save(net, args.target)
    print(task.validate(net))


def mixed(new: Any, old: Any, share: float, n_old: int) -> dict[str, Any]:
    """Return the mean of two states."""
    state = {
        name: (share * x.float() + (1 - share) * old[name].float()).to(x.dtype)
        for name, x in new.items()
    }
    for name in ("classifier.weight", "classifier.bias"):
        state[name][n_old:] = new[name][n_old:]
    return state


def hear_again(net: Any, task: Any) -> None:
    """Set the statistics of the norms from excerpts of recordings that train."""
    import torch

    norms = [m for m in net.modules() if hasattr(m, "reset_running_stats")]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    rng = np.random.default_rng(0)
    net.train()
    with torch.no_grad():
        for places in rng.permutation(task.train)[:N_CLIPS].reshape(-1, BATCH):
            x = np.stack([excerpt(task.store[int(i)], task.inputs.domain.n_frames, rng)
                          for i in places])  # fmt: skip
            net(torch.from_numpy(x))
    net.eval()


def excerpt(values: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return some frames of a recording, repeated where it is short."""
    first = int(rng.integers(max(1, len(values) - length)))
    part = values[first : first + length]
    return np.resize(part, (length, part.shape[1])).astype(np.float32)


if __name__ == "__main__":
    main()
