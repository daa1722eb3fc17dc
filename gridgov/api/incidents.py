"""Incidents: lists, single ones, their story, who could go there, and the moves of their life."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from gridgov.api.asking import Asked, Repeat, answers, asked, said
from gridgov.api.reports import taken
from gridgov.api.schemas import (
    CandidatesShown,
    DuplicateShown,
    ExclusionShown,
    IncidentAsked,
    IncidentDetail,
    IncidentGiven,
    IncidentList,
    IncidentShown,
    MoveGiven,
    OptionShown,
    ProposalGiven,
    ReporterShown,
    Timeline,
    TimelineShown,
    UnmaskGiven,
)
from gridgov.errors import ParameterError
from gridgov.model.clock import Limit
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.overrides import Proposal
from gridgov.model.plans import DispatchOption
from gridgov.operations import incidents as operations
from gridgov.operations.agencies import agency_name
from gridgov.operations.dispatching import dispatch_to
from gridgov.operations.incidents import IncidentQuery
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.photos import read_photo
from gridgov.operations.worklists import class_names

router = APIRouter(tags=["incidents"])


@router.get("/incidents", response_model=IncidentList, responses=answers())
def incidents(request: Request, wanted: Annotated[IncidentAsked, Query()]) -> Response:
    """Return the incidents that the person may see; without `state` those that are still open."""
    ask = asked(request)
    query = _query(wanted)
    records = operations.list_incidents(ask.workspace, ask.person, query)
    is_all = len(records) < wanted.limit and (records or not wanted.offset)
    total = wanted.offset + len(records) if is_all else operations.count_incidents(ask.workspace, ask.person, query)
    return said(IncidentList.model_construct(items=[shown(ask, record) for record in records], total=total))


@router.post("/incidents", status_code=201, response_model=IncidentDetail, responses=answers(409))
def report(request: Request, given: IncidentGiven, key: Repeat = None) -> Response:
    """Enter an incident."""
    ask = asked(request)
    return _detail(ask, taken(ask, given, key), 201)


@router.get("/incidents/{incident_id}", response_model=IncidentDetail, responses=answers(404))
def incident(request: Request, incident_id: str) -> Response:
    """Return one incident; its ETag is its version."""
    ask = asked(request)
    return _detail(ask, operations.read_incident(ask.workspace, ask.person, incident_id))


@router.get("/incidents/{incident_id}/timeline", response_model=Timeline, responses=answers(404))
def timeline(request: Request, incident_id: str) -> Response:
    """Return what has happened to an incident, oldest first."""
    ask = asked(request)
    entries = operations.timeline(ask.workspace, ask.person, incident_id, ask.lang)
    return said(Timeline([TimelineShown.model_validate(entry) for entry in entries]))


@router.get("/incidents/{incident_id}/duplicates", responses=answers(404))
def duplicates(request: Request, incident_id: str) -> list[DuplicateShown]:
    """Return the incidents that may be the same one: same class, within 50 m and 24 h."""
    ask = asked(request)
    found = operations.duplicates_of(ask.workspace, ask.person, incident_id)
    return [DuplicateShown.model_validate(duplicate) for duplicate in found]


@router.get("/incidents/{incident_id}/candidates", responses=answers(404))
def candidates(
    request: Request, incident_id: str, k: Annotated[int, Query(ge=1, le=20, description="how many")] = 5
) -> CandidatesShown:
    """Return the workers who can be there first, with the reasons why others cannot."""
    ask = asked(request)
    operations.read_incident(ask.workspace, ask.person, incident_id)  # who may not see it hears nothing of it
    plan = dispatch_to(ask.workspace, ask.person, incident_id, k=k)
    options = [OptionShown.model_validate(_option(option)) for option in plan.options]
    exclusions = [
        ExclusionShown(
            worker_id=out.worker_id,
            name=out.name,
            reason=out.reason,
            text=out.text(ask.lang),
            travel_time_s=None if out.travel_time_ms is None else out.travel_time_ms / 1000,
        )
        for out in plan.exclusions
    ]
    return CandidatesShown(
        grid_code=plan.grid_code,
        off_road_m=plan.off_road_m,
        candidates=plan.candidates,
        considered=plan.considered,
        options=options,
        exclusions=exclusions,
        notes=plan.note_texts(ask.lang),
    )


@router.post("/incidents/{incident_id}/moves", response_model=IncidentDetail, responses=answers(404, 409))
def move(request: Request, incident_id: str, given: MoveGiven, key: Repeat = None) -> Response:
    """Do the next step; what it needs depends on the action, and what does not belong to it is refused."""
    ask = asked(request)
    record = move_incident(
        ask.workspace,
        ask.person,
        incident_id,
        given.action,
        _arguments(given),
        seen_version=given.seen_version,
        idempotency_key=key,
    )
    return _detail(ask, record)


@router.post("/incidents/{incident_id}/reporters", responses=answers(404))
def reporters(request: Request, response: Response, incident_id: str, given: UnmaskGiven) -> list[ReporterShown]:
    """Return who reported it, in clear; that somebody looked, and why, is an event of the log."""
    ask = asked(request)
    response.headers["Cache-Control"] = "no-store"
    found = operations.read_reporters(ask.workspace, ask.person, incident_id, reason=given.reason)
    return [ReporterShown.model_validate(reporter) for reporter in found]


@router.get(
    "/incidents/{incident_id}/photos/{digest}",
    response_class=Response,
    responses={
        **answers(404),
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "JPEG"},
    },
)
def photo(request: Request, incident_id: str, digest: str) -> Response:
    """Return a picture of an incident."""
    ask = asked(request)
    content = read_photo(ask.workspace, ask.person, incident_id, digest)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


@router.get("/tasks", responses=answers())
def tasks(request: Request, worker_id: Annotated[str, Query(max_length=64)] = "") -> list[IncidentShown]:
    """Return what is given to a worker (default: oneself) and not done yet, the most urgent first."""
    ask = asked(request)
    return [shown(ask, record) for record in operations.tasks_of(ask.workspace, ask.person, worker_id)]


def shown(ask: Asked, record: IncidentRecord) -> IncidentShown:
    """Return an incident as the API shows it."""
    return IncidentShown.model_validate(_values(ask, record))


def _detail(ask: Asked, record: IncidentRecord, status: int = 200) -> Response:
    moves = operations.possible_moves(ask.person, record)
    detail = IncidentDetail.model_validate({**_values(ask, record), "moves": moves})
    return said(detail, status, {"ETag": f'"{record.version}"', "Cache-Control": "no-store"})


def _values(ask: Asked, record: IncidentRecord) -> dict[str, Any]:
    """Return the fields of an incident, typed already: nothing has to be checked again."""
    values = {name: getattr(record, name) for name in _FIELDS}
    return {
        **values,
        "class_names": class_names(ask.workspace, record),
        "agency_name": agency_name(ask.workspace, record.agency, ask.lang),
        "lamp": record.lamp(ask.workspace.now()),
    }


_FIELDS = tuple(name for name in IncidentShown.model_fields if name not in {"class_names", "agency_name", "lamp"})


def _query(wanted: IncidentAsked) -> IncidentQuery:
    return IncidentQuery(
        states=tuple(wanted.state),
        area=wanted.area,
        class_codes=tuple(wanted.class_code),
        severity_from=wanted.severity_from,
        late=wanted.late,
        handler=wanted.handler,
        bounds=bounds_of(wanted.bbox),
        changed_after=wanted.changed_after,
        order=wanted.order,
        limit=wanted.limit,
        offset=wanted.offset,
    )


def bounds_of(text: str) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of ``bbox``; None for an empty text.

    Raises
    ------
    ParameterError
        They are not four numbers in that order, in degrees.
    """
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError("bbox is four numbers: west,south,east,north in degrees") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ParameterError("bbox is west,south,east,north in degrees, west below east and south below north")
    return west, south, east, north


def _arguments(given: MoveGiven) -> MoveArguments:
    return MoveArguments(
        reason=given.reason,
        note=given.note,
        photos=tuple(given.photos),
        handler=given.handler,
        condition=given.condition,
        class_code=given.class_code,
        severity=given.severity,
        agency=given.agency,
        limit=None if given.limit is None else Limit(given.limit.amount, given.limit.unit),
        into=given.into,
        proposal=None if given.proposal is None else _proposal(given.proposal),
        reason_code=given.reason_code,
    )


def _proposal(given: ProposalGiven) -> Proposal:
    times = (None if seconds is None else round(seconds * 1000) for seconds in (given.worker_s, given.handler_s))
    return Proposal(given.worker_id, *times)


def _option(option: DispatchOption) -> dict[str, Any]:
    return {
        "rank": option.rank,
        "worker_id": option.worker_id,
        "name": option.name,
        "mode": option.mode,
        "lon": option.lon,
        "lat": option.lat,
        "travel_time_s": option.travel_time_s,
        "behind_s": option.behind_ms / 1000,
        "length_m": option.length_m,
        "skills": list(option.skills),
        "coordinates": option.coordinates,
    }
