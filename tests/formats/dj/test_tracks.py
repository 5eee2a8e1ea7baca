"""From an analysis to the track of a DJ, and back."""

from itertools import pairwise

import pytest

from mirkit.annotation import Analysis, Beats, Events, Key, Segments, TempoMap
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


def with_drop(*edges, beats=BEATS):
    """A track whose sections begin at these times [s], the drop at the last but one of them."""
    sections = Segments(
        list(pairwise(edges)), tuple("abcdefghij"[: len(edges) - 1]),
        kind="section",
    )  # fmt: skip
    drop = Events([[edges[-2], edges[-2]]], ("drop",))
    whole = Analysis({"beats": beats, "sections": sections, "drop": drop}, duration=edges[-1])
    return track_of("/music/a.mp3", whole)[0]


def test_loops_of_four_and_eight_bars_begin_at_the_drop():
    cues = with_drop(0.0, 2.5, 4.508, 20.6).cues
    assert [(cue.number, cue.name) for cue in cues] == [
        (0, "a"), (1, "b"), (2, "c (drop)"), (6, "Loop 4"), (7, "Loop 8"),
    ]  # fmt: skip
    assert cues[2].time == pytest.approx(4.5)  # on the beat of the grid
    assert (cues[3].time, cues[3].end) == pytest.approx((4.5, 12.5))
    assert (cues[4].time, cues[4].end) == pytest.approx((4.5, 20.5))
    assert cues[0].time == 0  # which is no beat


def test_loops_end_where_the_tempo_or_the_track_does():
    assert [x.name for x in with_drop(0.0, 4.5, 14.0).loops] == ["Loop 4"]
    assert with_drop(0.0, 4.5, 9.0, beats=Beats(BEATS.times[:17])).loops == ()
    faster = Beats([*BEATS.times[:20], *(BEATS.times[19] + 0.4 * i for i in range(1, 40))])
    assert [x.name for x in with_drop(0.0, 2.5, 30.0, beats=faster).loops] == []


def test_loops_leave_buttons_to_the_first_sections():
    cues = with_drop(*range(10), 30.0).cues
    assert [cue.number for cue in cues] == [*range(6), *[None] * 4, 6, 7]


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
