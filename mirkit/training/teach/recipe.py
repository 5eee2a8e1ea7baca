"""Recipes of teaching: which recordings, which teachers, and what they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirkit import checks
from mirkit.errors import FormatError, ParameterError
from mirkit.training.recipe import build, load_toml


@dataclass(frozen=True)
class TeacherSettings:
    """A teacher, and what it is asked.

    Parameters
    ----------
    model
        Name of its card.
    weights
        Its checkpoint; what the card names where empty.
    only
        A label: other recordings it is not asked about. All where empty.
    without
        Beginnings of the sources of recordings that it is not asked about.
    labels
        Labels that it is asked for; all that it shares with the recipe where empty.
    names
        What its labels are called in the recipe, where they are not called the same.
    others
        Whether the labels that the recipe lacks are kept too, as hints.
    hints
        Dimensions of its embedding that are kept, those that vary most.
    """

    model: str
    weights: str = ""
    only: str = ""
    without: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    others: bool = False
    hints: int = 0

    def __post_init__(self) -> None:
        if self.hints < 0:
            raise ParameterError(f"hints is {self.hints}; it is a number of dimensions, from 0")


@dataclass(frozen=True)
class TeachRecipe:
    """Everything that decides soft labels.

    Parameters
    ----------
    name
        Name of the run.
    data
        A folder, table or manifest: see `mirkit.datasets.sound_folders.read_sounds`.
    labels
        The labels that a student is to learn.
    teachers
        Who is asked. Where several know a label, the surest counts.
    window
        Longest part of a recording that is labeled as a whole [s].
    longest
        How much of a recording is heard, from its beginning [s]; all where 0.
    floor
        The least that a label has which people heard in a recording.
    folder
        Folder of the run; ``runs/<name>`` where empty.
    """

    name: str
    data: str
    labels: tuple[str, ...]
    teachers: tuple[TeacherSettings, ...]
    window: float = 5.0
    longest: float = 0.0
    floor: float = 0.9
    folder: str = ""

    def __post_init__(self) -> None:
        checks.positive("window", self.window)
        checks.unit_number("floor", self.floor)
        if not self.teachers:
            raise ParameterError("teachers is empty; name one: [[teachers]] model = 'yamnet'")

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return Path(self.folder or f"runs/{self.name}").expanduser()


def read_teach_recipe(path: str | Path) -> TeachRecipe:
    """Return the recipe in a TOML file.

    Raises
    ------
    FormatError
        Where it is not TOML, or a setting is unknown, missing or wrong; the message names both.
    """
    try:
        values = load_toml(Path(path).read_text("utf-8"), str(path))
    except OSError as error:
        raise FormatError(f"{path}: no such recipe ({error.strerror})") from None
    if values.pop("task", "teach") != "teach":
        raise FormatError(f"{path}: task is not 'teach'; mirkit train runs recipes of other tasks")
    return build(TeachRecipe, values | {"teachers": _teachers(values, str(path))}, str(path))


def _teachers(values: Mapping[str, Any], where: str) -> list[TeacherSettings]:
    tables = values.get("teachers", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise FormatError(f"{where}: teachers is {tables!r}; it is tables, [[teachers]]")
    return [build(TeacherSettings, each, f"{where}: teachers") for each in tables]
