"""Clips with beats: packed into a store of samples, and what is true of them."""

from __future__ import annotations

from pathlib import Path

from mirkit.annotation import Beats
from mirkit.errors import FormatError
from mirkit.training.packing import Label, pack, read_annotation, samples_header
from mirkit.training.stores import Clip


def pack_clips(source: str | Path, folder: str | Path, sample_rate: int = 22050) -> int:
    """Append clips with beats to a store, and return how many are new.

    Parameters
    ----------
    source
        A folder of pairs of a recording and ``name.json``, as `mirkit.rendering` makes them;
        a recording without its annotation is left for the next time.
    folder
        The store.
    sample_rate
        Rate to keep samples at [Hz].

    Raises
    ------
    FormatError
        Where an annotation lacks its beats or its split.
    ParameterError
        Where the store holds samples of another rate.
    """
    return pack(source, folder, samples_header(sample_rate), _describe)


def _describe(path: Path) -> Label | None:
    truth = read_annotation(path)
    if truth is None:
        return None
    for name in ("split", "beats"):
        if name not in truth:
            raise FormatError(
                f"{path.with_suffix('.json')} has no field {name!r}; a clip to train on needs it"
            )
    return Label(truth["split"], truth)


def beats_of(clip: Clip) -> Beats:
    """Return the beats of a clip, with positions where bars are known."""
    return Beats(clip.truth["beats"], clip.truth.get("positions"))
