"""Orders of an evacuation over HTTP: files, the draft of a warning, buses, tasks at the doors."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from gridgov.api.asking import answers, asked
from gridgov.api.evacuation_schemas import DoorCall, DoorProgressShown, DoorTaskShown
from gridgov.errors import NotFoundError
from gridgov.model.cap import to_xml
from gridgov.operations.door_rounds import (
    DoorProgress,
    call_for_help,
    door_progress,
    finish_door_task,
    issue_door_tasks,
)
from gridgov.operations.evacuating import read_bus_plan
from gridgov.operations.orders import OrderFormat, order_file, warning_of

router = APIRouter(tags=["evacuations"])
_MEDIA = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "gpx": "application/gpx+xml",
}
_XML = "application/cap+xml"


def _file(description: str, *media: str) -> dict[int | str, dict[str, Any]]:
    text: dict[str, Any] = {"schema": {"type": "string"}}
    return {**answers(404), 200: {"description": description, "content": dict.fromkeys(media, text)}}


@router.get(
    "/evacuations/{evacuation_id}/orders/{file_format}",
    response_class=Response,
    responses=_file("The order sheet or the table of departures with the ways", *_MEDIA.values()),
)
def order(request: Request, evacuation_id: str, file_format: OrderFormat) -> Response:
    """Return the orders of an evacuation as a file; nobody is named in it."""
    ask = asked(request)
    content = order_file(ask.workspace, ask.person, evacuation_id, file_format, ask.lang)
    headers = {"Content-Disposition": f'attachment; filename="orders.{file_format}"'}
    return Response(content, media_type=_MEDIA[file_format], headers=headers)


@router.get(
    "/evacuations/{evacuation_id}/warning",
    response_class=Response,
    responses=_file("CAP 1.2; status Draft: somebody has to check it and send it", _XML),
)
def warning(request: Request, evacuation_id: str) -> Response:
    """Return the draft of a warning; an update where the plan replaces one, a cancel where it was withdrawn."""
    ask = asked(request)
    return Response(to_xml(warning_of(ask.workspace, ask.person, evacuation_id)), media_type=_XML)


@router.get("/evacuations/{evacuation_id}/buses", responses=answers(404))
def buses(request: Request, evacuation_id: str) -> dict[str, Any]:
    """Return the bus plan that an evacuation was kept with (schema gridgov-buses/1)."""
    ask = asked(request)
    plan = read_bus_plan(ask.workspace, ask.person, evacuation_id)
    if plan is None:
        raise NotFoundError(f"evacuation {evacuation_id} was planned without buses")
    return plan.to_dict()


@router.post("/evacuations/{evacuation_id}/door-tasks", responses=answers(404, 409))
def issue(request: Request, evacuation_id: str) -> DoorProgressShown:
    """Give every worker on duty the grids at whose doors to knock; the orders must be given."""
    ask = asked(request)
    return _shown(issue_door_tasks(ask.workspace, ask.person, evacuation_id))


@router.get("/evacuations/{evacuation_id}/door-tasks", responses=answers(404))
def progress(request: Request, evacuation_id: str) -> DoorProgressShown:
    """Return in how many grids everybody has been told."""
    ask = asked(request)
    return _shown(door_progress(ask.workspace, ask.person, evacuation_id))


@router.post("/evacuations/{evacuation_id}/door-tasks/{zone_id}/done", responses=answers(404, 409))
def finish(request: Request, evacuation_id: str, zone_id: str) -> DoorTaskShown:
    """Put on record that this worker has told everybody in a grid; again is no fault."""
    ask = asked(request)
    return DoorTaskShown.model_validate(finish_door_task(ask.workspace, ask.person, evacuation_id, zone_id))


@router.post("/evacuations/{evacuation_id}/door-tasks/{zone_id}/help", responses=answers(404, 409))
def call(request: Request, evacuation_id: str, zone_id: str, given: DoorCall) -> DoorTaskShown:
    """Put on record that this worker needs help in a grid, or not any more; again is no fault."""
    ask = asked(request)
    made = call_for_help(ask.workspace, ask.person, evacuation_id, zone_id, note=given.note, wanted=given.wanted)
    return DoorTaskShown.model_validate(made)


def _shown(found: DoorProgress) -> DoorProgressShown:
    return DoorProgressShown.model_validate(found)
