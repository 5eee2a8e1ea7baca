"""The task of self-supervised BEATs: its rounds, from a folder of recordings without labels.

A round has two stages, a recipe each. First a network learns to predict the codes of masked
patches (``stage = "model"``): codes of random projections in the first round, of the last
tokenizer later. Then a tokenizer learns codes from which that network's output can be estimated
(``stage = "tokenizer"``). The network of the next round predicts those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mirkit.arrays import Floats32
from mirkit.audio import Audio, reading
from mirkit.backbones.beats.network import BEATs
from mirkit.backbones.beats.tokenizer import RandomTokenizer, Tokenizer
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd, front_end
from mirkit.training import weights
from mirkit.training.division import hold_out
from mirkit.training.ssl.checkpoints import read_model, read_tokenizer
from mirkit.training.ssl.recipe import SSLRecipe
from mirkit.training.ssl.stages import MaskedPrediction, Stage, TokenizerDistillation
from mirkit.training.task import Task

N_STATISTICS = 64  # clips that the mean and spread of each bin are estimated from
VALIDATION_SEED = 7  # of the masks, which are the same at every validation


class SSLTask(Task[SSLRecipe]):
    """Codes of masked patches, or codes that tell the output of a network.

    The score is the share of masked codes that are right (``"model"``), or the mean cosine between
    estimate and teacher (``"tokenizer"``); ``codes`` is the number of codes in use, as the
    exponential of their entropy.
    """

    def __init__(self, recipe: SSLRecipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        self.front_end: FrontEnd = front_end(recipe.model.front_end)
        self.train, self.validation = divide_files(recipe.data.folder, recipe.data.n_validation)
        self.n_clips = len(self.train)
        self.stage: Stage
        if recipe.model.stage == "model":
            self.stage = MaskedPrediction(recipe.model, recipe.loss, self._load_tokens())
        else:
            self.stage = TokenizerDistillation(recipe.model, recipe.loss, self._load_teacher())

    def network(self) -> nn.Module:
        """Return a new network, or tokenizer, with its surroundings in training."""
        return self.stage.network()

    def excerpt(self, clip: int, rng: np.random.Generator) -> dict[str, Floats32]:
        """Return features of an excerpt of a training clip."""
        return {"features": self.features(self.train[clip], rng)}

    def features(self, path: Path, rng: np.random.Generator | None = None) -> Floats32:
        """Return features of an excerpt ``(n_frames, n_bins)``, or of the beginning without `rng`.

        Recordings that are shorter than an excerpt are silent after their end.
        """
        samples = read_excerpt(path, self.front_end.sample_rate, self.recipe.data.crop, rng)
        return self.front_end(Audio(samples, self.front_end.sample_rate)).values

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return ``"loss"`` and others worth following."""
        return self.stage.losses(net, batch["features"], None)

    @torch.no_grad()
    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the scores of `net` on the beginnings of recordings never trained on."""
        rows, codes = [], []
        for features in self._batch_files(self.validation):
            masks = torch.Generator().manual_seed(VALIDATION_SEED)
            rows.append(self.stage.losses(net, features, masks))
            codes.append(self.stage.codes(net, features).flatten())
        score, loss = (
            float(np.mean([float(row[name]) for row in rows]))
            for name in (self.stage.score, "loss")
        )
        return {"score": score, "loss": loss, "codes": n_used(torch.cat(codes), self.stage.n_codes)}

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors``: the network, or tokenizer, without its surroundings."""
        inner, about = self.stage.strip(net)
        about |= {"front_end": self.front_end.name, "recipe": self.recipe.name}
        metadata = {name: x if isinstance(x, str) else json.dumps(x) for name, x in about.items()}
        weights.save_best(inner, folder, metadata)

    def _load_tokens(self) -> RandomTokenizer | Tokenizer:
        model = self.recipe.model
        if model.tokenizer:
            return read_tokenizer(model.tokenizer).to(self.device)
        tokens = RandomTokenizer(model.config, model.n_codes, model.code_dim, self.recipe.seed)
        some = [self.features(path) for path in self.train[:N_STATISTICS]]
        tokens.fit(torch.from_numpy(np.concatenate(some)))
        return tokens.to(self.device)

    def _load_teacher(self) -> BEATs:
        teacher = read_model(self.recipe.model.teacher).to(self.device)
        patch = self.recipe.model.config.patch
        if teacher.config.patch != patch:
            raise ParameterError(
                f"patch is {patch}, and the teacher's {teacher.config.patch}; their tokens do not "
                "lie on each other"
            )
        return teacher

    def _batch_files(self, files: Sequence[Path]) -> Iterator[Tensor]:
        size = self.recipe.loop.batch_size
        for i in range(0, len(files), size):
            values = np.stack([self.features(path) for path in files[i : i + size]])
            yield torch.from_numpy(values).to(self.device)


def divide_files(folder: str, n_validation: int) -> tuple[list[Path], list[Path]]:
    """Return the recordings in a folder to train on, and those held out to validate on.

    Raises
    ------
    ParameterError
        Where nothing is left to train on.
    """
    root = Path(folder).expanduser()
    files = reading.find_audio([root])
    names = [path.relative_to(root).as_posix() for path in files]
    train, validation = hold_out(names, n_validation)
    return [files[i] for i in train], [files[i] for i in validation]


def read_excerpt(
    path: Path, sample_rate: int, seconds: float, rng: np.random.Generator | None
) -> Floats32:
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
    """Return the number of codes in use: the exponential of the entropy (perplexity) of `codes`.

    Examples
    --------
    >>> n_used(torch.tensor([0, 0, 5, 5]), 8)
    2.0
    """
    share = torch.bincount(codes.cpu(), minlength=n_codes) / len(codes)
    return float(torch.exp(torch.special.entr(share).sum()))
