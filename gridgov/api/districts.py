"""Grids and layers: what lies where, and what the workspace holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from gridgov.api.asking import answers, asked
from gridgov.api.schemas import GridShown, Lat, LayerShown, Lon
from gridgov.operations.places import grid_at, layers_of, read_grid

router = APIRouter(tags=["district"])


@router.get("/grids", responses=answers(404))
def grid_of_point(request: Request, lon: Annotated[Lon, Query()], lat: Annotated[Lat, Query()]) -> GridShown:
    """Return the grid at a point."""
    ask = asked(request)
    return GridShown.model_validate(grid_at(ask.workspace, ask.person, lon, lat))


@router.get("/grids/{grid_code}", responses=answers(404))
def grid(request: Request, grid_code: str) -> GridShown:
    """Return a grid by its code."""
    ask = asked(request)
    return GridShown.model_validate(read_grid(ask.workspace, ask.person, grid_code))


@router.get("/layers", responses=answers())
def layers(request: Request) -> list[LayerShown]:
    """Return the layers of the workspace."""
    ask = asked(request)
    return [
        LayerShown(
            layer_id=entry.layer_id,
            kind=entry.kind,
            geometry=entry.geometry,
            names=entry.names,
            rows=entry.rows,
            licence=ask.workspace.spec(entry.layer_id).licence,
            source=entry.source,
        )
        for entry in layers_of(ask.workspace, ask.person)
    ]
