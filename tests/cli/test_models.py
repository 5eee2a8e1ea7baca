"""``mirkit models``: cards are listed, and weights fetched, verified, or said where to get."""

import hashlib
import os
from pathlib import Path

import pytest
from fileserver import CONTENT, Handler, serving

CARD = """
name = "{name}"
task = "tags"
summary = "counts claps"
entry = "claps.model:Counter"
sample_rate = 44100
labels = ["tags"]
license_code = "MIT"
license_weights = "{license}"
{weights}
"""


@pytest.fixture
def server():
    with serving() as address:
        yield address


@pytest.fixture
def run(mirkit_cli, tmp_path, server):
    """Run the command line where another package has added models with weights on `server`."""
    folder = tmp_path / "claps"
    folder.mkdir()
    (folder / "__init__.py").touch()
    info = tmp_path / "claps-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: claps\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mirkit.models]\nclaps = claps\n")
    md5 = hashlib.md5(CONTENT).hexdigest()
    for name, license, weights in (
        ("by-hash", "MIT", f'weights = "{server}/net.pth"\nmd5 = "{md5}"\nsize = {len(CONTENT)}'),
        ("forged", "MIT", f'weights = "{server}/net.pth"\nsha256 = "{"0" * 64}"'),
        ("by-hand", "MIT", 'obtain = "Get net.pt from the page of its authors."\nsize = 19708753'),
        ("bare", "none", ""),
    ):
        text = CARD.format(name=name, license=license, weights=weights)
        (folder / f"{name}.toml").write_text(text)
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env.get("PYTHONPATH", "")])
    env["MIRKIT_CACHE"] = str(tmp_path / "cache")
    env.pop("MIRKIT_OFFLINE", None)
    return lambda *args, **extra: mirkit_cli("models", *args, env=env | extra)


def test_download_fetches_verifies_and_prints_where(run, tmp_path):
    result = run("download", "by-hash")
    assert result.status == 0
    path = result.out.strip()
    assert path.startswith(str(tmp_path / "cache"))
    assert Path(path).read_bytes() == CONTENT
    assert "2.3 MB" in result.err
    assert run("download", "by-hash", "--json").objects() == [
        {"schema": 2, "model": "by-hash", "path": path}
    ]
    assert Handler.asked == ["/net.pth"]


def test_what_cannot_be_fetched_is_named_and_the_rest_is(run, tmp_path):
    result = run("download", "forged", "by-hand", "bare", "nosuch", "by-hash", "--json")
    assert result.status == 1
    rows = {row["model"]: row for row in result.objects()}
    assert "damaged, or another version" in rows["forged"]["error"]["message"]
    assert "from the page of its authors" in rows["by-hand"]["error"]["message"]
    assert "nothing to download" in rows["bare"]["error"]["message"]
    assert rows["nosuch"]["error"]["type"] == "UnknownName"
    assert "path" in rows["by-hash"]
    assert result.err.count("mirkit: forged: ") == 1
    assert "None" not in result.err
    assert [path.name for path in (tmp_path / "cache").rglob("*.*")] == ["net.pth"]


def test_offline_nothing_is_fetched_and_the_message_says_how_to(run, server, tmp_path):
    result = run("download", "by-hash", MIRKIT_OFFLINE="1")
    assert result.status == 1
    assert "MIRKIT_OFFLINE is set" in result.err
    assert f"{server}/net.pth" in result.err
    assert f"curl -L -o '{tmp_path / 'cache'}" in result.err
    assert Handler.asked == []
    assert run("download", "by-hash").status == 0
    assert run("download", "by-hash", MIRKIT_OFFLINE="1").status == 0  # it is there


@pytest.mark.parametrize("name", ["mn10", "mn40-ext", "passt-s-kd", "beats-iter3", "vggish"])
def test_what_is_got_by_hand_is_told_without_a_size_of_nothing(mirkit_cli, name):
    result = mirkit_cli("models", "download", name)
    assert result.status == 1
    assert result.out == ""
    (line,) = result.err.splitlines()
    assert line.startswith(f"mirkit: {name}: the weights of '{name}' cannot be fetched for you: ")
    assert "None" not in line


def test_shipped_weights_are_where_they_were_installed(mirkit_cli):
    assert mirkit_cli("models", "download", "beat-tcn").out.strip().endswith("beat-tcn.onnx")


@pytest.mark.parametrize("args", [("download",), ("beat*", "chord*")])
def test_wrong_usage_is_told_apart(mirkit_cli, args):
    assert mirkit_cli("models", *args).status == 2
