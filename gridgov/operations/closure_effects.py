"""封路影响: what closing roads, or opening them, does to arrivals, open incidents, grids, workers and facilities.

Before and after are worked out for one moment, with the same workers and incidents: before is the network with what is
closed then, after the same with the drafts. Nothing is kept, and nothing is closed by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.analysis.comparison import compare_times
from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.model import TravelMode
from gridgov.model.closures import Closure
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.rights import Person, Right, may, require
from gridgov.model.what_if import Scenario
from gridgov.network.closing import LAYER
from gridgov.operations.board import Board, board_of
from gridgov.operations.closed_edges import ClosedEdges, changed_edges
from gridgov.operations.closure_checks import not_then
from gridgov.operations.closure_effect_records import (
    WORST_FIRST,
    Change,
    ClosureEffects,
    EffectNote,
    EffectsSummary,
    FacilityEffect,
    IncidentEffect,
    WorkerEffect,
)
from gridgov.operations.closures import ClosureDraft, RoadsAt, book_closures, closure_of, roads_at
from gridgov.operations.coverage import MOST_MINUTES, fixed_places, grid_codes, grid_persons
from gridgov.operations.crew import Crew, crew_of
from gridgov.operations.reaching_now import Reached, measure, under_way, waiting
from gridgov.operations.scenarios import read_scenario
from gridgov.workspace import Workspace

__all__ = [
    "DRAFT",
    "ClosureEffects",
    "EffectNote",
    "EffectsSummary",
    "FacilityEffect",
    "IncidentEffect",
    "WorkerEffect",
    "closure_effects",
]

DRAFT = "draft-"
"""How the ids of drafts begin; numbers from 1 follow."""
_IDS_SAID = 5


def closure_effects(
    workspace: Workspace,
    person: Person,
    drafts: Sequence[ClosureDraft] = (),
    *,
    reopened: Sequence[str] = (),
    scenario: Scenario | str | None = None,
    when: datetime | None = None,
    limit_min: float = 15.0,
) -> ClosureEffects:
    """Return what would change if drafts were closed, closures of the books opened, or a scenario put in force.

    Parameters
    ----------
    drafts : sequence of ClosureDraft
    reopened : sequence of str
        Ids of closures on the books.
    scenario : Scenario or str, optional
        Its closures besides those on the books; or the id of one that is kept.
    when : datetime, optional
        Default the workspace's clock; where nothing of the drafts holds by then, the first moment at which one does.
    limit_min : float
        Service means to be reached within so many minutes.

    Raises
    ------
    ParameterError
        A draft's geometry, edges, factor or reason cannot be used, or the limit cannot.
    RecordNotFoundError
        There is no such closure on the books, or no such scenario.
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.LAYER_READ)
    if not 0 < limit_min <= MOST_MINUTES:
        raise ParameterError(f"the limit is {limit_min:g} minutes; give more than 0, at most {MOST_MINUTES:.0f}")
    workspace.network()  # says what is missing where there are no roads
    new, odd = _placeable(workspace, drafts, workspace.now())
    if isinstance(scenario, str):
        scenario = read_scenario(workspace, person, scenario).scenario
    new += scenario.closures if scenario else ()
    moment = when or _first_moment(new, workspace.now())
    odd += tuple(not_then(closure, moment) for closure in new if not closure.holds_at(moment))
    booked = book_closures(workspace)
    _check_reopened(reopened, booked)
    crew, board = crew_of(workspace), board_of(workspace)
    before = roads_at(workspace, crew, moment)
    kept = [closure for closure in booked if closure.closure_id not in set(reopened)]
    after = roads_at(workspace, crew, moment, closures=(*kept, *new))
    was = measure(workspace, crew.version, board, before, keep=True)
    will = measure(workspace, crew.version, board, after, keep=False)
    own = {closure.closure_id for closure in new}
    odd += tuple(f for f in after.placed.findings if f.key in own or f.detail.get("other") in own)
    seen = _Seen(workspace, person, crew, board)
    return _compared(seen, before, after, was, will, odd, round(limit_min * 60_000))


@dataclass(frozen=True)
class _Seen:
    """Who asks about what."""

    workspace: Workspace
    person: Person
    crew: Crew
    board: Board


def _placeable(
    workspace: Workspace, drafts: Sequence[ClosureDraft], now: datetime
) -> tuple[tuple[Closure, ...], tuple[Finding, ...]]:
    """Return drafts as closures; those that hold at no moment are findings."""
    closures: list[Closure] = []
    odd: list[Finding] = []
    for number, draft in enumerate(drafts, start=1):
        closure_id, start, end = f"{DRAFT}{number}", draft.valid_from or now, draft.valid_to
        if end is not None and end.tzinfo is not None and start.tzinfo is not None and end <= start:
            detail: dict[str, str | int | float] = {"start": start.isoformat(), "end": end.isoformat()}
            odd.append(
                Finding(
                    LAYER, None, "valid_to", "closure_holds_never", FindingLevel.ERROR, FindingAction.ASIDE,
                    closure_id, detail,
                )
            )  # fmt: skip
        else:
            closures.append(closure_of(workspace, draft, now, closure_id=closure_id))
    return tuple(closures), tuple(odd)


def _first_moment(closures: Sequence[Closure], now: datetime) -> datetime:
    """Return now, or the first moment at which one of the closures holds if none does now."""
    if not closures or any(closure.holds_at(now) for closure in closures):
        return now
    later = [closure.valid_from for closure in closures if closure.valid_from is not None and closure.valid_from > now]
    return min(later, default=now)


def _check_reopened(reopened: Sequence[str], booked: Sequence[Closure]) -> None:
    known = {closure.closure_id for closure in booked}
    for closure_id in reopened:
        if closure_id not in known:
            raise RecordNotFoundError(f"there is no closure '{closure_id[:40]}' on the books")


def _compared(
    seen: _Seen,
    before: RoadsAt,
    after: RoadsAt,
    was: Reached,
    will: Reached,
    odd: tuple[Finding, ...],
    limit_ms: int,
) -> ClosureEffects:
    edges = changed_edges(before.networks, after.networks)
    grids = _grids(seen, was, will, limit_ms)
    incidents = _incidents(seen, was, will)
    workers = tuple(_workers(seen, was, will))
    facilities = _facilities(seen, was, will)
    return ClosureEffects(
        when=before.when,
        limit_ms=limit_ms,
        before=before.placed.closures,
        after=after.placed.closures,
        edges=edges,
        findings=odd,
        notes=tuple(_notes(seen, will, incidents, workers)),
        grids=grids,
        incidents=incidents,
        workers=workers,
        facilities=facilities,
        summary=_summary(seen, edges, grids, incidents, workers, facilities, was),
    )


def _grids(seen: _Seen, was: Reached, will: Reached, limit_ms: int) -> pd.DataFrame:
    has_grids = seen.workspace.has("grids")
    codes = grid_codes(seen.workspace) if has_grids else np.zeros(0, dtype=object)
    frame = compare_times(codes.tolist(), was.grid_ms, will.grid_ms, limit_ms=limit_ms)
    frame["persons"] = grid_persons(seen.workspace) if has_grids else np.zeros(0)
    frame["cut_off"] = was.grid_joined & ~will.grid_joined
    return frame


def _incidents(seen: _Seen, was: Reached, will: Reached) -> tuple[IncidentEffect, ...]:
    """Return the incidents for which something changes, the worst first."""
    board = seen.board
    sent = under_way(board)
    mine = board.seen_by(seen.person) & (waiting(board) | sent)
    differs = (was.incident_ms != will.incident_ms) | (was.incident_worker != will.incident_worker)
    known = _known_workers(seen)
    effects = [_incident(seen, was, will, row, sent[row], known) for row in np.flatnonzero(mine & differs).tolist()]
    return tuple(sorted(effects, key=_badness))


def _badness(effect: IncidentEffect) -> tuple[int, int, int, str]:
    return WORST_FIRST[effect.change], -effect.severity, -(effect.delay_ms or 0), effect.incident_id


def _known_workers(seen: _Seen) -> NDArray[np.bool_]:
    """Return which workers may be named; whoever may send workers also sees those of neighbouring areas."""
    if may(seen.person, Right.DISPATCH_PLAN):
        return np.ones(len(seen.crew), dtype=np.bool_)
    return seen.crew.seen_by(seen.person, Right.WORKER_READ)


def _incident(
    seen: _Seen, was: Reached, will: Reached, row: int, is_sent: np.bool_, known: NDArray[np.bool_]
) -> IncidentEffect:
    board, before, after = seen.board, int(was.incident_ms[row]), int(will.incident_ms[row])
    one, other = int(was.incident_worker[row]), int(will.incident_worker[row])
    names = seen.crew.roster.worker_id
    return IncidentEffect(
        incident_id=str(board["incident_id"][row]),
        state=str(board["state"][row]),
        severity=int(board["severity"][row]),
        grid_code=str(board["grid_code"][row]),
        lon=float(board["lon"][row]),
        lat=float(board["lat"][row]),
        is_under_way=bool(is_sent),
        before_ms=None if before < 0 else before,
        after_ms=None if after < 0 else after,
        change=_change(before, after),
        worker_before=str(names[one]) if one >= 0 and known[one] else "",
        worker_after=str(names[other]) if other >= 0 and known[other] else "",
        is_other_worker=one >= 0 and other >= 0 and one != other,
        reason=_reason(will, row, one if is_sent else -1) if before >= 0 and after < 0 else "",
    )


def _change(before: int, after: int) -> Change:
    if before >= 0 and after < 0:
        return "cut_off"
    if before < 0:
        return "restored"
    if after == before:
        return "same"
    return "later" if after > before else "earlier"


def _reason(will: Reached, row: int, worker: int) -> str:
    """Return why nobody, or not the worker under way, reaches an incident any more."""
    if will.incident_on_closed_road[row]:
        return "on_closed_road"
    if worker >= 0 and will.worker_on_closed_road[worker]:
        return "worker_on_closed_road"
    if worker >= 0 and not will.worker_joined[worker]:
        return "worker_stranded"
    return "no_way"


def _workers(seen: _Seen, was: Reached, will: Reached) -> Iterator[WorkerEffect]:
    """Yield the workers who are cut off, by id, then those who are so no more."""
    roster, mine = seen.crew.roster, seen.crew.seen_by(seen.person, Right.WORKER_READ)
    lost, back = mine & was.worker_joined & ~will.worker_joined, mine & ~was.worker_joined & will.worker_joined
    for rows, is_lost in ((np.flatnonzero(lost), True), (np.flatnonzero(back), False)):
        for row in sorted(rows.tolist(), key=lambda row: str(roster.worker_id[row])):
            reason = "on_closed_road" if will.worker_on_closed_road[row] else "island"
            yield WorkerEffect(
                worker_id=str(roster.worker_id[row]),
                name=str(roster.name[row]),
                mode=TravelMode(roster.mode[row]),
                lon=float(roster.lon[row]),
                lat=float(roster.lat[row]),
                reason=reason if is_lost else "restored",
            )


def _facilities(seen: _Seen, was: Reached, will: Reached) -> tuple[FacilityEffect, ...]:
    effects = []
    for category, had in was.facility_joined.items():
        ids, _ = fixed_places(seen.workspace, category, TravelMode.DRIVE)
        has = will.facility_joined[category]
        lost, back = (tuple(sorted(ids[rows].tolist())) for rows in (had & ~has, ~had & has))
        if lost or back:
            effects.append(FacilityEffect(category, len(ids), lost, back))
    return tuple(sorted(effects, key=lambda effect: (-len(effect.cut_off), effect.category)))


def _notes(
    seen: _Seen, will: Reached, incidents: tuple[IncidentEffect, ...], workers: tuple[WorkerEffect, ...]
) -> Iterator[EffectNote]:
    if not len(seen.crew):
        yield EffectNote("no_workers")
    elif not will.able.any():
        yield EffectNote("nobody_can_go", {"considered": len(seen.crew)})
    if not seen.workspace.has("grids"):
        yield EffectNote("no_grids")
    cut = [effect for effect in incidents if effect.change == "cut_off"]
    closed_in = [effect.incident_id for effect in cut if effect.reason == "on_closed_road"]
    for code, ids in (
        ("incidents_on_closed_road", closed_in),
        ("incidents_cut_off", [effect.incident_id for effect in cut if effect.reason != "on_closed_road"]),
        ("workers_cut_off", [effect.worker_id for effect in workers if effect.reason != "restored"]),
    ):
        if ids:
            yield EffectNote(code, {"count": len(ids), "ids": ", ".join(ids[:_IDS_SAID])})


def _summary(
    seen: _Seen,
    edges: ClosedEdges,
    grids: pd.DataFrame,
    incidents: tuple[IncidentEffect, ...],
    workers: tuple[WorkerEffect, ...],
    facilities: tuple[FacilityEffect, ...],
    was: Reached,
) -> EffectsSummary:
    changes = [effect.change for effect in incidents]
    board = seen.board
    mine = board.seen_by(seen.person) & (waiting(board) | under_way(board))
    lost, cut = (grids["service"] == "lost").to_numpy(), grids["cut_off"].to_numpy(dtype=bool)
    persons = grids["persons"].to_numpy(dtype=float)
    return EffectsSummary(
        edges=len(edges),
        streets=edges.streets,
        length_m=edges.length_m,
        incidents=int(mine.sum()),
        incidents_cut_off=changes.count("cut_off"),
        incidents_later=changes.count("later"),
        incidents_better=changes.count("earlier") + changes.count("restored"),
        incidents_other_worker=sum(effect.is_other_worker for effect in incidents),
        incidents_without_position=int((mine & under_way(board) & (was.incident_worker < 0)).sum()),
        workers_cut_off=sum(effect.reason != "restored" for effect in workers),
        grids_cut_off=int(cut.sum()),
        grids_lost=int(lost.sum()),
        grids_gained=int((grids["service"] == "gained").sum()),
        grids_later=int((grids["change"] == "later").sum()),
        persons_lost=round(float(np.nansum(persons[lost]))),
        persons_cut_off=round(float(np.nansum(persons[cut]))),
        grids_lost_without_population=int(np.isnan(persons[lost]).sum()),
        facilities_cut_off=sum(len(effect.cut_off) for effect in facilities),
    )
