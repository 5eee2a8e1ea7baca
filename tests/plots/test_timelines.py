"""Pictures over time: each is where its annotation says, to a pixel or a frame."""

import io
from itertools import pairwise

import numpy as np
import pytest
import signals
from matplotlib.backends.backend_agg import FigureCanvasAgg

import mirkit
from mirkit.activations import Activations, Features, Head
from mirkit.annotation import Analysis, Beats, Caption, Events, Key, Segments, Tags, Tempo
from mirkit.audio import Track
from mirkit.cli import main
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.metrics.tag import precision_recall
from mirkit.plots import plot_precision_recall
from mirkit.plots.lanes import MOST_ROWS, shown_label
from mirkit.plots.palette import color_of_chord, color_of_key
from mirkit.plots.waveform import BPMS, RATE, envelope, tempogram

AT = np.array([0.6, 1.2134, 2.9, 3.5])
CLICKS = signals.ticks(AT, 4.0, RATE)
BEATS = Beats(AT, positions=[1, 2, 1, 2], confidence=[0.9, 0.8, 0.7, 0.9])
SPANS = np.stack([AT, AT + 0.25], 1)
OFFSET = 0.02
"""What every test of this file would see [s]."""


def lane(figure, name):
    return next(ax for ax in figure.axes if ax.get_ylabel() == name)


def collection(ax, label=None):
    return next(c for c in ax.collections if label is None or c.get_label() == label)


def pixels(figure):
    """The picture, shape (height, width, 4), and its renderer's height."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


def columns_of(ax, picture):
    """The part of the picture that an axes covers, and the second of each of its columns."""
    box = ax.get_window_extent()
    rows = slice(picture.shape[0] - int(box.y1) + 1, picture.shape[0] - int(box.y0) - 1)
    x = np.arange(int(box.x0) + 2, int(box.x1) - 2)
    seconds = ax.transData.inverted().transform(np.stack([x + 0.5, 0 * x], 1))[:, 0]
    return picture[rows, x], seconds


def first_columns(dark, seconds, gap=0.2):
    """The seconds at which dark columns begin after `gap` seconds of light ones."""
    found = seconds[dark]
    return found[np.diff(found, prepend=-gap) >= gap]


def test_the_waveform_on_the_screen_is_in_time():
    figure = mirkit.plot(CLICKS, view="waveform")
    part, seconds = columns_of(figure.axes[0], pixels(figure))
    high = (part[: part.shape[0] // 3, :, :3].sum(2) < 700).any(0)  # far from the middle
    assert first_columns(high, seconds) == pytest.approx(AT, abs=OFFSET / 2)


def test_beats_on_the_screen_are_in_time():
    figure = mirkit.plot(CLICKS, BEATS)
    part, seconds = columns_of(lane(figure, "beats"), pixels(figure))
    ticks = (part[-12:, :, :3].sum(2) < 600).all(0)
    assert first_columns(ticks, seconds) == pytest.approx(AT, abs=OFFSET / 4)


def test_a_part_is_drawn_at_its_own_time():
    figure = mirkit.plot(CLICKS, BEATS, start=2.5, end=3.2)
    part, seconds = columns_of(figure.axes[0], pixels(figure))
    high = (part[: part.shape[0] // 3, :, :3].sum(2) < 700).any(0)
    assert first_columns(high, seconds) == pytest.approx([2.9], abs=OFFSET / 2)
    assert figure.axes[-1].get_xlim() == (2.5, 3.2)


def test_columns_of_the_envelope_stand_where_their_samples_are():
    times, low, high, rms = envelope(CLICKS, 2000)
    loud = np.flatnonzero(np.maximum(high, -low) > 0.1)
    assert first_columns(np.isin(np.arange(2000), loud), times) == pytest.approx(AT, abs=0.004)
    assert (rms <= np.maximum(high, -low) + 1e-9).all()


def test_the_spectrogram_is_in_time():
    figure = mirkit.plot(CLICKS, view="spectrogram")
    (image,) = figure.axes[0].images
    left, right, *_ = image.get_extent()
    power = np.asarray(image.get_array()).astype(float)
    edges = np.linspace(left, right, power.shape[1] + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    for time in AT:
        near = np.abs(middles - time) < 0.15
        loudness = (10 ** (power[:, near] / 10)).sum(0)
        assert middles[near][loudness.argmax()] == pytest.approx(time, abs=OFFSET / 2)


@pytest.mark.parametrize("bpm", [70, 120, 174])
def test_the_tempogram_is_highest_at_the_tempo(bpm):
    audio = signals.click_track(bpm, n_beats=round(bpm / 4), sample_rate=RATE)
    times, strength = tempogram(audio)
    middle = strength[:, (times > 5) & (times < 10)].mean(1)
    near = (bpm * 0.8 < BPMS) & (bpm * 1.25 > BPMS)
    assert BPMS[near][middle[near].argmax()] == pytest.approx(bpm, rel=0.02)


def test_the_tempo_path_is_the_tempo_between_beats():
    beats = Beats([1.0, 1.5, 2.0, 2.4, 2.8])
    figure = mirkit.plot(CLICKS, beats, view="tempogram")
    line = next(line for line in figure.axes[0].lines if line.get_label() == "tempo")
    assert line.get_xdata() == pytest.approx([1.25, 1.75, 2.2, 2.6])
    assert line.get_ydata() == pytest.approx([120, 120, 150, 150])


def test_lanes_hold_beats_chords_keys_sections_events_and_notes():
    found = Analysis(
        {
            "beats": BEATS,
            "chords": Segments(SPANS, ("C:maj", "A:min7", "N", "G:7"), kind="chord"),
            "key": Key("A minor"),
            "sections": Segments(SPANS, ("A", "B", "A", "C"), kind="section"),
            "events": Events(SPANS, ("bark", "rain", "bark", None), [1, 0.5, 0.2, 0.9]),
            "notes": Events(SPANS, ("60", "64", "67", "72"), kind="note"),
            "tags": Tags(("music",), [0.5]),
        }
    )
    figure = mirkit.plot(found)
    names = [ax.get_ylabel() for ax in figure.axes]
    assert names == ["beats", "chords", "key", "sections", "events", "notes"]
    down = collection(lane(figure, "beats"), "downbeats").get_segments()
    assert [segment[0, 0] for segment in down] == pytest.approx(AT[[0, 2]])
    for name in ("chords", "sections"):
        boxes = collection(lane(figure, name)).get_paths()
        edges = [(p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in boxes]
        assert edges == pytest.approx(SPANS.ravel().reshape(-1, 2))
    rolled = collection(lane(figure, "notes")).get_segments()
    assert np.array(rolled)[:, :, 0] == pytest.approx(SPANS)
    assert np.array(rolled)[:, 0, 1].tolist() == [60, 64, 67, 72]
    barks = lane(figure, "events").collections[0].get_segments()
    assert np.array(barks)[:, :, 0] == pytest.approx(SPANS[[0, 2]])
    shown = [text.get_text() for text in lane(figure, "chords").texts]
    assert shown == ["C", "G7"] or shown == ["C", "Am7", "G7"]


def test_bars_are_numbered_as_closely_as_there_is_room():
    times = 0.5 * np.arange(1200)
    beats = Beats(times, positions=[1 + i % 4 for i in range(1200)])
    figure = mirkit.plot(beats)
    texts = [int(text.get_text()) for text in lane(figure, "beats").texts]
    assert texts[0] == 1
    assert len(set(np.diff(texts))) == 1
    assert 8 < len(texts) < 40
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in lane(figure, "beats").texts]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_only_the_most_frequent_events_have_rows():
    labels = tuple(f"sound {i % 30}" for i in range(90))
    spans = np.stack([np.arange(90.0), np.arange(90.0) + 0.5], 1)
    figure = mirkit.plot(Events(spans, labels))
    assert len(lane(figure, "events").get_yticks()) == MOST_ROWS


def test_a_reference_and_an_estimate_have_lanes_of_their_own():
    figure = mirkit.plot(CLICKS, {"reference": BEATS, "estimate": Beats(AT + 0.01)})
    assert [ax.get_ylabel() for ax in figure.axes] == ["", "reference", "estimate"]


def test_activations_are_in_time_and_of_their_classes():
    grid = FrameGrid.from_fps(100)
    curve = signals.click_activation(AT, duration=4.0)[:, None]
    wide = np.zeros((len(curve), 30))
    wide[np.rint(AT * 100).astype(int), 17] = 1
    heads = {
        "beat": Head(curve, ("beat",), grid),
        "tag": Head(wide, tuple(f"c{i}" for i in range(30)), grid),
        "tempo": Head(np.full((1, 20), 0.05), tuple(map(str, range(20))), None, "softmax"),
    }
    figure = mirkit.plot(Activations(heads), BEATS)
    line, image, bars = figure.axes
    x, y = line.lines[0].get_data()
    assert x[1:-1][(y[1:-1] > 0.5) & (y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:])] == pytest.approx(
        AT, abs=0.006
    )
    drawn = collection(line, "beats").get_segments()
    assert [segment[0, 0] for segment in drawn] == pytest.approx(AT)
    (picture,) = image.images
    left, right, *_ = picture.get_extent()
    column = np.flatnonzero(np.asarray(picture.get_array()).max(0))
    period = (right - left) / len(curve)
    assert left + (column + 0.5) * period == pytest.approx(AT, abs=0.006)
    assert "c17" in [label.get_text() for label in image.get_yticklabels()]
    assert len(bars.patches) == 8


def test_features_are_in_time():
    values = np.zeros((400, 5), np.float32)
    values[290, 2] = 1
    figure = mirkit.plot(Features(values, FrameGrid.from_fps(100, start=0.05), "mel"))
    (image,) = figure.axes[0].images
    left, right, *_ = image.get_extent()
    assert left + 290.5 * (right - left) / 400 == pytest.approx(2.95, abs=1e-6)


def test_tags_and_tempi_are_bars_in_order():
    figure = mirkit.plot(Tags(("rain", "wind", "dog"), [0.2, 0.9, 0.5]))
    (ax,) = figure.axes
    assert [bar.get_width() for bar in ax.patches] == [0.9, 0.5, 0.2]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["wind", "dog", "rain"]
    tempo = mirkit.plot(Tempo(120.0, 0.9, ((120.0, 0.7), (60.0, 0.3))))
    assert [bar.get_width() for bar in tempo.axes[0].patches] == [0.7, 0.3]


def test_precision_recall_curves_are_those_of_the_metric():
    (curve,) = precision_recall([[0.9], [0.4], [0.3], [0.2]], [[1], [0], [1], [0]])
    (line,) = plot_precision_recall({"rain": curve}).axes[0].lines
    assert np.array_equal(line.get_data(), (curve.recall, curve.precision))


def test_the_recording_of_an_analysis_is_drawn_where_it_is_still_there(demo_piece, tmp_path):
    known = {"beats": BEATS}
    assert len(mirkit.plot(Analysis(known, Track(demo_piece)), end=2.0).axes) == 2
    assert len(mirkit.plot(Analysis(known, Track(tmp_path / "gone.wav"))).axes) == 1


def test_relative_keys_are_near_and_no_chord_is_gray():
    assert shown_label("A:min7/b3", "chord") == "Am7/b3"
    gray = color_of_chord("N")
    assert max(gray) - min(gray) < 0.05
    assert color_of_key("C major") == color_of_chord("C:maj")
    assert color_of_key("A minor") == color_of_chord("A:min")


@pytest.mark.parametrize(
    ("draw", "error"),
    [
        (lambda: mirkit.plot(CLICKS, view="waves"), UnknownName),
        (lambda: mirkit.plot(CLICKS, start=2, end=1), ParameterError),
        (lambda: mirkit.plot(CLICKS, Caption("a song")), ParameterError),
        (lambda: mirkit.plot(Tags((), [])), ParameterError),
        (lambda: mirkit.plot(Activations({})), ParameterError),
        (lambda: mirkit.plot(Analysis({"tags": Tags(("a",), [1.0])})), ParameterError),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, error):
    with pytest.raises(error):
        draw()


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_command_writes_a_picture(suffix, magic, demo_piece, tmp_path):
    known = tmp_path / "known.beats"
    mirkit.save(BEATS, known)
    file = tmp_path / f"x{suffix}"
    args = ["plot", demo_piece, "-o", file, "--annotation", known, "--end", "4"]
    assert main(list(map(str, args))) == 0
    assert file.read_bytes().startswith(magic)


def test_the_command_refuses_an_unknown_suffix(capsys):
    with pytest.raises(SystemExit):
        main(["plot", "song.mp3", "-o", "song.gif"])
    assert ".png" in capsys.readouterr().err


def test_the_command_draws_activations_with_what_was_decoded(demo_piece, tmp_path):
    file = tmp_path / "a.svg"
    args = ["plot", demo_piece, "-o", file, "--view", "activations", "--model", "tempogram"]
    assert main(list(map(str, args))) == 0
    assert b"<svg" in file.read_bytes()


def test_figures_are_written_as_vectors_too():
    file = io.BytesIO()
    mirkit.plot(CLICKS, BEATS).savefig(file, format="svg")
    assert b"<svg" in file.getvalue()
