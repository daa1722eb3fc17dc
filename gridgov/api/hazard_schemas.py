"""What the API takes and gives about hazards, who and what lies in them, and what they do to the roads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from gridgov.api.road_schemas import Moment
from gridgov.api.schemas import Code, Given, Key, Lat, Line, Lon, Names, Shown

Level = Annotated[int, Field(ge=1, le=4, description="1 to 4, 4 is worst")]
Seconds = Annotated[float, Field(ge=0, le=30 * 86400, allow_inf_nan=False, description="seconds from the start on")]
Metres = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Coordinates = Annotated[list[Any], Field(max_length=20_000)]


class AreaGiven(Given):
    """A drawn GeoJSON area, WGS 84."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: _Coordinates


class PlaceGiven(Given):
    """A GeoJSON geometry, WGS 84."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: _Coordinates


class WindGiven(Given):
    """A steady wind."""

    speed_m_s: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)]
    from_deg: Annotated[float, Field(ge=0, le=360, allow_inf_nan=False, description="0: from the north")]


class HazardHead(Given):
    """What is said about every hazard."""

    name: Line = ""
    starts_at: Annotated[Moment | None, Field(description="from when on arrivals count; default now")] = None
    replaces: Annotated[Code, Field(description="id of a hazard that this is from now on")] = ""


class HazardDrawn(HazardHead):
    """A hazard drawn by hand."""

    geometry: AreaGiven
    level: Level = 3
    arrival_s: Seconds = 0.0
    buffer_m: Annotated[Metres, Field(description="how far the true border may lie from the drawn one")] = 100.0


class LevelGiven(Given):
    """The level of the water from a moment on."""

    after_s: Seconds = 0.0
    level_m: Number


class FloodGiven(HazardHead):
    """A flood to compute."""

    source: Annotated[PlaceGiven, Field(description="river (line, area) or breach (point)")]
    levels: Annotated[list[LevelGiven], Field(min_length=1, max_length=200)]
    datum: Annotated[Literal["sea", "source"], Field(description="what the levels are above")] = "sea"
    step_m: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.5
    within_m: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None = None


class PlumeGiven(HazardHead):
    """A release of gas: without a rate the distances of the table, with one a Gaussian plume."""

    lon: Lon
    lat: Lat
    substance: Key
    wind: WindGiven
    large: bool = False
    night: bool | None = None
    rate_g_s: Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)] | None = None
    stability: Literal["A", "B", "C", "D", "E", "F"] = "D"
    terrain: Literal["rural", "urban"] = "urban"
    height_m: Annotated[float, Field(ge=0, le=500, allow_inf_nan=False)] = 0.0
    limits_mg_m3: tuple[Number, Number, Number] | None = None


class FireGiven(HazardHead):
    """A fire to compute."""

    ignition: PlaceGiven
    wind: WindGiven
    until_s: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)] = 3 * 3600.0
    fuel: Annotated[Code, Field(description="one fuel for everywhere; default by the land cover")] = ""


class SlopeGiven(HazardHead):
    """A landslide to compute."""

    source: PlaceGiven
    angle_deg: Annotated[float, Field(gt=0, lt=90, allow_inf_nan=False)] | None = None
    step_deg: Annotated[float, Field(gt=0, lt=45, allow_inf_nan=False)] | None = None


class ZoneShown(Shown):
    """Where a hazard has one level and comes at one time."""

    geometry: dict[str, Any]
    level: int
    arrival_s: float
    measure: float | None


class NoticeShown(Shown):
    """What was repaired, or is doubtful."""

    rule: str
    level: str
    message: str


class HazardShown(Shown):
    """A hazard of the log; lists leave the zones out."""

    hazard_id: str
    kind: str
    name: str
    status: str
    revision: int
    by: str
    at: datetime
    reason: str
    starts_at: datetime | None
    step: str
    unit: str
    inputs: dict[str, Any]
    source: str
    certainty: str
    warning: str
    findings: list[NoticeShown]
    zones: list[ZoneShown] | None = None
    milder: list[ZoneShown] | None = None
    worse: list[ZoneShown] | None = None


class HazardsShown(Shown):
    """Hazards, the last changed first."""

    items: list[HazardShown]


class FigureShown(Shown):
    """A number with its range: the same number one step milder and one step worse."""

    value: float
    low: float
    high: float


class NeedShown(Shown):
    """What all displaced people together need."""

    code: str
    names: Names
    unit: Names
    per: str
    total: FigureShown
    source: str
    certainty: str


Row = dict[str, str | int | float | None]


class ImpactShown(Shown):
    """Who and what lies in a hazard.

    People of grids that do not know their number are in none of the sums; such grids are counted for each group. A
    group whose number no grid inside knows is not among the figures, and null in the tables.
    """

    hazard_id: str
    revision: int
    day: bool
    presence_source: str
    presence_certainty: str
    figures: dict[str, FigureShown]
    unknown_grids: FigureShown
    unknown_by_group: dict[str, FigureShown]
    by_level: list[Row]
    by_arrival: list[Row]
    by_street: list[Row]
    by_community: list[Row]
    by_grid: list[Row]
    facilities: list[Row]
    shelters: list[Row]
    resources: list[Row]
    needs: list[NeedShown]


class EdgeClosing(Shown):
    """When an edge closes, in seconds from now."""

    edge: int
    closes_s: float


class ConsequencesShown(Shown):
    """What a hazard does to the roads; seconds from now."""

    hazard_id: str
    goal: str
    closing: list[Row]
    edges: list[EdgeClosing]
    cut_off: list[Row]
    shelters: list[Row]


class SpillShown(Shown):
    """How far people are in danger after a spill."""

    isolation_m: float
    day_m: float
    night_m: float


class SubstanceShown(Shown):
    """A substance of the profile."""

    code: str
    un_number: str
    names: Names
    small: SpillShown | None
    large: SpillShown | None
    limits_mg_m3: tuple[float, float, float] | None
    source: str
    certainty: str


class FuelShown(Shown):
    """A fuel of the profile."""

    code: str
    names: Names
    rate_m_min: float
    source: str
    certainty: str


class HazardNumbersShown(Shown):
    """What hazards can be computed with."""

    substances: list[SubstanceShown]
    fuels: list[FuelShown]
    reach_angle_deg: float
    reach_step_deg: float
