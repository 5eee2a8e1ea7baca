import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirkit.activations import Provenance
from mirkit.annotation import Embedding, Key, Tags, Tempo
from mirkit.errors import ParameterError, UnknownName
from mirkit.library import Library, Maker, Result
from mirkit.library.harmony import compatible_keys, key_distance
from mirkit.library.ordering import cost, exact, heuristic, length
from mirkit.library.schema import VERSION
from mirkit.vocab import KEYS

TAGS = (("Jazz", 0.9), ("Vocals", 0.6), ("Piano", 0.35), ("Rain", 0.1))


def filled(library, n=200, seed=0):
    """Tracks of random tempo, key, energy and tags; returns what each holds."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        bpm, key = float(rng.uniform(50, 260)), KEYS[rng.integers(24)]
        labels = [(name, score) for name, score in TAGS if rng.random() < 0.5]
        energy = float(rng.random())
        number = library.add_content(f"{i:064x}", title=f"Song {i}", artist=f"Band {i % 7}",
                                     energy=energy)  # fmt: skip
        library.store(number, Maker("tempo", "m"), Result("tempo", Tempo(bpm)))
        library.store(number, Maker("key", "m"), Result("key", Key(key)))
        tags = Tags(tuple(x for x, _ in labels), [x for _, x in labels])
        library.store(number, Maker("tags", "m"), Result("tags", tags))
        rows.append((number, bpm, key, energy, dict(labels), f"Band {i % 7}"))
    with library.database.write() as db:
        db.execute("update tracks set here = 1")
    return rows


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("search") / "music.db")
    rows = filled(library)
    return lambda query: {row.id for row in library.search(query, limit=None)}, rows


def at_a_level(bpm, low, high):
    return any(low <= bpm * level <= high for level in (0.5, 1, 2))


QUERIES = {
    "bpm:120-126": lambda x: at_a_level(x[1], 120, 126),
    "bpm:150-170": lambda x: at_a_level(x[1], 150, 170),
    "bpm:60-64": lambda x: at_a_level(x[1], 60, 64),
    "bpm:=120-170": lambda x: 120 <= x[1] <= 170,
    "bpm:>200": lambda x: x[1] > 200,
    "bpm:<=90": lambda x: x[1] <= 90,
    "-bpm:120-140": lambda x: not at_a_level(x[1], 120, 140),
    "key:8A": lambda x: x[2] == "A minor",
    "key:~8A": lambda x: x[2] in ("A minor", "C major", "E minor", "D minor"),
    "-key:~Am": lambda x: x[2] not in ("A minor", "C major", "E minor", "D minor"),
    "tag:jazz": lambda x: "Jazz" in x[4],
    "tag:rain": lambda x: False,
    "tag:rain>0.05": lambda x: "Rain" in x[4],
    "tag:jazz -tag:vocals": lambda x: "Jazz" in x[4] and "Vocals" not in x[4],
    "tag:jazz tag:vocals energy:>0.6": lambda x: {"Jazz", "Vocals"} <= set(x[4]) and x[3] > 0.6,
    "energy:0.2-0.4": lambda x: 0.2 <= x[3] <= 0.4,
    'artist:"band 3"': lambda x: x[5] == "Band 3",
    "band -artist:3": lambda x: x[5] != "Band 3",
    "piano band": lambda x: "Piano" in x[4],
    "bpm:120-126 key:~8A tag:jazz -tag:vocals energy:>0.1": lambda x: (
        at_a_level(x[1], 120, 126) and x[2] in compatible_keys("8A")
        and "Jazz" in x[4] and "Vocals" not in x[4] and x[3] > 0.1
    ),
}  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_finds_what_a_loop_does(found, query):
    search, rows = found
    assert search(query) == {row[0] for row in rows if QUERIES[query](row)}


def test_results_come_in_order_and_in_pages(library):
    filled(library, 40)
    rows = library.search("sort:-energy", limit=None)
    assert [row.energy for row in rows] == sorted((row.energy for row in rows), reverse=True)
    assert library.search("sort:-energy", limit=5, offset=10) == rows[10:15]
    assert [row.id for row in library.search("")] == [row.id for row in library.tracks()]


@pytest.mark.parametrize(
    ("query", "error", "text"),
    [
        ("bmp:120", UnknownName, "unknown field 'bmp'. Did you mean 'bpm'"),
        ("bpm:fast", ParameterError, "is no number"),
        ("key:H7", ParameterError, "H7"),
        ("tag:jaz", UnknownName, "Did you mean 'Jazz'"),
        ("status:old", UnknownName, "unknown status"),
        ("sort:color", UnknownName, "unknown order"),
        ("...", ParameterError, "no word"),
    ],
)
def test_what_means_nothing_is_told(library, query, error, text):
    filled(library, 5)
    with pytest.raises(error, match=text):
        library.search(query)


def test_a_class_that_no_track_has_finds_nothing_and_is_no_mistake(library):
    filled(library, 5)
    assert library.search("tag:bagpipes bpm:>1") == []


def test_quotes_and_signs_of_fts_harm_nothing(library):
    filled(library, 5)
    for query in (
        '"song 1" AND',
        "son*",
        "a NEAR b",
        'title:"x OR y"',
        "(song)",
        "x'; drop table x",
    ):
        library.search(query, limit=3)
    assert library.search("song 1")


def test_keys_that_mix_are_one_step_away():
    for a, b in itertools.product(KEYS, KEYS):
        assert (key_distance(a, b) <= 0.2) == (b in compatible_keys(a))
        assert key_distance(a, b) == key_distance(b, a)


def brute(costs, start):
    orders = itertools.permutations(range(len(costs)))
    return min(length(costs, x) for x in orders if start is None or x[0] == start)


@pytest.mark.parametrize("start", [None, 2])
def test_small_orders_are_the_best_there_are(start):
    rng = np.random.default_rng(1)
    for n in (2, 4, 7):
        costs = rng.random((n, n))
        costs = (costs + costs.T) / 2
        first = None if start is None else start % n
        places = exact(costs, first)
        assert sorted(places) == list(range(n))
        assert length(costs, places) == pytest.approx(brute(costs, first))


def test_the_heuristic_comes_near_the_best():
    rng = np.random.default_rng(2)
    ratios = []
    for _ in range(10):
        points = rng.random((11, 3))
        costs = np.linalg.norm(points[:, None] - points, axis=2)
        for start in (None, 4):
            places = heuristic(costs, start)
            assert sorted(places) == list(range(11))
            assert start is None or places[0] == start
            ratios.append(length(costs, places) / length(costs, exact(costs, start)))
    assert min(ratios) >= 1 - 1e-12
    assert np.mean(ratios) < 1.03


def test_a_playlist_costs_less_than_any_shuffle(library):
    filled(library, 60)
    rows = library.search("", limit=None)
    ordered = library.playlist(rows, first=rows[5].id)
    assert ordered[0] == rows[5]
    assert sorted(row.id for row in ordered) == [row.id for row in rows]
    total = sum(cost(a, b) for a, b in itertools.pairwise(ordered))
    plain = sum(cost(a, b) for a, b in itertools.pairwise(rows))
    assert total < 0.6 * plain
    with pytest.raises(ParameterError, match="none of the 60 tracks"):
        library.playlist(rows, first=9999)


SPACE = Provenance("tag-mn", "0.1", "ab" * 32)


def embedded(library, n=50, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((n, 8)).astype(np.float32)
    for i, vector in enumerate(vectors):
        number = library.add_content(f"{i:064x}", bpm=100.0 + i)
        library.store(number, Maker("embed", "tag-mn"),
                      Result("embed", Embedding(vector[None], None, SPACE)))  # fmt: skip
    with library.database.write() as db:
        db.execute("update tracks set here = 1")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_similar_tracks_are_the_nearest_by_cosine(library):
    vectors = embedded(library)
    rows = library.tracks(limit=None)
    wanted = np.argsort(-(vectors @ vectors[7]))[1:6]
    found = library.similar(rows[7].id, 5)
    assert [row.id for row, _ in found] == [rows[i].id for i in wanted]
    assert found[0][1] == pytest.approx(vectors[wanted[0]] @ vectors[7], abs=1e-6)
    query = Embedding(vectors[7:8], None, SPACE)
    assert library.similar(query, 1)[0][0].id == rows[7].id
    fast = library.similar(rows[7].id, 3, query="bpm:>120")
    assert [row.bpm > 120 for row, _ in fast] == [True] * 3


def test_the_index_is_kept_and_grows(library):
    vectors = embedded(library, 20)
    first = library.tracks()[0].id
    library.similar(first)
    assert library.neighbors.folder.is_dir()
    library.correct(first, "embed", Embedding(vectors[3:4], None, SPACE))
    number = library.tracks()[3].id
    with Library(library.path) as again:
        assert again.similar(number, 1)[0][0].id == first


def test_embeddings_of_another_model_are_refused(library):
    embedded(library, 5)
    with pytest.raises(ParameterError, match="cannot be compared"):
        library.similar(Embedding(np.ones((1, 8)), None, Provenance("other")))
    silent = library.add_content("ff" * 32)
    with pytest.raises(ParameterError, match="has no embedding"):
        library.similar(silent)


def test_a_library_of_the_first_schema_is_brought_up(tmp_path):
    path = tmp_path / "first.db"
    path.write_bytes(gzip.decompress(Path(__file__).with_name("first_schema.db.gz").read_bytes()))
    with Library(path) as library:
        assert library.database.value("pragma user_version") == VERSION
        assert library.problems() == []
        (row,) = library.search("bpm:126 key:8A tag:jazz blue")
        assert (row.title, row.bpm) == ("Blue Train", 63)
        assert library.get(row.id, "tempo") == Tempo(63.0)
        assert library.status().tracks == {"done": 1, "failed": 1, "new": 0}
    assert (tmp_path / "first.db.v1.bak").exists()
    with Library(tmp_path / "first.db.v1.bak", read_only=True) as backup:
        assert backup.database.value("pragma user_version") == 1


def test_a_moment_is_the_embedding_of_its_seconds(library, tmp_path, clicks):
    import mirkit

    path = clicks(tmp_path / "long.wav", 120, n_beats=40)
    library.add(path)
    library.analyze(["embed"])
    row = library.track(path)
    samples, rate = soundfile.read(path)
    part = (samples[rate * 5 : rate * 15], rate)
    np.testing.assert_allclose(
        library.moment(row.id, 10.0).values, mirkit.embed(part).values, atol=1e-5
    )
    assert library.similar(library.moment(row.id, 10.0))[0][0] == row


def test_playlists_are_written_in_order(library, tmp_path, clicks):
    from mirkit.formats.dj import read_collection
    from mirkit.library.export import save_playlist

    for i, bpm in enumerate((126, 90, 124)):
        clicks(tmp_path / f"{i}.wav", bpm, seed=i)
    library.add(*tmp_path.glob("*.wav"))
    library.analyze(["beats"], settings={"beats": {"model": "tempogram"}})
    rows = library.playlist(library.search(""), first=library.track(tmp_path / "0.wav").id)
    assert [Path(row.path).stem for row in rows] == ["0", "2", "1"]
    for format, name in (("m3u", "a.m3u8"), ("rekordbox", "a.xml")):
        save_playlist(library, rows, tmp_path / name, format, "Set")
        read = read_collection(tmp_path / name, format)
        assert read.playlists[0].name == "Set"
        assert list(read.playlists[0].locations) == [row.path for row in rows]
    assert read.tracks[0].tempo == pytest.approx(126, abs=1)
