"""The page and its documentation: files that the package holds, nothing from elsewhere."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import FileResponse

from mirkit.server.settings import PAGE

router = APIRouter(include_in_schema=False)


@router.get("/")
async def get_page() -> FileResponse:
    """Return the page."""
    return FileResponse(PAGE / "index.html")


@router.get("/docs")
async def get_documentation() -> FileResponse:
    """Return the page that shows the OpenAPI document."""
    return FileResponse(PAGE / "docs.html")


@router.get("/favicon.ico")
async def get_icon() -> FileResponse:
    """Return the icon."""
    return FileResponse(PAGE / "icon.svg")
