from dataclasses import replace

import numpy as np
import pytest
import signals

import mirkit
from mirkit.activations import beat_activations
from mirkit.calibration import Logistic
from mirkit.errors import FormatError
from mirkit.music.beat.confidence import (
    BEAT_FEATURES,
    LEVEL_FEATURES,
    LIMIT,
    Confidence,
    beat_features,
    level_features,
    meter_features,
)
from mirkit.music.beat.decoder import decoder
from mirkit.music.beat.inputs import read
from mirkit.system import load
from mirkit.zoo.registry import card, models

TIMES = signals.steady_beats(100, 30)


def activations(tempi=None, beats=TIMES, downbeats=TIMES[::4]):
    """Activations of beats at 100 bpm; `tempi` says what the tempo head believes."""
    tempo = np.zeros(300)
    for bpm, share in (tempi or {100: 1.0}).items():
        tempo[bpm] = share
    beat = signals.click_activation(beats, duration=30, noise=0.01)
    down = signals.click_activation(downbeats, duration=30, height=0.7)
    return beat_activations(beat, down, tempo, fps=100)


def features(heard):
    """The decoded beats, and the features of their levels by name."""
    beats = decoder()(heard)
    table = level_features(beats, read(heard, upsample=False))
    return beats, [dict(zip(LEVEL_FEATURES, row, strict=True)) for row in table]


def test_levels_are_told_by_what_speaks_for_them():
    beats, rows = features(activations({100: 0.8, 50: 0.2}))
    k = beats.level
    assert rows[k]["octaves"] == pytest.approx(np.log2(100 / 120), abs=0.01)
    assert rows[k]["octaves_squared"] == pytest.approx(rows[k]["octaves"] ** 2)
    scores = sorted(level.score for level in beats.hypotheses)
    assert rows[k]["score_margin"] == pytest.approx(
        min(np.log((scores[-1] + 1e-6) / (scores[-2] + 1e-6)), LIMIT)
    )
    assert rows[k]["against_half"] == pytest.approx(np.log(0.801 / 0.201), abs=0.01)
    assert rows[k]["against_double"] == pytest.approx(np.log(0.801 / 0.001), abs=0.02)
    assert all(row["score_margin"] <= 0 for i, row in enumerate(rows) if i != k)


def test_bars_tell_a_level_at_half_the_tempo():
    whole, rows = features(activations())
    assert rows[whole.level]["downbeats"] == pytest.approx(0.7, abs=0.02)
    assert rows[whole.level]["mid_bar"] < 0.05
    assert rows[whole.level]["downbeat_alternation"] < 0.05
    twice, rows = features(activations(downbeats=TIMES[::2]))
    assert rows[twice.level]["mid_bar"] == pytest.approx(0.7, abs=0.02)
    rare, rows = features(activations(downbeats=TIMES[::8]))
    assert rows[rare.level]["downbeat_alternation"] == pytest.approx(0.7, abs=0.1)


def test_beats_are_told_by_their_activation_and_their_neighbors():
    missing = np.delete(TIMES, 20)
    heard = activations(beats=missing)
    beats, _ = features(heard)
    inputs = read(heard, upsample=False)
    level = beats.hypotheses[beats.level]
    rows = beat_features(level, level_features(beats, inputs)[beats.level], 1.5, inputs)
    at = {name: rows[:, i] for i, name in enumerate(BEAT_FEATURES)}
    lost = int(np.argmin(np.abs(level.times - TIMES[20])))
    assert at["activation"][lost] < 0 < at["activation"][lost + 1]
    assert at["neighbors"][lost] == pytest.approx(
        (at["activation"][lost - 1] + at["activation"][lost + 1]) / 2
    )
    assert at["neighbors"][lost + 1] < at["neighbors"][lost]
    assert set(at["level"]) == {1.5}
    assert at["weaker_half"][lost] < 0 < at["weaker_half"][lost + 1]
    assert at["unevenness"].max() < 0.1
    late = replace(
        level, times=np.sort(np.append(np.delete(level.times, 10), level.times[10] + 0.2))
    )
    uneven = beat_features(late, rows[0, : len(LEVEL_FEATURES)].repeat(2), 0.0, inputs)
    assert list(np.argsort(uneven[:, BEAT_FEATURES.index("unevenness")])[-3:]).count(10) == 1


@pytest.fixture
def sure():
    """Confidence that trusts the tempo head and the beat head."""
    weight = {"belief_margin": 1.0, "activation": 1.0, "level": 0.5}
    return Confidence(
        Logistic(tuple(weight.get(name, 0.0) for name in LEVEL_FEATURES), 0.0),
        Logistic(tuple(weight.get(name, 0.0) for name in BEAT_FEATURES), 0.0),
    )


def test_every_level_and_each_of_its_beats_has_its_confidence(sure):
    heard = activations({100: 0.6, 200: 0.4})
    found = decoder()(heard)
    beats = sure(found, heard)
    assert np.array_equal(beats.times, found.times)
    assert beats.tempo_confidence == beats.tempo.confidence > 0.5
    assert beats.double().tempo_confidence < 0.5
    for k, level in enumerate(beats.hypotheses):
        assert len(beats.at(k).confidence) == len(level.times)
    between = beats.double().confidence[1::2], beats.double().confidence[::2]
    assert abs(np.median(between[0]) - np.median(between[1])) > 0.3


def test_a_doubting_tempo_head_makes_the_level_less_sure(sure):
    doubts = [{100: 1.0}, {100: 0.7, 50: 0.3}, {100: 0.55, 50: 0.45}]
    sureness = [sure(decoder()(activations(d)), activations(d)).tempo_confidence for d in doubts]
    assert sureness == sorted(sureness, reverse=True)
    assert sureness[0] > sureness[-1] + 0.2


def test_without_beats_or_a_tempo_head_there_is_no_confidence(sure):
    still = beat_activations(np.zeros(500), np.zeros(500), np.ones(300) / 300, fps=100)
    assert sure(decoder()(still), still).confidence is None
    untimed = beat_activations(signals.click_activation(TIMES), fps=100)
    assert sure(decoder()(untimed), untimed).confidence is None


def test_one_or_two_beats_are_enough(sure):
    for n in (1, 2, 3):
        heard = activations(beats=TIMES[:n], downbeats=TIMES[:1])
        found = decoder()(heard)
        confidence = sure(found, heard).confidence
        assert len(found) == 0 or np.isfinite(confidence).all()


def fitted(**changes):
    known = card("beat-tcn")
    table = {
        "sha256": known.sha256,
        "decoder": "drift",
        "level": dict.fromkeys(("intercept", *LEVEL_FEATURES), 0.5),
        "beat": dict.fromkeys(("intercept", *BEAT_FEATURES), 0.25),
    }
    return replace(known, confidence=table | changes)


def test_a_fit_is_read_from_the_card_and_holds_for_its_weights_only():
    confidence = Confidence.from_card(fitted())
    assert confidence.level == Logistic((0.5,) * len(LEVEL_FEATURES), 0.5)
    assert Confidence.from_card(fitted(sha256="0" * 64)) is None
    assert Confidence.from_card(replace(fitted(), confidence={})) is None
    with pytest.raises(
        FormatError, match=r"confidence\.beat holds intercept; it needs intercept, act"
    ):
        Confidence.from_card(fitted(beat={"intercept": 1.0}))


@pytest.mark.parametrize(
    "known", [card for card in models("beat*") if card.confidence], ids=lambda known: known.name
)
def test_the_shipped_confidence_belongs_to_the_shipped_weights(known):
    assert Confidence.from_card(known) is not None, (
        f"the confidence of {known.name} was fitted for other weights: run benchmarks/confidence.py"
    )


def test_other_decoders_weights_and_models_have_none():
    assert load("beat-tcn").decoder.confidence is not None
    assert load("beat-tcn", decoder="drift").decoder.confidence is not None
    assert load("beat-tcn", decoder="dp").decoder.confidence is None
    assert not hasattr(load("tempogram").decoder, "confidence")


def test_the_verb_is_sure_of_the_demo_and_files_keep_it(demo_piece, tmp_path):
    beats = mirkit.beats(demo_piece)
    assert len(beats.confidence) == len(beats)
    assert np.quantile(beats.confidence, 0.05) > 0.4  # its introduction is quiet
    assert beats.track_confidence > 0.8
    assert beats.tempo_confidence > 0.8
    assert beats.track_confidence == pytest.approx(beats.confidence.mean())
    assert mirkit.tempo(demo_piece).confidence == beats.tempo_confidence
    for suffix in (".json", ".jams"):
        mirkit.save(beats, tmp_path / f"beats{suffix}")
        again = mirkit.read(tmp_path / f"beats{suffix}")
        assert np.array_equal(again.confidence, beats.confidence)
        assert again.tempo_confidence == beats.tempo_confidence
        assert again.track_confidence == beats.track_confidence


def meters(downbeats):
    heard = activations(downbeats=downbeats)
    beats = decoder()(heard)
    return beats, meter_features(beats.hypotheses[beats.level], read(heard, upsample=False))


@pytest.mark.parametrize("length", [3, 4])
def test_clear_bars_make_the_meter_sure(length):
    beats, (clear,) = meters(TIMES[::length])
    assert beats.meter == length
    _, (none,) = meters(TIMES)
    assert clear > 2 > 0.5 > abs(none)


def test_the_shipped_model_tells_how_sure_the_meter_is(demo_piece):
    tempo = mirkit.tempo(demo_piece)
    assert tempo.meter == 4
    assert 0.5 < tempo.meter_confidence < 1
    assert mirkit.beats(demo_piece).meter_confidence == tempo.meter_confidence
    noise = np.random.default_rng(0).normal(0, 0.1, 22050 * 8).astype(np.float32)
    assert mirkit.tempo((noise, 22050)).meter_confidence is None
    assert mirkit.tempo(demo_piece, model="tempogram").meter_confidence is None  # it hears no bars


def test_without_a_fit_of_the_meter_there_is_none():
    own = card("beat-tcn")
    table = {name: x for name, x in own.confidence.items() if name != "meter"}
    heard = activations()
    found = Confidence.from_card(replace(own, confidence=table))(decoder()(heard), heard)
    assert found.meter_confidence is None
    assert found.tempo_confidence is not None
