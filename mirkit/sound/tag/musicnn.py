"""musicnn: fifty tags of music, of MagnaTagATune or of Last.fm, heard three seconds at a time.

Two networks were trained on each data set: musicnn, whose first filters are as tall as timbres and
as long as rhythms, and a VGG of small filters.

References
----------
J. Pons, X. Serra: musicnn: pre-trained convolutional neural networks for music audio tagging.
ISMIR late-breaking session, 2019.
J. Pons et al.: End-to-end learning for music audio tagging at scale. ISMIR, 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from mirkit import windows
from mirkit.activations import HeadSpec
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError, UnknownName, WeightsError
from mirkit.features import FrontEnd
from mirkit.features.logs import LOG10, OffsetLog
from mirkit.features.mel import MelBank
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.features.stft import STFT
from mirkit.sound.tag.windowed import WindowTagger
from mirkit.vocab.music_tags import LASTFM, MAGNATAGATUNE
from mirkit.windows import Average, Window
from mirkit.zoo.checkpoints import write_whole
from mirkit.zoo.converting import kept_texts
from mirkit.zoo.onnx_graph import OnnxGraph
from mirkit.zoo.registry import Card
from mirkit.zoo.tfbundle import Bundle, read_bundle

Value = TypeVar("Value")

LENGTH = 187  # [frames]: three seconds
FRONT_END = LogSpectrogram(
    "musicnn",
    16000,
    STFT(512, 256),
    MelBank(96, 0, 8000),
    OffsetLog(1.0, gain=10000.0, factor=LOG10),
)
"""Powers in 96 mels, as librosa has them: ``log10(1 + 10000 * power)``.

The authors round the powers to half precision before that, which is left out here: tags differ by
less than .003.
"""

LABELS: Mapping[str, tuple[str, ...]] = {"magnatagatune": MAGNATAGATUNE, "lastfm": LASTFM}
"""The names of tags, as cards call them under ``config.tags``."""

_EPSILON = 1e-3  # of TensorFlow's batch normalization
_TINY = 1e-20  # weight decay left most of some layers below it; products of such numbers are slow


@dataclass(frozen=True)
class LastMovedBack:
    """Windows one after the other, of which the last is moved back to end with the recording.

    It counts by the frames that it adds. A recording shorter than a window is one short window.

    Parameters
    ----------
    length
        Of a window [frames].

    Examples
    --------
    >>> windows = LastMovedBack(4).cut([np.arange(10, dtype=np.float32)])
    >>> [(window.values.tolist(), window.weight) for window in windows]
    [([0.0, 1.0, 2.0, 3.0], 4), ([4.0, 5.0, 6.0, 7.0], 4), ([6.0, 7.0, 8.0, 9.0], 2)]
    """

    length: int
    average: ClassVar[Average] = "probabilities"

    @property
    def hop(self) -> int:
        """Frames from a window to the next."""
        return self.length

    def check(self, heads: Mapping[str, HeadSpec]) -> None:
        """Raise `ParameterError` where a head has rows within the windows."""
        for name, spec in heads.items():
            if spec.per == "frame":
                raise ParameterError(f"the head {name!r} has rows within windows, which overlap")

    def cut(self, places: Iterable[Floats32]) -> Iterator[Window]:
        """Yield the windows; one before the next is kept, and a piece."""
        start, before, rest = 0, None, None
        for piece in places:
            rest = piece if rest is None else np.concatenate([rest, piece])
            while len(rest) > self.length:
                before, rest = rest[: self.length], rest[self.length :]
                yield self._window(start, before, self.length, is_last=False)
                start += self.length
        if rest is not None:
            values = rest if before is None else np.concatenate([before, rest])[-self.length :]
            yield self._window(start, values, len(rest), is_last=True)

    def _window(self, start: int, values: Floats32, n_new: int, *, is_last: bool) -> Window:
        kept = Fraction(len(values) - n_new), Fraction(len(values))
        return Window(start + n_new - len(values), values, kept, n_new, is_last)


class MusicNN(WindowTagger):
    """A network of musicnn on recordings of any length.

    Windows follow each other without overlap. The authors leave out what fills no window; here
    the last window is moved back to end with the recording, and counts by what it adds. What is
    shorter than a window is repeated until it fills one, as in the training of the networks.

    Examples
    --------
    >>> MusicNN.front_end.n_bins
    96
    """

    front_end: ClassVar[FrontEnd] = FRONT_END
    length: ClassVar[int] = LENGTH
    strategy: ClassVar[windows.Strategy] = LastMovedBack(LENGTH)
    usual_batch: ClassVar[int] = 1  # eight at once take 430 MB more and are no faster

    @classmethod
    def labels_of(cls, card: Card) -> tuple[str, ...]:
        """Return the names of the tags of a model.

        Raises
        ------
        UnknownName
            Where its card names none that are known.
        """
        return _choose("config.tags", card, LABELS)

    def fill(self, values: Floats32) -> Floats32:
        """Return frames, repeated."""
        return np.resize(values, (LENGTH, values.shape[1]))

    @classmethod
    def convert(cls, source: Path, target: Path, card: Card) -> None:
        """Convert a published checkpoint to ``.onnx``: see `Converted`.

        Parameters
        ----------
        source
            The data of the checkpoint; its ``.index`` lies beside it.
        target, card
            See `Converted`.
        """
        network, labels = _choose("config.network", card, NETWORKS), cls.labels_of(card)
        prefix, _, _ = source.name.rpartition(".data-")
        bundle = read_bundle(source.with_name(f"{prefix}.index"))
        onnx = OnnxGraph(card.name)
        x = onnx.input("features", ("batch", LENGTH, FRONT_END.n_bins))
        embedding, logits = network(_Layers(onnx, bundle, card.name), x)
        onnx.output(onnx.add("Sigmoid", logits, name="tags"), ("batch", len(labels)))
        onnx.output(onnx.add("Identity", embedding, name="embedding"), ("batch", "n_embedding"))
        write_whole(target, onnx.to_bytes(kept_texts(card)))


def _choose(field: str, card: Card, table: Mapping[str, Value]) -> Value:
    """Return what a card names in a table."""
    name = card.config.get(field.removeprefix("config."), "")
    if name not in table:
        raise UnknownName(f"{field} of {card.source}", str(name), list(table))
    return table[name]


class _Layers:
    """TensorFlow's layers in a graph for onnxruntime; each takes and gives names of tensors.

    Batch normalizations are numbered in the order in which they come, as TensorFlow does.
    """

    def __init__(self, onnx: OnnxGraph, bundle: Bundle, name: str) -> None:
        self.onnx = onnx
        self._bundle = bundle
        self._name = name
        self._n_norms = 0

    def weights(self, name: str) -> NDArray[Any]:
        """Return the weights of this name."""
        if name not in self._bundle:
            raise WeightsError(
                f"{self._bundle.index} does not fit {self._name!r}: it has no {name!r}. Is it "
                "the checkpoint of another network?"
            )
        return self._bundle[name]

    def convolved(self, x: str, name: str, axes: tuple[int, ...], **attributes: Any) -> str:
        """Add a convolution, a ReLU and a batch normalization; `axes` bring filters first."""
        kernel = self.weights(f"{name}/kernel").transpose(axes)
        return self._activate(x, kernel, name, **attributes)

    def temporal(self, x: str, name: str) -> str:
        """Add a convolution over time that hears all channels, ``(batch, channels, time)``."""
        kernel = self.weights(f"{name}/kernel")[:, :, 0].transpose(2, 1, 0)
        return self._activate(x, kernel, name, pads=[3, 3])

    def normalized(self, x: str) -> str:
        """Add the next batch normalization."""
        number = f"_{self._n_norms}" if self._n_norms else ""
        self._n_norms += 1
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        names = (self.weights(f"batch_normalization{number}/{part}") for part in parts)
        constants = [self.onnx.constant(values) for values in names]
        return self.onnx.add("BatchNormalization", x, *constants, epsilon=_EPSILON)

    def dense(self, x: str, name: str) -> str:
        """Add a layer that hears all of its input."""
        parts = (self.onnx.constant(self.weights(f"{name}/{part}")) for part in ("kernel", "bias"))
        return self.onnx.add("Gemm", x, *parts)

    def _activate(self, x: str, kernel: NDArray[Any], name: str, **attributes: Any) -> str:
        weights = self.onnx.constant(np.where(np.abs(kernel) < _TINY, np.float32(0), kernel))
        bias = self.onnx.constant(self.weights(f"{name}/bias"))
        y = self.onnx.add("Conv", x, weights, bias, **attributes)
        return self.normalized(self.onnx.add("Relu", y))


_FILTERS_FIRST = (3, 2, 0, 1)


def _input(layers: _Layers, x: str) -> str:
    """Return the features as one channel, normalized: ``(batch, 1, time, mels)``."""
    return layers.normalized(layers.onnx.add("Unsqueeze", x, layers.onnx.constant(np.array([1]))))


def _musicnn(layers: _Layers, x: str) -> tuple[str, str]:
    """Add musicnn, and return the names of its embedding and of its logits."""
    add = layers.onnx.add
    x = _input(layers, x)
    timbral: dict[str, Any] = {"pads": [3, 0, 3, 0]}
    rhythmic: dict[str, Any] = {"auto_pad": "SAME_UPPER"}
    parts = []
    for i, padding in enumerate((timbral, timbral, rhythmic, rhythmic, rhythmic)):
        name = f"conv2d_{i}" if i else "conv2d"
        y = layers.convolved(x, name, _FILTERS_FIRST, **padding)
        parts.append(add("ReduceMax", y, axes=[3], keepdims=0))  # over what mels are left
    front = add("Concat", *parts, axis=1)
    first = layers.temporal(front, "conv2d_5")
    second = add("Add", layers.temporal(first, "conv2d_6"), first)
    third = add("Add", layers.temporal(second, "conv2d_7"), second)
    x = add("Concat", front, first, second, third, axis=1)
    pools = (add(kind, x, axes=[2], keepdims=1) for kind in ("ReduceMax", "ReduceMean"))
    flat = add("Flatten", add("Concat", *pools, axis=2))
    hidden = add("Relu", layers.dense(layers.normalized(flat), "dense"))
    embedding = layers.normalized(hidden)
    return embedding, layers.dense(embedding, "dense_1")


def _vgg(layers: _Layers, x: str) -> tuple[str, str]:
    """Add the VGG, and return the names of its embedding and of its logits."""
    add = layers.onnx.add
    x = _input(layers, x)
    pools = (((4, 1), (2, 2)), *(((2, 2), (2, 2)),) * 3, ((4, 4), (4, 4)))
    for i, (size, step) in enumerate(pools, start=1):
        x = layers.convolved(x, f"{i}CNN", _FILTERS_FIRST, auto_pad="SAME_UPPER")
        x = add("MaxPool", x, kernel_shape=size, strides=step)
    embedding = add("Flatten", add("Transpose", x, perm=[0, 2, 3, 1]))
    return embedding, layers.dense(embedding, "dense")


NETWORKS = {"musicnn": _musicnn, "vgg": _vgg}
"""What adds each network, as cards call them under ``config.network``."""
