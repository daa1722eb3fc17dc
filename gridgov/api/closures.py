"""Closures and scenarios of them: list, add, remove, what they would change, put in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Path, Query, Request, Response

from gridgov.api.asking import Asked, Repeat, answers, asked, said
from gridgov.api.road_schemas import (
    ClosureGiven,
    ClosureShown,
    ClosuresShown,
    EdgesShown,
    EffectsAsked,
    EffectsShown,
    EffectsSummaryShown,
    FacilityEffectShown,
    FindingShown,
    GridEffectShown,
    HazardAsked,
    IncidentEffectShown,
    Moment,
    NoteShown,
    ScenarioChange,
    ScenarioGiven,
    ScenarioShown,
    WorkerEffectShown,
)
from gridgov.api.schemas import Line
from gridgov.model.closures import Closure
from gridgov.model.findings import Finding
from gridgov.model.scenarios import SavedScenario
from gridgov.operations import scenarios as operations
from gridgov.operations.closure_effects import ClosureEffects, IncidentEffect, closure_effects
from gridgov.operations.closures import ClosureDraft, close_roads, closures_of, reopen_roads

router = APIRouter(tags=["closures"])
_Id = Annotated[str, Path(max_length=64)]


@router.get("/closures", response_model=ClosuresShown, responses=answers(404))
def closures(request: Request, at: Annotated[Moment | None, Query()] = None) -> Response:
    """Return the closures on the books; with `at` those that hold at that moment."""
    ask = asked(request)
    placed = closures_of(ask.workspace, ask.person, at)
    when = at or ask.workspace.now()
    counts = [len(edges) for edges in placed.edges]
    items = [_closure(one, when, count) for one, count in zip(placed.closures, counts, strict=True)]
    return said(ClosuresShown(items=items, findings=_findings(ask, placed.findings)))


@router.post("/closures", status_code=201, response_model=ClosuresShown, responses=answers(404, 409))
def close(request: Request, given: ClosureGiven, key: Repeat = None) -> Response:
    """Close roads, or make them slow; the answer says what is odd about it beside the others."""
    ask = asked(request)
    closure, findings = close_roads(ask.workspace, ask.person, draft_of(given), idempotency_key=key)
    items = [_closure(closure, ask.workspace.now())]
    return said(ClosuresShown(items=items, findings=_findings(ask, findings)), 201)


@router.delete("/closures/{closure_id}", responses=answers(404, 409))
def reopen(request: Request, closure_id: _Id, reason: Annotated[Line, Query()] = "") -> ClosureShown:
    """Open the roads of a closure again."""
    ask = asked(request)
    return _closure(reopen_roads(ask.workspace, ask.person, closure_id, reason=reason), ask.workspace.now())


@router.post("/closures/effects", response_model=EffectsShown, responses=answers(404))
def effects(request: Request, given: EffectsAsked) -> Response:
    """Return what drafts, openings or a scenario would change; nothing is closed by it."""
    ask = asked(request)
    found = closure_effects(
        ask.workspace,
        ask.person,
        [draft_of(draft) for draft in given.drafts],
        reopened=given.reopened,
        scenario=given.scenario or None,
        when=given.at,
        limit_min=given.limit_min,
    )
    return said(_effects(ask, found))


@router.get("/closures/of-hazard", responses=answers(404))
def of_hazard(request: Request, wanted: Annotated[HazardAsked, Query()]) -> ClosureGiven:
    """Return a draft of the roads within a hazard, to be looked at, changed and closed."""
    ask = asked(request)
    draft = operations.draft_from_hazard(
        ask.workspace, ask.person, wanted.layer, wanted.hazard_id, buffer_m=wanted.buffer_m, factor=wanted.factor
    )
    return ClosureGiven.model_validate(
        {"geometry": draft.geometry, "reason": draft.reason, "factor": draft.factor, "source": draft.source}
    )


@router.get("/scenarios", responses=answers())
def scenarios(request: Request) -> list[ScenarioShown]:
    """Return the scenarios that are kept, by name."""
    ask = asked(request)
    return [_scenario(ask, one) for one in operations.scenarios_of(ask.workspace, ask.person)]


@router.post("/scenarios", status_code=201, responses=answers(404, 409))
def save(request: Request, given: ScenarioGiven, key: Repeat = None) -> ScenarioShown:
    """Keep closures under a name; nothing is closed by it."""
    ask = asked(request)
    drafts = [draft_of(draft) for draft in given.closures]
    return _scenario(ask, operations.save_scenario(ask.workspace, ask.person, given.name, drafts, idempotency_key=key))


@router.get("/scenarios/{scenario_id}", responses=answers(404))
def scenario(request: Request, scenario_id: _Id) -> ScenarioShown:
    """Return one scenario."""
    ask = asked(request)
    return _scenario(ask, operations.read_scenario(ask.workspace, ask.person, scenario_id))


@router.patch("/scenarios/{scenario_id}", responses=answers(404, 409))
def rename(request: Request, scenario_id: _Id, given: ScenarioChange) -> ScenarioShown:
    """Give a scenario another name."""
    ask = asked(request)
    return _scenario(ask, operations.rename_scenario(ask.workspace, ask.person, scenario_id, given.name))


@router.delete("/scenarios/{scenario_id}", status_code=204, responses=answers(404, 409))
def remove(request: Request, scenario_id: _Id) -> Response:
    """Keep a scenario no more; closures that came from it stay."""
    ask = asked(request)
    operations.remove_scenario(ask.workspace, ask.person, scenario_id)
    return Response(status_code=204)


@router.post(
    "/scenarios/{scenario_id}/apply", status_code=201, response_model=ClosuresShown, responses=answers(404, 409)
)
def put_in_force(request: Request, scenario_id: _Id, key: Repeat = None) -> Response:
    """Close all roads of a scenario at once, or none."""
    ask = asked(request)
    made, findings = operations.apply_scenario(ask.workspace, ask.person, scenario_id, idempotency_key=key)
    items = [_closure(one, ask.workspace.now()) for one in made]
    return said(ClosuresShown(items=items, findings=_findings(ask, findings)), 201)


def draft_of(given: ClosureGiven) -> ClosureDraft:
    """Return a draft as operations take it."""
    return ClosureDraft(
        geometry=None if given.geometry is None else given.geometry.model_dump(),
        edges=tuple(given.edges),
        valid_from=given.valid_from,
        valid_to=given.valid_to,
        reason=given.reason,
        factor=given.factor,
        source=given.source,
        modes=tuple(given.modes),
    )


def _closure(closure: Closure, when: datetime, edge_count: int | None = None) -> ClosureShown:
    return ClosureShown(
        closure_id=closure.closure_id,
        valid_from=closure.valid_from,
        valid_to=closure.valid_to,
        reason=closure.reason,
        factor=closure.factor,
        edges=list(closure.edges),
        geometry=None if closure.geometry is None else dict(closure.geometry),
        source=closure.source,
        modes=list(closure.modes),
        holds=closure.holds_at(when),
        edge_count=edge_count,
    )


def _findings(ask: Asked, findings: Iterable[Finding]) -> list[FindingShown]:
    return [
        FindingShown(rule=f.rule, level=str(f.level), key=f.key, detail=f.detail, text=f.message(ask.lang))
        for f in findings
    ]


def _scenario(ask: Asked, saved: SavedScenario) -> ScenarioShown:
    return ScenarioShown(
        scenario_id=saved.scenario_id,
        name=saved.name,
        by=saved.by,
        at=saved.at,
        version=saved.version,
        closures=[_closure(one, ask.workspace.now()) for one in saved.scenario.closures],
    )


def _effects(ask: Asked, found: ClosureEffects) -> EffectsShown:
    edges = found.edges
    return EffectsShown(
        at=found.when,
        limit_min=found.limit_ms / 60_000,
        closures_before=[one.closure_id for one in found.before],
        closures_after=[one.closure_id for one in found.after],
        summary=EffectsSummaryShown.model_validate(asdict(found.summary)),
        edges=EdgesShown(
            edges=len(edges),
            streets=edges.streets,
            length_m=edges.length_m,
            names=list(edges.names),
            lines=edges.geojson,
        ),
        findings=_findings(ask, found.findings),
        notes=[NoteShown(code=note.code, text=note.text(ask.lang)) for note in found.notes],
        incidents=[_incident(ask, one) for one in found.incidents],
        workers=[WorkerEffectShown(**asdict(one), text=one.text(ask.lang)) for one in found.workers],
        facilities=[FacilityEffectShown.model_validate(asdict(one)) for one in found.facilities],
        grids=[_grid(row) for row in found.worst_grids.to_dict("records")],
    )


def _incident(ask: Asked, one: IncidentEffect) -> IncidentEffectShown:
    values = asdict(one)
    before, after = values.pop("before_ms"), values.pop("after_ms")
    return IncidentEffectShown(
        **values,
        before_s=seconds(before),
        after_s=seconds(after),
        delay_s=seconds(one.delay_ms),
        route_is_cut=one.route_is_cut,
        text=one.text(ask.lang),
    )


def _grid(row: dict[Any, Any]) -> GridEffectShown:
    return GridEffectShown(
        grid_code=row["id"],
        before_s=seconds(row["before_ms"]),
        after_s=seconds(row["after_ms"]),
        change=row["change"],
        service=row["service"],
        persons=None if pd.isna(row["persons"]) else int(row["persons"]),
        cut_off=bool(row["cut_off"]),
    )


def seconds(time_ms: Any) -> float | None:
    """Return a time in seconds; None where there is none."""
    return None if time_ms is None or pd.isna(time_ms) else int(time_ms) / 1000
