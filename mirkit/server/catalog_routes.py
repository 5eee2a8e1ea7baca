"""The routes of the library: search by a query line, similar tracks, and opening one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool

from mirkit.errors import ParameterError
from mirkit.server import schemas
from mirkit.server.jobs import QueueFull
from mirkit.server.service import Full, NotFound, Service, job_body

Number = Annotated[int, InPath(ge=1, le=2**53, description="Of the track in the library.")]
Line = Annotated[str, Query(max_length=1000, description="Such as bpm:120-126 key:~8A tag:jazz.")]

router = APIRouter(prefix="/v1", tags=["library"], responses=schemas.ERRORS)


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


@router.get("/library")
def get_library(request: Request) -> schemas.LibraryStatus:
    """Return the size of the library."""
    status = _service(request).catalog.library.status()
    return schemas.LibraryStatus(tracks=status.n_tracks, files=status.n_files)


@router.get("/search")
def search_library(
    request: Request,
    q: Line = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> schemas.LibraryRows:
    """Return the tracks of the library that a query line finds."""
    rows = _service(request).catalog.search(q, limit, offset)
    return schemas.LibraryRows(rows=[_row(row) for row in rows])


@router.get("/library/{number}/similar")
def find_similar(
    request: Request, number: Number, q: Line = "", n: Annotated[int, Query(ge=1, le=100)] = 10
) -> schemas.LibraryRows:
    """Return the tracks of the library that sound most like one of them."""
    catalog = _service(request).catalog
    _check(catalog.library, number)
    return schemas.LibraryRows(rows=[_row(row) for row in catalog.similar(number, n, q)])


@router.post("/library/{number}/open", status_code=202)
async def open_track(request: Request, number: Number) -> schemas.Submitted:
    """Open a track of the library, with what is known of it; corrections are kept there too."""
    service = _service(request)
    _check(service.catalog.library, number)
    try:
        row, job = await run_in_threadpool(service.open_from_library, number)
    except QueueFull:
        raise Full("too many jobs wait; try again later") from None
    return schemas.Submitted(track=row.id, job=None if job is None else job_body(job))


def _check(library: object, number: int) -> None:
    """Raise `NotFound` where there is no such track."""
    try:
        library.track(number)  # type: ignore[attr-defined]
    except (LookupError, ParameterError) as error:
        raise NotFound(str(error)) from None


def _row(found: dict[str, object]) -> schemas.LibraryRow:
    names = schemas.LibraryRow.model_fields
    return schemas.LibraryRow.model_validate({key: x for key, x in found.items() if key in names})
