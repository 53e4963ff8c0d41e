"""The addresses of the error reports: which there are in the home folder, and each of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

from data.errors import NotFoundError
from data.settings import HomeSettings
from serve.access import needs
from serve.choices import Scope
from serve.search import REFUSALS

router = APIRouter(prefix="/v1/admin/reports", responses=REFUSALS, dependencies=[Depends(needs(Scope.ADMIN))])

MEDIA_TYPES = {".html": "text/html", ".json": "application/json", ".csv": "text/csv"}

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A report holds its script and needs no network; its own policy, in the page, names that one script by its hash."""

Name = Annotated[
    str,
    PathParameter(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}\.(html|json|csv)$",
        description="As `GET /v1/admin/reports` gave it; its figures end in `.json` and `.csv` instead.",
    ),
]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report: its file name, when it was written, its size in bytes."""

    name: str
    written: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class ReportList:
    """The reports there are, the newest first."""

    reports: tuple[ReportFile, ...]


@router.get("")
async def list_reports() -> ReportList:
    """List the error reports in the home folder."""
    return ReportList(await run_sync(lambda: find_reports(HomeSettings.load().reports)))


@router.get("/{name}", response_class=FileResponse)
async def show_report(name: Name) -> FileResponse:
    """Give a report, or its figures."""
    path = HomeSettings.load().reports / name
    if not await run_sync(path.is_file):
        raise NotFoundError(f"{name}: there is no such report; see /v1/admin/reports")
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers={"content-security-policy": POLICY})


def find_reports(folder: Path) -> tuple[ReportFile, ...]:
    """Find the reports in a folder.

    Args:
        folder: It need not be there.

    Returns:
        Its pages, the newest first.
    """
    found = [(path.name, path.stat()) for path in folder.glob("*.html") if path.is_file() and path.name[0] != "."]
    reports = (ReportFile(name, datetime.fromtimestamp(about.st_mtime, UTC), about.st_size) for name, about in found)
    return tuple(sorted(reports, key=lambda report: (report.written, report.name), reverse=True))
