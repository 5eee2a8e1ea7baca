"""Grounded captions say what was found, and nothing else."""

import pytest

from mirkit.annotation import Key, Tags, Tempo
from mirkit.errors import ParameterError, UnknownName
from mirkit.sound.caption.decoder import GroundedCaption, caption_of, decoder
from mirkit.vocab.audioset import audioset_labels
from mirkit.vocab.phrases import GENERAL, phrase_of, phrases


def test_particular_sounds_are_named_before_general_ones():
    tags = Tags(("Animal", "Bark", "Rain", "Wind"), [0.95, 0.9, 0.4, 0.1])
    found = caption_of(zero_shot=tags)
    assert found.text == "A dog barking and rain can be heard."
    assert found.confidence == 0.9


def test_a_general_sound_is_better_than_none():
    assert caption_of(zero_shot=Tags(("Animal",), [0.3])).text == "An animal can be heard."


def test_silence_holds_no_sounds():
    tags = Tags(("silence", "sneezing"), [0.33, 0.17])
    found = caption_of(zero_shot=tags)
    assert (found.text, found.confidence) == ("Nothing can be heard.", 0.33)


def test_music_has_a_tempo_and_a_key():
    tags = Tags(("Music", "Piano", "Slow tempo", "High energy"), [0.9, 0.8, 0.7, 0.6])
    found = caption_of(zero_shot=tags, tempo=Tempo(140.0), key=Key("D minor"))
    assert found.text == (
        "A fast piece of music with a piano, in D minor, at 140 beats per minute."
    )
    assert found.confidence == 0.9
    assert caption_of(zero_shot=tags).text == "A piece of music with a piano."


def test_what_is_not_known_is_not_said():
    tags = Tags(("Music", "Piano"), [0.9, 0.8])
    found = caption_of(zero_shot=tags, tempo=Tempo(None), key=Key(None))
    assert found.text == "A piece of music with a piano."


def test_sounds_that_are_no_music_have_no_key():
    tags = Tags(("Bark", "Music"), [0.9, 0.2])
    found = GroundedCaption(threshold=0.5, music_threshold=0.5)(tags, Tempo(140.0), Key("D minor"))
    assert found.text == "A dog barking can be heard."


def test_phrases_stand_for_their_classes():
    tags = Tags(("an animal", "a dog barking", "rain"), [0.95, 0.9, 0.1])
    assert caption_of(zero_shot=tags).text == "A dog barking can be heard."
    music = Tags(("a piano", "music"), [0.9, 0.4])
    assert caption_of(zero_shot=music, tempo=Tempo(80.0)).text.startswith("A slow piece of music")


def test_limits_are_kept():
    tags = Tags(("Bark", "Rain", "Wind"), [0.9, 0.8, 0.7])
    assert GroundedCaption(n_sounds=1)(tags).text == "A dog barking can be heard."
    assert "wind" in GroundedCaption(n_sounds=3)(tags).text.lower()


def test_every_class_has_a_phrase():
    told = [label for label in audioset_labels() if label in phrases()]
    assert len(told) >= 520
    assert set(phrases()) >= GENERAL
    assert phrase_of("Something new") == "something new"


def test_mistakes_are_named():
    with pytest.raises(ParameterError, match="holds no sounds"):
        caption_of(zero_shot=Tags((), []))
    with pytest.raises(UnknownName, match="unknown caption decoder 'best'"):
        decoder("best")
    with pytest.raises(ParameterError, match="threshold"):
        decoder(threshold=2)
