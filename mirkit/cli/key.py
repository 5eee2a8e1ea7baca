"""``mirkit key``: recordings in, keys out, to the screen or to files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from mirkit.cli.files import Source, print_json
from mirkit.cli.recordings import Command, add_recordings, run_recordings, save_annotation

SUFFIXES = {"lab": ".lab", "jams": ".jams", "csv": ".csv", "json": ".json"}
"""The formats, by name."""

NOTATIONS = ("standard", "camelot", "openkey")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--decoder", metavar="NAME", help="how keys are found in activations")
    parser.add_argument(
        "--notation", choices=NOTATIONS, default="standard", help="what is printed: A minor, 8A, 1m"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def show(key: Any, path: str, format_name: str) -> None:
        _show(key, path, format_name, args.notation)

    command = Command("key", SUFFIXES, ("lab", "csv", "json"), show, _save)
    return run_recordings(args, command, Worker(args.model, args.weights, args.decoder))


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    model: str | None
    weights: str | None
    decoder: str | None

    def check(self) -> None:
        """Load model and decoder once, as a wrong name is the fault of no file."""
        from mirkit.music.key import system

        system(self.model, self.weights, self.decoder)

    def __call__(self, source: Source) -> Any:
        """Return the key of a recording."""
        from mirkit.music.key import key

        return key(source.path, model=self.model, weights=self.weights, decoder=self.decoder)


def _save(key: Any, path: Any) -> None:
    save_annotation(key.segments if path.suffix == ".lab" else key, path)


def _show(key: Any, path: str, format_name: str, notation: str) -> None:
    if format_name == "json":
        print_json(_object(key, path, notation))
        return
    from mirkit.formats import dumps

    print(f"# {path}: {key.write(notation) or 'no key'}{_tuning(key)} ({key.provenance.model})")
    held = key.segments if format_name == "lab" else key
    print(dumps(held, format_name), end="", flush=True)


def _object(key: Any, path: str, notation: str) -> dict[str, Any]:
    """Return the JSON object of a key, its labels in the notation that was asked for."""
    from mirkit.formats.json import to_object
    from mirkit.vocab.keys import write_key

    found = to_object(key, file=path)
    if notation != "standard":
        found["key"] = key.write(notation)
        for row in found["segments"] or ():
            row["key"] = write_key(row["key"], notation)
    return found


def _tuning(key: Any) -> str:
    return "" if key.tuning_cents is None else f", {key.tuning_cents:+.0f} cents"
