"""The index finds what a plain comparison finds, keeps what it is given, and knows its model."""

import json
import shutil

import numpy as np
import pytest

from mirkit.activations import Provenance
from mirkit.annotation import Embedding
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.sound.index import Graph, Space, VectorIndex, vectors

SPACE = Space("clap-mini", "ab" * 32)


def drawn(n, dim=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def filled(n=50, dim=8, seed=0):
    index = VectorIndex(SPACE, dim)
    index.add([str(i) for i in range(n)], drawn(n, dim, seed))
    return index


def keys_of(hits):
    return [hit.key for hit in hits]


def plain(values, query, k):
    """Keys of the nearest of `query`, by the cosine as it is written in books."""
    cosines = [v @ query / np.linalg.norm(v) / np.linalg.norm(query) for v in values]
    return [str(i) for i in np.argsort(-np.array(cosines), kind="stable")[:k]]


def test_search_finds_what_a_plain_comparison_finds():
    values, queries = drawn(300), drawn(5, seed=1)
    found = filled(300).search(queries, 10)
    assert [keys_of(each) for each in found] == [plain(values, q, 10) for q in queries]


def test_scores_are_cosines():
    index = VectorIndex(SPACE, 2)
    index.add(["a", "b"], [[10, 0], [-1, 1]])
    (hits,) = index.search([[0.5, 0]])
    assert keys_of(hits) == ["a", "b"]
    assert [hit.score for hit in hits] == pytest.approx([1, -(0.5**0.5)])


def test_equals_come_in_the_order_of_their_adding():
    index = VectorIndex(SPACE, 2)
    index.add(["z", "a", "m"], [[1, 0]] * 3)
    assert keys_of(index.search([[1, 0]], 2)[0]) == ["z", "a"]


def test_adding_again_replaces_and_removing_forgets():
    index = filled(5)
    index.add(["2"], [index.vector("4")])
    index.remove(["4"])
    assert len(index) == 4
    assert "4" not in index
    hits = index.search([index.vector("2")], 10)[0]
    assert len(hits) == 4
    assert hits[0] == vectors.Hit("2", pytest.approx(1))
    with pytest.raises(UnknownName, match="unknown key '4'"):
        index.remove(["1", "4"])
    assert "1" in index


def test_two_models_are_not_compared():
    index = filled()
    for other in (
        Space("tag-mn", SPACE.weights),
        Space("clap-mini", "cd" * 32),
        Space("clap-mini"),
    ):
        with pytest.raises(ParameterError, match="cannot be compared"):
            index.search(drawn(1), space=other)
        with pytest.raises(ParameterError, match="cannot be compared"):
            index.add(["x"], drawn(1), space=other)


def test_embeddings_say_their_model():
    index = filled()
    origin = Provenance("clap-mini", "1.0", SPACE.weights)
    index.add(["own"], [Embedding(drawn(1, seed=9), None, origin)])
    (hits,) = index.search(Embedding(drawn(1, seed=9), None, origin), 1)
    assert keys_of(hits) == ["own"]
    alien = Embedding(drawn(1), None, Provenance("tag-mn", "1.0", SPACE.weights))
    with pytest.raises(ParameterError, match="of tag-mn"):
        index.add(["alien"], [alien])
    with pytest.raises(ParameterError, match="of tag-mn"):
        index.search(alien)
    with pytest.raises(ParameterError, match="does not say which model"):
        index.search(Embedding(drawn(1)))


@pytest.mark.parametrize(
    ("keys", "values", "message"),
    [
        (["a"], np.zeros((1, 8)), "is zero"),
        (["a"], np.full((1, 8), np.nan), "finite"),
        (["a"], np.ones((1, 7)), "7 dimensions"),
        (["a", "b"], np.ones((1, 8)), "holds 2 items"),
        (["a", "a"], np.ones((2, 8)), "twice"),
    ],
)
def test_what_cannot_be_kept_is_refused(keys, values, message):
    index = filled(3)
    with pytest.raises(ParameterError, match=message):
        index.add(keys, values)
    assert len(index) == 3


def test_an_empty_index_finds_nothing():
    assert VectorIndex(SPACE, 4).search(np.ones((2, 4))) == [[], []]


def test_disk_gives_back_what_it_was_given(tmp_path):
    index = filled(20)
    index.add(["with stamp"], drawn(1, seed=3), stamps={"with stamp": "2026-11-29"})
    index.remove(["3"])
    index.save(tmp_path)
    again = VectorIndex.open(tmp_path, SPACE)
    assert list(again) == list(index)
    assert again.stamp("with stamp") == "2026-11-29"
    assert again.space == SPACE
    assert again.search(drawn(4, seed=5), 7) == index.search(drawn(4, seed=5), 7)


def test_saving_again_appends(tmp_path):
    filled(1000).save(tmp_path)
    index = VectorIndex.open(tmp_path)
    written = (tmp_path / "vectors-0.f32").stat().st_ino
    index.add(["new", "7"], drawn(2, seed=4), stamps={"7": "b"})
    index.remove(["5"])
    index.save(tmp_path)
    index.add(["newer"], drawn(1, seed=6))
    index.save(tmp_path)
    assert (tmp_path / "vectors-0.f32").stat().st_ino == written
    assert (tmp_path / "vectors-0.f32").stat().st_size == 1003 * 8 * 4
    again = VectorIndex.open(tmp_path)
    assert list(again) == list(index)
    assert again.stamp("7") == "b"
    assert again.search(drawn(3, seed=8)) == index.search(drawn(3, seed=8))


def test_what_was_half_written_does_not_count(tmp_path):
    index = filled(10)
    index.save(tmp_path)
    for name in ("vectors-0.f32", "keys-0.jsonl"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"\x00half a row")
    again = VectorIndex.open(tmp_path)
    assert list(again) == list(index)
    again.add(["later"], drawn(1, seed=2))
    again.save(tmp_path)
    assert list(VectorIndex.open(tmp_path)) == list(again)


def test_an_index_with_more_gone_than_there_is_written_anew(tmp_path):
    index = filled(30)
    index.save(tmp_path)
    index.remove([str(i) for i in range(20)])
    index.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.json", "keys-1.jsonl", "vectors-1.f32",
    ]  # fmt: skip
    assert (tmp_path / "vectors-1.f32").stat().st_size == 10 * 8 * 4
    again = VectorIndex.open(tmp_path)
    assert list(again) == list(index) == [str(i) for i in range(20, 30)]
    assert again.search(drawn(2, seed=1), 3) == index.search(drawn(2, seed=1), 3)


def test_opening_asks_for_the_model_that_is_needed(tmp_path):
    filled().save(tmp_path)
    with pytest.raises(ParameterError, match="cannot be compared"):
        VectorIndex.open(tmp_path, Space("laion-clap"))


def test_damage_is_named(tmp_path):
    with pytest.raises(FormatError, match="holds no index"):
        VectorIndex.open(tmp_path)
    whole = tmp_path / "whole"
    filled().save(whole)
    for name, content in {
        "vectors-0.f32": b"\0" * 8,
        "keys-0.jsonl": b'{"key": "0"}\n',
        "index.json": b'{"schema": 99}',
    }.items():
        broken = tmp_path / name
        shutil.copytree(whole, broken)
        (broken / name).write_bytes(content)
        with pytest.raises(FormatError, match=r"damaged|schema 1|too short"):
            VectorIndex.open(broken)
    missing = tmp_path / "missing"
    shutil.copytree(whole, missing)
    head = json.loads((missing / "index.json").read_text())
    (missing / "index.json").write_text(json.dumps({**head, "n_rows": "many"}))
    with pytest.raises(FormatError, match="lacks one of"):
        VectorIndex.open(missing)


@pytest.fixture
def clustered():
    """Vectors around centers, as real embeddings are."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, 32))
    values = centres[rng.integers(200, size=6000)] + 0.6 * rng.normal(size=(6000, 32))
    return values.astype(np.float32)


def found_share(index, queries, k=10):
    """Share of the nearest that the graph finds too."""
    exact, near = index.search(queries, k, exact=True), index.search(queries, k, exact=False)
    pairs = zip(exact, near, strict=True)
    return np.mean([len(set(keys_of(a)) & set(keys_of(b))) / k for a, b in pairs])


def test_the_graph_finds_nearly_all(clustered):
    index = VectorIndex(SPACE, 32)
    index.add([str(i) for i in range(6000)], clustered)
    assert found_share(index, clustered[:100] + 0.1) >= 0.95


def test_the_graph_follows_what_is_added_and_removed(clustered, tmp_path):
    index = VectorIndex(SPACE, 32)
    index.add([str(i) for i in range(5000)], clustered[:5000])
    index.search(clustered[:1], exact=False)
    index.remove([str(i) for i in range(0, 2000, 2)])
    index.add([str(i) for i in range(5000, 6000)], clustered[5000:])
    index.add(["1"], clustered[1:2])
    queries = clustered[4900:5100]
    assert found_share(index, queries) >= 0.95
    index.save(tmp_path)
    assert len(list(tmp_path.glob("graph-0-*.usearch"))) == 1
    again = VectorIndex.open(tmp_path)
    assert again.search(queries, exact=False) == index.search(queries, exact=False)
    again.add(["new"], clustered[:1])
    again.save(tmp_path)
    assert len(list(tmp_path.glob("graph-0-*.usearch"))) == 1
    assert found_share(VectorIndex.open(tmp_path), queries) >= 0.95


def test_the_graph_is_used_from_a_size_on(monkeypatch):
    index, asked = filled(30), []
    monkeypatch.setattr(vectors, "EXACT_BELOW", 30)
    search = Graph.search
    monkeypatch.setattr(Graph, "search", lambda *x: asked.append(1) or search(*x))
    index.remove(["0"])
    index.search(drawn(1))
    assert not asked
    index.add(["0"], drawn(1))
    index.search(drawn(1))
    assert asked
