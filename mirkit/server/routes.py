"""The routes of the service, in the order of the documentation."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile, WebSocket
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.websockets import WebSocketDisconnect

from mirkit import __version__
from mirkit.errors import ParameterError
from mirkit.formats.json import to_object
from mirkit.server import exports, schemas
from mirkit.server.editing import HUMAN
from mirkit.server.guard import COOKIE, is_right
from mirkit.server.jobs import ENDED, QueueFull
from mirkit.server.service import GRID, Conflict, Full, NotFound, Service, job_body
from mirkit.tasks import TASKS

TrackId = Annotated[str, InPath(pattern="^[0-9a-f]{16}$", description="Of the track.")]
JobId = Annotated[str, InPath(pattern="^[0-9a-f]{16}$", description="Of the job.")]
TaskName = Annotated[str, InPath(max_length=40, description="Name of the task.")]

BYTES = {"schema": {"type": "string", "format": "binary"}}
MEDIA = ("audio/mpeg", "audio/flac", "audio/x-flac", "audio/ogg", "audio/x-wav", "audio/wav",
         "audio/mp4", "video/mp4", "audio/aac", "audio/x-aac", "audio/opus", "video/webm",
         "application/octet-stream", "text/plain")  # fmt: skip
"""Media types of recordings."""

tracks = APIRouter(prefix="/v1", tags=["tracks"], responses=schemas.ERRORS)
corrections = APIRouter(prefix="/v1", tags=["corrections"], responses=schemas.ERRORS)
jobs = APIRouter(prefix="/v1", tags=["jobs"], responses=schemas.ERRORS)
state = APIRouter(prefix="/v1", tags=["service"], responses=schemas.ERRORS)


def routers() -> list[APIRouter]:
    """Return all routers."""
    from mirkit.server import catalog_routes, pages

    return [tracks, corrections, jobs, catalog_routes.router, state, pages.router]


def service_of(request: Any) -> Service:
    """Return the service that a request is for."""
    found: Service = request.app.state.service
    return found


# Tracks


@tracks.post("/tracks", status_code=202)
async def add_track(
    request: Request,
    file: Annotated[UploadFile | None, File(description="A recording.")] = None,
    path: Annotated[str | None, Form(max_length=4096, description="Or where it lies.")] = None,
) -> schemas.Submitted:
    """Take a recording, uploaded or by its path below the folders of the service; analyze it."""
    service = service_of(request)
    if (file is None) == (path is None):
        raise ParameterError("give either file or path")
    if file is not None:
        row = await run_in_threadpool(service.take_upload, file.file, file.filename or "")
    else:
        row = await run_in_threadpool(service.take_path, path or "")
    return _submitted(service, row.id, ())


@tracks.post("/tracks/{track}/analysis", status_code=202)
async def analyze_track(
    request: Request, track: TrackId, body: schemas.Analyze
) -> schemas.Submitted:
    """Analyze a track again; corrections are kept."""
    return _submitted(service_of(request), track, tuple(body.tasks))


def _submitted(service: Service, track: str, tasks: tuple[str, ...]) -> schemas.Submitted:
    try:
        job = service.submit(service.track(track), tasks)
    except QueueFull:
        raise Full("too many jobs wait; try again later") from None
    return schemas.Submitted(track=track, job=None if job is None else job_body(job))


@tracks.get("/tracks")
def list_tracks(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> schemas.Tracks:
    """List the tracks, the newest first."""
    service = service_of(request)
    rows = service.store.tracks(limit, offset)
    total, _ = service.store.counts()
    return schemas.Tracks(total=total, tracks=[service.described(row) for row in rows])


@tracks.get("/tracks/{track}")
def get_track(request: Request, track: TrackId) -> schemas.Track:
    """Return a track, with a summary of what is known of it."""
    service = service_of(request)
    return service.described(service.track(track))


@tracks.delete("/tracks/{track}", status_code=204)
async def remove_track(request: Request, track: TrackId) -> Response:
    """Forget a track, its corrections and its upload."""
    service_of(request).remove(track)
    return Response(status_code=204)


@tracks.get(
    "/tracks/{track}/waveform",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": BYTES}}},
)
def get_waveform(
    request: Request,
    track: TrackId,
    level: Annotated[int, Query(ge=0, le=40)] = 0,
    start: Annotated[int, Query(ge=0, le=2**31)] = 0,
    count: Annotated[int, Query(ge=1, le=65536)] = 4096,
) -> Response:
    """Return columns of the waveform: peak, bass, middle and treble, a byte each."""
    content = service_of(request).columns(track, level, start, count)
    return Response(content, media_type="application/octet-stream", headers=_kept(86_400))


@tracks.get(
    "/tracks/{track}/audio",
    response_class=FileResponse,
    responses={
        200: {"content": dict.fromkeys(MEDIA, BYTES)},
        206: {
            "content": dict.fromkeys((*MEDIA, "multipart/byteranges"), BYTES),
            "description": "The ranges that were asked for.",
        },
        416: {"description": "There are no such bytes.", "content": {"text/plain": {}}},
    },
)
def get_audio(request: Request, track: TrackId) -> FileResponse:
    """Return the recording; ranges may be asked for."""
    path = service_of(request).audio(track)
    return FileResponse(path, headers=_kept(86_400))


@tracks.get(
    "/tracks/{track}/export",
    response_class=Response,
    responses={
        200: {
            "content": dict.fromkeys({*exports.TYPES.values(), "application/octet-stream"}, BYTES)
        }
    },
)
def export_track(
    request: Request,
    track: TrackId,
    format: Annotated[str, Query(max_length=40, description=", ".join(exports.NAMES))],
    location: Annotated[str | None, Query(max_length=4096)] = None,
) -> Response:
    """Return a file for DJ software, an editor or a notebook; `location` is the track's path."""
    service = service_of(request)
    if location is not None and ("\0" in location or not location.strip(" ./\\")):
        raise ParameterError(f"location is {location!r}; it is the path of the recording")
    row = service.track(track)
    made = exports.export(service.analysis(track), service.audio(track), format, location)
    name = quote(made.name)
    disposition = f"attachment; filename*=UTF-8''{name}"
    headers = {"content-disposition": disposition, "x-track": row.id}
    return Response(made.content, media_type=made.media_type, headers=headers)


@tracks.get("/tracks/{track}/{task}")
def get_annotation(request: Request, track: TrackId, task: TaskName) -> schemas.Annotation:
    """Return what was found, or what was corrected, of a task."""
    name = task.replace("-", "_")
    if name not in TASKS:
        raise NotFound(f"there is no task {task!r}; there are {', '.join(TASKS)}")
    return _annotation(service_of(request), track, name)


def _annotation(service: Service, track: str, task: str) -> schemas.Annotation:
    value, revision = service.value(track, task)
    return schemas.Annotation(
        track=track,
        task=task,
        source="human" if value.provenance == HUMAN else "model",
        revision=revision,
        annotation=to_object(value),
    )


# Corrections


@corrections.patch("/tracks/{track}/grid")
def edit_grid(request: Request, track: TrackId, edit: schemas.GridEdit) -> schemas.Annotation:
    """Correct the beat grid; the answer holds the beats as they are now."""
    service = service_of(request)
    service.edit_grid(track, edit)
    return _annotation(service, track, GRID)


@corrections.patch("/tracks/{track}/{task}/label")
def edit_label(
    request: Request, track: TrackId, task: TaskName, body: schemas.Relabel
) -> schemas.Annotation:
    """Give a chord, a section, an event, a tag or the key another label."""
    service = service_of(request)
    name = task.replace("-", "_")
    if name not in TASKS:
        raise NotFound(f"there is no task {task!r}; there are {', '.join(TASKS)}")
    service.relabel(track, name, body)
    return _annotation(service, track, name)


@corrections.post("/tracks/{track}/undo")
def undo(request: Request, track: TrackId) -> schemas.Annotation:
    """Undo the last correction; the answer holds the annotation that it was of."""
    service = service_of(request)
    return _annotation(service, track, service.step(track, forward=False))


@corrections.post("/tracks/{track}/redo")
def redo(request: Request, track: TrackId) -> schemas.Annotation:
    """Redo the correction that was undone last."""
    service = service_of(request)
    return _annotation(service, track, service.step(track, forward=True))


@corrections.get("/tracks/{track}/corrections/history")
def get_history(request: Request, track: TrackId) -> schemas.History:
    """List the corrections of a track, the oldest first."""
    return service_of(request).history(track)


# Jobs


@jobs.get("/jobs")
async def list_jobs(request: Request) -> list[schemas.Job]:
    """List the jobs that wait or run."""
    service = service_of(request)
    return [job_body(service.job(row.id)) for row in service.store.jobs(("queued", "running"))]


@jobs.get("/jobs/{job}")
async def get_job(request: Request, job: JobId) -> schemas.Job:
    """Return a job and its progress."""
    return job_body(service_of(request).job(job))


@jobs.delete("/jobs/{job}")
async def cancel_job(request: Request, job: JobId) -> schemas.Job:
    """Cancel a job that waits or runs."""
    service = service_of(request)
    row = service.jobs.cancel(service.job(job).id)
    if row is None:
        raise NotFound(f"there is no job {job!r}")
    if row.status in ENDED and row.status != "canceled":
        raise Conflict(f"job {job!r} has ended already: {row.status}")
    return job_body(row)


@jobs.websocket("/jobs/{job}/progress")
async def follow_job(websocket: WebSocket, job: str) -> None:
    """Send each new state of a job as JSON, and close when it has ended."""
    service = service_of(websocket)
    queue = service.jobs.listen(job)
    await websocket.accept()
    with suppress(WebSocketDisconnect, RuntimeError):
        row = service.jobs.current(job)
        while row is not None:
            await websocket.send_json(job_body(row).model_dump())
            if row.status in ENDED:
                break
            row = await _next(queue, websocket)
        await websocket.close(1000 if row is not None else 4404)
    service.jobs.forget(job, queue)


async def _next(queue: asyncio.Queue[Any], websocket: WebSocket) -> Any:
    """Return the next state of a job, or raise where the client has gone."""
    gone = asyncio.ensure_future(websocket.receive())
    news = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait({gone, news}, return_when=asyncio.FIRST_COMPLETED)
        if not news.done():
            raise WebSocketDisconnect
        return news.result()
    finally:
        for task in (gone, news):
            task.cancel()
            with suppress(asyncio.CancelledError, RuntimeError):
                await task


# The service


@state.get("/health")
async def get_health(request: Request) -> schemas.Health:
    """Return the state of the service."""
    service = service_of(request)
    waiting = len(service.store.jobs(("queued",)))
    return schemas.Health(
        status="ok",
        version=__version__,
        jobs_running=service.jobs.n_running,
        jobs_waiting=waiting,
        library=service.has_library,
    )


@state.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(request: Request) -> Response:
    """Return counters in the format of Prometheus."""
    service = service_of(request)
    counters, (n_tracks, n_bytes) = service.jobs.counters, service.store.counts()
    numbers = {
        "tracks": n_tracks,
        "upload_bytes": n_bytes,
        "jobs_running": service.jobs.n_running,
        "jobs_waiting": len(service.store.jobs(("queued",))),
        "jobs_done_total": counters.done,
        "jobs_failed_total": counters.failed,
        "jobs_canceled_total": counters.canceled,
        "worker_deaths_total": counters.worker_deaths,
    }
    lines = [f"mirkit_{name} {number}\n" for name, number in numbers.items()]
    return Response("".join(lines), media_type="text/plain; version=0.0.4")


@state.get("/formats")
async def list_formats() -> list[str]:
    """List the formats that tracks can be exported to."""
    return list(exports.NAMES)


@state.post("/session", status_code=204)
async def open_session(request: Request, body: schemas.Session) -> Response:
    """Exchange a token for a cookie, which pages send by themselves."""
    expected = service_of(request).settings.token_hash
    if expected is not None and not is_right(body.token, expected):
        error = {"type": "Unauthorized", "message": "the token is not the right one"}
        return JSONResponse({"error": error}, 401)
    answer = Response(status_code=204)
    if expected is not None:
        answer.set_cookie(COOKIE, body.token, httponly=True, samesite="strict", max_age=30 * 86_400)
    return answer


@state.delete("/session", status_code=204)
async def close_session() -> Response:
    """Forget the cookie."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _kept(seconds: int) -> dict[str, str]:
    return {"cache-control": f"private, max-age={seconds}"}
