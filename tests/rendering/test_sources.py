import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mirkit import rendering
from mirkit.errors import MissingExtra
from mirkit.rendering import run
from mirkit.rendering.harmony import Chord, symbol
from mirkit.rendering.material import charts, groove, lieder, midi, mma, pop909


@pytest.fixture(scope="module")
def corpus(data_dir, tmp_path_factory):
    cache = os.environ.get("MIRKIT_TEST_CACHE") or tmp_path_factory.mktemp("unpacked")
    return rendering.Corpus(data_dir, Path(cache))


SETS = {
    "charts": lambda c, s: {chart.title for chart in charts.charts(c, s)},
    "groove": lambda c, s: {g.name for g in groove.grooves(c, s)},
    "pop909": lambda c, s: {song.name for song in pop909.songs(c, s)},
    "lieder": lambda c, s: {song.name for song in lieder.songs(c, s)},
    "hymns": lambda c, s: {piece.name for piece in midi.hymns(c, s)},
    "games": lambda c, s: {piece.name for piece in midi.game_music(c, s)},
}


@pytest.mark.data
@pytest.mark.parametrize("name", SETS)
def test_no_song_is_in_two_splits(name, corpus):
    train, val, test = (SETS[name](corpus, split) for split in rendering.SPLITS)
    assert train
    assert test
    assert not train & val
    assert not train & test
    assert not val & test


@pytest.mark.data
def test_no_song_groove_or_font_of_a_plan_is_in_two_splits(corpus):
    seen = {}
    shares = {"arranger": 0.4, "groove": 0.2, "pop909": 0.2, "lieder": 0.1, "hymnal": 0.1}
    for split in rendering.SPLITS:
        specs = rendering.plan(split, 20, 5, corpus, shares=shares)
        scores = [run.perform_clip(spec, corpus) for spec in specs]
        songs = {score.origin.song for score in scores}
        grooves = {score.origin.groove for score in scores if "groove/" in score.origin.groove}
        seen[split] = (songs, grooves)
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        assert not seen[a][0] & seen[b][0]
        assert not seen[a][1] & seen[b][1]


@pytest.mark.data
def test_drummers_play_near_the_beats_that_are_annotated(corpus):
    """Bass and snare drum strokes gather at whole beats, far more than chance would have it."""
    shares = []
    for chosen in groove.grooves(corpus, "test")[::12]:
        notes = groove.drum_part(chosen, 64, start_bar=2).notes
        strokes = notes[np.isin(notes[:, 2], (36, 38)) & (notes[:, 3] > 50), 0]
        shares.append(np.mean(np.abs(strokes - np.rint(strokes)) < 0.1))
    assert np.median(shares) > 0.4  # 0.2 is chance


@pytest.mark.data
def test_drummers_are_neither_early_nor_late_on_the_whole(corpus):
    for chosen in groove.grooves(corpus, "test")[::16]:
        places = groove.drum_part(chosen, 64).notes[:, 0]
        offsets = places - np.rint(places)
        near = offsets[np.abs(offsets) < 0.1]
        assert abs(np.median(near)) < 0.03, chosen.name
        halves = [np.median(half) for half in np.array_split(near, 4)]
        assert np.abs(halves).max() < 0.045, chosen.name


@pytest.mark.data
def test_a_groove_repeats_in_whole_bars(corpus):
    chosen = next(g for g in groove.grooves(corpus, "test") if g.beats_per_bar == 4)
    part = groove.drum_part(chosen, 400)
    length = groove._whole_bars(groove.center_strokes(chosen), 4)
    first = part.notes[(part.notes[:, 0] >= 0) & (part.notes[:, 0] < length - 0.3), 0]
    again = part.notes[(part.notes[:, 0] >= length) & (part.notes[:, 0] < 2 * length - 0.3), 0]
    assert length % 4 == 0
    assert np.allclose(first + length, again)


def test_double_time_drumming_is_left_out(tmp_path):
    def a_groove(name, places):
        import mido

        track = mido.MidiTrack()
        now = 0
        for place in places:
            tick = round(place * 480)
            track.append(mido.Message("note_on", channel=9, note=38, velocity=100, time=tick - now))
            now = tick
        file = mido.MidiFile(ticks_per_beat=480)
        file.tracks.append(track)
        file.save(tmp_path / f"{name}.mid")
        return groove.Groove(name, "rock", 120.0, 4, "4/4", tmp_path / f"{name}.mid", "x")

    assert groove.is_plain(a_groove("backbeat", np.arange(1, 40, 2)))
    assert not groove.is_plain(a_groove("double", np.arange(0.5, 40, 1)))
    assert not groove.is_plain(a_groove("half", np.arange(2, 80, 4)))


@pytest.mark.data
def test_pop_tunes_meet_their_beats(corpus):
    for song in pop909.songs(corpus, "test")[:6]:
        tune = pop909.read_song(song)
        onsets = np.concatenate([part.notes[:, 0] for part in tune.parts])
        beats = np.arange(8, 72)
        hit = np.abs(onsets[None] - beats[:, None]).min(axis=1) < 0.06
        assert hit.mean() > 0.6, song.name
        assert len(tune.bars) * song.beats_per_bar >= tune.n_beats


@pytest.mark.data
def test_lieder_bars_follow_the_score(corpus):
    song = next(s for s in lieder.songs(corpus, "train") if s.name.endswith("lc5079368"))
    music = lieder.read_song(song)
    lengths = np.diff(music.bars)
    assert np.bincount(lengths.astype(int)).argmax() == int(music.meter[0]) or music.meter == "6/8"
    onsets = np.concatenate([part.notes[:, 0] for part in music.parts])
    at_bars = np.abs(onsets[:, None] - music.bars[None]).min(axis=0) < 1e-6
    assert at_bars.mean() > 0.8


def test_tied_notes_of_a_score_are_one_note():
    from xml.etree import ElementTree

    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration>{}</note>"
    part = ElementTree.fromstring(
        "<part><measure><attributes><divisions>2</divisions></attributes>"
        + note.format("<tie type='start'/>")
        + "</measure><measure>"
        + note.format("<tie type='stop'/>")
        + "</measure></part>"
    )
    notes = lieder._read_part(part, beat=1.0, pickup=0.0).notes
    assert notes.tolist() == [[0.0, 4.0, 60.0, 70.0]]


def test_a_pickup_is_found_in_an_abc_score():
    head = "M: 3/4\nL: 1/8\nK: G\n"
    assert midi.abc_pickup(head + "[V: 1] d2 | g4 b2 | a6 |") == 1.0
    assert midi.abc_pickup(head + "[V: 1] !f! g4 b2 | a6 |") == 0.0
    assert midi.abc_pickup(head + "[V: 1] g3/2 a/ | a6 |") == 1.0
    assert midi.abc_pickup(head + "[V: 1] (3gab g4 | a6 |") is None


def test_charts_of_changing_meter_are_left_out():
    steady = {"title": "a", "bars": [[[4, 4], [[0.0, "C"]]]] * 9}
    changing = {"title": "b", "bars": [[[4, 4], [[0.0, "C"]]], [[3, 4], [[0.0, "G7"]]]]}
    assert charts._chart(steady).bars == ((Chord(0, "maj", 0),),) * 9
    assert charts._chart(changing) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [("C", "C:maj"), ("F#m7b5", "F#:hdim7"), ("Bbdim7", "Bb:dim7"), ("G7sus4", "G:sus4(b7)"),
     ("EbM7", "Eb:maj7"), ("D9", "D:9"), ("Caug7", "C:aug(b7)"), ("Am6", "A:min6")],
)  # fmt: skip
def test_lead_sheet_symbols_are_read(text, label):
    assert symbol(text).label == label


@pytest.mark.skipif(shutil.which("mma") is None, reason="MMA is not installed")
def test_mma_plays_the_chords_that_are_annotated():
    chosen = next(g for g in mma.grooves() if g.family == "8beat")
    bars = tuple((Chord(root, "maj", root),) for root in (0, 5, 7, 0) * 3)
    parts = mma.arrange(chosen, bars, seed=3)
    assert any(part.is_drums for part in parts)
    inside = []
    for part in parts:
        if part.is_drums:
            continue
        for onset, _, pitch, _ in part.notes:
            chord = bars[min(int((onset + 0.15) // 4), len(bars) - 1)][0]
            inside.append(int(pitch) % 12 in chord.tones)
    assert len(inside) > 50
    assert np.mean(inside) > 0.75


def test_mma_absent_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    mma.grooves.cache_clear()
    with pytest.raises(MissingExtra, match="apt-get install mma"):
        mma.grooves()


@pytest.mark.data
@pytest.mark.parametrize("source", ["mma", "groove", "pop909", "lieder", "hymnal", "freedoom"])
def test_every_source_plays_something_in_every_split(source, corpus):
    if source == "mma" and shutil.which("mma") is None:
        pytest.skip("MMA is not installed")
    for split in rendering.SPLITS:
        spec = rendering.plan(split, 1, 11, corpus, shares={source: 1.0})[0]
        score = run.perform_clip(spec, corpus)
        inside = score.beats[(score.beats >= 0) & (score.beats < spec.seconds)]
        assert len(inside) == pytest.approx(spec.seconds * score.bpm / 60, rel=0.25, abs=3)
        assert sum(len(part.notes) for part in score.parts) > 20
        assert run.perform_clip(replace(spec), corpus) == score
