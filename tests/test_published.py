"""Published models at work: each on a real recording, under the same verbs and commands as ours."""

import json
import subprocess
import sys

import numpy as np
import published
import pytest

import mirkit
from mirkit.evaluation import evaluate
from mirkit.recording import Recording
from mirkit.system import load
from mirkit.zoo import registry

EXPECTED = {
    "beatnet-1": ("sugar_plum_fairy", 110),
    "beatnet-2": ("lets_go_fishin", 177),
    "beatnet-3": ("sugar_plum_fairy", 110),
    "crema": ("hungarian_dance_5", "G:min"),
    "musicnn-msd": ("lets_go_fishin", "female vocalists"),
    "musicnn-msd-vgg": ("vibe_ace", "jazz"),
    "musicnn-mtt": ("hungarian_dance_5", "classical"),
    "musicnn-mtt-vgg": ("hungarian_dance_5", "violin"),
    "s-key": ("hungarian_dance_5", "G minor"),
    "yamnet": ("solo_trumpet_06", "Trumpet"),
}
"""What one hears in a recording."""


@pytest.fixture(params=published.names())
def name(request):
    published.weights(request.param)
    return request.param


def command(*args):
    done = subprocess.run([sys.executable, "-m", "mirkit", *map(str, args)], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_hears_what_one_hears(name, data_dir):
    song, expected = EXPECTED[name]
    path, task = data_dir / "songs" / f"{song}.ogg", registry.card(name).task
    if task == "beats":
        assert mirkit.beats(path, model=name, decoder="drift").bpm == pytest.approx(expected, 0.01)
    elif task == "chords":
        assert mirkit.chords(path, model=name).labels[0] == expected
    elif task == "key":
        assert mirkit.key(path, model=name).label == expected
    else:
        assert expected in mirkit.tags(path, model=name, top=3).labels


def test_results_remember_the_weights_and_models_tell_their_size(name):
    system = load(name)
    found = system((np.zeros(16000, np.float32), 16000))
    origin = found.provenance
    assert (origin.model, origin.weights_hash) == (name, registry.card(name).sha256)
    assert 100_000 < system.model.n_bytes < 20_000_000


def test_a_recording_that_several_systems_share_gives_the_same(name, data_dir):
    path = data_dir / "songs" / "solo_trumpet_06.ogg"
    shared = Recording.of(path).shared()
    front_ends = load(name).model.front_ends
    assert load(name)(shared) == load(name)(path)
    assert all((shared._key, each) in shared.cache for each in front_ends)


def test_models_of_one_front_end_share_their_features(data_dir):
    shared = Recording.of(data_dir / "songs" / "solo_trumpet_06.ogg").shared()
    for each in registry.models("musicnn-*"):
        published.weights(each.name)
        load(each.name)(shared)
    assert (shared.cache.n_misses, shared.cache.n_hits) == (1, 3)


def test_a_tagger_embeds(data_dir):
    published.weights("yamnet")
    path = data_dir / "songs" / "vibe_ace.ogg"
    assert mirkit.embed(path, model="yamnet").values.shape == (1, 1024)
    rows = mirkit.embed(path, model="yamnet", frames=True)
    assert rows.grid.period == pytest.approx(0.48)
    duration = load("yamnet").activations(path).duration
    assert len(rows.values) == pytest.approx(duration / 0.48, abs=2)


def test_beatnet_is_followed_live(data_dir, demo_piece):
    published.weights("beatnet-1")
    lines = command("live", demo_piece, "--fast", "--model", "beatnet-1").splitlines()
    events = [json.loads(line) for line in lines]
    beats = [event["time"] for event in events if event["type"] == "beat"]
    whole = mirkit.beats(demo_piece, model="beatnet-1").times
    near = np.abs(whole[:, None] - np.array(beats)[None]).min(axis=1)
    assert 0.8 < len(beats) / len(whole) < 1.25
    assert np.median(near) < 0.02, "beats go out when they are expected, near where they come"


def test_they_stand_in_the_tables_of_their_tasks(data_dir):
    published.weights("beatnet-2")
    found = evaluate("beats", data_dir / "expressive", systems=["beatnet-2+drift", "beatnet-2"])
    means = found.means
    assert means["beatnet-2+drift"]["f_measure"] > 0.5
    assert set(means) == {"beatnet-2+drift", "beatnet-2"}


def test_commands_take_them(data_dir):
    published.weights("crema")
    path = data_dir / "songs" / "hungarian_dance_5.ogg"
    (row,) = map(json.loads, command("chords", path, "--model", "crema", "--json").splitlines())
    assert row["models"] == {"chords": "crema"}
    assert row["chords"][0]["label"] == "G:min"


def test_the_table_is_complete():
    assert set(EXPECTED) == set(published.names())
