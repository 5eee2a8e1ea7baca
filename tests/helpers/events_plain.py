"""Sound event metrics by plain loops: a detection at a time, a threshold at a time."""

import numpy as np


def detections(scores, edges, threshold):
    """Runs of frames whose score exceeds the threshold, as (start, end) [s]."""
    found, start = [], None
    for i, score in enumerate([*scores, -np.inf]):
        if score > threshold and start is None:
            start = edges[i]
        elif score <= threshold and start is not None:
            found.append((start, edges[i]))
            start = None
    return found


def overlap(a, b):
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0]))


def union(spans):
    out = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def counts(found, truths, label, settings):
    """True and false positives of one class of one recording, and cross-triggers by class."""
    mine = truths.get(label, [])
    right, wrong = [], []
    for each in found:
        share = sum(overlap(each, span) for span in mine) / (each[1] - each[0])
        (right if mine and round(share, 6) >= settings.dtc else wrong).append(each)
    true = 0
    for span in mine:
        covered = sum(overlap(span, each) for each in right)
        true += covered > 0 and round(covered / (span[1] - span[0]), 6) >= settings.gtc
    crossed = {}
    for other, spans in truths.items():
        if other != label and settings.cttc is not None:
            for each in wrong:
                share = sum(overlap(each, span) for span in spans) / (each[1] - each[0])
                crossed[other] = crossed.get(other, 0) + (round(share, 6) >= settings.cttc)
    return true, len(wrong), crossed


def psds(scores, references, durations, settings):
    """The score of (values, edges, labels) tables, one operating point for each score."""
    labels = next(iter(scores.values())).labels
    truths = {
        name: {
            label: union(
                [
                    tuple(span)
                    for span, own in zip(events.intervals, events.labels, strict=True)
                    if own == label
                ]
            )
            for label in set(events.labels)
        }
        for name, events in references.items()
    }
    total = sum(durations.values())
    lengths = {
        label: sum(end - start for truth in truths.values() for start, end in truth.get(label, []))
        for label in labels
    }
    curves = []
    for label in labels:
        n_true = sum(len(truth.get(label, [])) for truth in truths.values())
        points = []
        values = {x for t in scores.values() for x in t.values[:, t.labels.index(label)]}
        for threshold in [*sorted(values)[:-1], min(values) - 1]:
            true, false, crossed = 0, 0, {}
            for name, table in scores.items():
                column = table.values[:, table.labels.index(label)]
                found = detections(column, table.edges, threshold)
                some, wrong, across = counts(found, truths[name], label, settings)
                true, false = true + some, false + wrong
                for other, n in across.items():
                    crossed[other] = crossed.get(other, 0) + n
            rates = [crossed.get(o, 0) / max(lengths[o], 1e-12) for o in labels if o != label]
            crossing = settings.alpha_ct * np.mean(rates) if settings.alpha_ct else 0.0
            points.append((3600 * (false / total + crossing), true / max(n_true, 1)))
        curves.append(staircase(points, settings))
    steps = sorted({x for curve in curves for x, _ in curve} | {0.0})
    area = 0.0
    for start, end in zip(steps, [*steps[1:], settings.max_efpr], strict=True):
        heights = [height(curve, start) for curve in curves]
        value = np.mean(heights) - settings.alpha_st * np.std(heights)
        area += (end - start) * max(value, 0.0)
    return area / settings.max_efpr


def staircase(points, settings):
    best, curve = 0.0, {}
    for x, y in sorted((round(x, 9), y) for x, y in points):
        if x > settings.max_efpr:
            break
        best = y if settings.non_oracle else max(best, y)
        curve[x] = best
    return sorted(curve.items())


def height(curve, x):
    return next((y for at, y in reversed(curve) if at <= x), 0.0)


def n_matched(near):
    """Size of the largest matching, by trying all pairings of rows with columns."""
    if not near:
        return 0
    row, *rest = near
    without = n_matched(rest)
    used = [
        1 + n_matched([[x and j != i for j, x in enumerate(other)] for other in rest])
        for i, x in enumerate(row)
        if x
    ]
    return max([without, *used])
