"""The AudioSet ontology: which sound is a kind of which, and how far two are apart.

It is read from ``ontology.json`` of its authors (CC BY-SA 4.0, so it is not part of mirkit). It is
no tree: a growl is of dogs and of cats.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.errors import FormatError, ParameterError


@dataclass(frozen=True)
class Level:
    """Classes seen from higher up.

    Parameters
    ----------
    names
        Of the nodes.
    members
        Which classes each contains, shape ``(n_nodes, n_classes)``.
    """

    names: tuple[str, ...]
    members: NDArray[np.bool_]


@dataclass(frozen=True)
class Ontology:
    """Sounds, and which of them are kinds of which.

    Parameters
    ----------
    children
        The kinds of each sound, by name; every sound is a key. There are no circles.
    ids
        The name that belongs to each identifier, such as ``"/m/09x0r"``.

    Examples
    --------
    >>> tree = Ontology({"Animal": ("Dog", "Cat"), "Dog": ("Bark",), "Cat": (), "Bark": ()})
    >>> sorted(tree.ancestors("Bark")), tree.depths["Bark"], tree.distance("Bark", "Cat")
    (['Animal', 'Dog'], 2, 3.0)
    """

    children: Mapping[str, tuple[str, ...]]
    ids: Mapping[str, str] | None = None

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Parents of each sound in the ontology."""
        found: dict[str, list[str]] = {name: [] for name in self.children}
        for name, kinds in self.children.items():
            for kind in kinds:
                found[kind].append(name)
        return {name: tuple(above) for name, above in found.items()}

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The sounds that are no kind of another."""
        return tuple(name for name, above in self.parents.items() if not above)

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """Least number of steps from a root to each sound."""
        return _steps(self.roots, self.children)

    def ancestors(self, name: str) -> set[str]:
        """Return all that a sound is a kind of, itself left out."""
        return set(_steps([self._known(name)], self.parents)) - {name}

    def distance(self, first: str, second: str) -> float:
        """Return the steps between two sounds, up and down; infinite where there is no way."""
        steps = _steps([self._known(first)], self._neighbors)
        return float(steps.get(self._known(second), np.inf))

    def distances(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """Return the steps between all labels, shape ``(n_labels, n_labels)``.

        The ways go over all sounds of the ontology and not over a common root, as in arXiv
        2211.12195. Labels between which there is no way are as far apart as the furthest that have
        one, plus 1.
        """
        found = np.full((len(labels), len(labels)), np.inf)
        for row, label in zip(found, labels, strict=True):
            steps = _steps([self._known(label)], self._neighbors)
            row[:] = [steps.get(self._known(other), np.inf) for other in labels]
        found[np.isinf(found)] = found[np.isfinite(found)].max(initial=0.0) + 1
        return found

    def level(self, labels: Sequence[str], depth: int | None = None) -> Level:
        """Return what labels are kinds of.

        Parameters
        ----------
        labels
            The classes of a tagger.
        depth
            The nodes at this depth, and above it those labels that are kinds of none of them; a
            label belongs to each of them that it is a kind of. None takes all that is above any
            label, and the labels.

        Examples
        --------
        >>> tree = Ontology({"Animal": ("Dog", "Cat"), "Dog": ("Bark",), "Cat": (), "Bark": ()})
        >>> tree.level(["Bark", "Cat", "Animal"], 1).names
        ('Animal', 'Dog', 'Cat')
        >>> tree.level(["Bark", "Cat"], 0)
        Level(names=('Animal',), members=array([[ True,  True]]))
        """
        if depth is not None and depth < 0:
            raise ParameterError(f"depth is {depth}; the roots are at 0")
        above = [{label} | self.ancestors(label) for label in labels]
        chosen: set[str] = set().union(*above)
        if depth is not None:
            at = {name for name in chosen if self.depths[name] == depth}
            bare = {
                label for label, up in zip(labels, above, strict=True) if not up & at
            }  # shallower, whatever lies below
            chosen = at | bare
        names = tuple(name for name in self.children if name in chosen)
        members = np.array([[name in up for up in above] for name in names], dtype=np.bool_)
        return Level(names, members.reshape(len(names), len(labels)))

    def name_of(self, label: str) -> str:
        """Return the name of a sound that is given by its name or its identifier."""
        return self._known((self.ids or {}).get(label, label))

    @cached_property
    def _neighbors(self) -> Mapping[str, tuple[str, ...]]:
        return {name: (*kinds, *self.parents[name]) for name, kinds in self.children.items()}

    def _known(self, name: str) -> str:
        checks.member("sound of the ontology", name, self.children)
        return name


def read_ontology(path: str | Path) -> Ontology:
    """Read ``ontology.json`` of AudioSet, or of a set with the same layout.

    Parameters
    ----------
    path
        The file, or the folder that it lies in.

    Raises
    ------
    ParameterError
        Where it is not there.
    FormatError
        Where it holds something else, a child that is not there, or a circle.
    """
    file = Path(path)
    file = file / "ontology.json" if file.is_dir() else file
    if not file.is_file():
        raise ParameterError(
            f"{file} is not there; it is ontology.json, which the authors of AudioSet publish "
            "(github.com/audioset/ontology, CC BY-SA 4.0)"
        )
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        names = {str(entry["id"]): str(entry["name"]) for entry in entries}
        kinds = {entry["name"]: tuple(names[child] for child in entry["child_ids"])
                 for entry in entries}  # fmt: skip
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{file} is no JSON: {error}") from None
    except (KeyError, TypeError) as error:
        raise FormatError(
            f"{file} is no ontology: {_what(error)}. It is a list of objects with id, name and "
            "child_ids"
        ) from None
    found = Ontology(kinds, names)
    if len(found.depths) < len(kinds) or _has_circle(found):
        raise FormatError(f"{file} goes round in a circle: a sound is a kind of itself")
    return found


def _what(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def _steps(starts: Iterable[str], ways: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return how many steps each place is away from the nearest start."""
    steps = dict.fromkeys(starts, 0)
    queue = deque(steps)
    while queue:
        place = queue.popleft()
        for other in ways[place]:
            if other not in steps:
                steps[other] = steps[place] + 1
                queue.append(other)
    return steps


def _has_circle(found: Ontology) -> bool:
    """Return whether some sound is never free of sounds above it that are still to be named."""
    waiting: dict[str, Any] = {name: len(above) for name, above in found.parents.items()}
    free = deque(found.roots)
    n_free = 0
    while free:
        n_free += 1
        for kind in found.children[free.popleft()]:
            waiting[kind] -= 1
            if not waiting[kind]:
                free.append(kind)
    return n_free < len(waiting)
