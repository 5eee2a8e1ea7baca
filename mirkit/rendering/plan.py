"""Plans: lists of specifications that fix every clip before any is rendered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from mirkit.errors import ParameterError
from mirkit.rendering.archives import Corpus
from mirkit.rendering.harmonist import tasks
from mirkit.rendering.sources import SOURCES

FONTS: dict[str, tuple[tuple[str, float], ...]] = {
    "train": (("FluidR3_GM", 0.55), ("MuseScore_General_Full", 0.45)),
    "val": (("FluidR3_GM", 0.5), ("MuseScore_General_Full", 0.5)),
    "test": (("TimGM6mb", 0.7), ("sf_GMbank", 0.3)),
}
"""Soundfonts and shares of each split; the test's fonts are heard nowhere else."""

SHARES = {
    "arranger": 0.56,
    "mma": 0.13,
    "groove": 0.13,
    "pop909": 0.09,
    "hymnal": 0.025,
    "lieder": 0.04,
    "freedoom": 0.025,
}
"""Share of each source of music in a pool of clips."""

CHORD_SHARES = {
    "harmony": 0.76,
    "arranger": 0.08,
    "mma": 0.05,
    "pop909": 0.07,
    "hymnal": 0.02,
    "lieder": 0.02,
}
"""Share of each source of music in a pool of clips for chords and keys."""

VERSION = "v8"


@dataclass(frozen=True)
class ClipSpec:
    """One clip before it is rendered: everything that decides how it sounds.

    Parameters
    ----------
    clip_id
        Its name, and that of its files.
    split
        ``train``, ``val`` or ``test``.
    source
        Row of `sources.SOURCES`.
    style
        What the source plays: a style, a genre, a groove.
    font
        Soundfont.
    seed
        Of all chance in the clip.
    seconds
        Length [s].
    version
        Of the renderer.
    """

    clip_id: str
    split: str
    source: str
    style: str
    font: str
    seed: int
    seconds: float = 34.0
    version: str = VERSION


def plan(
    split: str,
    n: int,
    seed: int = 0,
    corpus: Corpus | None = None,
    *,
    shard: str = "",
    seconds: float = 34.0,
    shares: Mapping[str, float] | None = None,
    styles: Mapping[str, Sequence[str]] | None = None,
) -> tuple[ClipSpec, ...]:
    """Return the specifications of `n` clips of a split, each source's styles in equal shares.

    Parameters
    ----------
    split
        ``train``, ``val`` or ``test``: decides songs, charts, grooves and soundfonts.
    n
        Number of clips.
    seed
        The same seed gives the same clips.
    corpus
        Where the data lie; sources whose data or program is absent are left out.
    shard
        Prefix of the clips' names, such as ``v2``; also of the seed.
    seconds
        Length of each clip [s].
    shares
        Share of each source instead of `SHARES`.
    styles
        Styles of each source instead of those in `corpus`, which then is not asked. Of the source
        ``harmony`` in `plan_chords`: the bands.

    Raises
    ------
    ParameterError
        Where the split is unknown, or `styles` lacks a source of `shares`.
    """
    _check_split(split)
    rng = np.random.default_rng([seed, _hash_number(split), _hash_number(shard)])
    pool = _gather(shares or SHARES, styles, corpus, split)
    counts = _divide({source: share for source, (share, _) in pool.items()}, n)
    specs = []
    for source, count in counts.items():
        order = _draw_rounds(pool[source][1], count, rng)
        specs += [_draw_spec(split, source, style, seconds, rng) for style in order]
    shuffled = [specs[i] for i in rng.permutation(len(specs))]
    return number_clips(shuffled, f"{split}-{shard}" if shard else split)


def plan_chords(
    split: str,
    n: int,
    seed: int = 0,
    corpus: Corpus | None = None,
    *,
    seconds: float = 36.0,
    shares: Mapping[str, float] | None = None,
    styles: Mapping[str, Sequence[str]] | None = None,
) -> tuple[ClipSpec, ...]:
    """Return the specifications of `n` clips for chords and keys.

    Every beginning of the list is balanced too: sources, features, keys and bands take turns.
    Parameters are those of `plan`; `shares` default to `CHORD_SHARES`.

    Raises
    ------
    ParameterError
        Where the split is unknown, or `styles` lacks a source of `shares`.
    """
    _check_split(split)
    rng = np.random.default_rng([seed, _hash_number(split), _hash_number("chords")])
    pool = _gather(shares or CHORD_SHARES, styles, corpus, split)
    turns = _take_turns({source: share for source, (share, _) in pool.items()}, n)
    bands = None if styles is None else styles.get("harmony")
    queues = {"harmony": [task.text for task in tasks(turns.count("harmony"), rng, bands)]}
    for source, (_, names) in pool.items():
        if source != "harmony":
            queues[source] = _draw_rounds(names, turns.count(source), rng)
    following = {source: iter(names) for source, names in queues.items()}
    specs = [_draw_spec(split, source, next(following[source]), seconds, rng) for source in turns]
    return number_clips(specs, f"chord-{split}")


def number_clips(specs: Iterable[ClipSpec], prefix: str) -> tuple[ClipSpec, ...]:
    """Return specifications whose clips are named by a prefix and their place."""
    return tuple(replace(spec, clip_id=f"{prefix}-{i:05d}") for i, spec in enumerate(specs))


def format_specs(specs: Iterable[ClipSpec]) -> str:
    """Return specifications as text, one JSON object a line."""
    return "".join(json.dumps(asdict(spec), separators=(",", ":")) + "\n" for spec in specs)


def _check_split(split: str) -> None:
    if split not in FONTS:
        raise ParameterError(f"split is {split!r}; it is one of {', '.join(FONTS)}")


def _gather(
    shares: Mapping[str, float],
    styles: Mapping[str, Sequence[str]] | None,
    corpus: Corpus | None,
    split: str,
) -> dict[str, tuple[float, list[str]]]:
    """Return the share and the styles of each source that can play."""
    if styles is not None:
        if missing := shares.keys() - styles.keys():
            raise ParameterError(f"styles lack those of {', '.join(sorted(missing))}")
        return {source: (share, list(styles[source])) for source, share in shares.items()}
    corpus = corpus or Corpus.default()
    return {
        source: (share, list(SOURCES[source].styles(corpus, split)))
        for source, share in shares.items()
        if SOURCES[source].ready(corpus)
    }


def _take_turns(shares: Mapping[str, float], n: int) -> list[str]:
    """Return `n` names, each as near its share as can be in every beginning of the list.

    Examples
    --------
    >>> _take_turns({"a": 2, "b": 1}, 6)
    ['a', 'b', 'a', 'a', 'b', 'a']
    """
    total = sum(shares.values())
    counts = dict.fromkeys(shares, 0)
    found = []
    for i in range(n):
        name = max(shares, key=lambda x: (i + 1) * shares[x] / total - counts[x])
        counts[name] += 1
        found.append(name)
    return found


def _draw_spec(
    split: str, source: str, style: str, seconds: float, rng: np.random.Generator
) -> ClipSpec:
    names, weights = zip(*FONTS[split], strict=True)
    font = str(rng.choice(names, p=np.array(weights) / sum(weights)))
    return ClipSpec("", split, source, style, font, int(rng.integers(1 << 48)), seconds)


def _divide(shares: dict[str, float], n: int) -> dict[str, int]:
    """Divide `n` clips by shares; the first source takes what rounding leaves."""
    total = sum(shares.values())
    counts = {name: int(n * share / total) for name, share in shares.items()}
    counts[next(iter(counts))] += n - sum(counts.values())
    return counts


def _draw_rounds(names: list[str], count: int, rng: np.random.Generator) -> list[str]:
    """Return `count` names, each as often as the others, in random order within a round."""
    rounds = -(-count // len(names))
    drawn = [names[i] for _ in range(rounds) for i in rng.permutation(len(names))]
    return drawn[:count]


def _hash_number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
