"""Plans as TOML files: a planner, a seed and shares instead of the thousands of clips they give."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mirkit.errors import FormatError, ParameterError
from mirkit.rendering.archives import SPLITS
from mirkit.rendering.plan import ClipSpec, format_specs, number_clips, plan, plan_chords
from mirkit.rendering.reading import (
    Rule,
    check_table,
    integer,
    list_of,
    number,
    one_of,
    parse_toml,
    text,
)
from mirkit.rendering.sources import SOURCES

PLANNERS = {"plan": plan, "plan_chords": plan_chords}

NAME = text(r".+", "a name")

RULES: dict[str, Rule] = {
    "planner": one_of("planner", PLANNERS),
    "prefix": NAME,
    "split": one_of("split", SPLITS),
    "n": integer(1, 1_000_000),
    "seed": integer(0, 2**63 - 1),
    "shard": NAME,
    "seconds": number(1, 3600),
    "version": text(r"v\d+", "a version of the renderer, such as 'v8'"),
    "sha256": text(r"[0-9a-f]{64}", "64 hexadecimal digits"),
    "shares": lambda value: "",
    "styles": lambda value: "",
}
"""Fields of a plan: settings of its planner, and `OWN_FIELDS`."""


def read_plan(path: str | Path) -> tuple[ClipSpec, ...]:
    """Return the specifications that a plan file stands for.

    Parameters
    ----------
    path
        TOML with the fields of `RULES`, of which ``planner``, ``split`` and ``n`` must be there.
        ``shares`` and ``styles`` are tables by source, as `plan` takes them; ``sha256`` is the hash
        of the list, as `format_specs` writes it.

    Raises
    ------
    FormatError
        Where a field is unknown, missing or wrong, or the list has another hash.
    """
    fields = check_table(
        parse_toml(Path(path).read_text("utf-8"), str(path)), RULES, str(path),
        needed=("planner", "split", "n"),
    )  # fmt: skip
    _check_sources(fields, str(path))
    specs = _run_planner(fields, str(path))
    found = hashlib.sha256(format_specs(specs).encode()).hexdigest()
    if fields.get("sha256", found) != found:
        raise FormatError(
            f"{path} gives a list with the hash {found}, not that of its field sha256. "
            "Was the file changed, or the planner?"
        )
    return specs


def _check_sources(fields: dict[str, Any], where: str) -> None:
    rules = {"shares": number(0, 1), "styles": list_of(NAME)}
    for name, rule in rules.items():
        check_table(fields.get(name, {}), dict.fromkeys(SOURCES, rule), f"{where}: {name}")


def _run_planner(fields: dict[str, Any], where: str) -> tuple[ClipSpec, ...]:
    """Return what the planner gives, its clips named and versioned as the file says."""
    planner = PLANNERS[fields["planner"]]
    settings = {name: value for name, value in fields.items() if name not in OWN_FIELDS}
    for name in settings.keys() - inspect.signature(planner).parameters:
        raise FormatError(f"{where}: {name} is no setting of {fields['planner']}")
    try:
        specs: Sequence[ClipSpec] = planner(**settings)
    except ParameterError as error:
        raise FormatError(f"{where}: {error}") from None
    if "prefix" in fields:
        specs = number_clips(specs, fields["prefix"])
    return tuple(replace(s, version=fields.get("version", s.version)) for s in specs)


OWN_FIELDS = ("planner", "prefix", "version", "sha256")
"""Fields beside the planner's settings: how its clips are named and versioned, the list's hash."""
