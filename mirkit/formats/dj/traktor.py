"""Traktor NML: the collection of Traktor, in XML.

Times are milliseconds and tempi have six decimals, so each beat keeps its place to a microsecond.
Traktor 4 holds flexible grids, of many markers; older ones hold one, for which `dumps` takes
``flexible=False``. Bars are of four beats, counted from the first marker, which is a downbeat: one
that begins anew inside a bar is lost, and `losses` tells it. Cues have no colors; key and rating
are kept.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from math import nan

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import ParameterError
from mirkit.formats.dj.anchors import from_downbeat, grid_of_markers, markers_of, one_tempo
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
    stars_to_byte,
    take,
    traktor_key,
    whole,
    whole_above_zero,
    with_digits,
)
from mirkit.formats.dj.model import Collection, Cue, CueKind, DJTrack, Playlist, gather

_SEPARATOR = "/:"
_BOOT = "Macintosh HD"
_ORDER = ("LOCATION", "ALBUM", "MODIFICATION_INFO", "INFO", "TEMPO", "LOUDNESS", "MUSICAL_KEY",
          "LOOPINFO", "CUE_V2")  # fmt: skip
_GRID, _LOOP = "4", "5"
_KINDS: dict[str, CueKind] = {"1": "fade-in", "2": "fade-out", "3": "load"}
_TYPES = {kind: number for number, kind in _KINDS.items()}

FIELDS = (
    Field("title", "TITLE"),
    Field("artist", "ARTIST"),
    Field("album", "TITLE", "ALBUM"),
    Field("bit_rate", "BITRATE", "INFO", read=whole_above_zero),
    Field("genre", "GENRE", "INFO"),
    Field("comment", "COMMENT", "INFO"),
    Field("duration", "PLAYTIME_FLOAT", "INFO", with_digits(6), above_zero),
    Field("duration", "PLAYTIME", "INFO", whole, above_zero),
    Field("rating", "RANKING", "INFO", stars_to_byte, byte_to_stars),
    Field("tempo", "BPM", "TEMPO", with_digits(6), None),
    Field("key", "VALUE", "MUSICAL_KEY", key_writer("traktor"), traktor_key),
    Field("key", "KEY", "INFO", key_writer("open"), key_reader),
)
"""Which attribute of ENTRY and its children holds what; the first that is there is read."""


def dumps(
    collection: Collection,
    into: bytes | None = None,
    name: str = "<traktor>",
    *,
    flexible: bool = True,
) -> bytes:
    """Return the file of a collection, merged into another where that is given.

    Without `flexible` a grid of several tempi becomes the one tempo that fits its beats best.
    """
    root = _empty() if into is None else parse(into, name, "NML", "Traktor")
    entries = root.find("COLLECTION")
    if entries is None:
        entries = ET.SubElement(root, "COLLECTION")
    nodes = {_location(node): node for node in entries.findall("ENTRY")}
    for track in collection.tracks:
        node = nodes.get(track.location)
        if node is None:
            node = nodes[track.location] = ET.SubElement(entries, "ENTRY")
            ET.SubElement(node, "LOCATION", place_of(track.location))
        _write_track(node, track, flexible)
    entries.set("ENTRIES", str(len(entries.findall("ENTRY"))))
    _write_playlists(root, collection)
    return serialize(root)


def loads(data: bytes, name: str) -> Collection:
    """Return the collection of a file."""
    root = parse(data, name, "NML", "Traktor")
    nodes = {_location(node): node for node in root.iterfind("COLLECTION/ENTRY") if _location(node)}
    tracks, failed = gather(nodes, lambda place: _read_track(nodes[place]))
    return Collection(tracks, tuple(_read_playlists(root)), failed)


def place_of(location: str) -> dict[str, str]:
    """Return the attributes of LOCATION for a whole path.

    Raises
    ------
    ParameterError
        Where the path depends on the current folder.

    Examples
    --------
    >>> place_of("C:/Music/a.mp3")
    {'DIR': '/:Music/:', 'FILE': 'a.mp3', 'VOLUME': 'C:', 'VOLUMEID': 'C:'}
    >>> place_of("/Volumes/Stick/a.mp3")["VOLUME"], place_of("/music/a.mp3")["DIR"]
    ('Stick', '/:music/:')
    """
    match = re.match(r"([A-Za-z]:)/|/Volumes/([^/]+)/|/", location)
    if match is None:
        raise ParameterError(
            f"{location!r} is no whole path; other programs look for it from the root"
        )
    volume = match[1] or match[2] or _BOOT
    *folders, file = location[match.end() :].split("/")
    folder = "".join(_SEPARATOR + clean(part) for part in folders) + _SEPARATOR
    return {"DIR": folder, "FILE": clean(file), "VOLUME": clean(volume), "VOLUMEID": clean(volume)}


def path_of(volume: str, folder: str, file: str) -> str:
    """Return the path that the attributes of LOCATION mean.

    Examples
    --------
    >>> path_of("C:", "/:Music/:", "a.mp3"), path_of("Stick", "/:", "a.mp3")
    ('C:/Music/a.mp3', '/Volumes/Stick/a.mp3')
    """
    path = folder.replace(_SEPARATOR, "/") + file
    if re.fullmatch("[A-Za-z]:", volume):
        return volume + path
    return path if volume in ("", _BOOT) else f"/Volumes/{volume}{path}"


def _location(node: ET.Element) -> str:
    place = node.find("LOCATION")
    if place is None or not place.get("FILE"):
        return ""
    return path_of(place.get("VOLUME", ""), place.get("DIR", ""), place.get("FILE", ""))


def _empty() -> ET.Element:
    root = ET.Element("NML", VERSION="19")
    ET.SubElement(root, "HEAD", COMPANY="www.native-instruments.com", PROGRAM="Traktor")
    ET.SubElement(root, "COLLECTION", ENTRIES="0")
    return root


def _write_track(node: ET.Element, track: DJTrack, flexible: bool) -> None:
    if track.grid is not None and not flexible:
        track = replace(track, grid=one_tempo(track.grid))
    fill(node, track, FIELDS, _ORDER)
    tempo = node.find("TEMPO")
    if tempo is not None and track.grid is not None:
        tempo.set("BPM_QUALITY", "100.000000")
    if track.grid is not None:
        remove(node, "CUE_V2", lambda mark: mark.get("TYPE") == _GRID)
        first = next((i for i, x in enumerate(node) if x.tag == "CUE_V2"), len(node))
        for i, mark in enumerate(_grid_marks(track.grid)):
            node.insert(first + i, mark)
    if track.cues:
        remove(node, "CUE_V2", lambda mark: mark.get("TYPE") != _GRID)
        for cue in track.cues:
            insert(node, _cue(cue), _ORDER)


def _grid_marks(grid: BeatGrid) -> Iterator[ET.Element]:
    markers = markers_of(from_downbeat(grid), None)
    name = "AutoGrid" if len(markers) == 1 else "Beat Marker"
    for marker in markers:
        mark = _mark(name, _GRID, marker.time, 0.0, -1)
        ET.SubElement(mark, "GRID", BPM=f"{marker.bpm:.6f}")
        yield mark


def _cue(cue: Cue) -> ET.Element:
    kind = _LOOP if cue.end is not None else _TYPES.get(cue.kind, "0")
    length = 0.0 if cue.end is None else cue.end - cue.time
    return _mark(cue.name, kind, cue.time, length, -1 if cue.number is None else cue.number)


def _mark(name: str, kind: str, time: float, length: float, number: int) -> ET.Element:
    return ET.Element(
        "CUE_V2",
        NAME=clean(name),
        DISPL_ORDER="0",
        TYPE=kind,
        START=f"{1000 * time:.6f}",
        LEN=f"{1000 * length:.6f}",
        REPEATS="-1",
        HOTCUE=str(number),
    )


def _read_track(node: ET.Element) -> DJTrack:
    values = take(node, FIELDS)
    grid = grid_of_markers(list(_read_grid(node)), values.get("duration"))
    tempo = take(node, [Field("bpm", "BPM", "TEMPO", read=above_zero)]).get("bpm")
    if tempo is not None and (grid is None or abs(grid.bpm - tempo) > 1e-5):
        values["bpm"] = tempo
    cues = tuple(cue for cue in map(_read_cue, node.findall("CUE_V2")) if cue)
    return DJTrack(_location(node), **values, grid=grid, cues=cues)


def _read_grid(node: ET.Element) -> Iterator[tuple[float, float]]:
    """Yield time and tempo of each marker; one without a tempo has that of the track."""
    tempo = take(node, [Field("bpm", "BPM", "TEMPO", read=above_zero)]).get("bpm", 0.0)
    for mark in node.findall("CUE_V2"):
        if mark.get("TYPE") == _GRID:
            values = take(mark, [Field("bpm", "BPM", "GRID", read=above_zero),
                                 Field("time", "START", read=float)])  # fmt: skip
            yield values.get("time", nan) / 1000, values.get("bpm", tempo)


def _read_cue(mark: ET.Element) -> Cue | None:
    get = mark.attrib.get
    if get("TYPE") == _GRID:
        return None
    try:
        start, length, number = (
            float(get("START", "")),
            float(get("LEN", "0")),
            int(get("HOTCUE", "-1")),
        )
        kind: CueKind = _KINDS.get(get("TYPE", "0"), "hot" if number >= 0 else "memory")
        end = (start + length) / 1000 if get("TYPE") == _LOOP else None
        return Cue(start / 1000, end, kind, number if kind == "hot" else None, get("NAME", ""))
    except ValueError:  # our own errors too
        return None


def _write_playlists(root: ET.Element, collection: Collection) -> None:
    """Write the playlists below $ROOT; one of the same name there gets the new tracks."""
    folder = root.find("PLAYLISTS/NODE/SUBNODES")
    if folder is None:
        holder = root.find("PLAYLISTS")
        holder = ET.SubElement(root, "PLAYLISTS") if holder is None else holder
        top = ET.SubElement(holder, "NODE", TYPE="FOLDER", NAME="$ROOT")
        folder = ET.SubElement(top, "SUBNODES", COUNT="0")
    old = {node.get("NAME"): node for node in folder.findall("NODE[@TYPE='PLAYLIST']")}
    for playlist in collection.playlists:
        name = clean(playlist.name)
        node = old.get(name)
        if node is None:
            node = old[name] = ET.SubElement(folder, "NODE", TYPE="PLAYLIST", NAME=name)
        entries = node.find("PLAYLIST")
        if entries is None:
            entries = ET.SubElement(node, "PLAYLIST", TYPE="LIST", UUID=_uuid(name))
        remove(entries, "ENTRY")
        entries.set("ENTRIES", str(len(playlist.locations)))
        for location in playlist.locations:
            place = place_of(location)
            key = place["VOLUME"] + place["DIR"] + place["FILE"]
            ET.SubElement(ET.SubElement(entries, "ENTRY"), "PRIMARYKEY", TYPE="TRACK", KEY=key)
    folder.set("COUNT", str(len(folder.findall("NODE"))))


def _uuid(name: str) -> str:
    """Return an identity that is the same each time a list of this name is written."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"mirkit:playlist:{name}").hex


def _read_playlists(root: ET.Element) -> Iterator[Playlist]:
    """Yield the playlists of all folders."""
    for node in root.iterfind("PLAYLISTS//NODE[@TYPE='PLAYLIST']"):
        keys = [key.get("KEY", "") for key in node.iterfind("PLAYLIST/ENTRY/PRIMARYKEY")]
        yield Playlist(node.get("NAME", ""), tuple(_path_of_key(key) for key in keys if key))


def _path_of_key(key: str) -> str:
    volume, slash, rest = key.partition(_SEPARATOR)
    folder, _, file = (slash + rest).rpartition(_SEPARATOR)
    return path_of(volume, folder + _SEPARATOR, file)
