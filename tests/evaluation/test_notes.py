"""The benchmark of notes: played ones are read from MIDI files, and found ones scored."""

import numpy as np
import published
import pytest
import soundfile

import mirkit
from mirkit.audio import reading
from mirkit.evaluation import BENCHMARKS
from mirkit.evaluation.systems import load_system

RATE = 22050
PITCHES = (60, 64, 67, 72, 65, 69)


@pytest.fixture
def played():
    """Six notes of half a second, one after the other."""
    starts = 0.3 + 0.5 * np.arange(len(PITCHES))
    labels = tuple(map(str, PITCHES))
    return mirkit.Events(np.stack([starts, starts + 0.45], axis=1), labels, kind="note")


@pytest.fixture
def folder(tmp_path, played):
    """A recording of the notes, and a MIDI file beside it."""
    samples = np.zeros(4 * RATE, np.float32)
    for (start, end), pitch in zip(played.intervals, played.pitches, strict=True):
        t = np.arange(round((end - start) * RATE)) / RATE
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * f0 * k * t) / k**1.5 for k in range(1, 7))
        first = round(start * RATE)
        samples[first : first + len(t)] += 0.15 * tone * np.exp(-3 * t)
    soundfile.write(tmp_path / "tune.wav", samples, RATE)
    mirkit.save(played, tmp_path / "tune.mid")
    return tmp_path


def test_basic_pitch_stands_in_the_table_of_its_task(folder):
    published.weights("basic-pitch")
    report = mirkit.evaluate("notes", folder, n_draws=2)
    assert report.means["basic-pitch"]["f_measure"] > 0.8
    assert set(BENCHMARKS["notes"].measures) <= set(report.rows[0].scores)
    found = load_system("notes", "basic-pitch")(reading.read(folder / "tune.wav"))
    assert mirkit.score(folder / "tune.mid", found, "notes").mean() == report.rows[0].scores


def test_notes_are_read_from_any_midi_file_and_from_annotations(folder, played):
    mirkit.save(played, folder / "tune.csv")
    for name in ("tune.mid", "tune.csv"):
        true = BENCHMARKS["notes"].reference(folder / name)
        assert true.pitches == pytest.approx(played.pitches)
        assert true.intervals == pytest.approx(played.intervals, abs=2e-3)


def test_settings_of_the_measures_are_passed_on(played):
    late = mirkit.Events(played.intervals + 0.08, played.labels, kind="note")
    assert mirkit.score(played, late, "notes").mean()["f_measure"] == 0
    wide = mirkit.score(played, late, "notes", onset_tolerance=0.1)
    assert wide.mean()["f_measure"] == 1


def test_what_holds_no_notes_is_refused(folder):
    mirkit.save(mirkit.Beats([0.5, 1.0]), folder / "tune.beats")
    with pytest.raises(mirkit.FormatError, match="holds no notes, but Beats"):
        BENCHMARKS["notes"].reference(folder / "tune.beats")
