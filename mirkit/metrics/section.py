"""Score sections: mir_eval's measures of boundaries, and of what is the same again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mirkit.annotation import Segments
from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.metrics.spans import fit_span, gapless

WINDOWS = {"boundary_f_05": 0.5, "boundary_f_3": 3.0}
"""How far a boundary may lie from a true one, by the name of the measure [s]."""

NONE = ""
"""What stands for no section."""


def section_scores(reference: Segments, estimate: Segments) -> dict[str, float]:
    """Score estimated sections against reference sections.

    The estimate is cut, or filled up, to the span of the reference.

    Returns
    -------
    dict
        ``boundary_f_05`` and ``boundary_f_3``: the F-measure of boundaries within 0.5 s and 3 s,
        both ends of the span left out, and no measure where the reference has no other boundary.
        Of labels, whose names do not matter: ``pairwise_f``, the F-measure of pairs of moments with
        one label; ``overseg`` and ``underseg``, how much the reference says of the estimate and the
        other way round (normalized conditional entropy), and ``nce_f`` of both. All in [0, 1].

    Raises
    ------
    ParameterError
        Where the reference is empty.

    References
    ----------
    M. Levy and M. Sandler, "Structural segmentation of musical audio by constrained clustering",
    IEEE TASLP 16(2), 2008. H. Lukashevich, "Towards quantitative measures of evaluating song
    segmentation", ISMIR 2008.

    Examples
    --------
    >>> true = Segments([[0, 8], [8, 16], [16, 24]], ("A", "B", "A"), kind="section")
    >>> found = Segments([[0, 8], [8, 17], [17, 24]], ("X", "Y", "X"), kind="section")
    >>> scores = section_scores(true, found)
    >>> scores["boundary_f_05"], scores["boundary_f_3"]
    (0.5, 1.0)
    """
    true_edges, true_labels = gapless(reference, NONE)
    if not true_labels:
        raise ParameterError("the reference holds no sections; there is nothing to score against")
    found_edges, found_labels = fit_span(estimate, true_edges[0], true_edges[-1], NONE)
    start = true_edges[0]  # mir_eval counts from 0
    true, found = _intervals(true_edges - start), _intervals(found_edges - start)
    scores = _boundary_scores(true, found) if len(true) > 1 else {}
    return scores | _label_scores(true, true_labels, found, found_labels)


def _intervals(edges: Floats) -> Floats:
    return np.column_stack([edges[:-1], edges[1:]])


def _boundary_scores(true: Floats, found: Floats) -> dict[str, float]:
    from mir_eval import segment

    return {
        name: float(_quietly(segment.detection, true, found, window=window, trim=True)[2])
        for name, window in WINDOWS.items()
    }


def _label_scores(
    true: Floats, true_labels: list[str], found: Floats, found_labels: list[str]
) -> dict[str, float]:
    from mir_eval import segment

    both = (true, true_labels, found, found_labels)
    pairwise = _quietly(segment.pairwise, *both)[2]
    over, under, f = _quietly(segment.nce, *both)
    scores = {"pairwise_f": pairwise, "overseg": over, "underseg": under, "nce_f": f}
    return {name: float(value) for name, value in scores.items()}


def _quietly(function: Callable[..., Any], *values: Any, **settings: Any) -> Any:
    with warnings.catch_warnings():  # mir_eval warns where there is no boundary; the score says it
        warnings.simplefilter("ignore")
        return function(*values, **settings)
