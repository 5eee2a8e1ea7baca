"""From a recording to its annotation: front end, model, decoder, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.activations import Activations, Features, Head
from mirkit.arrays import Blocks, Floats32
from mirkit.audio import reading
from mirkit.audio.sources import Source
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid

LEAST_FRAMES = 15_000
ALIGNMENT = 8
"""Windows begin at multiples of it: so heads may have one frame for 2, 4 or 8 of the features."""

Result = TypeVar("Result")


class FrontEnd(Protocol):
    """From audio to features, at one sample rate."""

    @property
    def name(self) -> str:
        """What `Features` remember as their origin."""

    @property
    def sample_rate(self) -> int:
        """The rate that the audio must have [Hz]."""

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames."""

    def stream(self, blocks: Blocks) -> Iterator[Floats32]:
        """Yield the frames of blocks of samples."""


class Model(Protocol):
    """From features to activations, one for each frame or one for all."""

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its activations depend on."""

    def __call__(self, features: Features, weight: Floats32 | None = None) -> Activations:
        """Return the activations; `weight` says how much each frame counts in clip-level heads."""


@dataclass(frozen=True)
class Windows:
    """Run a model on windows of a long recording, so that memory stays bounded.

    Windows lie on a fixed grid. Each is computed with as much context as the model looks at, and
    the context is discarded, so the result is that of the whole recording, up to rounding. Heads
    at clip level see the context but do not count it; they are averaged over the windows as
    logits, which is exact where the head is linear in a mean over frames.

    A recording that is no longer than a window with its context is run whole.

    Parameters
    ----------
    n_frames
        Frames that a window adds to the result. Where None, 15 000 (5 minutes at 50 frames a
        second), or as many as there is context, where that is more: so at most half the work is
        for context.
    """

    n_frames: int | None = None

    def __post_init__(self) -> None:
        if self.n_frames is not None:
            checks.positive("n_frames", self.n_frames)

    def __call__(self, model: Model, features: Features) -> Activations:
        """Return the activations of `model` on `features`."""
        context = sum(model.receptive_field)
        step = self.n_frames or -(-max(LEAST_FRAMES, context) // ALIGNMENT) * ALIGNMENT
        if features.n_frames <= step + context:
            return model(features)
        starts = range(0, features.n_frames, step)
        windows = [_window(model, features, start, start + step) for start in starts]
        return _merged(windows, features.grid)


def _window(
    model: Model, features: Features, start: int, stop: int
) -> tuple[Activations, int, int]:
    """Return the activations of one window, and which of its rows to keep: from, to."""
    before, after = model.receptive_field
    first = max(0, start - before) // ALIGNMENT * ALIGNMENT
    stop = min(stop, features.n_frames)
    values = features.values[first : min(stop + after, features.n_frames)]
    keep, end = start - first, stop - first
    weight = np.zeros(len(values), dtype=np.float32)
    weight[keep:end] = 1
    start_time = float(features.grid.time_of(first))
    window = Features(values, FrameGrid(features.grid.rate, start_time), features.front_end)
    return model(window, weight), keep, end


def _merged(windows: list[tuple[Activations, int, int]], grid: FrameGrid) -> Activations:
    first = windows[0][0]
    heads = {}
    for name, head in first.items():
        parts = [(activations[name], keep, end) for activations, keep, end in windows]
        values = _pooled(parts) if head.grid is None else _joined(name, parts, grid)
        heads[name] = Head(values, head.labels, head.grid, head.kind)
    return Activations(heads, first.provenance)


def _joined(name: str, parts: list[tuple[Head, int, int]], grid: FrameGrid) -> Floats32:
    """Return the frames of a head that windows add, which may stand for several features each."""
    head = parts[0][0]
    stride = grid.rate / (head.grid or grid).rate
    starts = [keep for _, keep, _ in parts] + [end for _, _, end in parts[:-1]]
    if stride.denominator != 1 or any(place % stride for place in starts):
        raise ParameterError(
            f"the head {name!r} has {(head.grid or grid).fps:g} frames a second and the features "
            f"{grid.fps:g}; windows need as many, or one for 2, 4 or 8, and n_frames a multiple"
        )
    n = int(stride)
    return np.concatenate([part.values[keep // n : -(-end // n)] for part, keep, end in parts])


def _pooled(parts: list[tuple[Head, int, int]]) -> Floats32:
    """Return the mean of clip-level heads as logits, weighted by the frames each stands for."""
    kind = parts[0][0].kind
    logits = [_logits(head) for head, _, _ in parts]
    mean = np.average(logits, axis=0, weights=[end - keep for _, keep, end in parts])
    if kind.endswith("logits"):
        return np.asarray(mean, dtype=np.float32)
    head = parts[0][0]
    given = "sigmoid_logits" if kind == "sigmoid" else "softmax_logits"
    return Head(mean, head.labels, None, given).probabilities()  # type: ignore[arg-type]


def _logits(head: Head) -> NDArray[np.float64]:
    values = head.values.astype(np.float64)
    tiny = float(np.finfo(np.float32).tiny)
    if head.kind == "softmax":
        return np.asarray(np.log(np.maximum(values, tiny)))
    if head.kind == "sigmoid":
        return np.asarray(np.log(np.maximum(values, tiny)) - np.log(np.maximum(1 - values, tiny)))
    return values


@dataclass(frozen=True)
class Pipeline(Generic[Result]):
    """A front end, a model and a decoder, joined.

    Parameters
    ----------
    front_end
        From audio to features.
    model
        From features to activations.
    decoder
        From activations to an annotation.
    windows
        How long recordings are cut for the model.
    """

    front_end: FrontEnd
    model: Model
    decoder: Callable[[Activations], Result]
    windows: Windows = field(default_factory=Windows)

    def __call__(self, source: Source | Iterator[NDArray[Any]]) -> Result:
        """Return the annotation of a recording.

        Parameters
        ----------
        source
            What `mirkit.audio.reading.read` takes, or an iterator of blocks of samples at the front
            end's rate, as they come.
        """
        return self.decoder(self.activations(source))

    def activations(self, source: Source | Iterator[NDArray[Any]]) -> Activations:
        """Return what the model makes of a recording, for decoders of one's own."""
        return self.windows(self.model, self.features(source))

    def features(self, source: Source | Iterator[NDArray[Any]]) -> Features:
        """Return what the front end makes of a recording."""
        if isinstance(source, Iterator) and not hasattr(source, "read"):  # files iterate too
            return self._gathered(source)
        with reading.blocks(cast(Source, source), self.front_end.sample_rate) as blocks:
            return self._gathered(blocks)

    def _gathered(self, blocks: Blocks) -> Features:
        return side_by_side((self.front_end,), blocks)[0]


def side_by_side(front_ends: Sequence[FrontEnd], blocks: Blocks) -> list[Features]:
    """Return what several front ends make of one recording, whose blocks go by once.

    The front end that is behind in time goes on, so no more than a few blocks are kept.

    Parameters
    ----------
    front_ends
        Front ends of one sample rate.
    blocks
        Consecutive pieces of the recording at that rate.

    Raises
    ------
    ParameterError
        Where the blocks hold no samples.
    """
    streams = [
        front_end.stream(copy)
        for front_end, copy in zip(front_ends, _copies(blocks, len(front_ends)), strict=True)
    ]
    parts: list[list[Floats32]] = [[] for _ in front_ends]
    reached = [0.0 for _ in front_ends]
    running = set(range(len(front_ends)))
    while running:
        behind = min(running, key=reached.__getitem__)
        part = next(streams[behind], None)
        if part is None:
            running.remove(behind)
            continue
        parts[behind].append(part)
        reached[behind] += len(part) / front_ends[behind].grid.fps
    return [_joined_features(*each) for each in zip(front_ends, parts, strict=True)]


def _copies(blocks: Blocks, n: int) -> list[Iterator[NDArray[Any]]]:
    """Return iterators over the blocks that keep what some have yet to take, and nothing else.

    `itertools.tee` would keep the last 57 whatever has been taken: ten minutes of a recording.
    """
    source = iter(blocks)
    waiting: list[deque[NDArray[Any]]] = [deque() for _ in range(n)]

    def copy(own: deque[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        while True:
            if not own:
                block = next(source, None)
                if block is None:
                    return
                for each in waiting:
                    each.append(block)
                del block
            yield own.popleft()

    return [copy(own) for own in waiting]


def _joined_features(front_end: FrontEnd, parts: list[Floats32]) -> Features:
    if not parts:
        raise ParameterError("there are no frames: the blocks hold no samples")
    values = np.concatenate(parts)
    values.flags.writeable = False  # ours alone: `Features` need not copy it
    return Features(values, front_end.grid, front_end.name)
