import pytest

from mirkit.errors import ParameterError
from mirkit.vocab.meters import read_meter, write_meter


@pytest.mark.parametrize(
    ("text", "meter"),
    [("4/4", (4, 4)), ("6/8", (6, 8)), ("2/2", (2, 2)), (" 12 / 16 ", (12, 16)), ("3", (3, None)),
     ("7/8", (7, 8)), ("1/1", (1, 1))],
)  # fmt: skip
def test_time_signatures_are_read(text, meter):
    assert read_meter(text) == meter
    assert read_meter(write_meter(*meter)) == (meter[0], meter[1] or 4)


@pytest.mark.parametrize(
    "text", ["", "4/", "/4", "0/4", "4/3", "4/0", "-3/4", "four", "4/4/4", "4.5"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(ParameterError, match=r"is no meter|has the denominator"):
        read_meter(text)
