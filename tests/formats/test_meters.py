"""Meters with denominators, and their changes: MIDI, REAPER, tables, JAMS."""

import io
import struct
import warnings

import mido
import numpy as np
import pytest

from mirkit.annotation import Beats, TempoMap
from mirkit.errors import FormatError
from mirkit.formats import FORMATS, dumps, loads, midi, read, save


def midi_file(*tracks, ticks=480):
    """A MIDI file of tracks of (ticks since the last, name, values)."""
    file = mido.MidiFile(type=1, ticks_per_beat=ticks)
    for events in tracks:
        file.tracks.append(mido.MidiTrack(mido.MetaMessage(n, time=t, **v) for t, n, v in events))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def bar(ticks, numerator, denominator):
    return ticks, "time_signature", {"numerator": numerator, "denominator": denominator}


def tempo(ticks, quarters_a_minute):
    return ticks, "set_tempo", {"tempo": round(60e6 / quarters_a_minute)}


def chunk(kind, content):
    return kind + struct.pack(">I", len(content)) + content


@pytest.mark.parametrize(
    ("name", "times", "bars", "meters", "denominators"),
    [
        ("r07_six_eight.mid", [0], [1.5], [6], [8]),
        ("r07_meter_change.mid", [0, 8], [2.0, 1.5], [4, 3], [4, 4]),
        ("r07_alien_chunk.mid", [0], [1.5], [6], [8]),
    ],
)
def test_midi_files_that_failed(cases, name, times, bars, meters, denominators):
    found = read(cases / name)
    assert found.times.tolist() == times
    assert found.bars == pytest.approx(bars)
    assert (found.meters.tolist(), found.denominators.tolist()) == (meters, denominators)


@pytest.mark.parametrize(
    ("events", "times", "bars"),
    [
        ([tempo(0, 120), bar(0, 2, 2)], [0], [2.0]),
        ([tempo(0, 90), bar(0, 12, 8)], [0], [4.0]),
        ([tempo(0, 120), bar(0, 7, 8), bar(1680, 4, 4)], [0, 1.75], [1.75, 2.0]),
        ([bar(0, 3, 4)], [0], [1.5]),  # 120 bpm hold where none are given
        ([tempo(0, 100), bar(1200, 5, 16)], [0, 1.5], [2.4, 0.75]),  # 4/4 before the first
        ([bar(0, 4, 4), tempo(1920, 60)], [0, 2], [2.0, 4.0]),
        ([tempo(0, 120), bar(0, 6, 8), bar(0, 3, 4)], [0], [1.5]),  # the last at a tick holds
    ],
)
def test_bars_last_as_long_as_a_sequencer_plays_them(events, times, bars):
    for tracks in ([events], [[], events]):
        found = midi.loads(midi_file(*tracks), "x.mid")
        assert found.times == pytest.approx(times)
        assert found.bars == pytest.approx(bars)


def test_signatures_in_another_track_than_the_tempi_hold_too():
    data = midi_file([tempo(0, 120), tempo(1920, 60)], [bar(0, 6, 8), bar(2880, 2, 2)])
    found = midi.loads(data, "x.mid")
    assert found.times.tolist() == [0, 2, 4]
    assert found.bars == pytest.approx([1.5, 3.0, 4.0])
    assert found.bpms == pytest.approx([240, 120, 30])


@pytest.mark.parametrize(
    "place",
    [
        lambda head, track: head + chunk(b"XFIH", b"abcd") + track,
        lambda head, track: head + chunk(b"XFKM", b"") + chunk(b"CASM", b"x" * 301) + track,
        lambda head, track: head + track + chunk(b"junk", b"MTrk and MThd"),
        lambda head, track: head + track + b"\0\0\0",
        lambda head, track: head[:4] + struct.pack(">I", 8) + head[8:] + b"\1\2" + track,
    ],
)
def test_chunks_that_are_no_tracks_are_skipped(place):
    data = midi_file([tempo(0, 100), bar(0, 6, 8)])
    expected = midi.loads(data, "x.mid")
    assert midi.loads(place(data[:14], data[14:]), "x.mid") == expected


def test_a_file_with_fewer_tracks_than_it_announces_is_damaged():
    data = midi_file([tempo(0, 100)], [bar(0, 3, 4)])
    with pytest.raises(FormatError, match="announces 2 tracks and holds 1"):
        midi.loads(data[: data.rindex(b"MTrk")], "x.mid")


@pytest.mark.parametrize("tick", [0, 480, 9600])
def test_a_tempo_of_0_is_an_error_and_no_warning_of_numpy(tick):
    zero = (tick, "set_tempo", {"tempo": 0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for track in ([zero], [tempo(0, 120), zero, tempo(480, 90)]):
            with pytest.raises(FormatError, match=rf"the tempo at tick {tick} is 0"):
                midi.loads(midi_file(track), "x.mid")


def test_a_time_signature_of_nothing_is_left_out():
    data = midi_file([tempo(0, 120), bar(0, 3, 4)])
    at = data.index(b"\xff\x58\x04") + 3
    for damaged in (b"\0\2", b"\3\x1e"):  # 0/4; 3 over 2 to the 30
        found = midi.loads(data[:at] + damaged + data[at + 2 :], "x.mid")
        assert found.meters is None


MAPS = [
    TempoMap([0.0], [240], [6], denominators=[8]),
    TempoMap([0.5, 4.5, 9.0], [60, 121.37, 480], [2, 4, 12], denominators=[2, 4, 16]),
    TempoMap([0.0, 3.0], [90.0, 90.0], [5, 5], denominators=[8, 4]),
]


@pytest.mark.parametrize("name", ["midi", "reaper", "csv", "jams"])
@pytest.mark.parametrize("value", MAPS)
def test_tempo_maps_keep_their_meters(name, value, tmp_path):
    path = tmp_path / f"x{FORMATS[name].suffixes[0]}"
    save(value, path)
    assert read(path) == value
    if name == "midi":  # without our own words, by the events alone
        path.write_bytes(path.read_bytes().replace(b"mirkit tempo", b"another text"))
        found = read(path)
        n = len(found.times) - len(value.times)
        assert found.bars[n:] == pytest.approx(value.bars, rel=1e-5)


def test_entries_nearer_than_a_tick_keep_their_order(tmp_path):
    times = [0.0, 1.0, 2.0, 3.76171875, 5.08398438, 6.29492188, 7.29492188, 9.23632812, 9.23732812]
    value = TempoMap(times, [4, 4, 4, 4, 5, 4, 4, 5, 4])
    save(value, tmp_path / "x.mid")
    assert read(tmp_path / "x.mid") == value


def test_reaper_counts_quarters():
    text = dumps(TempoMap([0.0], [240], [6], denominators=[8]), "reaper")
    assert f"PT 0.0 120.0 1 {8 << 16 | 6}" in text
    assert "TEMPO 120.0 6 8" in text
    other = "<REAPER_PROJECT 0.1\n<TEMPOENVEX\nPT 0 100 1 524294\nPT 10.8 140 1 262148\n>\n>"
    found = loads(other, "reaper")
    assert found.bars == pytest.approx([1.8, 240 / 140])


WALTZ = Beats(1.0 + np.arange(12) / 4, [1, 2, 3, 4, 5, 6] * 2, denominators=[8] * 12)
MIXED = Beats(
    0.75 + np.cumsum([0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5]),
    [1, 2, 1, 2, 3, 4, 5, 1, 2, 3],
    denominators=[4, 4, 8, 8, 8, 8, 8, 4, 4, 4],
)


@pytest.mark.parametrize("name", ["midi", "reaper", "csv", "jams"])
@pytest.mark.parametrize("value", [WALTZ, MIXED])
def test_beats_keep_their_denominators(name, value, tmp_path):
    path = tmp_path / f"x{FORMATS[name].suffixes[0]}"
    save(value, path)
    found = read(path)
    assert found.times == pytest.approx(value.times, abs=1e-5)
    assert found.positions.tolist() == value.positions.tolist()
    assert found.denominators.tolist() == value.denominators.tolist()


@pytest.mark.parametrize("value", [WALTZ, MIXED])
def test_a_sequencer_plays_clicks_of_any_note_in_time(value):
    now, heard, signatures = 0.0, [], []
    for message in mido.MidiFile(file=io.BytesIO(midi.dumps(value))):
        now += message.time
        if message.type == "note_on" and message.velocity:
            heard.append(now)
        elif message.type == "time_signature":
            signatures.append((message.numerator, message.denominator))
    assert heard == pytest.approx(value.times, abs=1e-5)
    assert (6, 8) in signatures if value is WALTZ else {(2, 4), (5, 8), (3, 4)} <= set(signatures)
    bars = midi.tempo_map(midi.dumps(value)).bars
    assert 1.5 in bars.round(4) if value is WALTZ else {1.0, 1.25, 1.5} <= set(bars.round(4))
