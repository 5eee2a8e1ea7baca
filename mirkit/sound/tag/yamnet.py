"""YAMNet: 521 classes of AudioSet, a window of 0.96 s every 0.48 s.

The published file is TensorFlow Lite's, whose weights are whole numbers of 8 bits. They are
converted once, to the real numbers that they stand for; TensorFlow Lite would round what flows
between the layers to 8 bits too.

References
----------
A. G. Howard et al.: MobileNets: efficient convolutional neural networks for mobile vision
applications. 2017.
S. Hershey et al.: CNN architectures for large-scale audio classification. ICASSP, 2017.
M. Plakal, D. Ellis: YAMNet. TensorFlow Model Garden, 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from mirkit.arrays import Blocks, Floats32
from mirkit.errors import WeightsError
from mirkit.features.logs import OffsetLog
from mirkit.features.mel import MelBank
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.features.stft import STFT
from mirkit.sound.tag.windowed import Window, WindowTagger, cut
from mirkit.vocab.audioset import audioset_labels
from mirkit.zoo.checkpoints import sha256_of
from mirkit.zoo.converting import write_whole
from mirkit.zoo.onnx_graph import OnnxGraph
from mirkit.zoo.tflite import Graph, Operator, read_tflite

NAME = "yamnet"
SHA256 = "687f226c147a2caab4706fbbab5e9cecb14b9a368264bf61108078b1fddf68f5"
"""Of the published ``yamnet.tflite``."""

LENGTH, HOP = 96, 48  # [frames]
OFFSET = 0.001
FRONT_END = LogSpectrogram(
    NAME,
    16000,
    STFT(512, 160, win_length=400, padding="none", power=1),
    MelBank(64, 125, 7500, "kaldi"),
    OffsetLog(OFFSET),
)
"""VGGish's front end but for the smaller offset."""

LEFT_OUT = frozenset(
    {
        "Male speech, man speaking",
        "Female speech, woman speaking",
        "Male singing",
        "Female singing",
        "Battle cry",
        "Funny music",
    }
)
"""Classes of AudioSet that YAMNet was not trained on."""

VERSION = 1
"""Version of `convert`."""

_LAYERS = ("CONV_2D", *("DEPTHWISE_CONV_2D", "CONV_2D") * 13)
_END = ("MEAN", "FULLY_CONNECTED", "LOGISTIC")


@cache
def yamnet_labels() -> tuple[str, ...]:
    """Return the names of the classes in the order of the outputs.

    Examples
    --------
    >>> len(yamnet_labels()), yamnet_labels()[0]
    (521, 'Speech')
    """
    return tuple(label for label in audioset_labels() if label not in LEFT_OUT)


class YAMNet(WindowTagger):
    """YAMNet on recordings of any length.

    As its authors do, a recording is followed by zeros up to the end of its last window, and the
    score of a tag is the plain mean over the windows.

    Examples
    --------
    >>> YAMNet.front_end.n_bins
    64
    """

    front_end: ClassVar[LogSpectrogram] = FRONT_END
    length: ClassVar[int] = LENGTH
    hop: ClassVar[int] = HOP
    n_batch: ClassVar[int] = 8

    @classmethod
    def known(cls) -> dict[str, tuple[str, ...]]:
        """Return the labels of each model of this kind, by its name."""
        return {NAME: yamnet_labels()}

    def _frames(self, blocks: Blocks) -> Iterator[Floats32]:
        return self.front_end.stream(_filled(blocks))

    def _windows(self, frames: Iterable[Floats32]) -> Iterator[Window]:
        n_windows = 0
        for values in cut(frames, LENGTH, HOP):
            if len(values) == LENGTH:
                n_windows += 1
                yield Window(values, 1)
            elif len(values) > (LENGTH - HOP if n_windows else 0):  # frames that no window had
                yield Window(_silent_to(LENGTH, values), 1)


def _filled(blocks: Blocks) -> Iterator[Floats32]:
    """Yield the blocks, and zeros up to the end of the last window."""
    n_samples = 0
    for block in blocks:
        n_samples += block.shape[-1]
        yield block
    if n_samples:
        hop = HOP * FRONT_END.stft.hop_length
        first = (LENGTH - 1) * FRONT_END.stft.hop_length + FRONT_END.stft.framing.frame_length
        missing = first - n_samples if n_samples < first else (first - n_samples) % hop
        yield np.zeros(missing, np.float32)


def _silent_to(length: int, values: Floats32) -> Floats32:
    """Return frames followed by those of silence."""
    width = ((0, length - len(values)), (0, 0))
    return np.pad(values, width, constant_values=np.log(np.float32(OFFSET)))


def convert(source: str | Path, target: str | Path) -> None:
    """Convert the published ``yamnet.tflite`` to a file that `YAMNet.from_weights` takes.

    Raises
    ------
    WeightsError
        Where the file is absent, damaged, or another network.
    """
    graph = read_tflite(source)
    steps = _network(source, graph)
    onnx = OnnxGraph(NAME)
    x = onnx.input("features", ("batch", LENGTH, FRONT_END.n_bins))
    x = onnx.add("Unsqueeze", x, onnx.constant(np.array([1])))
    for step in steps[: len(_LAYERS)]:
        x = _convolved(onnx, graph, step, x)
    embedding = onnx.add("ReduceMean", x, name="embedding", axes=[2, 3], keepdims=0)
    dense = steps[-2]
    weights, bias = (onnx.constant(graph.constant(place)) for place in dense.inputs[1:3])
    logits = onnx.add("Gemm", embedding, weights, bias, transB=1)
    tags = onnx.add("Sigmoid", logits, name="tags")
    onnx.output(tags, ("batch", len(yamnet_labels())))
    onnx.output(embedding, ("batch", 1024))
    kept = {"model": NAME, "weights_sha256": sha256_of(source)}
    write_whole(Path(target), onnx.to_bytes(kept))


def _network(source: str | Path, graph: Graph) -> tuple[Operator, ...]:
    """Return the operators behind the front end, which must be those of YAMNet."""
    steps = graph.operators[-len(_LAYERS) - len(_END) :]
    shapes = [graph.tensors[step.inputs[1]].shape for step in steps if len(step.inputs) == 3]
    ends = shapes and shapes[0] == (32, 3, 3, 1) and shapes[-1] == (len(yamnet_labels()), 1024)
    if tuple(step.kind for step in steps) != (*_LAYERS, *_END) or not ends:
        raise WeightsError(
            f"{source} is no YAMNet: it does not end with {len(_LAYERS)} convolutions from 32 "
            f"filters on and {len(yamnet_labels())} classes of 1024 features"
        )
    return steps


def _convolved(onnx: OnnxGraph, graph: Graph, step: Operator, x: str) -> str:
    """Add a convolution and what follows it, and return the name of what that makes."""
    kernel = graph.constant(step.inputs[1])
    depthwise = step.kind == "DEPTHWISE_CONV_2D"
    # TensorFlow Lite has the filters last in a depthwise kernel, otherwise first; ONNX first.
    weights = kernel.transpose(3, 0, 1, 2) if depthwise else kernel.transpose(0, 3, 1, 2)
    y = onnx.add(
        "Conv",
        x,
        onnx.constant(weights),
        onnx.constant(graph.constant(step.inputs[2])),
        auto_pad="VALID" if step.options["padding"] else "SAME_UPPER",
        strides=[step.options["stride_h"], step.options["stride_w"]],
        group=len(weights) if depthwise else 1,
    )
    return onnx.add("Relu", y) if step.options["activation"] else y
