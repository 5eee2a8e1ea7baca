"""Priors: how often classes come in music, and what else a user may expect.

| kind of class | classes | shares |
|---|---|---|
| ``quality`` | the chord qualities and N | of the time; of sum 1 |
| ``mode`` | major, minor | of recordings; of sum 1 |
| ``label`` | the labels of the default tagger | of recordings, each by itself |

``priors.toml`` holds those of music. docs/chords-and-key.md says where they come from;
``benchmarks/priors.py`` writes them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from mirkit import checks
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.vocab.chord_classes import CHORD_QUALITIES, reduced_quality
from mirkit.vocab.keys import MODES

PriorName = Literal["music", "flat"]
Prior: TypeAlias = PriorName | Mapping[str, float]
"""What is expected: ``"music"``, ``"flat"`` (what the model learned stays), or shares by class."""

Shares: TypeAlias = Mapping[str, float]

EXCLUSIVE: Mapping[str, tuple[str, ...]] = {"quality": (*CHORD_QUALITIES, "N"), "mode": MODES}
"""Classes of the kinds of which one excludes the others."""

KINDS = (*EXCLUSIVE, "label")
"""The kinds of classes."""

TOLERANCE = 1e-3
"""How far shares in a table may be from a sum of 1."""


def expected_shares(kind: str, prior: Prior) -> Shares | None:
    """Return the share of each class that a prior means, or None where it is flat.

    Classes that a mapping does not name share what it leaves as they do in music.

    Raises
    ------
    UnknownName
        Where there is no such prior or class.
    ParameterError
        Where a share lies outside (0, 1), or they exceed 1 together.

    Examples
    --------
    >>> expected_shares("mode", {"minor": 0.75})
    mappingproxy({'major': 0.25, 'minor': 0.75})
    """
    if isinstance(prior, str):
        if prior not in get_args(PriorName):
            raise UnknownName("prior", prior, list(get_args(PriorName)))
        return None if prior == "flat" else music_prior(kind)
    if not isinstance(prior, Mapping):
        raise ParameterError(f"prior is {prior!r}; it is 'music', 'flat', or shares by class")
    _check(f"prior by {kind}", prior)
    music = music_prior(kind)
    if kind not in EXCLUSIVE:
        return MappingProxyType({**music, **prior})
    return _completed(kind, prior, music)


@cache
def music_prior(kind: str) -> Shares:
    """Return the share of each class in music.

    Examples
    --------
    >>> music_prior("quality")["maj"] > music_prior("quality")["7"]
    True
    """
    text = (resources.files("mirkit") / "vocab" / "priors.toml").read_text("utf-8")
    return read_priors(text, "mirkit/vocab/priors.toml")[kind]


def read_priors(text: str, source: str = "<priors>") -> Mapping[str, Shares]:
    """Return the shares by kind of class in a table of priors (TOML).

    Raises
    ------
    FormatError
        Where a kind or a class is missing or unknown, or shares are out of range; the message names
        the table and the class.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{source} is not TOML: {error}") from None
    kinds = set(KINDS)
    for kind in sorted(kinds ^ set(tables)):
        raise FormatError(f"{source}: [{kind}] is {'unknown' if kind in tables else 'missing'}")
    return {kind: read_shares(tables[kind], kind, f"{source}: [{kind}]") for kind in tables}


def read_shares(table: Any, kind: str, source: str) -> Shares:
    """Return the shares of all classes of a kind, checked.

    Raises
    ------
    FormatError
        Where a class is missing or unknown, or shares are out of range.
    """
    if not isinstance(table, Mapping):
        raise FormatError(f"{source} is {table!r}; it is a table of shares by class")
    classes = EXCLUSIVE.get(kind, tuple(table))
    try:
        _check(source, table)
        for name in table:
            checks.member("class", name, classes)
    except (ParameterError, UnknownName) as error:
        raise FormatError(f"{source}: {error}") from None
    for name in classes:
        if name not in table:
            raise FormatError(f"{source} has no {name!r}; each class has a share")
    total = sum(table.values())
    if kind in EXCLUSIVE and abs(total - 1) > TOLERANCE:
        raise FormatError(f"{source} has shares of sum {total:g}; it is 1")
    return MappingProxyType({name: float(table[name]) for name in classes})


def share_ratios(
    kind: str, prior: Prior, learned: Shares, vocabulary: str = "full"
) -> Mapping[str, float]:
    """Return how many times as much of each class is expected as a model learned to expect.

    Parameters
    ----------
    kind
        One of `EXCLUSIVE`.
    prior
        What is expected.
    learned
        Share of each class in the training of the model; none where it does not say: then all
        classes are taken to have come alike.
    vocabulary
        One of `mirkit.vocab.VOCABULARIES`: chords that it takes together are one class.

    Examples
    --------
    >>> ratios = share_ratios("mode", {"minor": 0.75}, learned={"major": 0.5, "minor": 0.5})
    >>> dict(ratios)
    {'major': 0.5, 'minor': 1.5}
    """
    classes = EXCLUSIVE[kind]
    new = expected_shares(kind, prior)
    if new is None:
        return dict.fromkeys(classes, 1.0)
    old = learned or dict.fromkeys(classes, 1 / len(classes))
    kept = {name: _kept(name, vocabulary) for name in classes}
    expected, known = (dict.fromkeys(classes, 0.0) for _ in range(2))
    for name in classes:
        expected[kept[name]] += new[name]
        known[kept[name]] += old[name]
    return {name: expected[kept[name]] / known[kept[name]] for name in classes}


def _kept(name: str, vocabulary: str) -> str:
    return reduced_quality(name, vocabulary) if name in CHORD_QUALITIES else name


def _completed(kind: str, prior: Shares, music: Shares) -> Shares:
    classes = EXCLUSIVE[kind]
    for name in prior:
        checks.member(kind, name, classes)
    left, others = 1 - sum(prior.values()), [name for name in classes if name not in prior]
    if left < -TOLERANCE or (others and left <= 0):
        raise ParameterError(
            f"the shares of {', '.join(prior)} are {1 - left:g} together; with "
            f"{', '.join(others) or 'no other class'} beside them the sum is 1"
        )
    whole = sum(music[name] for name in others)
    rest = {name: left * music[name] / whole for name in others}
    return MappingProxyType({name: float((rest | dict(prior))[name]) for name in classes})


def _check(source: str, table: Mapping[str, Any]) -> None:
    for name, share in table.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ParameterError(
                f"{source} gives {name!r} the share {share!r}; one lies between 0 and 1. Is it a "
                "percentage?"
            )


def parse_prior(text: str) -> Prior:
    """Return the prior that a command line names: ``music``, ``flat``, ``minor=.8,major=.2``.

    Raises
    ------
    ParameterError
        Where `text` is neither a name nor shares.

    Examples
    --------
    >>> parse_prior("maj=.6,min=.25")
    {'maj': 0.6, 'min': 0.25}
    """
    if text in get_args(PriorName):
        return text  # type: ignore[return-value]
    parts: Sequence[str] = re.split(r",(?! )", text)  # labels of tags hold a comma and a space
    try:
        pairs = [part.rsplit("=", 1) for part in parts]
        return {name.strip(): float(share) for name, share in pairs}
    except ValueError:
        raise ParameterError(
            f"{text!r} is no prior; one is 'music', 'flat', or shares such as minor=.8"
        ) from None
