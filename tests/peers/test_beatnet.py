import subprocess
import sys

import numpy as np
import published
import pytest
import torch
from signals import click_track, cut, music, silence

import mirkit
from mirkit.music.beat.follower import BeatFollower
from mirkit.peers.beatnet import BEATNET, EvenBank
from mirkit.zoo.registry import card

NAMES = ("beatnet-1", "beatnet-2", "beatnet-3")
SONG = "hungarian_dance_5"


@pytest.fixture(params=NAMES)
def model(request):
    return published.model(request.param)


@pytest.fixture
def first():
    return published.model("beatnet-1")


@pytest.fixture(scope="session")
def own_code(madmom):
    """BeatNet as its authors wrote it."""
    from published_originals import BeatNetCode

    return BeatNetCode(published.wheel(card("beatnet-1").wheel))


def joined(parts):
    return {name: np.concatenate([part[name].values for part in parts]) for name in parts[0]}


def blocks_of(samples, seed, longest):
    return [block[None] for block in cut(samples[0], np.random.default_rng(seed), longest)]


def largest_difference(parts, whole):
    found = joined(parts)
    return max(np.abs(found[name] - whole[name].values).max() for name in whole)


@pytest.mark.madmom
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_features_are_those_of_its_own_code(own_code, song, first):
    samples = song(SONG, 22050)
    expected = own_code.features(samples[0])
    np.testing.assert_allclose(first.features([samples])[0].values, expected, atol=1e-5)


@pytest.mark.madmom
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("i", [1, 2, 3])
def test_activations_are_those_of_its_own_code(own_code, song, i):
    samples = song(SONG, 22050)
    expected = own_code.activations(own_code.features(samples[0]), i)
    found = published.model(f"beatnet-{i}").activations([samples])
    np.testing.assert_allclose(found["beat"].values[:, 0], expected.sum(axis=1), atol=1e-4)
    np.testing.assert_allclose(found["downbeat"].values[:, 0], expected[:, 1], atol=1e-4)


def test_activations_are_those_that_its_own_code_gave(model, goldens):
    for samples, golden in goldens("beatnet", model.sample_rate):
        found = model.activations([samples])
        expected = np.array(golden[model.provenance.model])
        assert found["beat"].n_frames == golden["n_frames"]
        frames = golden["frames"]
        beat, downbeat = (found[name].values[frames, 0] for name in ("beat", "downbeat"))
        np.testing.assert_allclose(beat, expected.sum(axis=1), atol=1e-4)
        np.testing.assert_allclose(downbeat, expected[:, 1], atol=1e-4)


def test_the_network_is_that_of_torch(model):
    frames = np.random.default_rng(0).random((40, BEATNET.n_bins)).astype(np.float32)
    weights = {name: torch.from_numpy(x.copy()) for name, x in model.weights.items()}
    lstm = torch.nn.LSTM(150, 150, num_layers=2)
    lstm.load_state_dict(
        {name.removeprefix("lstm."): x for name, x in weights.items() if "lstm" in name}
    )
    with torch.no_grad():
        x = torch.from_numpy(frames)[:, None]
        x = torch.conv1d(x, weights["conv1.weight"], weights["conv1.bias"]).relu()
        x = torch.max_pool1d(x, 2).flatten(1)
        x, _ = lstm(x @ weights["linear0.weight"].T + weights["linear0.bias"])
        expected = torch.softmax(x @ weights["linear.weight"].T + weights["linear.bias"], 1)
    (found,) = model._probabilities([frames])
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("longest", [700, 5000, 300_000])
def test_stream_equals_batch(model, song, longest):
    samples = song(SONG, model.sample_rate)[:, : 20 * model.sample_rate]
    whole = model.activations([samples])
    parts = list(model.stream(blocks_of(samples, longest, longest)))
    assert largest_difference(parts, whole) < 1e-5
    assert [part["beat"].grid.start for part in parts[1:]] == pytest.approx(
        np.cumsum([part["beat"].n_frames for part in parts])[:-1] / 50
    )


def test_single_samples_give_the_same(first):
    samples = music(1.0, first.sample_rate).samples
    parts = list(first.stream(samples[:, i : i + 1] for i in range(samples.shape[1])))
    assert largest_difference(parts, first.activations([samples])) < 1e-5


def test_the_sizes_of_blocks_do_not_matter_in_batch(first):
    samples = music(8.0, first.sample_rate).samples
    whole = first.activations([samples])
    parts = [first.activations(blocks_of(samples, 0, 3000))]
    assert largest_difference(parts, whole) < 1e-5


def test_the_past_does_not_depend_on_the_future(first):
    samples = music(10.0, first.sample_rate).samples
    other = samples.copy()
    other[:, 5 * first.sample_rate :] = 0.3
    early = slice(0, int((5 - first.latency) * 50))
    one, two = first.activations([samples]), first.activations([other])
    np.testing.assert_array_equal(one["beat"].values[early], two["beat"].values[early])
    assert np.abs(one["beat"].values - two["beat"].values).max() > 0.1


def test_the_stream_gives_each_frame_within_the_latency(first):
    samples = music(3.0, first.sample_rate).samples
    heard, given = 0, 0

    def blocks():
        nonlocal heard
        for start in range(0, samples.shape[1], 100):
            heard = min(start + 100, samples.shape[1])
            yield samples[:, start : start + 100]

    waits = []
    for part in first.stream(blocks()):
        center = part["beat"].grid.start
        given += part["beat"].n_frames
        waits.append(heard / first.sample_rate - center)
    assert given == BEATNET.n_frames(samples.shape[1])
    assert max(waits) <= first.latency + 100 / first.sample_rate


def test_only_the_heads_that_are_wanted_are_streamed(first):
    samples = music(1.0, first.sample_rate).samples
    assert list(next(first.stream([samples], heads=["downbeat"]))) == ["downbeat"]


def test_a_downbeat_is_a_beat(model, song):
    found = model.activations([song(SONG, model.sample_rate)])
    assert (found["beat"].values >= found["downbeat"].values).all()
    assert found["beat"].values.max() <= 1 + 1e-6


def test_our_decoder_finds_the_beats_of_a_click_track(model):
    clicks = click_track(bpm=120, n_beats=32, sample_rate=model.sample_rate)
    beats = mirkit.beats(model.activations([clicks.samples]), decoder="drift")
    assert beats.bpm == pytest.approx(120, rel=0.01)
    late = np.mod(beats.times[4:] - 0.5 + 0.25, 0.5) - 0.25
    assert np.abs(late).max() < 0.03


def test_our_decoder_finds_the_beats_of_real_music(first, song):
    """Tchaikovsky by Kevin MacLeod, made at one tempo."""
    found = first.activations([song("sugar_plum_fairy", first.sample_rate)])
    beats = mirkit.beats(found, decoder="drift")
    assert beats.bpm == pytest.approx(110, rel=0.01)


def test_it_is_followed_live(song):
    model = published.model("beatnet-2")
    samples = song("vibe_ace", model.sample_rate)[:, : 45 * model.sample_rate]
    updates = BeatFollower().stream(model.stream(blocks_of(samples, 0, 2048)))
    times = np.concatenate([update.beats.times for update in updates])
    assert 60 / np.median(np.diff(times[times > 10])) == pytest.approx(130, rel=0.02)
    batch = BeatFollower()(model.activations([samples]))
    np.testing.assert_allclose(times, batch.times, atol=1e-3)


def test_silence_settles_to_nothing(model):
    found = model.activations([silence(5.0, model.sample_rate).samples])
    assert found["beat"].values[50:].max() < 0.05


def test_the_spectrum_of_odd_length_is_taken_for_an_even_one():
    bank = BEATNET.spectrogram.bank
    assert isinstance(bank, EvenBank)
    assert bank.matrix(22050, 1411).shape == (136, 706)
    np.testing.assert_array_equal(bank.matrix(22050, 1411), bank.bank.matrix(22050, 1410))


def test_it_runs_without_torch_librosa_or_numba(first):
    code = """
import sys, numpy as np, mirkit
print(len(mirkit.load("beatnet-1")((np.zeros(22050, np.float32), 22050))))
print(sorted({"torch", "librosa", "numba", "madmom", "h5py"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["0", "[]"]
