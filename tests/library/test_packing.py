import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.annotation import Analysis, Beats, TempoHypothesis
from mirkit.errors import FormatError, ParameterError
from mirkit.frames import FrameGrid
from mirkit.library.packing import pack, unpack

ONE = st.one_of(*(each for kind, each in strategies.ANNOTATIONS.items() if kind is not Analysis))


@given(ONE)
@settings(max_examples=150, deadline=None)
def test_any_annotation_comes_back_equal(value):
    again = unpack(pack(value))
    assert type(again) is type(value)
    assert again == value
    assert again.provenance == value.provenance


def test_hypotheses_and_bits_come_back():
    times = np.array([0.1, 0.2 + 1e-16, np.nextafter(0.3, 1)])
    level = TempoHypothesis(119.99999999999999, 0.7, times, np.array([1, 2, 3]), None, 0.25)
    beats = Beats(times, np.array([1, 2, 3]), np.array([0.1, 1 / 3, 1]), (level,), 0,
                  Provenance("beat-tcn", "0.1", "ab" * 32))  # fmt: skip
    again = unpack(pack(beats))
    assert again.times.tobytes() == beats.times.tobytes()
    assert again.hypotheses == beats.hypotheses
    assert again.bpm == 119.99999999999999


def test_activations_come_back_for_decoding_again():
    grid = FrameGrid.from_hop(22050, 221)
    rng = np.random.default_rng(0)
    heads = {
        "beat": Head(rng.random((50, 1), np.float32), ("beat",), grid),
        "tempo": Head(rng.random((1, 3), np.float32), ("60", "90", "120"), None, "softmax"),
    }
    activations = Activations(heads, Provenance("x"), 0.5)
    assert unpack(pack(activations)) == activations
    features = Features(rng.random((0, 4), np.float32), grid, "tcn_22k")
    assert unpack(pack(features)) == features


def test_a_long_grid_packs_to_less_than_half():
    beats = Beats(np.arange(0, 600, 0.5), np.tile([1, 2, 3, 4], 300))
    assert len(pack(beats)) < (beats.times.nbytes + beats.positions.nbytes) / 2


@pytest.mark.parametrize("cut", [0, 2, 3, 20, -1])
def test_a_damaged_value_is_named(cut):
    data = pack(Beats(np.arange(0, 60, 0.37)))
    with pytest.raises(FormatError, match=r"damaged|hold no value"):
        unpack(data[:cut])


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(ParameterError, match="object cannot be stored"):
        pack(object())
    with pytest.raises(ParameterError, match="holds no numbers"):
        pack(np.array(["a"]))
