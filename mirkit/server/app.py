"""The application: routes, errors, and the guard around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mirkit import __version__
from mirkit.errors import MirkitError, MissingExtra
from mirkit.server.settings import PAGE, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from starlette.responses import Response

DESCRIPTION = """Beats, chords, key, sections and tags of recordings, with grids that can be
corrected. Analyses run in processes of their own; corrections are kept and can be undone."""


def create_app(settings: Settings) -> FastAPI:
    """Return the application of a service.

    Parameters
    ----------
    settings
        Where it keeps things, whom it lets in, and how much it takes.

    Raises
    ------
    MissingExtra
        Where FastAPI is not installed.
    """
    try:
        from fastapi import FastAPI
        from fastapi.exceptions import RequestValidationError
        from starlette.exceptions import HTTPException
        from starlette.staticfiles import StaticFiles
    except ImportError:
        raise MissingExtra("fastapi", "pip install 'mirkit[server]'", "the service") from None
    from mirkit.server import routes
    from mirkit.server.guard import Guard
    from mirkit.server.service import Service

    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.jobs.start()
        asyncio.get_running_loop().run_in_executor(None, service.warm_up)
        yield
        await service.jobs.stop()
        service.close()

    app = FastAPI(
        title="mirkit", version=__version__, description=DESCRIPTION, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/openapi.json",
    )  # fmt: skip
    app.state.service = service
    app.add_exception_handler(MirkitError, _explain)
    app.add_exception_handler(RequestValidationError, _explain_value)
    app.add_exception_handler(HTTPException, _explain_status)
    for router in routes.routers():
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=PAGE))
    app.add_middleware(Guard, settings=settings)
    return app


def _error(status: int, kind: str, message: str, headers: Any = None) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": {"type": kind, "message": message}}, status, headers)


async def _explain(_: Request, error: Exception) -> Response:
    """Return the answer that tells of an error of mirkit."""
    from mirkit.server.service import Conflict, Full, NotFound

    statuses: dict[type, int] = {NotFound: 404, Conflict: 409, Full: 503}
    status = statuses.get(type(error), 422)
    return _error(status, type(error).__name__, str(error))


async def _explain_value(_: Request, error: Any) -> Response:
    """Return the answer that tells which value of a request is wrong."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return _error(422, "ParameterError", f"{place}: {first['msg']}")


async def _explain_status(_: Request, error: Any) -> Response:
    """Return the answer of an error of HTTP in the shape of the others."""
    return _error(error.status_code, "HTTPError", str(error.detail), error.headers)
