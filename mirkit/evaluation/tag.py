"""The benchmark of tags: what systems hear, against the labels of a set; or scores saved before.

A system is ``MODEL[@WEIGHTS]``, or a file or folder of saved scores: JSON lines as ``mirkit tags
--json`` prints them, or a folder with a file for each clip.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from mirkit.annotation import Tags
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.saved_tags import read_scores, read_tags
from mirkit.evaluation.systems import fingerprint, load_system
from mirkit.evaluation.tag_items import read_tag_items
from mirkit.evaluation.tag_measures import MEASURES
from mirkit.evaluation.tag_summary import summarize_tags


def list_scores(reference: Any, estimate: Tags) -> dict[str, float]:
    """Return the score of each label: all clips are measured together, see `summarize_tags`."""
    return dict(estimate)


def compare_tags(reference: Any, estimate: Any) -> dict[str, float]:
    """Return the measures of one estimate alone."""
    from mirkit.metrics.tag import tag_scores

    return tag_scores(reference, estimate)


BENCHMARK = Benchmark(
    task="tags",
    measures=MEASURES,
    headline=("map", "auc", "accuracy"),
    systems=("tag-mn",),
    reference=read_tags,
    estimator=partial(load_system, "tags", top="all"),
    score=list_scores,
    fingerprint=fingerprint,
    values=(Tags,),
    compare=compare_tags,
    read_items=read_tag_items,
    saved=read_scores,
    summarize=summarize_tags,
    options=("ontology", "counts"),
    n_draws=1000,
)
