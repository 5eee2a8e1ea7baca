"""The bodies of requests and answers, as OpenAPI declares them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=1e6)]
Bpm = Annotated[float, Field(ge=10, le=1000)]
Label = Annotated[str, Field(max_length=200)]


class Body(BaseModel):
    """Base of all bodies: unknown members and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ErrorText(BaseModel):
    """The kind of an error, and its message."""

    type: str
    message: str


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorText


class Job(BaseModel):
    """A job."""

    id: str
    track: str
    tasks: list[str]
    status: Literal["queued", "running", "done", "failed", "canceled"]
    progress: float
    stage: str
    error: ErrorText | None
    created: float


class Waveform(BaseModel):
    """The levels of the pyramid of a waveform, the finest first."""

    columns_per_second: int
    levels: list[int]


class Track(BaseModel):
    """A track, with a summary of what is known of it."""

    id: str
    name: str
    title: str | None
    artist: str | None
    duration: float | None
    created: float
    bpm: float | None
    key: str | None
    camelot: str | None
    tasks: list[str]
    corrected: list[str]
    library: int | None
    waveform: Waveform | None
    job: Job | None


class Tracks(BaseModel):
    """A page of tracks."""

    total: int
    tracks: list[Track]


class Submitted(BaseModel):
    """A track that was taken, and the job that analyzes it; none where it is analyzed already."""

    track: str
    job: Job | None


class Annotation(BaseModel):
    """An annotation in the JSON of the command line; revision 0 is a model's."""

    track: str
    task: str
    source: Literal["model", "human"]
    revision: int
    annotation: dict[str, Any]


class Edit(BaseModel):
    """A correction."""

    id: int
    task: str
    action: str
    undone: bool
    created: float


class History(BaseModel):
    """The corrections of a track, the oldest first, and what can be undone and redone."""

    edits: list[Edit]
    can_undo: bool
    can_redo: bool


class Health(BaseModel):
    """The state of the service."""

    status: Literal["ok"]
    version: str
    jobs_running: int
    jobs_waiting: int
    library: bool


class LibraryRow(BaseModel):
    """A track of the library; `score` is the likeness to another, where that was asked for."""

    id: int
    path: str | None
    duration: float | None
    title: str
    artist: str
    album: str
    genre: str
    bpm: float | None
    key: str | None
    camelot: str | None
    energy: float | None
    status: str
    score: float | None = None


class LibraryRows(BaseModel):
    """A page of tracks of the library."""

    rows: list[LibraryRow]


class LibraryStatus(BaseModel):
    """The size of the library."""

    tracks: int
    files: int


class Analyze(Body):
    """A request to analyze a track again."""

    tasks: list[Label] = Field(default=[], max_length=20)


class Session(Body):
    """A token, to be exchanged for the cookie of a page."""

    token: str = Field(max_length=500)


class Halve(Body):
    """Half the tempo."""

    op: Literal["halve"]


class Double(Body):
    """Twice the tempo."""

    op: Literal["double"]


class Shift(Body):
    """Move the grid by beats: half a beat moves beats, a whole one the downbeats."""

    op: Literal["shift"]
    beats: float = Field(ge=-64, le=64)


class Nudge(Body):
    """Move the grid by a time."""

    op: Literal["nudge"]
    seconds: float = Field(ge=-10, le=10)


class SetBpm(Body):
    """One tempo for the whole track, through a beat."""

    op: Literal["set_bpm"]
    bpm: Bpm
    anchor: Seconds | None = None


class OneTempo(Body):
    """The one tempo that fits best."""

    op: Literal["one_tempo"]


class SetDownbeat(Body):
    """The beat nearest to a time is the first of a bar."""

    op: Literal["set_downbeat"]
    time: Seconds
    from_here: bool = False


class SetMeter(Body):
    """Another number of beats in a bar."""

    op: Literal["set_meter"]
    meter: int = Field(ge=1, le=32)


class AdjustFrom(Body):
    """A beat lies here; the grid behind it moves along, or takes another tempo."""

    op: Literal["adjust_from"]
    time: Seconds
    bpm: Bpm | None = None


class Stretch(Body):
    """A whole number of beats between two times."""

    op: Literal["stretch"]
    start: Seconds
    end: Seconds
    beats: int = Field(ge=1, le=10_000)


class Move(Body):
    """Move one beat."""

    op: Literal["move"]
    time: Seconds
    to: Seconds


class Insert(Body):
    """One more beat."""

    op: Literal["insert"]
    time: Seconds


class Delete(Body):
    """One beat less."""

    op: Literal["delete"]
    time: Seconds


class Tap(Body):
    """The beats as somebody tapped them."""

    op: Literal["tap"]
    times: list[Seconds] = Field(min_length=4, max_length=2000)
    from_here: bool = False


class Hint(Body):
    """Decode the stored activations again, near a tempo or in a meter."""

    op: Literal["hint"]
    bpm: Bpm | None = None
    meter: int | None = Field(default=None, ge=2, le=12)


GridEdit = Annotated[
    Halve | Double | Shift | Nudge | SetBpm | OneTempo | SetDownbeat | SetMeter | AdjustFrom
    | Stretch | Move | Insert | Delete | Tap | Hint,
    Field(discriminator="op"),
]  # fmt: skip


class Relabel(Body):
    """Another label for a segment, an event, a tag or the key; an empty one takes a tag away."""

    index: int = Field(default=0, ge=0, le=1_000_000)
    label: Label


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request cannot be read."},
    401: {"model": ErrorBody, "description": "A token is needed."},
    403: {"model": ErrorBody, "description": "The request comes from a page elsewhere."},
    404: {"model": ErrorBody, "description": "There is no such thing."},
    408: {"model": ErrorBody, "description": "The body comes too slowly."},
    409: {"model": ErrorBody, "description": "It cannot be done in this state."},
    413: {"model": ErrorBody, "description": "The body is too large."},
    421: {"model": ErrorBody, "description": "The Host header is no name of this service."},
    422: {"model": ErrorBody, "description": "A value is out of range or of another type."},
    429: {"model": ErrorBody, "description": "Too many requests."},
    503: {"model": ErrorBody, "description": "Too many jobs wait, or the disk quota is used up."},
}
"""Errors that every route may answer."""
