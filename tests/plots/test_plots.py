import io
import subprocess
import sys

import numpy as np
import pytest

from mirkit.errors import MissingExtra, ParameterError
from mirkit.metrics.calibration import reliability
from mirkit.plots import Panel, plot_intervals, plot_ranks, plot_reliability

ROWS = ("F", "CMLt", "AMLt")
FIRST = np.array([[0.5, 0.25, 0.75], [0.75, np.nan, np.nan], [0.25, 0.375, 0.5]])
SECOND = np.array([[0.625, 0.5, 1.0], [np.nan, np.nan, np.nan], [0.5, 0.0, 0.5]])


def drawn_bars(ax):
    """What each series shows: its points, and from where to where its whiskers reach."""
    for container in ax.containers:
        points, _, (lines,) = container.lines
        yield container.get_label(), np.transpose(points.get_data()), lines.get_segments()


def test_means_stand_in_their_rows_with_whiskers_to_the_ends():
    figure = plot_intervals([Panel("all", ROWS, {"a": FIRST, "b": SECOND})], "score")
    (ax,) = figure.axes
    shown = {name: (points, segments) for name, points, segments in drawn_bars(ax)}
    assert list(shown) == ["a", "b"]
    for (name, (points, segments)), values in zip(shown.items(), (FIRST, SECOND), strict=True):
        assert np.array_equal(points[:, 0], values[:, 0], equal_nan=True), name
        assert np.array_equal(points[:, 1].round(), np.arange(3))
        for (mean, low, high), segment in zip(values, segments, strict=True):
            if not np.isnan(mean):
                ends = [np.fmin(low, mean), np.fmax(high, mean)]
                assert segment[:, 0].tolist() == ends
    assert [label.get_text() for label in ax.get_yticklabels()] == list(ROWS)
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "score"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_panels_share_an_axis_and_the_range_that_was_asked_for():
    panels = [Panel(title, ROWS, {"a": FIRST}) for title in ("all", "some")]
    figure = plot_intervals(panels, x_range=(0.0, 1.0))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["all", "some"]
    assert [ax.get_xlim() for ax in figure.axes] == [(0, 1), (0, 1)]


def test_long_names_do_not_leave_the_picture():
    name = "a system with a name of forty characters"
    figure = plot_intervals([Panel("", ROWS, {f"{name} {i}": FIRST for i in range(4)})])
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= figure.axes[0].get_window_extent().y1


def test_many_rows_are_dots_and_some_have_names():
    values = np.linspace(1, 0, 200)
    names = [f"class {i}" for i in range(200)]
    figure = plot_ranks(names, {"a": values, "b": values[::-1]}, "AP", n_named=5)
    (ax,) = figure.axes
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    for line, expected in zip(ax.lines, (values, values[::-1]), strict=True):
        assert np.array_equal(line.get_xdata(), expected)
        assert np.array_equal(line.get_ydata(), np.arange(200))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert (labels[0], labels[-1], len(labels)) == ("class 0  1", "class 199  200", 5)


def test_a_reliability_diagram_shows_its_curve_and_its_decisions():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=500)
    curve = reliability(confidence, rng.uniform(size=500) < confidence)
    figure = plot_reliability({"beats": curve})
    above, below = figure.axes
    diagonal, line = above.lines
    assert np.array_equal(*diagonal.get_data())
    assert np.array_equal(line.get_data(), (curve.confidence, curve.accuracy))
    (shares,) = below.lines
    assert np.array_equal(shares.get_data(), (curve.confidence, curve.counts / 500))
    sizes = above.collections[0].get_sizes()
    assert sizes.argmax() == curve.counts.argmax()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_intervals([]), "panels is empty"),
        (lambda: plot_intervals([Panel("", ROWS, {"a": FIRST[:2]})]), r"\(3, 3\)"),
        (lambda: plot_ranks(ROWS, {"a": [1.0]}), "1 numbers for 3 rows"),
    ],
)
def test_arrays_of_another_shape_are_refused(draw, message):
    with pytest.raises(ParameterError, match=message):
        draw()


def test_pictures_are_saved_and_pyplot_is_never_loaded():
    code = (
        "import sys, io\n"
        "from mirkit.plots import Panel, plot, plot_intervals\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plot_intervals([Panel('', ['F'], {'a': [[0.5, 0, 1]]})]).savefig(io.BytesIO())\n"
        "plot(([0.0, 0.5] * 9000, 8000)).savefig(io.BytesIO())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_are_written_as_vectors_too():
    file = io.BytesIO()
    plot_ranks(ROWS, {"a": [1.0, 0.5, 0.0]}).savefig(file, format="svg")
    assert b"<svg" in file.getvalue()


def test_without_matplotlib_the_error_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mirkit\[plot\]'"):
        plot_ranks(ROWS, {"a": [1.0, 0.5, 0.0]})
