import io

import mido
import numpy as np
import pytest

from mirkit.annotation import Events
from mirkit.errors import ParameterError
from mirkit.formats import midi, read, save


def notes(*rows, **more):
    """Notes (start [s], end [s], pitch)."""
    starts, ends, pitches = zip(*rows, strict=True)
    labels = tuple(str(round(pitch)) for pitch in pitches)
    return Events(np.array([starts, ends]).T, labels, kind="note", pitches=pitches, **more)


def midi_file(*tracks, ticks_per_beat=480):
    file = mido.MidiFile(ticks_per_beat=ticks_per_beat)
    file.tracks += [mido.MidiTrack(track) for track in tracks]
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def on(note, time, velocity=80, channel=0):
    return mido.Message("note_on", note=note, velocity=velocity, channel=channel, time=time)


def off(note, time, channel=0):
    return mido.Message("note_off", note=note, channel=channel, time=time)


def test_a_sequencer_plays_the_notes_when_they_are(tmp_path):
    rng = np.random.default_rng(0)
    starts = np.sort(rng.uniform(0, 60, 500))
    rows = [(t, t + rng.uniform(0.05, 2), int(rng.integers(21, 109))) for t in starts]
    expected = notes(*rows, velocities=rng.integers(1, 128, 500))
    save(expected, tmp_path / "x.mid")
    now, heard = 0.0, []
    for message in mido.MidiFile(tmp_path / "x.mid"):  # mido itself turns ticks into seconds
        now += message.time
        if message.type == "note_on":
            heard.append((now, message.note, message.velocity))
            assert message.channel != 9
    times, pitches, velocities = np.array(sorted(heard)).T
    np.testing.assert_allclose(times, expected.intervals[:, 0], atol=0.27e-3)
    assert sorted(pitches) == sorted(expected.pitches)
    assert sorted(velocities) == sorted(expected.velocities)


def test_notes_of_one_pitch_that_overlap_keep_their_ends(tmp_path):
    expected = notes((0, 4, 60), (1, 2, 60), (2, 3, 60), (3, 6, 60), (6, 7, 60))
    save(expected, tmp_path / "x.mid")
    found = read(tmp_path / "x.mid")
    np.testing.assert_allclose(found.intervals, expected.intervals, atol=1e-9)


def test_a_note_that_begins_where_another_of_its_pitch_ends_stays_on_its_channel(tmp_path):
    save(notes((0, 1, 60), (1, 2, 60)), tmp_path / "x.mid")
    messages = [m for m in mido.MidiFile(tmp_path / "x.mid") if not m.is_meta]
    assert [m.type for m in messages] == ["note_on", "note_off"] * 2
    assert {m.channel for m in messages} == {0}


def test_no_notes_are_kept_and_read_as_none(tmp_path):
    nothing = Events([], (), kind="note")
    save(nothing, tmp_path / "x.mid")
    assert read(tmp_path / "x.mid") == nothing


def test_what_has_no_pitch_is_refused():
    with pytest.raises(ParameterError, match="events have no pitches"):
        midi.dumps(Events([[0, 1]], ("dog",)))
    with pytest.raises(ParameterError, match="notes have no pitches"):
        midi.dumps(Events([[0, 1]], ("C4",), kind="note"))
    with pytest.raises(ParameterError, match="more than 15 notes of pitch 60"):
        midi.dumps(notes(*[(0, 1, 60)] * 16))


def test_notes_of_any_file_are_found_through_its_tempi_and_tracks():
    slow = [mido.MetaMessage("set_tempo", tempo=1_000_000), on(60, 480), off(60, 480)]
    fast = [mido.MetaMessage("set_tempo", tempo=500_000, time=480), on(64, 480, 33), off(64, 480)]
    found = midi.notes(midi_file(slow, fast))
    assert found.labels == ("60", "64")
    np.testing.assert_allclose(found.intervals, [[1, 1.5], [1.5, 2]])
    np.testing.assert_array_equal(found.velocities, [80, 33])


def test_a_note_ends_where_it_is_struck_again_or_struck_with_no_velocity():
    data = midi_file([on(60, 0), on(60, 480), on(60, 480, velocity=0), off(60, 480), on(61, 0)])
    np.testing.assert_allclose(midi.notes(data).intervals, [[0, 0.5], [0.5, 1]])


def test_drums_are_notes_only_where_asked():
    data = midi_file([on(36, 0, channel=9), off(36, 480, channel=9), on(60, 0), off(60, 480)])
    assert midi.notes(data).labels == ("60",)
    assert midi.notes(data, drums=True).labels == ("36", "60")


def test_a_file_of_another_program_is_still_read_as_its_tempo_map(tmp_path):
    (tmp_path / "x.mid").write_bytes(midi_file([on(60, 0), off(60, 480)]))
    assert read(tmp_path / "x.mid").bpms.tolist() == [120]
