"""Arguments that several commands share, and checks that fail with exit status 2."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from mirkit.evaluation import Benchmark

T = TypeVar("T")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add ``--jobs``."""
    parser.add_argument(
        "-j",
        "--jobs",
        type=n_jobs,
        default=None,
        metavar="N",
        help="work on N files at a time (default: one a processor)",
    )


def add_prior(parser: argparse.ArgumentParser, kind: str, example: str) -> None:
    """Add ``--prior``, which takes shares of a kind of classes."""
    parser.add_argument(
        "--prior",
        type=partial(prior, kind),
        metavar="PRIOR",
        help=f"what is expected: music, flat (as the model learned), or shares such as {example}",
    )


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """Add what steers the decoders of beats."""
    parser.add_argument("--decoder", metavar="NAME", help="how beats are picked from activations")
    parser.add_argument("--hint-bpm", type=bpm, metavar="BPM", help="choose the level nearest")
    parser.add_argument(
        "--bpm-range", nargs=2, type=bpm, metavar=("LO", "HI"), help="look for tempi in this range"
    )
    parser.add_argument(
        "--meter", type=meter, metavar="N[,N…]", help="beats in a bar, such as 4 or 3,4"
    )


def decoding_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was given of `add_decoding`, by the names that decoders use."""
    options = {
        "hint_bpm": args.hint_bpm,
        "bpm_range": tuple(args.bpm_range) if args.bpm_range else None,
        "meter": args.meter,
    }
    return {name: value for name, value in options.items() if value is not None}


def benchmark_of(args: argparse.Namespace) -> Benchmark:
    """Return the benchmark of the argument ``task``; an unknown one is wrong usage."""
    from mirkit.errors import UnknownName
    from mirkit.evaluation.registry import find_benchmark

    try:
        return find_benchmark(args.task)
    except UnknownName as error:
        args.usage_error(str(error))
        raise AssertionError from None  # argparse has ended the program


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def n_jobs(text: str) -> int:
    """Parse a number of jobs, at least 1."""
    value = _parse(int, text, "a whole number")
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} jobs do no work; give at least 1")
    return value


def bpm(text: str) -> float:
    """Parse a tempo [bpm]."""
    value = _parse(float, text, "a tempo in beats a minute")
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is no tempo in beats a minute (1 to 1000)")
    return value


def seconds(text: str) -> float:
    """Parse a time from 0 on [s]."""
    value = _parse(float, text, "a time in seconds")
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds, from 0 on")
    return value


def length(text: str) -> float:
    """Parse a length of time above 0 [s]."""
    value = seconds(text)
    if value == 0:
        raise argparse.ArgumentTypeError("0 s are no part of a recording; leave it out for all")
    return value


def prior(kind: str, text: str) -> Any:
    """Parse a prior: a name, or shares of a kind of classes."""
    from mirkit.errors import MirkitError
    from mirkit.vocab.priors import expected_shares, parse_prior

    try:
        parsed = parse_prior(text)
        expected_shares(kind, parsed)  # classes and sums are told here
        return parsed
    except MirkitError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def meter(text: str) -> tuple[int, ...]:
    """Parse one or more meters: beats in a bar, or time signatures."""
    return tuple(
        _parse(beats_in_bar, part, "beats in a bar, such as 4, 6/8 or 3,4")
        for part in text.split(",")
    )


def beats_in_bar(text: str) -> int:
    """Return the beats in a bar that a number or a time signature names."""
    from mirkit.vocab.meters import read_meter

    return read_meter(text)[0]


def _parse(kind: Callable[[str], T], text: str, what: str) -> T:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
