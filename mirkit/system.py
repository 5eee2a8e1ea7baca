"""Systems: a model, a gate and a decoder, which together answer for a task.

Verbs, `mirkit.analyze`, commands, evaluation and hosts use nothing else: `load` returns a
`System`, and calling it with a recording returns the annotation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from types import MappingProxyType, NoneType
from typing import Any, Generic, Literal, TypedDict, TypeVar, get_args

from mirkit import annotation, checks
from mirkit.activations import Activations, Provenance
from mirkit.annotation import Beats
from mirkit.annotation.parts import beats_within, moved
from mirkit.arrays import Blocks
from mirkit.audio.sources import Source
from mirkit.errors import MirkitError, NotStreamable, ParameterError
from mirkit.gate import Gate
from mirkit.model import Model
from mirkit.model_cache import ModelCache
from mirkit.recording import Recording
from mirkit.tasks import TASKS, Task
from mirkit.zoo import registry
from mirkit.zoo.registry import Card

Result = TypeVar("Result")
Errors = Literal["raise", "return"]
Table = Mapping[str, "str | Callable[..., Any]"]
"""Decoders by name: a class, or ``"module:Class"``, which is imported when it is asked for."""


class VerbSettings(TypedDict, total=False):
    """The settings that all verbs of one recording share."""

    model: str | None
    errors: Errors
    offset: float
    duration: float | None


@dataclass(frozen=True, kw_only=True)
class System(Generic[Result]):
    """A model, a gate and a decoder: ``recording → annotation``.

    Parameters
    ----------
    task
        Name of the task.
    decoder
        From activations to the annotation. It takes the results of the tasks that the task needs
        by name, too.
    model
        From samples to activations, or None for a task that reads the result of another.
    gate
        What silences activations where nothing counts, or None.
    first
        The systems of the tasks that come first.
    heads
        The heads of the model that the decoder reads; None for the usual ones.

    Examples
    --------
    >>> import numpy as np
    >>> samples = np.zeros(22050 * 8, np.float32)
    >>> samples[:: 22050 // 2] = 0.9  # a click every half second
    >>> system = load("tempogram")
    >>> activations = system.activations((samples, 22050))
    >>> list(activations)
    ['beat', 'tempo', 'level']
    >>> round(system(activations).bpm)
    120
    """

    task: str
    decoder: Callable[..., Result]
    model: Model | None = None
    gate: Gate | None = None
    first: Mapping[str, System[Any]] = field(default_factory=dict)
    heads: tuple[str, ...] | None = None

    def __call__(self, x: Source | Recording | Activations, **known: Any) -> Result:
        """Return the annotation of a recording; `Activations` are only decoded.

        Parameters
        ----------
        x
            A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
            `Activations`.
        **known
            Results of the tasks that come first, by name; those that are not given, or None, are
            found.

        Returns
        -------
            The annotation. Its times count from the start of the recording, where a part of it is
            read, too.
        """
        if isinstance(x, Activations):
            return self.decode(x, **known)
        recording = Recording.of(x)
        return moved(self._found(recording, **_in_part(recording, known)), recording.offset)

    def _found(self, recording: Recording, **known: Any) -> Result:
        """Return the annotation of what is read of a recording, whose times count from there."""
        missing = [name for name in self.first if known.get(name) is None]
        if missing and (self.model is not None or len(missing) > 1):
            recording = recording.shared()
        needed = {name: known.get(name) for name in self.first}
        needed |= {name: self.first[name]._found(recording) for name in missing}
        if self.model is None:
            return self.decoder(**needed)
        return self.decode(self.activations(recording), **needed)

    def activations(self, x: Source | Recording, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of the model on a recording, for a decoder of one's own."""
        if self.model is None:
            return next(iter(self.first.values())).activations(x, heads)
        return Recording.of(x).activations(self.model, self.heads if heads is None else heads)

    def decode(self, activations: Activations, **known: Any) -> Result:
        """Return the annotation that activations mean, given the tasks that come first."""
        gated = activations if self.gate is None else self.gate(activations)
        missing = [name for name in self.first if known.get(name) is None]
        needed = known | {name: self.first[name](gated) for name in missing}
        return self.decoder(**needed) if self.model is None else self.decoder(gated, **needed)

    def stream(self, blocks: Blocks) -> Iterator[Any]:
        """Yield what is found in blocks of samples as they come, at the rate of the model.

        Raises
        ------
        NotStreamable
            Where the model or the decoder needs whole recordings.
        """
        model, decoder = self.model, self.decoder
        if not (hasattr(model, "stream") and hasattr(decoder, "stream")):
            raise NotStreamable(
                f"this system of {self.task} needs whole recordings: "
                f"{type(model if not hasattr(model, 'stream') else decoder).__name__} does not "
                "stream. Models that do: "
                + (", ".join(c.name for c in registry.models() if c.streams) or "none")
            )
        yield from decoder.stream(model.stream(blocks))  # type: ignore[union-attr]

    @property
    def sample_rate(self) -> int:
        """Sample rate that the model works at [Hz]."""
        model = self.model or next(iter(self.first.values())).model
        assert model is not None
        return model.sample_rate


def load(
    name: str | None = None,
    *,
    task: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    device: str | None = None,
    n_threads: int | None = None,
    n_batch: int | None = None,
    download: bool = False,
    **options: Any,
) -> System[Any]:
    """Load a model with the decoder behind it.

    Models stay loaded for later calls, up to 1 GiB of weights.

    Parameters
    ----------
    name
        Name of a model, see `mirkit.models`; None takes the default of `task`.
    task
        Name of the task; None takes that of the model.
    weights
        A checkpoint for the model (a path, a URL with its hash, or the wheel that holds it),
        ``"random"``, or None for its own.
    decoder
        Name of the decoder; None takes that of the model.
    device
        ``"cpu"``, ``"cuda"``, …; None for the CPU.
    n_threads
        Threads of a network; the environment variable ``MIRKIT_THREADS``, or 1, where None.
    n_batch
        Windows that a network is given at once, for networks that take several.
    download
        Whether weights may be fetched.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such model, task or decoder.
    ParameterError
        Where the model is for another task, or an option is wrong.
    WeightsError, MissingExtra
        Where the checkpoint or a package is absent; the message says what to run.

    Examples
    --------
    >>> load("tempogram").task
    'beats'
    """
    row = _row(name, task)
    for what, value in {"name": name, "decoder": decoder, "device": device}.items():
        checks.instance(what, value, (str, NoneType), "a name, or None")
    checks.instance("weights", weights, (str, os.PathLike, NoneType), "a path, 'random', or None")
    weights = None if weights is None else os.fspath(weights)
    if row.model is None:
        own = load(
            name, task=row.models_of, weights=weights, decoder=decoder, device=device,
            n_threads=n_threads, n_batch=n_batch, download=download, **options,
        )  # fmt: skip
        rest = {n: load(task=n, n_threads=n_threads) for n in row.needs if n != own.task}
        return System(task=row.name, decoder=_room(row).decoder, first={own.task: own, **rest})
    card = card_for(row, name)
    room = _room(row)
    find = room.decoder(decoder or card.decoder, card=None if weights else card, **options)
    model = _MODELS.get(card, weights, device, n_threads, n_batch, download)
    find = find.with_model(model) if hasattr(find, "with_model") else find
    return System(
        task=row.name,
        decoder=find,
        model=model,
        gate=room.gate,
        first={need: load(task=need, n_threads=n_threads) for need in row.needs},
        heads=getattr(find, "heads", None),
    )


def run(
    task: str,
    x: Any,
    *,
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
    known: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> Any:
    """Return the result of a verb for one recording, or for each of a list of recordings.

    Parameters
    ----------
    task, x, model, weights, decoder
        As for the verbs.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; times count from the start of the
        recording.
    known
        Results of tasks that come first, by name; None where they are not known.
    **options
        For the decoder; those that are None are left out.

    Raises
    ------
    ParameterError
        Where `errors` is neither, or a part is asked of activations.
    """
    if not isinstance(errors, str) or errors not in get_args(Errors):
        raise ParameterError(
            f"errors is {checks.shown(errors)}; it is one of {', '.join(get_args(Errors))}"
        )
    for name, value in known.items():
        kind = getattr(annotation, TASKS[name].value)
        checks.instance(name, value, (kind, NoneType), f"{kind.__name__}, or None")
    given = {name: value for name, value in options.items() if value is not None}
    items = x if isinstance(x, list) else [x]
    if isinstance(x, list) and any(value is not None for value in known.values()):
        name = next(name for name, value in known.items() if value is not None)
        raise ParameterError(f"{name} are of one recording, and there is a list; leave them out")

    def answer(each: Any) -> Any:
        try:
            if isinstance(each, Activations):
                _check_whole(offset, duration)
                if model is None and weights is None:
                    made_by = each.provenance
                    plain = decoding(task, decoder, made_by=made_by, **given)
                    return plain.decode(each, **known)
                ready = load(model, task=task, weights=weights, decoder=decoder, **given)
                return ready.decode(each, **known)
            recording = Recording.of(each, offset=offset, limit=duration)
            ready = load(
                model, task=task, weights=weights, decoder=decoder, **_in_part(recording, given)
            )
            return ready(recording, **known)
        except MirkitError as error:
            if errors == "raise" or not isinstance(x, list):
                raise
            return error

    found = [answer(each) for each in items]
    return found if isinstance(x, list) else found[0]


def _in_part(recording: Recording, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a recording, at the clock of the part that is read."""
    if not recording.is_part:
        return dict(known)
    return {
        name: beats_within(value, recording.offset, recording.limit)
        if isinstance(value, Beats)
        else value
        for name, value in known.items()
    }


def _check_whole(offset: float, duration: float | None) -> None:
    if offset or duration is not None:
        raise ParameterError(
            "offset and duration cut recordings, and these are Activations; cut the recording "
            "that they were made of"
        )


def decoding(
    task: str, decoder: str | None = None, made_by: Provenance | None = None, **options: Any
) -> System[Any]:
    """Return a system without a model, which decodes activations.

    Parameters
    ----------
    task
        Name of the task.
    decoder
        Name of the decoder; None takes that of the model that made the activations.
    made_by
        What the activations remember of their model: with its own weights, they are decoded as it
        decodes them. A plain decoder where None, or where there is no card of such weights.
    **options
        For the decoder.
    """
    row = TASKS[task]
    if row.model is None:
        own = decoding(str(row.models_of), decoder, made_by, **options)
        return System(task=task, decoder=_room(row).decoder, first={own.task: own})
    card = _own_card(row, made_by)
    name = decoder or (card.decoder if card else None)
    find = _room(row).decoder(name, card=card, **options)
    return System(task=task, decoder=find, model=NO_MODEL, gate=_room(row).gate)


def _own_card(row: Task, made_by: Provenance | None) -> Card | None:
    """Return the card of the weights that made activations, where it serves the task."""
    if made_by is None or made_by.weights_hash is None:
        return None
    for card in registry.models():
        if card.name == made_by.model and row.is_served_by(card.task):
            return card if made_by.weights_hash in (card.sha256, card.weights_hash) else None
    return None


class _NoModel:
    """The place of a model in a system that only decodes."""

    sample_rate = 0

    def activations(self, x: Any, heads: Iterable[str] | None = None) -> Activations:
        raise ParameterError("this system only decodes; give it Activations")


NO_MODEL = _NoModel()


def card_for(row: Task, name: str | None) -> Card:
    """Return the card of a model for a task.

    Raises
    ------
    ParameterError
        Where the model is for another task; the message names the verb for it.
    """
    card = registry.card(name or str(row.model))
    if row.is_served_by(card.task):
        return card
    known = [each.name for each in registry.models() if row.is_served_by(each.task)]
    raise ParameterError(
        f"model {card.name!r} is for {card.task}, not {row.name}: call "
        f"mirkit.{card.task}(x, model={card.name!r}). Models for {row.name}: "
        f"{', '.join(known[:8])}{', …' if len(known) > 8 else ''}"
    )


def _row(name: str | None, task: str | None) -> Task:
    if task is None and name is None:
        raise ParameterError("load needs the name of a model, or a task")
    task = registry.card(str(name)).task if task is None else task
    checks.member("task", task, TASKS)
    return TASKS[task]


@dataclass(frozen=True)
class _Room:
    """The parts of a task room that a system is made of."""

    decoder: Callable[..., Any]
    gate: Gate | None


def _room(row: Task) -> _Room:
    module = import_module(f"{row.home}.decoder")
    return _Room(getattr(module, row.decoder), getattr(module, "GATE", None))


def find_decoder(kind: str, table: Table, name: str, options: Mapping[str, Any]) -> Any:
    """Return the decoder called `name` with its options set: the look-up of all rooms.

    Parameters
    ----------
    kind
        Name of the kind, for messages, such as ``"beat decoder"``.
    table
        The decoders by name.
    name
        The name.
    options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.
    """
    checks.member(kind, name, table)
    entry = table[name]
    chosen: Any = entry
    if isinstance(entry, str):
        module, _, attribute = entry.partition(":")
        chosen = getattr(import_module(module), attribute)
    known = [each.name for each in fields(chosen)]
    for option in options:
        if option not in known:
            raise ParameterError(
                f"the decoder {name!r} has no option {option!r}; it has {', '.join(known)}"
            )
    return chosen(**options)


_MODELS = ModelCache()
