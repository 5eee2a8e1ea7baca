"""The page in a real browser: upload, look, play, correct by keys and by dragging, export."""

import os
import re
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest
from pyrekordbox.rbxml import RekordboxXml
from serving import DEMO, serving

pytestmark = pytest.mark.host

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
SHOTS = os.environ.get("MIRKIT_SCREENSHOTS")
"""Where screenshots for the docs go, or None."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture(scope="module")
def track(served):
    return served.analyzed("demo.ogg", DEMO.read_bytes())


@pytest.fixture
def page(browser, served, request):
    """A page that fails its test where it logs an error, or asks anybody else for anything."""
    made = browser.new_page(viewport={"width": 1360, "height": 960})
    made.set_default_timeout(60_000)
    problems = []
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    made.on("request", lambda r: None if r.url.startswith(served.url) or r.url.startswith("blob:")
            else problems.append(r.url))  # fmt: skip
    yield made
    made.close()
    assert problems == []


@pytest.fixture
def opened(page, served, track):
    """The page with the demo track, without corrections."""
    while served.http.post(f"/v1/tracks/{track}/undo").status_code == 200:
        pass
    page.goto(f"{served.url}/#{track}")
    page.wait_for_selector("#track:not([hidden])")
    return page


def beats_of(page):
    return np.array(page.evaluate("mirkit.state.track.beats"))


def said(page, text):
    page.get_by_role("status").get_by_text(re.compile(text)).wait_for()


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"page-{name}.png")


def test_a_song_is_uploaded_seen_corrected_and_exported(page, served, data_dir, tmp_path):
    page.goto(served.url)
    page.set_input_files("#files", data_dir / "songs" / "vibe_ace.ogg")
    page.wait_for_selector("#track:not([hidden])", timeout=400_000)
    found = beats_of(page)
    assert len(found) > 50
    page.locator("#wave").focus()
    page.keyboard.press("h")
    said(page, "Half the tempo")
    halved = beats_of(page)
    assert len(halved) == pytest.approx(len(found) / 2, abs=2)
    page.keyboard.press("o")
    said(page, "One tempo")
    page.fill("#tempo", "101.5")
    page.keyboard.press("Enter")
    said(page, "101.5 bpm")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="rekordbox").click()
    waiting.value.save_as(tmp_path / "r.xml")
    (row,) = RekordboxXml(tmp_path / "r.xml").get_tracks()
    assert [tempo["Bpm"] for tempo in row.tempos] == [101.5]
    first = row.tempos[0]["Inizio"]
    assert np.abs(beats_of(page) - first).min() < 0.002
    page.reload()
    page.wait_for_selector("#track:not([hidden])")
    assert np.diff(beats_of(page))[5] == pytest.approx(60 / 101.5)
    for _ in range(3):
        page.keyboard.press("Control+z")
        said(page, "Undone")
        page.wait_for_timeout(150)
    assert beats_of(page) == pytest.approx(found)


def test_the_grid_is_dragged(opened):
    before = beats_of(opened)
    box = opened.locator("#wave").bounding_box()
    x = opened.evaluate("mirkit.timeline.xOf(mirkit.state.track.beats[4])")
    scale = opened.evaluate("mirkit.timeline.scale")
    opened.mouse.move(box["x"] + x, box["y"] + 12)
    opened.mouse.down()
    opened.mouse.move(box["x"] + x + 20, box["y"] + 14, steps=4)
    opened.mouse.up()
    said(opened, "Grid moved by")
    assert beats_of(opened) - before == pytest.approx(20 / scale, abs=1.5 / scale)
    opened.keyboard.press("Control+z")
    said(opened, "Undone")
    assert beats_of(opened) == pytest.approx(before)


def test_what_lies_before_is_kept_when_the_rest_is_dragged(opened):
    before = beats_of(opened)
    box = opened.locator("#wave").bounding_box()
    x = opened.evaluate("mirkit.timeline.xOf(mirkit.state.track.beats[6])")
    opened.keyboard.down("Shift")
    opened.mouse.move(box["x"] + x, box["y"] + 12)
    opened.mouse.down()
    opened.mouse.move(box["x"] + x + 8, box["y"] + 12, steps=3)
    opened.mouse.up()
    opened.keyboard.up("Shift")
    said(opened, "Adjusted from here")
    after = beats_of(opened)
    assert after[:6] == pytest.approx(before[:6])
    assert after[6] > before[6] + 0.02


SAMPLE = """async () => {
  const { timeline, player } = mirkit;
  await player.toggle();
  const found = [];
  for (let i = 0; i < 25; i++) {
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const now = player.audio.currentTime;
    const canvas = timeline.cursor;
    const row = canvas.getContext("2d").getImageData(0, canvas.height - 5, canvas.width, 1).data;
    const dark = [...Array(canvas.width).keys()].filter((x) => row[4 * x + 3] > 60);
    const middle = dark.reduce((a, b) => a + b, 0) / dark.length + 0.5;
    found.push([timeline.timeAt((middle * canvas.clientWidth) / canvas.width), now]);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await player.toggle();
  return found;
}"""


def test_the_cursor_stands_where_the_sound_is(opened):
    drawn, heard = np.array(opened.evaluate(SAMPLE)).T
    assert heard[-1] > heard[0], "it did not play"
    assert np.abs(drawn - heard).max() < 0.03
    chord = opened.locator("#chord").text_content()
    body = opened.evaluate("mirkit.state.track.chords")
    time = opened.evaluate("mirkit.player.time")
    label = next(c["label"] for c in reversed(body) if c["start"] <= time)
    assert chord == ("" if label == "N" else chord)
    assert opened.locator("#bar").text_content()


CLICKED = """async () => {
  const { player } = mirkit;
  const found = [];
  player.clicks = true;
  player.seek(5);
  player.context ??= new AudioContext();
  const plain = player.sound.bind(player);
  player.sound = (at, accented) => {
    found.push(player.time + (at - player.context.currentTime) * player.audio.playbackRate);
    plain(at, accented);
  };
  await player.toggle();
  for (let i = 0; i < 60 && found.length < 4; i++) await new Promise((r) => setTimeout(r, 100));
  await player.toggle();
  return found;
}"""


def test_clicks_are_scheduled_on_the_beats(opened):
    clicks = np.array(opened.evaluate(CLICKED))
    assert len(clicks) >= 4
    beats = beats_of(opened)
    assert np.abs(clicks[:, None] - beats).min(1).max() < 0.02


def test_labels_are_changed_and_stay(opened, served, track):
    opened.locator("[data-chord='1']").click()
    opened.locator("#ask-input").fill("D:min7")
    opened.locator("#ask-ok").click()
    said(opened, "Kept")
    assert opened.locator("[data-chord='1']").text_content().startswith("Dm7")
    opened.locator("#key").click()
    opened.locator("#ask-input").fill("8A")
    opened.locator("#ask-ok").click()
    opened.get_by_text("A minor (8A)").wait_for()
    opened.reload()
    opened.wait_for_selector("#track:not([hidden])")
    assert opened.locator("[data-chord='1']").text_content().startswith("Dm7")
    body = served.http.get(f"/v1/tracks/{track}/chords").json()
    assert body["source"] == "human"


def test_the_page_is_used_without_a_mouse(opened):
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(30):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate("document.activeElement.id"))
    assert {"add", "filter", "key", "wave", "play"} <= reached
    opened.locator("#wave").focus()
    before = opened.locator("#wave").get_attribute("aria-valuetext")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    opened.wait_for_timeout(200)
    assert opened.locator("#wave").get_attribute("aria-valuetext") != before
    opened.keyboard.press("?")
    assert opened.locator("#help").is_visible()
    opened.locator("#letters").uncheck()
    opened.keyboard.press("Escape")
    beats = beats_of(opened)
    opened.locator("#wave").focus()
    opened.keyboard.press("h")
    opened.wait_for_timeout(300)
    assert np.array_equal(beats_of(opened), beats), "letters are no keys any more"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_there_is_nothing_serious_that_axe_finds(browser, served, track, theme):
    context = browser.new_context(viewport={"width": 1360, "height": 960}, color_scheme=theme)
    context.add_init_script(path=AXE)
    made = context.new_page()
    for url in (f"{served.url}/", f"{served.url}/#{track}", f"{served.url}/docs"):
        made.goto("about:blank")
        made.goto(url)
        made.wait_for_timeout(800)
        found = made.evaluate("axe.run()")["violations"]
        serious = [x["id"] + ": " + x["nodes"][0]["html"][:200] for x in found
                   if x["impact"] in ("serious", "critical")]  # fmt: skip
        assert serious == [], url
        if f"#{track}" in url:
            made.evaluate("mirkit.timeline.zoom(1.5, 0)")
            made.wait_for_timeout(300)
            shot(made, theme)
    context.close()


def test_nothing_sticks_out_of_a_small_screen(opened):
    opened.set_viewport_size({"width": 380, "height": 800})
    opened.wait_for_timeout(300)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 380
    shot(opened, "small")


def test_a_damaged_file_says_so(page, served, tmp_path):
    (tmp_path / "broken.mp3").write_bytes(b"this is no music" * 100)
    page.goto(served.url)
    page.set_input_files("#files", tmp_path / "broken.mp3")
    said(page, "broken.mp3.*(audio|recording|MP3|decod)")


def test_a_token_lets_the_page_in(browser, tmp_path):
    with serving(tmp_path, "--token", "let me in") as service:
        made = browser.new_page()
        made.goto(service.url)
        made.locator("#token").fill("let me in")
        made.keyboard.press("Enter")
        made.locator("#enter").wait_for(state="hidden")
        made.reload()
        made.wait_for_timeout(500)
        assert not made.locator("#enter").is_visible()
        made.close()
