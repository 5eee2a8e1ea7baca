import sqlite3
import threading

import numpy as np
import pytest

from mirkit.activations import Provenance
from mirkit.annotation import Beats, Key, Tags
from mirkit.batch import Failure
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.library import Library, LibraryError, Maker, Result
from mirkit.library.makers import makers

BEATS = Beats(np.arange(0.5, 20, 0.5), np.tile([1, 2, 3, 4], 10)[:39],
              provenance=Provenance("beat-tcn", "0.1", "ab" * 32))  # fmt: skip
MAKER = Maker("beats", "beat-tcn", "0.1", "ab" * 32)


def test_what_goes_in_comes_out_equal_with_its_origin(library):
    number = library.add_content("aa" * 32, title="One")
    library.store(number, MAKER, Result("beats", BEATS, 1.5))
    found = library.get(number, "beats")
    assert found == BEATS
    assert found.provenance == BEATS.provenance
    assert library.maker(number, "beats") == MAKER
    assert library.track(number).bpm == 120
    assert library.track(number).meter == 4
    assert library.track(number).status == "done"


def test_a_library_opened_again_holds_the_same(library):
    number = library.add_content("aa" * 32)
    library.store(number, MAKER, Result("beats", BEATS))
    library.close()
    with Library(library.path, read_only=True) as again:
        assert again.get(number, "beats") == BEATS
        with pytest.raises(LibraryError, match="readonly"):
            again.correct(number, "key", Key("A minor"))


def test_a_person_beats_a_model_before_and_after(library):
    number = library.add_content("aa" * 32)
    mine = Beats(np.arange(0.25, 20, 0.25))
    library.store(number, MAKER, Result("beats", BEATS))
    library.correct(number, "beats", mine)
    assert library.get(number, "beats") == mine
    library.store(number, Maker("beats", "better", "0.2"), Result("beats", BEATS))
    assert library.get(number, "beats") == mine
    assert library.track(number).bpm == 240
    library.uncorrect(number, "beats")
    assert library.maker(number, "beats").model == "better"
    assert library.track(number).bpm == 120


def test_a_failure_takes_the_place_of_no_result(library):
    number = library.add_content("aa" * 32)
    library.store(number, MAKER, Result("beats", BEATS))
    for maker in (MAKER, Maker("beats", "other")):
        library.store(number, maker, Result("beats", Failure("AudioError", "no")))
        assert library.get(number, "beats") == BEATS
    assert library.track(number).status == "done"


def test_failures_are_rows_with_reasons_and_go_when_it_works(library):
    number = library.add_content("aa" * 32)
    library.store(number, MAKER, Result("beats", Failure("AudioError", "it is damaged")))
    assert library.track(number).status == "failed"
    assert library.status().results == {"beats": (0, 1)}
    library.store(number, MAKER, Result("beats", BEATS))
    assert library.track(number).status == "done"
    assert library.status().results == {"beats": (1, 0)}


def test_counts_follow_what_is_there(library):
    for i in range(5):
        number = library.add_content(f"{i:064x}")
        if i < 3:
            library.store(number, MAKER, Result("beats", BEATS))
    status = library.status()
    assert status.n_tracks == 5
    assert status.tracks == {"new": 2, "done": 3}
    assert status.results["beats"] == (3, 0)


def test_tags_keep_their_scores(library):
    number = library.add_content("aa" * 32)
    library.store(
        number, Maker("tags", "tag-mn"), Result("tags", Tags(("Jazz", "Piano"), [0.2, 0.9]))
    )
    assert library.tags(number) == [("Piano", 0.9), ("Jazz", 0.2)]


def test_threads_share_a_library(library):
    numbers = [library.add_content(f"{i:064x}") for i in range(20)]
    errors = []

    def work(mine):
        try:
            for number in mine:
                library.store(number, MAKER, Result("beats", BEATS))
                assert library.get(number, "beats") == BEATS
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(numbers[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert library.status().tracks == {"new": 0, "done": 20}


def test_an_interrupted_write_leaves_nothing(library):
    number = library.add_content("aa" * 32)

    def interrupted():
        with library.database.write() as db:
            db.execute("update tracks set title = 'half'")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert library.track(number).title == ""


def test_a_backup_is_a_library_of_its_own(library, tmp_path):
    number = library.add_content("aa" * 32)
    library.store(number, MAKER, Result("beats", BEATS))
    with Library(library.back_up(tmp_path / "copy.db")) as copy:
        assert copy.get(number, "beats") == BEATS
        assert copy.problems() == []


def test_other_files_are_refused(tmp_path):
    text, other = tmp_path / "a.db", tmp_path / "b.db"
    text.write_text("this is no database at all, it is text of some length" * 10)
    with pytest.raises(FormatError, match="is no database"):
        Library(text)
    db = sqlite3.connect(other)
    db.execute("create table mine (x)")
    db.close()
    with pytest.raises(FormatError, match="no library of mirkit"):
        Library(other)
    with pytest.raises(FormatError, match="is not there"):
        Library(tmp_path / "none.db", read_only=True)
    with pytest.raises(LibraryError, match="is no folder"):
        Library(tmp_path / "no" / "none.db")


def test_a_newer_library_is_left_alone(library):
    with library.database.write() as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(FormatError, match="has schema 99"):
        Library(library.path)


def test_wrong_names_and_kinds_are_refused(library):
    number = library.add_content("aa" * 32)
    with pytest.raises(UnknownName, match="unknown task 'beat'"):
        library.get(number, "beat")
    with pytest.raises(ParameterError, match="key is corrected by Key"):
        library.correct(number, "key", BEATS)
    with pytest.raises(UnknownName, match="unknown track"):
        library.track("/not/there.mp3")
    with pytest.raises(UnknownName, match="unknown model"):
        makers(["beats"], {"beats": {"model": "no-such-model"}})


def test_makers_change_with_model_settings_and_needs():
    plain = makers(["sections"])
    other = makers(["sections"], {"beats": {"model": "tempogram"}})
    hinted = makers(["beats"], {"beats": {"hint_bpm": 120}})
    assert plain["sections"].fingerprint != other["sections"].fingerprint
    assert plain["beats"].fingerprint != hinted["beats"].fingerprint
    assert plain["beats"].fingerprint == makers(["beats"])["beats"].fingerprint
