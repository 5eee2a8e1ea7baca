import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile

import mirkit
from mirkit.activations import Activations, Head
from mirkit.annotation import Events
from mirkit.calibration import Calibration
from mirkit.cli import main
from mirkit.errors import MirkitError, ParameterError, UnknownName
from mirkit.formats import read
from mirkit.frames import FrameGrid
from mirkit.sound.event.decoder import BoxDecoder, ThresholdDecoder, decoder
from mirkit.zoo import registry

GRID = FrameGrid.from_fps(10)
LABELS = ("Dog", "Speech")


def scores(n=40):
    values = np.full((n, 2), 0.05, np.float32)
    values[5:15, 0], values[8:12, 0] = 0.4, 0.9
    values[20:30, 1] = 0.7
    return values


def heard(values, labels=LABELS, grid=GRID, duration=4.0):
    return Activations({"frames": Head(values, labels, grid)}, duration=duration)


def rows(events):
    return [
        (*np.round(span, 3).tolist(), label)
        for span, label in zip(events.intervals, events.labels, strict=True)
    ]


def test_events_reach_half_way_to_the_frames_around_them():
    found = mirkit.events(heard(scores()))
    assert rows(found) == [(0.45, 1.45, "Dog"), (1.95, 2.95, "Speech")]
    assert found.confidence == pytest.approx([0.6, 0.7])
    assert found.kind == "event"


def test_a_threshold_is_for_all_classes():
    assert rows(mirkit.events(heard(scores()), threshold=0.85)) == [(0.75, 1.15, "Dog")]
    assert rows(mirkit.events(heard(scores()), threshold=0.7))[1] == (1.95, 2.95, "Speech")
    assert len(mirkit.events(heard(scores()), threshold=0.95)) == 0


def test_labels_choose_and_order_does_not_matter():
    assert rows(mirkit.events(heard(scores()), ["Speech"])) == [(1.95, 2.95, "Speech")]
    both = mirkit.events(heard(scores()), ["Speech", "Dog"])
    assert rows(both) == rows(mirkit.events(heard(scores())))
    with pytest.raises(UnknownName, match=r"unknown class 'Dogs'. Did you mean 'Dog'"):
        mirkit.events(heard(scores()), ["Dogs"])
    with pytest.raises(ParameterError, match="labels is 'Dog'"):
        mirkit.events(heard(scores()), "Dog")


def test_events_end_with_the_recording():
    values = np.full((10, 1), 0.9, np.float32)
    assert rows(mirkit.events(heard(values, ("Dog",), duration=0.93))) == [(0.0, 0.93, "Dog")]


def test_boxes_do_not_move_with_the_threshold():
    loose = mirkit.events(heard(scores()), decoder="boxes", threshold=0.3)
    strict = mirkit.events(heard(scores()), decoder="boxes", threshold=0.8)
    assert [label for *_, label in rows(loose)] == ["Dog", "Speech"]
    assert rows(strict) == rows(loose)[:1]


def test_what_a_card_learned_is_used_with_its_own_weights():
    card = registry.card("tag-mn")
    learned = {"threshold": {"Dog": 0.95}, "median": {"Speech": 0.5}, "slope": 2.0}
    made = decoder(card=replace(card, confidence=learned))
    assert made.threshold == {"Dog": 0.95}
    assert made.calibration == Calibration(2.0)
    rule = made.rule(LABELS, heard(scores())["frames"])
    assert np.asarray(rule.high) == pytest.approx([0.95, 0.5], abs=1e-5)
    assert np.asarray(rule.median).tolist() == [1, 5]
    assert decoder(card=replace(card, confidence=learned), threshold=0.2).threshold == 0.2
    boxes = decoder("boxes", card=replace(card, confidence=learned))
    assert isinstance(boxes, BoxDecoder)


def test_streams_give_what_the_whole_gives():
    rng = np.random.default_rng(3)
    values = rng.random((200, 2)).astype(np.float32)
    made = ThresholdDecoder(threshold=0.6, low=0.6, median=0.3, max_gap=0.1, min_length=0.2)
    whole = made(heard(values, duration=None))
    cuts = [0, 1, 7, 8, 90, 91, 200]
    blocks = [
        heard(values[a:b], grid=FrameGrid(GRID.rate, a / 10), duration=None)
        for a, b in pairwise(cuts)
    ]
    parts = [row for part in made.stream(iter(blocks)) for row in rows(part)]
    assert len(parts) > 10
    assert sorted(parts) == sorted(rows(whole))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"min_length": -1}, "min_length is -1"),
        ({"max_gap": "1"}, "max_gap is '1'"),
        ({"decoder": "viterbi"}, "unknown event decoder 'viterbi'"),
    ],
)
def test_settings_say_what_is_wrong(settings, message):
    with pytest.raises(MirkitError, match=message):
        mirkit.events(heard(scores()), **settings)


def test_heads_of_the_clip_hold_no_events():
    clip = Activations({"frames": Head([[0.5]], ("Dog",), None)})
    with pytest.raises(ParameterError, match="of the clip"):
        mirkit.events(clip)


def test_silence_holds_nothing():
    assert len(mirkit.events((np.zeros(32000, np.float32), 32000))) == 0


BIRD_SONG = "Bird vocalization, bird call, bird song"


def test_a_robin_is_a_bird_and_nothing_else_and_the_default_knows_its_classes(data_dir):
    found = mirkit.events(data_dir / "songs" / "robin.ogg")
    assert {"Bird", "Chirp, tweet"} <= set(found.labels)
    assert set(found.labels) <= {"Bird", "Chirp, tweet", BIRD_SONG}
    assert found.provenance.model == "sed-probe"
    assert len(mirkit.load("sed-probe").model.config.labels) >= 60


@pytest.fixture
def recording(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * rng.standard_normal(2 * 32000), 32000)
    return path


def test_the_command_prints_json(recording, capsys):
    assert main(["events", str(recording), "--json", "--threshold", "0.01"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert {"start", "end", "label", "confidence"} == set(row["events"][0])
    assert all(0 <= each["start"] < each["end"] <= 2 for each in row["events"])
    labels = {each["label"] for each in row["events"]}
    one = sorted(labels)[0]
    assert main(["events", str(recording), "--json", "--threshold", "0.01", "--label", one]) == 0
    mine = json.loads(capsys.readouterr().out)["events"]
    assert mine == [each for each in row["events"] if each["label"] == one]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("dcase", ".tsv"), ("csv", ".csv"), ("jams", ".jams"), ("audacity", ".labels.txt"),
     ("svl", ".svl")],
)  # fmt: skip
def test_the_command_writes_files(recording, name, suffix, tmp_path):
    out = tmp_path / "out"
    options = ["--format", name, "-o", str(out), "--threshold", "0.2"]
    assert main(["events", str(recording), *options]) == 0
    (path,) = out.iterdir()
    assert path.name.endswith(suffix)
    if name in ("dcase", "csv"):
        saved = read(path)
        found = mirkit.events(recording, threshold=0.2)
        assert isinstance(saved, Events)
        assert saved.labels == found.labels
        np.testing.assert_allclose(saved.intervals, found.intervals, atol=1e-6)


def test_events_are_scored(tmp_path):
    truth = Events([[0, 1], [2, 3]], ("Dog", "Speech"))
    found = Events([[0.1, 1], [2.5, 3]], ("Dog", "Speech"))
    mean = mirkit.score(truth, found, "events").mean()
    assert (mean["f_measure"], mean["clip_f_measure"]) == (0.5, 1.0)
    assert mirkit.score(truth, found, "events", collar=0.6).mean()["f_measure"] == 1.0
    for name, value in (("truth", truth), ("found", found)):
        (tmp_path / name).mkdir()
        mirkit.save(value, tmp_path / name / "a.tsv")
    options = ["--reference", str(tmp_path / "truth"), "--estimate", str(tmp_path / "found")]
    assert main(["score", "events", *options, "--json"]) == 0


def test_systems_are_evaluated_on_events(recording, tmp_path):
    manifest = tmp_path / "set.csv"
    mirkit.save(Events([[0, 2]], ("Wind",)), tmp_path / "noise.jams")
    manifest.write_text("audio,annotation\nnoise.wav,noise.jams\n")
    report = mirkit.evaluate("events", manifest, systems=("sed-probe",))
    assert "error_rate" in report.parts[0].means["sed-probe"]
