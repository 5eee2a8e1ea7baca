"""The arranger's styles by name, read from TOML: a file for each family, a table for each style."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from mirkit.errors import FormatError, UnknownName
from mirkit.rendering.arranger import drums
from mirkit.rendering.arranger.patterns import expand, pattern_or_name, shared_patterns
from mirkit.rendering.arranger.style import PROGRAMS, Layer, Style
from mirkit.rendering.harmony import families
from mirkit.rendering.performance import FEELS
from mirkit.rendering.reading import (
    Rule,
    ascending,
    check_table,
    flag,
    integer,
    list_of,
    number,
    one_of,
    pair,
    parse_toml,
    read_toml,
    text,
)

FILES = ("band", "soul", "dance", "jazz", "latin", "quiet")
"""Files of styles. Seeds draw styles by their place in this order, so it must stay."""

FIGURES = ("walk", "riff", "kick", "none")
"""Basses that no pattern spells: they are made up as they go."""


@cache
def styles() -> Mapping[str, Style]:
    """Return all styles by name."""
    found: dict[str, Style] = {}
    for name in FILES:
        source = f"styles/{name}.toml"
        found |= read_styles(read_toml(source), source)
    return MappingProxyType(found)


def style(name: str) -> Style:
    """Return a style by name.

    Raises
    ------
    UnknownName
        Where no style has this name.
    """
    if name not in styles():
        raise UnknownName("style", name, list(styles()))
    return styles()[name]


def parse_styles(toml: str, source: str = "<styles>") -> dict[str, Style]:
    r"""Return the styles that TOML holds, by name.

    Parameters
    ----------
    toml
        A table for each style, with the fields of `Style`; ``layers`` is a list of tables with the
        fields of `Layer`. Shared patterns (``tables/patterns.toml``) may stand by name among those
        of ``drums`` and of layers.
    source
        Name of the file, for messages.

    Raises
    ------
    FormatError
        Where a field is unknown, missing or wrong; the message names file, style and field.

    Examples
    --------
    >>> styles = parse_styles("[march]\ntempo = [100, 116, 124]\nlayers = [\n"
    ...                       "{ kind = 'brass', patterns = ['..x...x...x...x.'] } ]")
    >>> styles["march"].tempo, styles["march"].layers[0].kind
    ((100, 116, 124), 'brass')
    """
    return read_styles(parse_toml(toml, source), source)


def read_styles(tables: Mapping[str, Any], source: str) -> dict[str, Style]:
    """Return the styles of tables, by name; `source` names the file in messages."""
    return {name: _style(name, table, f"{source}: {name}") for name, table in tables.items()}


def _style(name: str, table: object, where: str) -> Style:
    fields = check_table(table, style_rules(), where, needed=("tempo", "layers"))
    values = {key: _as_tuple(value) for key, value in fields.items()}
    values["drums"] = expand("drums", fields.get("drums", ()))
    values["layers"] = tuple(
        _layer(layer, f"{where}: layer {number}")
        for number, layer in enumerate(fields["layers"], 1)
    )
    found = Style(name, **values)
    _check_steps(found, where)
    return found


def _layer(table: object, where: str) -> Layer:
    fields = check_table(table, layer_rules(), where, needed=("kind", "patterns"))
    return Layer(**fields | {"patterns": expand("accompaniment", fields["patterns"])})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check_steps(found: Style, where: str) -> None:
    """Raise where a pattern does not divide the beats of a bar."""
    n_beats = found.beats_per_bar * (2 if found.two_bar else 1)
    played = [marks for text in found.drums for marks in drums.parse(text).values()]
    played += [pattern for layer in found.layers for pattern in layer.patterns]
    for pattern in played:
        if len(pattern) / n_beats not in STEPS_PER_BEAT:
            raise FormatError(
                f"{where}: {pattern!r} has {len(pattern)} steps for {n_beats} beats; "
                f"a beat has {', '.join(map(str, STEPS_PER_BEAT))} of them"
            )


STEPS_PER_BEAT = (1, 2, 3, 4, 8)
"""Into how many steps a pattern may divide a beat."""


@cache
def style_rules() -> dict[str, Rule]:
    """Return the rule of each field of a style."""
    instrument, chance = one_of("instrument", PROGRAMS), number(0, 1)
    basses = (*shared_patterns("bass"), *FIGURES)
    return {
        "tempo": ascending(3, 20, 400),
        "beats_per_bar": integer(1, 16),
        "meter": text(r"\d+/\d+", "a time signature, such as '6/8'"),
        "drums": list_of(pattern_or_name("drums")),
        "kits": list_of(integer(0, 127)),
        "bass": list_of(one_of("bass", basses)),
        "bass_kind": instrument,
        "layers": list_of(lambda value: ""),
        "lead": instrument,
        "melody": pair(chance, number(0, 8)),
        "families": list_of(one_of("family of progressions", families())),
        "charts": flag,
        "swing": ascending(2, 0.5, 0.75),
        "swing_unit": number(0.25, 2),
        "manners": list_of(one_of("manner", FEELS)),
        "electronic": chance,
        "drumless": chance,
        "fills": chance,
        "grid": integer(1, 8),
        "two_bar": flag,
    }


@cache
def layer_rules() -> dict[str, Rule]:
    """Return the rule of each field of an accompanying instrument."""
    return {
        "kind": one_of("instrument", PROGRAMS),
        "patterns": list_of(pattern_or_name("accompaniment")),
        "chance": number(0, 1),
        "center": integer(0, 127),
        "velocity": integer(1, 127),
    }
