"""A real beets in a folder of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mirkit

ROOT = Path(mirkit.__file__).parents[1]


@dataclass(frozen=True)
class Beets:
    """A library of beets, with its configuration.

    Parameters
    ----------
    folder
        Which holds ``config.yaml``, ``library.db`` and ``music/``.
    """

    folder: Path

    def run(self, *arguments, status=0):
        """Run ``beet`` and return what it says on both outputs."""
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-m", "beets", *map(str, arguments)], capture_output=True, text=True,
            env=os.environ | {"BEETSDIR": str(self.folder), "PYTHONPATH": path}, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert "Traceback" not in said
        return said

    def items(self, *fields, query=()):
        """What the library holds of each item, by the name of its file."""
        form = "\t".join(["$path", *(f"${field}" for field in fields)])
        said = self.run("ls", "-f", form, *query)
        rows = [line.split("\t") for line in said.splitlines()]
        return {Path(path).suffix[1:]: row for path, *row in rows}


def make_library(folder, **options):
    """Return a new library; options go into its configuration."""
    folder.mkdir()
    config = {
        "directory": str(folder / "music"),
        "library": str(folder / "library.db"),
        "import": {"copy": True, "quiet": True, "autotag": False},
        **options,
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # which is YAML too
    return Beets(folder)
