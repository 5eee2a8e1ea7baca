import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from mirkit.audio import reading  # noqa: E402
from mirkit.errors import FormatError, ParameterError, UnknownName, WeightsError  # noqa: E402
from mirkit.training.augment import mix_examples  # noqa: E402
from mirkit.training.division import share_of  # noqa: E402
from mirkit.training.families import parse_recipe  # noqa: E402
from mirkit.training.loop import train  # noqa: E402
from mirkit.training.losses import distillation  # noqa: E402
from mirkit.training.packing import open_packed  # noqa: E402
from mirkit.training.stores import Header  # noqa: E402
from mirkit.training.tag import inputs  # noqa: E402
from mirkit.training.tag.augment import mix_truths  # noqa: E402
from mirkit.training.tag.data import TagData  # noqa: E402
from mirkit.training.tag.recipe import TagDataSettings, TagLossSettings  # noqa: E402
from mirkit.training.tag.task import (  # noqa: E402
    TagTask,
    known_precision,
    tag_loss,
    weigh_losses,
)
from mirkit.training.tag.teacher import load_teacher, soft_targets  # noqa: E402
from mirkit.zoo import checkpoints  # noqa: E402

RATE = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return three classes that a network tells apart at once: clicks, noise, a tone."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    for i in range(10):
        made = {
            "clicks": 5 * rng.standard_normal(RATE) * (time % 0.25 < 0.003 + 0.001 * i),
            "noise": rng.standard_normal(RATE),
            "tone": np.sin(2 * np.pi * (600 + 100 * i) * time),
        }
        for name, samples in made.items():
            (folder / name).mkdir(exist_ok=True)
            samples = 0.1 * samples + 0.003 * rng.standard_normal(RATE)  # no band is ever empty
            soundfile.write(folder / name / f"{i}.wav", samples, RATE)
    return folder


def recipe(folder, tmp, loss="ce", steps=2, model="", data="", changes="", extra=""):
    return f"""
task = "tags"
name = "tiny"
folder = "{tmp}/run"
[model]
backbone = "residual"
{model}
[model.settings]
widths = [4, 8]
[data]
path = "{folder}"
store = "{tmp}/store"
crop = 0.5
validation = 0.3
{data}
[augment]
{changes}
[loss]
kind = "{loss}"
{extra}
[optimizer]
learning_rate = 0.01
warmup_steps = 5
ema = 0.9
[loop]
n_steps = {steps}
batch_size = 8
validate_every = {steps}
log_every = 1
workers = 0
"""


def task_of(text):
    return TagTask(parse_recipe(text), torch.device("cpu"))


def test_three_classes_are_learned_and_shipped(folder, tmp_path):
    path = tmp_path / "r.toml"
    quiet = ("mixup", "pitch", "equalizer", "noise", "band_masks", "time_masks")
    changes = "\n".join(f"{name} = 0" for name in quiet)
    path.write_text(recipe(folder, tmp_path, steps=40, changes=changes))
    run = train(path, progress=None)
    scores = (run / "validation.csv").read_text().splitlines()
    last = dict(zip(scores[0].split(","), scores[-1].split(","), strict=True))
    assert float(last["accuracy"]) >= 0.85
    tensors, kept = checkpoints.load_tensors(run / "best.safetensors")
    config = json.loads(kept["config"])
    assert config["labels"] == ["clicks", "noise", "tone"]
    assert config["activation"] == "softmax"
    from mirkit.zoo.runtime import Session

    session = Session(run / "best.onnx")
    assert session.metadata["front_end"] == "mirkit_32k"
    task = task_of(path.read_text())
    net = task.network()
    net.load_state_dict(tensors)
    values = task.store[0]
    theirs = session(features=values)["tags"]
    ours = net.eval()(torch.from_numpy(values)[None]).logits.softmax(-1)[0].detach().numpy()
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


def test_a_batch_follows_its_seeds(folder, tmp_path):
    task = task_of(recipe(folder, tmp_path))
    seeds = [(0, 1, i) for i in range(4)]
    a, b = (task.batch([0, 1, 2, 3], seeds) for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    other = task.batch([0, 1, 2, 3], [(1, 1, i) for i in range(4)])
    assert not torch.equal(a["x"], other["x"])
    torch.testing.assert_close(a["targets"].sum(dim=1), torch.ones(4))


def test_balance_draws_rare_classes_as_often(folder, tmp_path):
    table = tmp_path / "t.csv"
    rows = [f"{folder}/noise/{i}.wav,noise,train" for i in range(9)]
    rows += [f"{folder}/tone/0.wav,tone,train", f"{folder}/tone/1.wav,tone,val"]
    table.write_text("path,label,split\n" + "\n".join(rows))
    data = "balance = 1.0"
    task = task_of(recipe(table, tmp_path, data=data, changes="mixup = 0"))
    batch = task.batch([0] * 200, [(0, 1, i) for i in range(200)])
    assert 0.4 < batch["targets"].mean(dim=0)[1] < 0.6


def test_patches_are_left_out_in_training_alone(folder, tmp_path):
    small = "dim = 16\ndepth = 1\nn_heads = 2\ntime_patchout = 50\nfrequency_patchout = 3"
    text = recipe(folder, tmp_path).replace('"residual"', '"passt-s"')
    text = text.replace("widths = [4, 8]", small)
    path = tmp_path / "r.toml"
    path.write_text(text)
    run = train(path, progress=None)
    assert (run / "best.safetensors").is_file()
    task = task_of(text)
    net = task.network()
    tokens = []
    net.get_submodule("blocks").register_forward_pre_hook(
        lambda _, inputs: tokens.append(inputs[0].shape[1])
    )
    x = task.batch([0, 1], [(0, 1, i) for i in range(2)])["x"]
    net.train()(x)
    net.eval()(x)
    left, whole = tokens
    n_times = whole // 12  # 12 patches to the 128 bins, and two tokens that stand for all
    assert left == 2 + (n_times - 2) * (12 - 3)  # 50 of the 99 columns of 10 s are 2 of these 4
    assert whole == 2 + n_times * 12


@pytest.mark.parametrize("backbone", ["residual", "samples"])
def test_frozen_probes_run_through_the_loop(folder, tmp_path, backbone):
    text = recipe(folder, tmp_path, model='head = "attention"\nfreeze = "all"', data="")
    if backbone == "samples":
        text = text.replace("crop = 0.5", 'crop = 0.5\ndomain = "samples"')
    path = tmp_path / "r.toml"
    path.write_text(text)
    run = train(path, progress=None)
    tensors, _ = checkpoints.load_tensors(run / "best.safetensors")
    task = task_of(text)
    torch.manual_seed(0)
    start = task.network().state_dict()
    body = [name for name in start if name.startswith("body.")]
    assert all(torch.equal(tensors[name], start[name]) for name in body)


def test_samples_through_the_twin_are_the_features(folder, tmp_path):
    (tmp_path / "b").mkdir()
    by_features = task_of(recipe(folder, tmp_path))
    by_samples = task_of(recipe(folder, tmp_path / "b", data='domain = "samples"'))
    net = by_features.network()
    noise = by_features.data.labels.index("noise")
    judges = by_features.data.validation
    places = [i for i in judges if by_features.data.targets[i, noise]]
    assert places
    a, b = (task.predict(net, places) for task in (by_features, by_samples))
    np.testing.assert_allclose(a, b, atol=0.05)  # both stores keep half of the precision


def test_samples_need_a_front_end_with_a_twin(folder, tmp_path):
    class Shape:
        front_end, inputs, sample_rate, max_length = "vqt_11k", ("features",), 11025, None

    text = recipe(folder, tmp_path, data='domain = "samples"')
    made = parse_recipe(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "find_backbone", lambda _: (Shape, {}))
        with pytest.raises(ParameterError, match="'vqt_11k' has no twin in torch"):
            inputs.TagInputs.open(made, [folder / "noise" / "0.wav"], torch.device("cpu"))


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(folder, tmp_path):
    """What the loop promises holds for this task too: all chance is in the seeds."""
    whole, cut = tmp_path / "whole.toml", tmp_path / "cut.toml"
    text = recipe(folder, tmp_path, steps=4)
    whole.write_text(text)
    losses = (train(whole, progress=None) / "train.csv").read_text()
    other = text.replace(f"{tmp_path}/run", f"{tmp_path}/again")
    cut.write_text(other)
    from mirkit.training.batches import make_batch
    from mirkit.training.loop import take_step
    from mirkit.training.ranks import join
    from mirkit.training.run import Run

    run = Run(parse_recipe(other), task_of(other), join("cpu"))
    target = tmp_path / "again"
    target.mkdir()
    (target / "recipe.toml").write_text(other)
    for step in range(2):
        take_step(run, make_batch(run, step))
    run.save(target / "state.pt")
    train(cut, resume=True, progress=None)
    again = (target / "train.csv").read_text().splitlines()
    assert again[-1] == losses.splitlines()[-1]


def test_splits_keep_sources_together(tmp_path):
    rows = [{"path": f"{i}.wav", "label": "a", "source": f"s{i // 4}"} for i in range(80)]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    data = TagData.read(TagDataSettings(str(manifest), validation=0.3))
    groups = [{data.sounds[i].sound.group for i in part} for part in (data.train, data.validation)]
    assert not groups[0] & groups[1]
    assert 0.1 < len(data.validation) / 80 < 0.5
    assert 0 <= share_of("x") < 1


def test_folds_may_be_left_out(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("path,label,fold\n" + "".join(f"{i}.wav,a,{i}\n" for i in range(1, 6)))
    data = TagData.read(TagDataSettings(str(table), fold=2, without=(1,)))
    assert [data.sounds[i].sound.fold for i in data.train] == [3, 4, 5]
    assert [data.sounds[i].sound.fold for i in data.validation] == [2]
    with pytest.raises(ParameterError, match="0 to validate on"):
        TagData.read(TagDataSettings(str(table), fold=9))


def test_unknown_labels_are_masked(tmp_path):
    manifest = tmp_path / "m.jsonl"
    rows = [
        {"path": "a.wav", "labels": ["dog"], "known": ["cat"], "split": "train"},
        {"path": "b.wav", "labels": ["cat", "rain"], "split": "val"},
    ]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    data = TagData.read(TagDataSettings(str(manifest)))
    assert data.labels == ("cat", "dog", "rain")
    np.testing.assert_array_equal(data.mask, [[1, 1, 0], [1, 1, 1]])
    with pytest.raises(UnknownName, match="rain"):
        TagData.read(TagDataSettings(str(manifest), labels=("cat", "dog")))


def test_cross_entropy_is_for_classes_that_exclude_each_other(folder, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(
        f"path,labels,split\n{folder}/noise/0.wav,noise;deep,train\n{folder}/noise/1.wav,noise,val\n"
    )
    with pytest.raises(ParameterError, match="several labels"):
        task_of(recipe(table, tmp_path))
    assert task_of(recipe(table, tmp_path, loss="bce")).n_clips == 1


def test_precision_counts_only_what_is_known():
    logits = np.array([[3.0], [2.0], [1.0]], np.float32)
    targets = np.array([[0.0], [1.0], [0.0]], np.float32)
    mask = np.array([[0.0], [1.0], [1.0]], np.float32)
    assert known_precision(logits, targets, mask)[0] == 1.0
    assert known_precision(logits, targets, np.ones_like(mask))[0] == 0.5
    assert np.isnan(known_precision(logits, targets, 0 * mask)[0])


def test_truths_of_mixtures():
    a = {"targets": np.array([1.0, 0, 0]), "mask": np.array([1.0, 1, 0])}
    b = {"targets": np.array([0.0, 1, 0]), "mask": np.array([1.0, 1, 1])}
    shared = mix_examples(a, b, 0.25)
    np.testing.assert_allclose(shared["targets"], [0.25, 0.75, 0])
    np.testing.assert_array_equal(shared["mask"], [1, 1, 0])
    joint = mix_truths(a, {"targets": b["targets"], "mask": np.array([0.0, 1, 1])})
    np.testing.assert_array_equal(joint["targets"], [1, 1, 0])
    np.testing.assert_array_equal(joint["mask"], [1, 1, 0])  # what is there is known to be


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_losses_are_those_of_torch_where_it_has_them():
    logits, mask = random(6, 4), torch.ones(6, 4)
    targets = F.one_hot(torch.tensor([0, 1, 2, 3, 0, 1]), 4).float()
    for smoothing in (0.0, 0.1):
        ours = tag_loss(logits, targets, mask, TagLossSettings("ce", smoothing=smoothing))
        theirs = F.cross_entropy(logits, targets, label_smoothing=smoothing)
        torch.testing.assert_close(ours, theirs)
    ours = tag_loss(logits, targets, mask, TagLossSettings("bce"))
    torch.testing.assert_close(ours, F.binary_cross_entropy_with_logits(logits, targets))
    unfocused = tag_loss(logits, targets, mask, TagLossSettings("focal", gamma=0.0))
    torch.testing.assert_close(unfocused, ours)


def test_focus_counts_mistakes_most():
    how = TagLossSettings("focal", gamma=2.0)
    targets, mask = torch.ones(1, 1), torch.ones(1, 1)
    right, wrong = (
        tag_loss(torch.tensor([[x]]), targets, mask, how)
        / tag_loss(torch.tensor([[x]]), targets, mask, TagLossSettings("bce"))
        for x in (3.0, -3.0)
    )
    assert right < 0.01 < 0.9 < wrong


def test_what_nobody_knows_teaches_nothing():
    logits = random(2, 3).requires_grad_()
    mask = torch.tensor([[1.0, 0, 1], [0, 0, 0]])
    tag_loss(logits, torch.ones(2, 3), mask, TagLossSettings("bce")).backward()
    assert ((logits.grad != 0) == (mask > 0)).all()


@pytest.mark.parametrize("kind", ["ce", "bce"])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_a_teacher_is_matched_exactly_at_its_own_softened_logits(kind, temperature):
    how = TagLossSettings(kind, kd_lambda=0.0, temperature=temperature)
    teacher = random(3, 4)
    targets = torch.from_numpy(soft_targets(teacher.numpy(), how))
    at_teacher = (teacher / temperature).requires_grad_()
    distillation(at_teacher, targets, how.exclusive).backward()
    assert at_teacher.grad.abs().max() < 1e-6
    away = (teacher / temperature + random(3, 4)).requires_grad_()
    distillation(away, targets, how.exclusive).backward()
    assert away.grad.abs().max() > 1e-3


@pytest.mark.parametrize(
    ("a", "b", "share", "expected"),
    [
        (4.0, -8.0, 0.5, 0.4912),
        (4.0, -8.0, 0.25, 0.2458),
        (0.0, 0.0, 0.3, 0.5),
        (9.0, -9.0, 0.9, 0.9),
    ],
)
def test_mixup_mixes_the_probabilities_of_a_teacher(a, b, share, expected):
    """Of logits 4 and -8 in equal parts it made .119."""
    how = TagLossSettings("bce")
    first, second = ({"teacher": soft_targets(np.array([[x]], np.float32), how)} for x in (a, b))
    mixed = mix_examples(first, second, share)["teacher"]
    assert mixed.item() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("kind", ["ce", "bce"])
@pytest.mark.parametrize(("share", "temperature"), [(0.5, 1.0), (0.1, 1.0), (0.7, 3.0), (0.3, 0.5)])
def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(kind, share, temperature):
    """As EfficientAT mixes the two losses, each with the teacher's logits alone divided."""
    how = TagLossSettings(kind, temperature=temperature)
    teachers, logits = 5 * random(2, 1, 6).double(), random(1, 6).double()
    by_hand = 0.0
    for weight, each in zip((share, 1 - share), teachers, strict=True):
        if kind == "bce":
            target = (each / temperature).sigmoid()
            parts = -(target * logits.sigmoid().log() + (1 - target) * (-logits).sigmoid().log())
            by_hand += weight * parts.mean()
        else:
            target = (each / temperature).softmax(-1)
            by_hand -= weight * (target * logits.log_softmax(-1)).sum(-1).mean()
    truths = [{"teacher": soft_targets(each.numpy(), how)} for each in teachers]
    mixed = torch.from_numpy(mix_examples(*truths, share)["teacher"])
    ours = distillation(logits.float(), mixed, how.exclusive)
    assert ours.item() == pytest.approx(float(by_hand), rel=1e-5)


def test_a_batch_holds_mixtures_of_probabilities(folder, tmp_path):
    """Two recordings, which a teacher is sure of, 4 and -8: targets and teacher in one share."""
    names = [f"noise/{i}.wav" for i in range(3)] + [f"tone/{i}.wav" for i in range(3)]
    splits = ["train", "train", "val"] * 2
    rows = [f"{folder}/{n},{n.split('/')[0]},{s}" for n, s in zip(names, splits, strict=True)]
    table = tmp_path / "t.csv"
    table.write_text("path,label,split\n" + "\n".join(rows))
    logits = [[4.0, -8.0] if "noise" in name else [-8.0, 4.0] for name in names]
    np.savez(tmp_path / "t.npz", paths=[f"{folder}/{name}" for name in names], logits=logits)
    extra = f'teacher = "{tmp_path}/t.npz"'
    changes = "mixup_probability = 1.0"
    task = task_of(recipe(table, tmp_path, loss="bce", changes=changes, extra=extra))
    batch = task.batch([0, 1, 2, 3] * 4, [(0, 1, i) for i in range(16)])
    sure, no = 1 / (1 + np.exp(-4)), 1 / (1 + np.exp(8))
    expected = batch["targets"] * sure + (1 - batch["targets"]) * no
    assert ((batch["targets"] > 0.05) & (batch["targets"] < 0.95)).any()
    torch.testing.assert_close(batch["teacher"], expected.float(), atol=1e-5, rtol=0)


def test_labels_count_by_lambda_beside_a_teacher():
    losses = weigh_losses(torch.tensor(2.0), torch.tensor(1.0), 0.1)
    assert losses["loss"].item() == pytest.approx(1.1)


def test_a_teacher_comes_from_a_file(folder, tmp_path):
    task = task_of(recipe(folder, tmp_path))
    paths = [str(path) for path in task.data.paths]
    file = tmp_path / "teacher.npz"
    np.savez(file, paths=paths[::-1], logits=np.arange(3.0 * len(paths)).reshape(-1, 3)[::-1])
    taught = task_of(recipe(folder, tmp_path, extra=f'teacher = "{file}"'))
    odds = np.exp([-2.0, -1.0, 0.0])  # of the logits 12, 13, 14
    np.testing.assert_allclose(taught.teacher.targets[4], odds / odds.sum(), rtol=1e-5)
    batch = taught.batch([0, 1], [(0, 1, 0), (0, 1, 1)])
    losses = taught.losses(taught.network(), batch)
    assert set(losses) == {"loss", "labels", "teacher"}
    assert set(task.losses(task.network(), task.batch([0], [(0,)]))) == {"loss"}
    np.savez(file, paths=paths[1:], logits=np.zeros((len(paths) - 1, 3)))
    with pytest.raises(ParameterError, match="has not heard"):
        task_of(recipe(folder, tmp_path, extra=f'teacher = "{file}"'))
    for odd in ({"paths": [paths]}, {"paths": paths, "logits": np.array([print], object)}):
        np.savez(file, **odd)
        with pytest.raises(ParameterError, match=r"no \.npz file with 'paths'"):
            task_of(recipe(folder, tmp_path, extra=f'teacher = "{file}"'))
    with pytest.raises(ParameterError, match=r"absent\.npz is no \.npz file"):
        task_of(recipe(folder, tmp_path, extra=f'teacher = "{tmp_path}/absent.npz"'))


def test_weights_come_from_a_run_with_other_classes(folder, tmp_path):
    from mirkit.backbones.residual import ResidualCNN

    torch.manual_seed(3)
    source = ResidualCNN(n_classes=9, widths=(4, 8))
    path = tmp_path / "w.safetensors"
    checkpoints.save_tensors(path, source.state_dict())
    net = task_of(recipe(folder, tmp_path, model=f'weights = "{path}"')).network()
    assert torch.equal(net.stem[0].weight, source.stem[0].weight)
    assert net.classifier.out_features == 3
    checkpoints.save_tensors(path, ResidualCNN(widths=(6, 16)).state_dict())
    with pytest.raises(WeightsError, match="another network"):
        task_of(recipe(folder, tmp_path, model=f'weights = "{path}"')).network()


def test_a_run_goes_on_in_the_shape_of_the_run_before(folder, tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(recipe(folder, tmp_path, model='head = "mlp"'))
    weights = train(path, progress=None) / "best.safetensors"
    bare = recipe(folder, tmp_path, model=f'head = "linear"\nweights = "{weights}"')
    net = task_of(bare.replace("[model.settings]\nwidths = [4, 8]\n", "")).network()
    assert net.body.n_embedding == 8
    kept = checkpoints.load_tensors(weights)[0]
    assert torch.equal(net.body.stem[0].weight, kept["body.stem.0.weight"])
    other = task_of(bare.replace("widths = [4, 8]", "widths = [4, 8]\nn_bins = 64"))
    assert other.network().n_bins == 64  # what the recipe says counts first


@pytest.mark.parametrize("wrapper", ["model_state_dict", "state_dict", "module"])
def test_weights_come_from_what_users_save(folder, tmp_path, wrapper):
    from mirkit.backbones.residual import ResidualCNN

    torch.manual_seed(3)
    source = ResidualCNN(n_classes=9, widths=(4, 8))
    state = {f"module.{name}": x for name, x in source.state_dict().items()}
    path = tmp_path / "w.ckpt"
    torch.save({wrapper: state, "epoch": 3}, path)
    net = task_of(recipe(folder, tmp_path, model=f'weights = "{path}"')).network()
    assert torch.equal(net.stem[0].weight, source.stem[0].weight)
    state["module.stem.0.weight"] = state["module.stem.0.weight"] * float("nan")
    torch.save({wrapper: state}, path)
    with pytest.raises(WeightsError, match=r"w\.ckpt: 'stem\.0\.weight' holds 100 numbers of 100"):
        task_of(recipe(folder, tmp_path, model=f'weights = "{path}"')).network()


def test_models_that_cannot_be_are_refused(folder, tmp_path):
    text = recipe(folder, tmp_path)
    with pytest.raises(UnknownName, match="backbone 'residaul'"):
        task_of(text.replace('backbone = "residual"', 'backbone = "residaul"'))
    with pytest.raises(FormatError, match="nothing is there"):
        task_of(text.replace('backbone = "residual"', 'backbone = "mirkit.no:Net"'))
    with pytest.raises(FormatError, match="nothing would learn"):
        task_of(recipe(folder, tmp_path, model='freeze = "all"'))


def test_a_store_is_only_appended_to_and_heals(folder, tmp_path):
    paths = [folder / "noise" / f"{i}.wav" for i in range(3)]
    header = Header("float16", 1, RATE)
    first = open_packed(paths[:2], tmp_path, header)
    with (tmp_path / "index.jsonl").open("a") as file:
        file.write('{"name": "half')  # a killed process
    store = open_packed(paths, tmp_path, header)
    np.testing.assert_array_equal(store[1], first[1])
    expected, _ = soundfile.read(paths[2])
    np.testing.assert_allclose(store[2][:, 0], expected, rtol=1e-3, atol=1e-6)
    size = Path(tmp_path / "values.f16").stat().st_size
    open_packed(paths, tmp_path, header)
    assert Path(tmp_path / "values.f16").stat().st_size == size
    with pytest.raises(ParameterError, match="name another"):
        open_packed(paths, tmp_path, Header("float16", 1, 8000))
    short = Header("float16", 1, RATE, longest=0.25)
    assert len(open_packed(paths[:1], tmp_path / "x", short)[0]) == RATE // 4


def test_a_teacher_may_be_a_model(folder, tmp_path, monkeypatch):
    from mirkit.activations import Activations, Head
    from mirkit.training.tag import teacher

    class Model:
        labels, sample_rate, kind = ("tone", "other", "noise", "clicks"), RATE, "sigmoid"

        def activations(self, blocks):
            (samples,) = blocks
            loud = float(np.abs(samples).max() > 0.3)
            scores = np.array([[0.5, 0.9, 0.2 + 0.5 * loud, 0.1]])
            return Activations({"tags": Head(scores, self.labels, None, self.kind)})

    monkeypatch.setattr(teacher.registry, "load_model", {"kind-one": Model()}.__getitem__)
    task = task_of(recipe(folder, tmp_path, extra='teacher = "kind-one"', loss="bce"))
    noisy = task.data.labels.index("noise")
    noise = int(np.flatnonzero(task.data.targets[:, noisy])[0])
    np.testing.assert_allclose(task.teacher.targets[noise], [0.1, 0.7, 0.5], atol=1e-6)
    task = task_of(recipe(folder, tmp_path, extra='teacher = "kind-one"'))
    odds = np.array([0.1 / 0.9, 0.7 / 0.3, 0.5 / 0.5])
    np.testing.assert_allclose(task.teacher.targets[noise], odds / odds.sum(), atol=1e-6)
    Model.kind = "softmax"  # its probabilities themselves, of the classes that are asked for
    task = task_of(recipe(folder, tmp_path, extra='teacher = "kind-one"'))
    np.testing.assert_allclose(
        task.teacher.targets[noise], np.array([0.1, 0.7, 0.5]) / 1.3, atol=1e-6
    )
    task = task_of(recipe(folder, tmp_path, extra='teacher = "kind-one"', loss="bce"))
    np.testing.assert_allclose(task.teacher.targets[noise], [0.1, 0.7, 0.5], atol=1e-6)
    Model.labels = ("tone", "other", "noise", "ticks")
    with pytest.raises(ParameterError, match="knows no 'clicks'"):
        task_of(recipe(folder, tmp_path, extra='teacher = "kind-one"'))


def test_a_shipped_model_teaches(folder, tmp_path):
    """Whatever its weights, a model that is loaded by its name is asked as it answers."""
    from mirkit.zoo import registry

    labels = registry.load_model("tag-mn").config.labels[:2]
    table = tmp_path / "t.csv"
    lines = [
        f"{folder}/noise/{i}.wav,{labels[i % 2]},{'val' if i > 3 else 'train'}" for i in range(6)
    ]
    table.write_text("path,label,split\n" + "\n".join(lines))
    task = task_of(recipe(table, tmp_path, loss="bce", extra='teacher = "tag-mn"'))
    model = registry.load_model("tag-mn")
    samples, _ = soundfile.read(task.data.paths[0], dtype="float32")
    audio = reading.read((samples, RATE), sample_rate=model.sample_rate)
    scores = model.activations([audio.samples])["tags"]
    expected = [scores.values[0, scores.labels.index(label)] for label in task.data.labels]
    np.testing.assert_allclose(task.teacher.targets[0], expected, atol=1e-5)


WINDOWS = 'kd_lambda = 0.5\nteacher = "{}"'


def windowed(folder, tmp_path, labels, logits=None):
    """Write a teacher that hears each recording of a second in two halves."""
    paths = [str(path) for path in sorted(reading.find_audio([folder])) for _ in range(2)]
    logits = np.arange(len(paths) * len(labels), dtype=np.float32).reshape(len(paths), -1) / 100
    spans = np.tile([[0, 0.5], [0.5, np.inf]], (len(paths) // 2, 1))
    file = tmp_path / "soft.npz"
    np.savez(file, paths=paths, logits=logits, spans=spans, labels=list(labels))
    return file, logits


def test_a_teacher_by_windows_is_found_by_the_names_of_its_labels(folder, tmp_path):
    file, logits = windowed(folder, tmp_path, ("hum", "tone", "noise", "clicks"))
    data = TagData.read(TagDataSettings(str(folder), validation=0.3))
    teacher = load_teacher(TagLossSettings("bce", teacher=str(file), hints=1), data)
    assert data.labels == ("clicks", "noise", "tone")
    expected = 1 / (1 + np.exp(-logits[:2][:, [3, 2, 1, 0]]))
    i = data.paths.index(sorted(reading.find_audio([folder]))[0])
    first = teacher.first[i]
    np.testing.assert_allclose(teacher.targets[first : first + 2], expected, atol=1e-6)
    drawn = {teacher.draw(i, np.random.default_rng(seed)) for seed in range(20)}
    assert drawn == {first, first + 1}
    values = np.arange(10.0)[:, None]
    assert teacher.cut(first, values, 10.0)[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert teacher.cut(first + 1, values, 10.0)[:, 0].tolist() == [5, 6, 7, 8, 9]
    assert len(teacher.cut(first + 1, values[:3], 10.0)) == 1  # shorter than was heard


def test_what_a_teacher_was_not_asked_teaches_nothing(folder, tmp_path):
    file, _ = windowed(folder, tmp_path, ("clicks", "noise", "tone"))
    with np.load(file) as known:
        parts = {name: known[name] for name in known.files}
    parts["logits"][:, 1] = np.nan
    np.savez(file, **parts)
    data = TagData.read(TagDataSettings(str(folder), validation=0.3))
    teacher = load_teacher(TagLossSettings("bce", teacher=str(file)), data)
    truth = teacher.truth(0)
    assert truth["teacher_mask"].tolist() == [1, 0, 1]
    logits = torch.ones(1, 3, requires_grad=True)
    soft, asked = (torch.from_numpy(truth[name][None]) for name in ("teacher", "teacher_mask"))
    distillation(logits, soft, False, asked).backward()
    assert logits.grad[0, 1] == 0 != logits.grad[0, 0]


@pytest.mark.parametrize(
    ("labels", "hints", "message"),
    [(("clicks", "noise"), 0, "knows no 'tone'"), (("clicks", "noise", "tone"), 2, "hints is 2")],
)
def test_a_teacher_that_lacks_a_label_or_a_hint_is_refused(
    folder, tmp_path, labels, hints, message
):
    file, _ = windowed(folder, tmp_path, labels)
    data = TagData.read(TagDataSettings(str(folder), validation=0.3))
    with pytest.raises(ParameterError, match=message):
        load_teacher(TagLossSettings("bce", teacher=str(file), hints=hints), data)


def test_hints_are_learned_and_not_kept(folder, tmp_path):
    file, _ = windowed(folder, tmp_path, ("clicks", "noise", "tone", "a hint", "another"))
    extra = WINDOWS.format(file) + "\nhints = 2"
    path = tmp_path / "recipe.toml"
    path.write_text(recipe(folder, tmp_path, loss="bce", extra=extra), "utf-8")
    run = train(path, progress=None)
    tensors, metadata = checkpoints.load_tensors(run / "best.safetensors")
    assert tensors["classifier.weight"].shape[0] == 3
    assert json.loads(metadata["config"])["labels"] == ["clicks", "noise", "tone"]
    with pytest.raises(ParameterError, match="only a teacher has hints"):
        TagLossSettings("bce", hints=2)
