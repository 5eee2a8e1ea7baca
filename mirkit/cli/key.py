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

STANDARD = "standard"
NOTATIONS = (STANDARD, "camelot", "openkey")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--decoder", metavar="NAME", help="how keys are found in activations")
    add_prior(parser, "mode", "minor=.8")
    parser.add_argument(
        "--notation",
        choices=NOTATIONS,
        default=STANDARD,
        help="how keys are spelled: A minor, 8A, 1m (not in JAMS, which has a spelling of its own)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    notation = args.notation
    if args.format == "jams" and notation != STANDARD:
        args.usage_error(f"JAMS spells keys in its own way, not as {notation}; leave --notation")

    def show(found: Found, path: str, format_name: str) -> None:
        print(f"# {path}: {_summary(found, notation)}")
        print(_text(found, format_name, notation), end="", flush=True)

    def save(found: Found, path: Path) -> None:
        _save(found, path, notation)

    def edit(row: dict[str, Any]) -> None:
        _spell(row, notation)

    command = Command("key", SUFFIXES, ("lab", "csv", "json"), show, save, edit)
    worker = task_worker(args, ["key"], decoder=args.decoder, prior=args.prior)
    return run_recordings(args, command, worker)


def _summary(found: Found, notation: str) -> str:
    key = found.value
    cents = "" if key.tuning_cents is None else f", {key.tuning_cents:+.0f} cents"
    return f"{key.write(notation) or 'no key'}{cents} ({found.model})"


def _save(found: Found, path: Path, notation: str) -> None:
    """Write a file; but for those of JAMS, its keys are spelled in the notation."""
    from mirkit.formats.atomic import replace_file

    if path.suffix == ".jams":
        save_found(found, path)
        return
    text = _text(found, path.suffix.removeprefix("."), notation)
    head = _kind_line(text) if path.suffix == ".lab" else ""
    replace_file(path, f"{head}{text}".encode())


def _text(found: Found, format_name: str, notation: str) -> str:
    """Return the text of a file in a format, its keys spelled in the notation."""
    if format_name == "lab":
        return _lab(found, notation)
    if format_name == "csv":
        return _csv(found, notation)
    import json

    from mirkit.formats.json import to_object

    row = to_object(found.analysis())
    _spell(row, notation)
    return json.dumps(row, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _lab(found: Found, notation: str) -> str:
    """Return a line for each local key; none where there is no key."""
    segments = found.value.segments
    rows = zip(segments.intervals, segments.labels, strict=True)
    return "".join(f"{a:.6f}\t{b:.6f}\t{_spelled(label, notation)}\n" for (a, b), label in rows)


def _kind_line(text: str) -> str:
    """Return the first line that a ``.lab`` file needs, so that its labels are read as keys."""
    from mirkit.formats import loads

    return "" if loads(text, "lab").kind == "key" else "# kind: key\n"  # type: ignore[union-attr]


def _csv(found: Found, notation: str) -> str:
    """Return the table of the key, whose one row begins with its name."""
    from mirkit.formats import dumps

    head, row = dumps(found.value, "csv").splitlines()
    cells = row.split(",")
    return "\n".join([head, ",".join([found.value.write(notation) or "", *cells[1:]]), ""])


def _spell(row: dict[str, Any], notation: str) -> None:
    """Spell the keys of a JSON object in a notation."""
    for each in (row["key"], *(row["key"]["segments"] or ())):
        if each["label"] is not None:
            each["label"] = _spelled(each["label"], notation)


def _spelled(label: str, notation: str) -> str:
    from mirkit.vocab.keys import NO_KEY, write_key

    return label if label == NO_KEY else write_key(label, notation)
