"""Makers: a model with its settings, by which it is known what is done and what is left to do.

The key of a result is the hash of the content, the task, the model, its weights, its settings, and
the release of this package (``0.1``: patches do not change results). Makers of tasks that read the
result of another hold that one's fingerprint too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mirkit import __version__, checks
from mirkit.activations import Provenance
from mirkit.tasks import ANALYZED, TASKS, with_needs

HUMAN = "human"
"""Name of the model of what a person has corrected; no model's result takes its place."""

LOUDNESS = "loudness"
"""The measurement that is a task of the library and of no model."""

LIBRARY_TASKS = (*TASKS, LOUDNESS)
"""Names of the tasks that a library keeps results of."""

DEFAULT_TASKS = (*ANALYZED, "embed", LOUDNESS)
"""Names of the tasks that a library analyzes without being asked."""

USUAL: dict[str, dict[str, Any]] = {"tags": {"top": 50, "threshold": 0.01}}
"""Settings of tasks in a library where they differ from those of the verbs."""


@dataclass(frozen=True)
class Maker:
    """A model with its settings.

    Parameters
    ----------
    task
        Name of the task.
    model
        Name of the model; `HUMAN` for a person.
    version
        Release of the package that runs it, such as ``"0.1"``.
    weights_hash
        sha256 of its weights, or None.
    settings
        Arguments of `mirkit.system.load` beside the model.
    needs
        Fingerprints of the makers of the tasks that come first.
    """

    task: str
    model: str
    version: str | None = None
    weights_hash: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """sha256 of all of these, as hex."""
        parts = (self.task, self.model, self.version, self.weights_hash, self.settings_text)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def settings_text(self) -> str:
        """The settings and needs as JSON, in one order."""
        held = {"settings": dict(self.settings), "needs": dict(self.needs)}
        return json.dumps(held, sort_keys=True, default=str)


def release(version: str = __version__) -> str:
    """Return the release of a version, whose patches give the same results.

    Examples
    --------
    >>> release("1.12.3")
    '1.12'
    """
    return ".".join(version.split(".")[:2])


def makers(
    tasks: Sequence[str] | None = None, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Maker]:
    """Return the makers of tasks, those that they need before them; no model is loaded.

    Parameters
    ----------
    tasks
        Names of tasks; None for `DEFAULT_TASKS`.
    settings
        Arguments of `mirkit.system.load` by task, such as ``{"tags": {"model": "cnn14"}}``.

    Raises
    ------
    UnknownName
        Where there is no such task or model.
    ParameterError
        Where a model is for another task.

    Examples
    --------
    >>> [(maker.task, maker.model) for maker in makers(["sections"]).values()]
    [('beats', 'beat-tcn'), ('sections', 'self-similarity')]
    """
    wanted = DEFAULT_TASKS if tasks is None else tuple(dict.fromkeys(tasks))
    given = settings or {}
    for name in (*wanted, *given):
        checks.member("task", name, LIBRARY_TASKS)
    found: dict[str, Maker] = {}
    for name in with_needs(tuple(task for task in wanted if task in TASKS)):
        found[name] = _maker(name, USUAL.get(name, {}) | dict(given.get(name, {})), found)
    if LOUDNESS in wanted:
        found[LOUDNESS] = Maker(LOUDNESS, "ebu-r128", release())
    return found


def _maker(task: str, settings: dict[str, Any], found: Mapping[str, Maker]) -> Maker:
    from mirkit.system import card_for

    row = TASKS[task]
    needs = {need: found[need].fingerprint for need in row.needs}
    if row.model is None and settings.get("model") is None:
        first = found[row.needs[0]]
        return Maker(task, first.model, release(), first.weights_hash, settings, needs)
    card = card_for(row, settings.pop("model", None))
    weights = settings.get("weights")
    digest = card.sha256 if weights is None else _file_hash(weights)
    return Maker(task, card.name, release(), digest, settings, needs)


def _file_hash(weights: str) -> str | None:
    """Return the sha256 of a checkpoint, or None where it is no file (``"random"``)."""
    from pathlib import Path

    path = Path(weights)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def human(task: str) -> Maker:
    """Return the maker of a person's corrections of a task."""
    return Maker(task, HUMAN)


def provenance(maker: Maker) -> Provenance:
    """Return the provenance of what a maker makes."""
    return Provenance(maker.model, maker.version, maker.weights_hash)
