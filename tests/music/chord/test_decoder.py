import mir_eval
import numpy as np
import pytest
import signals

from mirkit.activations import Activations, Head
from mirkit.annotation import Beats
from mirkit.calibration import platt_scale
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.music.chord.decoder import ViterbiDecoder, Weights, decoder, joint_scores
from mirkit.music.chord.inputs import read, states
from mirkit.vocab import CHORD_TAGS, PITCHES, VOCABULARIES, parse_chord, reduce_chord
from mirkit.vocab.priors import EXCLUSIVE, expected_shares
from mirkit.zoo import registry

SONG = [
    ("N", 1.0), ("C:maj", 2.0), ("A:min7", 2.0), ("D:min", 1.5), ("G:7", 2.5), ("C:maj/3", 2.0),
    ("F:maj7", 2.0), ("B:hdim7", 1.0), ("E:sus4", 1.0), ("E:7", 1.0), ("A:min", 2.0), ("N", 1.0),
]  # fmt: skip


def found(activations, **options):
    segments = decoder(**options)(activations)
    return list(zip(segments.labels, segments.intervals.tolist(), strict=True))


def expected(song, fps=10):
    edges = np.cumsum([0.0, *(seconds for _, seconds in song)])
    edges[1:] -= 0.5 / fps  # a frame stands for the time around it
    return [
        (label, pytest.approx([start, end]))
        for (label, _), start, end in zip(song, edges[:-1], edges[1:], strict=True)
    ]


def test_chords_come_back_with_their_times_and_inversions():
    assert found(signals.chord_activations(SONG)) == expected(SONG)


@pytest.mark.parametrize("heads", ["tag", "pitch", "tag bass", "tag root bass pitch"])
def test_any_of_the_heads_will_do(heads):
    song = [("C:maj", 2.0), ("A:min", 2.0), ("G:7", 3.0)]
    assert found(signals.chord_activations(song, heads=heads)) == expected(song)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_smaller_vocabulary_hears_the_same_chords_reduced(vocabulary):
    segments = decoder(vocabulary=vocabulary)(signals.chord_activations(SONG))
    for (label, _), (start, _) in zip(SONG, segments.intervals, strict=False):
        at = np.searchsorted(segments.intervals[:, 0], start, side="right") - 1
        assert reduce_chord(segments.labels[at], vocabulary) == segments.labels[at].split("/")[0]
        assert label  # each segment of the song is looked at
    kinds = {parse_chord(label).shorthand for label in segments.labels} - {""}
    assert kinds <= set(VOCABULARIES[vocabulary])


def test_a_fifth_of_the_frames_wrong_changes_no_chord():
    song = [("C:maj", 4.0), ("A:min7", 4.0), ("D:min", 4.0), ("G:7", 4.0)]
    segments = decoder()(signals.chord_activations(song, noise=0.2))
    assert segments.labels == tuple(label for label, _ in song)
    np.testing.assert_allclose(segments.intervals[1:, 0], [4, 8, 12], atol=0.35)


def test_every_pitch_class_is_found_as_well_as_c():
    first = found(signals.chord_activations(SONG))
    for n in range(1, 12):
        song = [(str(parse_chord(label).transpose(n)), seconds) for label, seconds in SONG]
        moved = found(signals.chord_activations(song))
        for (label, span), (other, other_span) in zip(first, moved, strict=True):
            assert span == other_span
            a, b = parse_chord(label), parse_chord(other)
            assert (a.shorthand, a.bass) == (b.shorthand, b.bass)
            assert a.root is None or (b.root - a.root) % 12 == n


def test_roots_are_spelled_by_the_key():
    song = [("F:maj", 2.0), ("A#:maj", 2.0), ("D#:maj", 2.0), ("A#:maj/5", 2.0)]
    labels = [label for label, _ in found(signals.chord_activations(song))]
    assert labels == ["F:maj", "Bb:maj", "Eb:maj", "Bb:maj/5"]


def test_an_inversion_needs_a_likely_bass_and_can_be_switched_off():
    activations = signals.chord_activations([("C:maj/3", 2.0)], sure=0.7)
    assert found(activations)[0][0] == "C:maj/3"
    assert found(activations, min_bass=0.8)[0][0] == "C:maj"
    assert found(activations, inversions=False)[0][0] == "C:maj"


def test_a_bass_that_is_no_chord_tone_is_not_named():
    first = signals.chord_activations([("C:maj", 2.0)])
    other = signals.chord_activations([("D:maj", 2.0)])
    mixed = Activations({**first, "bass": other["bass"]})
    assert [label for label, _ in found(mixed)] == ["C:maj"]


def test_chords_change_on_beats_only_where_beats_are_given():
    beats = Beats(np.arange(0.27, 20, 0.5), positions=np.arange(40) % 4 + 1)
    segments = decoder(beats=beats)(signals.chord_activations(SONG))
    inner = segments.intervals[1:, 0]
    assert np.isin(inner, beats.times).all()
    assert segments.intervals[0, 0] == 0
    assert segments.intervals[-1, 1] == pytest.approx(18.95)
    frames = decoder()(signals.chord_activations(SONG))
    assert segments.labels == frames.labels
    np.testing.assert_allclose(inner, frames.intervals[1:, 0], atol=0.26)


def test_beats_closer_than_frames_are_no_error():
    beats = Beats(np.arange(0, 4, 0.03))
    segments = decoder(beats=beats)(signals.chord_activations([("C:maj", 2.0), ("F:maj", 2.0)]))
    assert segments.labels == ("C:maj", "F:maj")


def test_no_beats_are_as_none():
    activations = signals.chord_activations(SONG)
    assert decoder(beats=Beats())(activations) == decoder()(activations)


def test_confidence_is_high_for_sure_frames_and_low_for_doubtful_ones():
    sure = decoder()(signals.chord_activations([("C:maj", 3.0)], sure=0.95)).confidence
    unsure = decoder()(signals.chord_activations([("C:maj", 3.0)], sure=0.02)).confidence
    assert sure[0] > 0.99
    assert unsure[0] < 0.9
    assert 0 <= unsure[0] <= sure[0] <= 1


def test_calibration_bends_confidence_and_keeps_its_order():
    posterior = np.linspace(0, 1, 101)
    bent = platt_scale(posterior, (0.4, -0.5))
    assert (np.diff(bent) > 0).all()
    assert bent[50] == pytest.approx(1 / (1 + np.exp(0.5)))
    np.testing.assert_array_equal(platt_scale(posterior, None), posterior)
    activations = signals.chord_activations(SONG)
    plain = decoder()(activations)
    other = decoder(calibration=(0.4, -0.5))(activations)
    np.testing.assert_allclose(other.confidence, platt_scale(plain.confidence, (0.4, -0.5)))


def test_the_joint_score_is_highest_at_the_chord_itself():
    for vocabulary in VOCABULARIES:
        chords = states(vocabulary)
        for i, label in enumerate(chords.labels):
            inputs = read(signals.chord_activations([(label, 0.1)]))
            scores = joint_scores(inputs, chords, ViterbiDecoder().weights)
            assert scores[0].argmax() == i, label


def test_tags_of_a_smaller_vocabulary_are_summed():
    tag = np.zeros((1, 170))
    tag[0, [CHORD_TAGS.index(x) for x in ("C:maj", "C:7", "C:maj7", "A:min")]] = 0.2, 0.2, 0.2, 0.4
    grid = FrameGrid.from_fps(10)
    activations = Activations({"tag": Head(tag, CHORD_TAGS, grid, "softmax")})
    assert found(activations)[0][0] == "A:min"
    assert found(activations, vocabulary="majmin")[0][0] == "C:maj"


def test_logits_are_understood():
    activations = signals.chord_activations(SONG)
    logits = {}
    for name, head in activations.items():
        others = 1 if head.kind == "softmax" else 1 - head.values
        values = np.log(head.values / others)
        logits[name] = Head(values, head.labels, head.grid, f"{head.kind}_logits")
    assert found(Activations(logits)) == found(activations)


def test_no_frames_have_no_chords():
    segments = decoder()(signals.chord_activations([]))
    assert len(segments) == 0
    assert segments.kind == "chord"


def test_mir_eval_finds_decoded_chords_perfect():
    segments = decoder()(signals.chord_activations(SONG))
    edges = np.cumsum([0.0, *(seconds for _, seconds in SONG)])
    truth = np.stack([edges[:-1], edges[1:]], axis=1)
    scores = mir_eval.chord.evaluate(
        truth, [label for label, _ in SONG], segments.intervals, list(segments.labels)
    )
    assert scores["tetrads_inv"] > 0.95
    assert scores["seg"] > 0.95


@pytest.mark.parametrize(
    ("heads", "error", "message"),
    [
        ({}, UnknownName, "unknown head 'tag'"),
        ({"tag": Head(np.zeros((2, 3)), ("a", "b", "c"), FrameGrid.from_fps(10))}, ParameterError,
         "the 170 labels C:min"),
        ({"pitch": Head(np.full((2, 12), 3.0), PITCHES, FrameGrid.from_fps(10))}, ParameterError,
         r"pitch\[0, 0\] is 3; .*logits"),
        ({"pitch": Head(np.full((2, 12), np.nan), PITCHES, FrameGrid.from_fps(10))},
         ParameterError, r"pitch\[0, 0\] is nan"),
        ({"pitch": Head(np.zeros((1, 12)), PITCHES, None)}, ParameterError, "no grid"),
        ({"tag": Head(np.zeros((2, 170)), CHORD_TAGS, FrameGrid.from_fps(10)),
          "pitch": Head(np.zeros((3, 12)), PITCHES, FrameGrid.from_fps(10))}, ParameterError,
         "one clock"),
    ],
)  # fmt: skip
def test_wrong_activations_are_refused(heads, error, message):
    with pytest.raises(error, match=message):
        decoder()(Activations(heads))


def test_wrong_options_are_refused():
    with pytest.raises(UnknownName, match="Did you mean 'majmin'"):
        decoder(vocabulary="major")
    with pytest.raises(UnknownName, match="Did you mean 'viterbi'"):
        decoder("viterbo")
    with pytest.raises(ParameterError, match="no option 'meter'; it has vocabulary"):
        decoder(meter=4)
    with pytest.raises(ParameterError, match="mean_seconds is 0"):
        decoder(mean_seconds=0)


def doubtful(first, second, share, n_frames=30):
    """Activations in which `first` has that share of the tag head, and `second` the rest."""
    tag = np.full((n_frames, 170), 1e-6)
    tag[:, CHORD_TAGS.index(first)] = share
    tag[:, CHORD_TAGS.index(second)] = 1 - share
    return Activations({"tag": Head(tag, CHORD_TAGS, FrameGrid.from_fps(10), "softmax")})


LEARNED = dict.fromkeys(EXCLUSIVE["quality"], 1 / 15)


def test_what_is_expected_decides_where_the_model_doubts():
    activations = doubtful("C:maj", "C:7", 0.4)
    assert found(activations)[0][0] == "C:7"
    assert found(activations, prior="flat", learned=LEARNED) == found(activations)
    assert found(activations, prior="music", learned=LEARNED)[0][0] == "C:maj"
    assert found(activations, prior={"7": 0.6}, learned=LEARNED)[0][0] == "C:7"


def test_a_clear_chord_is_named_whatever_is_expected():
    for prior in ("music", {"maj": 0.9}):
        assert found(doubtful("C:min7", "C:maj", 0.999), prior=prior)[0][0] == "C:min7"


def test_what_was_learned_is_taken_out():
    learned = expected_shares("quality", "music")
    activations = signals.chord_activations(SONG, noise=0.3)
    assert decoder(prior="music", learned=learned)(activations) == decoder()(activations)


def test_the_posterior_is_that_of_the_new_prior():
    activations = doubtful("C:maj", "C:7", 0.5, n_frames=1)
    prior, learned = {"maj": 0.4, "7": 0.2}, LEARNED
    weights = Weights(tag=1.0, root=0, bass=0, pitch=0, all=1.0)
    first = decoder(weights=weights, prior=prior, learned=learned)(activations)
    assert first.labels == ("C:maj",)
    assert first.confidence[0] == pytest.approx(2 / 3, abs=5e-3)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_vocabulary_takes_a_prior(vocabulary):
    segments = decoder(vocabulary=vocabulary, prior="music")(signals.chord_activations(SONG))
    assert parse_chord(segments.labels[1]).shorthand == "maj"


def test_a_wrong_prior_is_told_before_any_recording():
    with pytest.raises(UnknownName, match="Did you mean 'music'"):
        decoder(prior="musik")
    with pytest.raises(UnknownName, match="unknown quality"):
        decoder(prior={"maj9": 0.2})


def test_a_card_brings_prior_and_calibration_and_options_win():
    card = registry.card("chord-crnn")
    shipped = decoder(card=card).decoder
    assert (shipped.prior, shipped.learned) == ("music", card.prior)
    assert shipped.calibration == (card.confidence["slope"], card.confidence["offset"])
    flat = decoder(card=card, prior="flat").decoder
    curve = card.confidence["flat"]
    assert (flat.prior, flat.calibration) == ("flat", (curve["slope"], curve["offset"]))
    own = decoder(card=card, prior={"7": 0.3}, calibration=None).decoder
    assert (own.prior, own.calibration) == ({"7": 0.3}, None)
    assert decoder().decoder.prior == decoder(card=registry.card("librosa-chords")).decoder.prior
