"""A recording on its way through systems: decoded once, its features made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from mirkit.activations import Activations, Features, Head
from mirkit.arrays import Blocks, Floats32
from mirkit.audio import Audio, Track, reading
from mirkit.audio.sources import Source, content_hash, track
from mirkit.features import FeatureCache, FrontEnd
from mirkit.gate import LEVEL, LevelMeter
from mirkit.model import Model, front_ends_of, side_by_side

MOST_KEPT = 20 * 60 * 48_000
"""Samples up to which a shared recording is kept in memory; longer ones are decoded again."""


@dataclass(eq=False)
class Recording:
    """A recording that one or more systems are given.

    Parameters
    ----------
    track
        The recording.
    cache
        Features of several systems, kept; None where one system alone is given the recording: then
        it goes by in blocks, and nothing is kept.
    key
        Key of its features in the cache; the hash of its content where None.
    offset
        Where the part begins that is read [s].
    limit
        How much is read at most [s]; None for all.
    """

    track: Track
    cache: FeatureCache | None = None
    key: str | None = None
    offset: float = 0.0
    limit: float | None = None
    duration: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    _decoded: Audio | Track | None = None
    _levels: dict[int, Head] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        x: Source | Recording,
        cache: FeatureCache | None = None,
        offset: float = 0.0,
        limit: float | None = None,
    ) -> Recording:
        """Return `x` as a recording; one that is a recording already stays as it is."""
        if isinstance(x, Recording):
            return x
        reading.check_part(offset, limit)
        return cls(track(x), cache, offset=offset, limit=limit)

    def shared(self) -> Recording:
        """Return the recording for more than one system: what they need twice is kept."""
        return self if self.cache is not None else replace(self, cache=FeatureCache(), key="")

    @property
    def described(self) -> Track:
        """The track with the metadata of its file."""
        return replace(self.track, metadata={**self.metadata, **self.track.metadata})

    @property
    def is_part(self) -> bool:
        """Tell whether a part of it is read, not all."""
        return self.offset > 0 or self.limit is not None

    @property
    def whole_duration(self) -> float | None:
        """Length of all of it, as far as it is known, where `duration` is that of the part [s]."""
        if not self.is_part or self.duration is None:
            return self.duration
        with reading.blocks(self.track) as stream:
            return max(stream.duration or 0.0, self.offset + self.duration)

    @cached_property
    def _key(self) -> str:
        content = content_hash(self.track) if self.key is None else self.key
        return f"{content} {self.offset} {self.limit}" if self.is_part else content

    def activations(self, model: Model, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a model, with the level and the duration of the recording."""
        front_ends = front_ends_of(model)
        if self.cache is not None and front_ends:
            heard = model.activations(self.features(front_ends), heads)
        else:
            with self.blocks(model.sample_rate) as blocks:
                heard = model.activations(blocks, heads)
        level = self.level(model.sample_rate)
        return Activations({**heard, LEVEL: level}, heard.provenance, self.duration)

    def features(self, front_ends: tuple[FrontEnd, ...]) -> tuple[Features, ...]:
        """Return the features of front ends of one sample rate, each made once."""
        cache = self.cache or FeatureCache()
        keys = {each: (self._key, each) for each in front_ends}
        missing = tuple(each for each, key in keys.items() if key not in cache)
        made: dict[FrontEnd, Features] = {}
        if missing:
            with self.blocks(missing[0].sample_rate) as blocks:
                made = dict(zip(missing, side_by_side(missing, blocks), strict=True))
        return tuple(cache.get(keys[each], partial(self._make, made, each)) for each in front_ends)

    def _make(self, made: Mapping[FrontEnd, Features], front_end: FrontEnd) -> Features:
        """Return features that were made; again where the cache has dropped them since."""
        if front_end in made:
            return made[front_end]
        with self.blocks(front_end.sample_rate) as blocks:
            return side_by_side((front_end,), blocks)[0]

    def level(self, sample_rate: int) -> Head:
        """Return the peak level over time, measured when the recording went by."""
        if sample_rate not in self._levels:
            with self.blocks(sample_rate) as blocks:
                for _ in blocks:
                    pass
        return self._levels[sample_rate]

    def audio(self, sample_rate: int | None = None) -> Audio:
        """Return all samples as one channel, at a rate [Hz] or at that of the recording."""
        return reading.read(self._source(), sample_rate, True, self.offset, self.limit)

    @contextmanager
    def blocks(self, sample_rate: int) -> Iterator[Blocks]:
        """Stream the recording as mono blocks at a sample rate [Hz]; measure its level."""
        meter = LevelMeter(sample_rate)
        with reading.blocks(
            self._source(), sample_rate, offset=self.offset, duration=self.limit
        ) as stream:
            self.metadata = self.metadata or stream.metadata
            yield meter.through(stream)
            for _ in meter.through(stream):  # what a model left
                pass
        self._levels.setdefault(sample_rate, meter.head())
        self.duration = self.duration or meter.duration

    def _source(self) -> Audio | Track:
        """Return the recording; its samples, decoded once, where it is shared and not too long.

        Of a part they are decoded each time: its resampler reads a little more on both sides.
        """
        if self.cache is None or self.is_part:
            return self.track
        if self._decoded is None:
            self._decoded = self._decode()
        return self._decoded

    def _decode(self) -> Audio | Track:
        """Return the samples as one channel at their own rate, which resampling starts from."""
        parts: list[Floats32] = []
        with reading.blocks(self.track) as stream:
            self.metadata = stream.metadata
            most = MOST_KEPT
            if (stream.duration or 0) * stream.sample_rate > most:
                return self.track
            for block in stream:
                most -= block.shape[1]
                if most < 0:
                    return self.track
                parts.append(block)
        samples = np.concatenate(parts, axis=1)
        samples.flags.writeable = False
        return Audio(samples, stream.sample_rate)
