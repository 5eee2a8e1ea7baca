"""Let madmom 0.16.1 run on current Python and numpy, without touching its files.

Five things break it. Four are names that are gone: ``collections.MutableSequence``, the numpy
aliases ``float``, ``int`` and ``in1d``, ``scipy.ndimage.filters.maximum_filter``, and
``pkg_resources``. The fifth is a ragged array in its downbeat tracker. `load` mends all five and
imports madmom; names are added only where absent.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

from mirkit.errors import MissingExtra

INSTALL = "make madmom"


def load(name: str = "madmom") -> ModuleType:
    """Import madmom or one of its modules.

    Raises
    ------
    MissingExtra
        Where madmom is not installed.
    """
    try:
        metadata.version("madmom")
    except metadata.PackageNotFoundError:
        raise MissingExtra("madmom", INSTALL, "this peer") from None
    _mend_names()
    with warnings.catch_warnings(), _pkg_resources():
        warnings.simplefilter("ignore")
        module = import_module(name)
        if "madmom.features.downbeats" in sys.modules:
            _mend_ragged_array(sys.modules["madmom.features.downbeats"])
    return module


def _mend_names() -> None:
    import collections
    import collections.abc

    import numpy as np

    _add(collections, "MutableSequence", collections.abc.MutableSequence)
    _add(np, "float", float)
    _add(np, "int", int)
    _add(np, "in1d", np.isin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy says that the place is old
        filters = import_module("scipy.ndimage.filters")
    _add(filters, "maximum_filter", import_module("scipy.ndimage").maximum_filter)


@contextmanager
def _pkg_resources() -> Iterator[None]:
    """Stand in for pkg_resources where it is gone, only as long as madmom is being imported."""
    if find_spec("pkg_resources") is not None:
        yield
        return
    stand_in = ModuleType("pkg_resources")
    vars(stand_in)["get_distribution"] = lambda name: SimpleNamespace(
        version=metadata.version(name)
    )
    sys.modules["pkg_resources"] = stand_in
    try:
        yield
    finally:
        del sys.modules["pkg_resources"]


def _add(module: Any, name: str, value: Any) -> None:
    if name not in vars(module):
        setattr(module, name, value)


class _RaggedNumpy:
    """numpy, whose ``asarray`` keeps what is ragged as an array of objects."""

    def __init__(self, numpy: ModuleType) -> None:
        self._numpy = numpy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)

    def asarray(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._numpy.asarray(value, *args, **kwargs)
        except ValueError:
            return self._numpy.asarray(value, dtype=object)


def _mend_ragged_array(downbeats: Any) -> None:
    if isinstance(downbeats.np, ModuleType):
        downbeats.np = _RaggedNumpy(downbeats.np)
