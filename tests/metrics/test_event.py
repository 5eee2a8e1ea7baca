import csv
from dataclasses import replace

import events_plain
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.activations import Head
from mirkit.annotation import Events
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.metrics.event import (
    clip_counts,
    collar_counts,
    error_rate,
    event_scores,
    intersection_counts,
    segment_counts,
)
from mirkit.metrics.psds import (
    PSDS1,
    PSDS2,
    PSDSSettings,
    ScoreTable,
    find_runs,
    merge_overlaps,
    psds,
)

ABC = ("a", "b", "c")


def events(*rows):
    rows = sorted(rows)
    return Events(np.array([row[:2] for row in rows]).reshape(-1, 2), tuple(r[2] for r in rows))


def decided(scores, threshold):
    """Events where scores exceed a threshold, by plain loops."""
    return {
        name: events(
            *(
                (*span, label)
                for i, label in enumerate(table.labels)
                for span in events_plain.detections(table.values[:, i], table.edges, threshold)
            )
        )
        for name, table in scores.items()
    }


def lines_of(path):
    return list(csv.reader(path.read_text().splitlines(), delimiter="\t"))


@pytest.fixture(scope="module")
def golden(data_dir):
    """Scores, references and durations of 20 clips of a published baseline."""
    root = data_dir / "sed_golden"
    scores, rows = {}, {}
    for path in sorted((root / "baseline2_run1_scores").glob("*.tsv")):
        (_, _, *labels), *lines = lines_of(path)
        table = np.array(lines, dtype=float)
        scores[path.stem] = ScoreTable(table[:, 2:], [*table[:, 0], table[-1, 1]], tuple(labels))
        rows[path.stem] = []
    for file, start, end, label in lines_of(root / "metadata/ground_truth.tsv")[1:]:
        name = file.removesuffix(".wav")
        if name in rows and start:
            rows[name].append((float(start), float(end), label))
    lengths = lines_of(root / "metadata/audio_durations.tsv")[1:]
    durations = {file.removesuffix(".wav"): float(length) for file, length in lengths}
    return scores, {name: events(*each) for name, each in rows.items()}, durations


@pytest.fixture(scope="module")
def random_set():
    """The second golden set, made by its rule."""
    rng = np.random.default_rng(0)
    scores, truth = {}, {}
    for i in range(20):
        x = rng.random((100, 3))
        smooth = np.stack([np.convolve(column, np.ones(9) / 9, "same") for column in x.T], axis=1)
        rows = []
        for label in ABC:
            if rng.random() < 0.6:
                onset = round(rng.uniform(0, 8), 1)
                rows.append((onset, round(onset + rng.uniform(0.5, 2), 1), label))
        scores[f"f{i}"] = ScoreTable(smooth, np.arange(101) * 0.1, ABC)
        truth[f"f{i}"] = events(*rows)
    return scores, truth, dict.fromkeys(scores, 10.0)


def test_psds1_of_the_golden_scores(golden):
    found = psds(*golden, PSDS1)
    assert found.value == pytest.approx(0.2697432830, abs=1e-9)
    by_class = [0.405455, 0.88, 1, 0.118333, 0.266316, 1, 0.492, 0.391429, 0.738438, 0.5]
    assert list(found.by_class.values()) == pytest.approx(by_class, abs=1e-6)
    assert next(iter(found.by_class)) == "Alarm_bell_ringing"


def test_psds2_of_the_golden_scores(golden):
    found = psds(*golden, PSDS2)
    assert found.value == pytest.approx(0.5810546313, abs=1e-9)
    by_class = [1, 0.782854, 1, 0.632018, 0.850507, 1, 0.754383, 0.585714, 0.942862, 0.5]
    assert list(found.by_class.values()) == pytest.approx(by_class, abs=1e-6)


def test_psds_of_the_random_set(random_set):
    assert psds(*random_set, replace(PSDS1, max_efpr=3600)).value == pytest.approx(
        0.0909722536, abs=1e-9
    )
    assert psds(*random_set, replace(PSDS2, max_efpr=3600)).value == pytest.approx(
        0.8314182152, abs=1e-9
    )


def test_decisions_of_the_golden_scores(golden):
    scores, truth, durations = golden
    found = decided(scores, 0.5)
    labels = next(iter(scores.values())).labels
    collar = collar_counts(truth, found, labels)
    assert (collar.macro, collar.micro) == pytest.approx((0.446973, 0.559387), abs=1e-6)
    by_class = [0.315789, 0.5, 1, 0.162162, 0, 0.75, 0.444444, 0.545455, 0.75188, 0]
    assert collar.f_measure.tolist() == pytest.approx(by_class, abs=1e-6)
    crossing = intersection_counts(truth, found, labels)
    assert (crossing.macro, crossing.micro) == pytest.approx((0.666178, 0.736), abs=1e-6)
    segment = segment_counts(truth, found, durations, labels)
    assert (segment.macro, segment.micro) == pytest.approx((0.708571, 0.78727), abs=1e-6)


def some_scores(seed, n_files=3, levels=6):
    """Scores of few levels, so that many are equal, and events whose ends often meet the frames."""
    rng = np.random.default_rng(seed)
    scores, truth = {}, {}
    for i in range(n_files):
        n = int(rng.integers(1, 25))
        edges = np.concatenate([[0], np.cumsum(rng.choice([0.1, 0.2, 0.3], n))])
        scores[str(i)] = ScoreTable(rng.integers(0, levels, (n, 3)) / levels, edges, ABC)
        rows = []
        for _ in range(rng.integers(0, 5)):
            start = round(float(rng.choice(edges[:-1])), 1)
            rows.append((start, start + float(rng.choice([0.1, 0.3, 0.7, 1.0])), rng.choice(ABC)))
        truth[str(i)] = events(*rows)
    return scores, truth, {name: float(table.edges[-1]) for name, table in scores.items()}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([PSDS1, PSDS2]), st.booleans())
def test_psds_equals_its_plain_twin(seed, scenario, non_oracle):
    rng = np.random.default_rng(seed)
    chosen = replace(scenario, max_efpr=float(rng.choice([100, 3600])), non_oracle=non_oracle)
    given = some_scores(seed)
    assert psds(*given, chosen).value == pytest.approx(events_plain.psds(*given, chosen), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_runs_are_the_detections_of_every_threshold(levels):
    runs = find_runs(np.array(levels, dtype=float)[:, None])
    for threshold in (-1, 0, 1, 2.5, 4, 5):
        alive = (runs.low <= threshold) & (threshold < runs.high)
        found = sorted(zip(runs.start[alive].tolist(), runs.end[alive].tolist(), strict=True))
        assert found == events_plain.detections(levels, range(len(levels) + 1), threshold)
    assert len(runs.start) <= len(levels)


def test_psds_equals_sed_scores_eval(random_set):
    theirs = pytest.importorskip("sed_scores_eval", reason="sed_scores_eval does not build here")
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    for seed in range(20):
        scores, truth, durations = some_scores(seed, n_files=12, levels=50)
        frames = {
            name: create_score_dataframe(table.values, table.edges, list(ABC))
            for name, table in scores.items()
        }
        rows = {
            name: [
                (start, end, label)
                for label in ABC
                for start, end in merge_overlaps(
                    each.intervals.round(6)[np.array(each.labels) == label]
                )
            ]
            for name, each in truth.items()
        }
        for scenario in (PSDS1, PSDS2):
            (value, *_) = theirs.intersection_based.psds(
                scores=frames, ground_truth=rows, audio_durations=durations,
                dtc_threshold=scenario.dtc, gtc_threshold=scenario.gtc,
                cttc_threshold=scenario.cttc, alpha_ct=scenario.alpha_ct, alpha_st=1.0,
                max_efpr=3600.0,
            )  # fmt: skip
            ours = psds(scores, truth, durations, replace(scenario, max_efpr=3600.0)).value
            assert ours == pytest.approx(value, abs=1e-6)


def test_classes_without_events_and_empty_files_count_in_psds():
    table = ScoreTable(np.array([[0.1, 0.5], [0.9, 0.5]]), np.arange(3.0), ("a", "b"))
    truth = {"x": events((1, 2, "a")), "y": events()}
    scores = {"x": table, "y": ScoreTable(np.zeros((2, 2)), np.arange(3.0), ("a", "b"))}
    lengths = {"x": 2.0, "y": 2.0}
    found = psds(scores, truth, lengths)
    assert found.by_class == {"a": 1.0, "b": 0.0}
    assert found.value == 0.0  # mean .5 less a spread of .5
    assert psds(scores, truth, lengths, labels=("a",)).value == 1.0


def test_overlapping_references_of_a_class_are_one_event():
    table = ScoreTable(np.array([[0.1], [0.9], [0.9], [0.1]]), np.arange(5.0), ("a",))
    truth = {"x": events((1, 2.5, "a"), (1.5, 3, "a"))}
    assert psds({"x": table}, truth, {"x": 4.0}).value == 1.0


def test_an_overlap_that_equals_the_criterion_meets_it():
    table = ScoreTable(np.array([[0.0], [1.0], [0.0]]), [0.1, 0.3, 1.3, 2.0], ("a",))
    truth = {"x": events((0.6, 1.3, "a"))}  # 0.7 of the detection
    assert psds({"x": table}, truth, {"x": 2.0}).value == 1.0


def test_a_table_of_a_head_reaches_half_way_to_its_neighbors():
    head = Head([[0.0], [1.0], [0.0]], ("a",), FrameGrid.from_fps(2, start=0.25))
    table = ScoreTable.of(head, 1.4)
    assert table.edges.tolist() == [0.0, 0.5, 1.0, 1.4]
    assert ScoreTable.of(head, 0.8).edges.tolist() == [0.0, 0.5, 0.8]


def test_psds_says_what_does_not_fit():
    table = ScoreTable(np.zeros((1, 1)), [0.0, 1.0], ("a",))
    with pytest.raises(ParameterError, match="references hold nothing for 'x'"):
        psds({"x": table}, {}, {"x": 1.0})
    with pytest.raises(ParameterError, match="no scores"):
        psds({}, {}, {})
    with pytest.raises(UnknownName, match="'b'"):
        psds({"x": table}, {"x": events()}, {"x": 1.0}, labels=("b",))
    with pytest.raises(ParameterError, match="cross-triggers need both"):
        PSDSSettings(cttc=0.3)
    with pytest.raises(ParameterError, match="no grid"):
        ScoreTable.of(Head([[0.5]], ("a",), None), 1.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_collar_matches_as_many_as_possible(seed):
    rng = np.random.default_rng(seed)

    def some():
        starts = rng.integers(0, 12, rng.integers(0, 6)) * 0.1
        return events(*((s, s + rng.integers(1, 8) * 0.1, "a") for s in starts))

    truth, found = some(), some()
    near = [
        [
            round(abs(t[0] - f[0]), 9) <= 0.2
            and round(abs(t[1] - f[1]), 9) <= round(max(0.2, 0.2 * (t[1] - t[0])), 9)
            for f in found.intervals
        ]
        for t in truth.intervals
    ]
    counts = collar_counts({"x": truth}, {"x": found}, ("a",))
    n = events_plain.n_matched(near)
    assert counts.true[0] == n
    assert (counts.false[0], counts.missed[0]) == (len(found) - n, len(truth) - n)


def test_classes_that_neither_side_holds_are_left_out_of_the_mean():
    truth, found = {"x": events((0, 1, "a"))}, {"x": events((0, 1, "a"), (3, 4, "b"))}
    counts = collar_counts(truth, found, ABC)
    assert np.isnan(counts.f_measure[2])
    assert counts.f_measure[:2].tolist() == [1.0, 0.0]
    assert counts.macro == 0.5
    assert counts.precision[:2].tolist() == [1.0, 0.0]
    assert np.isnan(collar_counts({"x": events()}, {}).macro)


def test_offsets_may_differ_by_a_share_of_long_events():
    truth, found = {"x": events((0, 10, "a"))}, {"x": events((0, 8.1, "a"))}
    assert collar_counts(truth, found).macro == 1.0
    assert collar_counts(truth, found, offset_rate=0.1).macro == 0.0
    assert collar_counts(truth, found, offset_rate=0.1, with_offsets=False).macro == 1.0


def test_error_rate_counts_substitutions_once():
    truth = {"x": events((0, 3, "a"))}
    found = {"x": events((0, 1, "a"), (1, 2, "b"), (4, 5, "b"))}
    assert error_rate(truth, found, {"x": 5.0}) == pytest.approx((1 + 1 + 1) / 3)
    assert error_rate(truth, {}, {"x": 5.0}) == 1.0
    assert np.isnan(error_rate({"x": events()}, found, {"x": 5.0}))


def test_segments_and_clips_count_activity():
    truth, found = {"x": events((0.5, 2, "a"))}, {"x": events((2, 2.5, "a"))}
    counts = segment_counts(truth, found, {"x": 2.6})
    assert (counts.true[0], counts.false[0], counts.missed[0]) == (0, 1, 2)
    assert clip_counts(truth, found).macro == 1.0
    with pytest.raises(ParameterError, match="durations hold nothing for 'x'"):
        segment_counts(truth, found, {})
    with pytest.raises(ParameterError, match="estimates hold a recording 'y'"):
        clip_counts(truth, {"y": events()})


def test_event_scores_of_one_recording():
    truth = events((0, 1, "a"), (2, 3, "b"))
    assert event_scores(truth, truth) == {
        "precision": 1, "recall": 1, "f_measure": 1, "onset_f_measure": 1,
        "intersection_f_measure": 1, "segment_f_measure": 1, "clip_f_measure": 1, "error_rate": 0,
    }  # fmt: skip
    assert event_scores(events(), events()) == {}
    assert event_scores(truth, events())["f_measure"] == 0
