"""What the API takes and gives about closures, their effects, scenarios, service areas, coverage and batch plans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from gridgov.api.schemas import Code, Given, Key, Lat, Line, Lon, Name, Shown, Time
from gridgov.model.workers import TravelMode

_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def _thinkable(moment: datetime) -> datetime:
    """Refuse times that no calendar of ours can turn into local time."""
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        raise ValueError(f"the year is {moment.year}; give one from {_FIRST_YEAR + 1} to {_LAST_YEAR - 1}")
    return moment


Moment = Annotated[Time, AfterValidator(_thinkable)]
Minutes = Annotated[float, Field(gt=0, le=1440, allow_inf_nan=False, description="minutes")]
Texts = dict[str, int | float | str]


class GeometryGiven(Given):
    """A drawn GeoJSON geometry, WGS 84."""

    type: Literal["LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: Annotated[list[Any], Field(max_length=10_000)]


class ClosureGiven(Given):
    """Roads to close: a drawn geometry, or edge ids. Without times: from now on, until further notice."""

    geometry: GeometryGiven | None = None
    edges: Annotated[list[Annotated[int, Field(ge=0, le=2**31 - 1)]], Field(max_length=10_000)] = Field(
        default_factory=list
    )
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    reason: Annotated[Line, Field(description="in words")] = ""
    factor: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="0: closed; else the share of the usual speed")
    ] = 0.0
    source: Line = ""
    modes: Annotated[list[TravelMode], Field(max_length=3, description="whom it stops; none: everybody")] = Field(
        default_factory=list
    )


class ClosureShown(Shown):
    """A closure on the books, or one of a scenario."""

    closure_id: str
    valid_from: datetime | None
    valid_to: datetime | None
    reason: str
    factor: float
    edges: list[int]
    geometry: dict[str, Any] | None
    source: str
    modes: list[TravelMode]
    holds: bool = Field(description="at the moment that was asked for")
    edge_count: int | None = Field(description="directed edges that it closes")


class FindingShown(Shown):
    """What is odd about a closure, with its sentence."""

    rule: str
    level: str
    key: str | None
    detail: Texts
    text: str


class ClosuresShown(Shown):
    """Closures and what is odd about them."""

    items: list[ClosureShown]
    findings: list[FindingShown]


class EffectsAsked(Given):
    """What is to be tried: drafts, closures to be opened, a scenario by its id."""

    drafts: Annotated[list[ClosureGiven], Field(max_length=100)] = Field(default_factory=list)
    reopened: Annotated[list[Code], Field(max_length=500)] = Field(default_factory=list)
    scenario: Code = ""
    at: Moment | None = None
    limit_min: Minutes = 15.0


class NoteShown(Shown):
    """Something that has to be said: a code and its sentence."""

    code: str
    text: str


class EdgesShown(Shown):
    """Roads that differ, with their lines as GeoJSON."""

    edges: int
    streets: int
    length_m: float
    names: list[str]
    lines: dict[str, Any]


class IncidentEffectShown(Shown):
    """What changes for one open incident; a time that does not exist is null."""

    incident_id: str
    state: str
    severity: int
    grid_code: str
    lon: float
    lat: float
    is_under_way: bool
    before_s: float | None
    after_s: float | None
    delay_s: float | None
    change: str
    worker_before: str
    worker_after: str
    is_other_worker: bool
    route_is_cut: bool
    reason: str
    text: str


class WorkerEffectShown(Shown):
    """A worker who is cut off, or no more."""

    worker_id: str
    name: str
    mode: TravelMode
    lon: float
    lat: float
    reason: str
    text: str


class FacilityEffectShown(Shown):
    """Which of a category are cut off, or no more."""

    category: str
    total: int
    cut_off: list[str]
    restored: list[str]


class GridEffectShown(Shown):
    """What changes for one grid; `service` by the limit: lost, kept, gained, none."""

    grid_code: str
    before_s: float | None
    after_s: float | None
    change: str
    service: str
    persons: int | None
    cut_off: bool


class EffectsSummaryShown(Shown):
    """Counts of what changes."""

    edges: int
    streets: int
    length_m: float
    incidents: int
    incidents_cut_off: int
    incidents_later: int
    incidents_better: int
    incidents_other_worker: int
    incidents_without_position: int
    workers_cut_off: int
    grids_cut_off: int
    grids_lost: int
    grids_gained: int
    grids_later: int
    persons_lost: int
    persons_cut_off: int
    grids_lost_without_population: int
    facilities_cut_off: int


class EffectsShown(Shown):
    """Before and after, for one moment; lists hold what changes, the worst first."""

    at: datetime
    limit_min: float
    closures_before: list[str]
    closures_after: list[str]
    summary: EffectsSummaryShown
    edges: EdgesShown
    findings: list[FindingShown]
    notes: list[NoteShown]
    incidents: list[IncidentEffectShown]
    workers: list[WorkerEffectShown]
    facilities: list[FacilityEffectShown]
    grids: list[GridEffectShown]


class ScenarioGiven(Given):
    """Closures to be kept under a name."""

    name: Annotated[Name, Field(min_length=1)]
    closures: Annotated[list[ClosureGiven], Field(min_length=1, max_length=500)]


class ScenarioChange(Given):
    """Another name."""

    name: Annotated[Name, Field(min_length=1)]


class ScenarioShown(Shown):
    """Closures that are kept under a name and not in force."""

    scenario_id: str
    name: str
    by: str
    at: datetime
    version: int
    closures: list[ClosureShown]


class HazardAsked(Given):
    """Which hazard; without a layer one that was drawn or computed here."""

    hazard_id: Key
    layer: Code = ""
    buffer_m: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None
    factor: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    lang: Line = ""


class IsochroneAsked(Given):
    """From where, and how far."""

    lon: Lon
    lat: Lat
    minutes: Annotated[list[Minutes], Field(min_length=1, max_length=12)]
    mode: TravelMode = TravelMode.DRIVE
    direction: Literal["from", "to"] = "from"
    at: Moment | None = None
    lang: Line = ""


class AreaProperties(Shown):
    """How large a service area is."""

    limit_min: float
    area_km2: float
    roads_km: float


class AreaShown(Shown):
    """One service area, a GeoJSON feature."""

    type: Literal["Feature"]
    properties: AreaProperties
    geometry: dict[str, Any]


class AreasShown(Shown):
    """Service areas as GeoJSON, the shortest time first."""

    type: Literal["FeatureCollection"]
    features: list[AreaShown]


class CoverageAsked(Given):
    """What is to be near: `workers`, `shelters`, or a category of facilities."""

    of: Annotated[Code, Field(min_length=1)] = "workers"
    minutes: Minutes = 15.0
    order: Annotated[int, Field(ge=1, le=20)] = 1
    mode: TravelMode | None = None
    at: Moment | None = None
    lang: Line = ""


class CoverageClassesAsked(CoverageAsked):
    """The same for a map."""

    steps_min: Annotated[list[Minutes], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: [5.0, 10.0, 15.0, 30.0]
    )


class PopulationShown(Shown):
    """How many people are within the limit, farther, or without a way; unknown populations counted apart."""

    limit_s: float
    persons_within: int
    persons_beyond: int
    persons_unreached: int
    grids_within: int
    grids_beyond: int
    grids_unreached: int
    grids_without_population: int
    share_beyond: float | None


class GridCoverageShown(Shown):
    """How near something is to one grid; a time that does not exist is null."""

    grid_code: str
    travel_time_s: float | None
    order_time_s: float | None
    nearest_id: str
    within: int
    persons: int | None


class CoverageShown(Shown):
    """How near something is to every grid, in the order of the grid layer."""

    of: str
    at: datetime
    minutes: float
    order: int
    closures: list[str]
    sources: int
    summary: PopulationShown
    grids: list[GridCoverageShown]


class CoverageClassesShown(Shown):
    """Class of every grid: 0 within the first time, …, the number of steps: farther, -1: no way."""

    of: str
    at: datetime
    steps_min: list[float]
    classes: dict[str, int]


class PlanAsked(Given):
    """Which incidents are to be planned for."""

    limit: Annotated[int, Field(ge=1, le=5000, description="so many at most, the most urgent first")] = 1000
    include_under_way: bool = False
    any_skill: bool = False
    lang: Line = ""


class PlanShown(Shown):
    """A batch plan with its proof; nothing is sent by it."""

    plan: dict[str, Any]
    texts: list[str]
