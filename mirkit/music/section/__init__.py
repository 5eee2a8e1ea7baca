"""Sections: where a new part of a piece begins, and which parts are the same again.

There is no network in it: the beats are compared with one another, by tones and timbre. Where a
stretch that is like itself meets another one there is a boundary (`novelty`), and stretches that go
the same way share a letter (`labels`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from mirkit import __version__, checks
from mirkit.activations import Features, Provenance
from mirkit.annotation import Beats, Segments
from mirkit.arrays import Floats, Ints
from mirkit.audio import Audio
from mirkit.audio.reading import Source, read
from mirkit.errors import ParameterError
from mirkit.features.base import FrontEnd
from mirkit.music.section.features import FRONT_END, chroma_of, on_beats, stacked, timbre_of
from mirkit.music.section.labels import letters, likeness
from mirkit.music.section.novelty import novelty, peaks, similarity

LEAST_BEATS = 8
"""With fewer, half seconds are counted instead of beats."""


class Settings(TypedDict, total=False):
    """What `sections` can be told beside the recording."""

    beats: Beats | None


@dataclass(frozen=True, kw_only=True)
class SectionFinder:
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

    def __call__(self, audio: Audio, beats: Beats) -> Segments:
        """Return the sections of a recording whose beats are known."""
        duration = audio.samples.shape[1] / audio.sample_rate
        edges = beat_edges(beats, duration)
        alike, curve = self.compare(audio, edges)
        inner = on_downbeats(peaks(curve, self.threshold, self.apart), edges, beats)
        starts = np.concatenate([[0], inner]).astype(np.int64)
        ends = np.append(inner, len(edges) - 1).astype(np.int64)
        names = letters(likeness(alike, starts, ends), self.same)
        intervals = np.column_stack([edges[starts], edges[ends]])
        origin = Provenance("self-similarity", __version__)
        return Segments(intervals, names, kind="section", provenance=origin)

    def compare(self, audio: Audio, edges: Floats) -> tuple[Floats, Floats]:
        """Return the likeness of the stretches between `edges` [s], and the novelty of each."""
        from mirkit.features import front_end

        front = front_end(FRONT_END)
        rows = on_beats(self.features(front, audio), edges)
        chroma, timbre = chroma_of(rows), timbre_of(rows)
        alike = similarity(chroma, timbre)
        together = similarity(stacked(chroma, self.n_stacked), stacked(timbre, self.n_stacked))
        return together, novelty(alike, self.reach)

    def features(self, front_end: FrontEnd, audio: Audio) -> Features:
        """Return the features of a recording; whoever has them already overrides this."""
        return front_end(read(audio, front_end.sample_rate, mono=True))


@overload
def sections(x: list[Any], **settings: Unpack[Settings]) -> list[Segments]: ...
@overload
def sections(x: Source, **settings: Unpack[Settings]) -> Segments: ...


def sections(x: Source | list[Any], *, beats: Beats | None = None) -> Segments | list[Segments]:
    """Find the sections of a recording, or of each of a list of recordings.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio` or `Track`. A list of
        these gives a list of results.
    beats
        The beats of the recording; None finds them first. Sections begin on beats, on downbeats
        where those are known.

    Returns
    -------
    Segments
        A partition of the recording, its labels A, B, …: what has one letter is the same again.
        There is no confidence, as nothing calibrates it.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError
        Where there are beats of one recording, and a list of them.

    Examples
    --------
    >>> import numpy as np
    >>> found = sections((np.zeros(22050 * 8), 22050), beats=Beats())
    >>> found.labels, found.intervals
    (('A',), array([[0., 8.]]))
    """
    if not isinstance(x, list):
        return _run(x, beats)
    if beats is not None:
        raise ParameterError("beats are of one recording, and there is a list; leave them out")
    return [_run(each, None) for each in x]


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


def _run(x: Source, beats: Beats | None) -> Segments:
    from mirkit.music.beat import beats as find_beats

    audio = read(x, mono=True)
    return SectionFinder()(audio, find_beats(audio) if beats is None else beats)
