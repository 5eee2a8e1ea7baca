"""Measure clap-mini: zero-shot classes, retrieval and paraphrases; write docs/zero-shot.md.

    python benchmarks/zero_shot.py --twin twin.onnx --frozen frozen.onnx

MIRKIT_DATA names the data pack. The twin has met no recording of ESC-10; the frozen one has the
text tower as it was before it met any sound. `calibrate` fits the probabilities of the card.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from typing import Any

import clap_data
import numpy as np
import report

PAGE = report.ROOT / "docs" / "zero-shot.md"
ESC10 = {
    "Dog bark": "a dog barking", "Rain": "rain falling", "Sea waves": "sea waves on a beach",
    "Baby cry": "a baby crying", "Clock tick": "a clock ticking",
    "Person sneeze": "a person sneezing", "Helicopter": "a helicopter flying",
    "Chainsaw": "a chainsaw", "Rooster": "a rooster crowing", "Fire crackling": "a crackling fire",
}  # fmt: skip
BERKLEE = {
    "adhesive tape": "adhesive tape being pulled off", "balloon": "a balloon being rubbed",
    "bass": "a bass string", "bell": "a bell ringing", "birds": "birds singing",
    "bouncing ball": "a ball bouncing", "bowed or scraped cymbal": "a bowed cymbal",
    "bowed strings": "bowed strings", "bubbling water": "bubbling water",
    "camera": "a camera shutter", "chain": "a chain rattling", "chimes": "chimes",
    "coins": "coins dropping", "conga": "a conga drum", "crowd": "a crowd of people",
    "cymbal": "a cymbal", "door closing": "a door closing", "door creaking": "a door creaking",
    "eating": "a person eating", "engine or motor": "an engine running",
    "explosion or gunfire": "an explosion", "female singing": "a woman singing",
    "flute": "a flute", "footsteps": "footsteps", "glass breaking": "glass breaking",
    "glass clink": "glasses clinking", "gong": "a gong", "gravel or stones": "gravel crunching",
    "guitar": "a guitar", "hand clap": "a hand clap", "hand drum": "a hand drum",
    "household appliance": "a household appliance", "jaw harp": "a jaw harp",
    "kalimba": "a kalimba", "keys jingling": "keys jingling", "kick or low drum": "a kick drum",
    "male singing": "a man singing", "metal hit": "metal being hit",
    "metal scraping": "metal scraping", "mouth sounds": "sounds made with the mouth",
    "music box": "a music box", "paper": "paper rustling", "piano": "a piano",
    "power tool": "a power tool", "prepared piano": "a prepared piano",
    "rain or thunder": "rain and thunder", "rubbed glass": "a wet glass being rubbed",
    "rubber band": "a rubber band", "running water": "running water", "shaker": "a shaker",
    "shout or scream": "a person screaming", "siren": "a siren",
    "splashing water": "water splashing", "synth brass": "synthesized brass",
    "synthesizer": "a synthesizer", "tearing cloth": "cloth being torn",
    "telephone": "a telephone ringing", "theremin": "a theremin", "train": "a train",
    "trash can hit": "a trash can being hit",
}  # fmt: skip
INSTRUMENTS = {
    "piano": "a piano", "drums": "drums", "guitar": "a guitar", "choir": "a choir singing",
    "concert band": "a brass band", "trumpet": "a trumpet", "cello": "a cello",
    "violin": "a violin", "saxophone": "a saxophone", "orchestra": "an orchestra",
    "fife and drum": "flutes and drums", "solo singing": "a person singing",
}  # fmt: skip
GENRES = {
    "classical": "classical music", "electronic": "electronic music", "jazz": "jazz",
    "rock": "rock music", "pop": "pop music", "folk": "folk music", "house": "house music",
    "hip-hop": "hip hop", "ambient": "ambient music", "chiptune": "video game music",
    "chant": "gregorian chant", "march": "a march of a brass band",
}  # fmt: skip
LISTED = 3  # how often a caption comes in the pool at most


class Heard:
    """A model, and the vectors of all recordings that the boards need, made once."""

    def __init__(self, weights: Path | None, data: Path) -> None:
        import mirkit

        given = {} if weights is None else {"weights": str(weights)}
        self.system, self.data = mirkit.load("clap-mini", task="embed", **given), data
        self._vectors: dict[str, Any] = {}

    def vectors(self, paths: list[str]) -> Any:
        """Return unit vectors of recordings."""
        for path in paths:
            if path not in self._vectors:
                self._vectors[path] = self.system(self.data / path).values[0]
        return np.array([self._vectors[path] for path in paths])

    def texts(self, texts: list[str], plain: bool = False) -> Any:
        """Return unit vectors of sentences, with the usual templates unless `plain`."""
        from mirkit.sound.clap.prompts import TEMPLATES, embed_prompts

        return embed_prompts(self.system.model.text, texts, ("{}",) if plain else TEMPLATES)

    def scores(self, paths: list[str], texts: list[str], plain: bool = False) -> Any:
        """Return cosines, ``(n_paths, n_texts)``."""
        return self.vectors(paths) @ self.texts(texts, plain).T


def top(scores: Any, truth: list[set[int]], k: int) -> float:
    """Return the share of rows with a true column among the first `k`."""
    from mirkit.metrics.retrieval import rank_all, recall_at

    return recall_at(rank_all(scores), truth, k)


def held_sounds(data: Path) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the held-out recordings of `sounds`, their labels, and all labels of `sounds`."""
    clips = clap_data.read_clips(data)
    pairs = zip(clips.paths, clips.labels, clips.is_held, strict=True)
    rows = [(p, x, held) for p, x, held in pairs if p.startswith("sounds/")]
    labels = sorted({label for _, each, _ in rows for label in each})
    held = [(path, each) for path, each, is_held in rows if is_held]
    return [path for path, _ in held], [each for _, each in held], labels


def sounds_board(heard: Heard, as_sentences: bool) -> dict[str, float]:
    """Return top-1 and top-5 on held-out recordings, over all labels of `sounds`."""
    paths, labels, names = held_sounds(heard.data)
    phrases = clap_data.read_phrases()
    texts = [phrases[name][0] if as_sentences else name for name in names]
    truth = [{names.index(label) for label in each} for each in labels]
    scores = heard.scores(paths, texts, plain=not as_sentences)
    return {"top-1": top(scores, truth, 1), "top-5": top(scores, truth, 5), "n": len(paths)}


def esc10_board(heard: Heard) -> dict[str, float]:
    """Return the accuracy on ESC-10."""
    with (heard.data / "esc10" / "esc10.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(ESC10)
    scores = heard.scores([f"esc10/{row['path']}" for row in rows], list(ESC10.values()))
    return {"top-1": top(scores, [{names.index(row["label"])} for row in rows], 1), "n": len(rows)}


def berklee_board(heard: Heard) -> dict[str, float]:
    """Return top-1 and top-5 on the Berklee archive, over its 60 labels."""
    with (heard.data / "berklee" / "berklee.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(BERKLEE)
    scores = heard.scores([f"berklee/{row['path']}" for row in rows], list(BERKLEE.values()))
    truth = [{names.index(row["label"])} for row in rows]
    return {"top-1": top(scores, truth, 1), "top-5": top(scores, truth, 5), "n": len(rows)}


def music_board(heard: Heard, prompts: dict[str, str], held: bool) -> dict[str, float]:
    """Return top-1 on tracks of `music` that have one of the tags."""
    from mirkit.datasets.real import read_test

    test = read_test(clap_data.TEST)
    with (heard.data / "music" / "all.csv").open(encoding="utf-8") as file:
        rows = [(f"music/{r['file']}", set(r["tags"].split(";"))) for r in csv.DictReader(file)]
    rows = [(p, tags & set(prompts)) for p, tags in rows if (p in test) == held]
    rows = [(path, tags) for path, tags in rows if tags]
    names = list(prompts)
    scores = heard.scores([path for path, _ in rows], list(prompts.values()))
    truth = [{names.index(tag) for tag in tags} for _, tags in rows]
    return {"top-1": top(scores, truth, 1), "top-3": top(scores, truth, 3), "n": len(rows)}


def pool(data: Path) -> tuple[list[str], list[str]]:
    """Return held-out recordings with captions, each caption three times at most."""
    clips = clap_data.read_clips(data)
    counts: dict[str, int] = {}
    chosen = []
    for path, caption, held in zip(clips.paths, clips.captions, clips.is_held, strict=True):
        if held and caption and counts.get(caption, 0) < LISTED:
            counts[caption] = counts.get(caption, 0) + 1
            chosen.append((path, caption))
    return [path for path, _ in chosen], [caption for _, caption in chosen]


def retrieval_board(heard: Heard | None, data: Path) -> dict[str, float]:
    """Return recall and mAP of captions in the pool; of a random ranking without a model."""
    from mirkit.metrics.retrieval import map_at, rank_all, recall_at

    paths, captions = pool(data)
    asked = sorted(set(captions))
    truth = [{i for i, each in enumerate(captions) if each == text} for text in asked]
    if heard is None:
        rng = np.random.default_rng(0)
        draws = [rank_all(rng.random((len(asked), len(paths)))) for _ in range(50)]
        ranked, truth = [row for draw in draws for row in draw], truth * 50
    else:
        ranked = rank_all(heard.scores(paths, asked, plain=True).T)
    found = {f"R@{k}": recall_at(ranked, truth, k) for k in (1, 5, 10)}
    return {**found, "mAP@10": map_at(ranked, truth, 10), "n": len(paths)}


def paraphrase_board(heard: Heard) -> dict[str, float]:
    """Return the share of pairs that are ordered right: all, in tables, and with new words."""
    rows = clap_data.read_paraphrases()
    anchor, same, other = (
        heard.texts([row[name] for row in rows], plain=True) for name in ("anchor", "same", "other")
    )
    right = (anchor * same).sum(axis=1) > (anchor * other).sum(axis=1)
    new = np.array([bool(row["new"]) for row in rows])
    return {
        "all": right.mean(), "in tables": right[~new].mean(), "new words": right[new].mean(),
        "n": len(rows),
    }  # fmt: skip


def calibrate(data: Path, heard: Heard | None = None) -> tuple[float, float]:
    """Return slope and offset of a logistic model of the logits of held-out clips and labels."""
    from mirkit.metrics.calibration import fit_logistic

    heard = heard or Heard(None, data)
    paths, labels, names = held_sounds(data)
    phrases = clap_data.read_phrases()
    scores = heard.scores(paths, [phrases[name][0] for name in names])
    truth = np.array([[name in each for name in names] for each in labels])
    logits = heard.system.model.scale * scores
    fitted = fit_logistic(logits.reshape(-1, 1), truth.reshape(-1).astype(float), penalty=0.0)
    return float(fitted.weights[0]), float(fitted.intercept)


def boards_of(heard: Heard) -> dict[str, dict[str, float]]:
    """Return all boards of a model."""
    return {
        "ESC-10, sentences": esc10_board(heard),
        "sounds, held out, sentences": sounds_board(heard, True),
        "sounds, held out, raw labels": sounds_board(heard, False),
        "Berklee (learned from), sentences": berklee_board(heard),
        "music, instruments, held out": music_board(heard, INSTRUMENTS, True),
        "music, instruments, learned from": music_board(heard, INSTRUMENTS, False),
        "music, genres, held out": music_board(heard, GENRES, True),
        "music, genres, learned from": music_board(heard, GENRES, False),
        "retrieval by caption, held out": retrieval_board(heard, heard.data),
        "paraphrases": paraphrase_board(heard),
    }


def shown(board: dict[str, float]) -> str:
    """Return a board in a line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in board.items() if name != "n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--twin", type=Path)
    parser.add_argument("--frozen", type=Path)
    args = parser.parse_args()
    data = Path(os.environ["MIRKIT_DATA"])
    models: dict[str, Path | None] = {"clap-mini": None}
    models |= {"twin without ESC-10": args.twin} if args.twin else {}
    models |= {"frozen text tower": args.frozen} if args.frozen else {}
    found = {name: boards_of(Heard(path, data)) for name, path in models.items()}
    first = next(iter(found.values()))
    rows = [
        [board, int(first[board]["n"]), *(shown(each[board]) for each in found.values())]
        for board in first
    ]
    rows.append(
        ["random ranking", "", shown(retrieval_board(None, data)), *[""] * (len(found) - 1)]
    )
    table = report.table(["board", "clips", *found], rows)
    print(table)
    report.write_between_markers(PAGE, "boards", table)
    report.write_json("zero_shot", found)


if __name__ == "__main__":
    main()
