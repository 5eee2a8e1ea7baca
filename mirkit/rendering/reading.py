"""Read the tables of this room: TOML files packaged with it, in which nothing wrong passes.

A rule takes a value and returns what is wrong with it, in words that follow its name, or "".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from importlib import resources
from typing import Any, TypeAlias

from mirkit.errors import FormatError, UnknownName

Rule: TypeAlias = Callable[[Any], str]


def read_toml(name: str) -> dict[str, Any]:
    """Return what a packaged file holds, such as ``styles/band.toml``."""
    text = resources.files("mirkit.rendering").joinpath(name).read_text("utf-8")
    return parse_toml(text, name)


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Return what TOML holds; `source` names it in messages.

    Raises
    ------
    FormatError
        Where it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{source} is not TOML: {error}") from None


def check_table(
    values: object, rules: Mapping[str, Rule], where: str, needed: Collection[str] = ()
) -> dict[str, Any]:
    """Return a table whose fields all follow their rules.

    Parameters
    ----------
    values
        What stands in the file.
    rules
        The rule of each field that a table may have.
    where
        File and table, for messages.
    needed
        Fields that it must have.

    Raises
    ------
    FormatError
        Where a field is unknown, missing or wrong.

    Examples
    --------
    >>> check_table({"chance": 1.5}, {"chance": number(0, 1)}, "styles/band.toml: rock")
    Traceback (most recent call last):
    mirkit.errors.FormatError: styles/band.toml: rock: chance is 1.5; it is a number from 0 to 1
    """
    if not isinstance(values, dict):
        raise FormatError(f"{where} is {values!r}; it is a table")
    for name in values:
        if name not in rules:
            raise FormatError(f"{where}: {UnknownName('field', name, list(rules))}")
    for name in needed:
        if name not in values:
            raise FormatError(f"{where} lacks the field {name!r}")
    for name, value in values.items():
        if wrong := rules[name](value):
            raise FormatError(f"{where}: {name} {wrong}")
    return values


def number(low: float, high: float) -> Rule:
    """Return the rule of numbers from `low` to `high`."""

    def check(value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        right = is_number and low <= value <= high
        return "" if right else f"is {value!r}; it is a number from {low:g} to {high:g}"

    return check


def integer(low: int, high: int) -> Rule:
    """Return the rule of integers from `low` to `high`."""

    def check(value: Any) -> str:
        right = type(value) is int and low <= value <= high
        return "" if right else f"is {value!r}; it is an integer from {low} to {high}"

    return check


def ascending(n: int, low: float, high: float) -> Rule:
    """Return the rule of lists of `n` numbers from `low` to `high`, none below the one before."""
    each = number(low, high)

    def check(value: Any) -> str:
        right = isinstance(value, list) and len(value) == n and not any(map(each, value))
        if right and value == sorted(value):
            return ""
        return f"is {value!r}; it is {n} numbers from {low:g} to {high:g}, ascending"

    return check


def flag(value: Any) -> str:
    """Return what is wrong with a value that should be true or false."""
    return "" if isinstance(value, bool) else f"is {value!r}; it is true or false"


def text(pattern: str, meaning: str) -> Rule:
    """Return the rule of strings that match a regular expression."""

    def check(value: Any) -> str:
        right = isinstance(value, str) and re.fullmatch(pattern, value)
        return "" if right else f"is {value!r}; it is {meaning}"

    return check


def one_of(kind: str, names: Collection[str]) -> Rule:
    """Return the rule of names; close ones are suggested where one is unknown."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in names:
            return ""
        return f"is {value!r}: {UnknownName(kind, str(value), list(names))}"

    return check


def list_of(rule: Rule) -> Rule:
    """Return the rule of lists, not empty, whose items all follow `rule`."""

    def check(value: Any) -> str:
        if not isinstance(value, list) or not value:
            return f"is {value!r}; it is a list, not empty"
        return next((f"has an item that {wrong}" for item in value if (wrong := rule(item))), "")

    return check


def pair(first: Rule, second: Rule) -> Rule:
    """Return the rule of lists of two items, a rule for each."""

    def check(value: Any) -> str:
        if not isinstance(value, list) or len(value) != 2:
            return f"is {value!r}; it is a list of two"
        wrong = first(value[0]) or second(value[1])
        return f"has an item that {wrong}" if wrong else ""

    return check
