"""What a library knows reaches DJ programs once, waits for them, and respects what was changed."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from djtracks import make_library
from libraries import FAST

from mirkit.annotation import Beats, Key
from mirkit.decoding.grid import BeatGrid
from mirkit.errors import UnknownName
from mirkit.formats.dj import Collection, mixxx, read_collection
from mirkit.library.delivery import deliver, watch


@pytest.fixture
def analyzed(library, tmp_path, clicks):
    """A library of two click tracks, a database of Mixxx that knows one of them."""
    places = [clicks(tmp_path / f"{name}.wav", bpm) for name, bpm in (("a", 120), ("b", 100))]
    library.add(*places)
    library.analyze(["beats"], settings=FAST)
    library.correct(library.track(places[0]).id, "key", Key("A minor"))
    path = tmp_path / "mixxxdb.sqlite"
    make_library(path, places[:1], library.track(places[0]).duration)
    return library, places, path


def test_mixxx_gets_grid_and_key_once_and_new_ones_later(analyzed):
    library, places, path = analyzed
    report = deliver(library, "mixxx", path)
    assert report.n_done == 1
    assert "let it scan" in report.left[str(places[1])]
    track = mixxx.load(path).track(str(places[0]))
    assert track.tempo == pytest.approx(120, abs=0.5)
    assert track.key == "A minor"
    again = deliver(library, "mixxx", path)
    assert (again.n_done, again.left) == (0, {})
    with closing(sqlite3.connect(path)) as database, database:  # Mixxx has scanned
        database.execute("insert into track_locations values (2, ?, 99)", (str(places[1]),))
        database.execute(
            "insert into library (id, location, title, duration, samplerate, bitrate)"
            " values (2, 2, 'b', ?, 22050, 320)", (library.track(places[1]).duration,),
        )  # fmt: skip
    said = []
    watch(library, "mixxx", path, n_passes=1, tell=said.append, tasks=["beats"], settings=FAST)
    assert said == ["1 delivered"]
    assert mixxx.load(path).track(str(places[1])).tempo == pytest.approx(100, abs=0.5)


def test_an_open_mixxx_is_waited_for(analyzed):
    library, places, path = analyzed
    code = "import sys; f = open(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        process.stdout.readline()
        report = deliver(library, "mixxx", path)
        assert "is in use by" in report.waiting
        assert report.summary().startswith("waiting: ")
        assert mixxx.load(path).track(str(places[0])).grid is None
        process.communicate()
    assert deliver(library, "mixxx", path).n_done == 1


def test_grids_that_are_locked_or_changed_there_are_left_alone(analyzed):
    library, places, path = analyzed
    number = library.track(places[0]).id
    deliver(library, "mixxx", path)
    delivered = mixxx.load(path).track(str(places[0]))
    mine = BeatGrid([0.3], [121.0], delivered.grid.end)
    mixxx.update(Collection([replace(delivered, grid=mine)]), path)
    changed = mixxx.load(path).track(str(places[0])).grid
    library.correct(number, "beats", Beats(np.arange(0.2, 5, 0.4)))
    report = deliver(library, "mixxx", path)
    assert report.left == {str(places[0]): "its grid was changed there since it was delivered"}
    assert mixxx.load(path).track(str(places[0])).grid == changed
    mixxx.update(Collection([delivered]), path, lock=True)
    library.correct(number, "beats", Beats(np.arange(0.3, 5, 0.4)))
    assert "locked in Mixxx" in deliver(library, "mixxx", path).left[str(places[0])]


def test_a_file_of_rekordbox_grows_with_the_library(analyzed, tmp_path, clicks):
    library, places, _ = analyzed
    path = tmp_path / "rekordbox.xml"
    assert deliver(library, "rekordbox", path).n_done == 2
    places.append(clicks(tmp_path / "c.wav", 90))
    library.add(places[2])
    said = []
    watch(library, "rekordbox", path, n_passes=1, tell=said.append, tasks=["beats"], settings=FAST)
    assert said[0].endswith("; 1 delivered")
    found = {track.location: track.tempo for track in read_collection(path).tracks}
    assert found[str(places[2])] == pytest.approx(90, abs=0.5)
    assert len(found) == 3
    with pytest.raises(UnknownName, match="unknown DJ format"):
        deliver(library, "winamp", path)
