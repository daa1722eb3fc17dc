"""Reports: classes to choose from, a report and its ticket, pictures; open to everybody, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from gridgov.api.asking import Asked, Repeat, answers, asked, said
from gridgov.api.schemas import ClassShown, IncidentGiven, PhotoTaken, ProgressShown, ReportGiven, ReportTaken
from gridgov.errors import UploadError
from gridgov.model.incident_record import IncidentRecord
from gridgov.operations.agencies import agency_name
from gridgov.operations.photos import add_photo
from gridgov.operations.reporting import ReportForm, progress_of, report_incident

router = APIRouter(tags=["reports"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_PICTURE: Mapping[str, Any] = {
    "required": True,
    "content": {
        "image/jpeg": _BINARY,
        "image/png": _BINARY,
        "image/webp": _BINARY,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"photo": {"type": "string", "format": "binary"}},
                "required": ["photo"],
            }
        },
    },
}


@router.get("/classes", responses=answers())
def classes(request: Request) -> list[ClassShown]:
    """Return the classes of incidents, by code."""
    profile = asked(request).workspace.incident_profile
    return [ClassShown.model_validate(known) for _, known in sorted(profile.classes.items())]


@router.post("/reports", status_code=201, response_model=ReportTaken, responses=answers(409))
def report(request: Request, given: ReportGiven, key: Repeat = None) -> Response:
    """Report an incident. Anybody may; the answer holds the number of the ticket."""
    ask = asked(request)
    record = taken(ask, given, key)
    agency = agency_name(ask.workspace, record.agency, ask.lang)
    told = ReportTaken(ticket=record.id, state=record.state, agency_name=agency, reported_at=record.reported_at)
    return said(told, 201)


@router.get("/reports/{ticket}", responses=answers(404))
def progress(request: Request, ticket: str) -> ProgressShown:
    """Return how far a report has got."""
    ask = asked(request)
    return ProgressShown.model_validate(progress_of(ask.workspace, ask.person, ticket))


@router.post("/photos", status_code=201, responses=answers(415), openapi_extra={"requestBody": _PICTURE})
async def photo(request: Request) -> PhotoTaken:
    """Take a picture (JPEG, PNG or WebP): the body itself, or the field `photo` of a form."""
    content = await _picture(request)
    ask = asked(request)
    return PhotoTaken(digest=await to_thread.run_sync(add_photo, ask.workspace, ask.person, content))


def taken(ask: Asked, given: ReportGiven, key: str | None) -> IncidentRecord:
    """Return the incident that a report makes."""
    form = ReportForm(
        class_code=given.class_code,
        lon=given.lon,
        lat=given.lat,
        description=given.description,
        address=given.address,
        severity=given.severity,
        source=given.source if isinstance(given, IncidentGiven) else "",
        reporter_name=given.reporter_name,
        reporter_phone=given.reporter_phone,
        reported_at=given.reported_at,
        photos=tuple(given.photos),
    )
    return report_incident(ask.workspace, ask.person, form, idempotency_key=key)


async def _picture(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return await request.body()
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("photo")
        if not isinstance(file, UploadFile):
            raise UploadError("the form has no file named 'photo': send the picture under that name")
        return await file.read()
