import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter

from mirkit.decoding.threshold import Span, SpanFinder, SpanRule, find_boxes, find_spans
from mirkit.errors import ParameterError


def plain_spans(scores, high, low, lengths, max_gap, min_length):
    """Spans by plain loops over frames, after scipy's median filter."""
    found = []
    for column in range(scores.shape[1]):
        curve = median_filter(scores[:, column], lengths[column], mode="nearest")
        runs, run = [], []
        for i, score in enumerate([*curve, -np.inf]):
            if score > low[column]:
                run.append(i)
            elif run:
                if max(curve[j] for j in run) > high[column]:
                    runs.append(run)
                run = []
        groups = []
        for run in runs:
            if groups and run[0] - groups[-1][-1] - 1 <= max_gap:
                groups[-1] = groups[-1] + run
            else:
                groups.append(run)
        for group in groups:
            if group[-1] + 1 - group[0] >= min_length:
                mean = np.mean([curve[j] for j in group])
                found.append((column, group[0], group[-1] + 1, round(float(mean), 9)))
    return sorted(found, key=lambda span: (span[1], span[0]))


def rounded(spans):
    return [(s.column, s.start, s.end, round(s.score, 9)) for s in spans]


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k = int(rng.integers(1, 40)), int(rng.integers(1, 4))
    scores = rng.integers(0, 6, (n, k)) / 5
    high = rng.uniform(0.2, 0.9, k)
    low = high * rng.uniform(0.3, 1, k)
    lengths = rng.choice([1, 3, 5], k)
    return scores, high, low, lengths, int(rng.integers(0, 4)), int(rng.integers(1, 4)), rng


@settings(max_examples=150, deadline=None)
@given(cases())
def test_spans_equal_their_plain_twin_whole_and_in_blocks(case):
    scores, high, low, lengths, max_gap, min_length, rng = case
    rule = SpanRule(high, low, lengths, max_gap, min_length)
    expected = plain_spans(scores, high, low, lengths, max_gap, min_length)
    assert rounded(find_spans(scores, rule)) == expected
    finder, found, at, seen_at = SpanFinder(rule, scores.shape[1]), [], 0, {}
    while at < len(scores):
        block = scores[at : at + int(rng.integers(1, 8))]
        at += len(block)
        for span in finder.push(block):
            found.append(span)
            seen_at[span] = at - len(block)
    found += finder.flush()
    assert rounded(sorted(found, key=lambda span: (span.start, span.column))) == expected
    if max_gap == 0 or np.all(low == high):
        for span, before in seen_at.items():  # the frames before the block did not tell it
            assert before < span.end + rule.delay


def test_a_span_is_found_after_the_stated_delay():
    rule = SpanRule(0.5, median=3, max_gap=2)
    finder = SpanFinder(rule, 1)
    curve = [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    when = next(i for i, x in enumerate(curve) if finder.push(np.array([[float(x)]])))
    assert when + 1 - 5 == rule.delay == 4


def test_hysteresis_keeps_what_is_strong_somewhere():
    scores = np.array([0.3, 0.6, 0.3, 0.1, 0.3, 0.3])[:, None]
    assert [(s.start, s.end) for s in find_spans(scores, SpanRule(0.5, low=0.2))] == [(0, 3)]
    assert [(s.start, s.end) for s in find_spans(scores, SpanRule(0.5))] == [(1, 2)]


def test_nothing_gives_nothing():
    assert find_spans(np.empty((0, 3)), SpanRule(median=3)) == []
    assert find_spans(np.zeros((5, 3)), SpanRule()) == []
    assert find_boxes(np.empty((0, 2))) == []
    assert find_boxes(np.zeros((9, 2))) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"median": 4}, "odd number"),
        ({"high": 0.2, "low": 0.5}, "swapped"),
        ({"max_gap": -1}, "max_gap is -1"),
        ({"min_length": 0.5}, "min_length"),
    ],
)
def test_rules_say_what_is_wrong(settings, message):
    with pytest.raises(ParameterError, match=message):
        SpanRule(**settings)


def test_thresholds_belong_to_the_classes():
    with pytest.raises(ParameterError, match="high holds 2 numbers, and there are 3 classes"):
        find_spans(np.zeros((2, 3)), SpanRule((0.5, 0.4)))


def test_boxes_lie_at_changes_whatever_the_level():
    scores = np.repeat([0.05, 0.9, 0.05, 0.25, 0.05], 12)[:, None]
    boxes = find_boxes(scores)
    assert [(box.start, box.end) for box in boxes] == [(12, 24), (36, 48)]
    assert [box.score for box in boxes] == pytest.approx([0.9, 0.25])


def test_boxes_reach_to_the_ends_of_the_recording():
    assert find_boxes(np.full((20, 1), 0.6)) == [Span(0, 0, 20, pytest.approx(0.6))]


def test_a_dip_divides_a_box_only_where_it_is_deep():
    curve = np.repeat([0.0, 0.8, 0.7, 0.8, 0.0], 10)[:, None]
    assert [(b.start, b.end) for b in find_boxes(curve)] == [(10, 40)]
    curve[20:30] = 0.2
    assert [(b.start, b.end) for b in find_boxes(curve)] == [(10, 20), (30, 40)]


def test_boxes_survive_noise():
    rng = np.random.default_rng(0)
    curve = np.repeat([0.1, 0.7, 0.1], 40) + rng.normal(scale=0.05, size=120)
    (box,) = find_boxes(np.clip(curve, 0, 1)[:, None], threshold=0.3)
    assert abs(box.start - 40) <= 2
    assert abs(box.end - 80) <= 2
