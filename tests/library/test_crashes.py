"""What kills, full disks and cut files cost: the files in hand, and never the library."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import libraries
import pytest
from libraries import FAST, table

from mirkit.library import Library, LibraryError

TASKS = ["beats", "loudness"]


@pytest.fixture
def many(tmp_path, clicks):
    """A folder of twelve recordings and two broken files."""
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(12):
        clicks(folder / f"{i}.wav", 90 + 4 * i, n_beats=8, seed=i)
    (folder / "text.mp3").write_bytes(b"this is no music")
    (folder / "cut.flac").write_bytes(b"fLaC" + bytes(50))
    return folder


@pytest.fixture
def undisturbed(tmp_path, many):
    with Library(tmp_path / "plain.db") as library:
        library.add(many)
        library.analyze(TASKS, settings=FAST)
        return table(library)


def start(path, folder, n_jobs=1):
    code = [sys.executable, libraries.__file__, str(path), str(folder), str(n_jobs)]
    return subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_results(path, n, process):
    """Wait until a library holds some results."""
    for _ in range(2000):
        if process.poll() is not None:
            return
        if Path(path).exists() and Path(path).stat().st_size:
            with Library(path, read_only=True) as library:
                try:
                    if sum(map(sum, library.status().results.values())) >= n:
                        return
                except LibraryError:  # its tables are being made
                    pass
        time.sleep(0.01)


def finish(path, folder):
    with Library(path) as library:
        library.add(folder)
        report = library.analyze(TASKS, settings=FAST)
        assert library.problems() == []
        assert library.plan(TASKS, settings=FAST).n_tracks == 0
        return table(library), report


def test_kills_cost_the_files_in_hand_only(tmp_path, many, undisturbed):
    path, rng = tmp_path / "music.db", random.Random(3)
    for n in (1, 8, 16):
        process = start(path, many, n_jobs=1 + n % 2)
        wait_for_results(path, n, process)
        time.sleep(rng.random() * 0.05)
        process.kill()
        process.communicate()
    found, report = finish(path, many)
    assert found == undisturbed
    assert 0 < report.n_done < 12


def test_a_cut_wal_is_a_library_still(tmp_path, many, undisturbed):
    path, copy = tmp_path / "music.db", tmp_path / "copy" / "music.db"
    library = Library(path)
    library.add(many)
    library.analyze(TASKS, settings=FAST)
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    library.close()
    wal = Path(f"{copy}-wal")
    assert wal.stat().st_size > 100_000
    os.truncate(wal, wal.stat().st_size * 2 // 3 + 17)
    found, _ = finish(copy, many)
    assert found == undisturbed


def test_a_full_disk_is_told_and_costs_nothing_that_is_stored(tmp_path, many, undisturbed):
    path = tmp_path / "music.db"
    with Library(path) as library:
        library.add(many)
        pages = library.database.value("pragma page_count")
        library.database.value(f"pragma max_page_count = {pages + 2}")
        with pytest.raises(LibraryError, match="the disk is full; what was stored is kept"):
            library.analyze(TASKS, settings=FAST)
        n_kept = library.status().results["beats"]
    found, report = finish(path, many)
    assert found == undisturbed
    assert 0 < sum(n_kept) < 14
    assert report.n_done + report.n_failed == 14 - sum(n_kept)


def test_two_processes_share_the_work_and_do_none_twice(tmp_path, many, undisturbed):
    path = tmp_path / "music.db"
    with Library(path) as library:
        library.add(many)
    counts = []
    processes = [start(path, many) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        counts += [int(text) for text in out.split()]
    assert sum(counts) == 14
    assert finish(path, many)[0] == undisturbed


def test_an_interrupt_keeps_what_is_done(tmp_path, many, undisturbed):
    path = tmp_path / "music.db"
    process = start(path, many, n_jobs=2)
    wait_for_results(path, 4, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    n_done = sum(map(int, out.split()))
    with Library(path) as library:
        assert library.database.value("select count(*) from claims") == 0
        assert library.plan(TASKS, settings=FAST).n_tracks == 14 - n_done
    assert finish(path, many)[0] == undisturbed
