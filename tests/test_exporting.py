"""`mirkit.export`: the DJ export of the command line as a Python verb."""

from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.annotation import Analysis, Beats, Key, Segments
from mirkit.errors import AudioError, ParameterError, UnknownName
from mirkit.formats.dj import read_collection


def corrected(folder):
    """An analysis that a person has put right."""
    beats = Beats(np.arange(0.25, 40, 0.5), np.arange(80) % 4 + 1)
    sections = Segments([[0.0, 16.25], [16.25, 40.0]], ("A", "B"), kind="section")
    track = mirkit.Track(Path(folder) / "song.wav")
    return Analysis({"beats": beats, "key": Key("A minor"), "sections": sections}, track, 40.0)


def test_an_analysis_is_exported_as_it_is(tmp_path):
    losses = mirkit.export(corrected(tmp_path), "rekordbox", tmp_path / "x.xml")
    assert [loss.deviation < 0.001 for loss in losses] == [True]
    (track,) = read_collection(tmp_path / "x.xml").tracks
    assert (track.tempo, track.key) == (120, "A minor")
    assert track.grid.beats().times[0] == pytest.approx(0.25, abs=0.001)
    assert [(cue.name, round(cue.time, 2)) for cue in track.cues] == [("A", 0.0), ("B", 16.25)]


def test_recordings_are_analyzed(tmp_path):
    audio = signals.click_track(126, n_beats=24, sample_rate=22050)
    soundfile.write(tmp_path / "clicks.wav", audio.samples.T, audio.sample_rate)
    both = [tmp_path / "clicks.wav", corrected(tmp_path)]
    mirkit.export(both, "traktor", tmp_path, key=False)
    (found,) = tmp_path.glob("*.nml")
    tempi = {Path(x.location).name: x.tempo for x in read_collection(found).tracks}
    assert tempi["song.wav"] == 120
    assert tempi["clicks.wav"] == pytest.approx(126, rel=0.01)


def test_a_bad_target_is_found_before_the_work(tmp_path):
    with pytest.raises(UnknownName, match="rekordbox"):
        mirkit.export(corrected(tmp_path), "recordbox", tmp_path / "x.xml")
    with pytest.raises(ParameterError, match="path is None"):
        mirkit.export(corrected(tmp_path), "rekordbox")
    with pytest.raises(ParameterError, match="by their paths"):
        mirkit.export(Analysis({"beats": Beats([1.0, 2.0])}), "rekordbox", tmp_path / "x.xml")
    with pytest.raises(AudioError, match=r"missing\.wav"):
        mirkit.export(tmp_path / "missing.wav", "rekordbox", tmp_path / "x.xml")
    assert not (tmp_path / "x.xml").exists()


def test_one_tempo_is_exported_where_it_is_asked_for(tmp_path):
    times = np.arange(0.25, 60, 0.5)
    times[80:] += 0.1
    song = Analysis({"beats": Beats(times)}, mirkit.Track(tmp_path / "song.wav"), 60.0)
    for one_tempo, n in ((False, 2), (True, 1)):
        mirkit.export(song, "rekordbox", tmp_path / f"{n}.xml", one_tempo=one_tempo)
        (track,) = read_collection(tmp_path / f"{n}.xml").tracks
        assert len(track.grid) == n
