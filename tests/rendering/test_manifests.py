from collections import Counter
from pathlib import Path

import pytest

from mirkit import rendering
from mirkit.errors import FormatError
from mirkit.rendering import harmonist

FOLDER = Path(__file__).parents[2] / "data" / "manifests"
TABLES = sorted(
    path for path in FOLDER.glob("*.csv") if path.stem not in ("sound_sets", "real-test")
)
"""The tables of rendered clips; those of sets and of real recordings have tests of their own."""


def manifest(name):
    """Return the list or the plan of a name; clips that are held out have a list, clip by clip."""
    path = FOLDER / f"{name}.jsonl"
    assert path.is_file() or "train" in name
    return path if path.is_file() else path.with_suffix(".toml")


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
    specs = rendering.read_specs(manifest(name))
    split = name.partition("-")[0]
    assert len({spec.clip_id for spec in specs}) == n
    assert {spec.split for spec in specs} == {split}
    assert {spec.font for spec in specs} == {font for font, _ in rendering.FONTS[split]}
    assert len({spec.style for spec in specs if spec.source == "arranger"}) > 60


@pytest.mark.parametrize(
    ("name", "n"), [("train", 700), ("train2", 500), ("train3", 600), ("val", 80), ("test", 240)]
)
def test_a_plan_of_chords_is_even_from_the_beginning(name, n):
    specs = rendering.read_specs(manifest(f"chord-{name}"))
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
        spec.seed for path in sorted(FOLDER.glob("chord-*")) for spec in rendering.read_specs(path)
    ]
    assert len(set(seeds)) == len(seeds) == 2120


PLAN = """planner = 'plan'
split = 'train'
n = 3
[shares]
arranger = 1.0
[styles]
arranger = ['pop']
"""

WRONG = {
    "planner": "is not TOML",
    "n = 3": "lacks the field 'planner'",
    PLAN.replace("plan'", "plam'"): "unknown planner 'plam'. Did you mean 'plan'",
    PLAN.replace("'train'", "'training'"): "unknown split 'training'. Did you mean 'train'",
    PLAN.replace("n = 3", "n = 0"): "n is 0; it is an integer from 1",
    PLAN.replace("n = 3", "n = 3\nsead = 1"): "unknown field 'sead'. Did you mean 'seed'",
    PLAN.replace("n = 3", "n = 3\nversion = '8'"): "it is a version of the renderer, such as 'v8'",
    PLAN.replace("arranger = 1", "arrange = 1"): "shares: unknown field 'arrange'",
    PLAN.replace("1.0", "'all'"): "shares: arranger is 'all'; it is a number from 0 to 1",
    PLAN.replace("['pop']", "[]"): "styles: arranger is []; it is a list, not empty",
    PLAN.replace("arranger = 1.0", "mma = 1.0"): "styles lack those of mma",
    PLAN.replace("n = 3", f"n = 3\nsha256 = '{'0' * 64}'"): "not that of its field sha256",
    PLAN.replace("plan'", "plan_chords'").replace("n = 3", "n = 3\nshard = 'a'"):
        "shard is no setting of plan_chords",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_a_plan_is_refused_by_name(text, tmp_path):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(FormatError) as error:
        rendering.read_specs(tmp_path / "plan.toml")
    assert str(tmp_path / "plan.toml") in str(error.value)
    assert WRONG[text] in str(error.value)


def test_a_plan_gives_what_its_planner_gives(tmp_path):
    (tmp_path / "plan.toml").write_text(
        PLAN.replace("n = 3", "n = 3\nprefix = 'a'\nversion = 'v6'")
    )
    specs = rendering.read_specs(tmp_path / "plan.toml")
    pool = {"shares": {"arranger": 1.0}, "styles": {"arranger": ["pop"]}}
    expected = rendering.plan("train", 3, **pool)
    assert [spec.clip_id for spec in specs] == ["a-00000", "a-00001", "a-00002"]
    assert [spec.seed for spec in specs] == [spec.seed for spec in expected]
    assert {spec.version for spec in specs} == {"v6"}
