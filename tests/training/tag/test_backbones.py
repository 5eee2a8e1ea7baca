"""Every backbone trains with every head: from a folder of sounds to files that load again."""

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")

import tiny  # noqa: E402

from mirkit.backbones.heads import HEADS  # noqa: E402
from mirkit.sound.tag.config import TagConfig  # noqa: E402
from mirkit.sound.tag.model import Tagger  # noqa: E402
from mirkit.training.families import parse_recipe  # noqa: E402
from mirkit.training.recipe import format_toml  # noqa: E402
from mirkit.training.tag.task import TagTask  # noqa: E402

TRANSFORMERS = [name for name in tiny.ROWS if name.endswith((":AST", ":BEATs", ":PaSST", ":HTSAT"))]
RUNS = [(name, kind) for name in TRANSFORMERS for kind in ("own", *HEADS)]
RUNS += [(name, "attention") for name in tiny.ROWS if name not in TRANSFORMERS]
RATE = 16000


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    rng, lines = np.random.default_rng(0), ["path,label,split"]
    for name, color in (("rain", 1.0), ("hum", 0.05)):
        for i in range(4):
            noise = rng.standard_normal(RATE // 2)
            samples = color * noise + np.cumsum(noise) * (1 - color) / 50
            soundfile.write(folder / f"{name}{i}.wav", 0.1 * samples, RATE)
            lines.append(f"{name}{i}.wav,{name},{'val' if i == 3 else 'train'}")
    (folder / "table.csv").write_text("\n".join(lines))
    return folder / "table.csv"


def make_task(name, kind, table, tmp_path, loss="ce", **more):
    settings = more | {
        key: list(x) if isinstance(x, tuple) else x for key, x in tiny.ROWS[name].settings.items()
    }
    tables = {
        "model": {"backbone": name, "head": kind},
        "model.settings": settings,
        "data": {"path": str(table), "store": str(tmp_path / "store"), "crop": 0.4},
        "augment": {"mixup_probability": 0.5},
        "loss": {"kind": loss},
        "optimizer": {"learning_rate": 0.01},
        "loop": {"n_steps": 1, "batch_size": 4, "workers": 0},
    }
    top = {"task": "tags", "name": "tiny", "folder": str(tmp_path / "run")}
    return TagTask(parse_recipe(format_toml(top, tables)), torch.device("cpu"))


@pytest.mark.parametrize(("name", "kind"), RUNS, ids=lambda x: x.partition(":")[2] or x)
def test_a_run_ends_in_files_that_load(name, kind, table, tmp_path):
    task = make_task(name, kind, table, tmp_path)
    torch.manual_seed(0)
    net = task.network().train()
    batch = task.batch([0, 1, 2, 3], [(0, 1, i) for i in range(4)])
    loss = task.losses(net, batch)["loss"]
    loss.backward()
    assert all(p.grad is not None for key, p in net.named_parameters() if net.is_used(key))
    assert torch.isfinite(loss)
    assert 0 <= task.validate(net)["accuracy"] <= 1
    task.save(net, tmp_path)

    where = net.front_end, net.sample_rate
    card = next(c for c in tiny.tagging_cards() if (c.front_end, c.sample_rate) == where)
    samples = np.random.default_rng(1).standard_normal((1, net.sample_rate)).astype(np.float32)
    trained = Tagger.from_net(net, card, TagConfig.from_dict(task.config()))
    expected = trained.activations([samples])["tags"].values
    for file in ("best.safetensors", *(["best.onnx"] if net.exports else [])):
        loaded = Tagger.from_card(card, tmp_path / file)
        assert loaded.config.labels == ("hum", "rain")
        given = loaded.activations([samples])["tags"].values
        np.testing.assert_allclose(given, expected, atol=1e-4)
    assert (tmp_path / "best.onnx").is_file() == net.exports


SHORT = {  # settings with which a backbone hears a fraction of half a second at once
    "mirkit.backbones.vit.ast:AST": {"n_frames": 32},
    "mirkit.backbones.beats.network:BEATs": {"max_frames": 20},
    "mirkit.backbones.vit.passt:PaSST": {"n_frames": 26},
}


@pytest.mark.parametrize("name", ["AST", "BEATs", "PaSST"])
@pytest.mark.parametrize("loss", ["ce", "bce"])
def test_recordings_longer_than_a_window_are_trained_on_and_judged(name, loss, table, tmp_path):
    (name,) = (each for each in TRANSFORMERS if each.endswith(f":{name}"))
    task = make_task(name, "linear", table, tmp_path, loss, **SHORT[name])
    net = task.network().eval()
    places = task.data.validation
    x = torch.from_numpy(task.inputs.stack(places))
    n_windows = -(-x.shape[1] // net.max_length)
    assert n_windows > 1
    starts = np.linspace(0, x.shape[1] - net.max_length, n_windows).round().astype(int)
    with torch.no_grad():
        logits = torch.stack([net(x[:, i : i + net.max_length]).logits for i in starts])
    expected = (logits.softmax(-1) if loss == "ce" else logits.sigmoid()).mean(0)
    given = torch.from_numpy(task.predict(net, places))
    given = given.softmax(-1) if loss == "ce" else given.sigmoid()
    np.testing.assert_allclose(given.numpy(), expected.numpy(), atol=1e-6)
    batch = task.batch([0, 1], [(0, 1, 0), (0, 1, 1)])
    task.losses(net.train(), batch)["loss"].backward()
