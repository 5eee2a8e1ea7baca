"""Recordings are heard alike however loud they are, between 0 and -60 dBFS."""

import mir_eval
import numpy as np
import pytest
import signals

import mirkit
from mirkit.audio import Audio, reading

REFERENCE = -6.0
LEVELS = (0.0, -20.0, -40.0, -60.0)
"""Peaks [dBFS]."""

SECONDS = 45.0
CASES = ("r01_right_inverted.flac", "r03_size0.wav", "r08_125bpm_shift00ms.flac",
         "r13_minus50dB.flac")  # fmt: skip
SUFFIXES = (".mp3", ".ogg")
SONGS = ("hungarian_dance_5", "lets_go_fishin", "solo_trumpet_06", "sugar_plum_fairy", "vibe_ace")


def recordings(data_dir, cases):
    """The cases, the music of ``songs/`` and the songs of ``tempo/``."""
    tempo = sorted(each for each in (data_dir / "tempo").iterdir() if each.suffix in SUFFIXES)
    songs = [data_dir / "songs" / f"{name}.ogg" for name in SONGS]
    return [*(cases / name for name in CASES), *songs, *tempo]


def at_level(audio, decibels):
    """The samples scaled so that their peak lies at a level [dBFS]."""
    peak = np.abs(audio.samples).max()
    return Audio(audio.samples * np.float32(10 ** (decibels / 20) / peak), audio.sample_rate)


def overlap(a, b):
    """Share of the time in which two lists of chords have the same label."""
    times = np.arange(0.005, a.intervals[-1, 1], 0.01)
    labels = (
        np.array(x.labels)[np.searchsorted(x.intervals[:, 0], times, side="right") - 1]
        for x in (a, b)
    )
    return float(np.mean(np.equal(*labels)))


def f_measure(a, b):
    return 1.0 if not len(a) and not len(b) else mir_eval.beat.f_measure(a.times, b.times)


@pytest.mark.filterwarnings("ignore:.*cancel each other:mirkit.errors.AudioWarning")
def test_beats_and_chords_do_not_depend_on_the_level(data_dir, cases):
    for path in recordings(data_dir, cases):
        audio = reading.read(path, mono=True, duration=SECONDS)
        usual = at_level(audio, REFERENCE)
        beats, chords = mirkit.beats(usual), mirkit.chords(usual)
        for decibels in LEVELS:
            scaled = at_level(audio, decibels)
            assert f_measure(beats, mirkit.beats(scaled)) >= 0.99, (path, decibels)
            assert overlap(chords, mirkit.chords(scaled)) >= 0.99, (path, decibels)


def test_the_recording_that_was_too_quiet_is_heard(cases):
    path = cases / "r13_minus50dB.flac"
    assert mirkit.key(path).label == "A minor"
    assert mirkit.tempo(path).bpm == pytest.approx(120, abs=0.5)
    chords = mirkit.chords(path)
    lengths = np.diff(chords.intervals, axis=1)[:, 0]
    heard = sum(length for label, length in zip(chords.labels, lengths, strict=True)
                if label == "A:min")  # fmt: skip
    assert heard > 0.9 * lengths.sum()


@pytest.mark.parametrize("model", ["tempogram", "beat-tcn-live"])
@pytest.mark.parametrize("decibels", [0, -30, -60])
def test_beats_of_other_models_do_not_depend_on_the_level(model, decibels):
    song = signals.music(12.0, 22050)
    expected = mirkit.beats(at_level(song, REFERENCE), model=model)
    assert len(expected) > 10
    assert f_measure(expected, mirkit.beats(at_level(song, decibels), model=model)) >= 0.99


@pytest.mark.parametrize("decibels", [-30, -60])
def test_sections_do_not_depend_on_the_level(decibels, cases):
    song = reading.read(cases.parent / "data" / "songs" / "vibe_ace.ogg", mono=True, duration=60)
    found = [mirkit.sections(at_level(song, x)) for x in (REFERENCE, decibels)]
    np.testing.assert_allclose(found[0].intervals, found[1].intervals, rtol=0, atol=0.05)


def test_a_stream_of_a_quiet_recording_gives_what_the_recording_gives():
    system = mirkit.load("beat-tcn-live")
    audio = at_level(signals.music(8.0, system.sample_rate), -55.0)
    blocks = np.split(audio.samples[0], [1, 2, 500, 7_001, 70_000])
    times = np.concatenate([update.beats.times for update in system.stream(blocks)])
    np.testing.assert_allclose(times, system(audio).times, rtol=0, atol=1e-4)
    assert len(times) > 8


def test_what_stays_below_minus_70_decibels_is_silence():
    song = at_level(signals.music(8.0, 22050), -71.0)
    assert len(mirkit.beats(song)) == 0
    assert mirkit.key(song).label is None
    assert set(mirkit.chords(song).labels) == {"N"}


def test_pauses_of_loud_and_quiet_recordings_have_no_chord():
    tones = signals.chords([("A:min", 3.0)], 22050).samples[0]
    noise = np.random.default_rng(0).uniform(-1, 1, 3 * 22050).astype(np.float32)
    joined = np.concatenate(
        [tones / np.abs(tones).max(), noise * 1e-4, tones / np.abs(tones).max()]
    )
    for decibels in (0.0, -50.0):
        found = mirkit.chords(at_level(Audio(joined, 22050), decibels))
        silent = [label for (a, b), label in zip(found.intervals, found.labels, strict=True)
                  if a < 4.5 < b]  # fmt: skip
        assert silent == ["N"]
