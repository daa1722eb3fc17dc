"""Grid workers: who they are, what they do, where they were last."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, Request, Response

from gridgov.api.asking import answers, asked
from gridgov.api.schemas import PositionsGiven, PositionShown, PositionsTaken, StatusGiven, WorkerShown
from gridgov.model.positions import Position
from gridgov.operations import worker_features
from gridgov.operations.positions import positions_of, record_positions, set_status

router = APIRouter(tags=["people"])


@router.get("/workers", responses=answers(404))
def workers(request: Request) -> list[WorkerShown]:
    """Return the workers that the person may see, with what they do and where they were last."""
    ask = asked(request)
    frame = worker_features.frame(ask.workspace, ask.person)
    rows = frame.drop(columns="geometry").to_dict("records")
    return [
        WorkerShown.model_validate(_worker(row, lon, lat))
        for row, lon, lat in zip(rows, frame.geometry.x, frame.geometry.y, strict=True)
    ]


@router.put("/workers/{worker_id}/status", status_code=204, responses=answers(404))
def status(request: Request, worker_id: str, given: StatusGiven) -> Response:
    """Say that a worker is free, busy or off duty."""
    ask = asked(request)
    set_status(ask.workspace, ask.person, worker_id, given.status)
    return Response(status_code=204)


@router.post("/positions", responses=answers(404))
def take_positions(request: Request, given: PositionsGiven) -> PositionsTaken:
    """Take a batch of positions; a worker sends their own only."""
    ask = asked(request)
    positions = [Position(p.worker_id, p.at, p.lon, p.lat, p.accuracy_m) for p in given.positions]
    kept = record_positions(ask.workspace, ask.person, positions)
    return PositionsTaken(taken=len(positions), kept=kept)


@router.get("/positions", responses=answers())
def positions(request: Request) -> list[PositionShown]:
    """Return the newest position of each worker whom the person may see."""
    ask = asked(request)
    return [PositionShown.model_validate(position) for position in positions_of(ask.workspace, ask.person)]


def _worker(row: dict[str, Any], lon: float, lat: float) -> dict[str, Any]:
    skills, sent = row.get("skills"), row.get("position_at")
    has_place = math.isfinite(lon) and math.isfinite(lat)
    return {
        **{name: _text(row.get(name)) for name in ("worker_id", "name", "mode", "status", "shift_start", "shift_end")},
        "skills": [] if skills is None or isinstance(skills, str | float) else [str(skill) for skill in skills],
        "grid_code": _text(row.get("grid_code")),
        "lon": float(lon) if has_place else None,
        "lat": float(lat) if has_place else None,
        "position_at": sent if isinstance(sent, str) else None,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
