"""The beat board: beats, downbeats and tempo against what a person tapped or a renderer knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mirkit import __version__
from mirkit.annotation import Beats, Tempo
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.evaluation.references import read_reference

MEASURES: Mapping[str, str] = {
    "f_measure": "F",
    "cmlc": "CMLc",
    "cmlt": "CMLt",
    "amlc": "AMLc",
    "amlt": "AMLt",
    "information_gain": "info gain",
    "downbeat_f_measure": "downbeat F",
    "tempo_accuracy_1": "Acc1",
    "tempo_accuracy_2": "Acc2",
}


def reference(path: Path) -> Beats | Tempo:
    """Return the beats of an annotation file, or the tempo where it holds no more."""
    value: Beats | Tempo = read_reference(path, "beats", (Beats, Tempo))
    return value


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


def estimator(name: str) -> Callable[[Audio], Beats]:
    """Return what finds beats by the system called ``MODEL[+DECODER][@WEIGHTS]``."""
    from mirkit.system import load

    parts = parse_system(name)
    return load(parts["model"], task="beats", weights=parts["weights"], decoder=parts["decoder"])


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


def score(truth: Any, found: Beats) -> Mapping[str, float]:
    """Return all measures of beats; those of tempo alone where the truth is a `Tempo`."""
    from mirkit.metrics.beat import beat_scores, tempo_scores

    if isinstance(truth, Tempo):
        return tempo_scores(truth.bpm, found.bpm)
    return beat_scores(truth, found)
