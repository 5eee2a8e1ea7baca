import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mirkit.activations import Provenance
from mirkit.annotation import Embedding, Key, Tags, Tempo
from mirkit.errors import ParameterError
from mirkit.library import Maker, Result
from mirkit.library.review import fit

SPACE = Provenance("tag-mn", "0.1", "ab" * 32)
EMBED = Maker("embed", "tag-mn")


def cluster(library, n=120, width=16, seed=0):
    """Tracks of which every fourth lies near one direction; returns their numbers and which."""
    rng = np.random.default_rng(seed)
    is_one = np.arange(n) % 4 == 0
    vectors = rng.standard_normal((n, width)) + np.outer(is_one, 4 * np.eye(width)[0])
    numbers = []
    for i, vector in enumerate(vectors.astype(np.float32)):
        numbers.append(library.add_content(f"{i:064x}"))
        library.store(numbers[-1], EMBED, Result("embed", Embedding(vector[None], None, SPACE)))
    with library.database.write() as db:
        db.execute("update tracks set here = 1")
    return np.array(numbers), is_one, vectors


def test_a_tag_is_learned_from_few_examples(library):
    numbers, is_one, _ = cluster(library)
    examples = numbers[is_one][:10].tolist()
    others = numbers[~is_one][:20].tolist()
    probe = library.teach("late night", examples, others)
    assert (probe.n_examples, probe.n_others) == (10, 20)
    assert probe.accuracy > 0.8
    found = {row.id for row in library.search('tag:"late night"', limit=None)}
    assert probe.n_found == len(found)
    rest = set(numbers.tolist()) - set(examples) - set(others)
    right = sum((number in found) == bool(is_one[numbers == number][0]) for number in rest)
    assert right / len(rest) > 0.8


def test_examples_of_nothing_have_no_accuracy(library):
    numbers, _, _ = cluster(library, seed=3)
    chosen = np.random.default_rng(4).permutation(numbers)
    accuracy = library.teach("chance", chosen[:12].tolist(), chosen[12:36].tolist()).accuracy
    assert accuracy < 0.75  # the best of many thresholds lies above one half


def test_own_tags_survive_a_new_analysis(library):
    numbers, is_one, _ = cluster(library)
    library.teach("mine", numbers[is_one][:8].tolist())
    number = int(numbers[is_one][0])
    before = dict(library.tags(number))
    library.store(number, Maker("tags", "new"), Result("tags", Tags(("Piano",), [0.7])))
    assert dict(library.tags(number)) == before | {"Piano": 0.7}


def test_the_probe_is_a_logistic_regression():
    rng = np.random.default_rng(0)
    for width in (5, 60):  # fewer dimensions than examples, and more
        vectors = rng.standard_normal((30, width))
        is_one = np.arange(30) < 10
        weights = fit(vectors, is_one)
        shares = np.where(is_one, 0.5, 0.25)
        plain = LogisticRegression(C=10.0, tol=1e-10, max_iter=5000)
        plain.fit(vectors, is_one, shares)
        np.testing.assert_allclose(weights[:-1], plain.coef_[0], atol=1e-3)


def test_too_few_examples_are_refused(library):
    numbers, _, _ = cluster(library, 20)
    with pytest.raises(ParameterError, match="has 4 examples; it needs 5"):
        library.teach("x", numbers[:4].tolist())
    with pytest.raises(ParameterError, match="track 999 has no embedding"):
        library.teach("x", [*numbers[:5].tolist(), 999])
    with pytest.raises(ParameterError, match="some must lack"):
        library.teach("x", numbers.tolist())


def test_what_is_least_sure_is_reviewed_until_a_person_has(library):
    for i, confidence in enumerate((0.9, 0.2, 0.5)):
        number = library.add_content(f"{i:064x}")
        library.store(number, Maker("tempo", "m"), Result("tempo", Tempo(100.0, confidence)))
        library.store(number, Maker("key", "m"), Result("key", Key("A minor", 1 - confidence)))
    with library.database.write() as db:
        db.execute("update tracks set here = 1")
    doubts = library.doubtful(3)
    assert [(x.what, round(x.confidence, 1)) for x in doubts] == [
        ("key", 0.1), ("tempo", 0.2), ("tempo", 0.5),
    ]  # fmt: skip
    library.correct(doubts[0].track.id, "key", Key("C major"))
    assert library.doubtful(1)[0].what == "tempo"
