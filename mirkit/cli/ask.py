"""``mirkit ask``: a recording and a question in, an answer with its evidence out."""

from __future__ import annotations

import argparse

from mirkit.cli.files import print_json
from mirkit.tasks import SCHEMA


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("path", metavar="PATH", help="a recording")
    parser.add_argument("question", metavar="TEXT", help="such as 'Which key is this in?'")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.sound.ask import ask

    found = ask(args.path, args.question)
    if args.json:
        print_json({"schema": SCHEMA, "file": args.path, "ask": found.to_dict()})
        return 0
    print(found.text)
    for span in found.evidence:
        sure = "" if span.confidence is None else f"\t{span.confidence:.2f}"
        print(f"{span.start:.2f}\t{span.end:.2f}\t{span.label}{sure}")
    return 0
