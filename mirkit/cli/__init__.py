"""The command line: ``mirkit COMMAND …``, one module a command.

Exit status: 0 all done, 1 some file failed (each is named on stderr, the rest is done), 2 wrong
usage. The arguments are parsed before anything heavy is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from mirkit import __version__
from mirkit.errors import MirkitError, plain_warnings
from mirkit.tasks import TASKS

COMMANDS = {task.command: task.summary for task in TASKS.values()} | {
    "ask": "a question about a recording, answered from what is found in it",
    "search": "recordings that a sentence describes, or that sound like another",
    "analyze": "several of these at once, for each recording",
    "decode": "beats from the activations of any network",
    "export": "recordings, folders and playlists to DJ software, editors and sequencers",
    "import": "tracks of DJ software as annotation files",
    "score": "estimates against references, with mir_eval's measures",
    "evaluate": "systems on a benchmark of recordings, with intervals",
    "train": "a network, by a recipe",
    "teach": "soft labels of recordings by other networks, for ours to learn from",
    "render": "music with exact beats, bars, chords and keys, from a manifest",
    "plot": "recordings with beats, chords and sections, as a picture",
    "sonify": "clicks, chords, notes and events of a recording as sound, mixed with it",
    "serve": "the HTTP service, with a page to look at tracks and to correct their grids",
    "live": "beats as they happen, as OSC, WebSocket, MIDI clock and JSON, on the beat",
    "vamp": "the plug-in library for Sonic Visualiser, Audacity and other Vamp hosts",
    "library": "a music library: scan, analyze what is new, search",
    "models": "the models, their licenses and their scores",
    "doctor": "installed and missing programs and packages",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in argv if not word.startswith("-")), None)
    args = _parser(command).parse_args(argv)
    plain_warnings()
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except MirkitError as error:
        print(f"mirkit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mirkit: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser(command: str | None) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of `command` only: the others stay unimported."""
    parser = argparse.ArgumentParser(
        prog="mirkit",
        description="Find beats, chords, key, sections and tags of recordings; train and score "
        "systems that do; write the files of DJ software.",
    )
    parser.add_argument("--version", action="version", version=f"mirkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == command:
            module = import_module(f"mirkit.cli.{name.replace('-', '_')}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser
