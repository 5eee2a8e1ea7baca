"""The tables in TOML: what stands in them is right, and what is wrong is refused by name."""

import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import mirkit.rendering
from mirkit.errors import FormatError
from mirkit.rendering import arranger, drum_machine, harmony, reading
from mirkit.rendering.arranger import catalog, drums, patterns
from mirkit.rendering.harmonist import idioms

ROOM = Path(mirkit.rendering.__file__).parent
LAYER = "{ kind = 'piano', patterns = ['x...'] }"
RIGHT = f"[tango]\ntempo = [90, 100, 120]\nlayers = [{LAYER}]\n"

WRONG = {
    "[tango": "styles/my.toml is not TOML",
    "tango = 1": "styles/my.toml: tango is 1; it is a table",
    "[tango]\nlayers = []": "tango lacks the field 'tempo'",
    f"{RIGHT}tempi = 3": "tango: unknown field 'tempi'. Did you mean 'tempo'",
    f"{RIGHT}fills = 1.5": "tango: fills is 1.5; it is a number from 0 to 1",
    f"{RIGHT}fills = true": "tango: fills is True; it is a number from 0 to 1",
    f"{RIGHT}grid = 2.0": "tango: grid is 2.0; it is an integer from 1 to 8",
    f"{RIGHT}two_bar = 1": "tango: two_bar is 1; it is true or false",
    f"{RIGHT}meter = '4'": "tango: meter is '4'; it is a time signature, such as '6/8'",
    f"{RIGHT}swing = [0.6, 0.5]": "tango: swing is [0.6, 0.5]; it is 2 numbers from 0.5 to 0.75",
    f"{RIGHT}melody = [0.5]": "tango: melody is [0.5]; it is a list of two",
    f"{RIGHT}melody = [1.5, 1]": "tango: melody has an item that is 1.5; it is a number from",
    f"{RIGHT}kits = []": "tango: kits is []; it is a list, not empty",
    f"{RIGHT}kits = [128]": "tango: kits has an item that is 128; it is an integer from 0 to 127",
    f"{RIGHT}lead = 'violine'": "tango: lead is 'violine': unknown instrument 'violine'",
    f"{RIGHT}bass = ['walking']": "unknown bass 'walking'. Did you mean 'walk'",
    f"{RIGHT}families = ['latino']": "unknown family of progressions 'latino'. Did you",
    f"{RIGHT}manners = ['thight']": "unknown manner 'thight'. Did you mean 'tight'",
    f"{RIGHT}drums = ['!:x...']": "'!:x...' has voice '!'; the voices are K, S",
    f"{RIGHT}drums = ['K:x..y']": "'K:x..y' is no voice",
    f"{RIGHT}drums = ['backbeats']": "shared patterns are backbeat",
    f"{RIGHT}drums = ['K:x....']": "'x....' has 5 steps for 4 beats",
    "[tango]\ntempo = [90, 100]\nlayers = [1]": "tango: tempo is [90, 100]; it is 3 numbers",
    "[tango]\ntempo = [9, 99, 100]\nlayers = [1]": "3 numbers from 20 to 400, ascending",
    "[tango]\ntempo = [90, 95, 99]\nlayers = []": "tango: layers is []; it is a list, not empty",
    "[tango]\ntempo = [90, 95, 99]\nlayers = [1]": "tango: layer 1 is 1; it is a table",
    RIGHT.replace("kind", "kinds"): "tango: layer 1: unknown field 'kinds'. Did you mean 'kind'",
    RIGHT.replace("x...", "x..q"): "layer 1: patterns has an item that is 'x..q'; its marks are",
    RIGHT.replace("x...", "x..x."): "'x..x.' has 5 steps for 4 beats",
}


@pytest.mark.parametrize("toml", WRONG)
def test_what_is_wrong_in_a_style_is_refused_by_name(toml):
    with pytest.raises(FormatError) as error:
        arranger.parse_styles(toml, "styles/my.toml")
    assert str(error.value).startswith("styles/my.toml")
    assert WRONG[toml] in str(error.value)


def test_a_style_of_one_s_own_is_played():
    style = arranger.parse_styles(RIGHT)["tango"]
    assert style.layers == (arranger.Layer("piano", ("x...",)),)
    sheet = arranger.compose(style, 20.0, 100.0, np.random.default_rng(0))
    assert sheet.origin.style == "tango"


def test_a_shared_pattern_stands_for_all_its_patterns():
    named = arranger.parse_styles(RIGHT.replace("'x...'", "'pad', 'x...'"))["tango"]
    assert named.layers[0].patterns == (*patterns.shared_patterns("accompaniment")["pad"], "x...")


def test_every_field_has_a_rule():
    assert set(catalog.style_rules()) == {each.name for each in fields(arranger.Style)} - {"name"}
    assert set(catalog.layer_rules()) == {each.name for each in fields(arranger.Layer)}


def test_no_style_stands_in_two_files():
    tables = [reading.read_toml(f"styles/{name}.toml") for name in catalog.FILES]
    assert sum(map(len, tables)) == len(arranger.styles())
    assert {path.stem for path in (ROOM / "styles").iterdir()} == set(catalog.FILES)


def test_every_shared_pattern_is_used():
    texts = "".join(path.read_text("utf-8") for path in (ROOM / "styles").glob("*.toml"))
    for kind in ("accompaniment", "drums", "bass"):
        for name in patterns.shared_patterns(kind):
            assert f'"{name}"' in texts, (kind, name)


def test_progressions_and_what_follows_a_chord_are_read():
    for texts in harmony.families().values():
        for text in texts:
            assert harmony.read_bars(text, 0)
    for mode in ("major", "minor"):
        table = harmony._followers(mode)
        assert {name for names in table.values() for name in names} <= set(table)


@pytest.mark.parametrize("text", ["W", "VIII", "Ifoo", "V/4", "", "I||V", 7])
def test_numerals_that_are_none_are_refused(text):
    wrong = harmony.numerals_complaint(text)
    assert "is no roman numeral" in wrong or "has a bar without a chord" in wrong


@pytest.mark.parametrize("text", ["I|IV", "x I|IV", "M", "M I||V", "M I|W", "M I/Q", 7])
def test_idioms_that_are_none_are_refused(text):
    assert idioms.idiom_complaint(text).startswith(f"is {text!r}: ")


def test_walks_begin_with_the_tonic():
    assert idioms.walk_functions(minor=False)[0] == "I"
    assert idioms.walk_functions(minor=True)[0] == "i"


def test_a_percussion_key_strikes_one_voice_that_can_be_synthesized():
    keys = [key for voice in drum_machine.machine_voices().values() for key in voice.keys]
    assert len(set(keys)) == len(keys)
    assert set(drums.KEYS.values()) <= set(keys)
    for name in drum_machine.machine_voices():
        assert len(drum_machine.synthesize_drum(name, 22050, np.random.default_rng(0)))


@pytest.mark.data
def test_every_sample_of_the_drum_machine_is_there(data_dir):
    for voice in drum_machine.machine_voices().values():
        for name in voice.samples:
            assert (data_dir / "samples" / f"{name}.flac").is_file()


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.toml")), ids=lambda path: path.stem)
def test_tables_are_packaged(path):
    project = tomllib.loads((ROOM.parents[1] / "pyproject.toml").read_text("utf-8"))
    globs = project["tool"]["setuptools"]["package-data"]["mirkit"]
    assert any(path.relative_to(ROOM.parent).match(glob) for glob in globs)
