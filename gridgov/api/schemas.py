"""What the API takes and gives, as pydantic models: units in the names, lengths limited, unknown fields refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from gridgov.model.clock import Lamp, LimitUnit
from gridgov.model.entities import EntityOrder
from gridgov.model.incident_life import Action
from gridgov.model.incidents import IncidentKind, IncidentState
from gridgov.model.rights import EVERYWHERE
from gridgov.model.workers import TravelMode, WorkerStatus

MOST_POSITIONS = 1000
MOST_AT_ONCE = 1000
_MOST_OFFSET = 10_000_000
LATEST_EVENT = 2**53 - 1


def _storable(text: str) -> str:
    """Refuse signs that no database keeps."""
    if "\x00" in text:
        raise ValueError("the text holds the sign NUL")
    return text


def _no_number(value: Any) -> Any:
    """Refuse a number where a time in words is meant (pydantic would count it from 1970)."""
    if isinstance(value, int | float):
        raise ValueError("a time is written as 2026-06-30T10:00:00+08:00")
    return value


def _in_words(areas: Any) -> Any:
    return ["all"] if tuple(areas) == EVERYWHERE else areas


_STORABLE = AfterValidator(_storable)
Key = Annotated[str, Field(min_length=1, max_length=64), _STORABLE]
Password = Annotated[str, Field(min_length=1, max_length=1024), _STORABLE]
Reason = Annotated[str, Field(min_length=1, max_length=4000), _STORABLE]
Code = Annotated[str, Field(max_length=64), _STORABLE]
Words = Annotated[str, Field(max_length=4000), _STORABLE]
Line = Annotated[str, Field(max_length=200), _STORABLE]
Name = Annotated[str, Field(max_length=80), _STORABLE]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of a picture, from POST /photos")]
Digests = Annotated[list[Digest], Field(max_length=6)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="degrees WGS 84")]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="degrees WGS 84")]
Severity = Annotated[int, Field(ge=1, le=4, description="1 to 4, 4 is worst")]
Time = Annotated[AwareDatetime, BeforeValidator(_no_number)]
Names = dict[str, str]
Areas = Annotated[list[str], BeforeValidator(_in_words), Field(description="codes of areas; `all`: everywhere")]


class Given(BaseModel):
    """What somebody sends: a field that is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """What the API answers with."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Wrong(Shown):
    """One wrong field."""

    at: str
    detail: str


class Problem(Shown):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str | None = None
    errors: list[Wrong] | None = None


# -- reports -----------------------------------------------------------------------------------------------------------


class ClassShown(Shown):
    """One class of incidents."""

    code: str
    kind: IncidentKind
    major: str
    names: Names
    conditions: list[str]
    filing: Names
    closing: Names


class ReportGiven(Given):
    """What somebody reports."""

    class_code: Key
    lon: Lon
    lat: Lat
    description: Words = ""
    address: Line = ""
    severity: Severity = 2
    reporter_name: Line = ""
    reporter_phone: Line = ""
    reported_at: Time | None = None
    photos: Digests = []


class IncidentGiven(ReportGiven):
    """What somebody with an account enters."""

    source: Line = ""


class ReportTaken(Shown):
    """The number of the ticket."""

    ticket: str
    state: IncidentState
    agency_name: str
    reported_at: datetime


class ProgressShown(Shown):
    """How far a report has got; nothing personal."""

    ticket: str
    class_names: Names
    state: IncidentState
    agency_names: Names
    reported_at: datetime
    updated_at: datetime
    due_at: datetime | None
    merged_into: str


class PhotoTaken(Shown):
    """By this digest a report, a note or a resolution names the picture."""

    digest: str


# -- incidents ---------------------------------------------------------------------------------------------------------


class LimitGiven(Given):
    """An amount of time to count."""

    amount: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    unit: LimitUnit


class LimitShown(Shown):
    """An amount of time that is counted."""

    amount: float
    unit: LimitUnit


class ReporterShown(Shown):
    """Who reported; masked, unless it was asked for on record."""

    name: str
    phone: str
    at: datetime
    via: str


class SuspensionShown(Shown):
    """From when to when the handling rested, and why."""

    at: datetime
    by: str
    reason: str
    ended_at: datetime | None


class ExtensionShown(Shown):
    """What was asked for and what was decided."""

    at: datetime
    by: str
    reason: str
    limit: LimitShown
    granted: bool | None
    decided_at: datetime | None
    decided_by: str


class IncidentShown(Shown):
    """One incident now. `used_share` of its limit: 1 at the deadline."""

    id: str
    kind: IncidentKind
    class_code: str
    class_names: Names
    state: IncidentState
    severity: int
    lon: float
    lat: float
    grid_code: str
    street_code: str
    community_code: str
    agency: str
    agency_name: str
    source: str
    description: str
    address: str
    condition: str
    photos: list[str]
    layer: str
    reporters: list[ReporterShown]
    reported_at: datetime
    filed_at: datetime | None
    dispatched_at: datetime | None
    accepted_at: datetime | None
    arrived_at: datetime | None
    resolved_at: datetime | None
    verified_at: datetime | None
    closed_at: datetime | None
    updated_at: datetime
    limit: LimitShown | None
    due_at: datetime | None
    warn_at: datetime | None
    left_ms: int | None
    lamp: Lamp | None
    handler: str
    resolved_by: str
    checker: str
    rework_count: int
    suspensions: list[SuspensionShown]
    extensions: list[ExtensionShown]
    merged_into: str
    merged_from: list[str]
    emergency: bool
    reminders: list[str]
    resolution: str
    end_reason: str
    version: int


class IncidentDetail(IncidentShown):
    """One incident and what the person can do with it now."""

    moves: list[Action]


class IncidentList(Shown):
    """A page of incidents and how many there are in all."""

    items: list[IncidentShown]
    total: int


class IncidentAsked(Given):
    """Which incidents are wanted; what is missing does not count."""

    state: Annotated[list[IncidentState], Field(max_length=20)] = []
    area: Code = ""
    class_code: Annotated[list[Code], Field(alias="class", max_length=100)] = []
    severity_from: Annotated[int, Field(ge=0, le=4)] = 0
    late: bool = False
    handler: Code = ""
    bbox: Annotated[str, Field(max_length=120, description="west,south,east,north in degrees")] = ""
    changed_after: Annotated[int, Field(ge=0, le=LATEST_EVENT, description="number of an event")] = 0
    order: EntityOrder = "urgency"
    limit: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 100
    offset: Annotated[int, Field(ge=0, le=_MOST_OFFSET)] = 0
    lang: Line = ""


class ProposalGiven(Given):
    """Whom the plan proposed for a dispatch; somebody else is then sent for a `reason_code` only."""

    worker_id: Code
    worker_s: Annotated[float, Field(ge=0, le=864_000)] | None = None
    handler_s: Annotated[float, Field(ge=0, le=864_000)] | None = None


class MoveGiven(Given):
    """One step of an incident; what it needs depends on the action."""

    action: Action
    seen_version: Annotated[int, Field(ge=1, le=LATEST_EVENT)] | None = None
    reason: Words = ""
    note: Words = ""
    photos: Digests = []
    handler: Code = ""
    condition: Line = ""
    class_code: Code = ""
    severity: Severity | None = None
    agency: Code = ""
    limit: LimitGiven | None = None
    into: Line = ""
    proposal: ProposalGiven | None = None
    reason_code: Code = ""


class UnmaskGiven(Given):
    """Why somebody wants to know who reported; it is kept in the log."""

    reason: Reason


class TimelineShown(Shown):
    """One line of what happened."""

    seq: int
    at: datetime
    actor: str
    text: str
    detail: str
    photos: list[str]


class Timeline(RootModel[list[TimelineShown]]):
    """What happened to an incident, oldest first."""


class DuplicateShown(Shown):
    """An incident that may be the same."""

    incident_id: str
    distance_m: float
    apart_s: float


class OptionShown(Shown):
    """One worker who can go."""

    rank: int
    worker_id: str
    name: str
    mode: TravelMode
    lon: float
    lat: float
    travel_time_s: float
    behind_s: float
    length_m: float
    skills: list[str]
    coordinates: list[tuple[float, float]]


class ExclusionShown(Shown):
    """Why a worker cannot go; `reason` is a code and `text` its sentence."""

    worker_id: str
    name: str
    reason: str
    text: str
    travel_time_s: float | None


class CandidatesShown(Shown):
    """Who can be there first, and who was left out and why."""

    grid_code: str | None
    off_road_m: float
    candidates: int
    considered: int
    options: list[OptionShown]
    exclusions: list[ExclusionShown]
    notes: list[str]


# -- people and places -------------------------------------------------------------------------------------------------


class PositionGiven(Given):
    """Where a worker is."""

    worker_id: Key
    at: Time
    lon: Lon
    lat: Lat
    accuracy_m: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None


class PositionsGiven(Given):
    """A batch of positions."""

    positions: Annotated[list[PositionGiven], Field(min_length=1, max_length=MOST_POSITIONS)]


class PositionsTaken(Shown):
    """How many were taken, and how many of them the track keeps."""

    taken: int
    kept: int


class PositionShown(Shown):
    """Where a worker was last."""

    worker_id: str
    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None


class StatusGiven(Given):
    """What a worker is doing."""

    status: WorkerStatus


class WorkerShown(Shown):
    """One grid worker; telephone numbers are not among what is shown."""

    worker_id: str
    name: str
    mode: str
    status: str
    skills: list[str]
    shift_start: str
    shift_end: str
    grid_code: str
    lon: float | None
    lat: float | None
    position_at: str | None


class GridShown(Shown):
    """One grid and what it belongs to."""

    grid_code: str
    name: str
    community: Names
    street: Names
    persons: int | None
    households: int | None


class LayerShown(Shown):
    """One layer of the workspace."""

    layer_id: str
    kind: str
    geometry: str
    names: Names
    rows: int
    licence: str
    source: str


class EventShown(Shown):
    """One event of the log."""

    seq: int
    at: datetime
    actor: str
    kind: str
    entity_id: str
    payload: dict[str, Any]
    prev_hash: str
    hash: str


class EventAsked(Given):
    """Which events are wanted; without anything the newest."""

    before: Annotated[int, Field(ge=1, le=LATEST_EVENT, description="only events with a smaller number")] | None = None
    entity_id: Line = ""
    limit: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 100
    lang: Line = ""
