"""上报: somebody reports an incident, and follows it by the number of the ticket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from numpy.typing import ArrayLike

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, RightsError
from gridgov.model.agencies import IncidentPlace, responsible_agency
from gridgov.model.events import Event, NewEvent
from gridgov.model.incident_life import apply
from gridgov.model.incident_moves import report
from gridgov.model.incident_record import IncidentRecord, IncidentReport, Reporter
from gridgov.model.rights import Person, Right, Role, in_area, require
from gridgov.operations.incidents import load_incident, masked
from gridgov.operations.photos import check_photos
from gridgov.operations.random_ids import random_id
from gridgov.workspace import Workspace

SOURCES = ("inspector", "citizen", "hotline", "sensor", "video", "media", "network")
_TICKET_SIGNS = 8
OLDEST = timedelta(days=366)  # of what is entered by hand; older cases come by an import


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportForm:
    """What somebody reports. `class_code` is one of the profile's; `reported_at` is aware and not in the future."""

    class_code: str
    lon: float
    lat: float
    description: str = ""
    address: str = ""
    severity: int = 2
    source: str = ""
    reporter_name: str = ""
    reporter_phone: str = ""
    reported_at: datetime | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """What anybody with the number of a ticket may know: nothing personal."""

    ticket: str
    class_names: dict[str, str]
    state: str
    agency_names: dict[str, str]
    reported_at: datetime
    updated_at: datetime
    due_at: datetime | None
    merged_into: str


@dataclass(frozen=True, slots=True)
class GridPlace:
    """The codes of the grid at a point; empty outside all grids."""

    grid_code: str = ""
    community_code: str = ""
    street_code: str = ""


def report_incident(
    workspace: Workspace, person: Person, form: ReportForm, *, idempotency_key: str | None = None
) -> IncidentRecord:
    """Take a report (受理) and return the incident; its id is the number of the ticket.

    Parameters
    ----------
    idempotency_key : str, optional
        A name for this very report: sent again with it, it creates nothing and the first incident is returned.

    Raises
    ------
    ParameterError
        The class is unknown, the point lies outside the district, the time is in the future, a text is too long.
    RightsError
        The person may not report there.
    ConflictError
        The key was used for another report.
    """
    require(person, Right.INCIDENT_REPORT)
    now = workspace.now()
    place = place_of(workspace, form.lon, form.lat)
    if person.role is not Role.PUBLIC and not in_area(person, place.grid_code):
        raise _outside_area(person, place)
    given = _given(workspace, person, form, place, now)
    new = report(_new_ticket(workspace, now), given, person.actor, now)
    done = workspace.store.append([new], expected_seq=0, idempotency_key=idempotency_key)
    _check_repeated(done[0], new)
    if done[0].entity_id != new.entity_id:  # a repeated call: the incident may have moved on since
        return masked(load_incident(workspace, done[0].entity_id)[0], person)
    return masked(IncidentRecord.from_dict(apply(None, done[0])), person)


def progress_of(workspace: Workspace, person: Person, ticket: str) -> Progress:
    """Return how far a report has got.

    Only what was reported here has a ticket: the ids of imported incidents can be guessed.

    Raises
    ------
    RecordNotFoundError
        There is no ticket of that number.
    """
    require(person, Right.INCIDENT_PROGRESS)
    try:
        record, _ = load_incident(workspace, ticket.strip().upper())
        if record.layer:
            raise RecordNotFoundError
    except RecordNotFoundError:
        raise RecordNotFoundError(f"there is no ticket '{ticket[:40]}': check its number") from None
    profile = workspace.incident_profile
    known = profile.classes.get(record.class_code)
    return Progress(
        ticket=record.id,
        class_names=dict(known.names if known else record.class_names) or {"zh": record.class_code},
        state=str(record.state),
        agency_names=dict(profile.agencies.get(record.agency, {})),
        reported_at=record.reported_at,
        updated_at=record.updated_at,
        due_at=record.due_at,
        merged_into=record.merged_into,
    )


def place_of(workspace: Workspace, lon: float, lat: float) -> GridPlace:
    """Return the grid a point lies in and what it belongs to.

    Raises
    ------
    ParameterError
        The point lies outside the district.
    """
    if not (abs(lon) <= 180 and abs(lat) <= 90):  # also refuses what is no number
        raise ParameterError(f"the position {lon}, {lat} is not on the globe: give degrees of longitude and latitude")
    locator = workspace.grid_locator
    position = -1 if locator is None else int(locator.locate([lon], [lat])[0])
    if position >= 0:
        grid, community, street = workspace.cached("grid_codes", lambda: _grid_codes(workspace))
        return GridPlace(grid[position], community[position], street[position])
    if not _in_district(workspace, lon, lat):
        raise ParameterError(f"the position {lon:.6f}, {lat:.6f} lies outside the district: check it on the map")
    return GridPlace()


def places_of(workspace: Workspace, lons: ArrayLike, lats: ArrayLike) -> list[GridPlace]:
    """Return the grids of many points; unlike `place_of` it takes points outside the district as well."""
    locator = workspace.grid_locator
    if locator is None:
        return [GridPlace()] * np.size(lons)
    grid, community, street = workspace.cached("grid_codes", lambda: _grid_codes(workspace))
    places = [GridPlace(*codes) for codes in zip(grid, community, street, strict=True)]
    return [places[n] if n >= 0 else GridPlace() for n in locator.locate(lons, lats).tolist()]


def agency_at(workspace: Workspace, class_code: str, place: GridPlace) -> str:
    """Return the code of the agency that is responsible for a class at a place."""
    profile = workspace.incident_profile
    if class_code not in profile.classes:
        return profile.coordinator
    where = IncidentPlace(street_code=place.street_code)
    return responsible_agency(profile.of(class_code), where, profile).agency


def _given(workspace: Workspace, person: Person, form: ReportForm, place: GridPlace, now: datetime) -> IncidentReport:
    profile = workspace.incident_profile
    if form.class_code not in profile.classes:
        raise ParameterError(f"class '{form.class_code[:40]}' is unknown: choose one of the {len(profile.classes)}")
    source = form.source or {Role.PUBLIC: "citizen", Role.WORKER: "inspector"}.get(person.role, "inspector")
    if source not in SOURCES:
        raise ParameterError(f"the source '{source[:40]}' is unknown: use {', '.join(SOURCES)}")
    check_photos(workspace, form.photos)
    _check_public(person, form)
    if form.reported_at is not None and form.reported_at < now - OLDEST:
        raise ParameterError(f"the report is older than {OLDEST.days} days: correct the time, or import it")
    named = form.reporter_name.strip() or form.reporter_phone.strip()
    reporter = Reporter(form.reporter_name.strip(), form.reporter_phone.strip(), form.reported_at or now)
    return IncidentReport(
        kind=profile.classes[form.class_code].kind,
        class_code=form.class_code,
        lon=form.lon,
        lat=form.lat,
        source=source,
        description=form.description.strip(),
        address=form.address.strip(),
        severity=form.severity,
        grid_code=place.grid_code,
        street_code=place.street_code,
        community_code=place.community_code,
        agency=agency_at(workspace, form.class_code, place),
        reporters=(reporter,) if named else (),
        reported_at=form.reported_at,
        photos=form.photos,
    )


def _check_public(person: Person, form: ReportForm) -> None:
    """The public says what and where; how urgent it is, whence it came and when is for others to say."""
    if person.role is not Role.PUBLIC:
        return
    plain = ReportForm(class_code=form.class_code, lon=form.lon, lat=form.lat)
    for name in ("severity", "reported_at"):
        if getattr(form, name) != getattr(plain, name):
            raise ParameterError(f"a report of the public has no '{name}': leave it out")
    if form.source not in {"", "citizen"}:
        raise ParameterError("a report of the public has the source citizen: leave it out")


def _new_ticket(workspace: Workspace, now: datetime) -> str:
    """Return a number that nobody can guess, so that it may serve as the key to the progress of a report."""
    signs = random_id(_TICKET_SIGNS)
    return f"{now.astimezone(workspace.timezone):%y%m%d}-{signs[:4]}-{signs[4:]}"


def _check_repeated(done: Event, new: NewEvent) -> None:
    """Refuse a key that stands for something else."""
    ignored = {"reported_at", "reporters"}  # the moment of a retry differs
    same = {key: value for key, value in done.payload.items() if key not in ignored}
    if done.kind != new.kind or same != {k: v for k, v in new.payload.items() if k not in ignored}:
        raise ConflictError("this idempotency key was used for another request: use a new one for each")


def _outside_area(person: Person, place: GridPlace) -> RightsError:
    where = f"grid {place.grid_code}" if place.grid_code else "a place outside all grids"
    return RightsError(f"{where} lies outside the area of account {person.account_id}: report it on the public page")


def _grid_codes(workspace: Workspace) -> tuple[list[str], list[str], list[str]]:
    grids = workspace.layer("grids")

    def codes(column: str) -> list[str]:
        if column not in grids:
            return [""] * len(grids)
        return [str(value) if isinstance(value, str | int | np.integer) else "" for value in grids[column]]

    return codes("grid_code"), codes("community_code"), codes("street_code")


def _in_district(workspace: Workspace, lon: float, lat: float) -> bool:
    """Whether a point outside all grids lies in a division, or, without divisions, in the bounds of the data."""
    if workspace.has("divisions"):
        frame = workspace.layer("divisions")
        return len(frame.sindex.query(shapely.Point(lon, lat), predicate="intersects")) > 0
    if workspace.has("grids"):
        return False
    west, south, east, north = workspace.bounds
    return west <= lon <= east and south <= lat <= north
