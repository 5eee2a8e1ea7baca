"""Recipes: everything that decides a training run, in one TOML file."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

from mirkit import checks
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.training.augment import Augmentation

T = TypeVar("T")
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class OptimizerSettings:
    """How weights follow their gradients.

    Parameters
    ----------
    name
        ``"adamw"`` or ``"radam"`` (with decoupled weight decay).
    learning_rate
        The highest.
    final_fraction
        What is left of it at the end of the cosine.
    warmup_steps
        Steps of linear rise.
    weight_decay
        Of tensors with two axes or more; biases and norms have none.
    clip_norm
        Greatest norm of the gradient; 0 does not clip.
    ema
        Decay of the running mean of the weights, which is what is validated and kept; 0 keeps
        the weights themselves.
    """

    name: Literal["adamw", "radam"] = "adamw"
    learning_rate: float = 2e-3
    final_fraction: float = 0.01
    warmup_steps: int = 200
    weight_decay: float = 0.01
    clip_norm: float = 0.5
    ema: float = 0.999

    def __post_init__(self) -> None:
        checks.positive("learning_rate", self.learning_rate)
        if not 0 <= self.ema < 1:
            raise ParameterError(f"ema is {self.ema}; it lies in [0, 1)")


@dataclass(frozen=True)
class LoopSettings:
    """How long, how often, how many.

    Parameters
    ----------
    n_steps
        Steps of the optimizer.
    batch_size
        Excerpts of one step, over all processes.
    accumulate
        Parts that a process works its share off in, to save memory.
    log_every, validate_every
        Steps between rows of the logs.
    checkpoint_minutes
        Time between states to resume from.
    patience
        Validations without improvement after which to stop; 0 never stops early.
    threads
        Of torch on the CPU.
    workers
        Threads that prepare batches ahead; 0 prepares them in line.
    precision
        Of the forward pass on a GPU; a CPU computes in float32.
    tensorboard
        Whether to write TensorBoard's files beside the CSV ones.
    """

    n_steps: int
    batch_size: int = 8
    accumulate: int = 1
    log_every: int = 50
    validate_every: int = 500
    checkpoint_minutes: float = 3.0
    patience: int = 0
    threads: int = 1
    workers: int = 1
    precision: Precision = "float32"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("n_steps", "batch_size", "accumulate", "log_every", "validate_every"):
            checks.positive(name, getattr(self, name))
        checks.positive("threads", self.threads)


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Parameters
    ----------
    task
        Which task: see `mirkit.training.tasks.TASKS`.
    name
        Name of the model that it makes.
    loop, optimizer, augment
        What all tasks share.
    seed
        What all chance follows.
    folder
        Where the run is kept; ``runs/<name>`` where empty.
    model, data, loss
        What the task reads.
    """

    task: str
    name: str
    loop: LoopSettings
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    augment: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    folder: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the run is kept."""
        return Path(self.folder or f"runs/{self.name}").expanduser()


def read_recipe(path: str | Path) -> Recipe:
    """Return the recipe in a TOML file.

    Raises
    ------
    FormatError
        Where it is not TOML, or a setting is unknown, missing or of the wrong type; the message
        names file and setting.
    """
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise FormatError(f"{path}: no such recipe ({error.strerror})") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str = "<recipe>") -> Recipe:
    """Return the recipe in `text`; `source` names it in messages."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{source} is not TOML: {error}") from None
    return build(Recipe, values, source)


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Return the dataclass `cls` of `values`, tables within tables.

    Raises
    ------
    FormatError
        Where a setting is unknown, missing or wrong; the message begins with `where`.
    """
    hints = typing.get_type_hints(cls)
    known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise FormatError(f"{where}: {UnknownName('setting', name, list(known))}")
    for name, each in known.items():
        if name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise FormatError(f"{where}: setting {name!r} is missing")
    converted = {
        name: _converted(value, hints[name], f"{where}: {name}") for name, value in values.items()
    }
    try:
        return cls(**converted)
    except ParameterError as error:
        raise FormatError(f"{where}: {error}") from None


def _converted(value: Any, hint: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise FormatError(f"{where} is {value!r}; it is a table")
        return build(hint, value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise FormatError(f"{where} is {value!r}; it is one of {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) is UnionType:  # "int | None": TOML has no None, so what stands is the other
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    if hint is float and type(value) is int:
        return float(value)
    plain = get_origin(hint) or hint
    if plain is tuple and isinstance(value, list):  # TOML has lists only
        return tuple(value)
    if isinstance(plain, type) and (
        not isinstance(value, plain) or (plain is int and isinstance(value, bool))
    ):
        raise FormatError(f"{where} is {value!r}; it is of type {plain.__name__}")
    return value
