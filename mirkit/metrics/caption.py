"""Caption metrics: BLEU, ROUGE-L, METEOR and CIDEr-D against sentences of people.

All take a candidate per recording and its references, as texts. They are split into words by
`tokenize`: small letters, without punctuation. The original tools use the tokenizer of the Penn
Treebank, which differs in rare cases (contractions).

| measure | of what |
|---|---|
| `bleu` | words and word sequences of the candidate that the references have (precision) |
| `rouge_l` | the longest common subsequence |
| `meteor` | matched words and stems, and into how many pieces the match falls |
| `cider_d` | word sequences, weighted by how rare they are in all references |
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.text.stemming import stem
from mirkit.text.wordpiece import words_of

Words = tuple[str, ...]
Captions = Sequence[str]
References = Sequence[Sequence[str]]

N_GRAMS = 4
SIGMA, SCALE = 6.0, 10.0  # of CIDEr-D
BETA = 1.2  # of ROUGE-L, as in the COCO caption tools
ALPHA, GAMMA, POWER = 0.9, 0.5, 3.0  # of METEOR, 2005


def tokenize(text: str) -> Words:
    """Return the words of a caption, in small letters and without accents and punctuation.

    Examples
    --------
    >>> tokenize("A dog barks, twice.")
    ('a', 'dog', 'barks', 'twice')
    """
    return tuple(words_of(text))


def bleu(candidates: Captions, references: References, n: int = N_GRAMS) -> float:
    """Return BLEU of sequences of up to `n` words, over all captions together.

    The geometric mean of clipped precisions, times a penalty for candidates that are shorter than
    the nearest reference; no smoothing.

    References
    ----------
    K. Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002.

    Examples
    --------
    >>> round(bleu(["a dog barks loudly"], [["a dog barks", "the dog is barking"]], 2), 4)
    0.7071
    """
    pairs = _pairs(candidates, references)
    hits, totals = np.zeros(n), np.zeros(n)
    length = nearest = 0
    for words, truths in pairs:
        length += len(words)
        nearest += min((abs(len(t) - len(words)), len(t)) for t in truths)[1]
        for k in range(n):
            counts = _ngrams(words, k + 1)
            most = _most([_ngrams(truth, k + 1) for truth in truths])
            hits[k] += sum(min(count, most[gram]) for gram, count in counts.items())
            totals[k] += sum(counts.values())
    if not hits.all():
        return 0.0
    brevity = min(0.0, 1 - nearest / length)
    return float(np.exp(np.log(hits / totals).mean() + brevity))


def rouge_l(candidates: Captions, references: References) -> float:
    """Return the mean of ROUGE-L: recall-weighted F of the longest common subsequence.

    References
    ----------
    C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", ACL workshop 2004.

    Examples
    --------
    >>> round(rouge_l(["a dog barks"], [["a big dog barks"]]), 4)
    0.8356
    """
    return float(np.mean([_rouge_l(*pair) for pair in _pairs(candidates, references)]))


def meteor(candidates: Captions, references: References) -> float:
    """Return the mean of METEOR with the stages "exact" and "stem", of the best reference.

    Synonyms of WordNet are not matched: numbers are lower than those of the tool in Java, and to
    be compared with each other alone.

    References
    ----------
    S. Banerjee, A. Lavie, "METEOR: an automatic metric for MT evaluation with improved correlation
    with human judgments", ACL workshop 2005.

    Examples
    --------
    >>> round(meteor(["a dog barks"], [["a dog barking"]]), 4)  # one chunk: 1 - .5 / 27
    0.9815
    """
    pairs = _pairs(candidates, references)
    return float(
        np.mean([max(_meteor(words, truth) for truth in truths) for words, truths in pairs])
    )


def cider_d(candidates: Captions, references: References) -> float:
    """Return the mean of CIDEr-D: cosines of word sequences weighted by inverse document frequency.

    Documents are recordings, so a corpus of one recording gives 0: every sequence is in all of it.

    References
    ----------
    R. Vedantam et al., "CIDEr: consensus-based image description evaluation", CVPR 2015.
    """
    pairs = _pairs(candidates, references)
    documents = [
        [{gram for truth in truths for gram in _ngrams(truth, k + 1)} for k in range(N_GRAMS)]
        for _, truths in pairs
    ]
    counts = [Counter(gram for each in documents for gram in each[k]) for k in range(N_GRAMS)]
    log_n = math.log(len(pairs))
    return float(np.mean([_cider(words, truths, counts, log_n) for words, truths in pairs]))


def _pairs(candidates: Captions, references: References) -> list[tuple[Words, list[Words]]]:
    if len(candidates) != len(references) or not len(candidates):
        raise ParameterError(
            f"there are {len(candidates)} candidates and references of {len(references)} "
            "recordings; give one candidate per recording"
        )
    for i, (candidate, truths) in enumerate(zip(candidates, references, strict=True)):
        if isinstance(truths, str) or not isinstance(candidate, str) or not truths:
            raise ParameterError(f"references[{i}] is {truths!r}; it is a list of sentences")
    return [
        (tokenize(candidate), [tokenize(truth) for truth in truths])
        for candidate, truths in zip(candidates, references, strict=True)
    ]


def _ngrams(words: Words, n: int) -> Counter[Words]:
    return Counter(words[i : i + n] for i in range(len(words) - n + 1))


def _most(counts: Sequence[Counter[Words]]) -> Counter[Words]:
    """Return the greatest count of each sequence in any reference."""
    most: Counter[Words] = Counter()
    for each in counts:
        most |= each
    return most


def _rouge_l(words: Words, truths: list[Words]) -> float:
    common = [_common(words, truth) for truth in truths]
    precision = max((c / len(words) for c in common), default=0.0) if words else 0.0
    recall = max(c / len(t) if t else 0.0 for c, t in zip(common, truths, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _common(first: Words, second: Words) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for x in first:
        last, row = row, [0]
        for j, y in enumerate(second):
            row.append(last[j] + 1 if x == y else max(row[j], last[j + 1]))
    return row[-1]


def _meteor(words: Words, truth: Words) -> float:
    matches = list(_matches(words, truth))
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(words), len(matches) / len(truth)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    places = dict(matches)
    n_chunks = sum(places.get(i - 1, -2) != j - 1 for i, j in matches)
    return float(mean * (1 - GAMMA * (n_chunks / len(matches)) ** POWER))


def _matches(words: Words, truth: Words) -> Iterator[tuple[int, int]]:
    """Yield pairs of places of equal words, then of equal stems, in the order of the candidate."""
    free, found = set(range(len(truth))), dict[int, int]()
    for same in (lambda word: word, stem):
        for i, word in enumerate(words):
            if i in found:
                continue
            fits = [j for j in free if same(truth[j]) == same(word)]
            if fits:
                # The place that goes on from the last match makes the fewest chunks.
                found[i] = min(fits, key=lambda j: (j != found.get(i - 1, -2) + 1, j))
                free.discard(found[i])
    yield from sorted(found.items())


def _cider(
    words: Words, truths: list[Words], counts: Sequence[Counter[Words]], log_n: float
) -> float:
    """Return CIDEr-D of a candidate."""
    scores: Floats = np.zeros(N_GRAMS)
    for truth in truths:
        penalty = math.exp(-((len(words) - len(truth)) ** 2) / (2 * SIGMA**2))
        for k in range(N_GRAMS):
            ours = _weighted(_ngrams(words, k + 1), counts[k], log_n)
            theirs = _weighted(_ngrams(truth, k + 1), counts[k], log_n)
            scores[k] += penalty * _clipped_cosine(ours, theirs)
    return SCALE * float(scores.mean()) / len(truths)


def _weighted(grams: Counter[Words], counts: Counter[Words], log_n: float) -> dict[Words, float]:
    """Return counts by inverse document frequency."""
    return {gram: n * (log_n - math.log(max(1, counts[gram]))) for gram, n in grams.items()}


def _clipped_cosine(ours: dict[Words, float], theirs: dict[Words, float]) -> float:
    """Return a cosine in which no weight of the candidate is above that of the reference."""
    lengths = [math.sqrt(sum(x * x for x in each.values())) for each in (ours, theirs)]
    if not all(lengths):
        return 0.0
    dot = sum(min(x, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, x in ours.items())
    return dot / (lengths[0] * lengths[1])
