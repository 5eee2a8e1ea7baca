"""Settings of a tagger: from its card, and from the checkpoint, which knows better."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.vocab.audioset import audioset_labels

Activation = Literal["sigmoid", "softmax"]
WINDOW = 10.0  # what AudioSet's networks were trained on [s]
OVERLAP = 1.0


@dataclass(frozen=True)
class TagConfig:
    """The network of a tagger, its classes, and how recordings are cut for it.

    Parameters
    ----------
    labels
        Names of the classes, in the order of the outputs; none for a network that only embeds.
    backbone
        Where the class of the network stands: ``"mirkit.backbones.panns.cnn:Cnn14"``; an ``.onnx``
        file needs none.
    settings
        Keyword arguments of that class, beside ``n_classes``.
    head
        ``"own"``, or the kind of head that stands in the place of the network's own: see
        `mirkit.backbones.heads`.
    head_settings
        Keyword arguments of that head.
    activation
        ``"sigmoid"`` where classes may sound together, ``"softmax"`` where one excludes the others.
    window
        Length of what the network hears at once [s].
    overlap
        What neighboring windows have in common [s].

    Examples
    --------
    >>> TagConfig(("Dog", "Cat"), "mirkit.backbones.panns.cnn:Cnn6").network
    {'n_classes': 2}
    """

    labels: tuple[str, ...]
    backbone: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    head: str = "own"
    head_settings: Mapping[str, Any] = field(default_factory=dict)
    activation: Activation = "sigmoid"
    window: float = WINDOW
    overlap: float = OVERLAP

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", distinct(self.labels))
        for name in ("settings", "head_settings"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        checks.positive("window", self.window)
        if not 0 <= self.overlap < self.window:
            raise ParameterError(
                f"overlap is {self.overlap} s; it lies from 0 to below the window, {self.window} s"
            )
        if self.activation not in get_args(Activation):
            raise ParameterError(
                f"activation is {self.activation!r}; it is one of {', '.join(get_args(Activation))}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TagConfig:
        """Return the configuration that a card or a checkpoint holds.

        Raises
        ------
        ParameterError
            Where a field is unknown, or there are no labels.
        """
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            known = ", ".join(cls.__dataclass_fields__)
            raise ParameterError(
                f"the config of a tagger has no field {unknown[0]!r}; it has {known}"
            )
        if "labels" not in values:
            raise ParameterError(
                "the config of a tagger needs 'labels': names of the classes, or 'audioset'"
            )
        return cls(**{**values, "labels": named_labels(values["labels"])})

    def to_json(self) -> str:
        """Return what a checkpoint keeps under ``"config"``."""
        tables = {name: dict(getattr(self, name)) for name in ("settings", "head_settings")}
        values = {**vars(self), **tables}
        known = {name: value for name, value in values.items() if value is not None}
        return json.dumps(known, ensure_ascii=False)

    @property
    def network(self) -> dict[str, Any]:
        """Keyword arguments of the network."""
        return {"n_classes": len(self.labels), **self.settings}


@dataclass(frozen=True)
class Shape:
    """Inputs of a network, and the clock of its outputs: see `Backbone`.

    Parameters
    ----------
    min_length
        The shortest of each input [frames or samples].
    silence
        What shorter ones are padded with.
    max_length
        The longest of the first input, or None for any.
    step, first
        The clock of the outputs by frame, in places of the first input; None where there are none,
        and for half a step in.
    """

    min_length: tuple[int, ...] = (1,)
    silence: tuple[float, ...] = (0.0,)
    max_length: int | None = None
    step: int | None = None
    first: float | None = None

    @classmethod
    def of(cls, net: Any) -> Shape:
        """Return the shape of a `Backbone`."""
        return cls(**{name: getattr(net, name) for name in cls.__dataclass_fields__})

    @classmethod
    def from_json(cls, text: str) -> Shape:
        """Return what `to_json` wrote."""
        values = json.loads(text)
        for name in ("min_length", "silence"):
            values[name] = tuple(values[name])
        return cls(**values)

    def to_json(self) -> str:
        """Return what an ``.onnx`` file keeps under ``"shape"``."""
        return json.dumps(vars(self))


def named_labels(labels: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of classes; ``"audioset"`` means its 527.

    Raises
    ------
    ParameterError
        Where `labels` is another name.
    """
    if not isinstance(labels, str):
        return tuple(labels)
    if labels != "audioset":
        raise ParameterError(f"labels is {labels!r}; it is 'audioset', or a list of names")
    return audioset_labels()


def distinct(labels: Sequence[str]) -> tuple[str, ...]:
    """Return `labels`, or raise `ParameterError` where one comes twice."""
    twice = [name for name, n in Counter(labels).items() if n > 1]
    if twice:
        raise ParameterError(f"labels hold {twice[0]!r} twice; each class has a name of its own")
    return tuple(labels)
