"""VirtualDJ's ``database.xml``, which keeps tempi as seconds a beat, with six decimals.

A beat keeps its place to 1 ms: where the rounded tempo would let it drift farther there is one more
marker. Bars are of four beats and the first marker is a downbeat. Loops are held in beats. Cues
without a button keep no color, and there are no fade marks. VirtualDJ keeps playlists elsewhere.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from math import nan

import numpy as np

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj.anchors import DRIFT, from_downbeat, grid_of_markers, markers_of
from mirkit.formats.dj.fields import (
    Field,
    above_zero,
    child,
    clean,
    fill,
    insert,
    key_reader,
    key_writer,
    parse,
    remove,
    serialize,
    spelling,
    take,
    whole_above_zero,
    with_digits,
)
from mirkit.formats.dj.model import Collection, Color, Cue, DJTrack, gather, normal_location

_ORDER = ("Tags", "Infos", "Comment", "Scan", "Poi")


def _beat(bpm: float) -> str:
    return f"{60 / bpm:.6f}"


def _bpm(text: str) -> float | None:
    """Return the tempo of so many seconds a beat: the hundredth that is spelled so, if there is."""
    seconds = above_zero(text)
    if seconds is None:
        return None
    near = round(60 / seconds, 2)
    return near if near > 0 and abs(60 / near - seconds) <= 0.5001e-6 else 60 / seconds


def _kbps(bit_rate: int) -> str:
    return str(round(bit_rate / 1000))


def _bps(text: str) -> int | None:
    value = above_zero(text)
    return None if value is None else round(1000 * value)


FIELDS = (
    Field("size", "FileSize", read=whole_above_zero),
    Field("artist", "Author", "Tags"),
    Field("title", "Title", "Tags"),
    Field("genre", "Genre", "Tags"),
    Field("album", "Album", "Tags"),
    Field("tempo", "Bpm", "Tags", _beat, None),
    Field("key", "Key", "Tags", key_writer("tag"), key_reader),
    Field("duration", "SongLength", "Infos", with_digits(6), above_zero),
    Field("bit_rate", "Bitrate", "Infos", _kbps, _bps),
    Field("tempo", "Bpm", "Scan", _beat, None),
    Field("key", "Key", "Scan", key_writer("tag"), key_reader),
)
"""Which attribute of Song and its children holds what; the first that is there is read."""

_TEMPO = (
    Field("bpm", "Bpm", "Scan", read=_bpm),
    Field("bpm", "Bpm", "Tags", read=_bpm),
)


def dumps(
    collection: Collection,
    into: bytes | None = None,
    name: str = "<virtualdj>",
    notation: str = "tag",
) -> bytes:
    """Return the file of the tracks of a collection, merged into another where that is given."""
    fields = spelling(FIELDS, notation)
    if into is None:
        root = ET.Element("VirtualDJ_Database", Version="8.5")
    else:
        root = parse(into, name, "VirtualDJ_Database", "VirtualDJ")
    nodes = {normal_location(node.get("FilePath", "")): node for node in root.findall("Song")}
    for track in collection.tracks:
        node = nodes.get(track.location)
        if node is None:
            node = nodes[track.location] = ET.SubElement(root, "Song", FilePath=_native(track))
        _write_track(node, track, fields)
    return serialize(root)


def loads(data: bytes, name: str) -> Collection:
    """Return the tracks of a file."""
    root = parse(data, name, "VirtualDJ_Database", "VirtualDJ")
    nodes = {normal_location(node.get("FilePath", "")): node for node in root.findall("Song")}
    tracks, failed = gather(filter(None, nodes), lambda place: _read_track(nodes[place], place))
    return Collection(tracks, failed=failed)


def _native(track: DJTrack) -> str:
    windows = track.location[1:3] == ":/"
    return clean(track.location.replace("/", "\\") if windows else track.location)


def _write_track(node: ET.Element, track: DJTrack, fields: Sequence[Field]) -> None:
    fill(node, track, fields, _ORDER)
    if track.comment:
        child(node, "Comment", _ORDER).text = clean(track.comment)
    if track.grid is not None:
        scan = child(node, "Scan", _ORDER)
        scan.attrib.setdefault("Version", "801")
        anchors = list(_anchors(track.grid))
        scan.set("Phase", f"{anchors[0][0]:.6f}")
        remove(node, "Poi", lambda poi: poi.get("Type") == "beatgrid")
        for time, bpm in anchors:
            poi = ET.Element("Poi", Pos=f"{time:.6f}", Type="beatgrid", Bpm=_beat(bpm))
            insert(node, poi, _ORDER)
    if track.cues:
        remove(node, "Poi", lambda poi: poi.get("Type") in ("cue", "loop"))
        for cue in track.cues:
            if cue.kind in ("hot", "memory"):
                insert(node, _poi(cue, track), _ORDER)


def _anchors(grid: BeatGrid) -> Iterator[tuple[float, float]]:
    """Yield time and tempo of each marker: more than one a segment where rounding drifts."""
    grid = from_downbeat(grid)
    for marker, count in zip(markers_of(grid, None), grid.counts, strict=True):
        period = 60 / marker.bpm
        drift = abs(round(period, 6) - period)
        every = int(count) if drift * count <= DRIFT else max(1, int(DRIFT / drift))
        for k in range(0, int(count), every):
            yield marker.time + k * period, marker.bpm


def _poi(cue: Cue, track: DJTrack) -> ET.Element:
    poi = ET.Element("Poi", Pos=f"{cue.time:.6f}", Type="cue" if cue.end is None else "loop")
    if cue.end is not None:
        poi.set("Size", f"{(cue.end - cue.time) / _period_at(track, cue.time):.6f}")
    if cue.number is not None:
        poi.set("Num", str(cue.number + 1))
    if cue.name:
        poi.set("Name", clean(cue.name))
    if cue.color is not None:
        red, green, blue = cue.color
        poi.set("Color", str(0xFF << 24 | red << 16 | green << 8 | blue))
    return poi


def _period_at(track: DJTrack, time: float) -> float:
    """Return the length of a beat at a time [s]; half a second where no tempo is known."""
    if track.grid is None:
        return 60 / (track.tempo or 120.0)
    i = max(0, int(np.searchsorted(track.grid.times, time + 1e-6, side="right")) - 1)
    return float(track.grid.periods[i])


def _read_track(node: ET.Element, location: str) -> DJTrack:
    values = take(node, FIELDS)
    tempo = take(node, _TEMPO).get("bpm")
    values["comment"] = (node.findtext("Comment") or "").strip()
    grid = grid_of_markers(list(_read_grid(node, tempo)), values.get("duration"))
    if tempo is not None and (grid is None or abs(grid.bpm / tempo - 1) > 1e-5):
        values["bpm"] = tempo
    track = DJTrack(location, **values, grid=grid)
    cues = tuple(cue for poi in node.findall("Poi") if (cue := _read_poi(poi, track)))
    return DJTrack(location, **values, grid=grid, cues=cues)


def _read_grid(node: ET.Element, tempo: float | None) -> Iterator[tuple[float, float]]:
    """Yield time and tempo of each marker; of a scan without markers, those of the scan."""
    fields = (Field("bpm", "Bpm", read=_bpm), Field("time", "Pos", read=float))
    marks = [poi for poi in node.findall("Poi") if poi.get("Type") == "beatgrid"]
    for poi in marks:
        values = take(poi, fields)
        yield values.get("time", nan), values.get("bpm", tempo or 0.0)
    phase = take(node, [Field("time", "Phase", "Scan", read=float)])
    if not marks and phase and tempo:
        yield phase["time"], tempo


def _read_poi(poi: ET.Element, track: DJTrack) -> Cue | None:
    get = poi.attrib.get
    if get("Type", "cue") not in ("cue", "loop"):
        return None
    try:
        time, number = float(get("Pos", "")), int(get("Num", "0"))
        looped = get("Type") == "loop"
        end = time + float(get("Size", "")) * _period_at(track, time) if looped else None
        kind, index = ("hot", number - 1) if number > 0 else ("memory", None)
        color = _color(int(get("Color", ""))) if get("Color") else None
        return Cue(time, end, kind, index, get("Name", ""), color)  # type: ignore[arg-type]
    except ValueError:  # our own errors too
        return None


def _color(argb: int) -> Color:
    return argb >> 16 & 255, argb >> 8 & 255, argb & 255
