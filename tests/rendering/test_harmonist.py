from collections import Counter

import numpy as np
import pytest

from mirkit import rendering
from mirkit.errors import ParameterError, UnknownName
from mirkit.rendering import arranger, backgrounds, harmonist, run
from mirkit.rendering.harmonist import idioms, melody, stanzas
from mirkit.rendering.harmony import QUALITIES, Chord
from mirkit.vocab import pitch_class

DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")


def song(feature: str, seed: int = 0, key: str = "C minor", band: str = "pop", split="train"):
    task = harmonist.parse(f"{feature} / {key} / {band}")
    return harmonist.compose(task, split, 40.0, 100.0, np.random.default_rng(seed))


def qualities(sheets) -> Counter:
    """Return the beats of each quality; `N` among them."""
    beats: Counter = Counter()
    for sheet in sheets:
        for start, end, label in sheet.chords:
            beats[label.partition(":")[2].partition("/")[0] or label] += end - start
    return beats


@pytest.fixture(scope="module")
def a_round():
    """A song of each task of one round, as the plans have them."""
    rng = np.random.default_rng(3)
    tasks = harmonist.tasks(sum(harmonist.FEATURES.values()), rng)
    return [harmonist.compose(task, "train", 40.0, 104.0, rng) for task in tasks]


def test_every_quality_has_a_useful_share(a_round):
    beats = qualities(a_round)
    total = sum(beats.values())
    wanted = ("maj", "min", "dim", "aug", "min6", "maj6", "min7", "minmaj7", "maj7", "7")
    for name in (*wanted, "dim7", "hdim7", "sus2", "sus4", "N"):
        assert beats[name] / total > 0.018, (name, beats)
    assert max(beats["maj"], beats["min"]) / total < 0.3


def test_keys_come_equally_often():
    drawn = harmonist.tasks(240, np.random.default_rng(0))
    counts = Counter((task.tonic, task.minor) for task in drawn)
    assert set(counts.values()) == {10}
    for beginning in (24, 72):
        part = Counter((task.tonic, task.minor) for task in drawn[:beginning])
        assert set(part.values()) == {beginning // 24}


def test_bands_and_features_take_turns():
    n = sum(harmonist.FEATURES.values())
    drawn = harmonist.tasks(3 * n, np.random.default_rng(0))
    assert Counter(t.feature for t in drawn[:n]) == harmonist.FEATURES
    bands = Counter(task.band for task in drawn)
    assert len(bands) > 50
    assert max(bands.values()) - min(bands.values()) <= 3


@pytest.mark.parametrize("feature", [name for name in idioms.features() if name in QUALITIES])
def test_a_feature_is_heard_in_its_songs(feature):
    beats = qualities(song(feature, seed) for seed in range(6))
    assert beats[feature] / sum(beats.values()) > 0.12


@pytest.mark.parametrize("feature", idioms.features())
def test_every_idiom_is_read_and_no_split_knows_another_s(feature):
    seen = set()
    for split in rendering.SPLITS:
        own = set(idioms.choose(feature, split))
        assert own
        assert not own & seen
        seen |= own
        for idiom in own:
            for bar in idiom.bars:
                for text in bar:
                    chord = idioms.numeral(text, 0)
                    assert chord.quality in QUALITIES
                    assert chord.label
    assert len(seen) == sum(len(idioms.choose(feature, split)) for split in rendering.SPLITS) >= 12
    if feature in QUALITIES:
        assert all(feature in qualities_of(idiom) for idiom in seen)


def qualities_of(idiom: idioms.Idiom) -> set[str]:
    return {idioms.numeral(text, 0).quality for bar in idiom.bars for text in bar}


@pytest.mark.parametrize("feature", ["inversions", "pedal", "maj6"])
@pytest.mark.parametrize("band", ["pop", "swing", "string orchestra", "salsa", "waltz"])
def test_the_bass_alone_is_at_the_bottom_of_an_inversion(feature, band):
    at_bottom, checked = 0, 0
    for seed in range(3):
        sheet = song(feature, seed, band=band)
        notes = np.concatenate([part.notes for part in sheet.parts if not part.is_drums])
        for start, end, label in sheet.chords:
            root, _, rest = label.partition(":")
            _, slash, degree = rest.partition("/")
            if not slash:
                continue
            wanted = (pitch_class(root) + DEGREES.index(degree)) % 12
            for place in np.arange(start + 0.05, end - 0.1, 0.25):
                sounding = notes[
                    (notes[:, 0] <= place) & (notes.sum(1, where=[1, 1, 0, 0]) > place)
                ]
                checked += 1
                at_bottom += len(sounding) and int(sounding[:, 2].min()) % 12 == wanted
    assert checked > 30
    assert at_bottom / checked > 0.93


def test_all_tones_of_a_chord_are_played_and_few_others():
    for seed in range(4):
        sheet = song("minmaj7", seed, band="soul")
        band = [part for part in sheet.parts if not part.is_drums and part.role != "lead"]
        notes = np.concatenate([part.notes for part in band])
        for start, end, label in sheet.chords:
            if label == "N" or end - start < 1:
                continue
            root, _, rest = label.partition(":")
            inside = notes[(notes[:, 0] >= start - 1e-6) & (notes[:, 0] < end - 1e-6), 2]
            played = {(int(pitch) - pitch_class(root)) % 12 for pitch in inside}
            needed = set(QUALITIES[rest.partition("/")[0]])
            assert needed - played <= {7}, (label, played)  # shells leave out the fifth


def test_a_change_of_key_is_annotated_where_the_section_begins():
    found = 0
    for seed in range(5):
        sheet = song("modulation", seed)
        edges = {start for start, _, _ in sheet.sections}
        starts = [start for start, _, _ in sheet.keys]
        assert set(starts) <= edges
        found += len({label for *_, label in sheet.keys}) > 1
        for (_, end, label), (start, _, following) in zip(sheet.keys, sheet.keys[1:], strict=False):
            assert end <= start
            assert (end, label) != (start, following)
    assert found >= 4


def test_chords_after_a_change_of_key_belong_to_the_new_key():
    """The tonic's own chord comes soon after, which an annotation one stanza off would miss."""
    hits = []
    for seed in range(8):
        sheet = song("modulation", seed)
        for start, end, label in sheet.keys:
            tonic, mode = label.split()
            third = "min" if mode == "minor" else "maj"
            inside = [c for a, _, c in sheet.chords if start <= a < end]
            home = tuple(f"{tonic}:{quality}" for quality in (third, "7"))
            hits.append(any(chord.startswith(home) for chord in inside))
    assert np.mean(hits) > 0.7


def test_nothing_pitched_plays_where_there_is_no_chord():
    kinds: Counter = Counter()
    for seed in range(6):
        sheet = song("N", seed, band="rock")
        for start, end, label in sheet.sections:
            if label not in harmonist.NO_CHORD:
                continue
            kinds[label] += 1
            inside = [
                part.role
                for part in sheet.parts
                if ((part.notes[:, 0] >= start - 1e-6) & (part.notes[:, 0] < end - 1e-6)).any()
            ]
            assert inside == (["drums"] if label == "drum solo" else [])
            assert any(a <= start and b >= end and c == "N" for a, b, c in sheet.chords)
    assert len(kinds) >= 4


def test_the_same_seed_gives_the_same_song():
    assert song("aug", 7) == song("aug", 7)
    assert song("aug", 7) != song("aug", 8)


def test_the_harmonic_rhythm_goes_from_half_a_bar_to_four_bars():
    bars = tuple((Chord(root, "maj", root),) for root in (0, 5, 7, 0))
    assert [len(bar) for bar in stanzas._stretch(bars, 0.5)] == [2, 2]
    assert stanzas._stretch(bars, 4)[3:5] == (bars[0], bars[1])
    lengths = [
        round(end - start) for seed in range(12) for start, end, _ in song("maj7", seed).chords
    ]
    assert 2 in lengths
    assert max(lengths) >= 8


@pytest.mark.parametrize("band", sorted(arranger.styles()))
def test_every_band_plays_a_task(band):
    feature = "5" if band in ("metal", "thrash and punk") else "hdim7"
    sheet = song(feature, 1, band=band, split="test")
    assert sum(len(part.notes) for part in sheet.parts) > 40
    assert {label.partition(":")[2] for *_, label in sheet.chords} & {feature}
    assert sheet.chords[0][0] == 0
    for before, after in zip(sheet.chords, sheet.chords[1:], strict=False):
        assert before[1] == after[0]


def test_a_melody_rests_on_tones_of_the_chord():
    on_beat = []
    for seed in range(6):
        sheet = song("maj7", seed, band="soul")
        lead = next((part for part in sheet.parts if part.role == "lead"), None)
        if lead is None:
            continue
        for start, end, label in sheet.chords:
            if label == "N":
                continue
            root, _, rest = label.partition(":")
            tones = {(pitch_class(root) + x) % 12 for x in QUALITIES[rest.partition("/")[0]]}
            onsets = lead.notes[:, 0]
            strong = (onsets >= start) & (onsets < end) & (onsets % 1 < 1e-6)
            on_beat += [int(pitch) % 12 in tones for pitch in lead.notes[strong, 2]]
    assert len(on_beat) > 40
    assert 0.7 < np.mean(on_beat) < 1.0  # appoggiaturas are the rest


def test_the_scale_bends_to_a_chord_outside_the_key():
    dominant = melody.chord_scale(Chord(4, "7", 4), tonic=9, minor=True)
    assert sorted(dominant) == [0, 2, 4, 5, 8, 11]  # G sharp for G and A


@pytest.mark.parametrize("text", ["aug", "aug / C minor", "augmented / C minor / pop"])
def test_a_task_that_is_none_is_refused(text):
    with pytest.raises(ParameterError, match="Eb minor"):
        harmonist.parse(text)


def test_an_unknown_feature_is_refused():
    with pytest.raises(UnknownName, match="minmaj7"):
        idioms.choose("minmaj", "train")


def test_every_beginning_of_a_plan_of_chords_is_balanced(tmp_path):
    corpus = rendering.Corpus(None, tmp_path)
    shares = {"harmony": 0.75, "arranger": 0.25}
    specs = rendering.plan_chords("train", 200, 1, corpus, shares=shares)
    assert specs == rendering.plan_chords("train", 200, 1, corpus, shares=shares)
    for n in (8, 60, 200):
        share = np.mean([spec.source == "harmony" for spec in specs[:n]])
        assert share == pytest.approx(0.75, abs=1 / n)
    assert len({spec.clip_id for spec in specs}) == 200


def test_a_task_is_played_and_annotated(tmp_path):
    corpus = rendering.Corpus(None, tmp_path)
    spec = rendering.plan_chords("test", 1, 4, corpus, seconds=20.0, shares={"harmony": 1.0})[0]
    score = run.perform_clip(spec, corpus)
    assert score == run.perform_clip(spec, corpus)
    assert score.origin.style == spec.style
    assert score.origin.groove.endswith("held-out")
    assert score.chords
    assert score.keys


def test_beds_fill_their_sections_alone():
    rate = 22050
    music = np.zeros(6 * rate, np.float32)
    music[:rate] = 0.1 * np.sin(np.arange(rate) * 0.1)
    sections = [(0.0, 1.0, "verse"), (1.0, 2.0, "noise"), (2.0, 3.0, "silence"),
                (3.0, 4.0, "babble"), (4.0, 6.0, "drum solo")]  # fmt: skip
    out = backgrounds.add_backgrounds(music, sections, rate, np.random.default_rng(0))
    levels = [float(np.abs(out[i * rate : (i + 1) * rate]).max()) for i in range(6)]
    assert np.array_equal(out[:rate], music[:rate])
    assert min(levels[1], levels[3]) > 0.005
    assert levels[2] == levels[4] == levels[5] == 0


def test_a_babbling_voice_keeps_no_pitch():
    voice = backgrounds.babble(4 * 22050, 22050, np.random.default_rng(2))
    assert np.isfinite(voice).all()
    spectrum = np.abs(np.fft.rfft(voice))[: 4 * 1000] ** 2
    steady = np.abs(np.fft.rfft(np.sin(np.arange(4 * 22050) * 2 * np.pi * 150 / 22050)))[:4000] ** 2
    assert spectrum.max() / spectrum.sum() < 0.1 < steady.max() / steady.sum()
