import csv
import json

import numpy as np
import pytest
import signals
import soundfile
from sklearn import metrics

import mirkit
from mirkit.annotation import Tags
from mirkit.datasets.ontology import Ontology
from mirkit.datasets.sounds import Sound
from mirkit.errors import FormatError, ParameterError
from mirkit.evaluation import BENCHMARKS, draw, evaluate, score
from mirkit.evaluation.items import select_split
from mirkit.evaluation.tag_items import read_tag_items
from mirkit.evaluation.tag_measures import TagMeasures, Truth
from mirkit.metrics.calibration import expected_calibration_error
from mirkit.metrics.ontology import omap
from mirkit.metrics.tag import accuracy, lwlrap

LABELS = ("Bark", "Cat", "Rain", "Siren", "Wind", "Zither")
N = 48


def clips(seed=0, n=N):
    """Sounds of one label each, two of each recording, in two folds."""
    rng = np.random.default_rng(seed)
    return [
        Sound(f"sounds/clip{i:02d}.wav", (LABELS[label],), 1 + i % 4 // 2, f"recording {i // 2}")
        for i, label in enumerate(rng.integers(0, len(LABELS), n).tolist())
    ]


def heard(sounds, skill, seed=0):
    """Scores that a system of some skill gives, shape (n_clips, n_classes)."""
    rng = np.random.default_rng(seed)
    truth = [[label in sound.labels for label in LABELS] for sound in sounds]
    odds = rng.normal(size=(len(sounds), len(LABELS))) - 1 + skill * np.array(truth)
    return 1 / (1 + np.exp(-odds))


def save_lines(path, sounds, scores):
    with path.open("w") as file:
        for sound, row in zip(sounds, scores.tolist(), strict=True):
            tags = [{"label": x, "score": s} for x, s in zip(LABELS, row, strict=True)]
            file.write(json.dumps({"schema": 2, "file": sound.path.name, "tags": tags}) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def sounds():
    return clips()


@pytest.fixture(scope="module")
def systems(sounds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    return [
        save_lines(folder / f"{name}.jsonl", sounds, heard(sounds, skill))
        for name, skill in (("good", 3.0), ("poor", 1.0))
    ]


def test_measures_are_those_of_scikit_learn(sounds, systems):
    report = evaluate("tags", sounds, systems=systems, n_draws=50)
    scores = heard(sounds, 3.0)
    targets = np.array([[label in sound.labels for label in LABELS] for sound in sounds])
    labels = targets.argmax(1)
    found = report.means[systems[0]]
    assert found["map"] == pytest.approx(metrics.average_precision_score(targets, scores))
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(targets, scores))
    assert found["lwlrap"] == pytest.approx(lwlrap(scores, targets))
    folds = [sound.fold for sound in sounds]
    assert found["accuracy"] == pytest.approx(accuracy(scores, labels, folds).mean)
    assert found["top_5"] == pytest.approx(metrics.top_k_accuracy_score(labels, scores, k=5))
    right = scores.argmax(1) == labels
    assert found["ece"] == pytest.approx(expected_calibration_error(scores.max(1), right))
    by_class = metrics.average_precision_score(targets, scores, average=None)
    assert [row.precision[systems[0]].mean for row in report.classes] == pytest.approx(by_class)


def test_a_pair_is_compared_on_the_same_draws(sounds, systems):
    report = evaluate("tags", sounds, systems=systems, n_draws=400)
    better, poorer = (report.intervals[system]["map"] for system in systems)
    difference = report.differences[systems[1]]["map"]
    assert difference.mean == pytest.approx(poorer.mean - better.mean)
    assert better.low < better.mean < better.high
    assert difference.high < 0
    assert difference.high - difference.low < (better.high - better.low) + (
        poorer.high - poorer.low
    )
    assert report.parts[0].n_groups == N // 2


def test_clips_of_one_recording_are_drawn_together(sounds, systems):
    from dataclasses import replace

    alone = [replace(sound, group=None) for sound in sounds]
    six = [replace(sound, group=f"g{i // 12}") for i, sound in enumerate(sounds)]
    assert evaluate("tags", alone, systems=systems[:1], n_draws=20).parts[0].n_groups == N
    assert evaluate("tags", six, systems=systems[:1], n_draws=20).parts[0].n_groups == 4
    whole = [replace(sound, group="all") for sound in sounds]
    report = evaluate("tags", whole, systems=systems[:1], n_draws=20)
    assert report.intervals[systems[0]]["map"].low is None


def test_a_draw_is_what_scoring_the_drawn_clips_gives(sounds):
    scores = heard(sounds, 2.0)
    targets = np.array([[label in sound.labels for label in LABELS] for sound in sounds])
    folds = np.array([sound.fold for sound in sounds])
    tree = Ontology({"Animal": ("Bark", "Cat"), **dict.fromkeys(LABELS, ())})
    weights = np.random.default_rng(7).integers(0, 3, N).astype(float)
    rows = np.repeat(np.arange(N), weights.astype(int))
    whole = TagMeasures(Truth(LABELS, targets, folds, np.arange(6.0), tree), scores)
    drawn = TagMeasures(
        Truth(LABELS, targets[rows], folds[rows], np.arange(6.0), tree), scores[rows]
    )
    assert list(whole.columns) == [
        "map", "map_head", "map_mid", "map_tail", "auc", "d_prime", "lwlrap", "accuracy", "top_5",
        "ece", "map_depth_0", "map_depth_1", "map_depth_2", "map_all_nodes",
    ]  # fmt: skip
    weighted = whole(np.stack([weights, np.ones(N)]))
    for i, table in enumerate(drawn(np.ones((1, len(rows))))):
        assert np.allclose(weighted[i][0], table[0], equal_nan=True)
    for i, table in enumerate(whole(np.ones((1, N)))):
        assert np.allclose(weighted[i][1], table[0])


def test_an_ontology_adds_what_kinds_tell(sounds, systems):
    tree = Ontology({
        "Animal": ("Bark", "Cat"), "Weather": ("Rain", "Wind"), "Thing": ("Siren",),
        "Bark": (), "Cat": (), "Rain": (), "Wind": (), "Siren": ("Weather",),
    })  # fmt: skip
    report = evaluate("tags", sounds, systems=systems[:1], ontology=tree, n_draws=20)
    assert report.unrelated == ("Zither",)
    found = report.intervals[systems[0]]
    at = [LABELS.index(label) for label in ("Bark", "Cat", "Rain", "Siren", "Wind")]
    targets = np.array([[label in sound.labels for label in LABELS] for sound in sounds])
    scores = heard(sounds, 3.0)
    steps = tree.distances([LABELS[i] for i in at])
    assert found["omap"].mean == pytest.approx(omap(scores[:, at], targets[:, at], steps).mean)
    assert found["omap"].low is None
    animal = targets[:, :2].any(1)
    thing = targets[:, [2, 3, 4]].any(1)
    expected = [
        metrics.average_precision_score(animal, scores[:, :2].max(1)),
        metrics.average_precision_score(thing, scores[:, [2, 3, 4]].max(1)),
    ]
    assert found["map_depth_0"].mean == pytest.approx(np.mean(expected))
    assert "Not in the ontology: Zither" in report.table()


def test_several_labels_have_no_accuracy_and_all_decisions_are_calibrated(tmp_path, sounds):
    from dataclasses import replace

    many = [replace(s, labels=(*s.labels, "Hum")) if i % 3 else s for i, s in enumerate(sounds)]
    many[0] = replace(many[0], labels=())
    path = save_lines(tmp_path / "x.jsonl", many, heard(many, 2.0))
    report = evaluate("tags", many, systems=[path], n_draws=20)
    found = report.means[path]
    assert "accuracy" not in found
    assert report.unheard == {path: ("Hum",)}
    labels = sorted({*LABELS, "Hum"})
    scores = np.insert(heard(many, 2.0), labels.index("Hum"), 0.0, axis=1)
    targets = np.array([[label in sound.labels for label in labels] for sound in many])
    expected = expected_calibration_error(scores.ravel(), targets.ravel().astype(float))
    assert found["ece"] == pytest.approx(expected)
    hum = next(row for row in report.classes if row.label == "Hum")
    assert hum.precision[path].mean == pytest.approx(targets[:, labels.index("Hum")].mean())


def test_strata_and_parts_are_shown_and_json_is_strict(sounds, systems, tmp_path):
    counts = dict(zip(LABELS, (900, 800, 50, 40, 3, 2), strict=True))
    report = evaluate("tags", sounds, systems=systems, by="fold", counts=counts, n_draws=30)
    assert [part.name for part in report.parts] == ["all", "1", "2"]
    assert [part.n_clips for part in report.parts] == [N, N // 2, N // 2]
    strata = {row.label: row.stratum for row in report.classes}
    assert strata == dict(zip(LABELS, ["head"] * 2 + ["mid"] * 2 + ["tail"] * 2, strict=True))
    means = report.means[systems[0]]
    by_class = [row.precision[systems[0]].mean for row in report.classes]
    assert means["map_head"] == pytest.approx(np.mean(by_class[:2]))
    table = report.table()
    assert "mAP tail" in table
    assert f"{systems[1]} - {systems[0]}" in table
    held = json.loads(report.to_json())
    assert held["schema"] == 2
    assert held["classes"][0]["average_precision"][systems[0]]["n"] == report.classes[0].n
    draw(report).savefig(tmp_path / "classes.png")
    assert (tmp_path / "classes.png").stat().st_size > 10_000


def test_perfect_scores_are_written_as_json_too(sounds, tmp_path):
    truth = np.array([[label in sound.labels for label in LABELS] for sound in sounds], float)
    paths = [save_lines(tmp_path / f"{name}.jsonl", sounds, truth) for name in "ab"]
    report = evaluate("tags", sounds, systems=paths, n_draws=20)
    assert report.means[paths[0]]["d_prime"] == np.inf
    assert "d_prime" not in report.differences[paths[1]]
    held = json.loads(report.to_json())
    assert held["parts"][0]["means"][paths[0]]["d_prime"]["mean"] is None
    report.table()


def test_many_classes_are_drawn_by_rank(tmp_path):
    rng = np.random.default_rng(0)
    many = [Sound(f"{i}.wav", (f"class {i % 90:02d}",)) for i in range(180)]
    path = tmp_path / "x.jsonl"
    with path.open("w") as file:
        for sound in many:
            tags = [{"label": f"class {i:02d}", "score": rng.uniform()} for i in range(90)]
            file.write(json.dumps({"file": str(sound.path), "tags": tags}) + "\n")
    report = evaluate("tags", many, systems=[str(path)], n_draws=2)
    assert "(30 between them)" in report.table()
    draw(report).savefig(tmp_path / "ranks.png")
    assert (tmp_path / "ranks.png").exists()


def test_a_clip_without_scores_counts_for_no_system(sounds, systems, tmp_path):
    folder = tmp_path / "saved"
    for sound, row in zip(sounds[1:], heard(sounds, 2.0)[1:], strict=True):
        folder.mkdir(exist_ok=True)
        mirkit.save(Tags(LABELS, row), folder / f"{sound.path.stem}.json")
    report = evaluate("tags", sounds, systems=[str(folder), systems[0]], n_draws=5)
    assert [(clip, system) for clip, system, _ in report.failed] == [("clip00", str(folder))]
    assert report.parts[0].n_clips == N - 1
    assert "1 failed" in report.table()


def test_scores_of_something_else_are_told(sounds, tmp_path):
    path = tmp_path / "x.jsonl"
    for text, said in (
        ("no\n", "line 1 is no JSON"),
        ("[]\n", "has no 'file'"),
        ('{"file": "a"}\n{"file": "a"}\n', "line 2: a was there before"),
    ):
        path.write_text(text)
        with pytest.raises(FormatError, match=said):
            evaluate("tags", sounds, systems=[str(path)])
    path.write_text(json.dumps({"file": "a/clip00.wav", "beats": []}) + "\n")
    with pytest.raises(ParameterError, match=r"clip00.*holds no tags, but Beats"):
        evaluate("tags", sounds[:1], systems=[str(path)])
    one = json.dumps({"file": "clip00.wav", "tags": [{"label": "dog", "score": 1.0}]})
    path.write_text(one + "\n")
    with pytest.raises(ParameterError, match="called otherwise"):
        evaluate("tags", sounds[:1], systems=[str(path)])
    path.write_text(one + "\n" + one.replace("clip00", "b/clip00") + "\n")
    with pytest.raises(ParameterError, match="whole path"):
        evaluate("tags", sounds[:1], systems=[str(path)])


def test_a_system_hears_each_clip_once_and_goes_on_where_it_was_cut_off(tmp_path, monkeypatch):
    from dataclasses import replace

    rows = []
    for i in range(4):
        audio = signals.click_track(60 + 20 * i, n_beats=2, sample_rate=8000)
        soundfile.write(tmp_path / f"{i}.wav", audio.samples.T, 8000)
        rows.append({"path": f"{i}.wav", "label": "fast" if i > 1 else "slow"})
    calls = []

    def estimator(name):
        def answer(audio):
            calls.append(name)
            return Tags(("fast", "slow"), [min(1.0, 8000 / audio.n_samples), 0.5])

        return answer

    benchmark = replace(BENCHMARKS["tags"], estimator=estimator, fingerprint=lambda name: "1")
    monkeypatch.setitem(BENCHMARKS, "tags", benchmark)
    manifest = tmp_path / "clips.csv"
    with manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "label"])
        writer.writeheader()
        writer.writerows(rows)
    kept = tmp_path / "kept.jsonl"
    first = evaluate("tags", manifest, systems=["ear"], keep=kept, n_draws=5)
    assert len(calls) == 4
    assert first.means["ear"]["auc"] == 0.75  # slow ones are all alike to it
    kept.write_text("".join(line for line in kept.read_text().splitlines(keepends=True)[:3]))
    again = evaluate("tags", manifest, systems=["ear"], keep=kept, n_draws=5)
    assert len(calls) == 5
    assert again.means == first.means


def test_a_manifest_is_a_set_a_table_or_a_folder_of_classes(tmp_path, data_dir):
    items = read_tag_items(f"esc10:{data_dir / 'esc10'}")
    assert len(items) == 400
    assert items[0].reference == ("Dog",)
    assert (items[0].columns["fold"], items[0].song) == ("1", "100032")
    for name in ("Dog/a.wav", "Cat/a.wav", "Cat/b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.zeros(8), 8000)
    found = {item.name: item.reference for item in read_tag_items(tmp_path)}
    assert found == {"Dog/a": ("Dog",), "Cat/a": ("Cat",), "b": ("Cat",)}
    table = tmp_path / "t.csv"
    table.write_text("path,labels,fold,split,group\na.wav,Dog; Bark,2,test,x\nb.wav,,1,train,\n")
    (item,) = select_split(read_tag_items(table, audio="there"), "test")
    assert (item.reference, item.song, str(item.audio)) == (("Dog", "Bark"), "x", "there/a.wav")
    assert item.columns == {"fold": "2", "split": "test", "group": "x"}
    assert read_tag_items(table)[1].reference == ()


def test_a_manifest_of_something_else_is_told(tmp_path):
    with pytest.raises(ParameterError, match="SET:FOLDER"):
        read_tag_items(tmp_path / "none.csv")
    soundfile.write(tmp_path / "loose.wav", np.zeros(8), 8000)
    with pytest.raises(FormatError, match="holds no recording"):
        read_tag_items(tmp_path)
    table = tmp_path / "t.csv"
    table.write_text("file,labels\na.wav,Dog\n")
    with pytest.raises(FormatError, match="line 2 has no"):
        read_tag_items(table)
    table.write_text("path,label,fold\na.wav,Dog,one\n")
    with pytest.raises(FormatError, match="line 2: fold is 'one'"):
        read_tag_items(table)
    table.write_text("path,label,split\na.wav,Dog,test\n")
    with pytest.raises(ParameterError, match="there are test"):
        evaluate("tags", table, split="eval")


def test_wrong_options_are_told(sounds, systems):
    with pytest.raises(ParameterError, match="columns are fold, group"):
        evaluate("tags", sounds, systems=systems, by="style")
    with pytest.raises(ParameterError, match="one system"):
        evaluate("tags", sounds, systems=[])
    unlabeled = [Sound(sound.path, ()) for sound in sounds]
    with pytest.raises(ParameterError, match="no clip has a label"):
        evaluate("tags", unlabeled, systems=systems)


def test_tags_of_single_files_are_scored(tmp_path):
    truth, found = Tags(("Dog", "Rain"), [1, 1]), Tags(("Rain", "Cat", "Dog"), [0.9, 0.8, 0.1])
    scores = score(truth, found, "tags").mean()
    assert scores == {"lrap": pytest.approx(5 / 6), "precision_at_1": 1.0, "recall_at_5": 1.0}
    for folder, tags in (("true", truth), ("found", found)):
        (tmp_path / folder).mkdir()
        mirkit.save(tags, tmp_path / folder / "a.json")
    assert score(tmp_path / "true", tmp_path / "found", "tags").mean() == scores
    assert score(Tags((), []), found, "tags").mean() == {}
