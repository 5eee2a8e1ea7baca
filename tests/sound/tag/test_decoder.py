import numpy as np
import pytest

from mirkit.activations import Activations, Head
from mirkit.calibration import Calibration
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.sound.tag.decoder import TagDecoder, decoder
from mirkit.zoo import registry

LABELS = ("Dog", "Rain", "Music", "Speech")


def heard(scores=(0.2, 0.9, 0.5, 0.05), kind="sigmoid", grid=None):
    return Activations({"tags": Head([scores], LABELS, grid, kind)})


def logit(p):
    return np.log(p / (1 - np.asarray(p)))


def test_the_highest_scores_come_first():
    found = TagDecoder(top=2)(heard())
    assert [label for label, _ in found] == ["Rain", "Music"]
    np.testing.assert_allclose(found.scores, [0.9, 0.5], atol=1e-6)


def test_no_limit_gives_all_classes():
    assert len(TagDecoder(top=None)(heard())) == 4
    assert len(TagDecoder(top=99)(heard())) == 4


def test_a_threshold_keeps_what_reaches_it():
    assert TagDecoder(threshold=0.5)(heard()).labels == ("Rain", "Music")
    assert TagDecoder(threshold=0.99)(heard()).labels == ()


def test_classes_that_score_alike_stay_in_their_order():
    assert TagDecoder(top=3)(heard((0.5, 0.5, 0.5, 0.5))).labels == LABELS[:3]


def test_logits_become_probabilities():
    found = TagDecoder()(heard((-1.0, 2.0, 0.0, -9.0), "sigmoid_logits"))
    assert dict(found)["Rain"] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)


def test_a_temperature_divides_the_logits():
    found = dict(TagDecoder(calibration=Calibration.from_dict({"temperature": 2.5}))(heard()))
    for label, score in zip(LABELS, (0.2, 0.9, 0.5, 0.05), strict=True):
        assert logit(found[label]) == pytest.approx(logit(score) / 2.5, abs=1e-5)


def test_each_label_may_have_its_own_curve_and_the_others_stay():
    curve = {"slope": {"Dog": 2.0}, "offset": {"Dog": 1.0, "Rain": -3.0}}
    found = dict(TagDecoder(calibration=Calibration.from_dict(curve))(heard()))
    assert logit(found["Dog"]) == pytest.approx(2 * logit(0.2) + 1, abs=1e-5)
    assert logit(found["Rain"]) == pytest.approx(logit(0.9) - 3, abs=1e-5)
    assert found["Music"] == pytest.approx(0.5, abs=1e-7)


def test_classes_that_exclude_each_other_still_sum_to_one():
    scores = (0.1, 0.6, 0.2, 0.1)
    decode = TagDecoder(None, calibration=Calibration(slope=0.5))
    found = dict(decode(heard(scores, "softmax")))
    expected = np.sqrt(scores) / np.sqrt(scores).sum()
    assert [found[label] for label in LABELS] == pytest.approx(expected, abs=1e-6)


def test_scores_of_zero_and_one_survive_any_calibration():
    scores = TagDecoder(calibration=Calibration(3.0, -2.0))(heard((0, 1, 0, 1))).scores
    assert np.isfinite(scores).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_without_calibration_scores_are_what_the_network_gave():
    values = np.float32([0.123456, 1e-12, 0.999999, 0.5])
    found = dict(TagDecoder(None)(heard(values)))
    assert [np.float32(found[label]) for label in LABELS] == list(values)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top": 0}, "top is 0"),
        ({"top": 2.5}, "top is 2.5"),
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"threshold": float("nan")}, "threshold is nan"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        TagDecoder(**settings)


@pytest.mark.parametrize("curve", [{"temperature": 0.0}, {"slope": -1.0}, {"slope": {"Dog": 0}}])
def test_a_curve_that_turns_scores_around_is_refused(curve):
    with pytest.raises(ParameterError, match=r"temperature|slope"):
        Calibration.from_dict(curve)


def test_other_heads_are_refused():
    with pytest.raises(ParameterError, match="no head 'tags', only "):
        TagDecoder()(Activations({"beat": Head([[0.1]], ("beat",), None)}))
    rows = Head(np.zeros((3, 4)), LABELS, FrameGrid.from_fps(10))
    with pytest.raises(ParameterError, match="3 rows"):
        TagDecoder()(Activations({"tags": rows}))


def test_an_embedding_is_no_probability():
    with pytest.raises(ParameterError, match="no probabilities"):
        TagDecoder()(heard((0.1, 0.2, 0.3, 0.4), "embedding"))


LEARNED = {"Dog": 0.3, "Rain": 0.6, "Music": 0.5, "Speech": 0.1}


def test_a_prior_moves_the_odds_of_a_label_by_how_much_more_is_expected():
    found = dict(TagDecoder(None, prior={"Dog": 0.05, "Speech": 0.4}, learned=LEARNED)(heard()))
    assert logit(found["Dog"]) == pytest.approx(logit(0.2) + logit(0.05) - logit(0.3), abs=1e-5)
    assert logit(found["Speech"]) == pytest.approx(logit(0.05) + logit(0.4) - logit(0.1), abs=1e-5)


def test_labels_that_are_not_named_are_as_expected_in_music():
    named = dict(TagDecoder(None, prior={"Dog": 0.05}, learned=LEARNED)(heard()))
    music = dict(TagDecoder(None, prior="music", learned=LEARNED)(heard()))
    assert named["Rain"] == music["Rain"] != pytest.approx(0.9)


def test_a_label_whose_rate_was_not_learned_keeps_its_score():
    found = dict(TagDecoder(None, prior="music", learned={"Dog": 0.3})(heard()))
    assert found["Rain"] == pytest.approx(0.9, abs=1e-6)
    assert found["Dog"] != pytest.approx(0.2, abs=1e-3)


def test_a_prior_of_classes_that_exclude_each_other_keeps_their_sum():
    decode = TagDecoder(None, prior={"Dog": 0.6}, learned={"Dog": 0.3})
    found = dict(decode(heard((0.1, 0.6, 0.2, 0.1), "softmax")))
    assert sum(found.values()) == pytest.approx(1)
    assert found["Dog"] / found["Speech"] == pytest.approx(2.0 * 0.5 / 0.5)


def test_flat_scores_are_the_calibrated_ones():
    curve = Calibration(0.5, 1.0)
    flat = TagDecoder(None, calibration=curve, prior="flat", learned=LEARNED)(heard())
    np.testing.assert_array_equal(flat.scores, TagDecoder(None, calibration=curve)(heard()).scores)


def test_a_prior_needs_what_was_learned_and_labels_that_are_there():
    with pytest.raises(ParameterError, match="takes 'flat' alone"):
        TagDecoder(prior="music")
    with pytest.raises(UnknownName, match="Did you mean 'Dog'"):
        TagDecoder(prior={"Dogs": 0.1}, learned=LEARNED)(heard())


def test_a_card_brings_what_is_expected_and_an_option_wins():
    known = registry.card("tag-mn")
    assert decoder(card=known).prior == "music"
    assert decoder(card=known).learned == known.prior
    assert decoder(card=known, prior="flat").prior == "flat"
    assert decoder(card=registry.card("cnn14")).prior == "flat"
    assert decoder().prior == "flat"


def test_what_is_specific_comes_before_what_it_is_a_kind_of():
    labels = ("Animal", "Dog", "Rain", "Cat")
    head = Head(np.array([[0.9, 0.6, 0.7, 0.1]], np.float32), labels, None, "sigmoid")
    activations = Activations({"tags": head})
    plain = TagDecoder()(activations)
    assert plain.labels == ("Animal", "Rain", "Dog", "Cat")
    found = TagDecoder(specific_first=True)(activations)
    assert found.labels == ("Rain", "Dog", "Animal", "Cat")
    assert dict(found)["Animal"] == dict(found)["Dog"] == pytest.approx(0.6)


def test_classes_that_exclude_each_other_are_left_as_they_are():
    head = Head(np.array([[0.6, 0.4]], np.float32), ("Animal", "Dog"), None, "softmax")
    found = TagDecoder(specific_first=True)(Activations({"tags": head}))
    assert found.labels == ("Animal", "Dog")


def test_the_shipped_tagger_puts_what_is_specific_first_unless_asked():
    known = registry.card("tag-mn")
    assert decoder(card=known).specific_first
    assert not decoder(card=known, specific_first=False).specific_first
    assert not decoder(card=registry.card("yamnet")).specific_first
