"""The task of learning to hear without labels, from a folder of recordings: BEATs' rounds.

A round has two stages, a recipe each. First a network learns to say which codes masked patches
have (``stage = "model"``): codes of random projections in the first round, of the last tokenizer
later. Then a tokenizer learns codes from which one can tell what that network heard
(``stage = "tokenizer"``). The network of the next round predicts those.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.audio import Audio, reading
from mirkit.backbones.beats.encoder import BEATsConfig
from mirkit.backbones.beats.network import BEATs
from mirkit.backbones.beats.pretraining import (
    Distiller,
    MaskedBEATs,
    kept_places,
    masked_places,
    standardized,
)
from mirkit.backbones.beats.tokenizer import CODE_DIM, N_CODES, RandomTokenizer, Tokenizer
from mirkit.backbones.published import KeyMap, load_published
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import FrontEnd, front_end
from mirkit.training.recipe import Recipe, build
from mirkit.zoo import checkpoints

Tokens = RandomTokenizer | Tokenizer
N = TypeVar("N", bound=nn.Module)
N_STATISTICS = 64  # clips that the middle and spread of each bin are taken from
SEED_OF_VALIDATION = 7  # of the masks, which are the same at every validation


@dataclass(frozen=True)
class SSLModelSettings:
    """What a recipe trains.

    Parameters
    ----------
    stage
        ``"model"`` or ``"tokenizer"``.
    front_end
        Name of the front end.
    config
        The shape of the network, and of the tokenizer's encoder.
    n_codes, code_dim
        Codes, and the space in which they lie.
    code_decay, code_idle
        How the codes of a tokenizer follow what it hears: see `Codebook`.
    tokenizer
        Checkpoint of the tokenizer whose codes are predicted; random projections where empty.
    teacher
        Checkpoint of the network that the tokenizer learns from.
    predictor_depth
        Layers that fill the gaps between what was heard, or estimate what the teacher heard.
    """

    stage: Literal["model", "tokenizer"] = "model"
    front_end: str = "beats"
    config: BEATsConfig = field(default_factory=BEATsConfig)
    n_codes: int = N_CODES
    code_dim: int = CODE_DIM
    code_decay: float = 0.99
    code_idle: float = 0.02
    tokenizer: str = ""
    teacher: str = ""
    predictor_depth: int = 3

    def __post_init__(self) -> None:
        if self.stage == "tokenizer" and not self.teacher:
            raise ParameterError("stage is 'tokenizer': it needs a teacher, the model before it")


@dataclass(frozen=True)
class SSLDataSettings:
    """What it listens to.

    Parameters
    ----------
    folder
        Recordings of any kind, in any sub-folder.
    crop
        Length of an excerpt [s].
    n_validation
        Recordings to validate on, which are not trained on.
    """

    folder: str
    crop: float = 10.0
    n_validation: int = 32


@dataclass(frozen=True)
class SSLLossSettings:
    """The losses.

    Parameters
    ----------
    mask
        Share of the patches that is masked.
    commitment
        How much the distance to the codes counts beside the estimate.
    """

    mask: float = 0.75
    commitment: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.mask < 1:
            raise ParameterError(f"mask is {self.mask}; it is a share between 0 and 1")


class SSLTask:
    """Codes of masked patches, or codes that say what a network heard.

    What validates is the share of masked codes that are guessed (``"model"``), or the mean cosine
    between estimate and teacher (``"tokenizer"``); ``codes`` is how many codes are in use, as the
    exponential of their entropy.

    Parameters
    ----------
    recipe
        The recipe.
    device
        Where networks compute.
    """

    monitor = "score"

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        where = f"recipe {recipe.name!r}"
        self.model = build(SSLModelSettings, recipe.model, f"{where}: model")
        self.data = build(SSLDataSettings, recipe.data, f"{where}: data")
        self.loss = build(SSLLossSettings, recipe.loss, f"{where}: loss")
        self.recipe, self.device = recipe, device
        self.front_end: FrontEnd = front_end(self.model.front_end)
        self.train, self.validation = split_files(self.data.folder, self.data.n_validation)
        self.n_clips = len(self.train)
        self.tokens = self._tokens() if self.model.stage == "model" else None
        self.teacher = self._teacher() if self.model.stage == "tokenizer" else None

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""
        self.n_clips = min(self.n_clips, n_clips)

    def network(self) -> MaskedBEATs | Distiller:
        """Return a new network, or tokenizer, with what is around it in training."""
        config, model = self.model.config, self.model
        if self.tokens is not None:
            net = BEATs(n_classes=0, **asdict(config))
            return MaskedBEATs(net, self.tokens.n_codes, model.predictor_depth)
        assert self.teacher is not None
        how = (model.code_decay, model.code_idle)
        tokenizer = Tokenizer(config, model.n_codes, model.code_dim, *how)
        return Distiller(tokenizer, self.teacher.config, model.predictor_depth)

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return features of excerpt i of clip ``clips[i]``, cut where ``seeds[i]`` says."""
        rngs = [np.random.default_rng(seed) for seed in seeds]
        parts = [self.features(self.train[i], rng) for i, rng in zip(clips, rngs, strict=True)]
        return {"features": torch.stack(parts)}

    def features(self, path: Path, rng: np.random.Generator | None = None) -> Tensor:
        """Return features of an excerpt ``(n_frames, n_bins)``, or of the beginning without `rng`.

        Recordings that are shorter than an excerpt are silent after their end.
        """
        samples = excerpt(path, self.front_end.sample_rate, self.data.crop, rng)
        values = self.front_end(Audio(samples, self.front_end.sample_rate)).values
        return torch.from_numpy(np.array(values, np.float32))

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return ``"loss"`` and what else is worth following."""
        features = batch["features"]
        if self.tokens is not None:
            chance = torch.rand(len(features), self.n_tokens(features), device=features.device)
            return self._guessed(net, features, chance)
        return self._estimated(net, features)

    def n_tokens(self, features: Tensor) -> int:
        """Return the patches of features ``(batch, n_frames, n_bins)``."""
        return features.shape[1] // self.model.config.patch * self.model.config.n_rows

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the scores of `net` on the beginnings of recordings never trained on."""
        rows = [self._validated(net, features) for features in self._batches(self.validation)]
        codes = torch.cat([row.pop("codes").flatten() for row in rows])
        n_codes = self.model.n_codes if self.tokens is None else self.tokens.n_codes
        means = {name: float(np.mean([float(row[name]) for row in rows])) for name in rows[0]}
        return {"score": means["score"], "loss": means["loss"], "codes": n_used(codes, n_codes)}

    @torch.no_grad()
    def _validated(self, net: nn.Module, features: Tensor) -> dict[str, Tensor]:
        if self.tokens is not None:
            chance = torch.Generator().manual_seed(SEED_OF_VALIDATION)
            numbers = torch.rand(len(features), self.n_tokens(features), generator=chance)
            losses = self._guessed(net, features, numbers.to(features.device))
            scores = {"score": losses["accuracy"], "codes": self.tokens.codes(features)}
        else:
            losses = self._estimated(net, features)
            assert isinstance(net, Distiller)
            scores = {"score": losses["cosine"], "codes": net.tokenizer.codes(features)}
        return {"loss": losses["loss"]} | scores

    def _guessed(self, net: nn.Module, features: Tensor, chance: Tensor) -> dict[str, Tensor]:
        assert self.tokens is not None
        kept = kept_places(chance, self.loss.mask)
        is_masked = masked_places(kept, chance.shape[1])
        codes = self.tokens.codes(features)[is_masked]
        logits = net(features, kept)[is_masked]  # (n_masked, n_codes)
        accuracy = (logits.argmax(-1) == codes).float().mean()
        return {"loss": F.cross_entropy(logits, codes), "accuracy": accuracy}

    def _estimated(self, net: nn.Module, features: Tensor) -> dict[str, Tensor]:
        assert self.teacher is not None
        with torch.no_grad():
            heard = standardized(self.teacher.encoder(self.teacher.tokens(features)))
        estimate, distance, _ = net(features)
        cosine = F.cosine_similarity(estimate, heard, dim=-1).mean()
        loss = 1 - cosine + self.loss.commitment * distance
        return {"loss": loss, "cosine": cosine, "distance": distance}

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors``: the network, or tokenizer, without what surrounds it."""
        inner: nn.Module
        if isinstance(net, MaskedBEATs):
            inner, kept = net.net, {"kind": "beats", "config": asdict(net.net.config)}
        else:
            assert isinstance(net, Distiller)
            inner, kept = net.tokenizer, {"kind": "beats-tokenizer"} | net.tokenizer.settings
        kept |= {"front_end": self.front_end.name, "recipe": self.recipe.name}
        written = {name: x if isinstance(x, str) else json.dumps(x) for name, x in kept.items()}
        checkpoints.save_tensors(folder / "best.safetensors", inner.state_dict(), written)

    def _tokens(self) -> Tokens:
        if self.model.tokenizer:
            return read_tokenizer(self.model.tokenizer).to(self.device)
        model = self.model
        tokens = RandomTokenizer(model.config, model.n_codes, model.code_dim, self.recipe.seed)
        some = [self.features(path) for path in self.train[:N_STATISTICS]]
        tokens.fit(torch.cat(some))
        return tokens.to(self.device)

    def _teacher(self) -> BEATs:
        teacher = read_model(self.model.teacher).to(self.device)
        if teacher.config.patch != self.model.config.patch:
            raise ParameterError(
                f"patch is {self.model.config.patch}, and the teacher's {teacher.config.patch}; "
                "their tokens do not lie on each other"
            )
        return teacher

    def _batches(self, files: Sequence[Path]) -> Iterator[Tensor]:
        size = self.recipe.loop.batch_size
        for i in range(0, len(files), size):
            yield torch.stack([self.features(path) for path in files[i : i + size]]).to(self.device)


def split_files(folder: str, n_validation: int) -> tuple[list[Path], list[Path]]:
    """Return the recordings in a folder to train on, and to validate on, by chance but fixed.

    Raises
    ------
    ParameterError
        Where nothing is left to train on.
    """
    root = Path(folder).expanduser()
    files = reading.find_audio([root])
    files.sort(key=lambda path: (zlib.crc32(path.relative_to(root).as_posix().encode()), path))
    if not 0 < n_validation < len(files):
        raise ParameterError(
            f"n_validation is {n_validation}; of {len(files)} recordings in {root}, at least one "
            "is to validate on and one to train on"
        )
    return files[n_validation:], files[:n_validation]


def excerpt(
    path: Path, sample_rate: int, seconds: float, rng: np.random.Generator | None
) -> NDArray[np.float32]:
    """Return an excerpt ``(n_samples,)`` of a recording, from anywhere, or from its beginning."""
    n_samples = round(seconds * sample_rate)
    with reading.blocks(path) as stream:
        duration = stream.duration or seconds
    spare = max(0.0, duration - seconds)
    offset = 0.0 if rng is None else float(rng.uniform(0, spare))
    audio = reading.read(path, sample_rate, offset=offset, duration=seconds)
    samples = audio.samples[0][:n_samples]
    return np.pad(samples, (0, n_samples - len(samples)))


def n_used(codes: Tensor, n_codes: int) -> float:
    """Return how many codes are in use: the exponential of the entropy of `codes`.

    Examples
    --------
    >>> n_used(torch.tensor([0, 0, 5, 5]), 8)
    2.0
    """
    share = torch.bincount(codes.cpu(), minlength=n_codes) / len(codes)
    return float(torch.exp(torch.special.entr(share).sum()))


def read_model(path: str | Path) -> BEATs:
    """Return a network that was trained here, or published, to listen through, not to train.

    Raises
    ------
    WeightsError
        Where the file holds none.
    """
    content, kept = _content(path, "beats")
    if "config" not in kept:
        return BEATs.from_published(content, max_frames=None).eval().requires_grad_(False)
    net = BEATs(n_classes=0, max_frames=None, **json.loads(kept["config"]))
    return _filled(net, content, path)


def read_tokenizer(path: str | Path) -> Tokenizer:
    """Return a tokenizer that was trained here, or published.

    Raises
    ------
    WeightsError
        Where the file holds none.
    """
    content, kept = _content(path, "beats-tokenizer")
    if "config" not in kept:
        return Tokenizer.from_published(content).eval().requires_grad_(False)
    config = BEATsConfig(**json.loads(kept["config"]))
    net = Tokenizer(config, int(kept["n_codes"]), int(kept["code_dim"]))
    return _filled(net, content, path)


def _content(path: str | Path, kind: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    path = Path(path).expanduser()
    kept = checkpoints.load_tensors(path)[1] if path.suffix == ".safetensors" else {}
    if kept.get("kind", kind) != kind:
        raise WeightsError(f"{path} holds a {kept['kind']!r}; a {kind!r} is needed here")
    return checkpoints.load_content(path), kept


def _filled(net: N, content: Mapping[str, Any], path: str | Path) -> N:
    try:
        load_published(net, content, KeyMap())
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    return net.eval().requires_grad_(False)
