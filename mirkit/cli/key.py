"""``mirkit key``: recordings in, keys out, to the screen or to files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mirkit.cli.arguments import add_prior
from mirkit.cli.recordings import (
    Command,
    Found,
    add_recordings,
    run_recordings,
    save_found,
    task_worker,
)

SUFFIXES = {"lab": ".lab", "jams": ".jams", "csv": ".csv", "json": ".json"}
"""The formats, by name."""

NOTATIONS = ("standard", "camelot", "openkey")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--decoder", metavar="NAME", help="how keys are found in activations")
    add_prior(parser, "mode", "minor=.8")
    parser.add_argument(
        "--notation", choices=NOTATIONS, default="standard", help="what is printed: A minor, 8A, 1m"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def show(found: Found, path: str, format_name: str) -> None:
        _show(found, path, format_name, args.notation)

    def edit(row: dict[str, Any]) -> None:
        _spell(row, args.notation)

    command = Command("key", SUFFIXES, ("lab", "csv", "json"), show, _save, edit)
    worker = task_worker(args, ["key"], decoder=args.decoder, prior=args.prior)
    return run_recordings(args, command, worker)


def _save(found: Found, path: Path) -> None:
    if path.suffix != ".lab":
        save_found(found, path)
        return
    from mirkit.formats import save

    save(found.value.segments, path)


def _show(found: Found, path: str, format_name: str, notation: str) -> None:
    from mirkit.formats import dumps

    key = found.value
    print(f"# {path}: {key.write(notation) or 'no key'}{_tuning(key)} ({found.model})")
    held = key.segments if format_name == "lab" else key
    print(dumps(held, format_name), end="", flush=True)


def _spell(row: dict[str, Any], notation: str) -> None:
    """Spell the keys of a JSON object in a notation."""
    from mirkit.vocab.keys import write_key

    for each in (row["key"], *(row["key"]["segments"] or ())):
        if each["label"] is not None:
            each["label"] = write_key(each["label"], notation)


def _tuning(key: Any) -> str:
    return "" if key.tuning_cents is None else f", {key.tuning_cents:+.0f} cents"
