"""``mirkit decode beats``: beats from the activations of any network, kept in .npz files.

A file holds the arrays ``beats`` and perhaps ``downbeats`` (one probability a frame) and ``tempo``
(one a bin, bin index = bpm), and the number ``fps`` (100 where it is absent).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.batch import Failure, Tally, run_batch
from mirkit.cli.arguments import add_decoding, add_jobs, decoding_options, processors
from mirkit.cli.files import print_beats, report_failure, report_tally

DEFAULT_FPS = 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("task", choices=["beats"], help="task of the activations")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=".npz files or folders")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_decoding(parser)
    add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = Worker(args.task, args.decoder, decoding_options(args))
    worker.system()  # a wrong name is the fault of no file
    paths = [str(path) for given in args.paths for path in _files(given)]
    n_jobs = min(args.jobs or processors(), len(paths) or 1)
    tally = Tally()
    for path, result in run_batch(worker, paths, n_jobs, "decode"):
        failure = result if isinstance(result, Failure) else None
        tally.count(path, failure)
        if failure is not None:
            report_failure(path, failure, args.json)
        else:
            print_beats(result, path, "json" if args.json else "beats")
    report_tally(tally)
    return tally.status


@dataclass(frozen=True)
class Worker:
    """The function that runs in each process."""

    task: str
    decoder: str | None
    options: dict[str, Any]

    def system(self) -> Any:
        """Return the system, which only decodes."""
        from mirkit.system import decoding

        return decoding(self.task, self.decoder, **self.options)

    def __call__(self, path: str) -> Any:
        """Return the annotation that the activations in the file mean."""
        return self.system()(read_activations(path))


def read_activations(path: str) -> Any:
    """Read a file of activations as `mirkit.Activations`.

    Raises
    ------
    FormatError
        Where the file is no .npz, or holds no ``beats``.
    """
    import zipfile

    import numpy as np

    from mirkit.activations import beat_activations
    from mirkit.audio.sources import missing_message
    from mirkit.errors import FormatError

    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise FormatError(
                f"{path} is a .npy file, of one array without a name; activations are a .npz file, "
                "as numpy.savez(path, beats=…, downbeats=…, fps=…) writes it"
            )
        with loaded as file:
            arrays = {name: file[name] for name in file.files}
    except (FileNotFoundError, NotADirectoryError):
        raise FormatError(missing_message(Path(path))) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path} is no readable .npz file: {error}") from None
    if "beats" not in arrays:
        raise FormatError(
            f"{path} holds {', '.join(arrays) or 'nothing'}; it needs an array `beats`, one "
            "probability a frame. Is it a collection of many tracks? Save each to its own file."
        )
    fps = arrays.get("fps", np.array(DEFAULT_FPS))
    if fps.size != 1 or fps.dtype.kind not in "iuf":
        raise FormatError(f"{path}: fps is {fps!r}; it is one number, the frames a second")
    fps = float(fps.reshape(()))
    return beat_activations(arrays["beats"], arrays.get("downbeats"), arrays.get("tempo"), fps=fps)


def _files(path: Path) -> list[Path]:
    from mirkit.errors import ParameterError

    if not path.is_dir():
        return [path]
    files = sorted(path.rglob("*.npz"))
    if not files:
        raise ParameterError(f"{path} holds no .npz file")
    return files
