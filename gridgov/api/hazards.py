"""Hazards: draw, compute, list, change and withdraw; who and what lies in them; what they do to the roads."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Path, Query, Request, Response

from gridgov.api.asking import Asked, Repeat, answers, asked, said
from gridgov.api.hazard_schemas import (
    ConsequencesShown,
    EdgeClosing,
    FigureShown,
    FireGiven,
    FloodGiven,
    HazardDrawn,
    HazardHead,
    HazardNumbersShown,
    HazardShown,
    HazardsShown,
    ImpactShown,
    NeedShown,
    NoticeShown,
    PlumeGiven,
    Row,
    SlopeGiven,
    WindGiven,
    ZoneShown,
)
from gridgov.api.schemas import Line
from gridgov.hazards import Wind
from gridgov.model.hazards import Hazard, Zones
from gridgov.operations import hazard_models as models
from gridgov.operations.hazards import (
    HazardHeader,
    RecordedHazard,
    draw_hazard,
    hazards_of,
    read_hazard,
    withdraw_hazard,
)
from gridgov.operations.impact import impact_of, road_consequences

router = APIRouter(tags=["hazards"])
_Id = Annotated[str, Path(max_length=64)]


@router.get("/hazards", response_model=HazardsShown, responses=answers())
def hazards(request: Request, withdrawn_too: Annotated[bool, Query()] = False) -> Response:
    """Return the hazards on the books, the last changed first, without their zones."""
    ask = asked(request)
    known = hazards_of(ask.workspace, ask.person, withdrawn_too=withdrawn_too)
    return said(HazardsShown(items=[_shown(ask, one) for one in known]))


@router.get("/hazards/numbers", responses=answers())
def numbers(request: Request) -> HazardNumbersShown:
    """Return the substances, fuels and angles that hazards can be computed with, each with its source."""
    ask = asked(request)
    return HazardNumbersShown.model_validate(_without_cover(models.hazard_numbers(ask.workspace, ask.person)))


@router.post("/hazards", status_code=201, response_model=HazardShown, responses=answers(404, 409))
def draw(request: Request, given: HazardDrawn, key: Repeat = None) -> Response:
    """Put a drawn hazard on the books."""
    ask = asked(request)
    hazard = draw_hazard(
        ask.workspace, ask.person, given.geometry.model_dump(), _header(given, key),
        level=given.level, arrival_s=given.arrival_s, buffer_m=given.buffer_m,
    )  # fmt: skip
    return _made(ask, hazard)


@router.post("/hazards/flood", status_code=201, response_model=HazardShown, responses=answers(404, 409))
def flood(request: Request, given: FloodGiven, key: Repeat = None) -> Response:
    """Compute a flood that is connected to its river or breach."""
    ask = asked(request)
    levels = tuple((level.after_s, level.level_m) for level in given.levels)
    hazard = models.compute_flood(
        ask.workspace, ask.person, given.source.model_dump(), levels, _header(given, key),
        datum=given.datum, step_m=given.step_m, within_m=given.within_m,
    )  # fmt: skip
    return _made(ask, hazard)


@router.post("/hazards/plume", status_code=201, response_model=HazardShown, responses=answers(404, 409))
def plume(request: Request, given: PlumeGiven, key: Repeat = None) -> Response:
    """Compute where a poisonous gas comes to."""
    ask = asked(request)
    gas = models.GasRelease(
        lon=given.lon, lat=given.lat, substance=given.substance, wind=_wind(given.wind), large=given.large,
        night=given.night, rate_g_s=given.rate_g_s, stability=given.stability, terrain=given.terrain,
        height_m=given.height_m, limits_mg_m3=given.limits_mg_m3,
    )  # fmt: skip
    return _made(ask, models.compute_plume(ask.workspace, ask.person, gas, _header(given, key)))


@router.post("/hazards/fire", status_code=201, response_model=HazardShown, responses=answers(404, 409))
def fire(request: Request, given: FireGiven, key: Repeat = None) -> Response:
    """Compute the front of a wildfire."""
    ask = asked(request)
    hazard = models.compute_fire(
        ask.workspace, ask.person, given.ignition.model_dump(), _wind(given.wind), _header(given, key),
        until_s=given.until_s, fuel=given.fuel,
    )  # fmt: skip
    return _made(ask, hazard)


@router.post("/hazards/slope", status_code=201, response_model=HazardShown, responses=answers(404, 409))
def slope(request: Request, given: SlopeGiven, key: Repeat = None) -> Response:
    """Compute how far a landslide reaches."""
    ask = asked(request)
    hazard = models.compute_slope(
        ask.workspace, ask.person, given.source.model_dump(), _header(given, key),
        angle_deg=given.angle_deg, step_deg=given.step_deg,
    )  # fmt: skip
    return _made(ask, hazard)


@router.get("/hazards/{hazard_id}", response_model=HazardShown, responses=answers(404))
def hazard_by_id(request: Request, hazard_id: _Id) -> Response:
    """Return a hazard with its zones."""
    ask = asked(request)
    return said(_shown(ask, read_hazard(ask.workspace, ask.person, hazard_id), zones=True))


@router.delete("/hazards/{hazard_id}", response_model=HazardShown, responses=answers(404, 409))
def withdraw(request: Request, hazard_id: _Id, reason: Annotated[Line, Query()] = "") -> Response:
    """Take a hazard off the books."""
    ask = asked(request)
    return said(_shown(ask, withdraw_hazard(ask.workspace, ask.person, hazard_id, reason=reason)))


@router.get("/hazards/{hazard_id}/impact", response_model=ImpactShown, responses=answers(404))
def impact(request: Request, hazard_id: _Id, day: Annotated[bool | None, Query()] = None) -> Response:
    """Return who and what lies in a hazard, each number with its range."""
    ask = asked(request)
    found = impact_of(ask.workspace, ask.person, hazard_id, day=day)
    what = found.impact
    tables = ("by_level", "by_arrival", "by_street", "by_community", "by_grid", "facilities", "shelters", "resources")
    needs = [
        NeedShown(
            code=one.need.code, names=one.need.names, unit=one.need.unit, per=one.need.per, source=one.need.source,
            certainty=str(one.need.certainty), total=FigureShown.model_validate(one.total),
        )
        for one in what.needs
    ]  # fmt: skip
    return said(
        ImpactShown(
            hazard_id=hazard_id,
            revision=found.recorded.revision,
            day=found.day,
            presence_source=found.presence_source,
            presence_certainty=found.presence_certainty,
            figures={name: FigureShown.model_validate(figure) for name, figure in what.figures.items()},
            unknown_grids=FigureShown.model_validate(what.unknown_grids),
            unknown_by_group={
                name: FigureShown.model_validate(figure) for name, figure in what.unknown_by_group.items()
            },
            needs=needs,
            **{name: rows_of(getattr(what, name)) for name in tables},
        )
    )


@router.get("/hazards/{hazard_id}/roads", response_model=ConsequencesShown, responses=answers(404))
def roads(request: Request, hazard_id: _Id) -> Response:
    """Return which roads close when, who is cut off from when on, which shelters are struck out."""
    ask = asked(request)
    found = road_consequences(ask.workspace, ask.person, hazard_id)
    closed = np.flatnonzero(np.isfinite(found.closes_s))
    return said(
        ConsequencesShown(
            hazard_id=hazard_id,
            goal=found.goal,
            closing=rows_of(found.closing),
            edges=[EdgeClosing(edge=int(edge), closes_s=float(found.closes_s[edge])) for edge in closed],
            cut_off=rows_of(found.cut_off),
            shelters=rows_of(found.shelters),
        )
    )


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame as plain data; what is missing is null, lists are joined."""
    columns: dict[str, list[Any]] = {str(name): [_plain(value) for value in frame[name]] for name in frame}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> str | int | float | None:
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(map(str, value))
    if value is None or pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return int(value)
    if isinstance(value, int | np.integer):
        return int(value)
    return round(float(value), 3) if isinstance(value, float | np.floating) else str(value)


def _header(given: HazardHead, key: str | None) -> HazardHeader:
    return HazardHeader(name=given.name, starts_at=given.starts_at, replaces=given.replaces, idempotency_key=key)


def _wind(given: WindGiven) -> Wind:
    return Wind(given.speed_m_s, given.from_deg)


def _made(ask: Asked, hazard: Hazard) -> Response:
    recorded = read_hazard(ask.workspace, ask.person, hazard.hazard_id)
    return said(_shown(ask, recorded, zones=True), 201)


def _shown(ask: Asked, recorded: RecordedHazard, *, zones: bool = False) -> HazardShown:
    hazard = recorded.hazard
    return HazardShown(
        hazard_id=hazard.hazard_id,
        kind=str(hazard.kind),
        name=hazard.name,
        status=recorded.status,
        revision=recorded.revision,
        by=recorded.by,
        at=recorded.at,
        reason=recorded.reason,
        starts_at=hazard.starts_at,
        step=hazard.step,
        unit=hazard.unit,
        inputs=hazard.inputs,
        source=hazard.source,
        certainty=hazard.certainty,
        warning=hazard.warnings.get(ask.lang, ""),
        findings=[
            NoticeShown(rule=found.rule, level=str(found.level), message=found.message(ask.lang))
            for found in hazard.findings
        ],
        zones=_zones(hazard.zones) if zones else None,
        milder=_zones(hazard.milder) if zones else None,
        worse=_zones(hazard.worse) if zones else None,
    )


def _zones(zones: Zones) -> list[ZoneShown]:
    return [ZoneShown.model_validate(zone.to_dict()) for zone in zones]


def _without_cover(profile: Any) -> dict[str, Any]:
    """Return the profile without what only the program needs."""
    return {
        "substances": list(profile.substances),
        "fuels": [
            {name: getattr(fuel, name) for name in ("code", "names", "rate_m_min", "source", "certainty")}
            for fuel in profile.fuels
        ],
        "reach_angle_deg": profile.reach_angle_deg,
        "reach_step_deg": profile.reach_step_deg,
    }
