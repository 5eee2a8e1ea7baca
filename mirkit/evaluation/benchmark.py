"""A benchmark: what a task is asked, how systems answer, and how answers are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mirkit.audio import Audio
from mirkit.batch import Failure
from mirkit.evaluation.items import Item, read_items
from mirkit.evaluation.means import summarize_means
from mirkit.evaluation.parts import Scores
from mirkit.evaluation.report import Report
from mirkit.evaluation.statistics import N_DRAWS

Estimator: TypeAlias = Callable[[Audio], Any]

Outcome: TypeAlias = Scores | Failure
"""The numbers of a clip, or why there are none."""


def _none_saved(system: str, items: Sequence[Item]) -> None:
    """Return None: the benchmark has no saved scores."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A task as `evaluate` and `score` see it.

    Parameters
    ----------
    task
        Its name.
    measures
        What is reported, in order: name in the scores, and label in tables.
    headline
        The measures that tables by group show.
    systems
        What is compared where nobody says.
    reference
        Reads an annotation file.
    estimator
        From the name of a system to what answers for it: ``audio → estimate``.
    score
        From reference and estimate of a clip to numbers; one that does not apply is left out.
    fingerprint
        What of a system may change under its name, such as the hash of its weights: scores kept
        from another are not used again.
    values
        The annotations that reference and estimate may be.
    compare
        The measures of one estimate alone, with their settings; None for `score`.
    subsets
        Parts that have a name, and what their columns hold.
    read_items
        From a manifest, and the folder of its recordings or None, to the items.
    saved
        The scores of a system that is a file or folder of them; None where it is no such thing.
    summarize
        From a trial, and the settings that `options` names, to its report.
    options
        Settings that no other benchmark has.
    n_draws
        Of the bootstrap, where nobody says.
    """

    task: str
    measures: Mapping[str, str]
    headline: tuple[str, ...]
    systems: tuple[str, ...]
    reference: Callable[[Path], Any]
    estimator: Callable[[str], Estimator]
    score: Callable[[Any, Any], Scores]
    fingerprint: Callable[[str], str]
    values: tuple[type, ...] = ()
    compare: Callable[..., Scores] | None = None
    subsets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    read_items: Callable[[Any, str | Path | None], tuple[Item, ...]] = read_items
    saved: Callable[[str, Sequence[Item]], list[tuple[Item, Outcome]] | None] = _none_saved
    summarize: Callable[..., Report] = summarize_means
    options: tuple[str, ...] = ()
    n_draws: int = N_DRAWS
