"""Any tempo curve, length and sample rate: how far each format moves a beat, and what it says."""

import numpy as np
import pytest
from djtracks import grids
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.formats import FORMATS
from mirkit.formats.dj import DJ_FORMATS, DJ_STORES, Collection, DJTrack, engine, losses
from mirkit.formats.dj import file_tags as tags

RATES = st.sampled_from([8000, 22050, 44100, 48000, 88200, 96000, 192000])
CURVES = st.booleans().flatmap(lambda lattice: grids(lattice=lattice))
ROWS = {name: row for name, row in (DJ_FORMATS | DJ_STORES).items() if row.bound is not None}
EXACT = [name for name, row in ROWS.items() if row.bound < float("inf")]
EDITORS = ("audacity", "svl", "svcsv", "reaper", "reapercsv", "midi", "json", "csv", "beats")
MILLISECOND = 1e-3


def worst(beats, again):
    """How far the beat that suffers most lies from any of the others [s]: a plain loop."""
    return max(min(abs(again - time)) for time in beats)


def loss_of(grid, sample_rate, name):
    track = DJTrack("/a.mp3", duration=grid.end + 1, sample_rate=sample_rate, grid=grid)
    (loss,) = losses(Collection([track]), name)
    return track, loss


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=8, deadline=None)
@given(CURVES, RATES)
def test_formats_that_hold_the_grid_keep_each_beat_to_a_millisecond(name, grid, sample_rate):
    _, loss = loss_of(grid, sample_rate, name)
    assert loss.deviation <= ROWS[name].bound + 1e-9 <= MILLISECOND + 1e-9


@settings(max_examples=8, deadline=None)
@given(CURVES, RATES)
def test_the_block_of_engine_keeps_each_beat_to_a_millisecond(grid, sample_rate):
    found = engine.read_beat_data(engine.beat_data(grid, sample_rate))
    again = found.extend(grid.end + found.periods[-1]).beats().times
    assert worst(grid.beats().times, again) <= MILLISECOND


@pytest.mark.parametrize("name", EDITORS)
@settings(max_examples=3, deadline=None)
@given(grids(max_segments=2))
def test_editors_and_annotations_keep_each_beat_to_a_millisecond(name, grid):
    beats = grid.beats()
    row = FORMATS[name]
    data = row.dumps(beats)
    again = row.loads(data.encode() if isinstance(data, str) else data, "x")
    times = (again if hasattr(again, "times") else next(iter(again.values()))).times
    assert len(times) == len(beats)
    assert np.abs(times - beats.times).max() <= MILLISECOND


@settings(max_examples=10, deadline=None)
@given(CURVES, RATES)
def test_one_tempo_keeps_within_half_a_beat_and_the_loss_is_told(grid, sample_rate):
    name = "traktor-one-tempo"
    track, loss = loss_of(grid, sample_rate, name)
    row = DJ_FORMATS[name]
    found = row.loads(row.dumps(Collection([track])), "x").track("/a.mp3").grid
    assert found.constant
    again = found.extend(grid.end + 2 * found.periods[0]).beats().times
    again = np.append(again[0] - found.periods[0], again)
    assert loss.deviation <= found.periods[0] / 2 + 1e-6
    assert loss.deviation == pytest.approx(worst(grid.beats().times, again), abs=1e-9)
    if grid.constant:
        assert loss.deviation <= MILLISECOND


@settings(max_examples=30)
@given(st.floats(40, 300))
def test_tags_keep_the_tempo_to_half_a_hundredth(bpm):
    assert abs(float(tags.tempo_text(bpm)) - bpm) <= 0.005 + 1e-9
