"""Files of editors: the exact text where a program reads it, and other programs' files."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mirkit.annotation import Beats, Segments, TempoMap
from mirkit.errors import FormatError
from mirkit.formats import dumps, loads

BEATS = Beats([0.5, 1.0, 1.5, 2.1], positions=[4, 1, 2, 3])
CHORDS = Segments([[0, 1.5], [1.5, 2]], ("C:maj", "A:min"), kind="chord")


def test_audacity_reads_tabs():
    assert dumps(BEATS, "audacity").splitlines()[1] == "1.000000\t1.000000\t1"
    assert dumps(CHORDS, "audacity") == "0.000000\t1.500000\tC:maj\n1.500000\t2.000000\tA:min\n"
    spectral = "0.5\t0.5\t1\n\\\t100\t200\n1.0\t1.0\n"  # Audacity adds lines of frequencies
    assert loads(spectral, "audacity") == Beats([0.5, 1.0], [1, 0])
    with pytest.raises(FormatError, match=r"line 2.*starts before the region above ends"):
        loads("0\t2\ta\n1\t3\tb\n", "audacity")
    with pytest.raises(FormatError, match="two times with a tab"):
        loads("0.5 1.0 a\n", "audacity")


def test_sonic_visualiser_reads_frames():
    root = ET.fromstring(dumps(BEATS, "svl").encode())
    model, layer = root.find("data/model"), root.find("display/layer")
    assert (model.get("type"), model.get("dimensions"), model.get("sampleRate")) == (
        "sparse", "1", "44100",
    )  # fmt: skip
    assert (layer.get("type"), layer.get("model")) == ("timeinstants", model.get("id"))
    assert root.find("data/dataset").get("id") == model.get("dataset")
    points = [(x.get("frame"), x.get("label")) for x in root.iter("point")]
    assert points == [("22050", "4"), ("44100", "1"), ("66150", "2"), ("92610", "3")]
    regions = ET.fromstring(dumps(CHORDS, "svl").encode())
    assert regions.find("display/layer").get("type") == "regions"
    assert regions.find("data/dataset/point").get("duration") == "66150"


def test_layers_of_other_rates_are_read():
    text = """<?xml version="1.0"?><!DOCTYPE sonic-visualiser><sv><data>
    <model id="7" sampleRate="48000" type="sparse" dimensions="1" dataset="6"/>
    <dataset id="6" dimensions="1"><point frame="72000" label="beat"/><point frame="48000"/>
    </dataset></data></sv>"""
    assert loads(text, "svl") == Beats([1.0, 1.5])
    for wrong, match in ((text[:90], "no whole layer"), ("<sv/>", "no layer"),
                         (text.replace('frame="48000"', ""), "without a frame")):  # fmt: skip
        with pytest.raises(FormatError, match=match):
            loads(wrong, "svl")


def test_tables_of_sonic_visualiser_have_no_header():
    assert dumps(BEATS, "svcsv").splitlines()[0] == "0.500000000,4"
    assert dumps(CHORDS, "svcsv").splitlines()[1] == "1.500000000,1,0.500000000,A:min"
    assert loads("0.5,1.0,verse\n1.5,2.0,chorus\n", "svcsv").labels == ("verse", "chorus")
    with pytest.raises(FormatError, match="rows of beats"):
        loads("0.5,1\n1,2,3,a\n", "svcsv")


def quarters(text, times):
    """Which quarter of REAPER's grid each time lies on, by its envelope."""
    points = [line.split()[1:3] for line in text.splitlines() if line.strip().startswith("PT ")]
    starts, bpms = np.array(points, dtype=float).T
    at = np.append(0, np.cumsum(np.diff(starts) * bpms[:-1] / 60))
    i = np.searchsorted(starts, np.asarray(times) + 1e-9, side="right") - 1
    return at[i] + (times - starts[i]) * bpms[i] / 60


def test_beats_lie_on_the_grid_of_reaper():
    rng = np.random.default_rng(0)
    times = 0.83 + np.cumsum(rng.uniform(0.4, 0.6, 200))
    text = dumps(Beats(times, np.arange(200) % 3 + 1), "reaper")
    on = quarters(text, times)
    np.testing.assert_allclose(on, np.rint(on), atol=1e-5)
    np.testing.assert_array_equal(np.diff(np.rint(on)), 1)
    assert text.count(str((4 << 16) | 3)) == 1  # one time signature, as bars do not change


def test_a_steady_tempo_is_one_point_after_the_lead_in():
    text = dumps(Beats(0.25 + 0.5 * np.arange(100)), "reaper")
    assert text.count("PT ") <= 2
    assert text.count("MARKER") == 100


def test_the_region_manager_has_markers_and_regions():
    assert dumps(BEATS, "reapercsv").splitlines()[:2] == [
        "#,Name,Start,End,Length", "M1,beat 4,0:00:00.500000,,",
    ]  # fmt: skip
    assert dumps(CHORDS, "reapercsv").splitlines()[2] == (
        "R2,A:min,0:00:01.500000,0:00:02.000000,0:00:00.500000"
    )


HEADER = "#,Name,Start,End,Length,Color\n"


def test_what_reaper_exports_is_read():
    regions = 'M1,cue,0:01.000,,,FF0000\nR2,"a, b",1:02.500,1:03.000,0:00.500,\n'
    found = loads(f"{HEADER}{regions}R1,verse,0:00.000,62.5,62.5,00FF00\n", "reapercsv")
    assert found == Segments([[0, 62.5], [62.5, 63]], ("verse", "a, b"))
    markers = "M2,Verse,1:00:00.250,,,\nM1,,0.5,,,\n"
    assert loads(HEADER + markers, "reapercsv") == Beats([0.5, 3600.25])
    assert loads(f"{HEADER}{markers}M3,beat 1,2.5,,,\n", "reapercsv") == Beats([2.5], [1])


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("M1,a,5.1.00,,,", r"line 2: Start 5\.1\.00 counts bars"),
        ("M1,a,00:00:01:12,,,", "counts bars or frames"),
        ("X1,a,1,,,", "neither a marker"),
        ("R1,a,2,1,1,", "ends before its start"),
        ("R1,a,1,,1,", "End '' is no number"),
        ("R1,a,0,2,2,\nR2,b,1,3,2,", "line 3: region 'b' starts before 'a' ends"),
    ],
)
def test_what_the_region_manager_cannot_mean_is_refused(row, match):
    with pytest.raises(FormatError, match=match):
        loads(f"{HEADER}{row}\n", "reapercsv")
    with pytest.raises(FormatError, match="the header is"):
        loads("time,label\n", "reapercsv")


def test_a_project_without_our_markers_is_its_tempo_map():
    text = """<REAPER_PROJECT 0.1 "7.0/linux" 1700000000
  TEMPO 120 4 4
  MARKER 1 3.5 Verse 0
  <TEMPOENVEX
    PT 0 100 1 262147 0 1 0 "" 0
    PT 12 110.5 1
  >
>"""
    assert loads(text, "reaper") == TempoMap([0, 12], [100, 110.5], [3, 3])
    with pytest.raises(FormatError, match="no REAPER project"):
        loads("MThd", "reaper")
