"""clap-mini as it ships: what it knows of sentences and of sounds that it never met."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mirkit
from mirkit.sound.clap.prompts import embed_prompts
from mirkit.vocab.phrases import phrase_of
from mirkit.zoo.checkpoints import shipped_path

ROOT = Path(__file__).parents[3]
LANGUAGE = ROOT / "data" / "language"


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def model():
    return mirkit.load("clap-mini", task="embed").model


@pytest.fixture(scope="module")
def paraphrases():
    return table(LANGUAGE / "paraphrases.csv")


def test_nearly_half_of_the_paraphrases_use_words_of_no_table(paraphrases):
    phrases = (LANGUAGE / "sounds.txt").read_text("utf-8").lower()
    known = set(re.findall("[a-z]+", phrases))
    new = [set(row["new"].lower().split()) for row in paraphrases if row["new"]]
    assert (len(paraphrases), len(new)) == (200, 94)
    assert not set.union(*new) & known
    for row in paraphrases:
        told = f"{row['anchor']} {row['same']} {row['other']}".lower()
        assert all(word in told for word in row["new"].lower().split()), row


def test_paraphrases_are_nearer_than_other_sounds(model, paraphrases):
    anchor, same, other = (
        model.embed_texts([row[name] for row in paraphrases])
        for name in ("anchor", "same", "other")
    )
    right = (anchor * same).sum(axis=1) > (anchor * other).sum(axis=1)
    is_new = np.array([bool(row["new"]) for row in paraphrases])
    assert right.mean() >= 0.9
    assert right[is_new].mean() >= 0.85


def test_its_files_are_small():
    files = [shipped_path("clap-mini.onnx"), shipped_path("clap-mini-text.onnx")]
    assert sum(path.stat().st_size for path in files) <= 20_000_000


def test_it_runs_without_torch():
    code = (
        "import sys, numpy, mirkit\n"
        "mirkit.zero_shot((numpy.ones(8000, 'f') * .1, 8000), ['a hum', 'a dog barking'])\n"
        "print(*{'torch', 'transformers', 'librosa'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_held_out_sounds_are_described_by_their_labels(model, data_dir):
    held = {row["path"] for row in table(ROOT / "data" / "manifests" / "real-test.csv")}
    rows = {f"sounds/{r['folder']}/{r['file']}": r for r in table(data_dir / "sounds" / "all.csv")}
    labels = sorted({label for row in rows.values() for label in row["labels"].split(";")})
    paths = sorted(path for path in held if path in rows)[::3]
    system = mirkit.load("clap-mini", task="embed")
    heard = np.concatenate([system(data_dir / path).values for path in paths])
    scores = heard @ embed_prompts(model.text, [phrase_of(label) for label in labels]).T
    best = [{labels[i] for i in np.argsort(-row)[:5]} for row in scores]
    truth = [set(rows[path]["labels"].split(";")) for path in paths]
    assert len(paths) >= 60
    assert np.mean([bool(a & b) for a, b in zip(best, truth, strict=True)]) >= 0.55


def test_scores_are_probabilities_and_silence_fits_nothing_loud():
    labels = ["a dog barking", "a chainsaw", "a gunshot"]
    found = mirkit.zero_shot((np.zeros(64000, np.float32), 32000), labels, none=True)
    assert found.labels[0] == "none of these"
    assert all(0 <= score <= 1 for score in found.scores)
