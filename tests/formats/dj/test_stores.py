"""What lives in recordings and databases, by one table and on the command line."""

import json

import pytest
import soundfile
from djtracks import make_engine_library, make_library

from mirkit.annotation import Beats
from mirkit.cli import main
from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.formats import save
from mirkit.formats.dj import (
    DJ_STORES,
    Collection,
    Cue,
    DJTrack,
    losses,
    read_collection,
    store_collection,
)  # fmt: skip

pytest.importorskip("mutagen")

GRID = BeatGrid([0.25, 60.25], [128.0, 120.0], 120.0, [1, 1], [4, 4])
FULL = DJTrack(
    "/music/a.mp3", "T", duration=120.0, key="Am", rating=3, grid=GRID,
    cues=(Cue(0.25, number=0, name="in", color=(1, 2, 3)), Cue(9, kind="load")),
)  # fmt: skip


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A recording, what is known of its beats, and a library that knows it."""
    folder = tmp_path_factory.mktemp("music")
    (folder / "known").mkdir()
    soundfile.write(folder / "x.flac", [0.0] * 44100 * 9, 44100)
    save(Beats([0.5 * i + 0.25 for i in range(17)]), folder / "known" / "x.beats")
    make_library(folder / "mixxxdb.sqlite", [folder / "x.flac"], 9.0)
    make_engine_library(folder / "m.db", [folder / "x.flac"], duration=9.0)
    return folder


def exported(music, capsys, name, *more):
    status = main(["export", name, str(music / "x.flac"), "--annotations", str(music / "known"),
                   "-j", "1", "--json", *map(str, more)])  # fmt: skip
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", DJ_STORES)
def test_grids_go_out_and_come_back(music, capsys, name):
    out = [] if name == "serato" else ["-o", music]
    status, (row,) = exported(music, capsys, name, "--lock", *out)
    assert status == 0
    assert row["bpm"] == 120
    assert row["deviation_ms"] <= 1000 * DJ_STORES[name].bound
    status, (row,) = exported(music, capsys, name, *out)
    assert status == 1
    assert "locked" in row["error"]["message"]
    assert exported(music, capsys, name, "--force", *out)[0] == 0
    place = music / (DJ_STORES[name].file or "x.flac")
    assert read_collection(place, name).tracks[0].grid.bpm == 120
    assert main(["import", name, str(place), "-o", str(music / name), "--to", "beats"]) == 0
    assert (music / name / "x.beats").exists()


def test_a_database_is_known_by_what_it_says(music, tmp_path):
    for name in ("mixxxdb.sqlite", "m.db"):
        assert read_collection(music / name).tracks[0].title == "x"
    other = tmp_path / "x"
    other.write_bytes(b"SQLite format 3\0" + bytes(99))
    with pytest.raises(FormatError, match="Mixxx"):
        read_collection(other)


@pytest.mark.parametrize(
    ("name", "fields"), [("serato", ("title", "key", "rating", "cues")),
                         ("mixxx", ("title", "rating")), ("engine", ("title", "rating", "cues"))],
)  # fmt: skip
def test_losses_are_named(name, fields):
    (loss,) = losses(Collection([FULL]), name)
    assert tuple(x for x in loss.fields if x != "bars") == fields
    assert loss.deviation <= DJ_STORES[name].bound


def test_what_a_store_cannot_write_is_told(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"no music")
    track = DJTrack(str(tmp_path / "a.mp3"), grid=GRID)
    left = store_collection(Collection([track]), "serato")
    assert list(left) == [track.location]
    with pytest.raises(ParameterError, match="is a database"):
        store_collection(Collection(), "mixxx")
    with pytest.raises(UnknownName, match="mixx"):
        store_collection(Collection(), "mixx")
