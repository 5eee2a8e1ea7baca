"""The shipped tagger, on recordings that it was not trained on."""

import csv
import time

import numpy as np
import signals
import soundfile

import mirkit
from mirkit.datasets.real_sources import RealSources
from mirkit.datasets.tag_sources import ESC10
from mirkit.zoo.registry import card

MODEL = "tag-mn"


def test_its_labels_are_those_of_the_real_recordings(data_dir):
    labels = tuple(card(MODEL).config["labels"])
    assert labels == RealSources(data_dir, data_dir).labels
    heard = mirkit.tags(signals.music(3.0, 32000), model=MODEL, top=None)
    assert set(heard.labels) == set(labels)


def test_its_confidence_was_fitted_for_its_weights():
    known = card(MODEL)
    assert known.confidence["sha256"] == known.sha256
    assert set(known.confidence["slope"]) == set(known.config["labels"])


def test_it_knows_classes_of_a_fold_that_it_was_not_trained_on(data_dir):
    with (data_dir / "esc10" / "esc10.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["fold"] == "5"]
    right = []
    for label, expected in ESC10.items():
        for row in [row for row in rows if row["label"] == label][:2]:
            heard = dict(mirkit.tags(data_dir / "esc10" / row["path"], model=MODEL, top=None))
            best = max(ESC10, key=lambda name: max(heard[each] for each in ESC10[name][-2:]))
            right.append(best == label)
            assert heard[expected[-1]] > 0
    assert len(right) == 20
    assert np.mean(right) >= 0.45  # of ten: 62 % of the whole fold, by frames


def test_the_level_of_a_recording_hardly_matters(data_dir):
    path = next((data_dir / "esc10").glob("010*/5-*.ogg"))
    samples, rate = soundfile.read(path, dtype="float32")
    loud, soft = (
        mirkit.tags((gain * samples, rate), model=MODEL, top=None) for gain in (1.0, 0.25)
    )
    scores = dict(zip(soft.labels, soft.scores, strict=True))
    differences = [abs(scores[x] - y) for x, y in zip(loud.labels, loud.scores, strict=True)]
    assert max(differences) < 0.35


def test_it_is_many_times_faster_than_real_time(data_dir):
    """Decoding included; sixty times is asked for, and a busy machine is given some room."""
    path = data_dir / "songs" / "vibe_ace.ogg"
    mirkit.tags(path, model=MODEL)
    start = time.process_time()
    mirkit.tags(path, model=MODEL)
    assert soundfile.info(path).duration / (time.process_time() - start) > 60
