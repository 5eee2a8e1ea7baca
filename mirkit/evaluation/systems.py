"""Systems by name: ``MODEL[+DECODER][@WEIGHTS]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirkit import __version__
from mirkit.errors import ParameterError
from mirkit.system import System, load


def parse_system(name: str) -> dict[str, str | None]:
    """Return what ``MODEL[+DECODER][@WEIGHTS]`` names.

    Examples
    --------
    >>> parse_system("beat-tcn+bars@runs/best.onnx")
    {'model': 'beat-tcn', 'decoder': 'bars', 'weights': 'runs/best.onnx'}
    """
    head, _, weights = name.partition("@")
    model, _, decoder = head.partition("+")
    if not model:
        raise ParameterError(f"system is {name!r}; it is MODEL[+DECODER][@WEIGHTS]")
    return {"model": model, "decoder": decoder or None, "weights": weights or None}


def load_system(task: str, name: str, **settings: Any) -> System[Any]:
    """Return the system of a task that is called ``MODEL[+DECODER][@WEIGHTS]``."""
    parts = parse_system(name)
    model, weights, decoder = (parts[key] for key in ("model", "weights", "decoder"))
    return load(model, task=task, weights=weights, decoder=decoder, **settings)


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
