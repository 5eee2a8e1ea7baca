from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mirkit.errors import ParameterError  # noqa: E402
from mirkit.music.beat.model import BeatTCN  # noqa: E402
from mirkit.training.beat.task import BeatTask  # noqa: E402
from mirkit.training.families import parse_recipe  # noqa: E402
from mirkit.training.loop import train  # noqa: E402
from mirkit.training.stores import Header, append_to  # noqa: E402
from mirkit.zoo.checkpoints import save_tensors  # noqa: E402
from mirkit.zoo.registry import Card  # noqa: E402

PLAIN = """
[augment]
rate = 0
pitch = 0
gain = 0
equalizer = 0
lowpass = 0
noise = 0
clipping = 0
band_masks = 0
time_masks = 0
"""


def made_recipe(store, more="", config="n_filters = 4, conv_filters = [4, 4, 4], n_blocks = 4"):
    return f"""
task = "beats"
name = "made"
model = {{front_end = "tcn_22k", config = {{{config}}}}}
data = {{store = "{store}", crop = 4.0}}
loop = {{n_steps = 2, batch_size = 4}}
{more}
"""


def made_task(*args, **kwargs):
    return BeatTask(parse_recipe(made_recipe(*args, **kwargs)), torch.device("cpu"))


def batches(task, n):
    """Return the augmented excerpts of `n` batches of all clips."""
    clips = range(len(task.train.clips))
    for i in range(n):
        yield task.features(task.batch(clips, [(i, j) for j in clips]))


def test_overfits_eight_made_clips(store, tmp_path):
    """The network, its losses and targets, the loop and the decoder together can learn."""
    recipe = tmp_path / "overfit.toml"
    config = 'n_filters = 16, conv_filters = [8, 8, 16], n_blocks = 7, norm = "batch", dropout = 0'
    text = made_recipe(store, PLAIN, config).replace("n_steps = 2", "n_steps = 70")
    text = text.replace("crop = 4.0", "crop = 8.0").replace("batch_size = 4", "batch_size = 8")
    text = text.replace(
        "batch_size = 8",
        "batch_size = 8, validate_every = 70, log_every = 70",
    )
    optimizer = "[optimizer]\nlearning_rate = 0.01\nwarmup_steps = 10\nema = 0.9\n"
    recipe.write_text(f'folder = "{tmp_path}/run"\n' + text + "\n" + optimizer)
    train(recipe, device="cpu")
    header, row = (tmp_path / "run" / "validation.csv").read_text().splitlines()
    scores = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert scores["f_measure"] >= 0.99
    assert scores["cmlt"] >= 0.99
    assert scores["downbeat_f_measure"] >= 0.9


@pytest.mark.parametrize("rate", [0, 0.2])
def test_targets_lie_where_the_clicks_sound(store, rate):
    task = made_task(store, PLAIN.replace("rate = 0", f"rate = {rate}"))
    n_beats = 0
    for batch in batches(task, 4):
        flux = batch["features"].diff(dim=1, prepend=batch["features"][:, :1]).clamp_min(0).sum(-1)
        for row, target in zip(flux, batch["beat"], strict=True):
            for frame in np.flatnonzero(target[3:-3] == 1) + 3:
                loudest = int(row[frame - 3 : frame + 4].argmax()) - 3
                assert abs(loudest) <= 1, "the click lies elsewhere"
                assert row[frame - 1 : frame + 2].max() > 5 * row.median()
                n_beats += 1
    assert n_beats > 100


def test_tempo_target_is_the_tempo_that_the_frames_pass_at(store):
    task = made_task(store, PLAIN.replace("rate = 0", "rate = 0.2"))
    for batch in batches(task, 2):
        for beat, tempo in zip(batch["beat"], batch["tempo"], strict=True):
            frames = np.flatnonzero(beat == 1)
            heard = 60 * 50 / np.diff(frames).mean()
            assert float(tempo @ torch.arange(300.0)) == pytest.approx(heard, rel=0.03)


def test_downbeats_are_beats(store):
    for batch in batches(made_task(store), 2):
        assert (batch["downbeat"] <= batch["beat"]).all()
        assert batch["downbeat"].sum() > 0
        assert batch["downbeat_mask"].all()


def test_clips_without_bars_teach_no_downbeats(store):
    task = made_task(store)
    clips = tuple(
        type(clip)(**(vars(clip) | {"truth": clip.truth | {"positions": None}}))
        for clip in task.train.clips
    )
    task.train = replace(task.train, clips=clips)
    batch = task.batch([0, 1], [(0,), (1,)])
    assert not batch["downbeat_mask"].any()
    net = task.network()
    losses = task.losses(net, batch)
    assert float(losses["downbeat"].detach()) == 0
    assert float(losses["beat"].detach()) > 0


def test_excerpts_follow_their_seed_alone(store):
    task = made_task(store)
    a, again, other = (task.batch([0, 3], [(0, s), (1, s)]) for s in (5, 5, 6))
    assert all(torch.equal(a[name], again[name]) for name in a)
    assert not torch.equal(a["frames"], other["frames"])
    assert torch.equal(task.features(a)["features"], task.features(again)["features"])


@pytest.mark.parametrize("kind", ["bce", "focal", "shift_tolerant"])
def test_every_loss_reaches_every_weight(store, kind):
    task = made_task(store, f'loss = {{kind = "{kind}"}}')
    net = task.network()
    task.losses(net, task.batch([0, 1], [(0,), (1,)]))["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_mixed_excerpts_are_trained_on_as_well(store):
    task = made_task(store, "augment = {mixup = 0.5}")
    losses = task.losses(task.network(), task.batch([0, 1], [(0,), (1,)]))
    assert torch.isfinite(losses["loss"])


def test_validation_scores_whole_clips_and_leaves_the_network_alone(store):
    task = made_task(store)
    torch.manual_seed(0)
    net = task.network().eval()
    before = {name: x.clone() for name, x in net.state_dict().items()}
    first, second = task.validate(net), task.validate(net)
    assert first == second
    assert all(0 <= value <= 1 for value in first.values())
    assert first["score"] == pytest.approx(
        np.mean([first["f_measure"], first["cmlt"], first["downbeat_f_measure"]])
    )
    assert all(torch.equal(x, before[name]) for name, x in net.state_dict().items())
    clip = task.validation.clips[0]
    assert task.activations(net, clip)["beat"].n_frames == pytest.approx(12 * 50, abs=1)


def test_saved_network_is_what_was_validated(store, tmp_path):
    task = made_task(store)
    net = task.network().eval()
    task.save(net, tmp_path)
    card = Card("made", "beats", "", "", 22050, (), "MIT", "MIT", front_end="tcn_22k")
    clip = task.validation.clips[0]
    expected = task.activations(net, clip)
    samples = task.validation.excerpt(clip, 0, clip.length)[:, 0]
    from mirkit.audio import Audio

    features = task.front_end(Audio(samples, 22050))
    for name in ("best.onnx", "best.safetensors"):
        actual = BeatTCN.from_card(card, tmp_path / name).activations(features)
        for head in expected:
            np.testing.assert_allclose(
                actual[head].values, expected[head].values, rtol=0, atol=1e-4
            )


def test_training_may_start_from_a_checkpoint(store, tmp_path):
    task = made_task(store)
    net = task.network()
    save_tensors(tmp_path / "net.safetensors", net.state_dict())
    text = made_recipe(store).replace('tcn_22k"', f'tcn_22k", init = "{tmp_path}/net.safetensors"')
    started = BeatTask(parse_recipe(text), torch.device("cpu")).network()
    assert all(torch.equal(x, started.state_dict()[name]) for name, x in net.state_dict().items())


def test_parts_of_a_started_network_may_begin_anew(store, tmp_path):
    net = made_task(store).network().state_dict()
    save_tensors(tmp_path / "net.safetensors", net)
    shape = "n_filters = 4, conv_filters = [4, 4, 4], n_blocks = 4, tempo_filters = 7"
    begin = f'tcn_22k", init = "{tmp_path}/net.safetensors", fresh = ["heads.tempo"]'
    text = made_recipe(store, config=shape).replace('tcn_22k"', begin)
    started = BeatTask(parse_recipe(text), torch.device("cpu")).network().state_dict()
    assert started["heads.tempo.weight"].shape[1] == 7
    kept = [name for name in net if not name.startswith("heads.tempo")]
    assert all(torch.equal(net[name], started[name]) for name in kept)


def test_front_end_and_store_must_agree(store):
    text = made_recipe(store).replace("tcn_22k", "tcn_2020")
    with pytest.raises(ParameterError, match="22050 Hz; 'tcn_2020' takes 44100"):
        BeatTask(parse_recipe(text), torch.device("cpu"))
    text = made_recipe(store).replace("tcn_22k", "tempogram")
    with pytest.raises(ParameterError, match="no spectrogram"):
        BeatTask(parse_recipe(text), torch.device("cpu"))


def test_a_store_of_features_is_refused(tmp_path):
    with append_to(tmp_path, Header("float16", 81, 22050, "tcn_22k")) as made:
        for split in ("train", "val"):
            made.append(split, np.zeros((900, 81), np.float16), split, {"beats": [1.0, 2.0]})
    with pytest.raises(ParameterError, match="holds 'tcn_22k'; beats need samples"):
        made_task(tmp_path)


def test_causal_network_starts_from_a_centred_one(store, tmp_path):
    centred = made_task(store).network()
    path = tmp_path / "net.safetensors"
    save_tensors(path, centred.state_dict(), {"config": centred.config.to_json()})
    causal = "n_filters = 4, conv_filters = [4, 4, 4], n_blocks = 3, kernel = 3, lookahead = 2"
    text = made_recipe(store, config=causal).replace('tcn_22k"', f'tcn_22k", init = "{path}"')
    net = BeatTask(parse_recipe(text), torch.device("cpu")).network()
    assert net.config.lookahead == 2
    taps = centred.blocks[1].wide.weight[..., :3]
    assert torch.equal(net.blocks[1].wide.weight, taps)
    save_tensors(path, net.state_dict(), {"config": net.config.to_json()})
    again = BeatTask(parse_recipe(text), torch.device("cpu")).network()
    assert torch.equal(again.blocks[1].wide.weight, taps)


def test_recipe_whose_taps_reach_past_the_excerpt_is_refused(store):
    config = "n_filters = 4, conv_filters = [4, 4, 4], n_blocks = 6, kernel = 5"
    made_task(store, config=config)  # 128 of 200 frames to either side
    with pytest.raises(ParameterError, match="reaches 256 frames, past any excerpt of 200"):
        made_task(store, config=config + ", lookahead = 3")
