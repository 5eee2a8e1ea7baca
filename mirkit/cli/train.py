"""``mirkit train``: run a training recipe, go on with one, or train a tagger on a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

TAGS = "tags"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "recipe",
        metavar="RECIPE.toml",
        help="see recipes/; or 'tags', which needs --backbone and --data and makes its own",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--device", help="cpu or cuda; a GPU where there is one")
    tags = parser.add_argument_group("mirkit train tags")
    tags.add_argument(
        "--backbone",
        metavar="NAME",
        help="'residual' or 'mn' (from scratch, small), or a tagging model such as cnn14",
    )
    tags.add_argument(
        "--data", type=Path, metavar="DIR", help="class folders, a CSV table or a .jsonl manifest"
    )
    tags.add_argument(
        "--head",
        default="linear",
        choices=("own", "linear", "lstm", "attention", "mlp"),
        help="what the classes are heard with (default: linear)",
    )
    tags.add_argument(
        "--freeze",
        default="none",
        metavar="all|none|N",
        help="how many stages of the backbone stay as they are (default: none)",
    )
    tags.add_argument("--weights", default="", metavar="PATH", help="checkpoint to start from")
    tags.add_argument("--epochs", type=int, default=30, help="(default: 30)")
    tags.add_argument("--crop", type=float, default=5.0, help="seconds of an excerpt (default: 5)")
    tags.add_argument("--seed", type=int, default=0)
    tags.add_argument("-o", "--output", type=Path, metavar="RUN", help="folder of the run")
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.errors import MissingExtra, ParameterError

    is_made_here = args.recipe == TAGS
    if is_made_here:
        _check_tags(args)
    elif not Path(args.recipe).is_file():
        raise ParameterError(f"{args.recipe} is no file; recipes are TOML files, see recipes/")
    try:
        from mirkit.training.loop import train
    except ModuleNotFoundError as error:
        name = error.name or "torch"
        raise MissingExtra(name, "pip install 'mirkit[torch]'", "training") from None
    recipe = _tag_recipe(args) if is_made_here else Path(args.recipe)
    print(train(recipe, resume=args.resume, device=args.device))
    return 0


def _check_tags(args: argparse.Namespace) -> None:
    """End with exit status 2 where ``mirkit train tags`` lacks an argument."""
    for name in ("backbone", "data", "output"):
        if getattr(args, name) is None:
            args.usage_error(f"mirkit train tags needs --{name}")


def _tag_recipe(args: argparse.Namespace) -> Path:
    """Write the recipe of ``mirkit train tags`` beside its run, unless it goes on with one."""
    from mirkit.training.tag.compose import compose_recipe

    path: Path = args.output / "asked.toml"
    if not args.resume:
        text = compose_recipe(
            args.backbone,
            args.data,
            args.output,
            head=args.head,
            freeze=args.freeze,
            weights=args.weights,
            epochs=args.epochs,
            crop=args.crop,
            seed=args.seed,
        )
        args.output.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return path
