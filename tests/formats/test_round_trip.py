"""Each format gives back what it says it keeps, for any value that it holds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import ANNOTATIONS

from mirkit.activations import Provenance
from mirkit.annotation import (
    Analysis,
    Beats,
    Embedding,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
    TempoHypothesis,
    TempoMap,
)
from mirkit.formats import FORMATS, read, save
from mirkit.formats.lab import kind_of

PAIRS = [(name, kind) for name, row in FORMATS.items() for kind in row.values]


def kept_in_json(x):
    if isinstance(x, Analysis):
        return Analysis({task: kept_in_json(y) for task, y in x.items()}, duration=x.duration)
    made_by = x.provenance
    x = replace(x, provenance=None if made_by is None else Provenance(made_by.model))
    if isinstance(x, Beats):
        sure, bars = x.tempo_confidence, x.meter_confidence
        same = [level for level in x.hypotheses if level.bpm == x.bpm]
        x = replace(x, hypotheses=(), level=None)
        if same:
            level = TempoHypothesis(
                same[0].bpm, same[0].score, x.times, x.positions, x.confidence, sure, bars
            )
            x = replace(x, hypotheses=(level,), level=0)
    return x


def kept_in_csv(x):
    x = replace(x, provenance=None)
    if isinstance(x, Key):
        return replace(x, segments=None)
    return replace(x, hypotheses=(), level=None) if isinstance(x, Beats) else x


def kept_in_lab(x):
    return replace(x, confidence=None, provenance=None)


def kept_in_beats(x):
    return Beats(x.times, x.positions)


def kept_in_midi(x):
    if isinstance(x, Segments):
        return kept_in_lab(x)
    if isinstance(x, Beats):  # without bars there is no place for a time signature
        known = x.denominators is not None and 1 in (x.positions if x.positions is not None else [])
        return Beats(x.times, x.positions, denominators=notes_of_bars(x) if known else None)
    if isinstance(x, Events):
        near = np.rint(x.pitches)
        known = None if x.velocities is None or set(x.velocities) == {64} else x.velocities
        labels = tuple(str(int(pitch)) for pitch in near)
        return Events(x.intervals, labels, kind="note", velocities=known)
    return replace(x, provenance=None)


def notes_of_bars(x):
    """The denominators that time signatures hold: of the bar, and 4 is what needs no word."""
    bars = np.zeros(len(x), bool) if x.positions is None else x.positions == 1
    return x.denominators[np.maximum.accumulate(np.where(bars, np.arange(len(x)), 0))]


def kept_as_labels(x):
    if isinstance(x, Beats):
        known = x.positions is not None and x.positions.any()
        return Beats(x.times, x.positions if known else None)
    return Segments(x.intervals, x.labels, kind=kind_of(x.labels))


def kept_in_reaper(x):
    if not isinstance(x, Beats):
        return replace(x, provenance=None)
    known = x.denominators is not None and len(x) > 1  # one beat has no tempo
    return replace(kept_as_labels(x), denominators=notes_of_bars(x) if known else None)


def kept_in_npy(x):
    return Embedding(x.values)


KEPT = {
    "jams": lambda x: x,
    "json": kept_in_json,
    "csv": kept_in_csv,
    "lab": kept_in_lab,
    "beats": kept_in_beats,
    "midi": kept_in_midi,
    "audacity": kept_as_labels,
    "svl": kept_as_labels,
    "svcsv": kept_as_labels,
    "reaper": kept_in_reaper,
    "reapercsv": kept_as_labels,
    "dcase": lambda x: Events(x.intervals, x.labels, x.confidence),
    "npy": kept_in_npy,
    "parquet": kept_in_json,
}
WITHIN = {
    "lab": 0.51e-6, "beats": 0.51e-6, "midi": 10e-6,
    "audacity": 1.6e-6, "svl": 12e-6, "svcsv": 1.1e-9, "reaper": 1e-12, "reapercsv": 0.51e-6,
    "dcase": 0.51e-6,
}  # fmt: skip
"""How far times may be off [s]."""
TICK = 60 / 120 / 960
"""Of notes in MIDI: half of it for a start, one and a half where a note is shorter [s]."""


def snapped(found, expected, tolerance):
    """`found`, whose times are those of `expected` where they lie near enough."""
    name = "intervals" if isinstance(found, Segments | Events) else "times"
    a, b = getattr(found, name), getattr(expected, name)
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, strict=True)
    return replace(found, **{name: b})


def fits(name, x):
    """Whether a format has a place for such a value: MIDI has none for very slow quarters."""
    if name == "midi" and isinstance(x, TempoMap) and x.denominators is not None:
        return bool(np.all(x.bpms * 4 / x.denominators > 3.6)) and not is_empty(x)
    return name not in ("midi", "reaper") or not is_empty(x)


def is_empty(x):
    return not len(x.intervals if isinstance(x, Segments | Events) else x.times)


def is_held(name, x):
    """Whether a format holds this value, and gives it back as the same kind of value."""
    if isinstance(x, Events) and name == "midi":
        return x.kind == "note"
    return name not in ("midi", "reaper") or not is_empty(x)


@pytest.mark.parametrize(("name", "kind"), PAIRS, ids=lambda x: getattr(x, "__name__", x))
def test_what_is_read_is_what_was_saved(name, kind, tmp_path):
    row = FORMATS[name]
    path = tmp_path / f"x{row.suffixes[0]}"

    @settings(
        deadline=None,
        max_examples=10 if name == "jams" else 30,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(ANNOTATIONS[kind].filter(lambda x: fits(name, x) and is_held(name, x)))
    def check(value):
        save(value, path)
        found, expected = read(path), KEPT[name](value)
        assert type(found) is kind
        if kind is Events and name == "midi":
            found = snapped(found, expected, 1.51 * TICK)
        elif name in WITHIN and not (name == "midi" and kind is not Beats):
            found = snapped(found, expected, WITHIN[name])
        assert found == expected

    check()


def test_every_format_says_what_it_drops():
    for name, row in FORMATS.items():
        assert (not row.drops) == (name == "jams")


@pytest.mark.parametrize("value", [Beats(), Segments([], ()), Tags((), []), Tempo(None)])
def test_nothing_at_all_is_kept_too(value, tmp_path):
    tables = (
        ("audacity", "svcsv", "reapercsv") if isinstance(value, Segments) else ()
    )  # read as no beats
    for row in FORMATS.values():
        if isinstance(value, row.values) and row.name not in ("midi", *tables):
            path = tmp_path / f"x{row.suffixes[0]}"
            save(value, path)
            assert read(path) == value, row.name


def test_embeddings_of_no_frame_keep_their_width(tmp_path):
    from mirkit.frames import FrameGrid

    value = Embedding(np.empty((0, 3)), FrameGrid.from_fps(10))
    save(value, tmp_path / "x.jams")
    assert read(tmp_path / "x.jams") == value
