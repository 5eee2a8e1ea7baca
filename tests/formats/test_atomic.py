"""Writers that are interrupted at any byte leave the old file or the new one."""

import os
import stat

import pytest

from mirkit.formats.atomic import edited_copy, replace_file

OLD, NEW = b"the old content", b"the new content, which is longer than the old"


class Interrupted(Exception):
    """The moment at which power fails."""


@pytest.fixture
def failing_at(monkeypatch):
    """Make the n-th step (a byte written, a sync, a rename) fail; return how to set n."""
    import pathlib

    left = [0]

    def step(function):
        def wrapped(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                raise Interrupted
            return function(*args, **kwargs)

        return wrapped

    real_open = pathlib.Path.open

    class ByteByByte:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, content):
            one = step(self.file.write)
            for i in range(len(content)):
                one(content[i : i + 1])
                self.file.flush()

    def opened(path, mode="r", *args, **kwargs):
        file = real_open(path, mode, *args, **kwargs)
        return ByteByByte(file) if set(mode) & {"x", "w", "+"} else file

    monkeypatch.setattr(pathlib.Path, "open", opened)
    monkeypatch.setattr(os, "fsync", step(os.fsync))
    monkeypatch.setattr(pathlib.Path, "replace", step(pathlib.Path.replace))

    def fail(n):
        left[0] = n

    return fail


def replaced(path):
    replace_file(path, NEW)


def edited(path):
    with edited_copy(path) as copy, copy.open("wb") as file:
        file.write(NEW)


@pytest.mark.parametrize("write", [replaced, edited])
def test_an_interrupted_writer_leaves_the_old_file_or_the_new_one(tmp_path, failing_at, write):
    path = tmp_path / "a.xml"
    outcomes = set()
    for n in range(1, len(NEW) + 6):
        failing_at(0)
        path.write_bytes(OLD)
        failing_at(n)
        try:
            write(path)
            finished = True
        except Interrupted:
            finished = False
        failing_at(0)
        found = path.read_bytes()
        assert found in (OLD, NEW)
        assert not finished or found == NEW
        assert [x.name for x in tmp_path.iterdir()] == ["a.xml"]
        outcomes.add((finished, found))
    assert outcomes == {(False, OLD), (False, NEW), (True, NEW)}  # the sync after the rename too


def test_a_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "a.xml", tmp_path / "b.xml"
    path.write_bytes(OLD)
    path.chmod(0o640)
    link.symlink_to(path)
    replace_file(link, NEW)
    assert link.is_symlink()
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("write", [replaced, edited])
def test_a_protected_file_is_left_alone_with_a_word_on_why(tmp_path, write):
    path = tmp_path / "a.xml"
    path.write_bytes(OLD)
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"a\.xml is read-only"):
        write(path)
    assert path.read_bytes() == OLD
    with pytest.raises(IsADirectoryError, match="is a folder"):
        replace_file(tmp_path, NEW)


def test_a_file_in_use_says_so(tmp_path, monkeypatch):
    import pathlib

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "a.xml"
    path.write_bytes(OLD)
    monkeypatch.setattr(pathlib.Path, "replace", refuse)
    with pytest.raises(PermissionError, match="Is another program using it"):
        replace_file(path, NEW)
    assert path.read_bytes() == OLD


def test_a_copy_that_is_not_finished_changes_nothing(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(OLD)

    def give_up():
        with edited_copy(path) as copy:
            assert copy.suffix == ".mp3"
            assert copy.read_bytes() == OLD
            copy.write_bytes(NEW)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        give_up()
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]
