"""Rhythmic patterns as strings: what marks they may have, and those that styles share by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from mirkit.errors import ParameterError
from mirkit.rendering.arranger import drums
from mirkit.rendering.reading import Rule, check_table, list_of, read_toml

FILE = "tables/patterns.toml"

MARKS = {"accompaniment": "xs0123456789bf-.", "bass": "135678n-."}
"""Marks of the patterns of each kind; those of drums are `drums.LOUDNESS`."""


@cache
def shared_patterns(kind: str) -> Mapping[str, tuple[str, ...]]:
    """Return the patterns that styles share, by name.

    Parameters
    ----------
    kind
        ``accompaniment``, ``drums`` or ``bass``.
    """
    tables = read_toml(FILE)[kind]
    rules = dict.fromkeys(tables, list_of(lambda text: complaint(kind, text)))
    check_table(tables, rules, f"{FILE}: {kind}")
    return MappingProxyType({name: tuple(patterns) for name, patterns in tables.items()})


def complaint(kind: str, text: object) -> str:
    """Return what is wrong with a pattern of a kind, or nothing.

    Examples
    --------
    >>> complaint("bass", "1.5."), complaint("bass", "1.4.")
    ('', "is '1.4.'; its marks are 135678n-.")
    """
    if not isinstance(text, str) or not text:
        return f"is {text!r}; it is a pattern, such as 'x-x-'"
    if kind == "drums":
        return _drum_complaint(text)
    return "" if set(text) <= set(MARKS[kind]) else f"is {text!r}; its marks are {MARKS[kind]}"


def _drum_complaint(text: str) -> str:
    try:
        drums.parse(text)
    except ParameterError as error:
        return f"is wrong: {error}"
    return ""


def pattern_or_name(kind: str) -> Rule:
    """Return the rule of what stands in a style: a pattern, or the name of shared ones."""

    def check(value: object) -> str:
        if value in shared_patterns(kind):
            return ""
        wrong = complaint(kind, value)
        return wrong and f"{wrong}; shared patterns are {', '.join(shared_patterns(kind))}"

    return check


def expand(kind: str, items: Iterable[str]) -> tuple[str, ...]:
    """Return patterns with each name replaced by the patterns that it stands for.

    Examples
    --------
    >>> expand("accompaniment", ["x...", "pad"])
    ('x...', 'x---------------', 'x-------x-------')
    """
    shared = shared_patterns(kind)
    return tuple(pattern for item in items for pattern in shared.get(item, (item,)))
