"""Features of clips for chords and key: packed, tuned, and cut into changed excerpts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirkit.activations import Features
from mirkit.arrays import Bools, Floats32
from mirkit.errors import ParameterError
from mirkit.features import VQT, front_end, tune, tuning_of
from mirkit.features.tuning import shift
from mirkit.training.harmony.augment import MagnitudeChanges
from mirkit.training.harmony.recipe import HarmonyRecipe
from mirkit.training.packing import Label, features_header, pack, read_annotation
from mirkit.training.stores import Clip, Store

TRUTH = ("chords", "keys", "instruments", "source")
NOISE = "noise"  # the split of sounds without chords


def pack_features(
    source: str | Path, folder: str | Path, front_end_name: str = "vqt_11k", split: str = ""
) -> int:
    """Append the features of clips to a store, and return how many are new.

    Parameters
    ----------
    source
        A folder of recordings. One with an annotation beside it, ``name.json``, is left out where
        that holds neither chords nor keys.
    folder
        The store.
    front_end_name
        The front end.
    split
        Split of all clips; where empty, that of each annotation. With ``"noise"``, no annotation
        is needed.

    Raises
    ------
    ParameterError
        Where the store holds features of another front end.
    """

    def describe(path: Path) -> Label | None:
        if split == NOISE:
            return Label(NOISE, {})
        truth = read_annotation(path) or {}
        if not (truth.get("chords") or truth.get("keys")):
            return None
        kept = {name: truth[name] for name in TRUTH if name in truth}
        return Label(split or truth["split"], kept)

    return pack(source, folder, features_header(front_end(front_end_name)), describe)


@dataclass(frozen=True)
class Excerpt:
    """A changed excerpt.

    Parameters
    ----------
    values
        Its features, ``(n_frames, n_bins)``.
    first
        Frame of the clip at which it begins.
    semitones
        Its transposition.
    silent
        Frames in which no music is left, ``(n_frames,)``.
    """

    values: Floats32
    first: int
    semitones: int
    silent: Bools


class HarmonyData:
    """Stores of features, and excerpts from them.

    Parameters
    ----------
    recipe
        The recipe.
    multiple
        The number of frames of an excerpt is a multiple of this.
    """

    def __init__(self, recipe: HarmonyRecipe, multiple: int = 1) -> None:
        store = Store.open(recipe.data.store)
        chosen = front_end(store.header.front_end) if store.header.front_end else None
        if not isinstance(chosen, VQT):
            held = store.header.front_end or "samples"
            raise ParameterError(f"the store holds {held!r}; chords and keys need a VQT")
        self.front_end, self.augment = chosen, recipe.augment
        self.train = store.select("train")
        self.validation = store.select("val")
        n_frames = round(recipe.data.crop * chosen.grid.fps)
        self.n_frames = n_frames - n_frames % multiple
        noise = store.select(NOISE, may_be_empty=True)
        self._changes = MagnitudeChanges(recipe.augment, chosen, self.n_frames, self.train, noise)
        self._tunings: dict[str, float] = {}

    def cents(self, store: Store, clip: Clip) -> float:
        """Return the tuning of a whole clip [cents], measured once."""
        if clip.name not in self._tunings:
            self._tunings[clip.name] = tuning_of(self.features(store, clip), self.front_end)
        return self._tunings[clip.name]

    def features(self, store: Store, clip: Clip) -> Features:
        """Return the features of a whole clip as they are."""
        values = store.excerpt(clip, 0, clip.length)
        return Features(values, self.front_end.grid, self.front_end.name)

    def tuned_features(self, store: Store, clip: Clip) -> Features:
        """Return the features of a whole clip as networks hear them."""
        return tune(self.features(store, clip), self.cents(store, clip), self.front_end)

    def excerpt(self, clip: Clip, rng: np.random.Generator) -> Excerpt:
        """Cut an excerpt of a training clip and change it."""
        settings = self.augment
        first = int(rng.integers(0, max(1, clip.length - self.n_frames)))
        semitones = int(rng.integers(-settings.transposition, settings.transposition + 1))
        greatest = settings.detuning if rng.random() < 0.25 else settings.detuning / 10
        cents = self.cents(self.train, clip) + rng.uniform(-greatest, greatest)
        steps = self.front_end.bins_per_octave / 12
        values = self.train.excerpt(clip, first, self.n_frames)
        values = shift(values, cents * steps / 100 - semitones * steps)
        magnitudes, silent = self._changes(self.front_end.magnitudes(values), rng)
        return Excerpt(self.front_end.log(magnitudes), first, semitones, silent)
