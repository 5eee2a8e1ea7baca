"""From self-similarity to sections: boundaries where stretches that are alike meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.activations import Activations, Head
from mirkit.annotation import Beats, Segments
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError
from mirkit.music.section.features import chroma_of, on_beats, stack_frames, timbre_of
from mirkit.music.section.labels import letters, likeness
from mirkit.music.section.model import BINS
from mirkit.music.section.novelty import novelty, peaks, similarity
from mirkit.system import find_decoder
from mirkit.zoo.registry import Card

DEFAULT = "novelty"

LEAST_BEATS = 8
"""With fewer, half seconds are counted instead of beats."""


@dataclass(frozen=True, kw_only=True)
class SectionDecoder:
    """Find sections by self-similarity.

    Parameters
    ----------
    reach
        Beats before and after a boundary that are compared.
    apart
        Beats from a boundary to the next, at least.
    threshold
        Novelty of a boundary, at least.
    same
        Likeness of segments that share a letter, at least.
    n_stacked
        Beats that are compared together: then order counts, too.
    """

    reach: int = 16
    apart: int = 8
    threshold: float = 0.06
    same: float = 0.5
    n_stacked: int = 4

    def __post_init__(self) -> None:
        for name in ("reach", "apart", "n_stacked"):
            checks.positive(name, getattr(self, name))
        checks.unit_number("threshold", self.threshold)
        checks.unit_number("same", self.same)

    def __call__(self, activations: Activations, beats: Beats) -> Segments:
        """Return the sections of a recording whose beats are known."""
        head = activations[BINS]
        if head.grid is None:
            raise ParameterError(f"the head {BINS!r} has no grid; sections need frames")
        duration = activations.duration or float(head.grid.time_of(head.n_frames))
        edges = beat_edges(beats, duration)
        alike, curve = self.compare(head, edges)
        inner = on_downbeats(peaks(curve, self.threshold, self.apart), edges, beats)
        starts = np.concatenate([[0], inner]).astype(np.int64)
        ends = np.append(inner, len(edges) - 1).astype(np.int64)
        names = letters(likeness(alike, starts, ends), self.same)
        intervals = np.column_stack([edges[starts], edges[ends]])
        return Segments(intervals, names, kind="section", provenance=activations.provenance)

    def compare(self, head: Head, edges: Floats) -> tuple[Floats, Floats]:
        """Return the likeness of the stretches between `edges` [s], and the novelty of each."""
        rows = on_beats(head, edges)
        chroma, timbre = chroma_of(rows), timbre_of(rows)
        alike = similarity(chroma, timbre)
        together = similarity(
            stack_frames(chroma, self.n_stacked), stack_frames(timbre, self.n_stacked)
        )
        return together, novelty(alike, self.reach)


def beat_edges(beats: Beats, duration: float) -> Floats:
    """Return 0, the beats, and the duration [s], shape ``(n,)``; half seconds for few beats."""
    times = beats.times if len(beats) >= LEAST_BEATS else np.arange(0.5, duration, 0.5)
    inner = times[(times > 0.05) & (times < duration - 0.05)]
    return np.concatenate([[0.0], inner, [duration]])


def on_downbeats(found: Ints, edges: Floats, beats: Beats) -> Ints:
    """Return boundaries moved to the downbeat one or two beats away, where there is one."""
    downbeats = beats.downbeats
    if not len(downbeats) or not len(found):
        return found
    is_first = np.abs(edges[:, None] - downbeats).min(axis=1) < 1e-6
    moved = []
    for beat in found.tolist():
        near = [each for each in range(beat - 2, beat + 3) if 0 < each < len(edges) - 1]
        firsts = [each for each in near if is_first[each]]
        moved.append(min(firsts, key=lambda each: abs(each - beat)) if firsts else beat)
    return np.unique(np.array(moved, dtype=np.int64))


DECODERS: Mapping[str, Callable[..., SectionDecoder]] = {"novelty": SectionDecoder}


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> SectionDecoder:
    """Return the decoder called `name`, or the default one, with its options set.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.

    Examples
    --------
    >>> decoder(apart=16).apart
    16
    """
    found: SectionDecoder = find_decoder("section decoder", DECODERS, name or DEFAULT, options)
    return found
