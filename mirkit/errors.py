"""Every error that mirkit raises, and every warning that it gives, on purpose.

All errors are a `MirkitError`, and each is also the builtin that a reader would expect,
so both ``except MirkitError`` and ``except ValueError`` work. A message names the value,
says what is valid and guesses the likely mistake.
"""

import warnings
from typing import Any

_LISTED = 100  # names that a message holds at most


class MirkitError(Exception):
    """Base of all errors that mirkit raises on purpose."""


class ParameterError(MirkitError, ValueError):
    """An argument lies outside its valid range, or has the wrong shape or type."""


class AudioError(MirkitError, OSError):
    """A recording is missing, empty, damaged or of an unknown kind."""


class FormatError(MirkitError, ValueError):
    """An annotation file does not follow its format."""


class WriteError(MirkitError, OSError):
    """A file cannot be written: its folder is missing, or it is protected, or is a folder."""


class UnknownName(MirkitError, LookupError):
    """No model, format, decoder or preset has this name; close matches are suggested."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        import difflib

        close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        listed = sorted(known) if len(known) <= _LISTED else [f"{len(known)} others"]
        there = f" Known: {', '.join(listed)}" if listed else ""
        super().__init__(f"unknown {kind} {name!r}.{hint}{there}")
        self.name = name


class WeightsError(MirkitError, RuntimeError):
    """A checkpoint is absent, damaged, or belongs to another network."""


class NotStreamable(MirkitError, TypeError):
    """A stage cannot work on blocks, because it needs the whole recording."""


class MissingExtra(MirkitError, ImportError):
    """An optional dependency is not installed; the message holds the line that installs it."""

    def __init__(self, package: str, install: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed. Run: {install}")
        self.package = package


class MirkitWarning(UserWarning):
    """Base of all warnings that mirkit gives on purpose: what it did, and why that may be wrong."""


class AudioWarning(MirkitWarning):
    """A recording is read in a way that its user should know of, or a file is left out."""


class FormatWarning(MirkitWarning):
    """A part of an annotation file is left out, or held as no measure takes it."""


_formatted = warnings.formatwarning


def _plain(
    message: Warning | str, category: type[Warning], filename: str, *rest: Any, **more: Any
) -> str:
    if issubclass(category, MirkitWarning):
        return f"mirkit: {message}\n"
    return _formatted(message, category, filename, *rest, **more)


def plain_warnings() -> None:
    """Print mirkit's own warnings as the command line prints errors, in one line."""
    warnings.formatwarning = _plain
