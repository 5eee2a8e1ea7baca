import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.features import front_end
from mirkit.tasks import TASKS
from mirkit.zoo import registry
from mirkit.zoo.converting import Converted
from mirkit.zoo.registry import Card, load_model, models, read_card

CARD = """
name = "clap-counter"
task = "beats"
summary = "counts claps"
entry = "claps.model:Counter"
sample_rate = 44100
labels = ["beat"]
license_code = "MIT"
license_weights = "MIT"
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a package of cards, as another distribution would; yield how to write its cards."""
    folder = tmp_path / "claps"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "model.py").write_text(
        "class Counter:\n"
        "    def __init__(self, card, options):\n"
        "        self.card, self.options = card, options\n"
        "    @classmethod\n"
        "    def from_card(cls, card, **options):\n"
        "        return cls(card, options)\n"
    )
    info = tmp_path / "claps-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: claps\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mirkit.models]\nclaps = claps\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    registry._cards.cache_clear()
    yield lambda text, name="claps.toml": (folder / name).write_text(text)
    registry._cards.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "claps"]:
        del sys.modules[name]


def test_models_are_listed_by_name_and_pattern():
    names = [card.name for card in models()]
    assert names == sorted(names)
    assert {"beat-tcn-2020", "librosa", "madmom", "tempogram"} <= set(names)
    assert [card.name for card in models("beat-tcn-2020")] == ["beat-tcn-2020"]
    assert models("no such*") == []


def test_unknown_name_suggests_the_close_one():
    with pytest.raises(UnknownName, match="Did you mean 'beat-tcn-2020'"):
        load_model("beat-tcn-2002")
    with pytest.raises(ParameterError, match="name of a model"):
        load_model(3)


def test_listing_imports_neither_torch_nor_models():
    code = (
        "import sys, mirkit.zoo.registry as r; assert len(r.models()) >= 4;"
        "heavy = {'torch', 'librosa', 'madmom', 'onnxruntime', 'mirkit.music'};"
        "print(sorted(heavy & {*sys.modules}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("card", models(), ids=lambda card: card.name)
def test_every_card_keeps_the_contract(card):
    assert card.source == f"mirkit/cards/{card.name}.toml"
    assert callable(registry.entry_of(card))
    if card.front_end is not None:
        assert front_end(card.front_end).sample_rate == card.sample_rate
    if card.weights is None:
        assert card.license_weights == "none" or card.peer or card.obtain
    if card.license_weights == "none":
        assert card.weights is None
    if card.converted is not None:
        assert card.peer, "a model of others is no default"
        assert issubclass(registry.entry_of(card), Converted)
        assert card.converted.startswith(f"{card.name}-")
    is_shipped = card.weights is not None and card.wheel is None and "://" not in card.weights
    assert ("torch" in card.packages) or is_shipped or "backbone" not in card.config


def test_no_default_is_a_peer():
    for row in TASKS.values():
        assert row.model is None or not registry.card(row.model).peer


def test_no_default_carries_weights_that_forbid_commerce():
    restricted = [card for card in models() if "NC" in card.license_weights]
    names = [card.name for card in restricted]
    assert names == ["madmom", "madmom-chords", "madmom-deep-chroma", "madmom-key"]
    assert all(card.peer for card in restricted)


def test_weights_of_others_may_be_used_commercially():
    assert {card.license_weights for card in models() if card.converted} == {
        "Apache-2.0", "BSD-2-Clause", "CC-BY-4.0", "ISC", "MIT",
    }  # fmt: skip


def test_shipped_weights_are_as_small_as_the_readme_says():
    folder = Path(registry.__file__).parents[1] / "weights"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.onnx")}
    pair = [size for name, size in sizes.items() if name.startswith("clap-mini")]
    assert len(sizes) >= 5
    assert min(sizes.values()) > 100_000
    assert sum(size < 2_000_000 for size in sizes.values()) == len(sizes) - len(pair), sizes
    assert 17e6 < sum(pair) < 19e6


def test_card_reads_every_field():
    card = read_card(
        CARD
        + f"""
        weights = "claps.onnx"
        sha256 = "{"a" * 64}"
        trained_on = ["renders"]
        paper = "none"
        streams = true
        scores.gtzan.F = 0.88
        speed = 250
        packages = ["torch"]
        converted = "claps-1.onnx"
        front_end = "tcn_22k"
        config.n_blocks = 3
        """
    )
    assert card == Card(
        name="clap-counter",
        task="beats",
        summary="counts claps",
        entry="claps.model:Counter",
        sample_rate=44100,
        labels=("beat",),
        license_code="MIT",
        license_weights="MIT",
        weights="claps.onnx",
        sha256="a" * 64,
        trained_on=("renders",),
        scores={"gtzan": {"F": 0.88}},
        speed=250,
        packages=("torch",),
        converted="claps-1.onnx",
        paper="none",
        streams=True,
        front_end="tcn_22k",
        config={"n_blocks": 3},
    )


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "clap-counter"', 'name = "Clap Counter"', "name"),
        ('name = "clap-counter"', "", "name"),
        ('task = "beats"', 'task = "beat"', "task"),
        ("claps.model:Counter", "claps.model", "entry"),
        ("44100", "44100.0", "sample_rate"),
        ("44100", "-1", "sample_rate"),
        ("44100", "true", "sample_rate"),
        ('["beat"]', '"beat"', "labels"),
        ('["beat"]', "[1]", "labels"),
        ('license_code = "MIT"', 'license_code = ""', "license_code"),
        ('license_weights = "MIT"', 'license_weights = "CC-BY-NC-4.0"', "license_weights"),
        ("sample_rate", "samplerate", "Did you mean 'sample_rate'"),
        ("\n", '\nstreams = "yes"\n', "streams"),
        ("\n", '\nweights = "a/b.onnx"\n', "weights"),
        ("\n", '\nweights = "ftp://a/b.onnx"\n', "weights"),
        ("\n", '\nweights = "https://a/b.onnx"\n', "sha256"),
        ("\n", '\nsha256 = "12"\n', "sha256"),
        ("\n", f'\nsha256 = "{"a" * 64}"\n', "weights"),
        ("\n", f'\nmd5 = "{"a" * 32}"\n', "weights"),
        ("\n", '\nmd5 = "12"\n', "md5"),
        ("\n", "\nsize = 0\n", "size"),
        ("\n", '\nobtain = "somewhere"\n', "obtain"),
        ("\n", '\nweights = "a.onnx"\nobtain = "Ask."\n', "only where it names no weights"),
        ("\n", '\nscores = {gtzan = {F = "high"}}\n', "scores"),
        ("\n", '\nconfig = "big"\n', "config"),
        ("\n", "\nspeed = 0\n", "speed"),
        ("\n", "\nspeed = true\n", "speed"),
        ("\n", '\npackages = "torch"\n', "packages"),
        ("\n", '\nconverted = "claps.pth"\n', "converted"),
        ("\n", '\nconverted = "claps-1.onnx"\n', "known by its sha256"),
        ("\n", '\nwheel = "claps"\n', "wheel"),
        ("\n", '\nwheel = "claps==1.0"\n', "holds weights"),
        ("\n", '\nwheel = "claps==1.0"\nweights = "claps/net.h5"\n', "needs its hash"),
        ("\n", f'\nwheel = "c==1"\nweights = "https://a/b"\nmd5 = "{"a" * 32}"\n', "wheel"),
        ("\n", '\nwheel = "claps==1.0"\nweights = "claps/../net.h5"\n', "weights"),
        ("\n", f'\nweights = "c.h5"\nsha256 = "{"a" * 64}"\nparts = {{a = "b"}}\n', "parts"),
        ("\n", f'\nweights = "c.h5"\nparts = {{a = "{"b" * 64}"}}\n', "only checkpoints in a w"),
        ('"beats"', '"beats', "not TOML"),
    ],
)
def test_wrong_card_names_field_and_file(old, new, field):
    with pytest.raises(FormatError, match=field) as caught:
        read_card(CARD.replace(old, new, 1), "claps/claps.toml")
    assert "claps/claps.toml" in str(caught.value)


def test_card_knows_its_checkpoint_by_md5_or_by_who_has_it():
    behind_url = f'\nweights = "https://a/b.pth"\nmd5 = "{"a" * 32}"\nsize = 12\n'
    card = read_card(CARD.replace("\n", behind_url, 1))
    assert (card.md5, card.size, card.sha256) == ("a" * 32, 12, None)
    asked = read_card(CARD.replace("\n", '\nobtain = "Ask the authors."\n', 1))
    assert (asked.obtain, asked.weights) == ("Ask the authors.", None)


def test_card_names_a_checkpoint_of_several_files_in_a_wheel():
    text = f"""
    wheel = "claps-net==1.0.1"
    weights = "claps/net/.data-0"
    sha256 = "{"a" * 64}"
    parts = {{ "claps/net/.index" = "{"b" * 64}" }}
    converted = "claps-2.safetensors"
    """
    card = read_card(CARD + text)
    assert (card.wheel, card.weights) == ("claps-net==1.0.1", "claps/net/.data-0")
    assert dict(card.parts) == {"claps/net/.index": "b" * 64}


def test_card_may_know_the_hash_of_what_is_got_by_hand():
    asked = f'\nobtain = "Ask the authors."\nsha256 = "{"a" * 64}"\n'
    assert read_card(CARD.replace("\n", asked, 1)).sha256 == "a" * 64


def test_other_packages_add_models(plugin):
    plugin(CARD)
    model = load_model("clap-counter", weights="random", n_threads=2)
    assert model.card.source == "claps/claps.toml"
    assert model.options == {"weights": "random", "n_threads": 2}
    assert load_model("clap-counter").options == {}


def test_model_without_from_card_is_made_from_its_config(plugin):
    plugin(CARD.replace("claps.model:Counter", "fractions:Fraction") + "config.numerator = 3")
    assert load_model("clap-counter") == 3
    with pytest.raises(ParameterError, match="no options, but was given weights"):
        load_model("clap-counter", weights="random", n_threads=1)


def test_broken_card_of_another_package_hides_no_model(plugin):
    plugin(CARD.replace("44100", "0.5"))
    with pytest.warns(UserWarning, match=r"claps.*left out.*sample_rate"):
        names = [card.name for card in models()]
    assert "tempogram" in names
    assert "clap-counter" not in names


def test_another_package_cannot_replace_our_model(plugin):
    plugin(CARD.replace("clap-counter", "tempogram"))
    with pytest.warns(UserWarning, match="already there"):
        models()
    assert registry.card("tempogram").source == "mirkit/cards/tempogram.toml"


@pytest.mark.parametrize("entry", ["claps.absent:Counter", "claps.model:Absent", "void:Counter"])
def test_entry_that_is_not_there_is_named(plugin, entry):
    plugin(CARD.replace("claps.model:Counter", entry))
    with pytest.raises(FormatError, match=entry):
        load_model("clap-counter")


@pytest.mark.parametrize("name", ["beat-tcn", "chord-crnn", "key-crnn", "tag-mn"])
def test_the_shipped_defaults_tell_what_they_scored(name):
    boards = registry.card(name).scores
    priors = {"chord-crnn": 2, "key-crnn": 2}  # flat, and that of music
    assert len(boards) == priors.get(name, 1)
    assert all(len(board) >= 4 for board in boards.values())
    assert all(0 <= value <= 1 for board in boards.values() for value in board.values())


def test_a_card_says_what_its_model_learned():
    card = read_card(CARD.replace("beats", "key") + "[prior]\nmajor = 0.6\nminor = 0.4\n")
    assert dict(card.prior) == {"major": 0.6, "minor": 0.4}
    assert read_card(CARD).prior == {}


@pytest.mark.parametrize(
    ("task", "prior", "message"),
    [
        ("key", "major = 0.6\nminor = 0.5", r"claps\.toml: \[prior\] has shares of sum 1\.1"),
        ("key", "major = 0.6", "has no 'minor'"),
        ("key", "major = 0.6\nminor = 0.4\ndorian = 0.1", "unknown class 'dorian'"),
        ("key", "major = 60\nminor = 40", "percentage"),
        ("chords", "maj = 0.9\nmin = 0.1", "has no 'dim'"),
        ("tags", "Dog = 'often'", "the share 'often'"),
        ("beats", "beat = 0.5", "beats expect nothing"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(task, prior, message):
    text = CARD.replace("beats", task) + f"[prior]\n{prior}\n"
    with pytest.raises(FormatError, match=message):
        read_card(text, "claps.toml")
