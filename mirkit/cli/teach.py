"""``mirkit teach``: let other networks label recordings, for ours to learn from."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recipe", metavar="RECIPE.toml", help="see recipes/tag-mn-teach.toml")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.errors import ParameterError
    from mirkit.training.teach.stage import teach

    if not Path(args.recipe).is_file():
        raise ParameterError(f"{args.recipe} is no file; recipes are TOML files, see recipes/")
    print(teach(args.recipe))
    return 0
