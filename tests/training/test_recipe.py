from pathlib import Path

import pytest

import mirkit
from mirkit.backbones.tcn.config import TCNConfig
from mirkit.errors import FormatError, UnknownName
from mirkit.training.beat.recipe import BeatAugmentation, BeatLossSettings
from mirkit.training.families import RECIPES, parse_recipe, read_recipe
from mirkit.training.recipe import LoopSettings, OptimizerSettings, build
from mirkit.training.teach.recipe import read_teach_recipe

FOLDER = Path(__file__).parents[2] / "recipes"
TEACHING = [FOLDER / "tag-mn-teach.toml"]
SHIPPED = sorted(set(FOLDER.glob("*.toml")) - set(TEACHING))
RECIPE = """
task = "beats"
name = "small"
data = {store = "clips"}
[loop]
n_steps = 10
[model]
front_end = "tcn_22k"
config = {n_blocks = 3}
"""


def test_recipe_fills_in_what_it_leaves_out():
    recipe = parse_recipe(RECIPE)
    assert recipe.loop == LoopSettings(n_steps=10)
    assert recipe.optimizer == OptimizerSettings()
    assert recipe.augment == BeatAugmentation()
    assert recipe.loss == BeatLossSettings()
    assert str(recipe.path) == "runs/small"


def test_recipe_reads_tables_within_tables():
    recipe = parse_recipe(
        RECIPE + "[optimizer]\nname = 'radam'\nclip_norm = 1\n[augment]\nrate = 0.1\n"
    )
    assert recipe.optimizer == OptimizerSettings(name="radam", clip_norm=1.0)
    assert isinstance(recipe.optimizer.clip_norm, float)
    assert recipe.augment.rate == 0.1
    assert recipe.model.config == TCNConfig(n_blocks=3)


def test_setting_that_may_be_absent_is_read_where_it_is_there():
    assert build(TCNConfig, {}, "config").lookahead is None
    assert build(TCNConfig, {"lookahead": 3}, "config").lookahead == 3
    with pytest.raises(FormatError, match=r"lookahead is 'three'; it is of type int"):
        build(TCNConfig, {"lookahead": "three"}, "config")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n_steps = 10", "", "loop: setting 'n_steps' is missing"),
        ("n_steps", "n_step", "Did you mean 'n_steps'"),
        ("= 10", "= 10.5", "loop: n_steps is 10.5; it is of type int"),
        ("= 10", "= true", "n_steps is True"),
        ("= 10", "= 0", "n_steps is 0"),
        ("= 10", "= 10\nprecision = 'half'", "one of float32, bfloat16, float16"),
        ("[loop]", "loop = 3\n[other]", "loop is 3; it is a table|unknown setting 'other'"),
        ("[loop]", "[augment]\nrate = -1\n[loop]", "augment: rate is -1"),
        ("[loop]", "[optimizer]\nema = 1\n[loop]", "ema is 1"),
        ('"beats"', '"beats', "not TOML"),
        ("n_blocks", "blocks", "model: config: unknown setting 'blocks'"),
        ('"clips"', "3", "data: store is 3; it is of type str"),
        ("data = ", "other = ", "unknown setting 'other'"),
        ('{store = "clips"}', "{}", "data: setting 'store' is missing"),
        ('task = "beats"', "", "setting 'task' is missing; it is one of beats, chords, key"),
    ],
)
def test_wrong_setting_is_named_with_its_place(old, new, message):
    with pytest.raises(FormatError, match=message) as caught:
        parse_recipe(RECIPE.replace(old, new), "small.toml")
    assert "small.toml" in str(caught.value)


def test_absent_recipe_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"absent\.toml: no such recipe"):
        read_recipe(tmp_path / "absent.toml")


def test_tables_that_a_family_lacks_are_refused():
    text = 'task = "ssl"\nname = "x"\ndata = {folder = "x"}\nloop = {n_steps = 1}\n'
    assert parse_recipe(text).data.crop == 10
    with pytest.raises(FormatError, match="unknown setting 'augment'"):
        parse_recipe(text + "[augment]\nrate = 0\n")


def test_tasks_have_their_public_names():
    assert set(RECIPES) - {"ssl"} <= set(mirkit.__all__)
    for name in ("beat", "chord", "tag"):
        with pytest.raises(UnknownName, match=f"Did you mean '{name}s'"):
            parse_recipe(RECIPE.replace("beats", name))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_recipes_of_the_repository_are_right(path):
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert isinstance(recipe, RECIPES[recipe.task])


@pytest.mark.parametrize("path", TEACHING, ids=lambda path: path.stem)
def test_recipes_of_teaching_are_right(path):
    assert read_teach_recipe(path).name == path.stem
