"""``mirkit doctor``: what is installed, what is missing, and what that costs."""

from __future__ import annotations

import argparse
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec

from mirkit import __version__
from mirkit.cli.files import print_json
from mirkit.tasks import SCHEMA


@dataclass(frozen=True)
class Need:
    """Something that mirkit uses.

    Parameters
    ----------
    name
        Distribution on the package index, or program.
    kind
        ``"core"``, ``"optional"`` or ``"program"``.
    without
        What cannot be done without it.
    install
        How to get it.
    """

    name: str
    kind: str
    without: str
    install: str


NEEDS = (
    Need("numpy", "core", "nothing works", "pip install mirkit"),
    Need("scipy", "core", "no analysis", "pip install mirkit"),
    Need("soundfile", "core", "no audio file is read", "pip install mirkit"),
    Need("soxr", "core", "no resampling", "pip install mirkit"),
    Need("onnxruntime", "core", "the shipped networks do not run", "pip install mirkit"),
    Need("mir_eval", "core", "no scores", "pip install mirkit"),
    Need("jams", "core", "no JAMS files", "pip install mirkit"),
    Need("mido", "core", "no MIDI files", "pip install mirkit"),
    Need("librosa", "core", "no librosa tracker as a peer", "pip install mirkit"),
    Need("tqdm", "core", "no progress bars", "pip install mirkit"),
    Need("torch", "optional", "no training, no networks beyond those shipped",
         "pip install 'mirkit[torch]'"),
    Need("h5py", "optional", "the weights of crema are not converted",
         "pip install 'mirkit[crema]'"),
    Need("mutagen", "optional", "no tempo and key in file tags", "pip install 'mirkit[tags]'"),
    Need("matplotlib", "optional", "no plots", "pip install 'mirkit[plot]'"),
    Need("fastapi", "optional", "no HTTP service", "pip install 'mirkit[server]'"),
    Need("usearch", "optional", "searches of more than 20,000 vectors are exact and slow",
         "pip install 'mirkit[search]'"),
    Need("pyarrow", "optional", "no Parquet tables", "pip install 'mirkit[parquet]'"),
    Need("sounddevice", "optional", "no live input from a microphone",
         "pip install 'mirkit[live]'"),
    Need("madmom", "optional", "no model 'madmom' to compare with", "make madmom"),
    Need("ffmpeg", "program", "no M4A, AAC, OPUS, WMA or video files", "apt install ffmpeg"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status is 1 where a part of the core is missing."""
    rows = [(need, version(need)) for need in NEEDS]
    if args.json:
        for need, found in rows:
            print_json({"schema": SCHEMA, **asdict(need), "version": found})
    else:
        print(f"mirkit {__version__}, Python {platform.python_version()}, {platform.platform()}")
        for need, found in rows:
            print(f"  {need.name:12} {found or 'missing: ' + need.without + '. ' + need.install}")
    return 1 if any(need.kind == "core" and not found for need, found in rows) else 0


def version(need: Need) -> str | None:
    """Return the version of what is needed (``"found"`` for programs), or None where absent."""
    if need.kind == "program":
        return "found" if shutil.which(need.name) else None
    try:
        return metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return "found" if find_spec(need.name) else None
