"""Service areas, coverage of the grids, and who would go to all filed incidents at once."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import shapely
from fastapi import APIRouter, Query, Request, Response

from gridgov.api.asking import answers, asked, said
from gridgov.api.road_schemas import (
    AreaProperties,
    AreaShown,
    AreasShown,
    CoverageAsked,
    CoverageClassesAsked,
    CoverageClassesShown,
    CoverageShown,
    GridCoverageShown,
    IsochroneAsked,
    PlanAsked,
    PlanShown,
    PopulationShown,
)
from gridgov.operations import coverage as operations
from gridgov.operations.assigning import AssignmentQuery, assign
from gridgov.operations.coverage import CoverageQuery
from gridgov.operations.service_areas import isochrone_at

router = APIRouter(tags=["service areas"])


@router.get("/isochrone", response_model=AreasShown, responses=answers(404))
def isochrone(request: Request, wanted: Annotated[IsochroneAsked, Query()]) -> Response:
    """Return the areas within some minutes of a place along the roads; closed roads are closed."""
    ask = asked(request)
    found = isochrone_at(
        ask.workspace,
        ask.person,
        wanted.lon,
        wanted.lat,
        wanted.minutes,
        mode=wanted.mode,
        direction=wanted.direction,
        now=wanted.at,
    )
    rows = found.areas()
    features = [
        AreaShown(
            type="Feature",
            properties=AreaProperties(limit_min=limit_s / 60, area_km2=area_km2, roads_km=roads_km),
            geometry=shapely.geometry.mapping(area),
        )
        for limit_s, area_km2, roads_km, area in zip(
            rows["limit_s"], rows["area_km2"], rows["roads_km"], rows.geometry, strict=True
        )
    ]
    return said(AreasShown(type="FeatureCollection", features=features))


@router.get("/coverage", response_model=CoverageShown, responses=answers(404))
def coverage(request: Request, wanted: Annotated[CoverageAsked, Query()]) -> Response:
    """Return how near workers, shelters or facilities are to every grid."""
    ask = asked(request)
    found = operations.coverage(ask.workspace, ask.person, _query(wanted))
    return said(
        CoverageShown.model_construct(
            of=found.query.of,
            at=found.when,
            minutes=found.query.minutes,
            order=found.query.order,
            closures=list(found.closures),
            sources=found.sources,
            summary=PopulationShown.model_validate(found.summary),
            grids=_grids(found),
        )
    )


@router.get("/coverage/classes", responses=answers(404))
def coverage_classes(request: Request, wanted: Annotated[CoverageClassesAsked, Query()]) -> CoverageClassesShown:
    """Return the class of every grid by time, to colour a map with."""
    ask = asked(request)
    found = operations.coverage(ask.workspace, ask.person, _query(wanted))
    classes = operations.grid_values(found, wanted.steps_min).tolist()
    return CoverageClassesShown(
        of=found.query.of,
        at=found.when,
        steps_min=wanted.steps_min,
        classes=dict(zip(found.grid_code.tolist(), classes, strict=True)),
    )


@router.get("/assignment-plan", responses=answers(404))
def assignment_plan(request: Request, wanted: Annotated[PlanAsked, Query()]) -> PlanShown:
    """Return who would go to the filed incidents, with the proof; nothing is sent."""
    ask = asked(request)
    query = AssignmentQuery(limit=wanted.limit, include_under_way=wanted.include_under_way, any_skill=wanted.any_skill)
    plan = assign(ask.workspace, ask.person, query)
    return PlanShown(plan=plan.to_dict(), texts=plan.texts(ask.lang))


def _query(wanted: CoverageAsked) -> CoverageQuery:
    return CoverageQuery(of=wanted.of, minutes=wanted.minutes, order=wanted.order, mode=wanted.mode, when=wanted.at)


def _grids(found: operations.Coverage) -> list[GridCoverageShown]:
    first, last = (
        [None if time < 0 else time / 1000 for time in times.tolist()]
        for times in (found.travel_time_ms, found.order_time_ms)
    )
    persons = [None if np.isnan(count) else int(count) for count in found.persons.tolist()]
    rows = zip(found.grid_code.tolist(), first, last, found.nearest_id.tolist(), found.within.tolist(), persons,
               strict=True)  # fmt: skip
    return [
        GridCoverageShown.model_construct(
            grid_code=str(code), travel_time_s=one, order_time_s=other, nearest_id=name, within=within, persons=count
        )
        for code, one, other, name, within, count in rows
    ]
