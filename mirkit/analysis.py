"""All that is known of a track in one call: it is decoded once a sample rate, and heard once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Features
from mirkit.annotation import Analysis, Annotation, Beats, Segments
from mirkit.arrays import Floats32
from mirkit.audio import Audio, Track, reading
from mirkit.audio.reading import Source
from mirkit.errors import ParameterError, UnknownName
from mirkit.features import FeatureCache, FrontEnd
from mirkit.frames import FrameGrid
from mirkit.music import hearing
from mirkit.music.section import SectionFinder

TASKS = ("beats", "tempo", "chords", "key", "sections", "tags")
MODELED = ("beats", "chords", "key", "tags")
"""The tasks that models are chosen for: tempo and sections go by the beats."""

LONGEST_KEPT = 20 * 60.0
"""Recordings up to here are kept in memory while they are analyzed; longer ones are decoded again
for each task [s]."""


def analyze(
    x: Source,
    *,
    tasks: Sequence[str] | None = None,
    models: Mapping[str, str] | None = None,
    cache: FeatureCache | None = None,
) -> Analysis:
    """Return all that can be heard in a recording.

    Every task is what its own function gives; but the recording is decoded once for each sample
    rate that the models listen at, beats serve tempo and sections too, and features that several
    tasks read are computed once.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio` or `Track`.
    tasks
        Which of `TASKS`; None for all.
    models
        Names of models by task, one of `MODELED`, such as ``{"tags": "cnn14"}``; the default for
        the others.
    cache
        Where features are kept, to share them with what comes later; None keeps them for this
        call.

    Returns
    -------
    Analysis
        The annotations by task, the track with what its file says of itself, and its duration.

    Raises
    ------
    AudioError
        Where the recording is missing, empty, damaged or holds samples that are not finite.
    UnknownName
        Where there is no such task or model.

    Examples
    --------
    >>> found = analyze((np.zeros(22050), 22050), tasks=("beats", "key"))
    >>> list(found), len(found["beats"]), found["key"].label, found.duration
    (['beats', 'key'], 0, None, 1.0)
    """
    wanted = TASKS if tasks is None else tuple(tasks)
    models = models or {}
    for names, known in ((wanted, TASKS), (models, MODELED)):
        for name in names:
            if name not in known:
                raise UnknownName("task", name, list(known))
    if not wanted:
        raise ParameterError("tasks are empty; leave them out for all")
    recording = Recording(reading.track(x), FeatureCache() if cache is None else cache)
    analyst = Analyst(recording, models)
    found = {task: analyst.of(task) for task in TASKS if task in wanted}
    return Analysis({task: found[task] for task in wanted}, recording.described, recording.duration)


@dataclass
class Recording:
    """A track that is decoded once a sample rate, where it is not too long for memory.

    Parameters
    ----------
    track
        What is heard.
    cache
        Where its features are kept.
    """

    track: Track
    cache: FeatureCache
    duration: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    _sources: dict[int, Audio | Track] = field(default_factory=dict)

    def at(self, sample_rate: int) -> Audio | Track:
        """Return the recording, of one channel and at that rate where it could be kept."""
        if sample_rate not in self._sources:
            self._sources[sample_rate] = self._decoded(sample_rate)
        return self._sources[sample_rate]

    @property
    def described(self) -> Track:
        """The track with what its file says of itself."""
        return replace(self.track, metadata={**self.metadata, **self.track.metadata})

    @cached_property
    def content_hash(self) -> str:
        """What the features of the recording are kept under."""
        return reading.content_hash(self.track)

    def _decoded(self, sample_rate: int) -> Audio | Track:
        parts: list[Floats32] = []
        n_samples, too_long = 0, False
        with reading.blocks(self.track, sample_rate=sample_rate) as blocks:
            self.metadata = blocks.metadata
            for block in blocks:
                n_samples += block.shape[1]
                too_long = too_long or n_samples > LONGEST_KEPT * sample_rate
                parts.append(block)
                if too_long:
                    parts.clear()
        self.duration = self.duration or n_samples / sample_rate
        if too_long:
            return self.track
        samples = np.concatenate(parts, axis=1)
        samples.flags.writeable = False
        return Audio(samples, sample_rate)


@dataclass(frozen=True)
class SharedFrontEnd:
    """A front end whose features of one recording are computed once.

    Parameters
    ----------
    inner
        The front end.
    recording
        The recording.
    """

    inner: Any
    recording: Recording

    @property
    def name(self) -> str:
        """That of the front end."""
        return str(self.inner.name)

    @property
    def sample_rate(self) -> int:
        """That of the front end [Hz]."""
        return int(self.inner.sample_rate)

    @property
    def grid(self) -> FrameGrid:
        """That of the front end."""
        grid: FrameGrid = self.inner.grid
        return grid

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield all frames at once; the blocks are gone through in any case."""
        blocks = iter(blocks)
        yield self.features(blocks).values
        for _ in blocks:  # others measure what goes by
            pass

    def features(self, blocks: Iterable[NDArray[Any]]) -> Features:
        """Return the features of the recording, from its blocks where they are not there yet."""
        key = (self.recording.content_hash, self.inner)
        return self.recording.cache.get(key, lambda: _computed(self.inner, blocks))


@dataclass(frozen=True, kw_only=True)
class SharingSectionFinder(SectionFinder):
    """A `SectionFinder` that takes features others have computed."""

    recording: Recording

    def features(self, front_end: FrontEnd, audio: Audio) -> Features:
        """Return the features of the recording."""
        return SharedFrontEnd(front_end, self.recording).features([audio.samples])


@dataclass
class Analyst:
    """Finds the annotations of one recording, each once.

    Parameters
    ----------
    recording
        What is heard.
    models
        Names of models by task.
    """

    recording: Recording
    models: Mapping[str, str]
    _found: dict[str, Annotation] = field(default_factory=dict)

    def of(self, task: str) -> Annotation:
        """Return the annotation of a task."""
        if task not in self._found:
            finders: dict[str, Callable[[], Annotation]] = {
                "beats": self._beats,
                "tempo": lambda: self.beats.tempo,
                "chords": lambda: self._harmony("chords"),
                "key": lambda: self._harmony("key"),
                "sections": self._sections,
                "tags": self._tags,
            }
            self._found[task] = finders[task]()
        return self._found[task]

    @property
    def beats(self) -> Beats:
        """The beats, which tempo and sections go by."""
        found = self.of("beats")
        assert isinstance(found, Beats)
        return found

    def _beats(self) -> Beats:
        from mirkit.music.beat import system

        tracker = system(self.models.get("beats"))
        return tracker(self.recording.at(tracker.model.sample_rate))

    def _harmony(self, task: str) -> Annotation:
        from mirkit.music import chord, key

        systems: Mapping[str, Callable[..., Any]] = {"chords": chord.system, "key": key.system}
        found = systems[task](self.models.get(task))
        model = found.model
        if isinstance(model, hearing.NetworkModel):
            shared = SharedFrontEnd(model.pipeline.front_end, self.recording)
            model = replace(model, pipeline=replace(model.pipeline, front_end=shared))
        annotation: Annotation = replace(found, model=model)(self.recording.at(model.sample_rate))
        return annotation

    def _sections(self) -> Segments:
        from mirkit.features import front_end
        from mirkit.music.section.features import FRONT_END

        rate = front_end(FRONT_END).sample_rate
        audio = reading.read(self.recording.at(rate), rate, mono=True)
        return SharingSectionFinder(recording=self.recording)(audio, self.beats)

    def _tags(self) -> Annotation:
        from mirkit.sound.tag import system

        tagger = system(self.models.get("tags"))
        return tagger(self.recording.at(tagger.model.sample_rate))


def _computed(front_end: Any, blocks: Iterable[NDArray[Any]]) -> Features:
    parts = list(front_end.stream(blocks))
    values = np.concatenate([np.empty((0, front_end.n_bins), np.float32), *parts])
    values.flags.writeable = False
    return Features(values, front_end.grid, front_end.name)
