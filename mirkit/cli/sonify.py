"""``mirkit sonify``: a recording with clicks, chords, notes or events mixed in, as a sound file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mirkit.cli.pictured import add_subject, annotations_of

if TYPE_CHECKING:
    from mirkit.audio import Audio

SUFFIXES = (".wav", ".flac")
"""Suffixes of the files that are written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser, "beats", "song.wav or song.flac")
    parser.add_argument(
        "--volume", type=float, default=0.5, metavar="X",
        help="balance of the sounds (1) and the recording (0); default: 0.5",
    )  # fmt: skip
    parser.add_argument("--alone", action="store_true", help="leave the recording out")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.output.suffix.lower() not in SUFFIXES:
        args.usage_error(f"{args.output} ends in none of {', '.join(SUFFIXES)}")
    if not 0 <= args.volume <= 1:
        args.usage_error(f"--volume {args.volume:g} lies outside 0 … 1")
    from mirkit.formats.atomic import check_writable
    from mirkit.sonification import sonify

    check_writable(args.output)
    found = annotations_of(args)
    source = None if args.alone else args.path
    write_audio(sonify(source, found, volume=args.volume), args.output)
    return 0


def write_audio(audio: Audio, path: Path) -> None:
    """Write a recording of 16 bits; the suffix says in which format."""
    import io

    import soundfile

    from mirkit.formats.atomic import replace_file

    content = io.BytesIO()
    kind = path.suffix[1:].upper()
    soundfile.write(content, audio.samples.T, audio.sample_rate, "PCM_16", format=kind)
    replace_file(path, content.getvalue())
