import io
import tarfile

import pytest

from mirkit.rendering import archives


@pytest.mark.parametrize("has_filter", [True, False])
def test_archives_are_unpacked_into_their_folder(tmp_path, monkeypatch, has_filter):
    if not has_filter:  # as in Python before 3.11.4
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with tarfile.open(tmp_path / "some.tar", "w") as tar:
        tar.addfile(_member("pieces/a.txt", b"1"), io.BytesIO(b"1"))
    archives._unpack(tmp_path / "some.tar", tmp_path / "out" / "some")
    assert (tmp_path / "out" / "some" / "pieces" / "a.txt").read_bytes() == b"1"


def test_old_pythons_leave_out_what_lies_elsewhere(tmp_path, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(_member("../../escaped.txt", b"1"), io.BytesIO(b"1"))
        tar.addfile(_member("kept.txt", b"1"), io.BytesIO(b"1"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    archives._unpack(tmp_path / "bad.tar", tmp_path / "out" / "bad")
    assert [path.name for path in (tmp_path / "out" / "bad").iterdir()] == ["kept.txt"]
    assert not (tmp_path / "escaped.txt").exists()


def _member(name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member
