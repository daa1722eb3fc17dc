"""疏散方案的展示: a plan over time (who is inside, on the road, safe), its roads and queues, departures, comparison.

Everything is derived from the kept plan document and made once for each plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.evacuation import EvacuationParams
from gridgov.evacuation.nearest_shelter import NearestShelter, nearest_shelter
from gridgov.evacuation.replay import Replay, replay_plan
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.evacuations import PLANNED, Evacuation
from gridgov.model.rights import Person, Right, require
from gridgov.operations.bus_input import BusQuery
from gridgov.operations.evacuating import RecordedEvacuation, read_evacuation, read_plan
from gridgov.operations.evacuation_input import EvacuationQuery, evacuation_input
from gridgov.operations.evacuation_runs import EvacuationRun, run_of
from gridgov.operations.hazards import check_hazard_area, read_hazard
from gridgov.operations.kept_answers import KeptAnswers
from gridgov.workspace import Workspace

_MOST_KEPT = 16
_MOST_QUEUES = 400  # roads with queues that the map shows
_PACKETS = 100_000
_PREVIEW_PACKETS = 20_000  # of a plan that is still being made: beside its computation
_T = TypeVar("_T")
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as the page shows it; people everywhere, seconds after the order.

    Attributes
    ----------
    time_s, inside, on_road, safe : float arrays, shape (moments,)
        The clearance curve of the replay, with those whom the plan cannot help among the people inside and those who
        stand before a closed road among the people on the road.
    shelters : DataFrame
        shelter_id, persons, capacity_persons, share, full_after_s (missing: never full), the fullest first.
    departures : DataFrame
        zone_id, persons, first_s, last_s (leaving), arrive_s (the last one), shelters (tuple of ids), routes, unmet;
        those who leave first on top.
    roads : DataFrame
        edge, persons, from_s, to_s: the roads that the plan uses, the busiest first.
    queues : DataFrame
        edge, most_vehicles, from_s, to_s: where people wait in the replay, the longest first.
    bottlenecks : DataFrame
        edge, name, minutes_saved_per_lane, lon, lat.
    """

    recorded: RecordedEvacuation
    plan: EvacuationPlan
    replay: Replay
    time_s: _Floats
    inside: _Floats
    on_road: _Floats
    safe: _Floats
    shelters: pd.DataFrame
    departures: pd.DataFrame
    roads: pd.DataFrame
    queues: pd.DataFrame
    bottlenecks: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of a plan: people inside, on the road and safe."""

    time_s: float
    inside: float
    on_road: float
    safe: float


def plan_view(workspace: Workspace, person: Person, evacuation_id: str) -> PlanView:
    """Return a kept plan as a page shows it.

    Raises
    ------
    RecordNotFoundError
        There is no such evacuation.
    StorageError
        Its document is missing or was changed.
    """
    recorded = read_evacuation(workspace, person, evacuation_id)
    made: PlanView = _answers(workspace).get(
        f"view/{recorded.evacuation.digest}",
        lambda: _view(workspace, recorded, read_plan(workspace, person, evacuation_id)),
    )
    return made


def running_view(workspace: Workspace, person: Person, run_id: str) -> PlanView | None:
    """Return the best plan so far of a computation as a page shows it; None before there is one.

    Its fingerprint is that of the computation and of its answer; the plan is on no books yet.

    Raises
    ------
    RightsError
        The person may not plan evacuations.
    RecordNotFoundError
        There is no such computation.
    """
    run = run_of(workspace, person, run_id)
    plan, number = run.best, len(run.steps)
    if plan is None:
        return None
    recorded = _unkept(run, plan, f"{run_id}-{number}")
    return _answers(workspace).get(
        f"running/{recorded.evacuation.digest}", lambda: _view(workspace, recorded, plan, packets=_PREVIEW_PACKETS)
    )


def _unkept(run: EvacuationRun, plan: EvacuationPlan, digest: str) -> RecordedEvacuation:
    evacuation = Evacuation(
        evacuation_id=run.run_id,
        hazard_id=run.hazard_id,
        hazard_revision=0,
        digest=digest,
        clearance_time_s=plan.clearance_time_s,
        lower_bound_s=plan.lower_bound_s,
        gap=plan.gap,
        persons=sum(each.persons for each in plan.problem.demand),
        unmet_persons=plan.unmet_persons,
        zones=len(plan.problem.demand),
        shelters=len(plan.problem.shelters),
    )
    return RecordedEvacuation(evacuation, PLANNED, run.started_by, run.started_at, None, "", run.started_at)


def moment_of(view: PlanView, time_s: float) -> Moment:
    """Return where people are at a moment."""
    at = [float(np.interp(time_s, view.time_s, values)) for values in (view.inside, view.on_road, view.safe)]
    return Moment(time_s, *at)


def compare_with_nearest(
    workspace: Workspace, person: Person, evacuation_id: str, *, now: datetime | None = None
) -> NearestShelter:
    """Return what happens when everyone goes to the nearest shelter instead, on the same roads.

    Raises
    ------
    See `plan_view` and `evacuation_input`.
    """
    require(person, Right.EVACUATION_WRITE)
    recorded = read_evacuation(workspace, person, evacuation_id)
    evacuation = recorded.evacuation
    check_hazard_area(workspace, person, read_hazard(workspace, person, evacuation.hazard_id).hazard)
    given = evacuation.query
    query = EvacuationQuery(
        hazard_id=evacuation.hazard_id,
        params=EvacuationParams(**given["params"]),
        roads_close=given["roads_close"],
        shelters_out=tuple(given["shelters_out"]),
        places=given["places"],
        closed_edges=tuple(given["closed_edges"]),
        buses=BusQuery.from_dict(given["buses"]) if given.get("buses") else None,
    )

    def compare() -> NearestShelter:
        asked = evacuation_input(workspace, person, query, now=now or recorded.at)
        return nearest_shelter(
            asked.network,
            asked.demand,
            asked.shelters,
            query.params,
            edge_closes_s=asked.closes_s,
            packets=_PACKETS,
        )

    made: NearestShelter = _answers(workspace).get(f"nearest/{evacuation.digest}", compare)
    return made


def nearest_known(workspace: Workspace, recorded: RecordedEvacuation) -> tuple[_Floats, _Floats] | None:
    """Return how many are safe when (seconds, persons) with everyone to the nearest shelter, if it was compared."""
    made = _answers(workspace).known(f"nearest/{recorded.evacuation.digest}")
    if made is None:
        return None
    given = recorded.evacuation.query["params"]
    each = 1.0 if given["mode"] == "walk" else float(given["occupancy_persons_per_vehicle"])
    return made.replay.moments_s, made.replay.safe * each


def kept_answer(workspace: Workspace, key: str, make: Callable[[], _T]) -> _T:
    """Return what was made of a plan, made once."""
    return _answers(workspace).get(key, make)


def _view(
    workspace: Workspace, recorded: RecordedEvacuation, plan: EvacuationPlan, *, packets: int = _PACKETS
) -> PlanView:
    network = workspace.network()
    replay = replay_plan(plan, length_m=network.length_m, packets=packets)
    each = plan.occupancy_persons_per_vehicle
    inside = replay.inside * each + plan.unmet_persons
    return PlanView(
        recorded,
        plan,
        replay,
        replay.moments_s,
        inside,
        replay.on_road * each,
        replay.safe * each,
        _shelters(plan, replay),
        _departures(plan),
        _roads(plan),
        _queues(replay),
        _bottlenecks(workspace, plan),
    )


def _shelters(plan: EvacuationPlan, replay: Replay) -> pd.DataFrame:
    """Return how full each shelter becomes, and when."""
    load = replay.shelter_load * plan.occupancy_persons_per_vehicle
    places = np.array([shelter.capacity_persons for shelter in plan.problem.shelters], dtype=float)
    final = load[-1] if len(load) else np.zeros(len(places))
    full = load >= 0.995 * places
    first = np.where(full.any(axis=0) & (places > 0), replay.moments_s[full.argmax(axis=0)], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(places > 0, final / places, 0.0)
    frame = pd.DataFrame(
        {
            "shelter_id": [shelter.shelter_id for shelter in plan.problem.shelters],
            "persons": final,
            "capacity_persons": places,
            "share": share,
            "full_after_s": first,
        }
    )
    return frame.sort_values(["share", "shelter_id"], ascending=[False, True]).reset_index(drop=True)


def _departures(plan: EvacuationPlan) -> pd.DataFrame:
    travel = np.array(plan.problem.travel_time_ms, dtype=float) / 1000
    rows: dict[str, dict[str, Any]] = {}
    for flow in plan.flows:
        row = rows.setdefault(
            flow.zone_id,
            {"persons": 0.0, "first_s": np.inf, "last_s": 0.0, "arrive_s": 0.0, "shelters": {}, "routes": set()},
        )
        on_way = flow.enter_s[-1] + travel[flow.edges[-1]] if flow.edges else 0.0
        row["persons"] += flow.persons
        row["first_s"], row["last_s"] = min(row["first_s"], flow.start_s), max(row["last_s"], flow.end_s)
        row["arrive_s"] = max(row["arrive_s"], flow.end_s + on_way)
        row["shelters"][flow.shelter_id] = row["shelters"].get(flow.shelter_id, 0.0) + flow.persons
        row["routes"].add(flow.edges)
    unmet: dict[str, float] = {}
    for left in plan.unmet:
        unmet[left.zone_id] = unmet.get(left.zone_id, 0.0) + left.persons
    table = [_departure(zone, rows.get(zone), unmet.get(zone, 0.0)) for zone in {**rows, **unmet}]
    columns = ["zone_id", "persons", "first_s", "last_s", "arrive_s", "shelters", "routes", "unmet"]
    frame = pd.DataFrame(table, columns=columns)
    return frame.sort_values(["first_s", "zone_id"], na_position="last").reset_index(drop=True)


def _departure(zone: str, row: dict[str, Any] | None, unmet: float) -> tuple[Any, ...]:
    if row is None:
        return zone, 0.0, np.nan, np.nan, np.nan, (), 0, unmet
    shelters = tuple(sorted(row["shelters"], key=lambda each: -row["shelters"][each]))
    return (
        zone, row["persons"], row["first_s"], row["last_s"], row["arrive_s"], shelters, len(row["routes"]), unmet,
    )  # fmt: skip


def _roads(plan: EvacuationPlan) -> pd.DataFrame:
    edge = np.array([edge for flow in plan.flows for edge in flow.edges], dtype=np.int64)
    enter = np.array([enter for flow in plan.flows for enter in flow.enter_s], dtype=float)
    length = [len(flow.edges) for flow in plan.flows]
    start, end, persons = (
        np.repeat(np.array([getattr(flow, name) for flow in plan.flows], dtype=float), length)
        for name in ("start_s", "end_s", "persons")
    )
    frame = pd.DataFrame({"edge": edge, "persons": persons, "from_s": start + enter, "to_s": end + enter})
    grouped = frame.groupby("edge", as_index=False).agg({"persons": "sum", "from_s": "min", "to_s": "max"})
    return grouped.sort_values(["persons", "edge"], ascending=[False, True]).reset_index(drop=True)


def _queues(replay: Replay) -> pd.DataFrame:
    queues = replay.queues[:_MOST_QUEUES]
    waiting = queues >= 1.0
    used = waiting.any(axis=1)
    width = replay.queue_s
    last = queues.shape[1] - waiting[:, ::-1].argmax(axis=1) if queues.size else np.zeros(0)
    return pd.DataFrame(
        {
            "edge": replay.queue_edges[:_MOST_QUEUES][used],
            "most_vehicles": queues.max(axis=1, initial=0.0)[used],
            "from_s": (waiting.argmax(axis=1) * width)[used] if queues.size else [],
            "to_s": (last * width)[used],
        }
    )


def _bottlenecks(workspace: Workspace, plan: EvacuationPlan) -> pd.DataFrame:
    network = workspace.network()
    rows = []
    for limit in plan.bottlenecks:
        lon, lat = network.point_on_edge(limit.edge, 0.5)
        rows.append((limit.edge, network.street_name(limit.edge), limit.minutes_saved_per_lane, lon, lat))
    return pd.DataFrame(rows, columns=["edge", "name", "minutes_saved_per_lane", "lon", "lat"])


def _answers(workspace: Workspace) -> KeptAnswers:
    return workspace.cached("evacuation_answers", lambda: KeptAnswers(_MOST_KEPT))
