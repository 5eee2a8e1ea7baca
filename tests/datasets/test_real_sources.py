from collections import Counter
from pathlib import Path

import pytest

from mirkit.datasets.real import read_test
from mirkit.datasets.real_sources import RealSources, may_train
from mirkit.datasets.tag_sources import OWN_NAMES

MANIFESTS = Path(__file__).parents[2] / "data" / "manifests"


@pytest.fixture(scope="module")
def sources(data_dir):
    return RealSources(data_dir, MANIFESTS / "real-test.csv")


@pytest.fixture(scope="module")
def rows(sources):
    return sources.rows()


@pytest.mark.parametrize(
    "licence", ["CC0", "CC BY 3.0", "CC-BY", "MIT", "BSD-3-Clause", "Public Domain (FreePD)"]
)
def test_open_licences_may_train(licence):
    assert may_train(licence)


@pytest.mark.parametrize(
    "licence",
    ["CC BY-SA 3.0", "ODbL 1.0 / DbCL 1.0", "CC BY-NC 3.0", "CC BY-ND 4.0", "CC-Sampling+", ""],
)
def test_closed_licences_may_not(licence):
    assert not may_train(licence)


def test_nothing_held_out_and_nothing_shared_alike_trains(sources, rows):
    tested = {sources.recording_of[path] for path in read_test(sources.held_out)}
    for row in rows:
        assert sources.recording_of.get(row["place"]) not in tested, row["place"]
        assert may_train(row["licence"]), row


def test_a_recording_is_on_one_side_with_all_of_its_files(sources, rows):
    sides = {}
    for row in rows:
        name = sources.recording_of.get(row["place"], row["source"])
        sides.setdefault(name, set()).add(row["split"])
    assert all(len(each) == 1 for each in sides.values())
    counts = Counter(row["split"] for row in rows)
    assert 0.05 < counts["val"] / len(rows) < 0.2


def test_recordings_of_esc10_are_marked_in_every_folder(rows):
    marked = Counter(row["place"].split("/")[0] for row in rows if row["in_esc10"])
    assert marked["esc10"] == 398
    assert marked["sounds"] > 0


def test_labels_come_with_what_they_are_kinds_of(sources):
    assert sources.expand(["Bark"]) >= {"Bark", "Dog", "Animal"}
    assert "Bark" in sources.kinds(["Animal"])


def test_what_nobody_listened_for_is_not_known(sources, rows):
    barks = next(
        row for row in rows if "Dog" in row["labels"] and row["place"].startswith("sounds")
    )
    assert not {"Wind", "Speech"} & (set(barks["known"]) - set(barks["labels"]))
    assert {"Piano", "Chainsaw", *OWN_NAMES} <= set(barks["known"])
    music = next(row for row in rows if row["place"].startswith("music"))
    assert "Chainsaw" in music["known"]
    assert "Piano" not in set(music["known"]) - set(music["labels"])
