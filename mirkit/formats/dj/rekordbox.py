"""rekordbox XML: what rekordbox, and many other programs, import and export.

Tempi have two decimals and times three. A grid on the lattice of 0.01 bpm, which `fit_grid` makes,
keeps each beat to 0.5 ms; other tempi get as many TEMPO elements as keep it to 1 ms. The end of
the track is known to a second. Bars of any meter are kept.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

from mirkit.errors import ParameterError
from mirkit.formats.dj.anchors import PLAIN_METER, Marker, grid_of, markers_of
from mirkit.formats.dj.fields import (
    Field,
    above_zero,
    byte_to_stars,
    clean,
    fill,
    insert,
    key_reader,
    key_writer,
    parse,
    remove,
    serialize,
    spelling,
    stars_to_byte,
    take,
    whole,
    whole_above_zero,
    with_digits,
)
from mirkit.formats.dj.model import (
    Collection,
    Color,
    Cue,
    CueKind,
    DJTrack,
    Playlist,
    gather,
)
from mirkit.vocab.meters import QUARTER, read_meter, write_meter

_HOST = "file://localhost"
_ORDER = ("TEMPO", "POSITION_MARK")
_KINDS: dict[str, CueKind] = {"1": "fade-in", "2": "fade-out", "3": "load"}
_TYPES = {kind: number for number, kind in _KINDS.items()}
_LOOP = "4"
_RGB = ("Red", "Green", "Blue")


def _kbps(bit_rate: int) -> str:
    return whole(bit_rate / 1000)


def _bps(text: str) -> int | None:
    value = above_zero(text)
    return None if value is None else round(value * 1000)


FIELDS = (
    Field("title", "Name"),
    Field("artist", "Artist"),
    Field("album", "Album"),
    Field("genre", "Genre"),
    Field("size", "Size", read=whole_above_zero),
    Field("duration", "TotalTime", write=whole, read=above_zero),
    Field("tempo", "AverageBpm", write=with_digits(2), read=None),
    Field("bit_rate", "BitRate", write=_kbps, read=_bps),
    Field("sample_rate", "SampleRate", read=whole_above_zero),
    Field("comment", "Comments"),
    Field("rating", "Rating", write=stars_to_byte, read=byte_to_stars),
    Field("key", "Tonality", write=key_writer("tag"), read=key_reader),
)
"""Which attribute of TRACK holds what. The average tempo is read where it is not the grid's."""

_KINDS_OF_FILES = {
    "mp3": "MP3 File", "wav": "WAV File", "m4a": "M4A File", "aac": "M4A File", "mp4": "MP4 File",
    "flac": "FLAC File", "aif": "AIFF File", "aiff": "AIFF File", "ogg": "OGG File",
}  # fmt: skip


def dumps(
    collection: Collection,
    into: bytes | None = None,
    name: str = "<rekordbox>",
    notation: str = "tag",
) -> bytes:
    """Return the file of a collection, merged into another where that is given."""
    fields = spelling(FIELDS, notation)
    root = _empty() if into is None else parse(into, name, "DJ_PLAYLISTS", "rekordbox")
    tracks = root.find("COLLECTION")
    if tracks is None:
        tracks = ET.SubElement(root, "COLLECTION")
    nodes = {_location(node): node for node in tracks.findall("TRACK")}
    ids = {int(x) for node in nodes.values() if (x := node.get("TrackID", "")).isdecimal()}
    for track in collection.tracks:
        node = nodes.get(track.location)
        if node is None:
            node = nodes[track.location] = ET.SubElement(tracks, "TRACK")
            node.set("TrackID", str(max(ids, default=0) + 1))
            ids.add(max(ids, default=0) + 1)
            node.set("Location", location_uri(track.location))
        _write_track(node, track, fields)
    tracks.set("Entries", str(len(tracks.findall("TRACK"))))
    _write_playlists(
        root, collection, {place: node.get("TrackID", "") for place, node in nodes.items()}
    )
    return serialize(root)


def loads(data: bytes, name: str) -> Collection:
    """Return the collection of a file."""
    root = parse(data, name, "DJ_PLAYLISTS", "rekordbox")
    nodes = {_location(node): node for node in root.iterfind("COLLECTION/TRACK") if _location(node)}
    tracks, failed = gather(nodes, lambda place: _read_track(nodes[place]))
    ids = {node.get("TrackID", ""): place for place, node in nodes.items()}
    return Collection(tracks, tuple(_read_playlists(root, ids)), failed)


def location_uri(path: str) -> str:
    """Return the URI of a whole path.

    Raises
    ------
    ParameterError
        Where the path depends on the current folder.

    Examples
    --------
    >>> location_uri("/music/a b#.mp3"), location_uri("C:/Music/ä.mp3")
    ('file://localhost/music/a%20b%23.mp3', 'file://localhost/C:/Music/%C3%A4.mp3')
    """
    drive = re.match(r"[A-Za-z]:/", path)
    if not (drive or path.startswith("/")):
        raise ParameterError(f"{path!r} is no whole path; other programs look for it from the root")
    spelled = quote(path.encode("utf-8", "surrogateescape"), safe="/~()!$&'*+,;=:@")
    return f"{_HOST}{'/' if drive else ''}{spelled}"


def location_path(uri: str) -> str:
    """Return the path of a URI.

    Examples
    --------
    >>> location_path("file://localhost/C:/Music/%C3%A4.mp3"), location_path("file:///a%20b.mp3")
    ('C:/Music/ä.mp3', '/a b.mp3')
    """
    path = unquote(re.sub(r"^file://(localhost)?", "", uri), errors="surrogateescape")
    return path[1:] if re.match(r"/[A-Za-z]:/", path) else path


def _location(node: ET.Element) -> str:
    return location_path(node.get("Location", ""))


def _empty() -> ET.Element:
    from mirkit import __version__

    root = ET.Element("DJ_PLAYLISTS", Version="1.0.0")
    ET.SubElement(root, "PRODUCT", Name="mirkit", Version=__version__, Company="")
    ET.SubElement(root, "COLLECTION", Entries="0")
    return root


def _write_track(node: ET.Element, track: DJTrack, fields: Sequence[Field]) -> None:
    fill(node, track, fields)
    if "Kind" not in node.attrib:
        suffix = track.location.rpartition(".")[2].lower()
        node.set("Kind", _KINDS_OF_FILES.get(suffix, f"{clean(suffix.upper())} File"))
    if track.grid is not None:
        remove(node, "TEMPO")
        for marker in markers_of(track.grid, 2):
            insert(node, _tempo(marker), _ORDER)
    if track.cues:
        remove(node, "POSITION_MARK")
        for cue in track.cues:
            insert(node, _mark(cue), _ORDER)


def _tempo(marker: Marker) -> ET.Element:
    return ET.Element(
        "TEMPO",
        Inizio=f"{marker.time:.3f}",
        Bpm=f"{marker.bpm:.2f}",
        Metro=write_meter(marker.meter, marker.denominator),
        Battito=str(marker.position),
    )


def _mark(cue: Cue) -> ET.Element:
    node = ET.Element("POSITION_MARK", Name=clean(cue.name))
    node.set("Type", _LOOP if cue.end is not None else _TYPES.get(cue.kind, "0"))
    node.set("Start", f"{cue.time:.3f}")
    if cue.end is not None:
        node.set("End", f"{cue.end:.3f}")
    node.set("Num", str(-1 if cue.number is None else cue.number))
    for name, value in zip(_RGB, cue.color or (), strict=False):
        node.set(name, str(value))
    return node


def _read_track(node: ET.Element) -> DJTrack:
    values = take(node, FIELDS)
    tempos = [found for found in map(_read_tempo, node.findall("TEMPO")) if found]
    grid = grid_of(tempos, values.get("duration"))
    average = take(node, [Field("bpm", "AverageBpm", read=above_zero)]).get("bpm")
    if average is not None and (grid is None or abs(grid.bpm - average) > 0.005):
        values["bpm"] = average
    cues = tuple(cue for cue in map(_read_mark, node.findall("POSITION_MARK")) if cue)
    return DJTrack(_location(node), **values, grid=grid, cues=cues)


def _read_tempo(node: ET.Element) -> Marker | None:
    try:
        meter, denominator = _meter(node.get("Metro", "4/4"))
        return Marker(
            float(node.get("Inizio", "")),
            float(node.get("Bpm", "")),
            int(node.get("Battito", "1")),
            meter,
            denominator,
        )
    except ValueError:
        return None


def _meter(text: str) -> tuple[int, int]:
    """Return the meter that Metro holds; an odd one does not cost the tempo."""
    try:
        meter, denominator = read_meter(text)
    except ParameterError:
        return PLAIN_METER, QUARTER
    return meter, denominator or QUARTER


def _read_mark(node: ET.Element) -> Cue | None:
    get = node.attrib.get
    try:
        number = int(get("Num", "-1"))
        kind: CueKind = _KINDS.get(get("Type", "0"), "hot" if number >= 0 else "memory")
        end = float(get("End", "")) if get("Type") == _LOOP else None
        return Cue(
            float(get("Start", "")),
            end,
            kind,
            number if kind == "hot" else None,
            get("Name", ""),
            _color(node),
        )
    except ValueError:  # our own errors too
        return None


def _color(node: ET.Element) -> Color | None:
    red, green, blue = (node.get(name) for name in _RGB)
    return (
        None if red is None or green is None or blue is None else (int(red), int(green), int(blue))
    )


def _write_playlists(root: ET.Element, collection: Collection, ids: dict[str, str]) -> None:
    """Write the playlists below ROOT; one of the same name there gets the new tracks."""
    folder = root.find("PLAYLISTS/NODE")
    if folder is None:
        holder = root.find("PLAYLISTS")
        holder = ET.SubElement(root, "PLAYLISTS") if holder is None else holder
        folder = ET.SubElement(holder, "NODE", Type="0", Name="ROOT", Count="0")
    old = {node.get("Name"): node for node in folder.findall("NODE") if node.get("Type") == "1"}
    for playlist in collection.playlists:
        name = clean(playlist.name)
        node = old.get(name)
        if node is None:
            node = old[name] = ET.SubElement(folder, "NODE", Name=name, Type="1")
        remove(node, "TRACK")
        by_id = all(place in ids for place in playlist.locations)
        node.set("KeyType", "0" if by_id else "1")
        node.set("Entries", str(len(playlist.locations)))
        for place in playlist.locations:
            ET.SubElement(node, "TRACK", Key=ids[place] if by_id else location_uri(place))
    folder.set("Count", str(len(folder.findall("NODE"))))


def _read_playlists(root: ET.Element, ids: dict[str, str]) -> Iterator[Playlist]:
    """Yield the playlists of all folders, named by the last part of their path."""
    for node in root.iterfind("PLAYLISTS//NODE[@Type='1']"):
        keys = [track.get("Key", "") for track in node.findall("TRACK")]
        by_id = node.get("KeyType", "0") == "0"
        places = [ids.get(key, "") if by_id else location_path(key) for key in keys]
        yield Playlist(node.get("Name", ""), tuple(place for place in places if place))
