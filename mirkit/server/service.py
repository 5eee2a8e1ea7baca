"""The work behind the routes: tracks come in, are looked up, corrected and written out."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mirkit.annotation import Analysis, Beats, Events, Key, Segments, Tags
from mirkit.audio import Track as Recording
from mirkit.errors import MirkitError, ParameterError
from mirkit.server import editing, pyramid, schemas
from mirkit.server.catalog import Catalog, link_of
from mirkit.server.jobs import Jobs
from mirkit.server.settings import Settings, allowed_path
from mirkit.server.store import JobRow, Store, TrackRow
from mirkit.server.worker import ACTIVATIONS, AUDIO, WAVEFORM
from mirkit.system import load
from mirkit.tasks import ANALYZED, TASKS
from mirkit.values import Value
from mirkit.vocab import parse_chord
from mirkit.vocab.keys import write_key

GRID = "beats"
"""The task whose annotation is the grid."""

CHUNK = 2**20
_UNSAFE = re.compile(r"[^\w .,()\[\]&+'!-]+")


class NotFound(MirkitError, LookupError):
    """There is no such track, job or annotation."""


class Conflict(MirkitError):
    """It cannot be done in this state."""


class Full(MirkitError):
    """There is no room for more."""


class Service:
    """The tracks and jobs of a service.

    Parameters
    ----------
    settings
        What it is set to.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.folder)
        self.jobs = Jobs(self.store, settings)
        self._catalog = Catalog(settings.library, self.store) if settings.library else None
        self.started = time.time()

    @property
    def catalog(self) -> Catalog:
        """The library, or raise `Conflict`."""
        if self._catalog is None:
            raise Conflict("this service has no library; mirkit serve --library music.db gives it")
        return self._catalog

    @property
    def has_library(self) -> bool:
        """Return whether there is a library."""
        return self._catalog is not None

    def close(self) -> None:
        """Close the databases."""
        self.store.close()
        if self._catalog is not None:
            self._catalog.close()

    # Tracks come in

    def take_upload(self, file: BinaryIO, name: str) -> TrackRow:
        """Keep an upload, and return its track; the same content is the same track.

        Raises
        ------
        Full
            Where the disk quota is used up.
        ParameterError
            Where it is empty.
        """
        uploads = self.settings.folder / "uploads"
        uploads.mkdir(exist_ok=True)
        digest, n_bytes = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=uploads, prefix=".part-", delete=False) as target:
            part = Path(target.name)
            try:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    n_bytes += len(chunk)
                    target.write(chunk)
                self._check_room(n_bytes)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        if not n_bytes:
            part.unlink()
            raise ParameterError("file is empty (0 bytes)")
        track = digest.hexdigest()[:16]
        shown = safe_name(name)
        source = uploads / f"{track}{Path(shown).suffix.lower()[:8]}"
        part.replace(source)
        return self._add(track, shown, source, n_bytes, uploaded=True)

    def take_path(self, text: str) -> TrackRow:
        """Return the track of a recording below the roots."""
        return self._take(allowed_path(text, self.settings.roots))

    def open_from_library(self, number: int) -> tuple[TrackRow, JobRow | None]:
        """Return the track of a library, with what is known of it, and the job for the rest."""
        _, path = self.catalog.file_of(number)
        row = self._take(path)
        missing = self.catalog.bring(number, row)
        if not missing and self._waveform(row.id) is not None:
            return row, None
        return row, self.jobs.submit(row.id, missing)

    def _take(self, path: Path) -> TrackRow:
        with path.open("rb") as file:
            track = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        return self._add(track, path.name, path, path.stat().st_size, uploaded=False)

    def _add(self, track: str, name: str, source: Path, size: int, *, uploaded: bool) -> TrackRow:
        row = TrackRow(
            track, name, str(source.absolute()), int(uploaded), size, None, None, None, time.time()
        )
        self.store.add_track(row)
        return self.track(track)

    def _check_room(self, n_bytes: int) -> None:
        if self.store.counts()[1] + n_bytes > self.settings.max_total_bytes:
            raise Full("the uploads take all the room that they may; remove some tracks")

    def submit(self, row: TrackRow, tasks: tuple[str, ...] = ()) -> JobRow | None:
        """Queue the analysis of a track; None where all of it is there and no task is named."""
        wanted = tasks or self.settings.tasks or ANALYZED
        for name in wanted:
            if name not in TASKS:
                raise ParameterError(f"tasks hold {name!r}; there are {', '.join(TASKS)}")
        missing = [name for name in wanted if not self._found(row.id, name)]
        if not tasks and not missing:
            return None
        return self.jobs.submit(row.id, wanted)

    def _found(self, track: str, task: str) -> bool:
        return (self.store.place(track) / f"{task}.value").is_file()

    def remove(self, track: str) -> None:
        """Forget a track; its recording is deleted where it was uploaded."""
        row = self.track(track)
        for job in self.store.jobs(("queued", "running"), track):
            self.jobs.cancel(job.id)
        self.store.remove_track(track)
        if row.uploaded:
            Path(row.source).unlink(missing_ok=True)

    # Look-ups

    def track(self, track: str) -> TrackRow:
        """Return a track, or raise `NotFound`."""
        row = self.store.track(track)
        if row is None:
            raise NotFound(f"there is no track {track!r}")
        return row

    def job(self, job: str) -> JobRow:
        """Return a job, or raise `NotFound`."""
        row = self.jobs.current(job)
        if row is None:
            raise NotFound(f"there is no job {job!r}")
        return row

    def value(self, track: str, task: str) -> tuple[Any, int]:
        """Return an annotation and its revision, or raise `NotFound`."""
        self.track(track)
        value, revision = self.store.value(track, task)
        if value is None:
            raise NotFound(f"track {track!r} has no {task}; analyze it first")
        return value, revision

    def analysis(self, track: str) -> Analysis:
        """Return all annotations of a track, corrected as they are."""
        row = self.track(track)
        pairs = ((task, self.store.value(track, task)[0]) for task in TASKS)
        found = {task: value for task, value in pairs if value is not None}
        if not found:
            raise Conflict(f"track {track!r} is not analyzed yet")
        known = {key: x for key, x in (("title", row.title), ("artist", row.artist)) if x}
        source = Path("/", row.name) if row.uploaded else Path(row.source)
        return Analysis(found, Recording(source, known), row.duration)

    def described(self, row: TrackRow) -> schemas.Track:
        """Return a track with a summary of what is known of it."""
        found = [task for task in TASKS if self._found(row.id, task)]
        beats = self.store.value(row.id, GRID)[0]
        key = self.store.value(row.id, "key")[0]
        label = key.label if isinstance(key, Key) else None
        edited = {edit.task for edit in self.store.history(row.id) if not edit.undone}
        jobs = self.store.jobs(track=row.id)
        return schemas.Track(
            id=row.id, name=row.name, title=row.title, artist=row.artist, duration=row.duration,
            created=row.created, bpm=beats.bpm if isinstance(beats, Beats) else None, key=label,
            camelot=_camelot(label), tasks=found, corrected=sorted(edited),
            waveform=self._waveform(row.id),
            library=(link_of(self.store, row.id) or {}).get("number"),
            job=job_body(self.job(jobs[-1].id)) if jobs else None,
        )  # fmt: skip

    def _waveform(self, track: str) -> schemas.Waveform | None:
        path = self.store.place(track) / WAVEFORM
        if not path.is_file():
            return None
        levels = pyramid.sizes(pyramid.finest(path))
        return schemas.Waveform(columns_per_second=pyramid.RATE, levels=levels)

    def columns(self, track: str, level: int, start: int, count: int) -> bytes:
        """Return some columns of the waveform."""
        self.track(track)
        path = self.store.place(track) / WAVEFORM
        if not path.is_file():
            raise NotFound(f"track {track!r} has no waveform yet")
        return pyramid.read_columns(path, level, start, count)

    def audio(self, track: str) -> Path:
        """Return the recording in a format that browsers play."""
        row = self.track(track)
        kept = self.store.place(track) / AUDIO
        path = kept if kept.is_file() else Path(row.source)
        if not path.is_file():
            raise NotFound(f"the recording of track {track!r} is no longer there")
        return path

    # Corrections

    def edit_grid(self, track: str, edit: Any) -> int:
        """Apply a correction to the grid, and return its revision."""
        row = self.track(track)
        beats, _ = self.value(track, GRID)
        changed = (
            self._decoded(track, edit)
            if isinstance(edit, schemas.Hint)
            else apply(edit, beats, row.duration or float(beats.times[-1]) + 1)
        )
        return self._kept(track, GRID, edit.op, changed)

    def warm_up(self) -> None:
        """Load what decodes beats, so that the first hint is not slow."""
        load(task=GRID)

    def _decoded(self, track: str, hint: schemas.Hint) -> Beats:

        heard = self.store.found(track, f"{GRID}{ACTIVATIONS}")
        if heard is None:
            raise Conflict("the activations of this track are not kept; analyze it again")
        given = {"hint_bpm": hint.bpm, "meter": hint.meter}
        options: Any = {name: x for name, x in given.items() if x is not None}
        beats: Beats = load(task=GRID, **options).decode(heard)
        if len(beats) < 2:
            raise Conflict("nothing pulses in this recording; tap the beats")
        return replace(beats, provenance=editing.HUMAN)

    def relabel(self, track: str, task: str, body: schemas.Relabel) -> int:
        """Give a segment, an event, a tag or the key another label; return the revision."""
        value, _ = self.value(track, task)
        return self._kept(track, task, "relabel", relabeled(value, body.index, body.label))

    def _kept(self, track: str, task: str, action: str, value: Any) -> int:
        revision = self.store.correct(track, task, action, value)
        if self._catalog is not None:
            self._catalog.keep(track, task)
        return revision

    def step(self, track: str, *, forward: bool) -> str:
        """Undo or redo a correction, and return the task that it was of."""
        self.track(track)
        row = self.store.step(track, forward=forward)
        if row is None:
            raise Conflict(f"there is nothing to {'redo' if forward else 'undo'}")
        if self._catalog is not None:
            self._catalog.keep(track, row.task)
        return row.task

    def history(self, track: str) -> schemas.History:
        """Return the corrections of a track."""
        self.track(track)
        edits = self.store.history(track)
        return schemas.History(
            edits=[
                schemas.Edit(
                    id=edit.id, task=edit.task, action=edit.action, undone=bool(edit.undone),
                    created=edit.created,
                )
                for edit in edits
            ],
            can_undo=any(not edit.undone for edit in edits),
            can_redo=any(edit.undone for edit in edits),
        )  # fmt: skip


def apply(edit: Any, beats: Beats, end: float) -> Beats:
    """Return the beats after a correction."""
    return _EDITS[type(edit)](edit, beats, end)


_EDITS: dict[type, Callable[[Any, Beats, float], Beats]] = {
    schemas.Halve: lambda edit, beats, end: editing.halve(beats),
    schemas.Double: lambda edit, beats, end: editing.double(beats),
    schemas.Shift: lambda edit, beats, end: editing.shift(beats, edit.beats),
    schemas.Nudge: lambda edit, beats, end: editing.nudge(beats, edit.seconds),
    schemas.SetBpm: lambda edit, beats, end: editing.set_bpm(beats, edit.bpm, end, edit.anchor),
    schemas.OneTempo: lambda edit, beats, end: editing.one_tempo(beats, end),
    schemas.SetDownbeat: lambda edit, beats, end: editing.set_downbeat(
        beats, edit.time, from_here=edit.from_here
    ),
    schemas.SetMeter: lambda edit, beats, end: editing.set_meter(beats, edit.meter),
    schemas.AdjustFrom: lambda edit, beats, end: editing.adjust_from(
        beats, edit.time, end, edit.bpm
    ),
    schemas.Stretch: lambda edit, beats, end: editing.stretch(
        beats, edit.start, edit.end, edit.beats
    ),
    schemas.Move: lambda edit, beats, end: editing.move(beats, edit.time, edit.to),
    schemas.Insert: lambda edit, beats, end: editing.insert(beats, edit.time),
    schemas.Delete: lambda edit, beats, end: editing.delete(beats, edit.time),
    schemas.Tap: lambda edit, beats, end: editing.tap(
        beats, edit.times, end, from_here=edit.from_here
    ),
}


def relabeled(value: Value, index: int, label: str) -> Value:
    """Return an annotation with another label in one place.

    Raises
    ------
    ParameterError
        Where there is no such place, or the label is none of its kind.
    """
    if isinstance(value, Key):
        return replace(value, label=label or None, confidence=None, provenance=editing.HUMAN)
    if not isinstance(value, Segments | Events | Tags):
        raise ParameterError(f"{type(value).__name__} has no labels to change")
    if not 0 <= index < len(value.labels):
        raise ParameterError(f"index is {index}; there are {len(value.labels)} labels")
    if isinstance(value, Segments) and value.kind == "chord":
        label = str(parse_chord(label))
    if isinstance(value, Tags) and not label:
        kept = [i for i in range(len(value)) if i != index]
        labels = tuple(value.labels[i] for i in kept)
        return replace(value, labels=labels, scores=value.scores[kept], provenance=editing.HUMAN)
    renamed = list(value.labels)
    renamed[index] = label
    return replace(value, labels=tuple(renamed), provenance=editing.HUMAN)  # type: ignore[arg-type]


def job_body(row: JobRow) -> schemas.Job:
    """Return a job as answers hold it."""
    error = None
    if row.error_type is not None:
        error = schemas.ErrorText(type=row.error_type, message=row.error or "")
    return schemas.Job(
        id=row.id, track=row.track, tasks=[task for task in row.tasks.split(",") if task],
        status=row.status, progress=row.progress,  # type: ignore[arg-type]
        stage=row.stage, error=error, created=row.created,
    )  # fmt: skip


def safe_name(name: str) -> str:
    """Return a file name without folders and without signs that mean something elsewhere.

    Examples
    --------
    >>> safe_name("../../etc/pass wd<b>.mp3"), safe_name("")
    ('pass wd b .mp3', 'recording')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE.sub(" ", last).strip(" .")[-120:] or "recording"


def _camelot(label: str | None) -> str | None:
    try:
        return None if label is None else write_key(label, "camelot")
    except MirkitError:
        return None
