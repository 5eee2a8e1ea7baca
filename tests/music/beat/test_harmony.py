import numpy as np
import pytest

from mirkit.activations import Activations, Features, Head
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.features import front_end
from mirkit.frames import FrameGrid
from mirkit.music.beat import harmony
from mirkit.music.beat.decoder import decoder
from mirkit.system import load
from mirkit.vocab.notes import TONICS

FPS = 10
CHORDS = {"C": (0, 4, 7), "F": (5, 9, 0), "G": (7, 11, 2), "Am": (9, 0, 4)}


def chroma(names, seconds, seed=0):
    """Chords that last `seconds` each, on a little noise."""
    rows = []
    rng = np.random.default_rng(seed)
    for name in names:
        row = np.zeros(12)
        row[list(CHORDS[name])] = 1
        rows += [row + 0.1 * rng.random(12) for _ in range(round(seconds * FPS))]
    values = np.array(rows)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return Head(values, TONICS, FrameGrid.from_fps(FPS), "embedding")


def tones(frequencies, seconds=2.0, rate=22050):
    time = np.arange(round(seconds * rate)) / rate
    return sum(0.2 * np.sin(2 * np.pi * f * time) for f in frequencies).astype(np.float32)


def chroma_of(samples):
    return harmony.chroma_head(front_end(harmony.FRONT_END)(Audio(samples, 22050)))


@pytest.mark.parametrize(("step", "name"), [(0, "A"), (3, "C"), (-5, "E"), (10, "G")])
@pytest.mark.parametrize("octave", [-1, 0])
def test_a_tone_has_its_pitch_class(step, name, octave):
    head = chroma_of(tones([440 * 2 ** (octave + step / 12)]))
    inner = head.values[3:-3]
    assert head.labels == TONICS
    assert (inner.argmax(axis=1) == TONICS.index(name)).all()
    assert np.allclose(np.linalg.norm(inner, axis=1), 1, atol=1e-3)


def test_noise_over_a_chord_hides_little_of_it():
    chord = tones([261.63, 329.63, 392.0])
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(chord)).astype(np.float32)
    clean, noisy = chroma_of(chord).values[3:-3], chroma_of(chord + noise).values[3:-3]
    assert (clean * noisy).sum(axis=1).min() > 0.9


def test_silence_has_no_pitch_class():
    assert not chroma_of(np.zeros(22050, np.float32)).values.any()


def test_the_background_is_the_mean_of_the_neighbours():
    rng = np.random.default_rng(1)
    row = rng.random(48).astype(np.float32)
    semitones = Features(row[None], FrameGrid.from_fps(FPS), harmony.FRONT_END)
    left = np.zeros(12)
    for band, value in enumerate(row):
        near = [row[min(max(other, 0), 47)] for other in range(band - 3, band + 4)]
        left[band % 12] += max(value - sum(near) / 7, 0)
    expected = left / np.linalg.norm(left)
    assert np.allclose(harmony.chroma_head(semitones).values[0], expected, atol=1e-3)


@pytest.mark.parametrize("phase", [0, 1, 2, 3])
def test_bars_begin_where_chords_change(phase):
    """The network hears all beats alike; chords of four beats of half a second tell the bars."""
    head = chroma(["C", "F", "G", "Am"] * 4, 2.0)
    beats = 0.5 * np.arange(64)[4 + phase :]
    frames = np.zeros(1700)
    frames[np.rint(50 * beats).astype(int)] = 0.9
    grid = FrameGrid.from_fps(50)
    heads = {
        "beat": Head(frames[:, None], ("beat",), grid),
        "downbeat": Head(0.3 * frames[:, None], ("downbeat",), grid),
    }
    found = decoder()(Activations({**heads, "chroma": head}))
    bars = found.times[found.positions == 1]
    assert len(bars) >= 12
    assert np.abs((bars + 1) % 2.0 - 1).max() < 0.05
    alone = decoder()(Activations(heads))
    assert np.allclose(alone.times, found.times)


def test_three_beats_to_a_chord_are_bars_of_three():
    beats = 0.5 * np.arange(48)
    gains = harmony.Harmony.of(chroma(["C", "F", "G", "Am"] * 4, 1.5)).change_gains(beats)
    assert set(np.flatnonzero(gains > 1) % 3) == {0}
    assert len(np.flatnonzero(gains > 1)) >= 12


def test_one_chord_says_nothing_of_bars():
    still = Head(np.tile(chroma(["C"], 0.1).values, (200, 1)), TONICS, FrameGrid.from_fps(FPS))
    assert np.allclose(harmony.Harmony.of(still).change_gains(0.5 * np.arange(1, 36)), 0, atol=1e-3)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_beats_have_no_gains(n):
    assert not harmony.Harmony.of(chroma(["C", "F"], 1.0)).change_gains(0.5 * np.arange(n)).any()


def test_beats_past_the_chroma_are_borne():
    gains = harmony.Harmony.of(chroma(["C", "F"], 1.0)).change_gains(np.arange(30) / 2)
    assert gains.shape == (30,)
    assert np.isfinite(gains).all()


@pytest.mark.parametrize(
    "head",
    [
        Head(np.zeros((5, 11)), TONICS[:11], FrameGrid.from_fps(FPS), "embedding"),
        Head(np.zeros((1, 12)), TONICS, None, "embedding"),
    ],
)
def test_a_wrong_chroma_head_is_refused(head):
    beat = Head(np.zeros((50, 1)), ("beat",), FrameGrid.from_fps(50))
    with pytest.raises(ParameterError, match="12 pitch classes"):
        decoder()(Activations({"beat": beat, "chroma": head}))


def test_the_default_model_hears_harmony_in_blocks_of_any_size():
    rng = np.random.default_rng(2)
    samples = np.concatenate([tones([220.0, 277.18], 6), tones([293.66, 440.0], 6)])[None]
    model = load("beat-tcn").model
    whole = model.activations([samples])
    cuts = np.sort(rng.integers(0, samples.shape[1], 12))
    pieces = model.activations(np.split(samples, cuts, axis=1))
    assert list(whole) == ["beat", "downbeat", "tempo", "kick", "chroma", "attack"]
    for name, head in whole.items():
        assert np.allclose(head.values, pieces[name].values, atol=1e-4), name
    first, last = whole["chroma"].values[[20, -20]]
    assert first.argmax() in (TONICS.index("A"), TONICS.index("C#"))
    assert last.argmax() in (TONICS.index("D"), TONICS.index("A"))
