"""Systems by name: ``MODEL[+DECODER][?prior=PRIOR][@WEIGHTS]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirkit import __version__
from mirkit.errors import ParameterError
from mirkit.system import System, load
from mirkit.vocab.priors import parse_prior

FORM = "MODEL[+DECODER][?prior=PRIOR][@WEIGHTS]"


def parse_system(name: str) -> dict[str, Any]:
    """Return what ``MODEL[+DECODER][?prior=PRIOR][@WEIGHTS]`` names; None where it does not.

    Examples
    --------
    >>> parse_system("beat-tcn+bars@runs/best.onnx")
    {'model': 'beat-tcn', 'decoder': 'bars', 'prior': None, 'weights': 'runs/best.onnx'}
    >>> parse_system("key-crnn?prior=flat")["prior"]
    'flat'
    """
    head, _, weights = name.partition("@")
    head, asks, query = head.partition("?")
    model, _, decoder = head.partition("+")
    option, _, prior = query.partition("=")
    if not model or (asks and (option != "prior" or not prior)):
        raise ParameterError(f"system is {name!r}; it is {FORM}")
    return {
        "model": model,
        "decoder": decoder or None,
        "prior": parse_prior(prior) if prior else None,
        "weights": weights or None,
    }


def load_system(task: str, name: str, **settings: Any) -> System[Any]:
    """Return the system of a task that is called ``MODEL[+DECODER][?prior=PRIOR][@WEIGHTS]``."""
    known = {key: value for key, value in parse_system(name).items() if value is not None}
    return load(known.pop("model"), task=task, **known, **settings)


def fingerprint(name: str) -> str:
    """Return version and weights' hash of a system."""
    from mirkit.zoo import checkpoints
    from mirkit.zoo.registry import card

    parts = parse_system(name)
    weights = parts["weights"]
    known = card(str(parts["model"]))
    is_file = weights is not None and Path(weights).is_file()
    sha256 = checkpoints.sha256_of(Path(str(weights))) if is_file else weights or known.sha256
    return f"{__version__} {sha256 or 'no weights'}"
