"""The features that sections are found in: a variable-Q transform over time, and no network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mirkit import __version__
from mirkit.activations import Activations, Head, Provenance
from mirkit.features import FrontEnd, front_end
from mirkit.model import Heard, features_of, side_by_side

BINS = "bins"
"""Name of the head that holds the bins of the transform."""


@dataclass(frozen=True)
class SelfSimilarity:
    """The bins of a front end as they are: decoders compare them over time.

    Parameters
    ----------
    name
        Name of a front end with three bins per semitone, the first of them C.
    """

    name: str = "vqt_11k"

    @property
    def front_ends(self) -> tuple[FrontEnd, ...]:
        """The front end."""
        return (front_end(self.name),)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        return self.front_ends[0].sample_rate

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the head ``bins``, shape ``(n_frames, n_bins)``: see `mirkit.model.Model`."""
        features = features_of(x)
        if features is None:
            found = side_by_side(self.front_ends, x)[0]  # type: ignore[arg-type]
        else:
            found = next(iter(features.values()))
        labels = tuple(map(str, range(found.values.shape[1])))
        head = Head(found.values, labels, found.grid, "measure")
        return Activations({BINS: head}, Provenance("self-similarity", __version__))
