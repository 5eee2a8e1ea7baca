"""Answers say what was found, where, and nothing else."""

from types import SimpleNamespace

import numpy as np
import pytest
import signals

from mirkit.errors import ParameterError
from mirkit.sound.ask import CANNOT_TELL, answering, ask
from mirkit.sound.ask.answer import Answer
from mirkit.sound.ask.answering import ANSWERS, find_class, runs
from mirkit.sound.ask.questions import PATTERNS, Question, understand


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which key is this in?", Question("key")),
        ("Is it major or minor?", Question("key")),
        ("How fast is it?", Question("tempo")),
        ("What is the time signature?", Question("meter")),
        ("What chords are played?", Question("chords")),
        ("How long is this recording?", Question("length")),
        ("How long is this?", Question("length")),
        ("What instruments are playing?", Question("instruments")),
        ("How many dog barks are there?", Question("count", "dog barks")),
        ("How many times does the dog bark?", Question("count", "dog bark")),
        ("how many barks can be heard", Question("count", "barks")),
        ("When does the singing begin?", Question("begin", "singing")),
        ("When does the rain stop?", Question("end", "rain")),
        ("When is the dog barking?", Question("when", "dog barking")),
        ("Is there a dog?", Question("present", "dog")),
        ("Do you hear any rain in this recording?", Question("present", "rain")),
        ("What can be heard?", Question("sounds")),
        ("Who wrote this?", None),
        ("Is the singer happy?", None),
        ("What color is the dog?", None),
    ],
)
def test_questions_are_understood_or_not(question, expected):
    assert understand(question) == expected


def test_every_kind_of_question_has_an_answer():
    assert {kind for kind, _ in PATTERNS} == set(ANSWERS)


@pytest.fixture(scope="module")
def clicks():
    audio = signals.click_track(120, 32, 22050)
    return np.asarray(audio.samples[0] if hasattr(audio, "samples") else audio), 22050


def test_what_mirkit_does_not_find_is_not_told():
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32), 16000
    for question in ("Who wrote this?", "How many unicorns are there?", "Is there a zxcvb?"):
        found = ask(noise, question)
        assert found.text == CANNOT_TELL
        assert not found.is_known
        assert found.evidence == ()
        assert found.confidence is None


def test_the_tempo_is_told_with_its_span(clicks):
    found = ask(clicks, "How fast is it?")
    assert found.text == "120 beats per minute."
    (span,) = found.evidence
    assert 0 <= span.start < span.end
    assert found.source == "tempo"


def test_silence_has_no_key():
    silence = np.zeros(22050 * 5, np.float32), 22050
    assert ask(silence, "Which key is this in?").text == CANNOT_TELL


def test_the_length_is_that_of_the_recording():
    found = ask((np.ones(12000, np.float32) * 0.01, 8000), "How long is this recording?")
    assert found.text == "1.50 s."


def test_words_find_their_class():
    assert find_class("dog") == "Dog"
    assert find_class("a dog barking") == "Bark"
    assert find_class("woof woof") in ("Bark", "Dog")
    assert find_class("") is None


@pytest.mark.data
def test_barks_are_counted_and_shown(data_dir):
    path = data_dir / "sounds" / "luanti_mod_sounds" / "dog_bark.ogg"
    found = ask(path, "When is the dog barking?")
    if found.is_known:  # the tagger may not be sure, and then nothing is claimed
        assert all(span.end > span.start and span.confidence >= 0.5 for span in found.evidence)
    there = ask(path, "Is there a dog?")
    assert there.text != "No."


def test_a_run_needs_a_sure_frame():
    stays = np.array([1, 1, 0, 1, 1, 1], bool)
    assert runs(np.zeros(6, bool), stays) == []
    assert runs(np.array([0, 0, 0, 0, 1, 0], bool), stays) == [(3, 6)]


def test_answers_are_json():
    found = Answer("q", "4.", 0.5, (), "tags")
    assert found.to_dict() == {
        "question": "q", "text": "4.", "confidence": 0.5, "source": "tags", "evidence": [],
    }  # fmt: skip


def test_an_empty_question_is_refused():
    with pytest.raises(ParameterError, match="question is ' '"):
        ask((np.zeros(100, np.float32), 8000), " ")


def test_evidence_ends_with_the_recording(monkeypatch):
    clock = np.array([0.0, 0.5]), np.array([0.9, 0.9]), 0.5
    monkeypatch.setattr(answering, "_clocked", lambda *x: clock)
    (span,) = answering._spans(SimpleNamespace(duration=0.6), "Rain")
    assert (span.start, span.end) == (0.0, 0.6)
