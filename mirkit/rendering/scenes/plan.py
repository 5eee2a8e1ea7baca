"""Plans of scenes: which sounds, when, how loud; all that decides a scene, before any is mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.rendering.scenes.sources import SoundSource

Supervision = Literal["strong", "weak", "none"]


@dataclass(frozen=True)
class SceneEvent:
    """A sound in a scene.

    Parameters
    ----------
    path
        Its place in the data pack.
    labels
        Names of the classes that it counts for.
    start
        When it begins in the scene [s].
    max_length
        Of a longer sound only so much is played [s].
    place
        Which part of a longer sound, from 0 (its beginning) to 1 (its end).
    snr
        Its level against the background, in its own span [dB].
    speed
        How much faster it is played: 1.06 is a semitone higher, too.
    room_seconds, room_mix
        Decay time of the reverberation [s], and its level; 0 for none.
    """

    path: str
    labels: tuple[str, ...]
    start: float
    max_length: float
    place: float = 0.0
    snr: float = 6.0
    speed: float = 1.0
    room_seconds: float = 0.0
    room_mix: float = 0.0


@dataclass(frozen=True)
class SceneSpec:
    """All that decides a scene.

    Parameters
    ----------
    scene_id
        Name of the scene and of its files.
    seconds
        Its length [s].
    seed
        Of the noise and the rooms.
    background
        Place of the background in the data pack; empty for noise.
    background_labels
        Classes that the background counts for, from the beginning to the end of the scene.
    background_start
        Where the background begins in its recording, as a share of it.
    background_db
        Its level [dBFS].
    events
        The sounds.
    supervision
        Whether labels with times, without times, or none are known to whoever learns from it.
    """

    scene_id: str
    seconds: float
    seed: int
    background: str
    background_labels: tuple[str, ...]
    background_start: float
    background_db: float
    events: tuple[SceneEvent, ...]
    supervision: Supervision = "strong"

    def __post_init__(self) -> None:
        checks.positive("seconds", self.seconds)


def plan_scenes(
    sources: Sequence[SoundSource],
    labels: Sequence[str],
    n: int,
    seed: int,
    *,
    split: str = "train",
    prefix: str = "scene",
    seconds: float = 10.0,
    n_events: tuple[int, int] = (1, 5),
    snr: tuple[float, float] = (0.0, 15.0),
    n_noise: float = 0.3,
    varied: bool = True,
    shares: tuple[float, float] = (1.0, 0.0),
) -> tuple[SceneSpec, ...]:
    """Plan scenes of the sounds of one split.

    Classes are drawn evenly, then a sound of the class, so that rare ones come as often as frequent
    ones.

    Parameters
    ----------
    sources
        Sounds, see `mirkit.rendering.scenes.find_sources`.
    labels
        The classes; sounds of none of them are left out.
    n, seed
        How many scenes, and of all chance. The first scenes of a longer plan are the same.
    split
        Which of the sounds are used.
    prefix
        Of the names of the scenes.
    seconds
        Length of a scene [s].
    n_events
        Fewest and most events of a scene.
    snr
        Range of the level of events against the background [dB].
    n_noise
        Share of scenes over noise; the others are over a recording.
    varied
        Whether pitch, time and rooms vary.
    shares
        Shares of scenes with labels with and without times; the rest has none.

    Raises
    ------
    ParameterError
        Where there is no event of the classes in the split.
    """
    mine = [source for source in sources if source.split == split]
    by_label = {label: _events_of(mine, label) for label in labels}
    by_label = {label: each for label, each in by_label.items() if each}
    beds = [source for source in mine if source.kind == "background"]
    if not by_label:
        raise ParameterError(f"no sound of the split {split!r} is of these {len(labels)} classes")
    specs = []
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        count = int(rng.integers(n_events[0], n_events[1] + 1))
        events = tuple(
            _draw_event(by_label, labels, rng, seconds, snr, varied) for _ in range(count)
        )
        bed = beds[int(rng.integers(len(beds)))] if beds and rng.random() >= n_noise else None
        draw = float(rng.random())
        supervision: Supervision = (
            "strong" if draw < shares[0] else "weak" if draw < sum(shares) else "none"
        )
        specs.append(
            SceneSpec(
                scene_id=f"{prefix}-{i:05d}",
                seconds=seconds,
                seed=int(rng.integers(2**31)),
                background="" if bed is None else bed.path,
                background_labels=() if bed is None else _known(bed, labels),
                background_start=round(float(rng.random()), 4),
                background_db=round(float(rng.uniform(-50, -30)), 2),
                events=tuple(sorted(events, key=lambda event: event.start)),
                supervision=supervision,
            )
        )
    return tuple(specs)


def _known(source: SoundSource, labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(label for label in source.labels if label in labels)


def _events_of(sources: Sequence[SoundSource], label: str) -> list[list[SoundSource]]:
    """Return the events with a label, those of one recording together."""
    groups: dict[str, list[SoundSource]] = {}
    for source in sources:
        if source.kind == "event" and label in source.labels:
            groups.setdefault(source.recording, []).append(source)
    return list(groups.values())


def _draw_event(
    by_label: dict[str, list[list[SoundSource]]],
    labels: Sequence[str],
    rng: np.random.Generator,
    seconds: float,
    snr: tuple[float, float],
    varied: bool,
) -> SceneEvent:
    names = list(by_label)
    groups = by_label[names[int(rng.integers(len(names)))]]
    group = groups[int(rng.integers(len(groups)))]
    source = group[int(rng.integers(len(group)))]
    in_room = varied and rng.random() < 0.4
    return SceneEvent(
        path=source.path,
        labels=_known(source, labels),
        start=round(float(rng.uniform(0, seconds - 0.5)), 3),
        max_length=round(float(np.exp(rng.uniform(np.log(1), np.log(seconds)))), 3),
        place=round(float(rng.random()), 4),
        snr=round(float(rng.uniform(*snr)), 2),
        speed=round(float(2 ** rng.uniform(-0.25, 0.25)), 4) if varied else 1.0,
        room_seconds=round(float(rng.uniform(0.15, 1.2)), 3) if in_room else 0.0,
        room_mix=round(float(rng.uniform(0.05, 0.4)), 3) if in_room else 0.0,
    )
