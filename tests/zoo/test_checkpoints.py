import argparse
import datetime
import hashlib
import pickle
import subprocess
import sys
import warnings
import zipfile
from fractions import Fraction
from pathlib import PurePosixPath

import numpy as np
import pytest
from fileserver import CONTENT, Handler, serving

from mirkit.errors import WeightsError
from mirkit.zoo import checkpoints

SHA = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server():
    with serving() as address:
        yield address


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MIRKIT_OFFLINE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_file_is_fetched_once_and_kept_under_its_hash(server, cache):
    path = checkpoints.locate(f"{server}/net.onnx", SHA, download=True)
    assert path.read_bytes() == CONTENT
    assert path == cache / SHA[:16] / "net.onnx"
    assert checkpoints.locate(f"{server}/net.onnx#sha256={SHA}") == path
    assert Handler.asked == ["/net.onnx"]


def test_file_of_which_only_the_md5_is_known_is_verified_by_it(server, cache):
    path = checkpoints.locate(f"{server}/net.pth", download=True, md5=MD5)
    assert path == cache / MD5[:16] / "net.pth"
    assert checkpoints.locate(f"{server}/net.pth#md5={MD5}") == path
    with pytest.raises(WeightsError, match=f"has md5 {MD5}, not {'0' * 32}"):
        checkpoints.locate(path, md5="0" * 32)
    path.write_bytes(b"cut")
    with pytest.raises(WeightsError, match="damaged"):
        checkpoints.locate(f"{server}/net.pth", md5=MD5)


def test_wrong_md5_leaves_nothing_behind(server, cache):
    with pytest.raises(WeightsError, match="damaged, or another version"):
        checkpoints.locate(f"{server}/net.pth", download=True, md5="0" * 32)
    assert files(cache) == []


def test_sha256_counts_where_both_hashes_are_known(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(CONTENT)
    assert checkpoints.locate(path, SHA, md5="0" * 32) == path
    with pytest.raises(WeightsError, match="has sha256"):
        checkpoints.locate(path, "0" * 64, md5=MD5)


def test_name_of_the_file_is_read_out_of_its_url(server, cache):
    url = f"{server}/Net_mAP%3D0.431.pth?download=1"
    path = checkpoints.locate(url, download=True, md5=MD5)
    assert path.name == "Net_mAP=0.431.pth"
    assert checkpoints.locate(f"{server}/a%2F..%2F..%2Fb.pth", SHA, True).parent.parent == cache


def test_nothing_is_fetched_unless_asked(server, cache):
    with pytest.raises(WeightsError, match="download=True") as caught:
        checkpoints.locate(f"{server}/net.onnx", SHA)
    message = str(caught.value)
    assert f"{server}/net.onnx" in message
    assert str(cache / SHA[:16] / "net.onnx") in message
    assert "curl -L -o" in message
    assert Handler.asked == []
    assert not cache.exists()


def test_command_in_the_message_works(server):
    with pytest.raises(WeightsError) as caught:
        checkpoints.locate(f"{server}/net.onnx", SHA)
    command = str(caught.value).split("by hand: ")[1]
    subprocess.run(command + " -s", shell=True, check=True)
    assert checkpoints.locate(f"{server}/net.onnx", SHA).read_bytes() == CONTENT


def test_offline_forbids_even_what_was_asked(server, cache, monkeypatch):
    monkeypatch.setenv("MIRKIT_OFFLINE", "1")
    with pytest.raises(WeightsError, match="MIRKIT_OFFLINE is set"):
        checkpoints.locate(f"{server}/net.onnx", SHA, download=True)
    assert Handler.asked == []


def test_offline_still_reads_the_cache(server, monkeypatch):
    path = checkpoints.locate(f"{server}/net.onnx", SHA, download=True)
    monkeypatch.setenv("MIRKIT_OFFLINE", "1")
    assert checkpoints.locate(f"{server}/net.onnx", SHA, download=True) == path


@pytest.mark.parametrize(
    ("name", "sha256", "reason"),
    [
        ("net.onnx", "0" * 64, "damaged, or another version"),
        ("broken.onnx", SHA, "broke off"),
        ("absent.onnx", SHA, "404"),
    ],
)
def test_failed_download_leaves_nothing_behind(server, cache, name, sha256, reason):
    with pytest.raises(WeightsError, match=reason):
        checkpoints.locate(f"{server}/{name}", sha256, download=True)
    assert files(cache) == []


def test_failed_download_keeps_what_was_there(server, tmp_path):
    target = tmp_path / "net.onnx"
    target.write_bytes(b"old")
    with pytest.raises(WeightsError):
        checkpoints.fetch(f"{server}/broken.onnx", SHA, target)
    assert target.read_bytes() == b"old"
    assert checkpoints.fetch(f"{server}/net.onnx", SHA, target).read_bytes() == CONTENT


def test_unreachable_server_is_named(cache):
    with pytest.raises(WeightsError, match=r"127\.0\.0\.1:9/net\.onnx.*failed"):
        checkpoints.locate("http://127.0.0.1:9/net.onnx", SHA, download=True)
    assert files(cache) == []


def test_damaged_cache_is_noticed(server):
    path = checkpoints.locate(f"{server}/net.onnx", SHA, download=True)
    path.write_bytes(b"cut")
    with pytest.raises(WeightsError, match="damaged"):
        checkpoints.locate(f"{server}/net.onnx", SHA)


def test_url_without_hash_is_refused(server):
    for url in (f"{server}/net.onnx", f"{server}/net.onnx#sha256=12", f"{server}/a#md5={SHA}"):
        with pytest.raises(WeightsError, match="without its hash"):
            checkpoints.locate(url, download=True)
    assert Handler.asked == []


def test_path_is_taken_as_it_is(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(CONTENT)
    assert checkpoints.locate(path) == checkpoints.locate(str(path), SHA) == path
    with pytest.raises(WeightsError, match="sha256"):
        checkpoints.locate(path, "0" * 64)
    with pytest.raises(WeightsError, match="absent"):
        checkpoints.locate(tmp_path / "absent.onnx")


def test_cache_follows_the_xdg_rule(monkeypatch, tmp_path):
    monkeypatch.delenv("MIRKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert checkpoints.cache_dir() == tmp_path / "mirkit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert checkpoints.cache_dir() == tmp_path / "home" / ".cache" / "mirkit"


def test_tensors_survive_the_file_with_their_metadata(tmp_path):
    torch = pytest.importorskip("torch")
    tensors = {"a": torch.randn(3, 2), "b.c": torch.arange(4), "view": torch.randn(4, 4).T}
    path = tmp_path / "net.safetensors"
    checkpoints.save_tensors(path, tensors, {"config": "{}"})
    loaded, metadata = checkpoints.load_tensors(path)
    assert metadata == {"config": "{}"}
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert files(tmp_path) == ["net.safetensors"]


def test_state_dict_of_torch_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.ones(2)}, tmp_path / "net.pt")
    loaded, metadata = checkpoints.load_tensors(tmp_path / "net.pt")
    assert torch.equal(loaded["a"], torch.ones(2))
    assert metadata == {}


def torch_module():
    import torch

    return torch.nn.Linear(2, 2)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('pickle ran')",)


def test_pickled_code_never_runs(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a": Bomb()}, tmp_path / "bomb.pt")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pt", "bare.pth"):
        with pytest.raises(WeightsError, match=name):
            checkpoints.load_tensors(tmp_path / name)


@pytest.mark.parametrize("home", ["numpy._core", "numpy.core"])
def test_arrays_of_numbers_may_stand_beside_the_tensors(tmp_path, home):
    """As in PANNs' Cnn14_16k, which was saved by an old NumPy with where its sampler was."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pth"
    with_sampler = {"sampler": {"at": np.arange(3), "seen": np.float64(0.5)}}
    torch.save({"model": {"w": torch.ones(2)}, **with_sampler}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part.replace(b"numpy._core", home.encode()))
    content = checkpoints.load_content(path)
    assert torch.equal(content["model"]["w"], torch.ones(2))
    assert content["sampler"]["at"].tolist() == [0, 1, 2]


def test_arrays_of_objects_may_not(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.ones(2), "x": np.array([print], object)}, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="pickled"):
        checkpoints.load_content(tmp_path / "net.pth")


REFUSED = {
    "a module": (torch_module, r"pickled code \(torch\.nn\.modules\.linear\.Linear\)"),
    "a module, old format": (torch_module, r"pickled code \(torch\.nn"),
    "settings": (lambda: {"args": argparse.Namespace(lr=1)}, r"\(argparse\.Namespace\)"),
    "a date": (lambda: {"when": datetime.datetime(2026, 1, 1)}, r"\(datetime\.datetime\)"),
    "a path": (lambda: {"file": PurePosixPath("x")}, r"pickled code \(pathlib"),
    "objects": (lambda: {"x": np.array([print], object)}, "pickled code"),
}


@pytest.mark.parametrize("kind", list(REFUSED))
def test_a_refused_pickle_gives_no_advice_to_run_it(tmp_path, kind):
    torch = pytest.importorskip("torch")
    make, message = REFUSED[kind]
    path = tmp_path / "net.pt"
    torch.save(make(), path, _use_new_zipfile_serialization="old" not in kind)
    for read in (checkpoints.load_content, checkpoints.load_tensors):
        with pytest.raises(WeightsError, match=message) as refused:
            read(path)
        assert_harmless(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"<html>404", "begins with b'<h'"),
        (pickle.dumps(Fraction(1, 2)), "pickled code"),
        (b"PK\x03\x04" + bytes(60), "damaged, or no file of torch"),
        (b"\x80\x02" + bytes(60), "damaged, or no file of torch|pickled code"),
    ],
)
def test_what_is_no_file_of_torch_is_called_damaged(tmp_path, content, message):
    pytest.importorskip("torch")
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=message) as refused:
        checkpoints.load_content(tmp_path / "net.pth")
    assert_harmless(refused.value)


def test_a_program_of_torch_is_refused_without_advice(tmp_path):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "net.pt")
        with pytest.raises(WeightsError, match="pickled code") as refused:
            checkpoints.load_content(tmp_path / "net.pt")
    assert_harmless(refused.value)


def assert_harmless(error):
    for word in ("weights_only", "safe_globals", "trust", "Re-running", "pickle_module"):
        assert word not in str(error)


def test_other_content_is_refused_by_name(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"epoch": 3}, tmp_path / "run.pt")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    (tmp_path / "net.pkl").write_bytes(b"")
    for name in ("run.pt", "cut.safetensors", "net.pkl", "absent.safetensors"):
        with pytest.raises(WeightsError, match=name):
            checkpoints.load_tensors(tmp_path / name)


def test_import_fetches_nothing_and_loads_no_torch():
    code = "import sys, mirkit.zoo.checkpoints; print({'torch', 'urllib.request'} & {*sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "net.onnx"
    checkpoints.write_whole(path, b"whole")
    with pytest.raises(TypeError):
        checkpoints.write_whole(path, "no bytes")
    assert path.read_bytes() == b"whole"
    assert files(tmp_path) == ["net.onnx"]
