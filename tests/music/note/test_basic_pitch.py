import zipfile
from dataclasses import replace

import numpy as np
import pytest
import signals

from mirkit.audio.reading import read
from mirkit.errors import ParameterError, UnknownName, WeightsError
from mirkit.music.note.basic_pitch import (
    HEADS,
    HOP,
    SAMPLE_RATE,
    WINDOW,
    windows,
)
from mirkit.music.note.decoder import NoteDecoder
from mirkit.music.note.inputs import read as inputs_of
from mirkit.zoo.registry import card, load_model

LEFT = 15 * 256
CARD = card("basic-pitch")


def ramp(n_samples):
    return np.arange(1, n_samples + 1, dtype=np.float32)[None]


def wheel(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("n_samples", [1, HOP - 1, HOP, HOP + 1, WINDOW, 3 * HOP + 5])
def test_windows_are_slices_of_the_recording_between_silence(n_samples):
    found = np.array(list(windows([ramp(n_samples)], HOP)))
    assert found.shape == (-(-n_samples // HOP), WINDOW)
    padded = np.pad(ramp(n_samples)[0], (LEFT, 2 * WINDOW))
    for k, window in enumerate(found):
        np.testing.assert_array_equal(window, padded[k * HOP : k * HOP + WINDOW])


def test_windows_do_not_depend_on_how_the_recording_is_cut():
    rng = np.random.default_rng(0)
    samples = ramp(4 * HOP + 17)
    whole = np.array(list(windows([samples], HOP)))
    for longest in (700, 50_000, 500_000):
        blocks = [block[None] for block in signals.cut(samples[0], rng, longest)]
        np.testing.assert_array_equal(np.array(list(windows(blocks, HOP))), whole)


def test_no_samples_have_no_windows_and_no_frames(model):
    assert list(windows([], HOP)) == list(windows([np.zeros((1, 0), np.float32)], HOP)) == []
    with pytest.raises(ParameterError, match="the blocks hold no samples"):
        model.activations([])


@pytest.mark.parametrize("longest", [5000, 200_000])
def test_activations_do_not_depend_on_how_the_recording_is_cut(model, longest):
    samples = signals.music(5, SAMPLE_RATE).samples
    whole = model.activations([samples])
    cut = signals.cut(samples[0], np.random.default_rng(longest), longest)
    found = model.activations(block[None] for block in cut)
    for name in HEADS:
        np.testing.assert_array_equal(found[name].values, whole[name].values)


def test_all_of_the_recording_has_frames_and_nothing_else(model):
    for n_samples in (1, 255, 256, HOP, HOP + 1, 50_000):
        head = model.activations([np.zeros((1, n_samples), np.float32)], ["note"])["note"]
        last = float(head.grid.time_of(head.n_frames - 1))
        assert last < n_samples / SAMPLE_RATE <= last + head.grid.period + 1e-9


def test_heads_are_probabilities_with_the_pitches_of_a_piano(model):
    activations = model.activations([signals.music(1, SAMPLE_RATE).samples])
    assert list(activations) == ["note", "onset", "contour"]
    for name, head in activations.items():
        assert head.kind == "sigmoid"
        assert (head.values >= 0).all()
        assert (head.values <= 1).all()
        assert head.values.shape[1] == len(HEADS[name][1])
    assert activations["note"].labels == activations["onset"].labels
    assert (activations["note"].labels[0], activations["note"].labels[-1]) == ("21", "108")
    assert activations["contour"].labels[:3] == ("20.6667", "21.0000", "21.3333")
    assert activations.provenance.weights_hash == CARD.sha256
    assert activations.provenance.model == "basic-pitch"


def test_only_the_heads_that_are_wanted_are_kept(model):
    samples = signals.music(1, SAMPLE_RATE).samples
    assert list(model.activations([samples], ["onset"])) == ["onset"]
    with pytest.raises(UnknownName, match=r"unknown head 'notes'.*Did you mean 'note'"):
        model.activations([samples], ["notes"])


def test_windows_a_whole_number_of_frames_apart_have_the_frames_of_a_window(model):
    near = replace(model, hop_length=141 * 256)
    assert near.grid.fps == SAMPLE_RATE / 256
    samples = signals.music(4, SAMPLE_RATE).samples
    first = WINDOW // 256 - 30
    for name in HEADS:
        np.testing.assert_array_equal(
            near.activations([samples])[name].values[:first],
            model.activations([samples])[name].values[:first],
        )
    with pytest.raises(ParameterError, match=r"hop_length is 40000 samples; .*no gaps"):
        replace(model, hop_length=40_000)


def strings(rows, seconds, length):
    """Plucked strings (start [s], MIDI pitch), damped after a length [s].

    Each has partials that are weaker and fade faster the higher they are.
    """
    samples = np.zeros(round(seconds * SAMPLE_RATE))
    t = np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE
    touch = np.minimum(np.minimum(t / 0.002, 1), (length - t) / 0.02).clip(0, 1)
    for start, pitch in rows:
        first = round(start * SAMPLE_RATE)
        for k in range(1, 9):
            frequency = k * 440 * 2 ** ((pitch - 69) / 12)
            if frequency < SAMPLE_RATE / 2:
                partial = np.exp(-t * (2 + k)) * np.sin(2 * np.pi * frequency * t)
                samples[first : first + t.size] += 0.2 * k**-1.5 * touch * partial
    return samples.astype(np.float32)[None]


def near(notes, start, pitch, tolerance=0.05):
    """Whether a note of this pitch begins near a time [s]."""
    times = notes.intervals[notes.pitches == pitch, 0]
    return bool((np.abs(times - start) < tolerance).any())


def test_a_scale_is_heard_note_by_note_at_its_times(model):
    pitches = [40, 45, 48, 50, 52, 53, 55, 57, 59, 60, 72, 84]
    rows = [(0.5 + 0.4 * i, pitch) for i, pitch in enumerate(pitches)]
    notes = NoteDecoder()(model.activations([strings(rows, 6, 0.38)]))
    assert all(near(notes, *row) for row in rows)
    assert len(notes) == len(rows)


def test_the_tones_of_a_chord_are_heard_together(model):
    rows = [(0.5, pitch) for pitch in (48, 55, 64, 71)]
    notes = NoteDecoder()(model.activations([strings(rows, 3, 2.0)]))
    assert all(near(notes, *row) for row in rows)
    assert len(notes) <= 6


def test_a_repeated_tone_is_heard_each_time(model):
    rows = [(0.5 + 0.25 * i, 60) for i in range(8)]
    notes = NoteDecoder()(model.activations([strings(rows, 4, 0.24)]))
    assert all(near(notes, *row) for row in rows)
    assert len(notes) <= 9


def test_silence_and_one_sample_hold_no_notes(model):
    for n_samples in (1, 3 * SAMPLE_RATE):
        activations = model.activations([np.zeros((1, n_samples), np.float32)])
        assert len(NoteDecoder()(activations)) == 0


TRUMPET = [
    (284, 373, 65), (220, 284, 65), (203, 220, 68), (175, 200, 70), (143, 172, 65), (96, 117,
    72), (77, 89, 70), (61, 77, 68), (49, 63, 70), (33, 48, 72), (20, 34, 74), (1, 19, 75),
]  # fmt: skip
"""First frame, frame after the last, and pitch, of what basic-pitch 0.4.0 itself finds."""


@pytest.mark.data
def test_the_notes_of_a_trumpet_are_those_of_the_reference_implementation(model, data_dir):
    audio = read(data_dir / "songs" / "solo_trumpet_06.ogg", SAMPLE_RATE, mono=True)
    found = NoteDecoder().find(inputs_of(model.activations([audio.samples])))
    assert [(note.start, note.end, note.row + 21) for note in found] == TRUMPET


def test_the_wheel_and_the_file_in_it_are_the_same_model(weights, tmp_path, monkeypatch):
    path = wheel(tmp_path / "some.whl", {CARD.weights: weights.read_bytes(), "setup.py": "raise"})
    monkeypatch.setenv("MIRKIT_CACHE", str(tmp_path / "cache"))
    samples = signals.music(1, SAMPLE_RATE).samples
    of_wheel, of_file = (
        load_model("basic-pitch", str(x)).activations([samples]) for x in (path, weights)
    )
    assert of_wheel == of_file
    found = [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert found == ["nmp.onnx"], "nothing else of a wheel is unpacked"


def test_weights_that_are_not_the_known_ones_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(WeightsError, match="no such file"):
        load_model("basic-pitch", str(tmp_path / "absent.whl"))
    with pytest.raises(WeightsError, match=r"has sha256 [0-9a-f]{64}, not 2c3c1d14"):
        load_model("basic-pitch", __file__)
    with pytest.raises(WeightsError, match=r"has sha256 [0-9a-f]{64}, not 2c3c1d14"):
        load_model("basic-pitch", str(wheel(tmp_path / "other.whl", {CARD.weights: b"other"})))
    assert not (tmp_path / "cache").exists()
