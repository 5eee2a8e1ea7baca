from pathlib import Path

import numpy as np
import pytest

from mirkit.annotation import Events
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import front_end
from mirkit.rendering.scenes import SoundSource, mix_scene, plan_scenes

torch = pytest.importorskip("torch")

from mirkit.audio import Audio  # noqa: E402
from mirkit.backbones.residual import ResidualCNN  # noqa: E402
from mirkit.backbones.sed.network import EventCRNN  # noqa: E402
from mirkit.training.event.augment import SceneAugment, mix_scenes, roll  # noqa: E402
from mirkit.training.event.data import frame_targets, store_scenes  # noqa: E402
from mirkit.training.event.fit import FitSettings, event_loss, fit, rate_at  # noqa: E402
from mirkit.training.event.start import start_from_tagger  # noqa: E402

LABELS = ("Beep", "Noise")
RATE = 32000


def sounds():
    time = np.arange(RATE) / RATE
    beep = (0.3 * np.sin(2 * np.pi * 2000 * time)).astype(np.float32)
    noise = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    return {"beep": beep, "noise": noise}


def plan(n, seed=1):
    rows = [SoundSource(name.lower(), (name,), name, "train", "event", "") for name in LABELS]
    return plan_scenes(rows, LABELS, n, seed, seconds=2.0, n_events=(1, 2), snr=(10, 20))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    return store_scenes(plan(24), LABELS, front_end("mirkit_32k"), sounds().__getitem__, folder)


def test_targets_are_the_steps_whose_middle_an_event_covers():
    events = Events([[0.0, 0.21], [0.33, 0.36]], ("a", "b"))
    found = frame_targets(events, ("a", "b", "c"), 6, 0.1)
    assert found[:, 0].tolist() == [True, True, True, False, False, False]
    assert found[:, 1].tolist() == [False, False, False, True, False, False]  # the nearest step
    assert not found[:, 2].any()


def test_a_store_holds_the_features_of_its_scenes(store):
    scene = mix_scene(plan(24)[3], sounds().__getitem__)
    features = front_end("mirkit_32k")(Audio(scene.samples[None], RATE)).values
    np.testing.assert_allclose(store.features[3], features, atol=0.01)
    assert store.targets.shape == (24, -(-features.shape[0] // 2), 2)
    assert store.targets[3].any(axis=0).tolist() == [x in scene.events.labels for x in LABELS]


def test_a_store_that_is_whole_is_only_opened(store, tmp_path):
    np.save(tmp_path / "features.npy", store.features)
    np.save(tmp_path / "targets.npy", store.targets)
    again = store_scenes(plan(1), LABELS, front_end("mirkit_32k"), lambda path: None, tmp_path)
    assert len(again) == 24
    with pytest.raises(ParameterError, match="listens at 22050 Hz"):
        store_scenes(plan(1), LABELS, Slow(), None, tmp_path)


class Slow:
    name, sample_rate = "slow", 22050


def test_batches_hold_every_scene_once(store):
    sizes = [len(x) for x, _ in store.batches(7, np.random.default_rng(0))]
    assert sizes == [7, 7, 7, 3]
    total = sum(y.sum() for _, y in store.batches(7, np.random.default_rng(0)))
    assert total == store.targets.sum()


def test_rolled_scenes_keep_sounds_and_targets_together():
    rng = np.random.default_rng(0)
    features = np.zeros((4, 21, 3), np.float32)
    targets = np.zeros((4, 11, 1), np.float32)
    features[:, 6:10], targets[:, 3:5] = 1, 1
    x, y = roll(features, targets, rng)
    for each, sounding in zip(x, y, strict=True):
        assert np.repeat(sounding[:, 0], 2)[:21].tolist() == each[:, 0].tolist()
    assert len({tuple(each.ravel()) for each in y}) > 1


def test_mixed_scenes_add_energies_and_join_targets():
    features = np.log(np.array([[[1.0]], [[3.0]]], np.float32))
    targets = np.array([[[1, 0]], [[0, 1]]], np.float32)
    rng = np.random.default_rng(1)
    tries = (mix_scenes(features, targets, np.array([True, False]), rng) for _ in range(20))
    found = next(each for each in tries if each[1][0].sum() == 2)  # the other one was drawn
    assert np.exp(found[0][0]) == pytest.approx(4.0)
    assert found[1][0].tolist() == [[1, 1]]
    assert found[0][1] == features[1]
    assert found[1][1].tolist() == [[0, 1]]


def test_augmented_scenes_change_in_level_and_tone_alone():
    features = np.zeros((3, 20, 64), np.float32)
    augment = SceneAugment(mix=0, gain=6, tone=2)
    x, _ = augment((features, np.zeros((3, 10, 1), np.float32)), np.random.default_rng(0))
    assert np.ptp(x, axis=1).max() == 0  # alike at all times
    assert np.ptp(x, axis=0).max() > 0.1


def test_losses_are_those_of_frames_and_clips():
    from types import SimpleNamespace

    output = SimpleNamespace(frame_logits=torch.zeros(1, 2, 1), logits=torch.tensor([[2.0]]))
    targets = torch.tensor([[[1.0], [0.0]]])
    strong, weak = np.log(2), np.log1p(np.exp(-2.0))
    assert event_loss(output, targets, "strong").item() == pytest.approx(strong)
    assert event_loss(output, targets, "weak").item() == pytest.approx(weak)
    assert event_loss(output, targets, "both").item() == pytest.approx(strong + weak / 2)


def test_weak_labels_teach_no_frame_directly():
    torch.manual_seed(0)
    output = EventCRNN(2, widths=(4, 8), bands=(2, 1), n_hidden=4)(torch.randn(2, 40, 64))
    a = torch.zeros(2, 20, 2)
    a[:, 3:5] = 1
    b = torch.zeros(2, 20, 2)
    b[:, 10] = 1
    assert event_loss(output, a, "weak") == event_loss(output, b, "weak")
    assert event_loss(output, a, "strong") != event_loss(output, b, "strong")


@pytest.mark.parametrize("labels", ["strong", "weak"])
def test_a_network_learns_where_beeps_are(store, labels, tmp_path):
    torch.manual_seed(0)
    net = EventCRNN(2, widths=(8, 8), bands=(8, 4), n_hidden=16, dropout=0.0)
    rows = []
    settings = FitSettings(
        labels, n_batch=8, seconds=600, n_batches=75, rate=1e-2,
        augment=SceneAugment(mix=0.3, gain=3, tone=1),
    )  # fmt: skip
    fit(net, [store], settings, rows.append, tmp_path / "net.safetensors")
    assert [row["batch"] for row in rows] == [25, 50, 75]
    assert rows[-1]["loss"] < rows[0]["loss"]
    features = torch.from_numpy(store.features.astype(np.float32))
    with torch.no_grad():
        scores = net(features).frame_logits.numpy()[..., 0]
    true = store.targets[..., 0]
    assert scores[true].mean() > scores[~true].mean() + 0.5
    again = EventCRNN(2, widths=(8, 8), bands=(8, 4), n_hidden=16)
    from safetensors.torch import load_file

    again.load_state_dict(load_file(tmp_path / "net.safetensors"))


def test_the_time_ends_a_training(store):
    times = iter(np.arange(0, 1000, 10.0))
    rows = []
    net = EventCRNN(2, widths=(4,), bands=(2,), n_hidden=4)
    fit(net, [store], FitSettings(seconds=35, n_batch=4), rows.append, clock=lambda: next(times))
    assert not net.training
    assert rate_at(0.0, 0.1) == 0
    with pytest.raises(ParameterError, match="labels is 'hard'"):
        FitSettings("hard")


def test_a_body_computes_what_the_exported_tagger_does(store):
    import onnxruntime

    from mirkit.zoo import checkpoints

    path = Path(checkpoints.__file__).parents[1] / "weights" / "tag-mn.onnx"
    body = ResidualCNN(1).eval()
    features = torch.from_numpy(store.features[:8].astype(np.float32))
    start_from_tagger(body, path, features)
    session = onnxruntime.InferenceSession(path)
    (expected,) = session.run(["frame_embedding"], {"features": features.numpy()})
    with torch.no_grad():
        found = body(features).frame_embedding.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(WeightsError, match="holds another network"):
        start_from_tagger(ResidualCNN(1, widths=(8, 8, 8, 8)), path, features)
