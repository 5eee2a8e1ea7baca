import json
from dataclasses import replace

import numpy as np
import pytest
import signals
import soundfile
import torch

from mirkit.errors import ParameterError
from mirkit.training.families import parse_recipe
from mirkit.training.harmony.augment import HarmonyAugmentation
from mirkit.training.harmony.chord import ChordTask, frame_scores, root_of, triad_of
from mirkit.training.harmony.data import HarmonyData, pack_features
from mirkit.training.harmony.key import KeyTask, related_keys, soft_keys, weighted_score
from mirkit.training.harmony.targets import NO_CHORD, OTHER, UNKNOWN
from mirkit.training.stores import Header, Store, append_to
from mirkit.zoo.checkpoints import load_tensors

RATE = 11025
BAND = [{"role": "keys", "n_notes": 8}]
QUIET = dict.fromkeys(("detuning", "gain", "equalizer", "noise", "drums", "nothing", "mask"), 0.0)


def write_clip(folder, name, pitches, label, split="train", cents=0.0):
    audio = signals.chord(pitches, 4.0, RATE, cents)
    soundfile.write(folder / f"{name}.flac", audio.samples[0], RATE)
    truth = {
        "split": split,
        "source": "test",
        "instruments": BAND,
        "chords": [[0.0, 4.0, label]],
        "keys": [[0.0, 4.0, label.replace(":maj", " major").replace(":min", " minor")]],
    }
    (folder / f"{name}.json").write_text(json.dumps(truth))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder, "one", [48, 60, 64, 67], "C:maj")
    write_clip(folder, "two", [45, 57, 60, 64], "A:min", cents=35)
    write_clip(folder, "three", [43, 55, 59, 62], "G:maj", split="val")
    noise = tmp_path_factory.mktemp("noise")
    samples = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    soundfile.write(noise / "hiss.flac", samples, RATE)
    made = tmp_path_factory.mktemp("store")
    assert pack_features(folder, made) == 3
    assert pack_features(noise, made, split="noise") == 1
    return folder, made


def recipe(store, task="chords", changes=None, **model):
    table = "\n".join(f"{k} = {v}" for k, v in (changes or {}).items())
    config = {"task": f'"{task}"', "conv_filters": [4, 4], "n_channels": 6, "n_hidden": 4, **model}
    shape = "\n".join(f"{k} = {v}" for k, v in config.items())
    return parse_recipe(
        f'task = "{task}"\nname = "test"\n[model.config]\n{shape}\n[data]\nstore = "{store}"\n'
        f"crop = 3.0\n[augment]\n{table}\n[loop]\nn_steps = 2\n"
    )


def test_a_store_is_only_appended_to(store):
    folder, made = store
    assert pack_features(folder, made) == 0
    train = Store.open(made).select("train")
    assert sorted(clip.name.split("/")[1] for clip in train.clips) == ["one", "two"]
    clip = train.clips[0]
    assert train.excerpt(clip, clip.length - 2, 5)[2:].max() == 0
    assert train.excerpt(clip, 0, 5).max() > 1


def test_a_store_of_another_front_end_is_refused(store):
    folder, made = store
    with pytest.raises(ParameterError, match="'vqt_11k'"):
        pack_features(folder, made, "onset")
    with pytest.raises(ParameterError, match="holds no store"):
        Store.open(made / "nowhere")


def test_a_store_of_samples_is_refused(store, tmp_path):
    with append_to(tmp_path, Header("int16", 1, RATE)) as made:
        made.append("x", np.zeros((9, 1), np.int16), "train")
    with pytest.raises(ParameterError, match="holds 'samples'; chords and keys need a VQT"):
        HarmonyData(recipe(tmp_path))


def test_nothing_is_changed_where_nothing_is_asked(store):
    data = HarmonyData(recipe(store[1], changes={**QUIET, "transposition": 0}))
    clip = data.train.clips[0]
    excerpt = data.excerpt(clip, np.random.default_rng(0))
    expected = data.tuned_features(data.train, clip).values[excerpt.first :][: data.n_frames]
    np.testing.assert_allclose(excerpt.values, expected, atol=1e-3)


def test_transposition_moves_all_bins(store):
    data = HarmonyData(recipe(store[1], changes={**QUIET, "transposition": 6}))
    clip = data.train.clips[0]
    plain = data.tuned_features(data.train, clip).values
    moves = set()
    for seed in range(12):
        excerpt = data.excerpt(clip, np.random.default_rng(seed))
        bins = 3 * excerpt.semitones + np.arange(36, 216)
        expected = plain[excerpt.first + 15, 36:216]
        np.testing.assert_allclose(excerpt.values[15, bins], expected, atol=1e-3)
        moves.add(excerpt.semitones)
    assert len(moves) > 4


@pytest.mark.parametrize("change", ["noise", "drums", "nothing", "mask", "gain", "equalizer"])
def test_each_change_changes_and_keeps_values_in_order(store, change):
    how = {**QUIET, "transposition": 0}
    data = HarmonyData(
        recipe(store[1], changes=how | {change: 6.0 if change in ("gain", "equalizer") else 1.0})
    )
    plain = HarmonyData(recipe(store[1], changes=how))
    clip = data.train.clips[0]
    differs = 0.0
    for seed in range(4):
        excerpt = data.excerpt(clip, np.random.default_rng(seed))
        assert excerpt.values.shape == (data.n_frames, 252)
        assert excerpt.values.dtype == np.float32
        assert np.isfinite(excerpt.values).all()
        assert excerpt.values.min() >= 0
        assert excerpt.silent.any() == (change == "nothing")
        before = plain.excerpt(clip, np.random.default_rng(seed)).values
        differs += np.abs(excerpt.values - before).mean()
    assert differs > 0.01


def test_excerpts_depend_on_their_seed_only(store):
    task = ChordTask(recipe(store[1]), torch.device("cpu"))
    first, again = (task.batch([0, 1], [(0, 1, 2), (0, 1, 3)]) for _ in range(2))
    other = task.batch([0, 1], [(0, 1, 4), (0, 1, 5)])
    for name in first:
        torch.testing.assert_close(first[name], again[name])
    assert (first["features"] - other["features"]).abs().max() > 0.1


def test_targets_move_with_the_features(store):
    task = ChordTask(recipe(store[1], changes={**QUIET, "transposition": 6}), torch.device("cpu"))
    plain = task.data.tuned_features(task.data.train, task.clips[0]).values[20]
    original = int(task.targets(task.clips[0])["root"][10])
    quality = int(task.targets(task.clips[0])["tag"][10]) % 14
    for seed in range(6):
        batch = task.batch([0], [(0, 0, seed)])
        frame = batch["features"][0, 10].numpy()
        moves = range(-6, 7)
        fits = [frame[36 + 3 * move : 216 + 3 * move] @ plain[36:216] for move in moves]
        root = (original + moves[int(np.argmax(fits))]) % 12
        assert int(batch["root"][0, 10]) == root
        assert int(batch["tag"][0, 10]) == root * 14 + quality
        assert batch["pitch"][0, 10, root] == 1


@pytest.mark.parametrize(("kind", "make"), [("chords", ChordTask), ("key", KeyTask)])
def test_tasks_learn_validate_and_save(store, tmp_path, kind, make):
    pool = {"pool": 8} if kind == "key" else {}
    task = make(recipe(store[1], kind, {**QUIET, "transposition": 3}, **pool), torch.device("cpu"))
    torch.manual_seed(0)
    net = task.network()
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    losses = []
    for step in range(12):
        loss = task.losses(net.train(), task.batch([0, 1], [(0, step, 0), (0, step, 1)]))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    scores = task.validate(net)
    assert 0 <= scores[task.monitor] <= 1
    task.save(net, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"best.onnx", "best.safetensors"}


def test_scores_count_as_mir_eval_does():
    maj, seventh, minor, power = 1, 9, 14 * 9, OTHER
    truth = np.array([maj, seventh, minor, NO_CHORD, power, UNKNOWN])
    heard = {"tag": np.array([seventh, seventh, maj, NO_CHORD, maj, maj]), "bass": np.zeros(6, int)}
    scores = frame_scores({"tag": truth, "bass": np.array([0, 4, 9, 12, 0, 0])}, heard)
    assert (scores["majmin"], scores["n_majmin"]) == (3, 4)
    assert (scores["sevenths"], scores["n_sevenths"]) == (2, 4)
    assert (scores["root"], scores["n_root"]) == (3, 4)
    assert scores["majmin_inv"] == 2  # the bass of the seventh is missed
    assert root_of(np.array([14 * 3, NO_CHORD, OTHER])).tolist() == [3, 12, -1]
    assert triad_of(np.array([maj, minor, NO_CHORD, OTHER, 2])).tolist() == [0, 21, 24, -1, -1]


def test_keys_are_scored_as_mir_eval_scores_them():
    import mir_eval

    from mirkit.vocab import KEYS

    for truth in (0, 7, 14):
        for estimate in range(24):
            expected = mir_eval.key.weighted_score(KEYS[truth], KEYS[estimate])
            assert weighted_score(truth, estimate) == pytest.approx(expected)
    assert len(set(related_keys(0))) == 4
    np.testing.assert_allclose(soft_keys(0.06).sum(axis=1), 1, rtol=1e-6)
    assert soft_keys(0.06).argmax(axis=1).tolist() == list(range(24))


def test_changes_have_defaults_that_change():
    assert HarmonyAugmentation().transposition == 6


def test_keys_start_from_a_network_for_chords_where_the_heads_are_named_fresh(store, tmp_path):
    chords = ChordTask(recipe(store[1]), torch.device("cpu"))
    chords.save(chords.network(), tmp_path)
    begun = recipe(store[1], task="key", pool=2)
    settings = replace(begun.model, init=str(tmp_path / "best.safetensors"))
    with pytest.raises(ParameterError, match=r"only the network has heads\."):
        KeyTask(replace(begun, model=settings), torch.device("cpu")).network()
    settings = replace(settings, fresh=("heads",))
    net = KeyTask(replace(begun, model=settings), torch.device("cpu")).network()
    kept = load_tensors(tmp_path / "best.safetensors")[0]
    assert torch.equal(net.state_dict()["memory.weight_ih_l0"], kept["memory.weight_ih_l0"])
