import os
import shutil

import pytest

from mirkit.annotation import Key
from mirkit.errors import AudioError
from mirkit.library import Library, Maker, Result


def places(library):
    return sorted(path for row in library.tracks() for path in library.places(row.id))


def test_a_folder_is_found_with_copies_as_one_track(library, music):
    report = library.add(music)
    assert (report.n_new, report.n_copies, report.failed) == (3, 1, {})
    assert len(library) == 3
    fast = library.track(music / "b" / "fast.flac")
    assert library.places(fast.id) == [
        str(music / "b" / "copy.flac"),
        str(music / "b" / "fast.flac"),
    ]
    assert library.track(fast.content_hash) == fast
    again = library.add()
    assert (again.n_unchanged, again.n_new) == (4, 0)
    assert again.summary() == "4 unchanged"


def test_moved_and_renamed_files_keep_what_is_known(library, music):
    library.add(music)
    number = library.track(music / "a" / "slow.wav").id
    library.correct(number, "key", Key("A minor"))
    (music / "c").mkdir()
    (music / "a" / "slow.wav").rename(music / "c" / "renamed.wav")
    report = library.add()
    assert (report.n_moved, report.n_new, report.n_missing) == (1, 0, 0)
    moved = library.track(music / "c" / "renamed.wav")
    assert (moved.id, moved.key) == (number, "A minor")


def test_a_missing_file_is_marked_and_comes_back(library, music, tmp_path):
    library.add(music)
    path = music / "a" / "slow.wav"
    number = library.track(path).id
    shutil.move(path, tmp_path / "away.wav")
    assert library.add().n_missing == 1
    assert library.add().n_missing == 0  # it is told once
    assert number not in [row.id for row in library.tracks()]
    shutil.move(tmp_path / "away.wav", path)
    assert library.add().n_moved == 1
    assert number in [row.id for row in library.tracks()]


def test_a_drive_that_is_not_plugged_in_loses_nothing(library, music, tmp_path):
    library.add(music)
    music.rename(tmp_path / "unplugged")
    report = library.add()
    assert report.absent == (str(music),)
    assert report.n_missing == 0
    assert len(library.tracks()) == 3


def test_a_changed_file_is_another_track(library, music, clicks):
    library.add(music)
    before = library.track(music / "a" / "slow.wav")
    clicks(music / "a" / "slow.wav", 77)
    report = library.add()
    assert report.n_changed == 1
    after = library.track(music / "a" / "slow.wav")
    assert after.id != before.id
    assert after.content_hash != before.content_hash


def test_verify_sees_a_change_that_keeps_size_and_time(library, music):
    library.add(music)
    path = music / "a" / "slow.wav"
    known = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert library.add().n_changed == 0
    assert library.add(verify=True).n_changed == 1


def test_links_that_go_round_end(library, music):
    (music / "a" / "round").symlink_to(music, target_is_directory=True)
    (music / "a" / "dangling.wav").symlink_to(music / "nothing.wav")
    report = library.add(music)
    assert report.n_new == 3
    assert len(places(library)) == 4


def test_files_that_are_none_are_named(library, music):
    (music / "empty.wav").write_bytes(b"")
    os.mkfifo(music / "pipe.wav")
    report = library.add(music)
    assert set(report.failed) == {str(music / "empty.wav"), str(music / "pipe.wav")}
    reasons = {row.path: row.message for row in library.failures()}
    assert "is empty (0 bytes)" in reasons[str(music / "empty.wav")]
    assert "a pipe" in reasons[str(music / "pipe.wav")]
    assert library.status().files["unreadable"] == 2


def test_names_that_are_no_text_are_kept(library, music):
    path = os.fsencode(music) + b"/caf\xe9.wav"
    os.rename(os.fsencode(music / "a" / "slow.wav"), path)  # noqa: PTH104
    library.add(music)
    assert os.fsdecode(path) in places(library)
    row = library.track(os.fsdecode(path))
    assert library.add().n_unchanged == 4
    assert row.as_dict()["path"].endswith("caf�.wav")


def test_removing_a_folder_takes_its_tracks_but_not_copies_elsewhere(library, music):
    library.add(music)
    other = music.parent / "other"
    other.mkdir()
    shutil.copy(music / "b" / "fast.flac", other / "again.flac")
    library.add(other)
    assert library.remove(music) == 2
    assert places(library) == [str(other / "again.flac")]
    assert library.roots == [str(other)]
    assert library.status().n_files == 1


def test_what_is_gone_can_be_forgotten(library, music):
    library.add(music)
    (music / "a" / "slow.wav").unlink()
    library.add()
    assert library.forget_missing() == 1
    assert len(library) == 2


def test_a_path_that_is_not_there_is_named(library, tmp_path):
    with pytest.raises(AudioError, match="does not exist"):
        library.add(tmp_path / "nothing")


def test_two_thousand_unchanged_files_take_less_than_three_seconds(library, tmp_path):
    import time

    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(2000):
        (folder / f"{i}.wav").write_bytes(b"%d" % i)
    library.add(folder)
    start = time.process_time()
    assert library.add().n_unchanged == 2000
    assert time.process_time() - start < 3


def test_copies_are_listed_as_duplicates(library, music):
    library.add(music)
    fast = library.track(music / "b" / "fast.flac").id
    with library.database.write() as db:
        db.execute("update tracks set audio_hash = 'x'")
    library.store(fast, Maker("key", "m"), Result("key", Key("C major")))
    assert [[row.id for row in group] for group in library.duplicates()] == [[fast]]
    assert isinstance(library, Library)
