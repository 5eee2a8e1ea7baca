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
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mirkit import windows
from mirkit.arrays import Floats32
from mirkit.errors import WeightsError
from mirkit.features import FrontEnd
from mirkit.features.logs import OffsetLog
from mirkit.features.mel import MelBank
from mirkit.features.spectrogram import LogSpectrogram, OnSpectrogram
from mirkit.features.stft import STFT
from mirkit.sound.tag.windowed import WindowTagger
from mirkit.vocab.audioset import audioset_labels
from mirkit.zoo.checkpoints import write_whole
from mirkit.zoo.converting import kept_texts
from mirkit.zoo.onnx_graph import OnnxGraph
from mirkit.zoo.registry import Card
from mirkit.zoo.tflite import Graph, Operator, read_tflite

LENGTH, HOP = 96, 48
"""Frames of a window, and from a window to the next."""

OFFSET = 0.001


@dataclass(frozen=True)
class WholeWindows(OnSpectrogram):
    """A spectrogram whose recordings are followed by zeros up to the end of their last window.

    Parameters
    ----------
    spectrogram
        The spectrogram, whose frames are not padded.
    length, hop
        Frames of a window, and from a window to the next.

    Examples
    --------
    >>> FRONT_END.n_frames(1), FRONT_END.n_frames(15600), FRONT_END.n_frames(15601)
    (96, 96, 144)
    """

    spectrogram: LogSpectrogram
    length: int
    hop: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name that its features keep."""
        return self.spectrogram.name

    @property
    def n_bins(self) -> int:
        """Number of values in a frame."""
        return self.spectrogram.n_bins

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        if n_samples < 1:
            return 0
        return self.spectrogram.n_frames(n_samples + self._n_missing(n_samples))

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        return self.spectrogram.stream(self._filled(blocks))

    def _filled(self, blocks: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        n_samples, shape = 0, (1,)
        for block in blocks:
            n_samples, shape = n_samples + block.shape[-1], block.shape
            yield block
        if n_samples:
            yield np.zeros((*shape[:-1], self._n_missing(n_samples)), np.float32)

    def _n_missing(self, n_samples: int) -> int:
        """Return how many zeros follow a recording."""
        stft = self.spectrogram.stft
        first = (self.length - 1) * stft.hop_length + stft.framing.frame_length
        if n_samples < first:
            return first - n_samples
        return (first - n_samples) % (self.hop * stft.hop_length)


FRONT_END = WholeWindows(
    LogSpectrogram(
        "yamnet",
        16000,
        STFT(512, 160, win_length=400, padding="none", power=1),
        MelBank(64, 125, 7500, "kaldi"),
        OffsetLog(OFFSET),
    ),
    LENGTH,
    HOP,
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

    As its authors have it, a recording is followed by zeros up to the end of its last window, and
    the score of a tag is the plain mean over the windows.

    Examples
    --------
    >>> YAMNet.front_end.n_bins
    64
    """

    front_end: ClassVar[FrontEnd] = FRONT_END
    length: ClassVar[int] = LENGTH
    strategy: ClassVar[windows.Strategy] = windows.Overlap(LENGTH, HOP)
    usual_batch: ClassVar[int] = 8

    @classmethod
    def labels_of(cls, card: Card) -> tuple[str, ...]:
        """Return the names of the tags."""
        return yamnet_labels()

    def fill(self, values: Floats32) -> Floats32:
        """Return frames followed by those of silence."""
        rows: Floats32 = windows.pad(values[None], LENGTH, float(np.log(OFFSET)))[0]
        return rows

    @classmethod
    def convert(cls, source: Path, target: Path, card: Card) -> None:
        """Convert the published ``yamnet.tflite`` to ``.onnx``: see `Converted`."""
        graph = read_tflite(source)
        steps = _network(source, graph)
        onnx = OnnxGraph(card.name)
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
        write_whole(target, onnx.to_bytes(kept_texts(card)))


def _network(source: Path, graph: Graph) -> tuple[Operator, ...]:
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
