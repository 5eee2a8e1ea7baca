"""Find the programs that use a file: writers of a program's own file ask before they change it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")


def holders(path: Path, program: str) -> list[str]:
    """Return the names of running programs that have a file open, or that are its own program.

    Where the system does not tell which files a program has open, any one of that name counts.

    Parameters
    ----------
    path
        The file.
    program
        Its own program, in lower case.
    """
    if (_PROCESSES / "self" / "fd").is_dir():
        return sorted(set(_with_open(path)))
    return [program] if any(program in name.lower() for name in _names()) else []


def _with_open(path: Path) -> Iterator[str]:
    """Yield the names of the other processes of this user that have the file open."""
    wanted = path.stat()
    for process in _PROCESSES.iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        with suppress(OSError):  # it has ended, or is someone else's
            for link in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.path.samestat(link.stat(), wanted):
                        yield (process / "comm").read_text().strip()
                        break


def _names() -> Iterator[str]:
    """Yield the names of all programs that run."""
    command = ["tasklist"] if os.name == "nt" else ["ps", "-A", "-o", "comm="]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        for line in done.stdout.splitlines():
            yield Path(line.strip().partition("  ")[0]).name
