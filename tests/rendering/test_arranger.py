import numpy as np
import pytest

from mirkit.errors import ParameterError, UnknownName
from mirkit.rendering import arranger
from mirkit.rendering.arranger import drums, lines
from mirkit.rendering.performance import Feel, draw_feel, perform, swing_places
from mirkit.rendering.score import Score

STYLES = sorted(arranger.styles())


def play(name: str, seed: int, seconds: float = 30.0) -> Score:
    style = arranger.style(name)
    rng = np.random.default_rng(seed)
    bpm = style.draw_tempo(rng)
    sheet = arranger.compose(style, seconds, bpm, rng)
    feel = draw_feel(style.manners[0], bpm, rng, style.swing, style.swing_unit)
    return perform(sheet, feel, rng)


def test_there_are_many_styles_at_many_tempi():
    assert len(STYLES) >= 50
    slow = [s for s in arranger.styles().values() if s.tempo[1] < 75]
    fast = [s for s in arranger.styles().values() if s.tempo[1] > 150]
    assert len(slow) >= 8
    assert len(fast) >= 6


@pytest.mark.parametrize("name", STYLES)
def test_every_style_plays_within_its_stated_tempo(name):
    low, _, high = arranger.style(name).tempo
    for seed in range(2):
        score = play(name, seed)
        assert 0.72 * low < score.bpm < 1.35 * high  # rubato and a sudden change may go beyond
        steady = arranger.style(name).draw_tempo(np.random.default_rng(seed))
        assert low <= steady <= high


@pytest.mark.parametrize("name", STYLES)
def test_every_style_has_notes_from_one_end_to_the_other(name):
    score = play(name, seed=1)
    onsets = np.sort(np.concatenate([part.notes[:, 0] for part in score.parts]))
    bar = arranger.style(name).beats_per_bar * 60 / score.bpm
    assert onsets[0] < 5 * bar
    assert np.diff(onsets).max() < 5 * bar
    assert len(onsets) > 40


@pytest.mark.parametrize("name", STYLES)
def test_patterns_divide_the_bar_as_the_meter_does(name):
    style = arranger.style(name)
    for text in style.drums:
        for steps in drums.parse(text).values():
            per_beat = len(steps) / style.beats_per_bar / (2 if style.two_bar else 1)
            assert per_beat in (1, 2, 3, 4, 8), text
    for layer in style.layers:
        for pattern in layer.patterns:
            per_beat = len(pattern) / style.beats_per_bar / (2 if style.two_bar else 1)
            assert per_beat in (1, 2, 3, 4, 8), pattern


@pytest.mark.parametrize("name", ["rock", "waltz", "6/8 rock", "5/4", "7/8", "12/8 ballad"])
def test_downbeats_return_with_the_meter(name):
    score = play(name, seed=3)
    first = int(np.argmax(score.positions == 1))
    n_beats = arranger.style(name).beats_per_bar
    assert score.positions[first:].tolist() == [
        i % n_beats + 1 for i in range(len(score.positions) - first)
    ]


def test_chords_change_on_beats():
    score = play("pop", seed=4)
    starts = np.array([start for start, _, _ in score.chords])
    assert np.abs(starts[:, None] - score.beats[None]).min(axis=1).max() < 1e-9


def test_chords_sound_while_they_are_annotated():
    from mirkit.rendering.harmony import QUALITIES
    from mirkit.vocab import pitch_class

    score = play("piano ballad", seed=5)
    layers = [part for part in score.parts if part.role == "keys"]
    inside = total = 0
    for start, end, label in score.chords:
        root, _, rest = label.partition(":")
        steps = QUALITIES[rest.split("/")[0]]
        tones = {(pitch_class(root) + step) % 12 for step in steps}
        for part in layers:
            notes = part.notes[(part.notes[:, 0] > start + 0.05) & (part.notes[:, 0] < end - 0.05)]
            inside += sum(int(pitch) % 12 in tones for pitch in notes[:, 2])
            total += len(notes)
    assert total > 50
    assert inside / total > 0.97


def test_the_annotated_key_holds_most_of_the_melody():
    from mirkit.rendering.harmony import SCALES
    from mirkit.vocab import pitch_class

    score = play("pop", seed=9, seconds=60)
    lead = next(part for part in score.parts if part.role == "lead").notes
    inside = []
    for start, end, label in score.keys:
        tonic, mode = label.split()
        scale = {(pitch_class(tonic) + step) % 12 for step in SCALES[mode]}
        sung = lead[(lead[:, 0] >= start) & (lead[:, 0] < end), 2]
        inside += [int(pitch) % 12 in scale for pitch in sung]
    assert len(inside) > 40
    assert np.mean(inside) > 0.85


def test_pushed_notes_come_before_their_bar_and_end_where_they_did():
    push = lines.Push(0.5, (False, True, False, False))
    notes = [(0.0, 1.0, 60.0, 90.0), (4.0, 1.0, 60.0, 90.0), (5.0, 1.0, 60.0, 90.0)]
    moved = lines.push_notes(notes, push, 4)
    assert [note[0] for note in moved] == [0.0, 3.5, 5.0]
    assert [note[0] + note[1] for note in moved] == [1.0, 5.0, 6.0]


def test_the_backbeat_falls_on_two_and_four():
    score = play("rock", seed=6)
    kit = next(part for part in score.parts if part.is_drums)
    snare = kit.notes[kit.notes[:, 2] == 38, 0]
    nearest = np.abs(snare[:, None] - score.beats[None]).argmin(axis=1)
    near = np.abs(snare - score.beats[nearest]) < 0.04
    assert np.isin(score.positions[nearest[near]], (2, 4)).mean() > 0.75


def test_the_same_seed_plays_the_same_music():
    assert play("swing", 7) == play("swing", 7)
    assert play("swing", 7) != play("swing", 8)


def test_drift_moves_the_beats_and_a_machine_keeps_them():
    style = arranger.style("rock")

    def spread(drift: float) -> float:
        rng = np.random.default_rng(1)
        sheet = arranger.compose(style, 40.0, 120.0, rng)
        score = perform(sheet, Feel(120.0, drift=drift, jitter=0.0), rng)
        return float(np.diff(score.beats).std())

    assert spread(0.0) < 1e-9
    assert 0.002 < spread(0.02) < 0.03


def test_swing_leaves_the_beats_alone():
    beats = np.arange(8.0)
    assert np.array_equal(swing_places(beats, 0.66, 1.0), beats)
    assert swing_places(np.array([3.5]), 0.66, 1.0)[0] == pytest.approx(3.66)


def test_held_out_drum_patterns_are_heard_nowhere_else():
    def grooves(held_out: bool) -> set[str]:
        style = arranger.style("house")
        sheets = [
            arranger.compose(style, 20, 120, np.random.default_rng(seed), held_out=held_out)
            for seed in range(3)
        ]
        return {sheet.origin.groove for sheet in sheets}

    assert not grooves(True) & grooves(False)


def test_an_unknown_style_names_its_neighbors():
    with pytest.raises(UnknownName, match="waltz"):
        arranger.style("waltzz")


def test_an_unknown_drum_is_refused():
    with pytest.raises(ParameterError, match="'!'"):
        drums.parse("!:x...")
