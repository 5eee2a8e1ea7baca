from collections import Counter
from pathlib import Path

import pytest

from mirkit import rendering
from mirkit.rendering import harmonist

FOLDER = Path(__file__).parents[2] / "data" / "manifests"
TABLES = sorted(path for path in FOLDER.glob("*.csv") if path.stem != "sound_sets")
"""The tables of rendered clips; sound_sets.csv is one of published sets, with a test of its own."""


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_manifests_are_sound(path):
    rows = rendering.read_manifest(path)
    assert len({row["clip_id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["split"] in rendering.SPLITS
        assert row["font"] in {name for name, _ in rendering.FONTS[row["split"]]}
        assert 30 < float(row["bpm"]) < 300
        expected = float(row["bpm"]) * float(row["seconds"]) / 60
        assert 0.5 * expected < int(row["n_beats"]) < 1.25 * expected + 4  # some songs end early


def test_no_song_or_played_groove_is_in_two_splits():
    seen = {}
    for path in TABLES:
        for row in rendering.read_manifest(path):
            names = [row["song"]] + [row["groove"]] * row["groove"].startswith(("groove/", "mma/"))
            for name in filter(None, names):
                assert seen.setdefault(name, row["split"]) == row["split"], name


@pytest.mark.parametrize(
    ("name", "n"), [("train", 1800), ("train-v7", 2400), ("train-v8", 2400), ("test", 330)]
)
def test_a_plan_holds_clips_of_its_split_alone(name, n):
    specs = rendering.read_specs(FOLDER / f"{name}.jsonl")
    split = name.partition("-")[0]
    assert len({spec.clip_id for spec in specs}) == n
    assert {spec.split for spec in specs} == {split}
    assert {spec.font for spec in specs} == {font for font, _ in rendering.FONTS[split]}
    assert len({spec.style for spec in specs if spec.source == "arranger"}) > 60


@pytest.mark.parametrize(
    ("name", "n"), [("train", 700), ("train2", 500), ("train3", 600), ("val", 80), ("test", 240)]
)
def test_a_plan_of_chords_is_even_from_the_beginning(name, n):
    specs = rendering.read_specs(FOLDER / f"chord-{name}.jsonl")
    split = name.rstrip("23")
    assert len({spec.clip_id for spec in specs}) == n
    assert {spec.split for spec in specs} == {split}
    assert {spec.font for spec in specs} == {font for font, _ in rendering.FONTS[split]}
    drawn = [harmonist.parse(spec.style) for spec in specs if spec.source == "harmony"]
    for beginning in (48, len(drawn)):
        tasks = drawn[:beginning]
        keys = Counter((task.tonic, task.minor) for task in tasks)
        assert len(keys) == 24
        assert max(keys.values()) - min(keys.values()) <= 1
        assert {task.feature for task in tasks} == set(harmonist.FEATURES)


def test_songs_of_the_chord_plans_are_seeded_apart():
    seeds = [
        spec.seed
        for path in sorted(FOLDER.glob("chord-*.jsonl"))
        for spec in rendering.read_specs(path)
    ]
    assert len(set(seeds)) == len(seeds) == 2120
