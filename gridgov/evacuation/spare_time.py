"""Spare time of a plan: how much later than planned everybody may be told to leave."""

from __future__ import annotations

from gridgov.model.evacuation import EvacuationPlan, Flow, ProblemRecord


def spare_time_s(plan: EvacuationPlan) -> float | None:
    """Return by how many seconds the whole plan may be put off before somebody is too late; below 0: it is late now.

    Somebody is too late who leaves a zone after its deadline, or is on an edge after its closing. None: no zone that
    people leave has a deadline, and no edge that they use is closed.
    """
    deadlines = {each.zone_id: each.deadline_s for each in plan.problem.demand if each.deadline_s is not None}
    spare = [
        limit - end for flow in plan.flows if flow.persons > 0 for limit, end in _limits(flow, plan.problem, deadlines)
    ]
    return min(spare, default=None)


def _limits(flow: Flow, problem: ProblemRecord, deadlines: dict[str, float]) -> list[tuple[float, float]]:
    """Return until when, and at which moment the last of a flow are done: with their zone, and with each edge."""
    found = [(deadlines[flow.zone_id], flow.end_s)] if flow.zone_id in deadlines else []
    for edge, enter_s in zip(flow.edges, flow.enter_s, strict=True):
        closes_s = problem.closes_s[edge]
        if closes_s is not None:
            found.append((closes_s, flow.end_s + enter_s + problem.travel_time_ms[edge] / 1000))
    return found
