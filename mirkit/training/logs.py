"""Logs of a run: CSV files that a resumed run continues without a seam, TensorBoard, progress."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from mirkit.errors import MissingExtra


class CSVLog:
    """Rows of numbers by step, flushed as they come.

    Parameters
    ----------
    path
        The file.
    last_step
        Rows after this step are dropped from what is there: they will come again.
    """

    def __init__(self, path: Path, last_step: int) -> None:
        self.path = path
        self._columns: list[str] = []
        rows = self._read(last_step) if path.exists() else []
        if rows:
            self._columns = list(rows[0])
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, self._columns)
                writer.writeheader()
                writer.writerows(rows)
        else:
            path.unlink(missing_ok=True)

    def _read(self, last_step: int) -> list[dict[str, str]]:
        with self.path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        # A process that was killed may leave half a row, but never one that is still wanted.
        whole = [row for row in rows if (row["step"] or "").isdecimal()]
        return [row for row in whole if int(row["step"]) <= last_step]

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row; the first decides the columns."""
        is_new = not self._columns
        if is_new:
            self._columns = list(row)
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self._columns, extrasaction="ignore")
            if is_new:
                writer.writeheader()
            writer.writerow(row)


class TensorBoard:
    """TensorBoard's files of a run.

    Raises
    ------
    MissingExtra
        Where tensorboard is not installed.
    """

    def __init__(self, folder: Path, last_step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            install = "pip install 'mirkit[tensorboard]'"
            raise MissingExtra("tensorboard", install, "loop.tensorboard = true") from None
        self._writer = SummaryWriter(str(folder), purge_step=last_step + 1)

    def write(self, prefix: str, row: Mapping[str, Any]) -> None:
        """Add a row of numbers at its step."""
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(f"{prefix}/{name}", value, row["step"])
        self._writer.flush()


class RunLogs:
    """The logs of a run: ``train.csv``, ``validation.csv`` and, if asked, TensorBoard's.

    Parameters
    ----------
    folder
        Folder of the run.
    last_step
        The step that the run continues from.
    tensorboard
        Also write TensorBoard's files.
    """

    def __init__(self, folder: Path, last_step: int, tensorboard: bool) -> None:
        self._began = time.monotonic()
        self._files = {
            name: CSVLog(folder / f"{name}.csv", last_step) for name in ("train", "validation")
        }
        self._board = TensorBoard(folder / "tensorboard", last_step) if tensorboard else None

    def write_losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Write the losses of a step."""
        self._write("train", {"step": step, **losses})

    def write_scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Write the scores of a step, and the minutes since the run began or was resumed."""
        minutes = round((time.monotonic() - self._began) / 60, 2)
        self._write("validation", {"step": step, **scores, "minutes": minutes})

    def _write(self, name: str, row: dict[str, Any]) -> None:
        self._files[name].write(row)
        if self._board is not None:
            self._board.write(name, row)


class Progress:
    """A progress bar: one line on a terminal.

    Parameters
    ----------
    n_steps
        Steps of the run.
    stream
        The terminal; nothing is written where None, or where it is none.
    """

    def __init__(self, n_steps: int, stream: TextIO | None = sys.stderr) -> None:
        self.n_steps = n_steps
        self._stream = stream if stream is not None and stream.isatty() else None
        self._start: tuple[int, float] | None = None
        self._shown = 0.0

    def show(self, step: int, text: str) -> None:
        """Show `step` of all, the time that is left, and `text`; at most twice a second."""
        now = time.monotonic()
        if self._stream is None or now - self._shown < 0.5:
            return
        self._start = self._start or (step, now)
        first, began = self._start
        left = (now - began) / max(1, step - first) * (self.n_steps - step)
        done = round(20 * step / self.n_steps)
        bar = "█" * done + "·" * (20 - done)
        self._stream.write(f"\r{bar} {step}/{self.n_steps}  {left / 60:.0f} min left  {text}\033[K")
        self._stream.flush()
        self._shown = now

    def close(self) -> None:
        """Leave the line."""
        if self._stream is not None and self._shown:
            self._stream.write("\n")
