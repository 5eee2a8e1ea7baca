"""The Porter stemmer, on the examples of its paper."""

import pytest

from mirkit.text.stemming import stem

PAPER = [
    "caresses", "caress", "ponies", "poni", "caress", "caress", "cats", "cat", "agreed", "agre",
    "feed", "feed", "plastered", "plaster", "bled", "bled", "motoring", "motor", "sing", "sing",
    "conflated", "conflat", "troubled", "troubl", "sized", "size", "hopping", "hop", "tanned",
    "tan", "falling", "fall", "hissing", "hiss", "fizzed", "fizz", "failing", "fail", "filing",
    "file", "happy", "happi", "sky", "sky", "relational", "relat", "conditional", "condit",
    "rational", "ration", "valenci", "valenc", "digitizer", "digit", "radicalli", "radic",
    "differentli", "differ", "vietnamization", "vietnam", "predication", "predic", "operator",
    "oper", "feudalism", "feudal", "decisiveness", "decis", "hopefulness", "hope", "callousness",
    "callous", "formaliti", "formal", "sensitiviti", "sensit", "sensibiliti", "sensibl",
    "triplicate", "triplic", "formative", "form", "formalize", "formal", "electriciti", "electr",
    "electrical", "electr", "hopeful", "hope", "goodness", "good", "revival", "reviv",
    "allowance", "allow", "inference", "infer", "airliner", "airlin", "gyroscopic", "gyroscop",
    "adjustable", "adjust", "defensible", "defens", "irritant", "irrit", "replacement", "replac",
    "adjustment", "adjust", "dependent", "depend", "adoption", "adopt", "homologou", "homolog",
    "communism", "commun", "activate", "activ", "angulariti", "angular", "homologous", "homolog",
    "effective", "effect", "bowdlerize", "bowdler", "probate", "probat", "rate", "rate", "cease",
    "ceas", "controll", "control", "roll", "roll", "is", "is",
]  # fmt: skip


@pytest.mark.parametrize(("word", "expected"), [*zip(PAPER[::2], PAPER[1::2], strict=True)])
def test_examples_of_the_paper(word, expected):
    assert stem(word) == expected
