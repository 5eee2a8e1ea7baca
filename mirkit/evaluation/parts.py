"""Parts of reports: scores of clips, measures of some of them, classes of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mirkit.evaluation.items import Item
from mirkit.evaluation.statistics import Interval

Scores = Mapping[str, float]
"""Numbers of one clip by name."""

Intervals = Mapping[str, Mapping[str, Interval]]
"""By system, then by measure."""


@dataclass(frozen=True)
class Row:
    """Scores of a system on a clip.

    Parameters
    ----------
    item
        The clip, and what else is known of it.
    system
        The system.
    scores
        Its numbers, by name.
    """

    item: Item
    system: str
    scores: Scores

    @property
    def clip(self) -> str:
        """Name of the clip."""
        return self.item.name

    @property
    def song(self) -> str:
        """Name of the song that the clip was cut from."""
        return self.item.song


@dataclass(frozen=True)
class Part:
    """The measures of some clips.

    Parameters
    ----------
    name
        ``"all"``, the name of a subset, or a value of the column that the report's `by` names.
    n_clips, n_groups
        Its size in clips and in clusters of the bootstrap: clips of a group, such as those of one
        song, are drawn together.
    means
        By system, then by measure.
    differences
        Paired differences: what each system is better by than the report's `against`, on the clips
        that both have.
    """

    name: str
    n_clips: int
    n_groups: int
    means: Intervals
    differences: Intervals


@dataclass(frozen=True)
class ClassRow:
    """A class of labels.

    Parameters
    ----------
    label
        Its name.
    n
        How many clips have it.
    stratum
        ``"head"``, ``"mid"`` or ``"tail"``; empty where all are as frequent.
    precision
        Average precision by system; nothing where no clip has the class.
    """

    label: str
    n: int
    stratum: str
    precision: Mapping[str, Interval]


def rank_classes(classes: tuple[ClassRow, ...], system: str) -> list[ClassRow]:
    """Return the classes that some clip has, from the best of a system to its worst."""
    known = [row for row in classes if row.precision]
    return sorted(known, key=lambda row: -row.precision[system].mean)
