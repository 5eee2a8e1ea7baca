"""Music that must not move: held-out clips are made again from seeds, so a seed must stay its song.

`golden.json` holds hashes of the styles' tables and of what is composed from them; numbers count to
four places, so that another processor's last bit does not. Where a change is meant to be heard,
raise `plan.VERSION` and write the file anew: python tests/rendering/test_golden.py
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from mirkit import rendering
from mirkit.rendering import arranger, harmonist
from mirkit.rendering.performance import draw_feel, perform

GOLDEN = Path(__file__).with_name("golden.json")
STYLES = tuple(arranger.styles())
FEATURES = tuple(harmonist.FEATURES)


def fingerprint(value) -> str:
    return hashlib.sha256(json.dumps(plain(value)).encode()).hexdigest()[:16]


def plain(value):
    """Return the value as JSON has it; a number is counted in steps of 0.0001."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(inner) for inner in value]
    return value if isinstance(value, str) else round(float(value) * 1e4)


def music(made):
    """Return what a sheet and a score have in common, as plain values."""
    parts = [[part.role, part.program, part.kit, part.notes] for part in made.parts]
    return [parts, made.meter, asdict(made.origin), made.chords, made.keys, made.sections]


def song(name: str) -> str:
    """Return the hash of two songs of a style: the second with held-out drums, and performed."""
    style, rng = arranger.style(name), np.random.default_rng(STYLES.index(name))
    first = arranger.compose(style, 24.0, style.draw_tempo(rng), rng)
    second = arranger.compose(style, 24.0, style.draw_tempo(rng), rng, held_out=True)
    feel = draw_feel(str(rng.choice(style.manners)), 100.0, rng, style.swing, style.swing_unit)
    score = perform(second, feel, rng)
    return fingerprint([music(first), first.bars, music(score), score.beats, score.positions])


def task(name: str) -> str:
    """Return the hash of a style's song for a task; the tasks take turns."""
    index = STYLES.index(name)
    rng, feature = np.random.default_rng(index), FEATURES[index % len(FEATURES)]
    split = rendering.SPLITS[index % 3]
    made = harmonist.Task(feature, index % 12, index % 2 == 0, name)
    return fingerprint(music(harmonist.compose(made, split, 24.0, 100.0, rng)))


def plans() -> dict[str, str]:
    """Return hashes of plans that need no data."""
    corpus = rendering.Corpus(None, Path("cache"))
    own = rendering.plan("train", 80, 1, corpus, shares={"arranger": 1.0})
    chords = rendering.plan_chords("val", 80, 1, corpus, shares={"arranger": 0.2, "harmony": 0.8})
    return {"plan": fingerprint(list(map(asdict, own))),
            "plan_chords": fingerprint(list(map(asdict, chords)))}  # fmt: skip


def golden():
    return json.loads(GOLDEN.read_text("utf-8"))


def test_the_styles_are_these_in_this_order():
    assert list(golden()["styles"]) == list(STYLES)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_plays_what_it_played(name):
    assert row(name) == golden()["styles"][name]


def test_a_seed_plans_what_it_planned():
    assert plans() == golden()["plans"]


def row(name: str) -> str:
    """Return the hashes of a style's table, of its songs, and of its song for a task."""
    return " ".join((fingerprint(asdict(arranger.style(name))), song(name), task(name)))


if __name__ == "__main__":
    rows = {"styles": {name: row(name) for name in STYLES}, "plans": plans()}
    GOLDEN.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
