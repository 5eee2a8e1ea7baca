"""Parts of recordings: every verb and command takes an offset and a duration."""

import inspect
import json
from pathlib import Path

import numpy as np
import published
import pytest
import signals
import soundfile

import mirkit
from mirkit.annotation import Beats, Embedding, Events, Key, Segments, Tempo, TempoMap
from mirkit.annotation.parts import beats_within, moved
from mirkit.audio import Audio
from mirkit.cli import main
from mirkit.errors import AudioError, ParameterError
from mirkit.formats.json import to_object
from mirkit.frames import FrameGrid
from mirkit.tasks import TASKS

RATE = 22050


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "song.wav"
    audio = signals.music(10.0, RATE)
    soundfile.write(path, audio.samples.T, RATE, subtype="FLOAT")
    return path


def settings_of(task):
    if task == "notes":
        published.weights("basic-pitch")
    return {"top": 2} if TASKS[task].value == "Tags" else {}


@pytest.mark.parametrize("task", TASKS)
def test_every_verb_takes_a_part(task, song):
    verb, given = getattr(mirkit, task), settings_of(task)
    samples = mirkit.audio.reading.read(song).samples[:, 3 * RATE : 8 * RATE]
    alone = verb(Audio(samples, RATE), **given)
    part = verb(song, offset=3.0, duration=5.0, **given)
    assert close(part, moved(alone, 3.0))
    assert verb([song], offset=3.0, duration=5.0, **given) == [part]


def close(a, b):
    """Whether two annotations hold the same labels, and times and scores that are near.

    The resampler hears what lies around a part, and not what would lie around its samples alone.
    """
    if isinstance(a, Tempo):
        return a.bpm == pytest.approx(b.bpm, rel=1e-3) if a.bpm else a.bpm == b.bpm
    names = ("times", "intervals", "scores", "values")
    mine = [np.asarray(getattr(a, name)) for name in names if hasattr(a, name)]
    theirs = [np.asarray(getattr(b, name)) for name in names if hasattr(b, name)]
    same = getattr(a, "labels", None) == getattr(b, "labels", None)
    return same and all(
        x.shape == y.shape and np.allclose(x, y, rtol=0, atol=0.03)
        for x, y in zip(mine, theirs, strict=True)
    )


@pytest.mark.parametrize("task", TASKS)
def test_every_verb_documents_its_part(task):
    verb = getattr(mirkit, task)
    names = inspect.signature(verb).parameters
    assert "settings" in names or {"offset", "duration"} <= set(names)


@pytest.mark.parametrize(
    ("part", "message"),
    [({"offset": -1}, "offset is -1"), ({"offset": np.nan}, "offset is nan"),
     ({"duration": 0}, "duration is 0"), ({"offset": "1"}, "offset is '1', a text"),
     ({"duration": "1"}, "duration is '1', a text")],
)  # fmt: skip
@pytest.mark.parametrize("task", TASKS)
def test_parts_that_are_none_are_refused(task, part, message, song):
    with pytest.raises(ParameterError, match=message):
        getattr(mirkit, task)(song, **part)


def test_a_part_behind_the_end_is_an_error(song):
    with pytest.raises(AudioError, match="ends before offset=20"):
        mirkit.beats(song, offset=20.0)


def test_activations_are_not_cut(song):
    activations = mirkit.load(task="beats").activations(song)
    with pytest.raises(ParameterError, match="these are Activations"):
        mirkit.beats(activations, offset=1.0)


def test_the_advice_of_the_message_works(song, tmp_path):
    """A recording whose end is missing: what the message advises can be done."""
    path = tmp_path / "cut.wav"
    content = song.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"pass duration=(\d+\.\d+)") as caught:
        mirkit.beats(path)
    seconds = float(str(caught.value).split("pass duration=")[1])
    assert len(mirkit.beats(path, duration=seconds)) > 4
    assert mirkit.analyze(path, tasks=("beats", "key"), duration=seconds)["key"].label


def test_an_analysis_of_a_part_agrees_with_the_verbs(song):
    part = {"offset": 2.0, "duration": 6.0}
    found = mirkit.analyze(song, tasks=("beats", "tempo", "chords", "sections"), **part)
    assert found.duration == pytest.approx(10.0)
    assert found["beats"] == mirkit.beats(song, **part)
    assert found["chords"] == mirkit.chords(song, **part)
    assert found["sections"].intervals[0, 0] == 2.0
    assert found["sections"].intervals[-1, 1] == pytest.approx(8.0)
    assert found["sections"] == mirkit.sections(song, beats=found["beats"], **part)


def test_chords_of_a_part_change_on_the_beats_of_the_whole():
    song = Path(__file__).parents[1] / "examples" / "audio" / "demo.ogg"
    beats = mirkit.beats(song)
    found = mirkit.chords(song, beats=beats, offset=2.0, duration=6.0)
    inner = found.intervals[1:, 0]
    assert len(inner)
    assert all(np.abs(beats.times - time).min() < 0.02 for time in inner)
    own = mirkit.chords(song, beats=True, offset=2.0, duration=6.0)
    part = mirkit.beats(song, offset=2.0, duration=6.0)
    assert own == mirkit.chords(song, beats=part, offset=2.0, duration=6.0)


def test_values_of_every_kind_are_moved():
    grid = FrameGrid.from_fps(10)
    segments = Segments([[0, 1], [1, 2]], ("A minor", "C major"), kind="key")
    level = mirkit.annotation.TempoHypothesis(120.0, 1.0, [0.5, 1.0])
    for value, times in [
        (Beats([0.5, 1.0], [1, 2], None, (level,), 0), lambda x: x.times),
        (Beats([0.5, 1.0], [1, 2], None, (level,), 0), lambda x: x.hypotheses[0].times),
        (segments, lambda x: x.intervals),
        (Key("A minor", segments=segments), lambda x: x.segments.intervals),
        (Events([[0, 1]], ("a",)), lambda x: x.intervals),
        (TempoMap([0.0], [120.0]), lambda x: x.times),
        (Embedding(np.zeros((2, 3)), grid), lambda x: x.grid.times(2)),
    ]:
        np.testing.assert_array_equal(times(moved(value, 4.0)), times(value) + 4)
        assert moved(value, 0) is value
    tempo = Tempo(120.0, None, ((120.0, 1.0),))
    assert moved(tempo, 4.0) == tempo


def test_beats_of_a_part_count_from_its_start():
    beats = Beats([0.5, 1.0, 1.5, 2.0], [4, 1, 2, 3], [0.1, 0.2, 0.3, 0.4])
    part = beats_within(beats, 1.0, 0.5)
    assert part.times.tolist() == [0.0, 0.5]
    assert part.positions.tolist() == [1, 2]
    assert part.confidence.tolist() == [0.2, 0.3]
    assert len(beats_within(beats, 1.5, None)) == 2


COMMANDS = [
    ("beats",), ("tempo",), ("chords",), ("chords", "--beats"), ("key",), ("sections",),
    ("tags",), ("analyze", "--tasks", "beats,key"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_take_a_part(command, song, capsys):
    status = main([*command, str(song), "--json", "--offset", "2", "--duration", "5.5"])
    row = json.loads(capsys.readouterr().out)
    assert status == 0
    assert row["duration"] == pytest.approx(10.0)
    times = [each["time"] for each in row.get("beats", ())]
    times += [each["start"] for each in row.get("chords", ()) or row.get("sections", ())]
    assert all(2.0 <= time <= 7.5 for time in times)
    if "--beats" not in command and command[0] in ("beats", "chords", "sections"):
        assert times
        assert row[command[0]] == as_rows(getattr(mirkit, command[0])(song, offset=2, duration=5.5))


def as_rows(value):
    name = "beats" if isinstance(value, Beats) else f"{value.kind}s"
    return to_object(value)[name]


@pytest.mark.parametrize("value", ["-1", "nan", "x", "inf"])
@pytest.mark.parametrize("name", ["--offset", "--duration"])
def test_times_that_are_none_are_wrong_usage(name, value, song, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["beats", str(song), f"{name}={value}"])
    assert ended.value.code == 2
    assert "seconds" in capsys.readouterr().err
