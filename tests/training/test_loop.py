import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mirkit.errors import FormatError, ParameterError, UnknownName, WeightsError  # noqa: E402
from mirkit.training.batches import clip_at  # noqa: E402
from mirkit.training.logs import CSVLog, Progress  # noqa: E402
from mirkit.training.loop import train  # noqa: E402
from mirkit.training.optim import RunningMean, make_optimizer  # noqa: E402
from mirkit.training.recipe import OptimizerSettings  # noqa: E402
from mirkit.zoo import checkpoints  # noqa: E402

RECIPE = """
task = "beats"
name = "small"
folder = "{folder}"
[model]
front_end = "tcn_22k"
config = {{conv_filters = [4, 4, 4], n_filters = 4, n_blocks = 4, n_tempi = 200, norm = "batch"}}
[data]
store = "{store}"
crop = 3.0
n_validation = 2
[loop]
n_steps = 24
batch_size = 4
log_every = 1
validate_every = 8
checkpoint_minutes = 0
"""


def write_recipe(path, store, folder, **changes):
    text = RECIPE.format(folder=folder, store=store)
    for old, new in changes.items():
        before, text = (
            text,
            "\n".join(
                f"{old} = {new}" if line.startswith(f"{old} =") else line
                for line in text.split("\n")
            ),
        )
        assert text != before
    path.write_text(text)
    return path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def scores(path):
    return [{k: v for k, v in row.items() if k != "minutes"} for row in rows(path)]


@pytest.fixture(scope="module")
def whole(store, tmp_path_factory):
    """Return the folder of a run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return train(write_recipe(folder / "r.toml", store, folder / "run"), device="cpu")


def test_run_leaves_weights_logs_and_state(whole):
    losses = rows(whole / "train.csv")
    assert [int(row["step"]) for row in losses] == list(range(1, 25))
    assert all(np.isfinite(float(row["loss"])) for row in losses)
    assert [int(row["step"]) for row in rows(whole / "validation.csv")] == [8, 16, 24]
    _, kept = checkpoints.load_tensors(whole / "best.safetensors")
    assert kept["front_end"] == "tcn_22k"
    assert json.loads(kept["config"])["n_filters"] == 4
    from mirkit.zoo.runtime import Session

    session = Session(whole / "best.onnx")
    digest = checkpoints.sha256_of(whole / "best.safetensors")
    assert session.metadata["weights_sha256"] == digest


def test_killed_run_continues_with_the_same_losses(whole, store, tmp_path):
    recipe = write_recipe(tmp_path / "r.toml", store, tmp_path / "run")
    code = f"from mirkit.training.loop import train; train({str(recipe)!r}, device='cpu')"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    log, deadline = tmp_path / "run" / "train.csv", time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) > 10):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()  # not a signal that it could answer
    process.wait()
    killed_at = int(rows(log)[-1]["step"])
    assert 10 <= killed_at < 24
    folder = train(recipe, resume=True, device="cpu")
    assert rows(folder / "train.csv") == rows(whole / "train.csv")
    assert scores(folder / "validation.csv") == scores(whole / "validation.csv")
    a, b = (torch.load(path / "state.pt", weights_only=True) for path in (folder, whole))
    for kind in ("net", "mean"):
        assert all(torch.equal(a[kind][name], b[kind][name]) for name in b[kind])
    assert {name: a[name] for name in ("step", "best", "n_worse")} == {
        name: b[name] for name in ("step", "best", "n_worse")
    }


def test_asked_to_stop_it_saves_first(store, tmp_path):
    recipe = write_recipe(
        tmp_path / "r.toml", store, tmp_path / "run", checkpoint_minutes=99, n_steps=100_000
    )
    sent = []

    class Terminal:
        def isatty(self):
            return True

        def write(self, text):
            if not sent:
                sent.append(text)
                os.kill(os.getpid(), signal.SIGTERM)

        def flush(self):
            pass

    handler = signal.getsignal(signal.SIGTERM)
    folder = train(recipe, device="cpu", progress=Terminal())
    assert signal.getsignal(signal.SIGTERM) is handler
    state = torch.load(folder / "state.pt", weights_only=True)
    assert 0 < state["step"] < 100


def test_workers_do_not_change_the_losses(whole, store, tmp_path):
    folders = [whole]
    for workers in (0, 3):
        recipe = tmp_path / f"{workers}.toml"
        write_recipe(recipe, store, tmp_path / f"run{workers}", n_steps=6)
        recipe.write_text(recipe.read_text() + f"workers = {workers}\n")
        folders.append(train(recipe, device="cpu"))
    beats = [[row["beat"] for row in rows(folder / "train.csv")[:2]] for folder in folders]
    # Schedules differ after the warm-up only, and all these steps lie within it.
    assert beats[0] == beats[1] == beats[2]


def test_parts_of_a_batch_add_up_to_the_batch(store, tmp_path):
    losses = []
    for accumulate in (1, 2):
        recipe = tmp_path / f"{accumulate}.toml"
        write_recipe(recipe, store, tmp_path / f"run{accumulate}", n_steps=3)
        text = recipe.read_text().replace('norm = "batch"', "dropout = 0.0")
        recipe.write_text(text + f"accumulate = {accumulate}\n")
        losses.append(
            [float(row["loss"]) for row in rows(train(recipe, device="cpu") / "train.csv")]
        )
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3)


def test_two_processes_train_as_one(store, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [tmp_path / "one.toml", tmp_path / "two.toml"]
    for path in paths:
        write_recipe(path, store, path.with_suffix(""), n_steps=4, validate_every=4)
        path.write_text(path.read_text().replace('norm = "batch"', "dropout = 0.0"))
    code = f"from mirkit.training.loop import train; train({str(paths[1])!r}, device='cpu')"
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=os.environ | together | {"RANK": rank})
        for rank in "01"
    ]
    one = train(paths[0], device="cpu")
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    a, b = (rows(folder / "train.csv") for folder in (one, paths[1].with_suffix("")))
    assert len(a) == len(b) == 4
    for mine, theirs in zip(a, b, strict=True):
        for name in ("beat", "downbeat", "gradient_norm"):
            assert float(mine[name]) == pytest.approx(float(theirs[name]), rel=5e-3)


def test_folder_that_holds_a_run_is_not_overwritten(whole, store, tmp_path):
    recipe = whole / "recipe.toml"
    with pytest.raises(ParameterError, match="resume=True"):
        train(recipe, device="cpu")
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text().replace("batch_size = 4", "batch_size = 5"))
    with pytest.raises(ParameterError, match="differs"):
        train(other, resume=True, device="cpu")
    with pytest.raises(ParameterError, match="no run to resume"):
        train(write_recipe(tmp_path / "r.toml", store, tmp_path / "void"), resume=True)


def test_damaged_state_is_named(store, tmp_path):
    recipe = write_recipe(tmp_path / "r.toml", store, tmp_path / "run", n_steps=1)
    folder = train(recipe, device="cpu")
    (folder / "state.pt").write_bytes(b"cut")
    with pytest.raises(WeightsError, match=r"state\.pt is damaged"):
        train(recipe, resume=True, device="cpu")


def test_wrong_recipes_are_refused_before_anything_is_trained(store, tmp_path):
    path = write_recipe(tmp_path / "r.toml", store, tmp_path / "run", task='"beets"')
    with pytest.raises(UnknownName, match="Did you mean 'beats'"):
        train(path, device="cpu")
    path = write_recipe(tmp_path / "r.toml", store, tmp_path / "run", crop=0.5)
    with pytest.raises(ParameterError, match="past any excerpt"):
        train(path, device="cpu")
    path.write_text(path.read_text().replace("n_blocks", "blocks"))
    with pytest.raises(FormatError, match="Did you mean 'n_blocks'"):
        train(path, device="cpu")
    path = write_recipe(tmp_path / "r.toml", store, tmp_path / "run")
    with pytest.raises(ParameterError, match="'tpu9'"):
        train(path, device="tpu9")


def test_patience_ends_a_run_that_no_longer_improves(store, tmp_path):
    recipe = write_recipe(tmp_path / "r.toml", store, tmp_path / "run", validate_every=1)
    recipe.write_text(recipe.read_text() + "patience = 2\n[optimizer]\nlearning_rate = 1e-9\n")
    folder = train(recipe, device="cpu")
    assert len(rows(folder / "validation.csv")) <= 5


def test_every_epoch_sees_every_clip_once_in_another_order():
    order = [clip_at(place, 7, seed=3) for place in range(21)]
    epochs = [order[i : i + 7] for i in (0, 7, 14)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert all(a != b for a, b in pairwise(epochs))
    assert order != [clip_at(place, 7, seed=4) for place in range(21)]


def test_running_mean_lags_behind_and_copies_what_is_counted():
    net = torch.nn.BatchNorm1d(2)
    mean = RunningMean(net, decay=0.9)
    for step in range(300):
        net.weight.data += 1
        net.num_batches_tracked += 1
        mean.update(net, step)
    # A lag of decay / (1 - decay) steps, once the beginning is forgotten.
    assert float(net.weight[0].detach() - mean.net.weight[0]) == pytest.approx(9, abs=0.1)
    assert mean.net.num_batches_tracked == 300
    assert not mean.net.training


@pytest.mark.parametrize("name", ["adamw", "radam"])
def test_only_matrices_decay(name):
    net = torch.nn.Linear(3, 2)
    settings = OptimizerSettings(name=name, learning_rate=0.1, weight_decay=0.5)
    optimizer = make_optimizer(net, settings)
    weight, bias = net.weight.detach().clone(), net.bias.detach().clone()
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(net.weight.detach(), weight * (1 - 0.1 * 0.5))
    torch.testing.assert_close(net.bias.detach(), bias)


def test_log_forgets_what_will_come_again(tmp_path):
    path = tmp_path / "train.csv"
    log = CSVLog(path, 0)
    for step in range(1, 6):
        log.write({"step": step, "loss": step / 3})
    with path.open("a") as file:
        file.write("6")  # a row that was cut short
    log = CSVLog(path, 3)
    log.write({"step": 4, "loss": 0.1})
    assert [row["step"] for row in rows(path)] == ["1", "2", "3", "4"]
    assert float(rows(path)[2]["loss"]) == 1.0


def test_progress_keeps_silent_on_files(tmp_path, capsys):
    with (tmp_path / "log").open("w+") as file:
        progress = Progress(10, file)
        progress.show(3, "text")
        progress.close()
        assert file.tell() == 0
    Progress(10, None).show(1, "")
    assert capsys.readouterr() == ("", "")
