"""Evacuations: have a plan computed, watch and stop it, read it, give its orders, withdraw it."""

from __future__ import annotations

import gzip
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from gridgov.api.asking import answers, asked
from gridgov.api.evacuation_schemas import (
    EvacuationGiven,
    EvacuationShown,
    OrdersGiven,
    RunShown,
    StepShown,
    WithdrawalGiven,
)
from gridgov.api.schemas import Code
from gridgov.evacuation import EvacuationParams
from gridgov.operations.bus_input import BusQuery
from gridgov.operations.evacuating import (
    RecordedEvacuation,
    evacuations_of,
    give_orders,
    read_evacuation,
    read_plan_document,
    withdraw_evacuation,
)
from gridgov.operations.evacuation_input import EvacuationQuery
from gridgov.operations.evacuation_runs import EvacuationRun, run_of, start_evacuation

router = APIRouter(tags=["evacuations"])


@router.post("/evacuation-runs", status_code=202, responses=answers(404, 409))
def start(request: Request, given: EvacuationGiven) -> RunShown:
    """Begin to compute a plan for a hazard; ask for the run until it is done."""
    ask = asked(request)
    query = EvacuationQuery(
        hazard_id=given.hazard_id,
        params=EvacuationParams(**given.params.model_dump()),
        roads_close=given.roads_close,
        shelters_out=tuple(given.shelters_out),
        places=given.places,
        closed_edges=tuple(given.closed_edges),
        replaces=given.replaces,
        buses=None if given.buses is None else BusQuery(**given.buses.model_dump()),
        seed=given.seed,
    )
    return _run(start_evacuation(ask.workspace, ask.person, query))


@router.get("/evacuation-runs/{run_id}", responses=answers(404))
def run(request: Request, run_id: str) -> RunShown:
    """Return how far a computation is."""
    ask = asked(request)
    return _run(run_of(ask.workspace, ask.person, run_id))


@router.post("/evacuation-runs/{run_id}/stop", status_code=202, responses=answers(404))
def stop(request: Request, run_id: str) -> RunShown:
    """Ask a computation to end; the best plan so far is kept."""
    ask = asked(request)
    found = run_of(ask.workspace, ask.person, run_id)
    found.stop()
    return _run(found)


@router.get("/evacuations", responses=answers())
def evacuations(
    request: Request, hazard_id: Annotated[Code, Query()] = "", *, withdrawn: Annotated[bool, Query()] = False
) -> list[EvacuationShown]:
    """Return the evacuations on the books, the last changed first."""
    ask = asked(request)
    found = evacuations_of(ask.workspace, ask.person, hazard_id, withdrawn_too=withdrawn)
    return [_shown(each) for each in found]


@router.get("/evacuations/{evacuation_id}", responses=answers(404))
def evacuation(request: Request, evacuation_id: str) -> EvacuationShown:
    """Return one evacuation."""
    ask = asked(request)
    return _shown(read_evacuation(ask.workspace, ask.person, evacuation_id))


@router.get("/evacuations/{evacuation_id}/plan", response_class=Response, responses={**answers(404), 200: {
    "description": "The plan document, schema gridgov-plan/1; `gridgov verify plan` checks it",
    "content": {"application/json": {"schema": {"type": "object"}}},
}})  # fmt: skip
def plan(request: Request, evacuation_id: str) -> Response:
    """Return the plan document of an evacuation."""
    ask = asked(request)
    document = read_plan_document(ask.workspace, ask.person, evacuation_id)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(document, media_type="application/json", headers={"Content-Encoding": "gzip"})
    return Response(gzip.decompress(document), media_type="application/json")


@router.post("/evacuations/{evacuation_id}/orders", responses=answers(404, 409))
def orders(request: Request, evacuation_id: str, given: OrdersGiven) -> EvacuationShown:
    """Put on record that the orders of a plan are given."""
    ask = asked(request)
    done = give_orders(ask.workspace, ask.person, evacuation_id, leave_at=given.leave_at, note=given.note)
    return _shown(done)


@router.post("/evacuations/{evacuation_id}/withdrawal", responses=answers(404, 409))
def withdrawal(request: Request, evacuation_id: str, given: WithdrawalGiven) -> EvacuationShown:
    """Take a plan off the books, or call its orders back."""
    ask = asked(request)
    return _shown(withdraw_evacuation(ask.workspace, ask.person, evacuation_id, reason=given.reason))


def _run(found: EvacuationRun) -> RunShown:
    kept = found.kept
    return RunShown(
        run_id=found.run_id,
        hazard_id=found.hazard_id,
        started_by=found.started_by,
        state=found.state,
        elapsed_s=found.elapsed_s,
        error=found.error,
        steps=[StepShown.model_validate(step) for step in list(found.steps)],
        evacuation_id=None if kept is None else kept.evacuation.evacuation_id,
    )


def _shown(found: RecordedEvacuation) -> EvacuationShown:
    return EvacuationShown.model_validate(
        {
            **found.evacuation.to_dict(),
            "status": found.status,
            "by": found.by,
            "at": found.at,
            "leave_at": found.leave_at,
            "note": found.note,
            "replaced_by": found.replaced_by,
            "leave_by": found.evacuation.leave_by or None,
        }
    )
