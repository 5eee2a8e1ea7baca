"""Compile the plug-in library for this Python, and put it where Vamp hosts look."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mirkit
from mirkit.errors import MissingExtra, ParameterError

HERE = Path(__file__).parent
NAMES = ("mirkit.so", "mirkit.cat") if sys.platform != "darwin" else ("mirkit.dylib", "mirkit.cat")
"""The library, and the file that says under which menu its plug-ins are listed."""

FLAGS = ("-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra")


@dataclass(frozen=True)
class Installed:
    """A plug-in library that hosts find.

    Parameters
    ----------
    path
        The library.
    version
        The version of mirkit that it is of.
    command
        What starts its worker.
    plugins
        Identifiers of its plug-ins.
    """

    path: Path
    version: str
    command: tuple[str, ...]
    plugins: tuple[str, ...]


def search_path() -> list[Path]:
    """Return the folders that hosts search, in order: ``VAMP_PATH``, or else the usual ones."""
    given = os.environ.get("VAMP_PATH")
    if given:
        return [Path(folder) for folder in given.split(os.pathsep) if folder]
    home = Path.home()
    if sys.platform == "darwin":
        below = Path("Library/Audio/Plug-Ins/Vamp")
        return [home / below, Path("/") / below]
    return [home / "vamp", home / ".vamp", Path("/usr/local/lib/vamp"), Path("/usr/lib/vamp")]


def install(folder: Path | None = None) -> Path:
    """Compile the library into `folder`, or the first of `search_path`, and return its path.

    A library that a host has loaded is not written to: the new one takes its name.

    Raises
    ------
    MissingExtra
        Where there is no C compiler.
    ParameterError
        Where the platform has none of the sockets it needs, or the folder cannot be written.
    """
    if sys.platform == "win32":
        raise ParameterError("the Vamp plug-in needs POSIX sockets: it runs on Linux and macOS")
    folder = folder or search_path()[0]
    library, categories = (folder / name for name in NAMES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".mirkit-") as scratch:
            made = compile_library(Path(scratch) / library.name)
            shutil.copyfile(HERE / "mirkit.cat", Path(scratch) / categories.name)
            made.replace(library)
            (Path(scratch) / categories.name).replace(categories)
    except OSError as error:
        raise ParameterError(f"{folder} cannot be written: {error}") from None
    return library


def compile_library(path: Path) -> Path:
    """Compile the library to `path`, to start the Python that runs now."""
    compiler = find_compiler()
    names = {
        "MIRKIT_PYTHON": sys.executable,
        "MIRKIT_ROOT": str(Path(mirkit.__file__).parents[1]),
        "MIRKIT_VERSION": mirkit.__version__,
    }
    defines = [f"-D{name}={c_string(value)}" for name, value in names.items()]
    command = [*compiler, *FLAGS, *defines, "-o", str(path), str(HERE / "mirkit.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ParameterError(
            f"{compiler[0]} does not compile the plug-in library: {done.stderr.strip()[-800:]}"
        )
    return path


def find_compiler() -> list[str]:
    """Return the command of a C compiler: ``CC``, or the first there is."""
    given = shlex.split(os.environ.get("CC", ""))
    for command in [given] if given else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    raise MissingExtra(
        given[0] if given else "a C compiler", "apt install gcc", "mirkit vamp install"
    )


def c_string(text: str) -> str:
    r"""Return `text` as a string literal of C, whatever is in it.

    Examples
    --------
    >>> c_string('a "b" é')
    '"a \\"b\\" \\303\\251"'
    """
    plain = {byte: chr(byte) for byte in range(32, 127)} | {34: '\\"', 92: "\\\\", 63: "\\?"}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in os.fsencode(text)) + '"'


def uninstall(folder: Path | None = None) -> list[Path]:
    """Remove the library and its categories from `folder`, or all of `search_path`; name them."""
    removed = []
    for each in [folder] if folder else search_path():
        for path in (each / name for name in NAMES):
            if path.is_file():
                path.unlink()
                removed.append(path)
    return removed


def find_installed(folder: Path | None = None) -> list[Installed]:
    """Return the libraries in `folder`, or in `search_path`; hosts take the first."""
    folders = [folder] if folder else search_path()
    return [inspect(each / NAMES[0]) for each in folders if (each / NAMES[0]).is_file()]


def inspect(path: Path) -> Installed:
    """Load a library as a host does, and return what it is.

    Raises
    ------
    ParameterError
        Where it does not load, or is not mirkit's.
    """
    import ctypes

    try:
        library = ctypes.CDLL(str(path))
        made_with, describe = library.mirkit_vamp_made_with, library.vampGetPluginDescriptor
    except (OSError, AttributeError) as error:
        raise ParameterError(f"{path} is no plug-in library of mirkit: {error}") from None
    made_with.restype, describe.restype = ctypes.c_char_p, ctypes.POINTER(_Descriptor())
    plugins: list[str] = []
    while found := describe(2, len(plugins)):
        plugins.append(found.contents.identifier.decode())
    version, python, root, code = (os.fsdecode(made_with(i)) for i in range(4))
    python = os.environ.get("MIRKIT_PYTHON") or python
    return Installed(path, version, (python, "-E", "-P", "-c", code, root), tuple(plugins))


def _Descriptor() -> type:  # noqa: N802
    """Return the start of Vamp's descriptor, as ctypes has structures."""
    import ctypes

    class Descriptor(ctypes.Structure):
        _fields_ = [("api_version", ctypes.c_uint), ("identifier", ctypes.c_char_p)]

    return Descriptor


def greet(installed: Installed, seconds: float = 60.0) -> str | None:
    """Start the worker as the library does; return what is wrong with it, or None."""
    import io

    from mirkit.hosts.vamp.protocol import Hello, pack_hello, read_message, write_message

    said = io.BytesIO()
    write_message(said, "H", pack_hello(Hello("beats", 44100.0)))
    try:
        done = subprocess.run(
            installed.command,
            input=said.getvalue(), capture_output=True, timeout=seconds, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the Python interpreter {installed.command[0]} does not start: {error}"
    heard = read_message(io.BytesIO(done.stdout))
    if heard is not None and heard[0] == "R":
        return None
    return f"the worker does not answer: {done.stderr.decode(errors='replace').strip()[-500:]}"
