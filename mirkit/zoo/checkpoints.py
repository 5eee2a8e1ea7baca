"""Files of weights: shipped, on disk, or fetched; checked by hash; never pickled.

Nothing is ever fetched at import, or unless asked, or where ``MIRKIT_OFFLINE`` is set.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urldefrag, urlsplit

from mirkit.errors import MissingExtra, WeightsError
from mirkit.zoo.state_dicts import check_finite, state_dict_in

OFFLINE_VARIABLE = "MIRKIT_OFFLINE"
CACHE_VARIABLE = "MIRKIT_CACHE"
TIMEOUT = 60.0  # [s] without a byte
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")
"""What the names of checkpoints end in."""
_CHUNK = 1 << 20
_DIGITS = {"sha256": 64, "md5": 32}


class Hash(NamedTuple):
    """Hash of a file: ``"sha256"`` or ``"md5"``, and its hexadecimal digits.

    MD5 finds damage, and no forgery: it is for files whose authors publish nothing better.
    """

    kind: str
    digits: str

    @classmethod
    def known(cls, sha256: str | None, md5: str | None = None) -> Hash | None:
        """Return the better of the hashes that are known, or None."""
        if sha256 is not None:
            return cls("sha256", sha256)
        return None if md5 is None else cls("md5", md5)


def cache_dir() -> Path:
    """Return where fetched files are kept: ``MIRKIT_CACHE``, or the user's cache directory."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    # The XDG rule: a relative path there is to be ignored.
    parent = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return parent / "mirkit"


def is_offline() -> bool:
    """Tell whether ``MIRKIT_OFFLINE`` forbids fetching."""
    return os.environ.get(OFFLINE_VARIABLE, "").lower() not in ("", "0", "false", "no")


def locate(
    weights: str | Path,
    sha256: str | None = None,
    download: bool = False,
    *,
    md5: str | None = None,
) -> Path:
    """Return the path of a checkpoint that is there and, where its hash is known, undamaged.

    Parameters
    ----------
    weights
        A path, the name of a file shipped with mirkit, or a URL, with or without
        ``#sha256=…`` or ``#md5=…``.
    sha256
        Hash of the file; a URL needs one, here or in itself.
    download
        Whether a URL may be fetched where it is not in the cache.
    md5
        The same for a file of which only this is known; not looked at beside `sha256`.

    Raises
    ------
    WeightsError
        Where the file is absent, or its hash another; the message says what to do.
    """
    known = Hash.known(sha256, md5)
    if isinstance(weights, str) and urlsplit(weights).scheme in ("http", "https"):
        return _locate_url(weights, known, download)
    path = Path(weights).expanduser()
    shipped = shipped_path(path.name)
    if not path.is_file() and path.name == str(weights) and shipped.is_file():
        path = shipped
    if not path.is_file():
        raise WeightsError(f"{path}: no such file. Give a path, a URL, or a file mirkit ships.")
    if known is not None:
        _verify(path, known, str(path))
    return path


def shipped_path(name: str) -> Path:
    """Return where a file that is shipped with mirkit lies."""
    return Path(str(resources.files("mirkit"))) / "weights" / name


def cached_path(url: str, known: Hash) -> Path:
    """Return where the cache keeps what is behind a URL.

    The hash in the name lets two versions of one file live side by side.
    """
    return cache_folder(known.digits) / Path(unquote(urlsplit(url).path)).name


def cache_folder(digits: str) -> Path:
    """Return the folder of the cache for a file with this hash."""
    return cache_dir() / digits[:16]


def write_whole(target: Path, content: bytes) -> None:
    """Write a file under its name only once it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def fetch(url: str, known: str | Hash, target: Path) -> Path:
    """Download `url` to `target`: to a temporary file first, renamed once its hash is right.

    Parameters
    ----------
    url
        What is fetched.
    known
        What it is known by; a text is a sha256.
    target
        Where it goes.

    Raises
    ------
    WeightsError
        Where ``MIRKIT_OFFLINE`` is set, the server fails, or the hash is another; nothing is
        left behind then.
    """
    if is_offline():
        raise _unfetched(url, target, f"{OFFLINE_VARIABLE} is set, so it is not fetched")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _download(url, file, target)
        _verify(part, Hash("sha256", known) if isinstance(known, str) else known, url)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def sha256_of(path: str | Path) -> str:
    """Return the sha256 of a file, as 64 hexadecimal digits."""
    return _digits_of(path, "sha256")


def load_tensors(path: str | Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the tensors in a checkpoint, by name, and what is written beside them.

    Parameters
    ----------
    path
        A ``.safetensors`` file, or a file of torch that holds a state dict, alone or as training
        scripts wrap it: see `mirkit.zoo.state_dicts.state_dict_in`.

    Raises
    ------
    WeightsError
        Where the file is damaged, of another kind, or holds code, no tensors, or numbers that are
        not finite.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"{path} is no checkpoint: {', '.join(SUFFIXES)} are, and .onnx runs")
    is_plain = path.suffix == ".safetensors"
    content, metadata = _load_safetensors(path) if is_plain else (load_content(path), {})
    try:
        tensors = state_dict_in(content)
        check_finite(tensors)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    return tensors, metadata


def load_content(path: str | Path) -> dict[str, Any]:
    """Return what is in a checkpoint as its authors published it: tensors, settings beside them.

    Parameters
    ----------
    path
        A file of torch (``.pt``, ``.pth``, ``.ckpt``) or ``.safetensors``.

    Raises
    ------
    WeightsError
        Where the file is damaged, or holds code.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return _load_safetensors(path)[0]
    torch = _extra("torch", "reading a checkpoint")
    try:
        with _arrays_permitted(torch):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001  torch raises many kinds
        raise _refuse(path, str(error)) from None
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds a {type(content).__name__}; a checkpoint is a dict")
    return content


def save_tensors(
    path: str | Path, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name, and text beside them, as ``.safetensors``, all or nothing."""
    safetensors = _extra("safetensors.torch", "writing a checkpoint")
    path = Path(path)
    part = path.with_name(path.name + ".part")
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    safetensors.save_file(own, str(part), dict(metadata or {}))
    part.replace(path)


def _refuse(path: Path, reason: str) -> WeightsError:
    """Return the error of a file that torch cannot read as tensors alone.

    torch's own words are quoted only where the file is damaged: of code, they advise to run it.
    """
    with path.open("rb") as file:
        start = file.read(2)
    is_pickle = start == b"PK" or start[:1] == b"\x80"
    if is_pickle and ("weights_only" in reason or "Weights only" in reason):
        named = re.search(r"(?:GLOBAL|class|type) ([\w.]+\.\w+)", reason)
        what = f"pickled code ({named[1]})" if named else "pickled code"
        return WeightsError(
            f"{path} holds {what}, which is not read, since reading it runs it. Ask its author for "
            "net.state_dict() alone, or better, .safetensors."
        )
    why = f"it begins with {start!r}" if start else "it is empty"
    if is_pickle and reason:
        why = reason.splitlines()[0].partition(". ")[0]
    return WeightsError(f"{path} is damaged, or no file of torch: {why}. Was it wholly downloaded?")


def _arrays_permitted(torch: Any) -> AbstractContextManager[Any]:
    """Permit arrays of numbers, which some authors left beside their tensors (PANNs' sampler).

    Arrays of objects are not among them, so nothing else comes in with them.
    """
    import numpy as np

    if not hasattr(torch.serialization, "safe_globals"):  # torch 2.4
        return nullcontext()
    array, number = np.zeros(0).__reduce__()[0], np.float64().__reduce__()[0]
    named = [
        (maker, f"{module}.multiarray.{name}")
        for maker, name in ((array, "_reconstruct"), (number, "scalar"))
        for module in ("numpy.core", "numpy._core")
    ]
    codes = "?" + np.typecodes["AllInteger"] + np.typecodes["Float"]
    kinds = {type(np.dtype(code)) for code in codes}
    permitted = torch.serialization.safe_globals([*named, np.ndarray, np.dtype, *kinds])
    return cast(AbstractContextManager[Any], permitted)


def _load_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    safetensors = _extra("safetensors", "reading a checkpoint")
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path} is damaged: {error}. Was it wholly downloaded?") from None


def _extra(package: str, purpose: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError:
        raise MissingExtra(package, "pip install 'mirkit[torch]'", purpose) from None


def _locate_url(weights: str, known: Hash | None, download: bool) -> Path:
    url, fragment = urldefrag(weights)
    known = known or _hash_in(fragment)
    if known is None:
        raise WeightsError(
            f"{weights} comes without its hash. Add #sha256= and 64 hexadecimal digits."
        )
    target = cached_path(url, known)
    if target.is_file():
        _verify(target, known, str(target))
        return target
    if not download:
        raise _unfetched(url, target, "it is fetched only when asked, by download=True")
    return fetch(url, known, target)


def _hash_in(fragment: str) -> Hash | None:
    """Return the hash that the end of a URL tells, if it is one."""
    kind, _, digits = fragment.partition("=")
    is_hash = kind in _DIGITS and re.fullmatch(rf"[0-9a-f]{{{_DIGITS[kind]}}}", digits)
    return Hash(kind, digits) if is_hash else None


def _download(url: str, file: Any, target: Path) -> None:
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    try:
        request = Request(url, headers={"User-Agent": "mirkit"})
        with urlopen(request, timeout=TIMEOUT) as response:
            expected = response.headers.get("Content-Length")
            while chunk := response.read(_CHUNK):
                file.write(chunk)
    except (OSError, HTTPException) as error:
        raise _unfetched(url, target, f"the download failed: {error}") from None
    if expected is not None and file.tell() != int(expected):
        why = f"the download broke off after {file.tell()} of {expected} bytes"
        raise _unfetched(url, target, why)


def _verify(path: Path, known: Hash, name: str) -> None:
    actual = _digits_of(path, known.kind)
    if actual != known.digits:
        raise WeightsError(
            f"{name} has {known.kind} {actual}, not {known.digits}: it is damaged, or another "
            "version. Delete it if it is a copy, and fetch it again."
        )


def _digits_of(path: str | Path, kind: str) -> str:
    with Path(path).open("rb") as file:
        new = hashlib.new(kind, usedforsecurity=False)
        return hashlib.file_digest(file, lambda: new).hexdigest()


def _unfetched(url: str, target: Path, why: str) -> WeightsError:
    return WeightsError(
        f"{url} is not at {target}: {why}. To fetch it by hand: "
        f"mkdir -p '{target.parent}' && curl -L -o '{target}' '{url}'"
    )
