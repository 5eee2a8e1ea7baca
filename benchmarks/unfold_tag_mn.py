"""Write a checkpoint to train on from a shipped tag-mn.onnx, whose norms were folded into weights.

The network then does the same; its batch norms have the statistics of some recordings, so training
goes on as if they had never been folded. Classes beyond those of the file begin at a low
probability.

Run: python benchmarks/unfold_tag_mn.py tag-mn.onnx all.jsonl TARGET.safetensors
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

WIDTHS = (16, 32, 64, 128)
N_CLIPS, N_FRAMES = 160, 125
RARE = -4.0  # bias of a class that is new


def main() -> None:
    """Unfold and write."""
    import report
    import torch

    from mirkit.datasets.sound_folders import read_sounds
    from mirkit.training.families import read_recipe
    from mirkit.training.tag.recipe import TagRecipe
    from mirkit.zoo import checkpoints

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnx", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    recipe = read_recipe(report.ROOT / "recipes" / "tag-mn.toml")
    assert isinstance(recipe, TagRecipe)
    net, kept = folded(args.onnx)
    clips = [each for each in read_sounds(args.rows) if each.sound.split == "train"]
    places = np.random.default_rng(0).permutation(len(clips))[:N_CLIPS]
    x = torch.from_numpy(np.stack([excerpt(clips[i].sound.path) for i in places]))
    with torch.no_grad():
        before = net(x).logits
        unfold(net, x)
        assert (net(x).logits - before).abs().max() < 1e-3
    state = widened(net.state_dict(), kept, recipe.data.labels)
    args.target.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.save_tensors(args.target, state)


def folded(path: Path) -> tuple[Any, list[str]]:
    """Return the network of a file, its norms without effect, and its labels."""
    import onnx
    import torch
    from onnx import numpy_helper

    from mirkit.backbones.residual import ResidualCNN

    model = onnx.load(str(path))
    values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    kept = json.loads({each.key: each.value for each in model.metadata_props}["config"])["labels"]
    net = ResidualCNN(n_classes=len(kept), widths=WIDTHS).eval()
    state = net.state_dict()
    for name in state:
        if f"heads.net.{name}" in values:
            state[name] = torch.tensor(values[f"heads.net.{name}"])
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    nodes = [node for node in convolutions if len(node.input) == 3]
    for node, (conv, norm) in zip(nodes, pairs(), strict=True):
        weight, bias = (torch.tensor(values[name]) for name in node.input[1:])
        state[f"{conv}.weight"], state[f"{norm}.bias"] = weight, bias
        eps = net.get_submodule(norm).eps
        state[f"{norm}.weight"] = torch.ones_like(bias)
        state[f"{norm}.running_mean"] = torch.zeros_like(bias)
        state[f"{norm}.running_var"] = torch.full_like(bias, 1 - eps)
    net.load_state_dict(state)
    return net, kept


def pairs() -> list[tuple[str, str]]:
    """Return the convolutions of the network with their norms, in order."""
    found = [("stem.0", "stem.1")]
    for i in range(len(WIDTHS)):
        found += [(f"stages.{i}.0.conv{j}", f"stages.{i}.0.norm{j}") for j in (1, 2)]
    return found


def excerpt(path: Path) -> np.ndarray:
    """Return features of the beginning of a recording, repeated where it is short."""
    from mirkit.audio import reading
    from mirkit.features import front_end

    end = front_end("mirkit_32k")
    values = end(reading.read(path, end.sample_rate).mono()).values[:N_FRAMES]
    return np.resize(values, (N_FRAMES, values.shape[1]))


def unfold(net: Any, x: Any) -> None:
    """Give each norm the statistics of what it hears, and weights that undo them."""
    import torch

    heard: dict[str, Any] = {}
    hooks = [
        net.get_submodule(conv).register_forward_hook(
            lambda _, inputs, output, norm=norm: heard.__setitem__(norm, output)
        )
        for conv, norm in pairs()
    ]
    net(x)
    for hook in hooks:
        hook.remove()
    for name, output in heard.items():
        norm = net.get_submodule(name)
        norm.running_mean.copy_(output.mean((0, 2, 3)))
        norm.running_var.copy_(output.var((0, 2, 3)))
        norm.weight.data = torch.sqrt(norm.running_var + norm.eps)
        norm.bias.data += norm.running_mean


def widened(state: dict[str, Any], kept: list[str], labels: Any) -> dict[str, Any]:
    """Return the state with a classifier of all labels."""
    import torch

    weight = torch.zeros(len(labels), state["classifier.weight"].shape[1])
    bias = torch.full((len(labels),), RARE)
    for i, label in enumerate(kept):
        place = labels.index(label)
        weight[place] = state["classifier.weight"][i]
        bias[place] = state["classifier.bias"][i]
    return {**state, "classifier.weight": weight, "classifier.bias": bias}


if __name__ == "__main__":
    main()
