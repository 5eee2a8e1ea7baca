"""The track of a recording for export: annotations that are there, and analyses of the others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirkit.cli.files import Source

READ = (".jams", ".json", ".beats", ".csv", ".mid", ".svl", ".labels.txt", ".rpp")
"""Annotations that are looked for, in this order."""

_LONGEST = 20 * 60.0  # [s] of recordings that are kept in memory to be heard more than once


@dataclass(frozen=True)
class Outcome:
    """A recording, its track, its annotations, and how well the grid fits."""

    source: Source
    track: Any
    parts: dict[str, Any]
    fit: Any


@dataclass(frozen=True)
class Worker:
    """The function that runs in each process.

    Parameters
    ----------
    model, weights, decoder, options
        For the beats.
    annotations
        The folder of what is known, or None.
    tolerance
        How far a beat may lie from the grid [s].
    more
        What to find beside beats: ``"key"``, ``"sections"``.
    one_tempo
        Whether grids have one tempo.
    """

    model: str | None = None
    weights: str | None = None
    decoder: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    annotations: Path | None = None
    tolerance: float = 0.010
    more: tuple[str, ...] = ()
    one_tempo: bool = False

    def __call__(self, source: Source) -> Outcome:
        """Analyze a recording, or read what is known of it."""
        parts = self.known(source)
        return self.outcome(source, parts | self.heard(source, parts))

    def known(self, source: Source) -> dict[str, Any]:
        """Return the annotations of a recording that are there."""
        if self.annotations is None:
            return {}
        for suffix in READ:
            for name in (source.place.with_suffix(suffix), Path(f"{source.place}{suffix}")):
                if (self.annotations / name).exists():
                    return read_parts(self.annotations / name)
        return {}

    def heard(self, source: Source, parts: dict[str, Any]) -> dict[str, Any]:
        """Return what is asked for and not among `parts`, by listening."""
        from mirkit.annotation import Beats

        missing = [name for name in ("beats", *self.more) if not _is_known(name, parts)]
        if not missing:
            return {}
        sound = _sound(source.path, len(missing))
        found: dict[str, Any] = {}
        if "beats" in missing:
            found["beats"] = self._beats(sound)
        if "key" in missing:
            from mirkit.music.key import key

            found["key"] = key(sound)
        if "sections" in missing:
            from mirkit.music.section import sections
            from mirkit.music.section.drop import find_drop

            beats = next(x for x in (parts | found).values() if isinstance(x, Beats))
            found["sections"] = sections(sound, beats=beats)
            found["drop"] = find_drop(sound, found["sections"], beats)
        return found

    def outcome(self, source: Source, parts: dict[str, Any]) -> Outcome:
        """Return the track of a recording with these annotations."""
        from mirkit.annotation import Analysis
        from mirkit.errors import AudioError
        from mirkit.formats.dj import file_tags as tags
        from mirkit.formats.dj.tracks import track_of

        try:
            known = tags.known(source.path)
        except AudioError:  # then its name must do
            known = None
        track, fit = track_of(
            source.path,
            Analysis(parts),
            known=known,
            duration=known.duration if known else _length(source.path),
            tolerance=self.tolerance,
            one_tempo=self.one_tempo,
        )
        if not track.title:
            track = replace(track, title=source.place.stem)
        return Outcome(source, track, parts, fit)

    def _beats(self, sound: Any) -> Any:
        from mirkit.music.beat import beats

        return beats(
            sound, model=self.model, weights=self.weights, decoder=self.decoder, **self.options
        )


def read_parts(path: Path) -> dict[str, Any]:
    """Return the annotations in a file, by name."""
    from mirkit.annotation import Analysis
    from mirkit.formats import read

    value = read(path)
    return dict(value) if isinstance(value, Analysis) else {"beats": value}


def _is_known(name: str, parts: dict[str, Any]) -> bool:
    """Return whether annotations hold beats, a key, or sections, whatever they are called."""
    from mirkit.annotation import Beats, Key, Segments

    if name == "sections":
        return any(isinstance(x, Segments) and x.kind == "section" for x in parts.values())
    kind = Beats if name == "beats" else Key
    return any(isinstance(x, kind) for x in parts.values())


def _sound(path: str, n_uses: int) -> Any:
    """Return the samples of a recording that is heard more than once, unless it is very long."""
    from mirkit.audio import reading

    length = _length(path) if n_uses > 1 else None
    return path if length is None or length > _LONGEST else reading.read(path, mono=True)


def _length(path: str) -> float | None:
    """Return the length of a recording [s], or None where it is not told."""
    from mirkit.audio import reading
    from mirkit.errors import AudioError

    try:
        with reading.blocks(path) as stream:
            return stream.duration
    except AudioError:
        return None
