"""Settings of a service: folders, limits, and who is let in."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from mirkit.errors import ParameterError

MIB = 2**20
PAGE = Path(__file__).parent / "page"
"""The files of the page."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a service.

    Parameters
    ----------
    folder
        Where tracks, results and corrections are kept.
    roots
        Folders whose recordings may be named by path.
    token_hash
        sha256 of the token that clients must show, as hex; None lets everybody in.
    hosts
        Names that clients may call it by, beside those of this machine and plain addresses.
    max_bytes
        The largest upload [bytes].
    max_total_bytes
        How much all uploads together may take [bytes].
    max_seconds
        The longest recording [s].
    max_jobs
        How many jobs may wait.
    n_workers
        How many recordings are analyzed at a time.
    job_seconds
        How long an analysis may take [s].
    worker_bytes
        Memory that a worker may address [bytes].
    rate, burst
        Requests per second of a client, and how many may come at once.
    stall_seconds
        How long a client may be silent within a request [s].
    tasks
        Tasks that are looked for; empty for the usual ones.
    library
        Database of `mirkit.library.Library` that is shown and searched, or None.
    """

    folder: Path
    roots: tuple[Path, ...] = ()
    token_hash: str | None = None
    hosts: frozenset[str] = field(default_factory=frozenset)
    max_bytes: int = 512 * MIB
    max_total_bytes: int = 50 * 1024 * MIB
    max_seconds: float = 4 * 3600
    max_jobs: int = 200
    n_workers: int = 1
    job_seconds: float = 1800
    worker_bytes: int = 6 * 1024 * MIB
    rate: float = 200
    burst: int = 600
    stall_seconds: float = 30
    tasks: tuple[str, ...] = ()
    library: Path | None = None


def hash_token(token: str) -> str:
    """Return the sha256 of a token, as hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a service that listens at `host`.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_address(host: str) -> bool:
    """Return whether a host is a plain address, which no name server can point elsewhere."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def allowed_path(text: str, roots: tuple[Path, ...]) -> Path:
    """Return the file that a path means, where it really lies below one of `roots`.

    Symbolic links are followed first, so one that leads out is refused.

    Raises
    ------
    ParameterError
        Where it lies outside, or is no file; both are told alike.
    """
    refused = ParameterError("path names no recording below the folders that this service may read")
    if "\0" in text or not roots:
        raise refused
    try:
        path = Path(text).expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise refused from None
    if not path.is_file() or not any(path.is_relative_to(root.resolve()) for root in roots):
        raise refused
    return path
