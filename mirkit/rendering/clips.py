"""Rendered clips as values: a sound file, and what is known of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mirkit.annotation import Analysis, Annotation, Beats, Key, SegmentKind, Segments, Tempo
from mirkit.errors import FormatError
from mirkit.metrics.key import longest_key
from mirkit.rendering.labels import drop_silent_keys

SCHEMA = 1


@dataclass(frozen=True)
class Clip:
    """A clip: where its sound lies, and its annotation as it was written.

    Parameters
    ----------
    path
        The sound file.
    truth
        The JSON object beside it: ``beats`` [s], ``positions`` (1 = downbeat; None where bars are
        not known), ``bpm``, ``meter``, ``chords``, ``keys``, ``sections`` (each start, end, label),
        ``drums``, ``instruments``, ``tuning_cents`` (all pitches above 440 Hz tuning), and all of
        `ClipSpec`.
    """

    path: Path
    truth: MappingProxyType[str, Any] = field(repr=False, compare=False)

    @cached_property
    def beats(self) -> Beats:
        """The beats, with their places in the bar where known."""
        positions = self.truth["positions"]
        return Beats(
            np.array(self.truth["beats"], dtype=np.float64),
            None if positions is None else np.array(positions, dtype=np.int64),
        )

    @property
    def bpm(self) -> float | None:
        """Tempo of the median beat interval [bpm], or None where there are no beats."""
        bpm = self.truth["bpm"]
        return None if bpm is None else float(bpm)

    @cached_property
    def chords(self) -> Segments:
        """The chords, labels in Harte's syntax; empty where they are not known."""
        return _segments(self.truth["chords"], "chord")

    @cached_property
    def keys(self) -> Segments:
        """The keys, one for each stretch; empty where they are not known."""
        return _segments(drop_silent_keys(self.truth["keys"], self.truth["chords"]), "key")

    @property
    def key(self) -> Key:
        """The key in which the clip is longest, with the local keys."""
        return longest_key(self.keys)

    @cached_property
    def sections(self) -> Segments:
        """The sections of the song; empty where they are not known."""
        return _segments(self.truth["sections"], "section")

    @property
    def analysis(self) -> Analysis:
        """The truth of the clip by task: beats, tempo, chords, key, sections."""
        known: dict[str, Annotation] = {"beats": self.beats}
        known["tempo"] = Tempo(self.bpm)
        if len(self.chords):
            known["chords"] = self.chords
        if len(self.keys):
            known["key"] = self.key
        if len(self.sections):
            known["sections"] = self.sections
        return Analysis(known, duration=float(self.truth["seconds"]))


def _segments(spans: Sequence[tuple[float, float, str]], kind: SegmentKind) -> Segments:
    intervals = np.array([[start, end] for start, end, _ in spans]).reshape(-1, 2)
    return Segments(intervals, tuple(label for _, _, label in spans), kind=kind)


def clips(folder: str | Path) -> tuple[Clip, ...]:
    """Return the finished clips of a folder in order of name; those still under way are left out.

    Raises
    ------
    FormatError
        Where an annotation has another schema than this version reads.
    """
    return tuple(read_clip(path) for path in sorted(Path(folder).glob("[!.]*.json")))


def read_clip(path: Path) -> Clip:
    """Return the clip whose annotation is `path`; its sound has the same name and ``.flac``."""
    truth = json.loads(path.read_text(encoding="utf-8"))
    if truth.get("schema") != SCHEMA:
        raise FormatError(
            f"{path} has schema {truth.get('schema')!r}; this version reads schema {SCHEMA}. "
            "Was it rendered by another version of mirkit?"
        )
    return Clip(path.with_suffix(".flac"), MappingProxyType(truth))
