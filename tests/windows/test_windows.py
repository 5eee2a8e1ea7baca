from fractions import Fraction

import numpy as np
import pytest

from mirkit import windows
from mirkit.activations import HeadSpec
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.windows import Context, Overlap

GRID = FrameGrid(Fraction(100), start=0.25)
BEFORE, AFTER = 3, 2


def frames(n, seed=0):
    return np.random.default_rng(seed).normal(0, 0.5, (n, 1)).astype(np.float32)


def smooth(batch):
    """A network whose numbers a reader can check: sums over neighbors, a mean over the clip."""
    found = {"beat": [], "tempo": []}
    for window in batch:
        padded = np.pad(window.values[:, 0], (BEFORE, AFTER))
        total = np.convolve(padded, np.ones(BEFORE + 1 + AFTER), "valid")
        first, last = map(int, window.kept)
        pooled = total[first:last].mean()
        found["beat"].append(total)
        found["tempo"].append([pooled, -pooled])
    return {name: np.array(rows, np.float32) for name, rows in found.items()}


def probable(kind):
    """The same network with probabilities for the clip."""

    def net(batch):
        found = smooth(batch)
        odds = np.exp(found["tempo"])
        share = odds / odds.sum(1, keepdims=True) if kind == "softmax" else odds / (1 + odds)
        return found | {"tempo": share.astype(np.float32)}

    return net


def specs(kind="softmax_logits"):
    return {
        "beat": HeadSpec(("beat",), "sigmoid_logits"),
        "tempo": HeadSpec(("up", "down"), kind, "clip"),
    }


def cut_at(values, cuts):
    return np.split(values, sorted({min(cut, len(values)) for cut in cuts}))


@pytest.mark.parametrize("n_frames", [1, 7, 20, 39, 40, 41, 200])
@pytest.mark.parametrize("hop", [1, 2, 7, 20, 500])
@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "softmax_logits"])
def test_windows_with_context_give_what_the_whole_gives(n_frames, hop, kind):
    net = smooth if kind.endswith("logits") else probable(kind)
    values = frames(n_frames)
    whole = windows.run(Context(n_frames, BEFORE, AFTER), [values], net, specs(kind), GRID)
    for pieces in ([values], cut_at(values, [1, 5, 6, 50])):
        found = windows.run(Context(hop, BEFORE, AFTER), pieces, net, specs(kind), GRID)
        assert list(found) == ["beat", "tempo"]
        for name, head in whole.items():
            assert found[name].grid == head.grid
            assert found[name].kind == head.kind
            np.testing.assert_allclose(found[name].values, head.values, rtol=0, atol=1e-5)


def lengths(strategy, n_frames, piece=None):
    values = frames(n_frames)
    pieces = [values] if piece is None else np.array_split(values, -(-n_frames // piece))
    return [len(window) for window in strategy.cut(pieces)]


@pytest.mark.parametrize("piece", [None, 1, 9, 64])
def test_windows_bound_what_the_network_sees_at_once(piece):
    strategy = Context(20, BEFORE, AFTER)
    assert lengths(strategy, 100, piece) == [22, 26, 30, 26, 28]  # begun at multiples of 8
    assert lengths(strategy, 25, piece) == [25], "a window with its context is as long"


def test_too_little_context_is_noticed_by_the_comparison():
    values = frames(100)
    whole = windows.run(Context(100, 3, 2), [values], smooth, specs(), GRID)["beat"].values
    short = windows.run(Context(20, 3, 1), [values], smooth, specs(), GRID)["beat"].values
    assert np.abs(whole - short).max() > 0.01


def slower(n):
    return lambda batch: {"key": np.stack([window.values[::n] for window in batch])}


@pytest.mark.parametrize("n_frames", [100, 101, 117])
def test_a_head_with_fewer_rows_is_joined(n_frames):
    spec = {"key": HeadSpec(("beat",), "sigmoid", step=Fraction(2), first=0.5)}
    values = np.abs(frames(n_frames)).clip(0, 1)
    whole = windows.run(Context(500, 3, 2), [values], slower(2), spec, GRID)
    assert windows.run(Context(20, 3, 2), [values], slower(2), spec, GRID) == whole
    assert whole["key"].grid == FrameGrid(Fraction(50), 0.25 + 0.005)


def test_rows_that_windows_do_not_meet_are_refused():
    for hop, step in ((20, 3), (21, 2)):
        spec = {"key": HeadSpec(("beat",), "sigmoid", step=Fraction(step))}
        with pytest.raises(ParameterError, match=rf"row for {step} frames, and windows add {hop}"):
            windows.run(Context(hop, 3, 2), [frames(100)], slower(step), spec, GRID)


def test_nothing_is_refused():
    with pytest.raises(ParameterError, match="empty"):
        windows.run(Context(20, 3, 2), [], smooth, specs(), GRID)
    with pytest.raises(ParameterError, match="hop is 0"):
        Context(0, 1, 1)


def mean_of(batch):
    return {
        "tags": np.stack([window.values.mean(0) for window in batch]),
        "frames": np.stack([window.values for window in batch]),
    }


@pytest.mark.parametrize("n", [1, 3, 4, 5, 8, 23])
@pytest.mark.parametrize("n_batch", [1, 3])
def test_overlapping_windows_are_averaged_by_their_length(n, n_batch):
    values = np.random.default_rng(1).random((n, 1)).astype(np.float32)
    heads = {
        "tags": HeadSpec(("Dog",), "sigmoid", "clip"),
        "frames": HeadSpec(("Dog",), "sigmoid"),
        "each": HeadSpec((), "embedding", "window", output="tags"),
    }
    strategy = Overlap(4, 3)
    parts = [values[start : start + 4] for start in range(0, max(n - 1, 1), 3)]
    weights = [len(part) for part in parts]
    expected = np.average([part.mean() for part in parts], weights=weights)
    for pieces in ([values], cut_at(values, [2, 3, 9])):
        found = windows.run(strategy, pieces, mean_of, heads, GRID, n_batch)
        assert found["tags"].values[0, 0] == pytest.approx(expected, abs=1e-6)
        np.testing.assert_array_equal(found["frames"].values, values)
        assert found["each"].values.shape == (len(parts), 1)
        assert found["each"].grid.rate == Fraction(100, 3)
