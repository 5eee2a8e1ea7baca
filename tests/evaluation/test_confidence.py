import numpy as np
import pytest
import signals
from hypothesis import given
from hypothesis import strategies as st

from mirkit.activations import beat_activations
from mirkit.annotation import Beats
from mirkit.errors import ParameterError
from mirkit.evaluation.confidence import (
    DecodedTrack,
    Outcome,
    card_with,
    cross_validate,
    fit_confidence,
    honesty,
    outcomes,
    right_beats,
)
from mirkit.music.beat.confidence import Confidence
from mirkit.music.beat.decoder import decoder
from mirkit.zoo.registry import card, read_card


@given(st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_right_beats_are_near_a_true_one(seed, n):
    rng = np.random.default_rng(seed)
    times, truth = np.sort(rng.uniform(0, 2, 8)), np.sort(rng.uniform(0, 2, n))
    plain = [any(abs(time - true) <= 0.07 for true in truth) for time in times]
    assert list(right_beats(times, truth)) == plain


@pytest.fixture(scope="module")
def tracks():
    """Tracks on which the tempo head is as often wrong as it doubts, so that it can be judged."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        bpm = int(rng.integers(70, 130))
        times = signals.steady_beats(bpm, 16)
        belief = rng.uniform(0.02, 0.98)
        truth = times if rng.uniform() < belief else times[::2]
        tempo = np.zeros(300)
        tempo[bpm], tempo[round(bpm / 2)] = belief, 1 - belief
        curve = signals.click_activation(times, duration=16, noise=0.02)
        heard = beat_activations(curve, np.zeros(len(curve)), tempo, fps=100)
        found.append(DecodedTrack.of(decoder()(heard), heard, Beats(truth)))
    return found


def test_a_fit_tells_right_levels_from_wrong_ones(tracks):
    found = cross_validate(tracks, n_folds=5)
    assert honesty(found["level"])["auroc"] > 0.7
    assert abs(honesty(found["track"])["confidence"] - honesty(found["track"])["right"]) < 0.1
    assert len(found["level"].correct) == len(tracks)
    assert len(found["beat"].correct) == sum(len(track.beats) for track in tracks)


def test_a_track_is_the_mean_of_its_beats(tracks):
    fitted = fit_confidence(tracks)
    found = outcomes(tracks, lambda _: fitted)
    beat, track = found["beat"], found["track"]
    for i in range(len(tracks)):
        assert track.confidence[i] == pytest.approx(beat.confidence[beat.track == i].mean())
        assert track.correct[i] == pytest.approx(beat.correct[beat.track == i].mean())


def test_the_card_gives_back_what_was_fitted_and_is_written_anew(tracks):
    confidence = fit_confidence(tracks)
    known = card("tempogram")
    text = (
        'name = "x"\ntask = "beats"\nsummary = "x"\nentry = "a:B"\nsample_rate = 1\nlabels = []\n'
        f'license_code = "MIT"\nlicense_weights = "MIT"\nweights = "x"\nsha256 = "{"0" * 64}"\n'
        "\n[confidence]\nold = 1\n\n[confidence.level]\nold = 2\n\n[config]\nn_filters = 3\n"
    )
    for _ in range(2):
        text = card_with(text, confidence, "0" * 64, "drift")
        again = read_card(text)
        assert again.config["n_filters"] == 3
        assert "old" not in text
        assert text.count("[confidence]") == 1
        models = Confidence.from_card(again)
        assert np.allclose(models.level.weights, confidence.level.weights, atol=1e-5)
        assert models.beat.intercept == pytest.approx(confidence.beat.intercept, abs=1e-5)
    assert known.confidence == {}


def test_an_exactly_honest_outcome_lies_at_its_floor():
    rng = np.random.default_rng(1)
    p = rng.uniform(size=4000)
    track = np.arange(4000) // 10
    honest = honesty(Outcome(p, (rng.uniform(size=4000) < p).astype(float), track), n_draws=50)
    assert honest["ece"] == pytest.approx(honest["ece_floor"], abs=0.01)
    assert honest["auroc_low"] < honest["auroc"] < honest["auroc_high"]
    boaster = honesty(Outcome(np.sqrt(p), (rng.uniform(size=4000) < p).astype(float), track), 50)
    assert boaster["ece"] > boaster["ece_floor"] + 0.1


def test_shares_have_no_floor_and_are_right_from_nine_tenths():
    shares = Outcome(np.array([0.1, 0.9, 0.8]), np.array([0.2, 0.95, 0.85]), np.arange(3))
    assert np.isnan(honesty(shares)["ece_floor"])
    assert honesty(shares)["auroc"] == 1


def test_without_beats_there_is_nothing_to_fit_or_measure():
    still = beat_activations(np.zeros(500), np.zeros(500), np.ones(300) / 300, fps=100)
    track = DecodedTrack.of(decoder()(still), still, Beats([1.0, 2.0]))
    with pytest.raises(ParameterError, match="no track has beats"):
        fit_confidence([track])
    with pytest.raises(ParameterError, match="no track has beats"):
        outcomes([track], lambda _: None)
