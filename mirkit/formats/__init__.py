"""Annotation files: `save` and `read` choose the format by the suffix of the path.

Each format is a module with two functions, ``dumps(value)`` and ``loads(data, name)``, and a row in
`FORMATS`. To add one, add both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast, get_args

from mirkit import checks
from mirkit.annotation import (
    Analysis,
    Annotation,
    Beats,
    Caption,
    Embedding,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
    TempoMap,
)
from mirkit.audio.sources import missing_message
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.formats.atomic import replace_file

__all__ = ["FORMATS", "Format", "Saved", "dumps", "format_of", "loads", "read", "save"]

Saved: TypeAlias = Annotation | Analysis
"""What can be written."""


@dataclass(frozen=True, slots=True)
class Format:
    """A row of `FORMATS`.

    Parameters
    ----------
    name
        Its name, and that of its module.
    suffixes
        Of its files, in lower case; the first is the usual one.
    values
        The types it can write, and gives back when read.
    drops
        What does not survive a round trip, or an empty text.
    writes
        The types that it can write, too, and gives back as another one.
    binary
        Whether its files are bytes and not text.
    """

    name: str
    suffixes: tuple[str, ...]
    values: tuple[type, ...]
    drops: str = ""
    binary: bool = False
    writes: tuple[type, ...] = ()

    def dumps(self, value: Saved) -> str | bytes:
        """Return the content of a file that holds `value`."""
        kinds = self.values + self.writes
        if not isinstance(value, kinds):
            rows = FORMATS.values()
            able = [row.name for row in rows if isinstance(value, row.values + row.writes)]
            raise ParameterError(
                f"{self.name} files hold {_names(kinds)}, not {type(value).__name__}; "
                f"{_names((type(value),))} goes into {', '.join(able) or 'no format'}"
            )
        module = import_module(f"mirkit.formats.{self.name}")
        return cast("str | bytes", module.dumps(value))

    def loads(self, data: bytes, name: str) -> Saved:
        """Return what the content of a file means; `name` is for messages."""
        module = import_module(f"mirkit.formats.{self.name}")
        content = data if self.binary else _text(data, name)
        try:
            return cast("Saved", module.loads(content, name))
        except ParameterError as error:  # each value in its place, but not together
            raise FormatError(f"{name}: {error}") from None


_ALL = (*get_args(Annotation), Analysis)

FORMATS = {
    row.name: row
    for row in (
        Format("jams", (".jams",), _ALL),
        Format(
            "json",
            (".json",),
            _ALL,
            drops="version and hash of the model; of the tempo hypotheses of beats, their beats",
        ),
        Format(
            "csv",
            (".csv",),
            (Beats, Tempo, TempoMap, Segments, Events, Tags, Key, Caption),
            drops="the model; the tempo hypotheses of beats; the local keys of a key",
        ),
        Format(
            "beats",
            (".beats", ".beats.txt"),
            (Beats,),
            drops="digits below 1 µs; all but times and positions",
        ),
        Format(
            "lab", (".lab", ".chords"), (Segments,), drops="digits below 1 µs; confidence, model"
        ),
        Format(
            "midi",
            (".mid", ".midi"),
            (Beats, TempoMap, Segments, Events),
            drops="digits below 10 µs, of notes below 0.5 ms; all but times, bars, labels, and the "
            "semitone and velocity of notes",
            binary=True,
        ),
        Format(
            "audacity",
            (".labels.txt",),
            (Beats, Segments),
            drops="digits below 1 µs; all but times, positions and labels",
            writes=(Events,),
        ),
        Format(
            "svl",
            (".svl",),
            (Beats, Segments),
            drops="digits below 12 µs; all but times, positions and labels",
            writes=(Events,),
        ),
        Format(
            "svcsv",
            (".sv.csv",),
            (Beats, Segments),
            drops="digits below 1 ns; all but times, positions and labels",
        ),
        Format(
            "reaper",
            (".rpp",),
            (Beats, TempoMap),
            drops="all but times, tempi and bars",
        ),
        Format(
            "reapercsv",
            (".reaper.csv",),
            (Beats, Segments),
            drops="digits below 1 µs; all but times, positions and labels",
        ),
        Format(
            "dcase",
            (".tsv",),
            (Events,),
            drops="digits below 1 µs; kind and model, of notes pitches and velocities",
        ),
        Format("npy", (".npy",), (Embedding,), drops="clock and model", binary=True),
        Format(
            "parquet",
            (".parquet",),
            (Embedding,),
            drops="version and hash of the model",
            binary=True,
        ),
    )
}
"""The formats by name."""


def save(x: Saved, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write an annotation, or the `Analysis` of a track, to a file.

    The file appears at once and whole: a writer that is interrupted leaves what was there before.

    Parameters
    ----------
    x
        What to write.
    path
        Where; an existing file is replaced.
    format
        Name of the format in `FORMATS`; None goes by the suffix.

    Raises
    ------
    UnknownName
        Where there is no such format or suffix.
    ParameterError
        Where the format does not hold such a value.
    WriteError
        Where the file cannot be written; it is an OSError too.
    """
    content = format_of(path, format).dumps(x)
    replace_file(path, content.encode() if isinstance(content, str) else content)


def read(path: str | os.PathLike[str], format: str | None = None) -> Saved:
    """Read an annotation file.

    Parameters
    ----------
    path
        The file.
    format
        Name of the format in `FORMATS`; None goes by the suffix.

    Returns
    -------
    Annotation or Analysis
        The value that the file holds; an `Analysis` where it holds several.

    Raises
    ------
    UnknownName
        Where there is no such format or suffix.
    FormatError
        Where the file is missing or does not follow its format; the message names the line, and
        guesses the mistake.
    """
    row = format_of(path, format)
    try:
        data = Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FormatError(missing_message(Path(path))) from None
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from None
    return row.loads(data, str(path))


def dumps(x: Saved, format: str) -> str:
    r"""Return the text of a file in a text format.

    Examples
    --------
    >>> dumps(Beats([0.5, 1.0], positions=[1, 2]), "beats")
    '0.500000\t1\n1.000000\t2\n'
    """
    content = format_of("", format).dumps(x)
    if isinstance(content, bytes):
        raise ParameterError(f"{format} is no text format; use save")
    return content


def loads(text: str, format: str, name: str = "<text>") -> Saved:
    """Return what the text of a file means.

    Examples
    --------
    >>> loads("0.5 1", "beats").downbeats
    array([0.5])
    """
    return format_of("", format).loads(text.encode(), name)


def format_of(path: str | os.PathLike[str], format: str | None = None) -> Format:
    """Return the format of this name, or else of the suffix of `path`."""
    if format is not None:
        checks.member("format", format, FORMATS)
        return FORMATS[format]
    checks.instance("path", path, (str, os.PathLike), "the path of a file")
    name = Path(path).name.lower()
    suffixes = {suffix: row for row in FORMATS.values() for suffix in row.suffixes}
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith(suffix):
            return suffixes[suffix]
    raise UnknownName("annotation suffix", Path(path).suffix or name, list(suffixes))


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{name}: byte {error.start} is no UTF-8; it is a binary file or text in another "
            "encoding. Is the suffix right?"
        ) from None


def _names(types: tuple[type, ...]) -> str:
    return ", ".join(kind.__name__ for kind in types)
