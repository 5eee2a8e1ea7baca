import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.annotation import Segments
from mirkit.errors import ParameterError
from mirkit.metrics.section import section_scores


def sections(edges, labels):
    return Segments(np.column_stack([edges[:-1], edges[1:]]), tuple(labels), kind="section")


@st.composite
def structures(draw, end=40.0):
    inner = draw(st.lists(st.integers(1, 79), max_size=8, unique=True))
    edges = np.array([0.0, *sorted(x / 2 for x in inner), end])
    letters = st.sampled_from("ABC")
    return edges, draw(st.lists(letters, min_size=len(edges) - 1, max_size=len(edges) - 1))


@given(structures(), structures())
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_scores_are_those_of_mir_eval(true, found):
    reference, estimate = sections(*true), sections(*found)
    scores = section_scores(reference, estimate)
    theirs = mir_eval.segment.evaluate(
        reference.intervals, list(reference.labels), estimate.intervals, list(estimate.labels),
        trim=True,
    )  # fmt: skip
    if len(reference) > 1:
        assert scores["boundary_f_05"] == pytest.approx(theirs["F-measure@0.5"])
        assert scores["boundary_f_3"] == pytest.approx(theirs["F-measure@3.0"])
    assert scores["pairwise_f"] == pytest.approx(theirs["Pairwise F-measure"])
    assert scores["overseg"] == pytest.approx(theirs["NCE Over"])
    assert scores["underseg"] == pytest.approx(theirs["NCE Under"])
    assert scores["nce_f"] == pytest.approx(theirs["NCE F-measure"])


def test_names_of_labels_and_the_start_of_the_span_do_not_matter():
    true = sections([10.0, 20, 30, 40], "ABA")
    found = sections([0.0, 20, 30, 45], "XYX")
    scores = section_scores(true, found)
    assert set(scores.values()) == {1.0}
    assert scores == section_scores(true, sections([10.0, 20, 30, 40], "CDC"))


def test_a_piece_of_one_section_has_no_boundaries_to_find():
    scores = section_scores(sections([0.0, 30], "A"), sections([0.0, 10, 30], "AB"))
    assert "boundary_f_05" not in scores
    assert scores["pairwise_f"] < 1


def test_sections_elsewhere_are_wrong_and_none_are_no_reference():
    true = sections([0.0, 10, 20], "AB")
    assert section_scores(true, sections([30.0, 40], "A"))["boundary_f_3"] == 0
    with pytest.raises(ParameterError, match="holds no sections"):
        section_scores(Segments(np.empty((0, 2)), (), kind="section"), true)
