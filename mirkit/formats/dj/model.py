"""Model of a track in DJ software: one value that all its formats are written from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from mirkit import checks
from mirkit.decoding.grid import BeatGrid
from mirkit.errors import MirkitError, MissingExtra, ParameterError
from mirkit.formats.dj.keys import parse_key
from mirkit.values import Value

CueKind = Literal["hot", "memory", "load", "fade-in", "fade-out"]
Color: TypeAlias = tuple[int, int, int]

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_MOST_STARS = 5


@dataclass(frozen=True)
class Cue:
    """A place in a track that a DJ can jump to; a loop where it has an end.

    Parameters
    ----------
    time
        Where it is [s].
    end
        Where the loop ends [s], or None for a point.
    kind
        ``"hot"`` for one with a button, ``"memory"`` for one without, ``"load"`` for where the
        track starts, ``"fade-in"`` and ``"fade-out"`` for where mixes do.
    number
        The button of a hot cue, from 0; None for the other kinds.
    name
        What the DJ calls it.
    color
        Red, green, blue, each 0 to 255, or None.
    """

    time: float
    end: float | None = None
    kind: CueKind = "hot"
    number: int | None = None
    name: str = ""
    color: Color | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.time < float("inf"):
            raise ParameterError(f"time is {self.time}; a cue lies at 0 s or later")
        if self.end is not None and not self.time < self.end < float("inf"):
            raise ParameterError(f"end is {self.end} s; a loop ends after it begins ({self.time})")
        if self.kind not in get_args(CueKind):
            raise ParameterError(
                f"kind is {self.kind!r}; it is one of {', '.join(get_args(CueKind))}"
            )
        if (self.kind == "hot") != (self.number is not None):
            raise ParameterError(
                f"number is {self.number} of a {self.kind} cue; hot cues have one, and only they"
            )
        if self.number is not None and self.number < 0:
            raise ParameterError(f"number is {self.number}; hot cues count from 0")
        if self.color is not None and not (
            len(self.color) == 3 and all(0 <= x <= 255 for x in self.color)
        ):
            raise ParameterError(f"color is {self.color}; it is red, green, blue, 0 to 255 each")


@dataclass(frozen=True, eq=False)
class DJTrack(Value):
    """A track of a collection.

    Parameters
    ----------
    location
        The whole path of the file. Windows paths are held with forward slashes.
    title, artist, album, genre, comment
        Texts, empty where not known.
    duration
        Length [s], or None.
    sample_rate
        Samples a second [Hz], or None.
    bit_rate
        Bits a second [bit/s], or None.
    size
        Of the file [bytes], or None.
    bpm
        The tempo that is shown [bpm], or None; `tempo` is that of the grid in its absence.
    key
        In any spelling; held as ``"A minor"``. None where not known.
    rating
        Stars, 0 to 5, or None.
    grid
        The beats, or None.
    cues
        Cues and loops.
    """

    location: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    comment: str = ""
    duration: float | None = None
    sample_rate: int | None = None
    bit_rate: int | None = None
    size: int | None = None
    bpm: float | None = None
    key: str | None = None
    rating: int | None = None
    grid: BeatGrid | None = None
    cues: tuple[Cue, ...] = ()

    def __post_init__(self) -> None:
        if not self.location:
            raise ParameterError("location is empty; it is the path of the file")
        object.__setattr__(self, "location", normal_location(self.location))
        for name in ("duration", "sample_rate", "bit_rate", "bpm"):
            value = getattr(self, name)
            if value is not None:
                checks.positive(name, value)
        if self.rating is not None and not 0 <= self.rating <= _MOST_STARS:
            raise ParameterError(f"rating is {self.rating}; it is 0 to {_MOST_STARS} stars")
        if self.key is not None:
            object.__setattr__(self, "key", parse_key(self.key))
        object.__setattr__(self, "cues", tuple(self.cues))

    @property
    def tempo(self) -> float | None:
        """The tempo to show [bpm]: `bpm`, or else that of the grid, or None."""
        return self.bpm if self.bpm is not None or self.grid is None else self.grid.bpm

    @property
    def loops(self) -> tuple[Cue, ...]:
        """The cues that have an end."""
        return tuple(cue for cue in self.cues if cue.end is not None)


@dataclass(frozen=True, eq=False)
class Playlist(Value):
    """A list of tracks, by their locations."""

    name: str
    locations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "locations", tuple(map(normal_location, self.locations)))


@dataclass(frozen=True, eq=False)
class Collection(Value):
    r"""The tracks and playlists of a DJ; each location occurs once.

    Parameters
    ----------
    tracks, playlists
        What it holds.
    failed
        Why tracks of a file, or recordings of a folder, could not be read, by location; one that is
        damaged does not cost the others.

    Examples
    --------
    >>> tracks = [DJTrack("/music/a.mp3", bpm=128.0), DJTrack(r"C:\Music\b.mp3")]
    >>> collection = Collection(tracks, [Playlist("set", ["/music/a.mp3"])])
    >>> len(collection), collection.track("/music/a.mp3").tempo, collection.tracks[1].location
    (2, 128.0, 'C:/Music/b.mp3')
    """

    tracks: tuple[DJTrack, ...] = ()
    playlists: tuple[Playlist, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict, compare=False)
    _by_location: dict[str, DJTrack] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracks", tuple(self.tracks))
        object.__setattr__(self, "playlists", tuple(self.playlists))
        object.__setattr__(self, "failed", MappingProxyType(dict(self.failed)))
        by_location = {track.location: track for track in self.tracks}
        if len(by_location) < len(self.tracks):
            places = [track.location for track in self.tracks]
            twice = next(place for place in places if places.count(place) > 1)
            raise ParameterError(f"{twice} is in the collection twice; join the two tracks")
        object.__setattr__(self, "_by_location", by_location)

    def __len__(self) -> int:
        return len(self.tracks)

    def track(self, location: str) -> DJTrack | None:
        """Return the track at a location, or None where there is none."""
        return self._by_location.get(normal_location(location))


def gather(
    locations: Iterable[str], read: Callable[[str], DJTrack | None]
) -> tuple[tuple[DJTrack, ...], dict[str, str]]:
    """Return what `read` gives for each location, and why it failed for others.

    Where it gives None, there is nothing to say of that location.
    """
    tracks: list[DJTrack] = []
    failed: dict[str, str] = {}
    for location in locations:
        try:
            track = read(location)
        except MissingExtra:  # which all others lack too
            raise
        except (MirkitError, OSError, ValueError, ArithmeticError) as error:
            failed[location] = str(error).removeprefix(f"{location}: ")
        else:
            tracks += [] if track is None else [track]
    return tuple(tracks), failed


def own(track: DJTrack) -> DJTrack:
    """Return what each program sees of a recording by itself: its place, size, length and rates."""
    return DJTrack(
        track.location,
        duration=track.duration,
        sample_rate=track.sample_rate,
        bit_rate=track.bit_rate,
        size=track.size,
    )


def normal_location(path: str) -> str:
    r"""Return a path as collections hold it: Windows paths with forward slashes.

    Examples
    --------
    >>> normal_location(r"C:\Music\a.mp3"), normal_location("/music/a\\b.mp3")
    ('C:/Music/a.mp3', '/music/a\\b.mp3')
    """
    return path.replace("\\", "/") if _WINDOWS.match(path) else path
