"""Small training runs of every family on made data: ``python small_runs.py OUT.json`` runs all."""

import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

MUSIC, HARMONY, SOUNDS = 22050, 11025, 16000  # sample rates


def write_clips(folder):
    """Write clicks in noise, louder on downbeats, at six tempi; of one clip no bars are known."""
    folder.mkdir()
    burst = np.random.default_rng(9).standard_normal(441) * np.exp(-np.arange(441) / 88)
    for i, bpm in enumerate((80, 118, 140, 171, 100, 127)):
        rng = np.random.default_rng(i)
        times = np.arange(rng.uniform(0.1, 0.6), 7.9, 60 / bpm)
        samples = 0.003 * rng.standard_normal(8 * MUSIC)
        for j, time in enumerate(times):
            first = round(time * MUSIC)
            samples[first : first + 441] += burst * (0.3 if j % 4 == 0 else 0.2)
        soundfile.write(folder / f"{i}.flac", samples, MUSIC, subtype="PCM_16")
        truth = {"split": "train" if i < 4 else "val", "beats": times.tolist()}
        if i != 1:
            truth["positions"] = (np.arange(len(times)) % 4 + 1).tolist()
        (folder / f"{i}.json").write_text(json.dumps(truth))


def write_chords(folder, noise):
    """Write four chords, one to validate, each tuned a little higher, and a hiss."""
    folder.mkdir()
    noise.mkdir()
    rows = (
        ([48, 60, 64, 67], "C:maj", "C major"),
        ([45, 57, 60, 64], "A:min", "A minor"),
        ([43, 55, 59, 62, 65], "G:7", "C major"),
        ([43, 55, 59, 62], "G:maj", "G major"),
    )
    t = np.arange(4 * HARMONY) / HARMONY
    for i, (pitches, chord, key) in enumerate(rows):
        hertz = 440 * 2 ** ((np.array(pitches) - 69 + 0.1 * i) / 12)
        tones = sum(np.sin(2 * np.pi * k * f * t) / k for f in hertz for k in (1, 2, 3))
        soundfile.write(folder / f"{i}.wav", 0.1 * tones / len(pitches), HARMONY)
        truth = {"split": "train" if i < 3 else "val", "chords": [[0.0, 4.0, chord]]}
        truth |= {"keys": [[0.0, 4.0, key]], "instruments": [{"role": "keys"}]}
        (folder / f"{i}.json").write_text(json.dumps(truth))
    hiss = 0.1 * np.random.default_rng(0).standard_normal(2 * HARMONY)
    soundfile.write(noise / "hiss.wav", hiss, HARMONY)


def write_sounds(folder):
    """Write clicks, noises and tones, with one label each in a table, more in a manifest."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    t = np.arange(SOUNDS) / SOUNDS
    table, manifest = ["path,label,fold"], []
    for i in range(6):
        made = {
            "clicks": 5 * rng.standard_normal(SOUNDS) * (t % 0.25 < 0.003 + 0.001 * i),
            "noise": rng.standard_normal(SOUNDS),
            "tone": np.sin(2 * np.pi * (600 + 100 * i) * t),
        }
        for name, samples in made.items():
            n = SOUNDS if i % 3 else SOUNDS // 3
            samples = 0.1 * samples[:n] + 0.003 * rng.standard_normal(n)
            soundfile.write(folder / f"{name}{i}.wav", samples, SOUNDS)
            table.append(f"{name}{i}.wav,{name},{1 + i % 3}")
            row = {"path": f"{name}{i}.wav", "labels": [name, "loud"][: 1 + i % 2]}
            row |= {"source": f"s{i}"} | ({} if i % 2 else {"known": list(made)})
            manifest.append(json.dumps(row))
    (folder / "single.csv").write_text("\n".join(table))
    (folder / "multi.jsonl").write_text("\n".join(manifest))


def pack(root):
    """Write the data, and pack those of the families that train from stores."""
    from mirkit.training.beat.data import pack_clips
    from mirkit.training.harmony.data import pack_features

    write_clips(root / "clips")
    write_chords(root / "chords", root / "noise")
    write_sounds(root / "sounds")
    assert pack_clips(root / "clips", root / "samples") == 6
    assert pack_features(root / "chords", root / "features") == 4
    assert pack_features(root / "noise", root / "features", split="noise") == 1


BEATS = """
[model]
front_end = "tcn_22k"
[model.config]
conv_filters = [4, 4, 4]
n_filters = 6
n_blocks = 4
n_tempi = 200
norm = "batch"
{config}
[data]
store = "{root}/samples"
crop = 3.0
[loss]
{loss}
[augment]
lowpass = 0.3
clipping = 0.5
noise = 0.5
mixup = 0.5
"""
CHORDS = """
[model.config]
task = "{task}"
conv_filters = [4, 4]
n_channels = 6
n_hidden = 4
pool = {pool}
[data]
store = "{root}/features"
crop = 2.0
[augment]
noise = 0.5
drums = 0.5
nothing = 0.5
mask = 0.5
"""
TAGS = """
[model]
backbone = "residual"
settings = {{widths = [4, 8]}}
[data]
path = "{root}/sounds/{table}"
store = "{root}/{store}"
crop = 0.5
{data}
[loss]
{loss}
[augment]
lowpass = 0.3
noise = 0.7
time_mask_width = 0.1
mixed_labels = "{labels}"
"""
SSL = """
[data]
folder = "{root}/sounds"
crop = 0.5
n_validation = 3
[model]
{model}
n_codes = 24
code_dim = 8
predictor_depth = 1
[model.config]
n_bins = 128
embed = 12
dim = 16
depth = 2
n_heads = 2
n_hidden = 32
conv_width = 8
conv_groups = 4
n_buckets = 16
max_distance = 40
"""
REST = """
[optimizer]
learning_rate = 1e-2
warmup_steps = 2
ema = 0.9
[loop]
n_steps = 3
batch_size = 4
log_every = 1
validate_every = 3
"""


def recipes(root):
    """Return the task and the tables of each run."""
    exclusive = {"table": "single.csv", "store": "bands", "labels": "share", "data": "fold = 3"}
    several = {"table": "multi.jsonl", "store": "waves", "labels": "both"}
    several |= {"data": 'domain = "samples"\nbalance = 0.5\nvalidation = 0.4'}
    causal = {"config": "kernel = 3\nlookahead = 2", "loss": 'kind = "shift_tolerant"'}
    teacher = f'stage = "tokenizer"\nteacher = "{root}/masked-patches/best.safetensors"'
    runs = {
        "beats": ("beats", BEATS, {"config": "dropout = 0.1", "loss": "downbeat_weight = 2.0"}),
        "causal-beats": ("beats", BEATS, causal),
        "chords": ("chords", CHORDS, {"task": "chords", "pool": 1}),
        "key": ("key", CHORDS, {"task": "key", "pool": 4}),
        "one-label": ("tags", TAGS, {"loss": 'kind = "ce"'} | exclusive),
        "several-labels": ("tags", TAGS, {"loss": 'kind = "bce"\nsmoothing = 0.1'} | several),
        "focal-labels": ("tags", TAGS, {"loss": 'kind = "focal"'} | several),
        "masked-patches": ("ssl", SSL, {"model": 'stage = "model"'}),
        "tokenizer": ("ssl", SSL, {"model": teacher}),
    }
    for name, (task, text, values) in runs.items():
        head = f'task = "{task}"\nname = "{name}"\nseed = 3\nfolder = "{root}/{name}"\n'
        yield name, head + text.format(root=root, **values) + REST


def losses_of(folder):
    """Return the losses of a run by step."""
    with (folder / "train.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def run_all(root):
    """Run everything in `root`, and return the losses of each run by step."""
    from mirkit.training.loop import train

    pack(root)
    losses = {}
    for name, text in recipes(root):
        recipe = root / f"{name}.toml"
        recipe.write_text(text)
        losses[name] = losses_of(train(recipe, device="cpu"))
    return losses


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        losses = run_all(Path(folder))
    Path(sys.argv[1]).write_text(json.dumps(losses, indent=1) + "\n")
