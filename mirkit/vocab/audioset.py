"""The 527 classes of AudioSet that networks are published with, in their order.

The list is AudioSet's (Google, CC BY 4.0), as it stands in ``audioset.csv``: index, mid, name. The
ontology above the classes is not shipped.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from mirkit.errors import UnknownName


@dataclass(frozen=True, slots=True)
class SoundClass:
    """A class of AudioSet.

    Parameters
    ----------
    index
        Its place in the outputs of a network.
    mid
        Its machine identifier, such as ``"/m/09x0r"``.
    label
        Its display name, such as ``"Speech"``.
    """

    index: int
    mid: str
    label: str


@cache
def audioset_classes() -> tuple[SoundClass, ...]:
    """Return the classes in the order of the outputs of a network.

    Examples
    --------
    >>> len(audioset_classes()), audioset_classes()[0].label
    (527, 'Speech')
    """
    file = resources.files("mirkit") / "vocab" / "audioset.csv"
    rows = list(csv.reader(file.read_text("utf-8").splitlines()))
    return tuple(SoundClass(int(index), mid, label) for index, mid, label in rows[1:])


@cache
def audioset_labels() -> tuple[str, ...]:
    """Return the display names in the order of the outputs of a network."""
    return tuple(each.label for each in audioset_classes())


def find_audioset(name: str) -> SoundClass:
    """Return the class of a display name or of a mid, in capitals or small letters.

    Raises
    ------
    UnknownName
        Where there is none; close matches are suggested.

    Examples
    --------
    >>> find_audioset("acoustic guitar").mid, find_audioset("/m/09x0r").label
    ('/m/042v_gx', 'Speech')
    """
    try:
        return _by_name()[name.casefold()]
    except KeyError:
        known = _mids() if name.startswith(("/m/", "/t/", "/g/")) else list(audioset_labels())
        raise UnknownName("AudioSet class", name, known) from None


@cache
def _by_name() -> dict[str, SoundClass]:
    classes = audioset_classes()
    return {key.casefold(): each for each in classes for key in (each.label, each.mid)}


def _mids() -> list[str]:
    return [each.mid for each in audioset_classes()]
