"""Sonification: every sound starts where its annotation says, within a sample."""

import mir_eval
import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.annotation import Analysis, Beats, Events, Key, Segments, Tags
from mirkit.cli import main
from mirkit.errors import ParameterError
from mirkit.sonification import ACCENT, CLICK, click, mix, sounds_of, tone

RATE = 22050


def starts(samples, rate=RATE, gap=0.15):
    """Times at which sound begins after `gap` seconds of silence."""
    loud = np.flatnonzero(np.abs(samples) > 1e-6)
    first = np.flatnonzero(np.diff(loud, prepend=-rate) > gap * rate)
    return loud[first] / rate


def spectrum_peak(samples, rate=RATE):
    """The frequency [Hz] of the strongest bin."""
    n = 1 << 16
    return np.argmax(np.abs(np.fft.rfft(samples, n))) * rate / n


TIMES = np.array([0.3107, 0.9, 1.4321, 2.0])
TIMED = {
    "beats": Beats(TIMES, positions=[1, 2, 1, 2]),
    "chords": Segments(
        np.stack([TIMES, TIMES + 0.3], 1), ("C:maj", "A:min7/b3", "G:7", "F:maj"), kind="chord"
    ),
    "keys": Segments(
        np.stack([TIMES, TIMES + 0.3], 1), ("C major", "A minor", "D dorian", "E minor"), kind="key"
    ),
    "events": Events(np.stack([TIMES, TIMES + 0.1], 1), ("bark", "rain", "bark", None)),
    "notes": Events(np.stack([TIMES, TIMES + 0.2], 1), ("60", "64", "67", "72"), kind="note"),
}


@pytest.mark.parametrize("name", TIMED)
def test_each_sound_starts_at_its_time(name):
    sounds = sounds_of(TIMED[name], RATE)
    assert len(sounds) == 4
    for sound, time in zip(sounds, TIMES, strict=True):
        begun = starts(mix([sound], 4 * RATE, RATE))
        assert begun[0] == pytest.approx(time, abs=2 / RATE)


def test_a_file_on_disk_is_in_time(tmp_path, mirkit_cli):
    track = signals.silence(4, RATE)
    soundfile.write(tmp_path / "silent.wav", track.samples.T, RATE)
    mirkit.save(TIMED["beats"], tmp_path / "known.jams")
    done = mirkit_cli(
        "sonify", tmp_path / "silent.wav", "-o", tmp_path / "x.wav",
        "--annotation", tmp_path / "known.jams",
    )  # fmt: skip
    assert (done.status, done.err) == (0, "")
    samples, rate = soundfile.read(tmp_path / "x.wav")
    assert (rate, len(samples)) == (RATE, 4 * RATE)
    assert starts(samples) == pytest.approx(TIMES, abs=0.001)


def test_clicks_are_those_of_mir_eval():
    times = np.array([1, 7001, 30000]) / RATE + 1e-9  # mir_eval cuts off where we round
    heard = mirkit.sonify(None, Beats(times), sample_rate=RATE).samples[0]
    sample = 0.6 * click(CLICK, RATE)
    expected = mir_eval.sonify.clicks(times, RATE, click=sample, length=4 * RATE)
    assert heard == pytest.approx(expected[: len(heard)], abs=1e-6)


def test_downbeats_are_accented():
    first, second, *_ = sounds_of(TIMED["beats"], RATE)
    assert np.abs(first.samples).max() > 1.5 * np.abs(second.samples).max()
    assert spectrum_peak(first.samples) == pytest.approx(ACCENT, rel=0.1)
    assert spectrum_peak(second.samples) == pytest.approx(CLICK, rel=0.1)


def test_chords_sound_their_tones():
    (sound,) = sounds_of(Segments([[0, 2]], ("A:min7/b3",), kind="chord"), RATE)
    power = np.abs(np.fft.rfft(sound.samples, 4 * RATE))
    for pitch in (36, 69, 60, 64, 67):
        bin_ = round(440 * 2 ** ((pitch - 69) / 12) * 4)
        assert power[bin_ - 1 : bin_ + 2].max() > 0.1 * power.max(), pitch
    for pitch in (61, 62, 66, 70):
        bin_ = round(440 * 2 ** ((pitch - 69) / 12) * 4)
        assert power[bin_ - 1 : bin_ + 2].max() < 0.03 * power.max(), pitch


def test_notes_sound_their_pitch():
    for sound, pitch in zip(sounds_of(TIMED["notes"], RATE), (60, 64, 67, 72), strict=True):
        assert spectrum_peak(sound.samples) == pytest.approx(
            440 * 2 ** ((pitch - 69) / 12), rel=0.01
        )


def test_the_mix_keeps_length_channels_and_full_scale():
    rng = np.random.default_rng(0)
    stereo = mirkit.Audio(rng.uniform(-1, 1, (2, 3 * RATE)).astype(np.float32), RATE)
    mixed = mirkit.sonify(stereo, TIMED["beats"], volume=0.25)
    assert mixed.samples.shape == stereo.samples.shape
    assert np.abs(mixed.samples).max() <= 1
    clicks = mixed.samples - 0.75 * stereo.samples
    assert clicks[0] == pytest.approx(clicks[1], abs=1e-6)
    assert starts(np.where(np.abs(clicks[0]) > 1e-4, clicks[0], 0)) == pytest.approx(
        TIMES, abs=1e-3
    )


def test_an_analysis_sounds_with_all_that_has_a_place_in_time():
    found = Analysis({"beats": TIMED["beats"], "key": Key("A minor"), "tags": Tags(("a",), [0.5])})
    assert len(sounds_of(found, RATE)) == 5


def test_nothing_to_hear_is_silence():
    for nothing in (Beats(), Segments([[0, 1]], ("N",), kind="chord"), Key(None)):
        assert not np.any(mirkit.sonify((np.zeros(RATE), RATE), nothing).samples)


def test_sections_of_one_label_sound_alike():
    sections = Segments([[0, 1], [1, 2], [2, 3]], ("A", "B", "A"), kind="section")
    first, second, third = sounds_of(sections, RATE)
    assert np.array_equal(first.samples, third.samples)
    assert not np.array_equal(first.samples, second.samples)


def test_overtones_stay_below_half_the_sample_rate():
    assert spectrum_peak(tone(93, 0.5, 8000), 8000) == pytest.approx(1760, rel=0.01)
    assert not np.any(tone(120, 0.5, 8000))


def test_tags_have_no_place_in_time():
    with pytest.raises(ParameterError, match="annotation is Tags"):
        mirkit.sonify(None, Tags(("rain",), [0.5]))
    with pytest.raises(ParameterError, match="annotation holds tags"):
        mirkit.sonify(None, Analysis({"tags": Tags(("rain",), [0.5])}))
    with pytest.raises(ParameterError, match="volume is 2"):
        mirkit.sonify(None, Beats(), volume=2)


def test_the_command_refuses_before_it_works(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["sonify", "song.mp3", "-o", str(tmp_path / "x.mp3")])
    assert ".wav" in capsys.readouterr().err
    assert main(["sonify", str(tmp_path / "none.wav"), "-o", str(tmp_path / "x.wav")]) == 1
    assert not (tmp_path / "x.wav").exists()
