"""From an analysis to the track of a DJ, and back."""

import pytest

from mirkit.annotation import Analysis, Beats, Key, Segments, TempoMap
from mirkit.errors import ParameterError
from mirkit.formats.dj.model import Cue, DJTrack
from mirkit.formats.dj.tracks import analysis_of, track_of

BEATS = Beats([0.5 + 0.5 * i for i in range(40)], [i % 4 + 1 for i in range(40)])


def test_an_analysis_becomes_a_track():
    sections = Segments(
        [[i, i + 1] for i in range(10)], tuple("abcdefghij"), kind="section"
    )  # fmt: skip
    whole = Analysis({"beats": BEATS, "key": Key("Am"), "sections": sections}, duration=30.0)
    known = DJTrack("/elsewhere.mp3", "A title", key="C", bpm=99.0)
    track, fit = track_of("/music/a.mp3", whole, known=known)
    assert (track.location, track.title, track.key) == ("/music/a.mp3", "A title", "A minor")
    assert (track.tempo, track.grid.end, fit.constant) == (120, 30, True)
    assert [cue.number for cue in track.cues] == [*range(8), None, None]
    assert track.cues[9] == Cue(9, kind="memory", name="j")


def test_without_beats_there_is_no_grid():
    track, fit = track_of("/a.mp3", Beats([1.0]))
    assert (track.grid, fit) == (None, None)


def test_what_a_program_knows_becomes_annotations():
    track, _ = track_of("/a.mp3", BEATS)
    found = analysis_of(DJTrack("/a.mp3", grid=track.grid, key="8A", cues=(Cue(4, 8, number=1),)))
    assert found["beats"].times == pytest.approx(BEATS.times)
    assert found["tempo_map"] == TempoMap([0.5], [120.0], [4])
    assert found["key"] == Key("A minor")
    assert (found["cues"].labels, found["cues"].intervals.tolist()) == (("hot cue",), [[4, 8]])
    with pytest.raises(ParameterError, match="nothing is known"):
        analysis_of(DJTrack("/a.mp3"))
