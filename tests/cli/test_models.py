"""``mirkit models``: cards are listed, and weights fetched, verified, or said where to get."""

import hashlib
import os
from pathlib import Path

import published
import pytest
from fileserver import CONTENT, Handler, serving

CARD = """
name = "{name}"
task = "tags"
summary = "counts clap_towers"
entry = "clap_towers.model:Counter"
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
    folder = tmp_path / "clap_towers"
    folder.mkdir()
    (folder / "__init__.py").touch()
    info = tmp_path / "clap_towers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clap_towers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mirkit.models]\nclaps = clap_towers\n")
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


@pytest.fixture
def offline(tmp_path):
    """An environment with an empty cache, in which nothing is fetched."""
    return {**os.environ, "MIRKIT_CACHE": str(tmp_path / "cache"), "MIRKIT_OFFLINE": "1"}


def test_what_lies_in_a_wheel_is_told_where_it_cannot_be_fetched(mirkit_cli, offline):
    result = mirkit_cli("models", "download", "crema", env=offline)
    assert result.status == 1
    assert "MIRKIT_OFFLINE is set" in result.err
    assert "pip download --no-deps --only-binary=:all:" in result.err
    assert "crema==0.2.0" in result.err


def test_a_file_at_hand_is_converted_and_kept(mirkit_cli, offline, data_dir):
    given = published.at_hand("yamnet")
    result = mirkit_cli("models", "download", "yamnet", "--weights", given, env=offline)
    path = Path(result.out.strip())
    assert (result.status, path.name) == (0, "yamnet-1.onnx")
    assert path.is_relative_to(offline["MIRKIT_CACHE"])
    assert mirkit_cli("models", "download", "yamnet", env=offline).out.strip() == str(path)
    copy = path.rename(path.with_name("copy.onnx"))
    result = mirkit_cli("models", "download", "yamnet", "--weights", copy, env=offline)
    assert result.out.strip() == str(path)
    wrong = mirkit_cli("models", "download", "s-key", "--weights", given, env=offline)
    assert wrong.status == 1
    assert "another version" in wrong.err


def test_the_table_says_what_is_usable_and_what_to_run(mirkit_cli, offline, data_dir):
    table = mirkit_cli("models", env=offline).out.splitlines()
    header = table[0]
    rows = {line.split()[0]: line for line in table[1:] if line}
    assert rows["tempogram"].endswith("  yes")
    assert rows["beat-tcn"].endswith("  yes")
    assert rows["cnn14"].endswith("  mirkit models download cnn14")
    assert rows["mn10"].endswith("  give --weights FILE")
    for word in ("beats", "CC-BY-4.0", "9.2 MB", "Ballroom", "mirkit models download beatnet-1"):
        assert word in rows["beatnet-1"]
    for title, cell in (("TASK", "key"), ("WEIGHTS", "MIT"), ("SIZE", "0.8 MB")):
        assert rows["s-key"][header.index(title) :].startswith(cell)


def test_one_model_is_told_in_full_and_json_says_the_same(mirkit_cli, offline, data_dir):
    told = mirkit_cli("models", "crema", env=offline).out
    for words in ("Structured training", "44100 Hz", "BSD-2-Clause (weights)", "Isophonics"):
        assert words in told
    (row,) = mirkit_cli("models", "crema", "--json", env=offline).objects()
    assert (row["usable"], row["command"]) == (False, "mirkit models download crema")
    mirkit_cli(
        "models", "download", "yamnet", "--weights", published.at_hand("yamnet"), env=offline
    )
    (row,) = mirkit_cli("models", "yamnet", "--json", env=offline).objects()
    assert (row["usable"], row["command"], row["size"]) == (True, None, 3959752)


def test_advice_of_other_commands_exists(mirkit_cli, offline, demo):
    """What a command says to run where weights are not there is a command that runs."""
    for command, model in (("tags", "cnn14"), ("chords", "crema"), ("beats", "beatnet-1")):
        result = mirkit_cli(command, demo, "--model", model, env=offline)
        assert result.status != 0
        assert f"Run: mirkit models download {model}" in result.err
    by_hand = mirkit_cli("tags", demo, "--model", "mn10", env=offline).err
    assert "--weights FILE" in by_hand
    assert "--weights" in mirkit_cli("tags", "--help").out


def test_shipped_weights_are_where_they_were_installed(mirkit_cli):
    assert mirkit_cli("models", "download", "beat-tcn").out.strip().endswith("beat-tcn.onnx")


@pytest.mark.parametrize(
    "args",
    [("download",), ("beat*", "chord*"), ("beat*", "--weights", "x.pt"),
     ("download", "crema", "s-key", "--weights", "x.pt")],
)  # fmt: skip
def test_wrong_usage_is_told_apart(mirkit_cli, args):
    assert mirkit_cli("models", *args).status == 2
