import json

import mir_eval
import numpy as np
import pytest
import signals

import mirkit
from mirkit.annotation import Beats
from mirkit.audio import Audio
from mirkit.errors import AudioError, ParameterError
from mirkit.features import FRONT_ENDS
from mirkit.music.section.decoder import SectionDecoder, beat_edges
from mirkit.music.section.labels import best_diagonal, letters, likeness
from mirkit.music.section.novelty import checkerboard, novelty, peaks

RATE = 22050
BEAT = 0.5
PARTS = {
    "A": ("C:maj", "A:min", "F:maj", "G:maj"),
    "B": ("E:maj", "B:maj", "C#:min", "F#:maj"),
    "C": ("D#:min", "G#:maj", "F:min", "A#:maj"),
}


def piece(form):
    """A piece of 16 beats a letter, four times its four chords, and its beats."""
    progression = [(chord, BEAT) for letter in form for chord in 4 * PARTS[letter]]
    audio = signals.chords(progression, RATE)
    beats = np.arange(0, audio.samples.shape[1] / RATE - 0.1, BEAT)
    return audio, Beats(beats, np.arange(len(beats)) % 4 + 1)


@pytest.mark.parametrize("form", ["AABB", "ABAC", "ABCA", "AB"])
def test_form_of_a_made_piece_is_found(form):
    audio, beats = piece(form)
    found = mirkit.sections(audio, beats=beats)
    true = [8.0 * i for i in range(len(form) + 1)]
    labels = list(form)
    inner = [true[i] for i in range(1, len(form)) if labels[i] != labels[i - 1]]
    for at in inner:
        assert np.abs(found.intervals[:, 0] - at).min() < 1e-6, "a boundary is missing"
    intervals = np.column_stack([true[:-1], true[1:]])
    scores = mir_eval.segment.pairwise(
        intervals, labels, found.intervals, list(found.labels), frame_size=0.25
    )
    assert scores[2] > 0.9
    assert found.kind == "section"
    assert found.labels[0] == "A"
    assert found.intervals[0, 0] == 0
    assert found.intervals[-1, 1] == pytest.approx(true[-1])


def test_what_repeats_all_the_time_is_one_section():
    audio = signals.chords([("C:maj", BEAT), ("G:maj", BEAT)] * 30, RATE)
    beats = Beats(np.arange(0, 30, BEAT))
    assert mirkit.sections(audio, beats=beats).labels == ("A",)


def test_silence_short_clips_and_lists_are_recordings_too():
    silent = signals.silence(20.0, RATE)
    assert mirkit.sections(silent, beats=Beats()).labels == ("A",)
    short = Audio(0.1 * np.ones(100, np.float32), RATE)
    (found,) = mirkit.sections([short])
    assert found.labels == ("A",)
    assert found.intervals[0, 1] == pytest.approx(100 / RATE)
    with pytest.raises(ParameterError, match="a list"):
        mirkit.sections([short], beats=Beats())
    with pytest.raises(AudioError):
        mirkit.sections((np.empty(0, np.float32), RATE))


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(ParameterError, match="reach"):
        SectionDecoder(reach=0)
    with pytest.raises(ParameterError, match="threshold"):
        SectionDecoder(threshold=2.0)


def test_novelty_is_that_of_a_kernel_laid_on_the_whole():
    rng = np.random.default_rng(0)
    alike = rng.random((40, 40))
    alike += alike.T
    n = 8
    curve = novelty(alike, n)
    for beat in range(n, 40 - n + 1):
        slow = sum(
            checkerboard(n)[i, j] * alike[beat - n + i, beat - n + j]
            for i in range(2 * n)
            for j in range(2 * n)
        )
        assert curve[beat] == pytest.approx(max(0.0, slow))
    assert curve[0] == 0, "no music is before it"


def test_peaks_keep_apart_and_a_plateau_is_one():
    curve = np.array([0, 0.2, 0.5, 0.5, 0.2, 0, 0, 0.4, 0, 0.05])
    assert peaks(curve, 0.1, 3).tolist() == [2, 7]
    assert peaks(curve, 0.1, 8).tolist() == [2]
    assert peaks(np.zeros(5), 0.0, 2).tolist() == [1, 4]


def test_a_part_that_comes_again_cut_short_is_as_like_as_it_was():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((16, 30))
    music = np.vstack([rows, rng.standard_normal((16, 30)), rows[3:13]])
    unit = music / np.linalg.norm(music, axis=1, keepdims=True)
    alike = likeness(unit @ unit.T, np.array([0, 16, 32]), np.array([16, 32, 42]))
    assert alike[2, 0] == pytest.approx(1)
    assert alike[1, 0] < 0.3
    assert letters(alike, 0.5) == ("A", "B", "A")
    assert best_diagonal(np.ones((1, 5))) == 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (7, 2), (9, 8), (8, 8)])
def test_the_best_diagonal_is_that_of_all_means(shape):
    block = np.random.default_rng(3).standard_normal(shape)
    least = (min(shape) + 1) // 2
    means = [
        np.diagonal(block, shift).mean()
        for shift in range(-shape[0] + 1, shape[1])
        if len(np.diagonal(block, shift)) >= least
    ]
    assert best_diagonal(block) == pytest.approx(max(means))


def test_without_beats_half_seconds_are_counted():
    np.testing.assert_allclose(beat_edges(Beats([1.0]), 1.8), [0, 0.5, 1, 1.5, 1.8])
    many = Beats(np.arange(10) * 0.4)
    np.testing.assert_allclose(beat_edges(many, 4.0), [0, *np.arange(1, 10) * 0.4, 4.0])


def test_front_end_has_the_bins_that_are_folded():
    assert FRONT_ENDS["vqt_11k"].n_bins % 36 == 0


def test_command_writes_the_form(tmp_path):
    import subprocess
    import sys

    import soundfile

    audio, _ = piece("AB")
    soundfile.write(tmp_path / "ab.wav", audio.samples.T, RATE)
    words = [sys.executable, "-m", "mirkit", "sections", str(tmp_path / "ab.wav")]
    done = subprocess.run([*words, "--json"], capture_output=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert found["schema"] == 2
    assert b'"A"' in done.stdout
    wrong = subprocess.run([*words, "--model", "x"], capture_output=True, check=False, timeout=60)
    assert wrong.returncode == 2
