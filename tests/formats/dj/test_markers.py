"""Markers anywhere, from 10 s before the track to 60 s into it: every reader keeps their phase."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj import (
    DJ_FORMATS,
    DJ_STORES,
    Collection,
    DJTrack,
    engine,
    losses,
    mixxxblobs,
    protobuf,
    read_collection,
    rekordbox,
    serato,
    seratotags,
    traktor,
    virtualdj,
)
from mirkit.formats.dj.anchors import deviation

RATE, END = 44100, 90.0
MILLISECOND = 1e-3


# files by the words of their formats, each of markers (time, bpm) and beats to the next


def rekordbox_file(markers, end=END, bars=None):
    rows = "".join(
        f'<TEMPO Inizio="{time:.3f}" Bpm="{bpm:.2f}" Metro="{metro}" Battito="{place}"/>'
        for (time, bpm), (metro, place) in zip(markers, bars or [("4/4", 1)] * 9, strict=False)
    )
    data = (
        f'<DJ_PLAYLISTS Version="1.0.0"><COLLECTION><TRACK TrackID="1" TotalTime="{end:.0f}" '
        f'Location="file://localhost/a.mp3">{rows}</TRACK></COLLECTION></DJ_PLAYLISTS>'
    )
    return rekordbox.loads(data.encode(), "x.xml").tracks[0].grid


def traktor_file(markers, end=END):
    rows = "".join(
        f'<CUE_V2 NAME="Beat Marker" TYPE="4" START="{1000 * time:.6f}" LEN="0" HOTCUE="-1">'
        f'<GRID BPM="{bpm:.6f}"/></CUE_V2>'
        for time, bpm in markers
    )
    data = (
        '<NML VERSION="19"><COLLECTION><ENTRY><LOCATION DIR="/:" FILE="a.mp3" VOLUME="C:"/>'
        f'<INFO PLAYTIME_FLOAT="{end}"/>{rows}</ENTRY></COLLECTION></NML>'
    )
    return traktor.loads(data.encode(), "x.nml").tracks[0].grid


def virtualdj_file(markers, end=END):
    rows = "".join(
        f'<Poi Pos="{time:.6f}" Type="beatgrid" Bpm="{60 / bpm:.6f}"/>' for time, bpm in markers
    )
    data = (
        f'<VirtualDJ_Database><Song FilePath="/a.mp3"><Infos SongLength="{end}"/>{rows}'
        "</Song></VirtualDJ_Database>"
    )
    return virtualdj.loads(data.encode(), "x.xml").tracks[0].grid


def serato_block(markers, steps, end=END):
    """Beats lie evenly between markers; the last one has a tempo."""
    data = b"\1\0" + struct.pack(">I", len(markers))
    for (time, _), n in zip(markers, steps, strict=False):
        data += struct.pack(">fI", time, n)
    time, bpm = markers[-1]
    return data[: 6 + 8 * (len(markers) - 1)] + struct.pack(">ffx", time, bpm)


def serato_file(markers, steps, end=END):
    return serato.read_grid(serato_block(markers, steps), end=end)


def engine_file(markers, steps, end=END):
    """Beats lie evenly between markers, of which the last is one beat behind the track."""
    time, bpm = markers[-1]
    n = int((end - time) * bpm / 60) + 2
    places = [*markers, (time + n * 60 / bpm, bpm)]
    numbers = np.cumsum([0, *steps[: len(markers) - 1], n]).tolist()
    rows = struct.pack(">q", len(places)) + b"".join(
        struct.pack("<dqii", t * RATE, number, 1, 0)
        for (t, _), number in zip(places, numbers, strict=True)
    )
    inner = struct.pack(">ddB", RATE, end * RATE, 1) + rows + rows
    return engine.read_beat_data(struct.pack(">i", len(inner)) + zlib.compress(inner))


def mixxx_grid(markers, end=END):
    (time, bpm), *_ = markers
    frame = protobuf.field(1, round(time * RATE))
    data = protobuf.field(1, protobuf.field(1, bpm)) + protobuf.field(2, frame)
    return mixxxblobs.read_beats(mixxxblobs.GRID, data, RATE, end)


def mixxx_map(markers, steps, end=END):
    """Each beat is in it."""
    beats = beats_between(markers, steps, end)
    frames = [round(time * RATE) for time, _ in beats]
    data = b"".join(protobuf.field(1, protobuf.field(1, frame)) for frame in frames)
    return mixxxblobs.read_beats(mixxxblobs.MAP, data, RATE, end)


# what is right, in plain loops: (time, number counted from the first marker) of each beat


def beats_between(markers, steps, end):
    beats, number = [], 0
    for (time, _), (after, _), n in zip(markers, markers[1:], steps, strict=False):
        beats += [(time + k * (after - time) / n, number + k) for k in range(n)]
        number += n
    time, bpm = markers[-1]
    k = 0
    while time + k * 60 / bpm <= end + 1e-6:
        beats.append((time + k * 60 / bpm, number + k))
        k += 1
    return beats


def beats_after(markers, end):
    """Beats of each marker's tempo, up to 0.4 beats before the next marker."""
    beats, number = [], 0
    for i, (time, bpm) in enumerate(markers):
        last = i + 1 == len(markers)
        limit = end + 1e-6 if last else markers[i + 1][0] - 0.4 * 60 / bpm + 1e-12
        k = 0
        while k == 0 or time + k * 60 / bpm <= limit:
            beats.append((time + k * 60 / bpm, number + k))
            k += 1
        number += k
    return beats


def in_track(beats, period):
    """The beats in the track, with those that the first tempo makes before the first marker."""
    (time, number), *_ = beats
    before = []
    while time - period > 1e-4:
        time, number = time - period, number - 1
        before.insert(0, (time, number))
    return [(max(t, 0.0), n) for t, n in before + beats if t >= -1e-4]


def check(grid, beats, meter=4, tolerance=MILLISECOND):
    found = grid.beats()
    assert len(found) == len(beats)
    np.testing.assert_allclose(found.times, [time for time, _ in beats], rtol=0, atol=tolerance)
    assert found.positions.tolist() == [number % meter + 1 for _, number in beats]


COUNTED = {"rekordbox": rekordbox_file, "traktor": traktor_file, "virtualdj": virtualdj_file}
EVEN = {"serato": serato_file, "engine": engine_file, "mixxx": mixxx_map}
STARTS = st.integers(-10_000, 60_000).map(lambda x: x / 1000)
TEMPI = st.integers(6000, 19999).map(lambda x: x / 100)


@st.composite
def one_marker(draw):
    return [(draw(STARTS), draw(TEMPI))]


@st.composite
def several(draw):
    """Markers from anywhere on, and how many beats lie between them."""
    n = draw(st.integers(2, 5))
    bpms = draw(st.lists(TEMPI, min_size=n, max_size=n))
    steps = draw(st.lists(st.integers(1, 40), min_size=n, max_size=n))
    off = draw(st.lists(st.floats(-0.05, 0.05), min_size=n, max_size=n))
    gaps = (np.array(steps) + off) * 60 / np.array(bpms)
    times = draw(STARTS) + np.cumsum([0.0, *gaps])[:n]
    return [(round(float(t), 3), bpm) for t, bpm in zip(times, bpms, strict=True)], steps


def odd(beats):
    """Whether a beat lies so near the start or the end that rounding decides whether it counts."""
    return any(min(abs(t), abs(t - 1e-4), abs(t + 1e-4), abs(t - END)) < 2e-3 for t, _ in beats)


@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=40, deadline=None)
@given(one_marker())
def test_one_marker_anywhere(name, markers):
    beats = in_track(beats_after(markers, END), 60 / markers[0][1])
    if not odd(beats_after(markers, END) + [(t - 60 / markers[0][1], 0) for t, _ in beats[:1]]):
        check(COUNTED[name](markers), beats)


@pytest.mark.parametrize("name", ["serato", "engine"])
@settings(max_examples=40, deadline=None)
@given(one_marker())
def test_one_marker_anywhere_with_even_beats(name, markers):
    beats = in_track(beats_after(markers, END), 60 / markers[0][1])
    if not odd(beats_after(markers, END) + [(t - 60 / markers[0][1], 0) for t, _ in beats[:1]]):
        check(EVEN[name](markers, []), beats)


@settings(max_examples=40, deadline=None)
@given(one_marker())
def test_one_marker_anywhere_in_mixxx(markers):
    beats = in_track(beats_after(markers, END), 60 / markers[0][1])
    if not odd(beats_after(markers, END) + [(t - 60 / markers[0][1], 0) for t, _ in beats[:1]]):
        check(mixxx_grid(markers), beats)


@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=40, deadline=None)
@given(several())
def test_a_tempo_curve_anywhere(name, curve):
    markers, _ = curve
    beats = beats_after(markers, END)
    if odd(beats) or markers[-1][0] > END - 1:
        return
    right = in_track(beats, 60 / markers[0][1])
    if name == "rekordbox":  # says the place of each marker in its bar
        found = rekordbox_file(markers).beats()
        np.testing.assert_allclose(found.times, [t for t, _ in right], rtol=0, atol=MILLISECOND)
    else:
        check(COUNTED[name](markers), right)


@pytest.mark.parametrize("name", EVEN)
@settings(max_examples=40, deadline=None)
@given(several())
def test_a_tempo_curve_of_even_beats_anywhere(name, curve):
    markers, steps = curve
    beats = beats_between(markers, steps, END)
    first = (markers[1][0] - markers[0][0]) / steps[0]
    if name == "mixxx" and steps[0] < 8:  # single frames, from which nothing far can be told
        return
    if not odd(beats) and markers[-1][0] < END - 1:
        right = in_track(beats, first)
        found = EVEN[name](markers, steps).beats()
        assert len(found) == len(right)
        np.testing.assert_allclose(found.times, [t for t, _ in right], rtol=0, atol=MILLISECOND)
        if name != "mixxx":
            assert found.positions.tolist() == [n % 4 + 1 for _, n in right]


BARS = st.tuples(st.sampled_from([2, 3, 4, 5, 6, 7, 12]), st.sampled_from([2, 4, 8, 16]))


@settings(max_examples=40, deadline=None)
@given(several(), st.lists(st.tuples(BARS, st.integers(0, 11)), min_size=5, max_size=5))
def test_rekordbox_carries_the_bar_on_in_any_meter(curve, bars):
    markers, _ = curve
    written = [(f"{m}/{d}", place % m + 1) for (m, d), place in bars]
    beats, period = [], 60 / markers[0][1]
    for i, marker in enumerate(markers):  # (time, marker, number counted from it)
        own = beats_after([marker, *markers[i + 1 : i + 2]], END)
        n = len(own) - (i + 1 < len(markers)) * len(beats_after(markers[i + 1 : i + 2], END))
        beats += [(time, i, number) for time, number in own[:n]]
    while beats[0][0] - period > 1e-4:
        time, _, number = beats[0]
        beats.insert(0, (time - period, 0, number - 1))
    if odd([(time, 0) for time, _, _ in beats]) or markers[-1][0] > END - 1:
        return
    beats = [x for x in beats if x[0] > 0]
    found = rekordbox_file(markers, bars=written).beats()
    np.testing.assert_allclose(found.times, [t for t, _, _ in beats], rtol=0, atol=MILLISECOND)
    right = [(bars[i][1] + number) % bars[i][0][0] + 1 for _, i, number in beats]
    assert found.positions.tolist() == right
    notes = [bars[i][0][1] for _, i, _ in beats]
    held = [4] * len(found) if found.denominators is None else found.denominators.tolist()
    assert held == notes


# and on into every other format


@st.composite
def grids_anywhere(draw):
    markers, _ = draw(several())
    times, bpms = zip(*markers, strict=True)
    if draw(st.booleans()):
        return BeatGrid.of_markers(times[:1], bpms[:1], END)
    if draw(st.booleans()):
        return BeatGrid.of_markers(times, bpms, END)
    bars = [draw(BARS) for _ in markers]
    places = [draw(st.integers(1, m)) for m, _ in bars]
    meters, notes = zip(*bars, strict=True)
    return BeatGrid.of_markers(times, bpms, END, places, meters, notes)


def again(track, name):
    if name in DJ_STORES:
        return DJ_STORES[name].again(Collection([track])).tracks[0].grid
    row = DJ_FORMATS[name]
    return row.loads(row.dumps(Collection([track])), "x").tracks[0].grid


def nearest(times, others):
    """The index of the nearest of the others to each time, and how far it is: a plain loop."""
    found = [min(range(len(others)), key=lambda i: abs(others[i] - time)) for time in times]
    return found, max(abs(others[i] - time) for i, time in zip(found, times, strict=True))


HOLDING = [n for n, row in (DJ_FORMATS | DJ_STORES).items() if row.bound is not None]


@pytest.mark.parametrize("name", HOLDING)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids_anywhere())
def test_every_format_keeps_the_phase_or_says_what_is_lost(name, grid):
    track = DJTrack("/a.mp3", duration=END, sample_rate=RATE, grid=grid)
    (loss,) = losses(Collection([track]), name)
    found = again(track, name).extend(max(END, grid.end) + 1).beats()
    beats = grid.beats()
    before = found.times[0] - np.diff(found.times[:2])[0]
    index, worst = nearest(beats.times, [before, *found.times])
    assert loss.deviation == pytest.approx(worst, abs=1e-6)  # what is reported is what is so
    if DJ_FORMATS.get(name, DJ_STORES.get(name)).bound < float("inf"):
        assert worst <= MILLISECOND + 1e-9
    if grid.positions is None:
        return
    index, _ = nearest(beats.times, found.times)
    kept = found.positions[index] if found.positions is not None else [0] * len(beats)
    assert ("bars" in loss.fields) == (list(kept) != beats.positions.tolist())
    notes = [4] * len(beats) if beats.denominators is None else beats.denominators
    held = [4] * len(found) if found.denominators is None else found.denominators
    assert ("denominators" in loss.fields) == ([held[i] for i in index] != list(notes))


@settings(max_examples=25, deadline=None)
@given(grids_anywhere(), st.sampled_from([22050, 44100, 48000]))
def test_the_block_of_engine_keeps_the_phase(grid, sample_rate):
    found = engine.read_beat_data(engine.beat_data(grid, sample_rate, round(END * sample_rate)))
    assert deviation(grid, found) <= MILLISECOND


@pytest.mark.parametrize("name", ["serato", "engine"])
def test_a_beat_before_the_only_even_one_keeps_its_place(name):
    grid = BeatGrid([0.0, 2.03125, 6.03125], [60.0] * 3, 10.0, [3, 1, 1], [3, 3, 3])
    (loss,) = losses(Collection([DJTrack("/a", duration=10.0, grid=grid)]), name)
    assert loss.deviation <= MILLISECOND
    assert "bars" in loss.fields


def test_what_is_read_goes_on_into_other_formats_unchanged(cases):
    (track,) = read_collection(cases / "r09_marker_at_8500ms.nml").tracks
    for name in HOLDING:
        (loss,) = losses(Collection([track]), name)
        assert loss.deviation <= MILLISECOND
        times = again(track, name).beats().times
        times = times[times > 0]  # Mixxx' grids go on to the very start
        assert (len(times), times[0], times[-1]) == (60, pytest.approx(0.5), 30)


# the cases that failed


@pytest.mark.parametrize(
    ("name", "first", "position", "last", "n"),
    [
        ("r09_marker_at_8500ms.nml", 0.5, 1, 30.0, 60),
        ("r09_ok.nml", 0.5, 1, 30.0, 60),
        ("r10_marker_at_minus25ms.nml", 0.475, 2, 29.975, 60),
    ],
)
def test_traktor_markers_that_failed(cases, name, first, position, last, n):
    beats = read_collection(cases / name).tracks[0].grid.beats()
    assert (beats.times[0], beats.times[-1]) == (pytest.approx(first), pytest.approx(last))
    assert (beats.positions[0], len(beats)) == (position, n)


def test_the_serato_marker_that_failed(cases):
    pytest.importorskip("mutagen")
    path = cases / "r10_serato" / "negative_terminal.mp3"
    beats = seratotags.read(path).track.grid.beats()
    assert beats.times[:2] == pytest.approx([0.4471, 0.9471], abs=1e-3)
    assert beats.positions[:2].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("marker", "shift", "first"),
    [(-0.1, 0, 0.4), (-0.3, 0, 0.2), (-3.2, 0, 0.3), (0.02, 0.05118, 0.46882), (0.7, 0, 0.2),
     (-0.0017, 0.05118, 0.44712), (59.8, 0, 0.3), (-10.0, 0, 0.0)],
)  # fmt: skip
def test_terminal_markers_of_serato(marker, shift, first):
    data = struct.pack(">BBIffB", 1, 0, 1, marker, 120.0, 0)
    beats = serato.read_grid(data, shift, 60.0).beats()
    assert beats.times[:2] == pytest.approx([first, first + 0.5], abs=1e-5)


def test_rekordbox_keeps_six_eighths(cases):
    (track,) = read_collection(cases / "r07_metro_6_8.xml").tracks
    assert (track.grid.meters.tolist(), track.grid.denominators.tolist()) == ([6], [8])
    assert track.grid.positions.tolist() == [5]
    assert b'Metro="6/8" Battito="5"' in rekordbox.dumps(Collection([track]))
    beats = track.grid.beats()
    assert beats.denominators.tolist() == [8] * len(beats)
    assert track.grid.tempo_map().bars == pytest.approx([3.0])


@pytest.mark.parametrize(
    ("metro", "meter"),
    [("2/2", (2, 2)), ("7/8", (7, 8)), ("12/16", (12, 16)), ("3", (3, 4)), ("5/4", (5, 4)),
     ("x", (4, 4)), ("0/4", (4, 4)), ("4/7", (4, 4)), ("", (4, 4))],
)  # fmt: skip
def test_any_metro_is_read_and_an_odd_one_costs_no_tempo(metro, meter):
    grid = rekordbox_file([(0.5, 120.0)], bars=[(metro, 1)])
    assert (grid.meters[0], grid.denominators[0]) == meter
    data = rekordbox.dumps(Collection([DJTrack("/a", grid=grid)]))
    assert f'Metro="{meter[0]}/{meter[1]}"'.encode() in data


@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "1e300", "-1e300", "", "soon"])
def test_a_marker_nowhere_is_no_marker(time):
    good = (0.5, 120.0)
    for make in (traktor, virtualdj, rekordbox):
        row = DJ_FORMATS[make.__name__.rpartition(".")[2]]
        data = row.dumps(Collection([DJTrack("/a.mp3", grid=BeatGrid([0.5], [120.0], 9.0))]))
        for text in (b'Inizio="0.500"', b'START="500.000000"', b'Pos="0.500000"'):
            data = data.replace(text, text.partition(b'"')[0] + b'"' + time.encode() + b'"')
        data = data.replace(b'Phase="0.500000"', b'Phase="nan"')
        assert row.loads(data, "x").tracks[0].grid is None, good
