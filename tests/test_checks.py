"""What a user may pass by mistake is refused in words, before anything is computed."""

from fractions import Fraction

import numpy as np
import pytest

import mirkit
from mirkit import checks
from mirkit.errors import ParameterError


@pytest.mark.parametrize(
    "value", [1, 2.5, np.float32(3), np.int16(4), np.array(5.0), Fraction(1, 2)]
)
def test_real_numbers_are_numbers(value):
    assert checks.number("x", value) == pytest.approx(float(value))
    checks.positive("x", value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("120", "a text"), (None, "nothing"), (True, "a truth value"), ([1], "a list"),
     (np.array([1.0]), "an array"), (1j, "a complex"), (b"1", "a bytes"), ({}, "a dict")],
)  # fmt: skip
def test_what_is_no_number_is_named_with_its_kind(value, kind):
    with pytest.raises(ParameterError, match=rf"hint_bpm is .*, {kind}; it must be a number"):
        checks.positive("hint_bpm", value)


@pytest.mark.parametrize(
    "options",
    [{"hint_bpm": "120"}, {"hint_bpm": [120]}, {"bpm_range": "60"}, {"bpm_range": (60, "x")}],
)
def test_trackers_refuse_options_that_are_no_numbers(options):
    name = next(iter(options))
    said = r"it (must be a number|is \(slowest, fastest\))"
    with pytest.raises(ParameterError, match=f"{name} is .*; {said}"):
        mirkit.beats((np.zeros(8000, np.float32), 8000), model="tempogram", **options)


@pytest.mark.parametrize("values", [[1.5], [np.nan], [np.inf], [1e300], ["x"], [2**80], [1 + 0j]])
def test_whole_numbers_are_never_cut_off(values):
    with pytest.raises(ParameterError, match=r"positions (holds|does not convert)"):
        checks.frozen_array("positions", values, np.int64, 1)


def test_floats_that_are_whole_become_whole_numbers():
    assert checks.frozen_array("positions", [1.0, 2.0], np.int64, 1).tolist() == [1, 2]
