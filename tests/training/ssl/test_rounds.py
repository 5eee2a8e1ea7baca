"""A round of learning without labels: codes, masked patches, a tokenizer, codes again."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")

import mirkit  # noqa: E402
from mirkit.audio import Audio  # noqa: E402
from mirkit.backbones.beats.encoder import BEATsConfig  # noqa: E402
from mirkit.backbones.beats.network import BEATs  # noqa: E402
from mirkit.backbones.beats.pretraining import (  # noqa: E402
    Distiller,
    MaskedBEATs,
    kept_places,
    masked_places,
)
from mirkit.backbones.beats.tokenizer import (  # noqa: E402
    Codebook,
    RandomTokenizer,
    Tokenizer,
    in_patches,
)
from mirkit.errors import FormatError, ParameterError, WeightsError  # noqa: E402
from mirkit.features import front_end  # noqa: E402
from mirkit.training.families import read_recipe  # noqa: E402
from mirkit.training.loop import train  # noqa: E402
from mirkit.training.ssl.checkpoints import read_model, read_tokenizer  # noqa: E402
from mirkit.training.ssl.task import divide_files, n_used  # noqa: E402
from mirkit.training.tag.network import make_network  # noqa: E402
from mirkit.training.tag.recipe import TagModelSettings  # noqa: E402
from mirkit.zoo import checkpoints  # noqa: E402

RATE = 16000
SHAPE = {
    "n_bins": 128,
    "embed": 12,
    "dim": 16,
    "depth": 2,
    "n_heads": 2,
    "n_hidden": 32,
    "conv_width": 8,
    "conv_groups": 4,
    "n_buckets": 16,
    "max_distance": 40,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
RECIPE = """
task = "ssl"
name = "{name}"
folder = "{runs}/{name}"
[model]
{model}
config = {config}
n_codes = 24
code_dim = 8
code_decay = 0.9
code_idle = 0.05
predictor_depth = 1
[data]
folder = "{folder}"
crop = 1.0
n_validation = 3
[optimizer]
learning_rate = 1e-2
warmup_steps = 3
ema = 0.5
[loop]
n_steps = {n_steps}
batch_size = 4
log_every = 1
validate_every = {n_steps}
workers = 0
"""


def sound(seed, seconds=1.5):
    """Two buzzing tones, each its own, of which one comes and goes: so, what was will be."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    low, high = (2 * (t * pitch % 1) - 1 for pitch in rng.uniform((80, 900), (300, 3000)))
    pulses = np.sin(2 * np.pi * rng.uniform(1, 4) * t) > rng.uniform(-0.8, 0.8)
    loud = 10 ** rng.uniform(-3, -0.5, 2)
    return loud[0] * low + loud[1] * high * pulses + 1e-5 * rng.standard_normal(len(t))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sounds")
    for seed in range(11):
        place = root / f"part{seed % 2}"
        place.mkdir(exist_ok=True)
        soundfile.write(place / f"{seed}.wav", sound(seed, 0.7 if seed == 4 else 1.5), RATE)
    return root


def run(runs, folder, name, n_steps=40, **model):
    config = "{" + ", ".join(f"{key} = {value}" for key, value in SHAPE.items()) + "}"
    lines = "\n".join(f"{key} = {json.dumps(str(value))}" for key, value in model.items())
    text = RECIPE.format(
        name=name, runs=runs, folder=folder, model=lines, config=config, n_steps=n_steps
    )
    path = runs / f"{name}.toml"
    path.write_text(text)
    return train(path, device="cpu")


def column(path, name):
    with path.open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def rounds(folder, tmp_path_factory):
    """Run a whole round, and the beginning of the next."""
    runs = tmp_path_factory.mktemp("runs")
    first = run(runs, folder, "model-1")
    tokens = run(runs, folder, "tokens-1", stage="tokenizer", teacher=first / "best.safetensors")
    second = run(runs, folder, "model-2", tokenizer=tokens / "best.safetensors")
    return first, tokens, second


def test_every_stage_learns(rounds):
    for stage in rounds:
        losses = column(stage / "train.csv", "loss")
        assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:3]), stage.name


def test_masked_codes_are_guessed_better_than_by_chance(rounds):
    path = rounds[0] / "validation.csv"
    score, codes = column(path, "score")[-1], column(path, "codes")[-1]
    assert codes > 8  # in use, of 24
    assert score > 2 / codes


def test_a_learned_tokenizer_uses_many_codes_and_says_what_was_heard(rounds):
    _, tokens, _ = rounds
    assert column(tokens / "validation.csv", "codes")[-1] > 5
    cosine = column(tokens / "train.csv", "cosine")
    assert np.mean(cosine[-5:]) > np.mean(cosine[:3]) + 0.1


def test_what_is_kept_loads_as_a_network_and_as_a_tokenizer(rounds):
    first, tokens, _ = rounds
    net = read_model(first / "best.safetensors")
    assert isinstance(net, BEATs)
    assert net.config == BEATsConfig(**SHAPE)
    assert not any(p.requires_grad for p in net.parameters())
    tokenizer = read_tokenizer(tokens / "best.safetensors")
    codes = tokenizer.codes(torch.randn(2, 98, 128))
    assert codes.shape == (2, 6 * 8)
    assert codes.max() < 24
    with pytest.raises(WeightsError, match="holds a 'beats-tokenizer'"):
        read_model(tokens / "best.safetensors")


def test_what_was_pretrained_here_embeds_and_is_trained_on(rounds):
    path = str(rounds[0] / "best.safetensors")
    x = np.random.default_rng(0).standard_normal(16000).astype(np.float32), 16000
    net = read_model(path)
    features = front_end("beats")(Audio(x[0][None], 16000)).values
    expected = net(torch.tensor(features)[None]).embedding[0].numpy()
    given = mirkit.embed(x, model="beats-iter3", weights=path).values[0]
    np.testing.assert_allclose(given, expected, atol=1e-5)
    with pytest.raises(ParameterError, match="has no classes"):
        mirkit.tags(x, model="beats-iter3", weights=path)
    begun = make_network(TagModelSettings("beats-iter3", head="linear", weights=path), 3).body
    assert begun.config == net.config
    assert torch.equal(begun.patch_embedding.weight, net.patch_embedding.weight)


def test_a_published_tokenizer_is_read(tmp_path):
    """A file of its authors holds the same tensors by other names, and the shape beside them."""
    torch.manual_seed(0)
    net = Tokenizer(BEATsConfig(**SHAPE), 10, 6)
    net.quantize.weight.normal_()
    shared = "encoder.relative_attention_bias.weight"
    state = net.state_dict()
    for i in range(2):
        state[f"encoder.layers.{i}.self_attn.relative_attention_bias.weight"] = state[shared]
    del state[shared]
    for ours, theirs in (
        ("encoder.pos_conv.bias", "encoder.pos_conv.0.bias"),
        ("encoder.pos_conv.parametrizations.weight.original0", "encoder.pos_conv.0.weight_g"),
        ("encoder.pos_conv.parametrizations.weight.original1", "encoder.pos_conv.0.weight_v"),
        ("quantize.weight", "quantize.embedding.weight"),
        ("quantize.is_ready", "quantize.embedding.initted"),
        ("quantize.usage", "quantize.cluster_size"),
    ):
        state[theirs] = state.pop(ours)
    state["quantize.embedding.initted"] = torch.ones(1)  # theirs is a float
    state["quantize.embedding.embed_avg"] = torch.zeros(10, 6)
    state["quantize.embedding.cluster_size"] = torch.zeros(10)
    cfg = {
        "deep_norm": True,
        "relative_position_embedding": True,
        "gru_rel_pos": True,
        "embed_dim": 12,
        "encoder_embed_dim": 16,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_embed_dim": 32,
        "conv_pos": 8,
        "conv_pos_groups": 4,
        "num_buckets": 16,
        "max_distance": 40,
    }
    torch.save({"cfg": cfg, "model": state}, tmp_path / "tokenizer.pt")
    read = read_tokenizer(tmp_path / "tokenizer.pt")
    x = torch.randn(1, 64, 128)
    assert torch.equal(read.codes(x), net.eval().codes(x))
    torch.save({"model": {"fc.weight": torch.ones(1)}}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="is no tokenizer"):
        read_tokenizer(tmp_path / "other.pt")


def test_a_run_is_the_same_twice(folder, tmp_path):
    losses = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = run(tmp_path / name, folder, "model", n_steps=3)
        losses.append(column(path / "train.csv", "loss"))
        tensors, kept = checkpoints.load_tensors(path / "best.safetensors")
        assert kept["kind"] == "beats"
        assert "patch_embedding.weight" in tensors
    assert losses[0] == losses[1]


def test_recordings_are_split_the_same_way_each_time(folder):
    training, validation = divide_files(str(folder), 3)
    assert len(training) == 8
    assert len(validation) == 3
    assert not set(training) & set(validation)
    assert divide_files(str(folder), 3) == (training, validation)
    with pytest.raises(ParameterError, match="n_validation is 11; of 11 recordings"):
        divide_files(str(folder), 11)


def test_a_tokenizer_without_a_teacher_is_refused(folder, tmp_path):
    with pytest.raises(FormatError, match="it needs a teacher"):
        run(tmp_path, folder, "alone", stage="tokenizer")


def test_masked_and_kept_are_all():
    chance = torch.rand(3, 40)
    kept = kept_places(chance, 0.75)
    assert kept.shape == (3, 10)
    assert (kept.diff(dim=1) > 0).all()
    is_masked = masked_places(kept, 40)
    assert is_masked.sum(1).tolist() == [30] * 3
    for i in range(3):
        assert chance[i][is_masked[i]].max() < chance[i][kept[i]].min()
    assert kept_places(torch.rand(1, 3), 0.01).shape == (1, 2)  # one goes at least
    assert kept_places(torch.rand(1, 3), 0.99).shape == (1, 1)  # one stays at least


def test_what_is_masked_is_not_heard():
    """Changing masked patches changes nothing but the codes to guess."""
    torch.manual_seed(0)
    net = MaskedBEATs(BEATs(n_classes=0, **SHAPE), 24).eval()
    x = torch.randn(1, 96, 128)
    kept = kept_places(torch.rand(1, 48), 0.75)
    is_masked = masked_places(kept, 48)[0]
    loud = x.reshape(1, 6, 16, 8, 16).clone()
    for place in is_masked.nonzero()[:, 0].tolist():
        loud[0, place // 8, :, place % 8] += 5
    loud = loud.reshape(1, 96, 128)
    assert torch.equal(in_patches(loud, 16)[0, ~is_masked], in_patches(x, 16)[0, ~is_masked])
    assert torch.equal(net(x, kept), net(loud, kept))


def test_both_stages_train_in_half_precision():
    torch.manual_seed(0)
    config, x = BEATsConfig(**SHAPE), torch.randn(2, 96, 128)
    model = MaskedBEATs(BEATs(n_classes=0, **SHAPE), 24)
    distiller = Distiller(Tokenizer(config, 24, 8), config, 1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(x, kept_places(torch.rand(2, 48), 0.75))
        estimate, distance, codes = distiller(x)
    (logits.float().square().mean() + estimate.float().mean() + distance).backward()
    for net in (model, distiller):
        still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
        assert still == []
    assert codes.unique().numel() > 4
    assert distiller.tokenizer.quantize.is_ready


def test_a_codebook_follows_what_is_near():
    torch.manual_seed(0)
    centers = torch.nn.functional.normalize(torch.randn(6, 5), dim=-1)
    book = Codebook(6, 5, decay=0.9)
    x = centers[torch.arange(120) % 6] + 0.02 * torch.randn(120, 5)
    quantized, distance, codes = book(x)
    assert n_used(codes, 6) == pytest.approx(6, abs=1.5)
    assert distance < 0.1
    assert torch.allclose(quantized.norm(dim=-1), torch.ones(120), atol=1e-5)
    before = book.weight.clone()
    moved = torch.nn.functional.normalize(before[2] + 0.2, dim=-1)
    book(moved.repeat(9, 1))
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(book.weight[2], moved, dim=0) > cosine(before[2], moved, dim=0)
    still = [i for i in range(6) if i != 2]
    assert torch.equal(book.weight[still], before[still])
    book.eval()(moved.repeat(9, 1))
    assert book.is_ready


def test_gradients_pass_through_the_codes():
    torch.manual_seed(0)
    book, x = Codebook(4, 3), torch.randn(10, 3, requires_grad=True)
    quantized, _, _ = book(x)
    quantized.sum().backward()
    assert x.grad.any()


def test_random_codes_spread_over_sounds_however_loud():
    torch.manual_seed(0)
    config = BEATsConfig(**SHAPE)
    x = 0.1 * torch.randn(8, 96, 128) - 2  # quiet: every patch lies far off to one side
    tokens = RandomTokenizer(config, 64, 16)
    assert n_used(tokens.codes(x).flatten(), 64) < 10
    tokens.fit(x)
    assert n_used(tokens.codes(x).flatten(), 64) > 30
    again = RandomTokenizer(config, 64, 16)
    again.fit(x)
    assert torch.equal(again.codes(x), tokens.codes(x))


@pytest.mark.parametrize("name", ["model", "tokens"])
def test_the_recipes_name_what_there_is(name):
    recipe = read_recipe(Path(__file__).parents[3] / "recipes" / f"beats-ssl-{name}.toml")
    assert recipe.task == "ssl"
    assert recipe.model.stage == ("model" if name == "model" else "tokenizer")
    assert recipe.model.config.dim == 384
