import numpy as np
import pytest
import signals

from mirkit.activations import Activations, Head
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.music.key.decoder import decoder, pool, without_short
from mirkit.vocab import KEYS
from mirkit.vocab.keys import transpose_key
from mirkit.zoo import registry


def test_the_key_that_most_frames_say_is_the_key_and_each_stretch_has_its_own():
    key = decoder()(signals.key_activations([("C major", 40), ("D major", 20)]))
    assert key.label == "C major"
    assert key.segments.labels == ("C major", "D major")
    np.testing.assert_allclose(key.segments.intervals, [[0, 39.5], [39.5, 59.5]])
    assert key.segments.kind == "key"
    assert (key.segments.confidence > 0.9).all()


@pytest.mark.parametrize("n", range(12))
def test_every_tonic_is_found_as_well_as_c(n):
    song = [("C major", 30), ("A minor", 30), ("G major", 50)]
    moved = [(transpose_key(label, n), seconds) for label, seconds in song]
    key = decoder()(signals.key_activations(moved, noise=0.2))
    assert key.label == transpose_key("G major", n)
    assert key.segments.labels == tuple(label for label, _ in moved)


def test_a_short_stretch_in_another_key_is_no_modulation():
    song = [("C major", 30), ("G major", 3), ("C major", 30)]
    activations = signals.key_activations(song, sure=0.99)
    assert decoder().__call__(activations).segments.labels == ("C major",)
    short = decoder(min_seconds=1, weight=1.0)(activations)
    assert short.segments.labels == ("C major", "G major", "C major")


def test_short_runs_go_to_the_neighbor_that_fits():
    path = np.array([0] * 5 + [1] * 2 + [2] * 5)
    scores = np.zeros((12, 3))
    scores[5:7, 2] = 1
    assert without_short(path, scores, 3).tolist() == [0] * 5 + [2] * 7
    assert without_short(path, -scores, 3).tolist() == [0] * 7 + [2] * 5
    assert without_short(path, scores, 2).tolist() == path.tolist()
    assert without_short(path, scores, 100).tolist() == [path[-1]] * 12


def test_the_clip_head_counts_as_much_as_the_frames_together():
    frames = np.array([[0.6, 0.4]] * 3)
    np.testing.assert_allclose(pool(frames, None), [0.6, 0.4])
    np.testing.assert_allclose(pool(frames, np.array([0.4, 0.6])), [0.5, 0.5])


def test_a_clip_head_alone_gives_a_key_without_local_keys():
    row = np.full((1, 24), 0.2 / 23)
    row[0, KEYS.index("F# minor")] = 0.8
    key = decoder()(Activations({"clip_key": Head(row, KEYS, None, "softmax")}))
    assert (key.label, key.segments) == ("F# minor", None)
    assert key.confidence == pytest.approx(0.8)


def test_frames_that_say_nothing_have_no_key():
    rows = np.full((60, 24), 1 / 24)
    grid = FrameGrid.from_fps(1)
    key = decoder()(Activations({"key": Head(rows, KEYS, grid, "softmax")}))
    assert (key.label, key.confidence, key.segments) == (None, None, None)
    none = decoder()(Activations({"key": Head(rows[:0], KEYS, grid, "softmax")}))
    assert none.label is None


def test_calibration_bends_all_confidences():
    activations = signals.key_activations([("C major", 40)], sure=0.6)
    plain, bent = decoder()(activations), decoder(calibration=(0.5, 0.0))(activations)
    odds = plain.confidence / (1 - plain.confidence)
    assert bent.confidence == pytest.approx(1 / (1 + odds**-0.5))
    assert bent.segments.confidence[0] < plain.segments.confidence[0]


@pytest.mark.parametrize(
    ("heads", "error", "message"),
    [
        ({}, UnknownName, "unknown head 'key'"),
        ({"key": Head(np.zeros((2, 2)), ("a", "b"), FrameGrid.from_fps(1))}, ParameterError,
         "the 24 labels of mirkit.vocab.KEYS"),
        ({"key": Head(np.full((2, 24), 3.0), KEYS, FrameGrid.from_fps(1))}, ParameterError,
         r"key\[0, 0\] is 3; .*logits"),
        ({"key": Head(np.zeros((1, 24)), KEYS, None)}, ParameterError, "called clip_key"),
    ],
)  # fmt: skip
def test_wrong_activations_are_refused(heads, error, message):
    with pytest.raises(error, match=message):
        decoder()(Activations(heads))


def test_wrong_options_are_refused():
    with pytest.raises(UnknownName, match="Did you mean 'viterbi'"):
        decoder("viterbo")
    with pytest.raises(ParameterError, match="no option 'meter'; it has mean_seconds"):
        decoder(meter=4)
    with pytest.raises(ParameterError, match="min_seconds is 0"):
        decoder(min_seconds=0)


LEARNED = {"major": 0.5, "minor": 0.5}


def doubtful(minor, seconds=40):
    """Activations between C major and A minor, of which the second has that probability."""
    row = np.zeros(24)
    row[KEYS.index("A minor")], row[KEYS.index("C major")] = minor, 1 - minor
    frames = np.tile(row, (seconds, 1))
    heads = {
        "key": Head(frames, KEYS, FrameGrid.from_fps(1), "softmax"),
        "clip_key": Head(row[None], KEYS, None, "softmax"),
    }
    return Activations(heads)


def test_what_is_expected_decides_between_modes_that_are_near():
    activations = doubtful(0.4)
    flat, minor = (decoder(prior=prior, learned=LEARNED)(activations)
                   for prior in ("flat", {"minor": 0.8}))  # fmt: skip
    assert (flat.label, flat.segments.labels) == ("C major", ("C major",))
    assert (minor.label, minor.segments.labels) == ("A minor", ("A minor",))
    assert minor.confidence == pytest.approx(0.4 * 1.6 / (0.4 * 1.6 + 0.6 * 0.4))
    assert decoder()(activations) == flat


def test_what_was_learned_is_taken_out():
    prior = {"minor": 0.8, "major": 0.2}
    activations = signals.key_activations([("C major", 40), ("D minor", 20)], noise=0.2)
    assert decoder(prior=prior, learned=prior)(activations) == decoder()(activations)


def test_a_clear_key_is_named_whatever_is_expected():
    assert decoder(prior={"minor": 0.9})(doubtful(0.02)).label == "C major"


def test_no_prior_makes_a_key_of_nothing():
    rows = np.full((60, 24), 1 / 24)
    activations = Activations({"key": Head(rows, KEYS, FrameGrid.from_fps(1), "softmax")})
    assert decoder(prior={"minor": 0.98})(activations).label is None


def test_a_wrong_prior_is_told_before_any_recording():
    with pytest.raises(UnknownName, match="unknown mode 'dorian'"):
        decoder(prior={"dorian": 0.2})


def test_a_card_brings_prior_and_calibration_and_options_win():
    card = registry.card("key-crnn")
    shipped, flat = decoder(card=card).decoder, decoder(card=card, prior="flat").decoder
    assert (shipped.prior, shipped.learned) == ("music", card.prior)
    assert shipped.calibration == (card.confidence["slope"], card.confidence["offset"])
    curve = card.confidence["flat"]
    assert (flat.prior, flat.calibration) == ("flat", (curve["slope"], curve["offset"]))
    assert decoder(card=registry.card("librosa-key")).decoder.prior == "flat"
