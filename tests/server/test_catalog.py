"""The library behind the service: searched, opened with what is known, corrected there too."""

import numpy as np
import pytest
import signals
import soundfile
from serving import serving

from mirkit.activations import Provenance
from mirkit.annotation import Beats, Key, Segments, Tags
from mirkit.library import Library, Maker, Result
from mirkit.tasks import ANALYZED

MODEL = Provenance("a model", "1")


def values(bpm, key):
    beats = Beats(np.arange(0.5, 9, 60 / bpm), positions=None, provenance=MODEL)
    chords = Segments([[0, 9]], ("C:maj",), kind="chord", provenance=MODEL)
    parts = Segments([[0, 9]], ("A",), kind="section", provenance=MODEL)
    made = (beats, beats.tempo, chords, Key(key, 0.9, MODEL), parts, Tags(("jazz",), [0.9], MODEL))
    return dict(zip(ANALYZED, made, strict=False))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A library of two tracks, and its service."""
    folder = tmp_path_factory.mktemp("shelf")
    for name, bpm in (("slow", 84), ("fast", 126)):
        audio = signals.click_track(bpm, n_beats=16, sample_rate=22050)
        soundfile.write(folder / f"{name}.wav", audio.samples.T, 22050)
    with Library(folder / "music.db") as library:
        library.add(folder)
        for row in library.tracks():
            slow = "slow" in row.path
            found = values(84 if slow else 126, "A minor" if slow else "C major")
            for task, value in found.items():
                library.store(row.id, Maker(task, "a model", "1"), Result(task, value))
    with serving(folder / "served", "--library", folder / "music.db") as running:
        running.database = folder / "music.db"
        yield running


def test_tracks_are_found_by_a_query_line(shelf):
    assert shelf.http.get("/v1/library").json()["tracks"] == 2
    found = shelf.http.get("/v1/search", params={"q": "bpm:=120-130"}).json()["rows"]
    assert [row["title"] for row in found] == ["fast"]
    found = shelf.http.get("/v1/search", params={"q": "key:8A"}).json()["rows"]
    assert [row["title"] for row in found] == ["slow"]
    assert len(shelf.http.get("/v1/search").json()["rows"]) == 2
    wrong = shelf.http.get("/v1/search", params={"q": "bpm:fast"})
    assert wrong.status_code == 422


def test_a_track_is_opened_with_what_is_known_and_corrected_there_too(shelf):
    (row,) = shelf.http.get("/v1/search", params={"q": "slow"}).json()["rows"]
    opened = shelf.http.post(f"/v1/library/{row['id']}/open").json()
    assert shelf.wait(opened["job"]["id"])["status"] == "done"
    track = shelf.http.get(f"/v1/tracks/{opened['track']}").json()
    assert track["library"] == row["id"]
    assert track["waveform"]
    assert track["bpm"] == pytest.approx(84)
    assert shelf.http.post(f"/v1/library/{row['id']}/open").json()["job"] is None
    url = f"/v1/tracks/{opened['track']}"
    assert shelf.http.patch(f"{url}/grid", json={"op": "double"}).status_code == 200
    with Library(shelf.database, read_only=True) as library:
        assert library.get(row["id"], "beats").bpm == pytest.approx(168)
        assert library.maker(row["id"], "beats").model == "human"
    assert shelf.http.post(f"{url}/undo").status_code == 200
    with Library(shelf.database, read_only=True) as library:
        assert library.get(row["id"], "beats").bpm == pytest.approx(84)
        assert library.maker(row["id"], "beats").model == "a model"


def test_what_is_not_in_the_library_is_not_found(shelf, service):
    assert shelf.http.post("/v1/library/999/open").status_code == 404
    assert shelf.http.get("/v1/library/999/similar").status_code == 404
    assert service.http.get("/v1/search").status_code == 409


@pytest.mark.host
def test_the_library_is_searched_on_the_page(shelf, browser):
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(shelf.url)
    page.locator("#rows button").nth(1).wait_for()
    page.fill("#query", "key:8B")
    page.keyboard.press("Enter")
    page.locator("#rows li:only-child").wait_for()
    page.locator("#rows button").click()
    page.locator("#title", has_text="fast").wait_for()
    assert page.locator("#bpm").text_content() == "126.00"
    assert page.locator("#similar").is_visible()
    page.close()
