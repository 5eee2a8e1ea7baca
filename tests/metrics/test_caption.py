"""Caption metrics, by hand, by a plain twin, and with numbers that nltk 3.10 gives."""

import itertools
import math

import pytest

from mirkit.errors import ParameterError
from mirkit.metrics.caption import bleu, cider_d, meteor, rouge_l, tokenize

CANDIDATES = [
    "a dog barks loudly in the yard",
    "rain falls on a tin roof while thunder rumbles",
    "a man speaks to a crowd",
]
REFERENCES = [
    ["a dog barking in a yard", "the dog barks loudly in the garden"],
    ["heavy rain is falling on a roof", "thunder rumbles while rain falls on a tin roof"],
    ["a man speaks and then laughs", "someone is speaking to a crowd"],
]


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, 0.9545454545), (2, 0.8680947625), (3, 0.7511942695), (4, 0.6354346056)],
)
def test_bleu_is_that_of_nltk(n, expected):
    assert bleu(CANDIDATES, REFERENCES, n) == pytest.approx(expected, abs=1e-9)


def test_bleu_by_hand():
    # "the the the" has one "the" that counts; it is as long as the reference.
    assert bleu(["the the the"], [["the cat sat"]], 1) == pytest.approx(1 / 3)
    # Three of three words, but one short of the four of the reference.
    assert bleu(["the cat sat"], [["the cat sat down"]], 1) == pytest.approx(math.exp(1 - 4 / 3))
    assert bleu(["a"], [["b"]], 1) == 0


def test_rouge_by_hand():
    # Common subsequence of 3: precision 3/3, recall 3/4, and recall counts 1.44 times.
    expected = 2.44 * 0.75 / (0.75 + 1.44)
    assert rouge_l(["a dog barks"], [["a big dog barks"]]) == pytest.approx(expected)
    assert rouge_l(["x"], [["y"]]) == 0
    assert rouge_l(["", "a b"], [["y"], ["a b"]]) == 0.5


def test_meteor_by_hand():
    # All words match, but in two chunks: penalty .5 * (2/4)^3.
    assert meteor(["rain falls on roofs"], [["on roofs rain falls"]]) == pytest.approx(1 - 0.0625)
    # Two of three words, one chunk: P = 2/3, R = 2/2, mean = PR / (.9 P + .1 R).
    mean = (2 / 3) / (0.9 * 2 / 3 + 0.1)
    assert meteor(["a dog barks"], [["a dog"]]) == pytest.approx(mean * (1 - 0.5 / 8))
    assert meteor(["cat"], [["dog"]]) == 0


def test_meteor_matches_stems_after_words():
    # nltk, with a WordNet that is empty.
    assert meteor(["dogs are barking"], [["the dog barked"]]) == pytest.approx(1 / 3)


def plain_cider(candidates, references):
    """CIDEr-D as its paper writes it, with vectors over all sequences that there are."""

    def grams(text, n):
        words = tokenize(text)
        return [words[i : i + n] for i in range(len(words) - n + 1)]

    total = 0.0
    for candidate, truths in zip(candidates, references, strict=True):
        for n, truth in itertools.product((1, 2, 3, 4), truths):
            every = sorted({*grams(candidate, n), *grams(truth, n)})

            def tfidf(text, every=every, n=n):
                found = []
                for gram in every:
                    seen = sum(any(gram in grams(t, n) for t in ts) for ts in references)
                    idf = math.log(len(references) / max(1, seen))
                    found.append(grams(text, n).count(gram) * idf)
                return found

            ours, theirs = tfidf(candidate), tfidf(truth)
            lengths = math.hypot(*ours) * math.hypot(*theirs)
            dot = sum(min(x, y) * y for x, y in zip(ours, theirs, strict=True))
            gap = len(tokenize(candidate)) - len(tokenize(truth))
            share = math.exp(-(gap**2) / 72) / (4 * len(truths))
            total += 10 * share * (dot / lengths if lengths else 0)
    return total / len(candidates)


def test_cider_is_what_its_paper_says():
    expected = plain_cider(CANDIDATES, REFERENCES)
    assert expected > 1
    assert cider_d(CANDIDATES, REFERENCES) == pytest.approx(expected)


def test_cider_of_the_reference_itself_is_10():
    # Four words, so that there is a sequence of each length.
    texts = ["a dog barks loudly", "rain falls all day"]
    assert cider_d(texts, [[text] for text in texts]) == pytest.approx(10)


def test_repeating_a_rare_word_does_not_help():
    truths = [["a dog barks loudly now"], ["rain falls on the roof"]]
    once = cider_d(["a dog barks loudly now", "x"], truths)
    again = cider_d(["dog dog dog dog dog", "x"], truths)
    assert again < once / 4


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        ([], [], "0 candidates"),
        (["a"], [["a"], ["b"]], "1 candidates and references of 2"),
        (["a"], ["a"], r"references\[0\] is 'a'"),
        (["a"], [[]], r"references\[0\] is \[\]"),
    ],
)
def test_mistakes_are_named(candidates, references, message):
    for measure in (bleu, rouge_l, meteor, cider_d):
        with pytest.raises(ParameterError, match=message):
            measure(candidates, references)
