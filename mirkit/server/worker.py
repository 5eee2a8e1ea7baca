"""The worker process: it decodes and analyzes one recording at a time, for a service that watches.

It reads a request per line from standard input and writes messages per line to standard output,
all JSON. What it finds it writes into the folder of the track. It runs under limits of memory and,
set by the service, of time: a hostile file takes it down, and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mirkit.errors import AudioError, MirkitError

PLAYABLE = (
    ".mp3",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".m4a",
    ".mp4",
    ".aac",
    ".wav",
    ".wave",
    ".webm",
)
"""Suffixes that browsers play; recordings of other kinds are kept as FLAC too."""

VALUE, ACTIVATIONS, WAVEFORM, AUDIO = ".value", ".activations", "waveform.bin", "audio.flac"
"""Names, or suffixes, of the files in the folder of a track."""

Report = Callable[[float, str], None]
"""Takes the share that is done, and what is being done."""


@dataclass(frozen=True)
class Request:
    """A request for an analysis.

    Parameters
    ----------
    source
        The recording.
    name
        Its name, for messages.
    folder
        Where results are written.
    tasks
        Names of tasks.
    max_seconds
        The longest recording that is taken [s].
    """

    source: str
    name: str
    folder: str
    tasks: tuple[str, ...]
    max_seconds: float


def main() -> None:
    """Answer requests until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not look like a message
    limit_memory(int(os.environ.get("MIRKIT_WORKER_BYTES", "0")))
    for line in sys.stdin:
        body = json.loads(line)
        answer(Request(**(body | {"tasks": tuple(body["tasks"])})), out)


def limit_memory(n_bytes: int) -> None:
    """Let this process have so many bytes of addresses; 0 for no limit."""
    if n_bytes:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        os.nice(int(os.environ.get("MIRKIT_WORKER_NICE", "10")))  # requests come first


def answer(request: Request, out: TextIO) -> None:
    """Do what was asked and write the outcome: ``done`` or ``error``."""

    def send(**message: Any) -> None:
        out.write(json.dumps(message, ensure_ascii=True) + "\n")
        out.flush()

    try:
        found = work(request, lambda share, what: send(progress=round(share, 3), stage=what))
        send(done=found)
    except MirkitError as error:
        text = str(error).replace(request.source, request.name)
        send(error={"type": type(error).__name__, "message": text})
    except MemoryError:
        message = f"{request.name} needs more memory than an analysis may have"
        send(error={"type": "MemoryError", "message": message})
    except Exception as error:  # noqa: BLE001  # whatever a hostile file does, it is its own fault
        send(error={"type": type(error).__name__, "message": f"internal error: {error}"[:500]})


def work(request: Request, report: Report) -> dict[str, Any]:
    """Analyze a recording, write what is found, and return what is known of it."""
    from mirkit.audio.sources import track
    from mirkit.recording import Recording
    from mirkit.tasks import with_needs

    report(0.0, "reading")
    folder = Path(request.folder)
    folder.mkdir(parents=True, exist_ok=True)
    duration = draw(request, folder)
    names = list(with_needs(request.tasks))
    recording = Recording(track(Path(request.source))).shared()
    found: dict[str, Any] = {}
    for i, name in enumerate(names):
        report(0.15 + 0.85 * i / len(names), name)
        found[name] = analyze_task(name, recording, found, folder)
    for name in request.tasks:
        write(folder / f"{name}{VALUE}", found[name])
    known = recording.described.metadata
    text = {key: str(known[key])[:200] for key in ("title", "artist") if known.get(key)}
    return {"duration": recording.duration or duration, **text}


def draw(request: Request, folder: Path) -> float:
    """Write the pyramid of the waveform, and return the duration [s]."""
    from mirkit.audio import reading
    from mirkit.server import pyramid

    with reading.blocks(Path(request.source), pyramid.SAMPLE_RATE) as stream:
        if (stream.duration or 0) > request.max_seconds:
            raise _too_long(request)
        made = pyramid.build(_counted(stream, request))
    temporary = folder / f".{WAVEFORM}"
    made.save(temporary)
    temporary.replace(folder / WAVEFORM)
    if Path(request.source).suffix.lower() not in PLAYABLE:
        _keep_audio(request, folder)
    return len(made.levels[0]) / pyramid.RATE


def _counted(stream: Any, request: Request) -> Iterator[Any]:
    """Yield blocks; raise where there are too many of them, whatever the header says."""
    from mirkit.server import pyramid

    n_samples = 0
    for block in stream:
        n_samples += block.shape[1]
        if n_samples > request.max_seconds * pyramid.SAMPLE_RATE:
            raise _too_long(request)
        yield block


def _too_long(request: Request) -> AudioError:
    return AudioError(
        f"{request.name} is longer than {request.max_seconds / 60:g} minutes, which is as much as "
        "this service takes; --max-minutes sets it"
    )


def _keep_audio(request: Request, folder: Path) -> None:
    """Write the recording in a format that browsers play."""
    import soundfile

    from mirkit.audio import reading

    temporary = folder / f".{AUDIO}"
    with reading.blocks(Path(request.source), 44_100, mono=False) as stream:
        n_channels = min(stream.n_channels, 2)
        with soundfile.SoundFile(temporary, "w", 44_100, n_channels, format="FLAC") as file:
            for block in stream:
                file.write(block[:n_channels].T)
    temporary.replace(folder / AUDIO)


def analyze_task(name: str, recording: Any, found: dict[str, Any], folder: Path) -> Any:
    """Return the annotation of a task; the activations of beats are kept, to decode them again."""
    from mirkit.system import load
    from mirkit.tasks import TASKS

    system = load(task=name)
    needed = {need: found[need] for need in TASKS[name].needs}
    if name != "beats":
        return system(recording, **needed)
    heard = system.activations(recording)
    write(folder / f"{name}{ACTIVATIONS}", heard)
    return system.decode(heard)


def write(path: Path, value: Any) -> None:
    """Write a value, at once and whole."""
    from mirkit.formats.atomic import replace_file
    from mirkit.library.packing import pack

    replace_file(path, pack(value))


if __name__ == "__main__":
    main()
