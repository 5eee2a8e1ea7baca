"""``mirkit render``: play the clips of a manifest, with exact truth beside each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mirkit.cli.arguments import add_jobs, processors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="see data/manifests/")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--jams", action="store_true", help="write a .jams beside each clip too")
    add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from tqdm import tqdm

    from mirkit.rendering import read_specs, render

    specs = read_specs(args.manifest)
    with tqdm(total=len(specs), unit="clip", disable=not sys.stderr.isatty()) as bar:
        failed = render(
            specs,
            args.output,
            n_jobs=args.jobs or processors(),
            progress=lambda done, _total, _clip: bar.update(done - bar.n),
        )
    if args.jams:
        write_jams(args.output)
    for clip, error in failed.items():
        print(f"mirkit: {clip}: {error}", file=sys.stderr)
    return 1 if failed else 0


def write_jams(folder: Path) -> None:
    """Write the truth of each clip of a folder as JAMS, where that is not there yet."""
    from mirkit import save
    from mirkit.rendering import clips

    for clip in clips(folder):
        target = clip.path.with_suffix(".jams")
        if not target.is_file():
            save(clip.analysis, target)
