"""What notebooks show of values: well-formed, escaped, and in time."""

from xml.etree import ElementTree

import numpy as np
import pytest

from mirkit.annotation import (
    Analysis,
    Beats,
    Caption,
    Embedding,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
)
from mirkit.markup import MOST, WIDTH

BEATS = Beats([0.5, 1.0, 1.5, 2.0], positions=[1, 2, 1, 2])
CHORDS = Segments([[0, 1], [1, 4]], ("C:maj", "A:min<"), kind="segment")
VALUES = [
    BEATS,
    CHORDS,
    Tempo(120.0, 0.9, ((120.0, 0.7), (60.0, 0.3))),
    Events([[0, 1], [0.5, 2]], ("dog & cat", None), [0.5, 0.25]),
    Tags(("rain", "<b>wind"), [0.9, 0.2]),
    Key("A minor", 0.5, segments=Segments([[0, 2]], ("A minor",), kind="key")),
    Key(None),
    Caption("a <song>"),
    Embedding(np.zeros((1, 4), np.float32)),
    Beats(),
]


def parsed(value):
    return ElementTree.fromstring(value._repr_html_())


@pytest.mark.parametrize("value", [*VALUES, Analysis({"beats": BEATS, "chords": CHORDS})], ids=repr)
def test_values_are_well_formed_and_name_themselves(value):
    tree = parsed(value)
    assert tree.find("div/b").text == type(value).__name__
    assert not tree.findall(".//script")


def test_ticks_stand_at_their_beats():
    lines = parsed(BEATS).findall(".//line")
    seconds = [2.5 * float(line.get("x1")) / WIDTH for line in lines]
    assert seconds == pytest.approx(BEATS.times, abs=0.002)
    assert [line.get("y1") for line in lines] == ["0", "16", "0", "16"]


def test_stretches_stand_at_their_intervals():
    boxes = parsed(CHORDS).findall(".//rect")
    spans = [4 * np.cumsum([float(box.get(k)) for k in ("x", "width")]) / WIDTH for box in boxes]
    assert np.array(spans) == pytest.approx(CHORDS.intervals, abs=0.002)
    assert [text.text for text in parsed(CHORDS).findall(".//text")] == ["C:maj", "A:min<"]


def test_bars_are_as_long_as_their_scores():
    bars = [float(bar.get("width")) for bar in parsed(VALUES[4]).findall(".//rect")]
    assert bars == pytest.approx([144, 32])


def test_long_recordings_stay_small():
    beats = Beats(0.4 * np.arange(20_000))
    assert len(parsed(beats).findall(".//line")) <= MOST
    assert len(beats._repr_html_()) < 300_000
