"""Training changes its numbers only on purpose.

The losses were written by ``python tests/helpers/small_runs.py tests/training/losses.json``, first
with the code before the families had one base. With the same libraries and processor they are
equal to the last digit; others round otherwise.
"""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import small_runs  # noqa: E402

from mirkit.training.batches import make_batch  # noqa: E402
from mirkit.training.families import make_task, read_recipe  # noqa: E402
from mirkit.training.loop import RECIPE, STATE, take_step, train  # noqa: E402
from mirkit.training.ranks import join  # noqa: E402
from mirkit.training.run import Run  # noqa: E402

EXPECTED = json.loads((Path(__file__).parent / "losses.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the folder of all runs, and their losses."""
    folder = tmp_path_factory.mktemp("runs")
    return folder, small_runs.run_all(folder)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recipe_and_a_seed_give_the_losses_that_they_gave(runs, name):
    _, losses = runs
    assert losses[name] == pytest.approx(EXPECTED[name], rel=1e-4)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_task_continues_a_run_with_the_same_losses(runs, name):
    root, losses = runs
    path, folder = root / f"{name}-again.toml", root / f"{name}-again"
    text = (root / f"{name}.toml").read_text()
    path.write_text(text.replace(f'folder = "{root}/{name}"', f'folder = "{folder}"'))
    folder.mkdir()
    (folder / RECIPE).write_text(path.read_text())
    recipe = read_recipe(path)
    assert recipe.path == folder
    begun = Run(recipe, make_task(recipe, torch.device("cpu")), join("cpu"))
    take_step(begun, make_batch(begun, 0))
    begun.sums.clear()
    begun.save(folder / STATE)
    train(path, resume=True, device="cpu")
    assert small_runs.losses_of(folder) == losses[name][1:]
