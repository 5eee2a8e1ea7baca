"""The towers of clap-mini as ONNX files, which the core runs without torch."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mirkit.backbones.export import OPSET, write_metadata
from mirkit.errors import MissingExtra
from mirkit.text.wordpiece import WordPiece
from mirkit.training.clap.small_text import AudioHead, SmallText
from mirkit.zoo.runtime import Session

_TOWER = "tower/"


class PooledHead(nn.Module):
    """The head of an audio tower behind the outputs of a tagger: of the clip, and of each frame.

    Parameters
    ----------
    head
        Takes the embedding of a tagger, and the maximum and deviation of its frames.
    """

    def __init__(self, head: AudioHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, embedding: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(batch, n)`` and ``(batch, n_frames, n)`` to joint vectors of clip and frames."""
        alone = torch.cat([frames, frames, torch.zeros_like(frames)], dim=-1)
        return self.head(pool(embedding, frames)), self.head(alone)


def pool(embedding: Tensor, frames: Tensor) -> Tensor:
    """Return what a tagger hears in a clip, ``(batch, 3 * n)``.

    Examples
    --------
    >>> pool(torch.tensor([[2.0]]), torch.tensor([[[1.0], [3.0]]]))
    tensor([[2., 3., 1.]])
    """
    deviation = (frames - frames.mean(dim=1, keepdim=True)).square().mean(dim=1).sqrt()
    return torch.cat([embedding, frames.amax(dim=1), deviation], dim=-1)


class _Ids(nn.Module):
    """A text tower that takes numbers of pieces as floats, as all inputs of a `Session` are."""

    def __init__(self, net: SmallText) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: Tensor) -> Tensor:
        y: Tensor = self.net(ids.long())
        return y


def export_audio(
    tagger: str | Path, head: AudioHead, path: str | Path, metadata: Mapping[str, str]
) -> None:
    """Write an audio tower: a tagger, and a head on its embedding and its frames.

    Parameters
    ----------
    tagger
        The ``.onnx`` file of a tagger with outputs ``embedding`` and ``frame_embedding``.
    head
        The head.
    path
        Where to write.
    metadata
        What to keep inside the file beside what the tagger says of itself: ``scale``,
        ``text_sha256``, ``weights_sha256``.
    """
    onnx = _onnx()
    told = Session(tagger).metadata
    part = Path(path).with_suffix(".part")
    n = head.mean.shape[0] // 3
    axes = {name: {0: "batch"} for name in ("in_embedding", "embedding")}
    axes |= {name: {0: "batch", 1: "n_steps"} for name in ("in_frames", "frame_embedding")}
    example = (torch.zeros(2, n), torch.zeros(2, 5, n))
    _export(PooledHead(head), example, part, axes)
    tower = onnx.compose.add_prefix(onnx.load(str(tagger)), _TOWER, rename_inputs=False)
    behind = onnx.load(str(part))
    part.unlink()
    behind.ir_version = tower.ir_version
    joined = onnx.compose.merge_models(
        tower,
        behind,
        io_map=[
            (f"{_TOWER}embedding", "in_embedding"),
            (f"{_TOWER}frame_embedding", "in_frames"),
        ],
        outputs=["embedding", "frame_embedding"],
    )
    onnx.save(joined, str(path))
    config = json.loads(told.get("config", "{}"))
    kept = {name: config[name] for name in ("window", "overlap") if name in config}
    own = {"config": json.dumps({"labels": [], **kept}), "shape": told["shape"]}
    if "front_end" in told:
        own["front_end"] = told["front_end"]
    write_metadata(path, {**own, **metadata})


def export_text(
    net: SmallText, tokenizer: WordPiece, path: str | Path, metadata: Mapping[str, str]
) -> None:
    """Write a text tower with its vocabulary; vectors of pieces as whole numbers of 8 bits.

    Parameters
    ----------
    net
        The tower; its vectors of pieces are rounded.
    tokenizer
        Its tokenizer.
    path
        Where to write.
    metadata
        What to keep inside the file beside the vocabulary.
    """
    axes = {"ids": {0: "batch", 1: "n_tokens"}, "embedding": {0: "batch"}}
    _export(_Ids(net.eval()), (torch.ones(2, 5),), Path(path), axes)
    _quantize_vectors(Path(path), net.vectors.weight.detach())
    write_metadata(path, {"pieces": "\n".join(tokenizer.pieces), **metadata})


def round_vectors(vectors: Tensor) -> tuple[Tensor, float]:
    """Return whole numbers from -127 to 127 and the step that they count.

    Examples
    --------
    >>> whole, step = round_vectors(torch.tensor([[1.27, -0.5]]))
    >>> whole.tolist(), round(step, 4)
    ([[127, -50]], 0.01)
    """
    step = float(vectors.abs().max()) / 127
    return (vectors / step).round().to(torch.int8), step


def _quantize_vectors(path: Path, vectors: Tensor) -> None:
    """Put a table of whole numbers, looked up and multiplied, in the place of one of floats."""
    onnx = _onnx()
    model = onnx.load(str(path))
    graph = model.graph
    table = next(x for x in graph.initializer if tuple(x.dims) == tuple(vectors.shape))
    whole, step = round_vectors(vectors)
    gather = next(node for node in graph.node if node.input and node.input[0] == table.name)
    rows = gather.output[0]
    graph.initializer.remove(table)
    graph.initializer.append(onnx.numpy_helper.from_array(whole.numpy(), table.name))
    graph.initializer.append(
        onnx.numpy_helper.from_array(torch.tensor(step).numpy(), f"{table.name}/step")
    )
    gather.output[0] = f"{rows}/whole"
    cast = onnx.helper.make_node("Cast", [f"{rows}/whole"], [f"{rows}/float"], to=1)
    scaled = onnx.helper.make_node("Mul", [f"{rows}/float", f"{table.name}/step"], [rows])
    place = list(graph.node).index(gather)
    graph.node.insert(place + 1, cast)
    graph.node.insert(place + 2, scaled)
    onnx.save(model, str(path))


def _export(net: nn.Module, example: tuple[Tensor, ...], path: Path, axes: Any) -> None:
    """Write a network whose inputs and outputs have the names of `axes`, in that order."""
    n_inputs = len(example)
    names = [name for name in axes if name.startswith("in_") or name == "ids"]
    outputs = [name for name in axes if name not in names]
    assert len(names) == n_inputs
    with warnings.catch_warnings():
        # The tracing exporter warns of its age; the other one needs onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(), example, str(path), input_names=names, output_names=outputs,
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip


def _onnx() -> Any:
    try:
        import onnx.compose
        import onnx.numpy_helper
    except ImportError:
        raise MissingExtra("onnx", "pip install 'mirkit[torch]'", "exporting a network") from None
    return onnx
