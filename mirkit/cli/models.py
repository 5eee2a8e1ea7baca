"""``mirkit models``: which models there are, what they need and under which licence."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from mirkit.cli.files import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'beat*'")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.registry import models

    cards = models(args.pattern)
    if args.json:
        for card in cards:
            print_json({"schema": 1, **_plain(card)})
        return 0
    rows = [("NAME", "TASK", "CODE", "WEIGHTS", "SUMMARY")]
    rows += [(c.name, c.task, c.license_code, c.license_weights or "-", c.summary) for c in cards]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)))
    return 0


def _plain(card: Any) -> dict[str, Any]:
    """Return the fields of a card as JSON knows them."""
    names = [name for name in card.__dataclass_fields__ if name != "source"]
    return {name: _unfrozen(getattr(card, name)) for name in names}


def _unfrozen(value: Any) -> Any:
    """Return a table of a card, and the tables in it, as dictionaries."""
    if not isinstance(value, Mapping):
        return value
    return {name: _unfrozen(each) for name, each in value.items()}
