"""Run published systems as their authors wrote them, and keep a few of their numbers for tests.

    python published_originals.py recordings FOLDER     with mirkit, and MIRKIT_DATA set
    python published_originals.py crema FOLDER          with crema 0.2.0, Keras 2.15, librosa 0.10
    python published_originals.py beatnet FOLDER WHEEL  with torch and madmom; BeatNet 1.1.3
    python published_originals.py s-key FOLDER FILE     with torch and nnAudio 0.3.3; skey.pt

The first writes what the others listen to. Each of these writes its goldens; the packages of each
do not go together, so each has an environment of its own. S-KEY has no package: its transform is
nnAudio's, its network the plain twin in `skey_plain.py`, written from its list of layers.
"""

import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

GOLDENS = Path(__file__).parents[1] / "peers" / "published"
SONGS = ("hungarian_dance_5", "vibe_ace")
RATES = (22050, 44100)
N_KEPT = 5
"""Frames of a recording that are kept, evenly apart."""

MAJOR_KEYS = "A Bb B C C# D Eb E F F# G Ab"
MINOR_KEYS = "B C C# D Eb E F F# G Ab A Bb"
"""The classes of S-KEY, as its `key_map` has them."""


def made(sample_rate):
    """Twelve seconds of four chords over a bass, struck anew on each beat of 120 bpm."""
    t = np.arange(12 * sample_rate) / sample_rate
    since = t % 0.5
    samples = np.zeros(t.size)
    chords = ((48, 60, 64, 67), (45, 57, 60, 64), (41, 57, 60, 65), (43, 55, 59, 65))
    for i, notes in enumerate(chords):
        sounds = (t >= 3 * i) & (t < 3 * i + 3)
        for note in notes:
            frequency = 440 * 2 ** ((note - 69) / 12)
            for k in range(1, 5):
                samples += sounds * np.sin(2 * np.pi * k * frequency * t) / k * np.exp(-3 * since)
    clicks = np.sin(2 * np.pi * 3000 * since) * np.exp(-150 * since)
    accent = np.where(t % 2 < 0.5, 1.5, 0.8)
    return (0.05 * samples + 0.2 * accent * clicks).astype(np.float32)


def kept(n_frames):
    """The frames that are kept, neither the first nor the last."""
    return np.linspace(0, n_frames - 1, N_KEPT + 2).round().astype(int)[1:-1]


def record(folder):
    """Write each recording at each rate, as mirkit reads it."""
    from mirkit.audio import reading

    folder.mkdir(parents=True, exist_ok=True)
    for rate in RATES:
        np.save(folder / f"made_{rate}.npy", made(rate))
        for song in SONGS:
            path = Path(os.environ["MIRKIT_DATA"]) / "songs" / f"{song}.ogg"
            with reading.blocks(path, rate) as blocks:
                samples = np.concatenate(list(blocks), axis=1).mean(axis=0)
            np.save(folder / f"{song}_{rate}.npy", samples.astype(np.float32))


def recordings(folder, rate):
    """Each recording at a rate, with its name."""
    for name in ("made", *SONGS):
        yield name, np.load(folder / f"{name}_{rate}.npy")


def write(model, goldens):
    """Write the goldens of a model."""
    text = json.dumps(goldens, indent=None, separators=(", ", ": "))
    (GOLDENS / f"{model}.json").write_text(text.replace('"frames"', '\n"frames"') + "\n")


def rounded(values):
    """Numbers as JSON takes them."""
    return np.asarray(values, float).round(6).tolist()


def crema(folder):
    """The heads of crema; of the tag the three likeliest classes by name."""
    from crema.models.chord import ChordModel

    model = ChordModel()
    labels = list(model.pump["chord_tag"].encoder.classes_)
    goldens = {}
    for name, samples in recordings(folder, 44100):
        outputs = model.outputs(y=samples, sr=44100)
        frames = kept(len(outputs["chord_tag"]))
        tags = outputs["chord_tag"][frames]
        best = np.argsort(-tags, axis=1)[:, :3]
        goldens[name] = {
            "frames": frames.tolist(),
            "n_frames": len(outputs["chord_tag"]),
            "tag": [
                {labels[i]: round(float(row[i]), 6) for i in places}
                for row, places in zip(tags, best, strict=True)
            ],
            **{
                head: rounded(outputs[f"chord_{head}"][frames])
                for head in ("root", "bass", "pitch")
            },
        }
    write("crema", goldens)


def beatnet(folder, wheel):
    """Beats that are no downbeats, and downbeats, of the three models."""
    goldens = {}
    own = BeatNetCode(wheel)
    for name, samples in recordings(folder, 22050):
        features = own.features(samples)
        frames = kept(len(features))
        goldens[name] = {"frames": frames.tolist(), "n_frames": len(features)}
        for i in (1, 2, 3):
            goldens[name][f"beatnet-{i}"] = rounded(own.activations(features, i)[frames])
    write("beatnet", goldens)


class BeatNetCode:
    """BeatNet's own front end and network, run from its wheel."""

    def __init__(self, wheel):
        from mirkit.peers import madmom_shim

        madmom_shim.load("madmom.features")
        sys.path.insert(0, str(wheel))
        from BeatNet.log_spect import LOG_SPECT
        from BeatNet.model import BDA

        sys.path.remove(str(wheel))
        self.wheel, self.network = wheel, BDA
        self.front_end = LOG_SPECT(
            sample_rate=22050, win_length=1411, hop_size=441, n_bands=[24], mode="online"
        )

    def features(self, samples):
        """What its network is given, ``(n_frames, 272)``."""
        return self.front_end.process_audio(samples).T

    def activations(self, features, i):
        """Probabilities of beats that are no downbeats, and of downbeats, ``(n_frames, 2)``."""
        import torch

        net = self.network(272, 150, 2, "cpu")
        with (
            zipfile.ZipFile(self.wheel) as archive,
            archive.open(f"BeatNet/models/model_{i}_weights.pt") as file,
        ):
            net.load_state_dict(torch.load(file, weights_only=True), strict=False)
        with torch.no_grad():
            logits = net.eval()(torch.from_numpy(features)[None])[0]
            return net.final_pred(logits).numpy()[:2].T


def s_key(folder, file):
    """The probability of each key, by the names of S-KEY's own list."""
    import torch
    from nnAudio.features.vqt import VQT
    from skey_plain import chroma_net

    state = torch.load(file, map_location="cpu", weights_only=False)["stone"]
    transform = VQT(fmin=27.5, n_bins=99, bins_per_octave=12, verbose=False)
    keys = [f"{key} major" for key in MAJOR_KEYS.split()]
    keys += [f"{key} minor" for key in MINOR_KEYS.split()]
    goldens = {}
    for name, samples in recordings(folder, 22050):
        signal = torch.from_numpy(samples / np.abs(samples).max())
        with torch.no_grad():
            level = 10 * torch.log10(transform(signal[None]).clamp(min=1e-10))
            heard = torch.maximum(level, level.max() - 80) / 80 + 1
            probabilities = chroma_net(state, heard[:, None, :84])[0].numpy()
        frames = kept(heard.shape[2])
        goldens[name] = {
            "frames": frames.tolist(),
            "n_frames": heard.shape[2],
            "features": rounded(heard[0, :84, frames].T),
            "clip_key": dict(zip(keys, rounded(probabilities), strict=True)),
        }
    write("s-key", goldens)


if __name__ == "__main__":
    runs = {"recordings": record, "crema": crema, "beatnet": beatnet, "s-key": s_key}
    runs[sys.argv[1]](*map(Path, sys.argv[2:]))
