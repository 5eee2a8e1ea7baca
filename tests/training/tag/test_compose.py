import tomllib

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from mirkit.errors import FormatError, ParameterError
from mirkit.training.families import parse_recipe
from mirkit.training.recipe import format_toml
from mirkit.training.tag.compose import BATCH, compose_recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for name in ("rain", "hum"):
        (folder / name).mkdir()
        for i in range(10):
            soundfile.write(folder / name / f"{i}.wav", 0.1 * rng.standard_normal(8000), 16000)
    return folder


def test_what_is_written_is_what_is_read():
    tables = {"a": {"x": 1, "y": [0.5, 1.0], "z": 'say "C:\\x"\n'}, "a.b": {"yes": True}}
    read = tomllib.loads(format_toml({"name": "ö"}, tables))
    assert read == {"name": "ö", "a": {**tables["a"], "b": {"yes": True}}}


def test_a_folder_is_learned_by_cross_entropy_and_a_table_of_sets_is_not(folder, tmp_path):
    recipe = parse_recipe(compose_recipe("residual", folder, tmp_path / "run", epochs=4))
    assert recipe.loss.kind == "ce"
    assert recipe.loop.n_steps == pytest.approx(4 * 16 / 16, abs=2)
    table = tmp_path / "t.csv"
    lines = [f"{folder}/rain/{i}.wav,rain;water,{'train' if i else 'val'}" for i in range(4)]
    table.write_text("path,labels,split\n" + "\n".join(lines))
    recipe = parse_recipe(compose_recipe("residual", table, tmp_path / "run"))
    assert recipe.loss.kind == "bce"
    assert recipe.augment.mixed_labels == "both"


def test_the_last_fold_judges(folder, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("path,label,fold\n" + "".join(f"{i}.wav,a,{1 + i % 3}\n" for i in range(9)))
    assert parse_recipe(compose_recipe("residual", table, tmp_path)).data.fold == 3


@pytest.mark.parametrize("name", [f"{i}.csv" for i in range(12)])
def test_a_small_table_with_folds_is_taken_wherever_it_lies(tmp_path, name):
    """Six of the nine sounds train, in whatever folder: chance of the path divides nothing."""
    table = tmp_path / name.removesuffix(".csv") / name
    table.parent.mkdir()
    table.write_text("path,label,fold\n" + "".join(f"{i}.wav,a,{1 + i % 3}\n" for i in range(9)))
    recipe = parse_recipe(compose_recipe("residual", table, tmp_path, epochs=8))
    assert recipe.loop.n_steps == max(1, 8 * 6 // BATCH)


def test_settings_are_checked_before_anything_is_computed(folder, tmp_path):
    with pytest.raises(FormatError, match="freeze is 'some'"):
        compose_recipe("residual", folder, tmp_path, freeze="some")
    with pytest.raises(ParameterError, match="epochs"):
        compose_recipe("residual", folder, tmp_path, epochs=0)
