"""Embedding spaces: the model whose vectors can be compared with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mirkit.activations import Provenance
from mirkit.annotation import Embedding
from mirkit.errors import FormatError, ParameterError


@dataclass(frozen=True, slots=True)
class Space:
    """The space that the vectors of one model lie in.

    Vectors of two models, or of one model with two checkpoints, have nothing to do with each
    other: their cosine is a number without a meaning.

    Parameters
    ----------
    model
        Name of the model.
    weights
        sha256 of its weights, or None where there are none.

    Examples
    --------
    >>> str(Space("clap-mini", "0123456789abcdef"))
    'clap-mini (weights 01234567…)'
    """

    model: str
    weights: str | None = None

    @classmethod
    def of(cls, origin: Provenance | Embedding) -> Space:
        """Return the space of an embedding, or of the model that a provenance names.

        Raises
        ------
        ParameterError
            Where an embedding does not say which model made it.
        """
        found = origin.provenance if isinstance(origin, Embedding) else origin
        if found is None:
            raise ParameterError(
                "the embedding does not say which model made it; embeddings of mirkit.embed do"
            )
        return cls(found.model, found.weights_hash)

    def check(self, other: Space) -> None:
        """Refuse another space.

        Raises
        ------
        ParameterError
            Where `other` is not this space.
        """
        if other != self:
            raise ParameterError(
                f"the vectors are of {other}, and those here of {self}; vectors of two models "
                "cannot be compared. Embed all recordings with one model"
            )

    def to_dict(self) -> dict[str, str | None]:
        """Return what a file keeps."""
        return {"model": self.model, "weights": self.weights}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Space:
        """Return the space that a file names.

        Raises
        ------
        FormatError
            Where it names none.
        """
        model, weights = values.get("model"), values.get("weights")
        if not isinstance(model, str) or not isinstance(weights, str | None):
            raise FormatError(f"{dict(values)!r} names no model; it has 'model' and 'weights'")
        return cls(model, weights)

    def __str__(self) -> str:
        weights = f" (weights {self.weights[:8]}…)" if self.weights else ""
        return f"{self.model}{weights}"
