"""``mirkit models``: which models there are, what they need; and fetching what they need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mirkit.cli.files import print_json
from mirkit.errors import MirkitError, WeightsError
from mirkit.tasks import SCHEMA


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "mirkit models [PATTERN] [--json] | mirkit models download NAME... [--json]"
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'beat*'")
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to download, of those")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.pattern == "download":
        if not args.names:
            args.usage_error("download needs the name of a model; `mirkit models` lists them")
        return download(args.names, args.json)
    if args.names:
        args.usage_error(f"one pattern is enough; {' '.join(args.names)} came after it")
    return show(args.pattern, args.json)


def show(pattern: str, as_json: bool) -> int:
    """Print the cards whose names match, and return the exit status."""
    from mirkit.zoo.registry import models

    cards = models(pattern)
    if as_json:
        for card in cards:
            print_json({"schema": SCHEMA, **_plain(card)})
        return 0
    rows = [("NAME", "TASK", "CODE", "WEIGHTS", "SUMMARY")]
    rows += [(c.name, c.task, c.license_code, c.license_weights or "-", c.summary) for c in cards]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)))
    return 0


def download(names: Sequence[str], as_json: bool) -> int:
    """Fetch the weights of models, print where they are, and return the exit status."""
    n_failed = 0
    told: dict[str, Any]
    for name in names:
        try:
            path = fetch(name)
        except MirkitError as error:
            n_failed += 1
            print(f"mirkit: {name}: {error}", file=sys.stderr)
            told = {"error": {"type": type(error).__name__, "message": str(error)}}
        else:
            told = {"path": str(path)}
        if as_json:
            print_json({"schema": SCHEMA, "model": name, **told})
        elif "path" in told:
            print(told["path"])
    return 1 if n_failed else 0


def fetch(name: str) -> Path:
    """Return where the weights of a model are, fetched and verified."""
    from mirkit.zoo import checkpoints
    from mirkit.zoo.registry import card

    chosen = card(name)
    if chosen.weights is None and chosen.license_weights == "none":
        raise WeightsError(f"there is nothing to download: {name} has no weights")
    if chosen.weights is not None and chosen.size is not None:
        print(f"{chosen.weights}: {chosen.size / 1e6:.1f} MB", file=sys.stderr)
    return checkpoints.locate_named(chosen, download=True)


def _plain(card: Any) -> dict[str, Any]:
    """Return the fields of a card as JSON knows them."""
    names = [name for name in card.__dataclass_fields__ if name != "source"]
    return {name: _unfrozen(getattr(card, name)) for name in names}


def _unfrozen(value: Any) -> Any:
    """Return a table of a card, and the tables in it, as dictionaries."""
    if not isinstance(value, Mapping):
        return value
    return {name: _unfrozen(each) for name, each in value.items()}
