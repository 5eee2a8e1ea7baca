"""Text towers at work: from sentences to vectors in the joint space of a CLAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mirkit.arrays import Floats32
from mirkit.errors import MissingExtra, WeightsError
from mirkit.text.wordpiece import WordPiece
from mirkit.zoo.checkpoints import sha256_of
from mirkit.zoo.runtime import Session

TEXT_SUFFIX = "-text.onnx"
"""Behind the name of the file of an audio tower: ``clap-mini.onnx``, ``clap-mini-text.onnx``."""

_BATCH = 64


class TextEncoder(Protocol):
    """From sentences to unit vectors."""

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        ...

    def embed(self, texts: Sequence[str]) -> Floats32:
        """Return unit vectors ``(n_texts, n_joint)``."""
        ...


@dataclass(frozen=True)
class SmallTextEncoder:
    """A text tower in an ONNX file that holds its vocabulary, run by onnxruntime.

    Parameters
    ----------
    run
        The network: from ``ids`` to ``embedding``.
    tokenizer
        From sentences to the numbers of pieces.
    """

    run: Session
    tokenizer: WordPiece

    @classmethod
    def beside(cls, audio: Path, sha256: str | None, n_threads: int | None) -> SmallTextEncoder:
        """Return the text tower whose file lies beside that of its audio tower.

        Parameters
        ----------
        audio
            The file of the audio tower.
        sha256
            What the audio tower says of the file of its text tower.
        n_threads
            Threads of onnxruntime.

        Raises
        ------
        WeightsError
            Where it is missing, or that of another audio tower.
        """
        path = audio.with_name(audio.stem + TEXT_SUFFIX)
        if not path.is_file():
            raise WeightsError(f"{audio} has no text tower beside it: {path.name} is missing")
        if sha256 is not None and sha256_of(path) != sha256:
            raise WeightsError(f"{path} belongs to another audio tower than {audio.name}")
        run = Session(path, n_threads)
        if "pieces" not in run.metadata:
            raise WeightsError(f"{path} holds no vocabulary; is it a text tower of mirkit?")
        return cls(run, WordPiece(tuple(run.metadata["pieces"].split("\n"))))

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return self.run.n_bytes

    def embed(self, texts: Sequence[str]) -> Floats32:
        """Return unit vectors ``(n_texts, n_joint)``."""
        parts = [texts[i : i + _BATCH] for i in range(0, len(texts), _BATCH)]
        rows = [self.run.batch(ids=self._ids(part))["embedding"] for part in parts]
        return np.concatenate(rows)

    def _ids(self, texts: Sequence[str]) -> Floats32:
        return self.tokenizer.batch(texts).astype(np.float32)  # which hold such numbers exactly


@dataclass(frozen=True)
class HubTextEncoder:
    """A text tower in torch, whose tokenizer transformers has on this machine.

    Parameters
    ----------
    net
        A `mirkit.backbones.clap.network.TextTower`.
    tokenizer
        Name or folder of the tokenizer, such as ``"roberta-base"``.
    max_length
        Tokens of a text at most; the rest is cut off.
    """

    net: Any
    tokenizer: str
    max_length: int = 77

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return sum(each.numel() * each.element_size() for each in self.net.parameters())

    def embed(self, texts: Sequence[str]) -> Floats32:
        """Return unit vectors ``(n_texts, n_joint)``.

        Raises
        ------
        WeightsError
            Where the tokenizer is not on this machine.
        """
        import torch

        device = next(self.net.parameters()).device
        ended = [text + self.net.net.kind.end for text in texts]
        given = self._tokenizer()(
            ended, padding=True, truncation=True, max_length=self.max_length, return_tensors="pt"
        )
        with torch.inference_mode():
            ids, mask = given["input_ids"].to(device), given["attention_mask"].to(device)
            y: Floats32 = self.net(ids, mask).cpu().numpy()
        return y

    def _tokenizer(self) -> Any:
        try:
            from transformers import AutoTokenizer
        except ImportError:
            install = "pip install 'transformers>=5'"
            raise MissingExtra("transformers", install, "the tokenizer of this CLAP") from None
        try:
            found = AutoTokenizer.from_pretrained(self.tokenizer, local_files_only=True)
        except (OSError, ValueError) as error:
            raise WeightsError(
                f"the tokenizer {self.tokenizer!r} is not on this machine ({error}). Fetch it "
                f'once: python -c "import transformers; '
                f"transformers.AutoTokenizer.from_pretrained('{self.tokenizer}')\""
            ) from None
        if found.pad_token is None:
            found.pad_token = found.eos_token  # GPT-2 has none; the mask hides it
        return found
