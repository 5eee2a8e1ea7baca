"""Recipes: everything that decides a training run, read from TOML into frozen dataclasses."""

from __future__ import annotations

import json
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from mirkit import checks
from mirkit.errors import FormatError, ParameterError, UnknownName

T = TypeVar("T")
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class OptimizerSettings:
    """Settings of the optimizer and its learning-rate schedule.

    Parameters
    ----------
    name
        ``"adamw"`` or ``"radam"`` (with decoupled weight decay).
    learning_rate
        The highest.
    final_fraction
        Share of it that is left at the end of the cosine.
    warmup_steps
        Steps of linear rise.
    weight_decay
        Of tensors with two axes or more; biases and norms have none.
    clip_norm
        Greatest norm of the gradient; 0 does not clip.
    ema
        Decay of the exponential moving average of the weights, which is validated and kept; 0
        keeps the weights themselves.
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
    """Settings of the training loop: length, batch size, intervals, early stopping.

    Parameters
    ----------
    n_steps
        Steps of the optimizer.
    batch_size
        Excerpts per step, over all processes.
    accumulate
        Parts that each process splits its share of a batch into, to save memory.
    log_every, validate_every
        Steps between rows of the logs.
    checkpoint_minutes
        Time between states to resume from.
    patience
        Validations without improvement before early stopping; 0 never stops early.
    threads
        Of torch on the CPU.
    workers
        Threads that prepare batches ahead; 0 prepares them in line.
    precision
        Of the forward pass on a GPU; a CPU computes in float32.
    tensorboard
        Also write TensorBoard's files beside the CSV ones.
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training run: the tables that all families share.

    A family of tasks declares its own recipe, with a dataclass for each further table (``model``,
    ``data``, ``augment``, ``loss``), so that a recipe is checked in full when it is read.

    Parameters
    ----------
    task
        Name of the task, as in `mirkit.training.families.RECIPES`.
    name
        Name of the model that the run makes.
    loop, optimizer
        Settings that all tasks share.
    seed
        Seed of all randomness.
    folder
        Folder of the run; ``runs/<name>`` where empty.

    Attributes
    ----------
    trains
        The task that recipes of this class train.
    entry
        Where its `mirkit.training.task.Task` is, as ``"package.module:Class"``.
    """

    trains: ClassVar[str]
    entry: ClassVar[str]

    task: str
    name: str
    loop: LoopSettings
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    seed: int = 0
    folder: str = ""

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return Path(self.folder or f"runs/{self.name}").expanduser()


def load_toml(text: str, source: str) -> dict[str, Any]:
    """Return the tables in a TOML text.

    Raises
    ------
    FormatError
        Where it is not TOML; the message begins with `source`.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{source} is not TOML: {error}") from None


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Return the dataclass `cls` with these values, tables within tables.

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
        name: _convert(value, hints[name], f"{where}: {name}") for name, value in values.items()
    }
    try:
        return cls(**converted)
    except ParameterError as error:
        raise FormatError(f"{where}: {error}") from None


def _convert(value: Any, hint: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise FormatError(f"{where} is {value!r}; it is a table")
        return build(hint, value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise FormatError(f"{where} is {value!r}; it is one of {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) is UnionType:  # "int | None": TOML has no None, so a value is the other
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


def format_toml(top: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return plain values, then tables of plain values, as TOML; its values are those of JSON.

    Examples
    --------
    >>> print(format_toml({"seed": 0}, {"data": {"path": "a", "crop": 5.0}}))
    seed = 0
    <BLANKLINE>
    [data]
    path = "a"
    crop = 5.0
    <BLANKLINE>
    """
    blocks = [_format_lines(top)]
    blocks += [f"[{name}]\n{_format_lines(values)}" for name, values in tables.items()]
    return "\n".join(blocks)


def _format_lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
