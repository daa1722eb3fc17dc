"""Check an evacuation plan and the proof of its bound with code of its own: numpy only, nothing of the solver.

Usage: python -m gridgov.verify_plan FILE
FILE is a document of the schema gridgov-plan/1, plain or gzip. Exit code 0: plan and bound hold; 1: they do not, and
the findings say what, where, when and how much; 2: the file cannot be read.

The rules. A flow sends `rate_vph` during [start_s, end_s); it enters edge i `enter_s[i]` seconds later and leaves it
after the edge's travel time. It may wait at a crossing (enter_s may grow by more than the travel time), as traffic in a
time-expanded network may; the bound holds for that too. On every edge the flows of all zones together keep the capacity
at every moment. Nobody is on an edge after it closes, nobody leaves a zone after its deadline. A zone on its shelter's
own node needs no edges and no time. Every person is in a flow or in `unmet`; `no_route` and `no_place` are believed
where the network and the plan show them: no open road leads to any shelter, however many places it has (or, if there is
no shelter at all, away from the zone), or one does, but no place is free; `too_late` only where something closes or a
deadline stands: that nobody more could have been saved in time is not proved here.

The bound. Let a vehicle have passed the cut at node v from time α(v) on. Until time T at most

    Σ capacity · max(0, min(α(head), closes) - α(tail) - time) + vehicles of zones with α > 0 + places where α < T

vehicles can be safe (weak duality in the network expanded over time, Hoppe and Tardos 2000). If that is less than what
has to be saved, everyone who is not in `unmet`, then no plan is done by T = lower_bound_s.

Getting ready. With `params.mobilisation` at most the share ready(t) of a zone's persons may have left by t:
rayleigh 1 - exp(-t²/2s²), logit 1/(1 + exp(-4.4 (t - s)/s)) scaled to 0 at t = 0, s = `mobilisation_s`; from 0.999 on
all. In the sum above a zone that is not at a shelter's node counts with ready(α) of its persons, if those are less.

What is taken for rounding: 0.01 persons, one millisecond, on each edge 0.05 vehicles above its capacity in all, and of
those who are not ready one in a thousand of their zone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gridgov.verify_plan_document import (
    Bools,
    Floats,
    Flows,
    Ints,
    MalformedError,
    PlanFileError,
    Problem,
    Unmet,
    list_of,
    number_of,
    numbers,
    object_of,
    read_document,
    read_flows,
    read_problem,
    read_unmet,
    shortened,
    whole_numbers,
)

SCHEMA = "gridgov-plan/1"
PERSONS, SECONDS, VEHICLES, SHARE = 0.01, 1e-3, 0.05, 1e-6
STEEPNESS, ALL_READY, READY, MOMENTS = 4.4, 0.999, 1e-3, 200
MOST_SHOWN = 5

FAULTS = {
    "malformed": "{where}: {what}",
    "digest": "the embedded problem was changed: its digest is {found}, the document says {said}",
    "wrong_start": "flow {flow} of zone {zone} begins on edge {edge} at node {found}, but the zone lies at node {node}",
    "not_joined": "flow {flow} of zone {zone}: edge {edge} does not begin where edge {before} ends",
    "wrong_end": "flow {flow} of zone {zone} ends at node {found}, but shelter {shelter} lies at node {node}",
    "never_open": "flow {flow} of zone {zone} uses edge {edge}, which is closed all the time",
    "no_rate": "flow {flow} of zone {zone} moves nobody in a positive time",
    "too_early": "flow {flow} of zone {zone} enters edge {edge} {short_s:.3f} s before it can be there",
    "after_closing": "flow {flow} of zone {zone} is on edge {edge} until {at_s:.1f} s; it closes at {closes_s:.1f} s",
    "after_deadline": "flow {flow} leaves zone {zone} until {at_s:.1f} s, after its deadline {deadline_s:.1f} s",
    "not_ready": "zone {zone}: {persons:.2f} persons have left by {at_s:.1f} s, only {ready:.2f} are ready",
    "over_capacity": (
        "edge {edge} carries {vph:.1f} vehicles/h at {at_s:.1f} s, more than its {capacity_vph:.1f}; "
        "{vehicles:.2f} vehicles too many in all"
    ),
    "wrong_persons": "flow {flow} of zone {zone}: rate and times give {found:.2f} persons, it says {said:.2f}",
    "persons_lost": "zone {zone} has {persons:.2f} persons, but {found:.2f} are in flows or unmet",
    "shelter_full": "shelter {shelter} gets {found:.2f} persons, it has {places:.2f} places",
    "too_many_routes": "zone {zone} has {found} routes, at most {most} are allowed",
    "clearance": "the last arrival is at {found:.3f} s, clearance_time_s says {said:.3f}",
    "unmet_sum": "{found:.2f} persons are listed as unmet, unmet_persons says {said:.2f}",
    "has_route": "zone {zone}: {persons:.2f} persons are unmet as no_route, but a shelter can be reached",
    "has_no_route": "zone {zone}: {persons:.2f} persons are unmet as no_place, but no road leads to any shelter",
    "has_place": "zone {zone}: {persons:.2f} persons are unmet as no_place, but shelter {shelter} has {free:.2f} left",
    "not_late": "zone {zone}: {persons:.2f} persons are unmet as too_late, but nothing closes and no deadline stands",
    "gap": "clearance and bound give a gap of {found:.6f}, the document says {said:.6f}",
    "gap_unknown": "the document states a gap, but claims no bound that it could be a gap to",
    "above_plan": "the bound {bound_s:.3f} s is above the plan's own {clearance_s:.3f} s",
    "not_proved": (
        "the bound is not proved: {value:.3f} vehicles can be safe by {bound_s:.3f} s, and only {needed:.3f} have to be"
    ),
    "value": "the certificate's {name} is {said:.3f}, the problem gives {found:.3f}",
    "more": "and {count} more of this kind: {kind}",
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: its code (a key of `FAULTS`) and the values of its sentence."""

    code: str
    fields: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return one sentence."""
        return FAULTS[self.code].format(**self.fields)


@dataclass(frozen=True)
class Verdict:
    """What was found, and what was counted on the way (figures, none of them believed from the document)."""

    findings: tuple[Finding, ...]
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether plan and bound hold."""
        return not self.findings


def verify_file(path: Path) -> Verdict:
    """Verify a plan in a file.

    Raises
    ------
    PlanFileError
        The file is missing, is no JSON, is too large, or holds no plan.
    """
    return verify_document(read_document(path))


def verify_document(document: dict[str, Any]) -> Verdict:
    """Verify a plan.

    Raises
    ------
    PlanFileError
        It is no document of the schema.
    """
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise PlanFileError(f"this is no plan: it has no schema {SCHEMA}")
    try:
        return _verified(document)
    except MalformedError as error:
        where, what = error.args
        return Verdict((Finding("malformed", {"where": where, "what": what}),))


def _verified(document: dict[str, Any]) -> Verdict:
    table = object_of(document, "problem")
    problem = read_problem(table)
    occupancy = _occupancy(document)
    flows = read_flows(document, problem)
    unmet = read_unmet(document, problem)
    clearance_s, bound_s = number_of(document, "clearance_time_s"), number_of(document, "lower_bound_s")
    findings = _digest(table)
    findings += _ways(flows, problem)
    if not findings:  # what follows needs routes that are routes
        findings += _windows(flows, problem, occupancy)
        findings += _capacity(flows, problem)
        findings += _people(document, flows, problem, unmet)
        findings += _not_ready(document, flows, problem)
        findings += _routes(document, flows, problem)
    last_s, waited = _last_arrival(flows, problem), _waiting(flows, problem)
    if abs(last_s - clearance_s) > SECONDS:
        findings.append(Finding("clearance", {"found": last_s, "said": clearance_s}))
    proof = _bound(document, problem, unmet, occupancy, bound_s)
    findings += proof + _gap(document, clearance_s, bound_s)
    facts = {"zones": len(problem.zone_ids), "flows": len(flows.zone), "clearance_s": last_s, "bound_s": bound_s}
    facts |= {"persons": float(flows.persons.sum()), "unmet": float(unmet[1].sum()), "waited_vehicle_s": waited}
    return Verdict(tuple(findings), facts)


def _occupancy(document: dict[str, Any]) -> float:
    """Return the persons in a vehicle, which the parameters must not contradict (on foot everybody counts as one)."""
    occupancy = number_of(document, "occupancy_persons_per_vehicle", least=1e-9)
    params = document.get("params")
    if isinstance(params, dict) and "occupancy_persons_per_vehicle" in params:
        asked = number_of(params, "occupancy_persons_per_vehicle", least=1e-9, where="params.")
        wanted = 1.0 if params.get("mode") == "walk" else asked
        if abs(wanted - occupancy) > SHARE * occupancy:
            what = f"{occupancy:g} contradicts the parameters, by which {wanted:g} go in a vehicle"
            raise MalformedError("occupancy_persons_per_vehicle", what)
    return occupancy


def _digest(table: dict[str, Any]) -> list[Finding]:
    """The problem is the one whose fingerprint the document names."""
    content = {name: value for name, value in table.items() if name != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    found = "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    said = table.get("digest")
    return [] if said == found else [Finding("digest", {"found": found, "said": shortened(said)})]


# What the plan does


def _ways(flows: Flows, problem: Problem) -> list[Finding]:
    """Routes lead from the zone to the shelter, over edges that exist and are open at all."""
    tail, head = problem.tail[flows.edge], problem.head[flows.edge]
    last = np.cumsum(flows.length) - 1
    first = last - flows.length + 1
    empty = flows.length == 0
    start, end = problem.zone_node[flows.zone], problem.shelter_node[flows.shelter]
    goes = ~empty
    from_node, to_node = start.copy(), start.copy()
    from_node[goes], to_node[goes] = tail[first[goes]], head[last[goes]]
    inner = np.flatnonzero((flows.flow[1:] == flows.flow[:-1]) & (tail[1:] != head[:-1])) + 1

    def of(flow: int, **fields: Any) -> dict[str, Any]:
        return {"flow": flow, "zone": problem.zone_ids[flows.zone[flow]], **fields}

    def begins(f: int) -> dict[str, Any]:
        return of(f, edge=int(flows.edge[first[f]]), found=int(from_node[f]), node=int(start[f]))

    def joins(i: int) -> dict[str, Any]:
        return of(int(flows.flow[i]), edge=int(flows.edge[i]), before=int(flows.edge[i - 1]))

    def ends(f: int) -> dict[str, Any]:
        return of(f, found=int(to_node[f]), node=int(end[f]), shelter=problem.shelter_ids[flows.shelter[f]])

    def closed(i: int) -> dict[str, Any]:
        return of(int(flows.flow[i]), edge=int(flows.edge[i]))

    found = _listed("wrong_start", np.flatnonzero(from_node != start), begins)
    found += _listed("not_joined", inner, joins)
    found += _listed("wrong_end", np.flatnonzero(to_node != end), ends)
    return found + _listed("never_open", np.flatnonzero(np.isinf(problem.time_s[flows.edge])), closed)


def _windows(flows: Flows, problem: Problem, occupancy: float) -> list[Finding]:
    """Nobody is faster than the edges, on an edge that has closed, or late from the zone; rates give the persons."""
    time_s = problem.time_s[flows.edge]
    begins = np.r_[True, flows.flow[1:] != flows.flow[:-1]][: len(flows.edge)]
    ready_s = np.where(begins, 0.0, np.r_[0.0, (flows.enter_s + time_s)[:-1]][: len(flows.edge)])
    short_s = ready_s - flows.enter_s
    out_s = flows.end_s[flows.flow] + flows.enter_s + time_s
    travels = flows.length > 0
    made = flows.rate * (flows.end_s - flows.start_s) * occupancy
    lasts = (flows.end_s > flows.start_s) & (flows.rate > 0)
    off = np.abs(made - flows.persons) > PERSONS + SHARE * flows.persons
    zone = [problem.zone_ids[z] for z in flows.zone]
    late = flows.end_s > problem.deadline_s[flows.zone] + SECONDS

    def step(i: int, **fields: Any) -> dict[str, Any]:
        return {"flow": int(flows.flow[i]), "zone": zone[flows.flow[i]], "edge": int(flows.edge[i]), **fields}

    def closing(i: int) -> dict[str, Any]:
        return step(i, at_s=float(out_s[i]), closes_s=float(problem.closes_s[flows.edge[i]]))

    def deadline(f: int) -> dict[str, Any]:
        limit = float(problem.deadline_s[flows.zone[f]])
        return {"flow": f, "zone": zone[f], "at_s": float(flows.end_s[f]), "deadline_s": limit}

    def persons(f: int) -> dict[str, Any]:
        return {"flow": f, "zone": zone[f], "found": float(made[f]), "said": float(flows.persons[f])}

    found = _listed("no_rate", np.flatnonzero(travels & ~lasts), lambda f: {"flow": f, "zone": zone[f]})
    found += _listed("too_early", np.flatnonzero(short_s > SECONDS), lambda i: step(i, short_s=float(short_s[i])))
    found += _listed("after_closing", np.flatnonzero(out_s > problem.closes_s[flows.edge] + SECONDS), closing)
    found += _listed("after_deadline", np.flatnonzero(late), deadline)
    return found + _listed("wrong_persons", np.flatnonzero(travels & off), persons)


def _ready(document: dict[str, Any], at_s: Floats) -> Floats:
    """Return the share of people who may have left by each moment."""
    params = document.get("params")
    kind = params.get("mobilisation", "at_once") if isinstance(params, dict) else "at_once"
    if kind == "at_once":
        return np.where(at_s > 0, 1.0, 0.0)
    if kind not in ("rayleigh", "logit") or not isinstance(params, dict):
        raise MalformedError("params.mobilisation", f"{shortened(kind)} is none of at_once, rayleigh, logit")
    scale = number_of(params, "mobilisation_s", least=1e-3, where="params.")
    late = np.maximum(at_s, 0.0) / scale
    if kind == "rayleigh":
        share = 1.0 - np.exp(-0.5 * np.minimum(late, 1e3) ** 2)
    else:
        begin = 1.0 / (1.0 + np.exp(STEEPNESS))
        share = (1.0 / (1.0 + np.exp(-STEEPNESS * (np.minimum(late, 1e3) - 1.0))) - begin) / (1.0 - begin)
    return np.where(share >= ALL_READY, 1.0, share)


def _not_ready(document: dict[str, Any], flows: Flows, problem: Problem) -> list[Finding]:
    """Nobody leaves before being ready, looked at when windows begin and end and at moments between."""
    params = document.get("params")
    if not isinstance(params, dict) or params.get("mobilisation", "at_once") == "at_once":
        return []
    findings = []
    travels = flows.length > 0
    for z in np.unique(flows.zone[travels]).tolist():
        own = np.flatnonzero(travels & (flows.zone == z))
        start, end, persons = flows.start_s[own], flows.end_s[own], flows.persons[own]
        moments = np.unique(np.r_[start, end, np.linspace(0.0, end.max(), MOMENTS)])
        left = np.zeros(len(moments))
        for begin, stop, amount in zip(start.tolist(), end.tolist(), persons.tolist(), strict=True):
            left += amount * np.clip((moments - begin) / max(stop - begin, SECONDS), 0.0, 1.0)
        ready = _ready(document, moments) * float(problem.zone_persons[z])
        worst = int(np.argmax(left - ready))
        if left[worst] > ready[worst] + PERSONS + READY * float(problem.zone_persons[z]):
            fields = {"zone": problem.zone_ids[z], "persons": float(left[worst]), "at_s": float(moments[worst])}
            findings.append(Finding("not_ready", {**fields, "ready": float(ready[worst])}))
    return findings[:MOST_SHOWN]


def _capacity(flows: Flows, problem: Problem) -> list[Finding]:
    """All flows together keep every edge's capacity at every moment."""
    if not len(flows.edge):
        return []
    begin, end = flows.start_s[flows.flow] + flows.enter_s, flows.end_s[flows.flow] + flows.enter_s
    rate = flows.rate[flows.flow]
    edge, at_s, change = np.r_[flows.edge, flows.edge], np.r_[begin, end], np.r_[rate, -rate]
    order = np.lexsort((at_s, edge))
    edge, at_s, change = edge[order], at_s[order], change[order]
    first = np.r_[True, edge[1:] != edge[:-1]]
    total = np.cumsum(change)
    before = np.r_[0.0, total[:-1]][first]
    load = total - before[np.cumsum(first) - 1]
    lasts = np.r_[np.where(first[1:], 0.0, np.diff(at_s)), 0.0]
    above = np.maximum(0.0, load - problem.capacity[edge] * (1 + 1e-9) - 1e-12) * lasts
    excess = np.bincount(edge, weights=above, minlength=len(problem.tail))
    worst = np.lexsort((-above, edge))
    place = dict(zip(edge[worst][np.r_[True, np.diff(edge[worst]) > 0]].tolist(),
                     worst[np.r_[True, np.diff(edge[worst]) > 0]].tolist(), strict=True))  # fmt: skip

    def over(e: int) -> dict[str, Any]:
        vph, at = load[place[e]] * 3600, at_s[place[e]]
        return {"edge": e, "vph": float(vph), "at_s": float(at), "capacity_vph": float(problem.capacity[e] * 3600),
                "vehicles": float(excess[e])}  # fmt: skip

    wrong = np.flatnonzero(excess > VEHICLES)
    return _listed("over_capacity", wrong[np.argsort(-excess[wrong], kind="stable")], over)


def _people(document: dict[str, Any], flows: Flows, problem: Problem, unmet: Unmet) -> list[Finding]:
    """Everyone is in a flow or unmet for a reason that shows, and no shelter is overfilled."""
    n_zones, n_shelters = len(problem.zone_ids), len(problem.shelter_ids)
    found_in = np.bincount(flows.zone, weights=flows.persons, minlength=n_zones)
    found_in = found_in + np.bincount(unmet[0], weights=unmet[1], minlength=n_zones)
    arrived = np.bincount(flows.shelter, weights=flows.persons, minlength=n_shelters)
    lost = np.flatnonzero(np.abs(found_in - problem.zone_persons) > PERSONS)
    full = np.flatnonzero(arrived > problem.places + PERSONS)

    def persons(z: int) -> dict[str, Any]:
        return {"zone": problem.zone_ids[z], "persons": float(problem.zone_persons[z]), "found": float(found_in[z])}

    def places(s: int) -> dict[str, Any]:
        return {"shelter": problem.shelter_ids[s], "found": float(arrived[s]), "places": float(problem.places[s])}

    findings = _listed("persons_lost", lost, persons) + _listed("shelter_full", full, places)
    said, total = number_of(document, "unmet_persons"), float(unmet[1].sum())
    if abs(said - total) > PERSONS:
        findings.append(Finding("unmet_sum", {"found": total, "said": said}))
    return findings + _reasons(problem, unmet, problem.places - arrived)


def _reasons(problem: Problem, unmet: Unmet, free: Floats) -> list[Finding]:
    """Whoever has no route has none, whoever has no place finds none free where a route leads."""
    zone, persons, reason = unmet
    if not (persons > PERSONS).any():
        return []
    room = free >= 1 + PERSONS
    with_room = _latest_departure(problem, problem.shelter_node[room])
    hurry = np.isfinite(problem.closes_s).any() or np.isfinite(problem.deadline_s).any()
    counts = persons > PERSONS
    node = problem.zone_node[zone]
    in_time, ever = _roads_to_shelters(problem, node)
    roomy = int(np.argmax(free)) if len(free) else 0

    def of(i: int, **fields: Any) -> dict[str, Any]:
        return {"zone": problem.zone_ids[zone[i]], "persons": float(persons[i]), **fields}

    def place(i: int) -> dict[str, Any]:
        return of(i, shelter=problem.shelter_ids[roomy], free=float(free[roomy]))

    found = _listed("has_route", np.flatnonzero(counts & (reason == 0) & in_time), of)
    found += _listed("has_no_route", np.flatnonzero(counts & (reason == 1) & ~ever), of)
    found += _listed("has_place", np.flatnonzero(counts & (reason == 1) & (with_room[node] >= 0)), place)
    return found + _listed("not_late", np.flatnonzero(counts & (reason == 2) & (not hurry)), of)


def _roads_to_shelters(problem: Problem, node: Ints) -> tuple[Bools, Bools]:
    """Return from which nodes a shelter can be reached, before roads close and ever; without any, which can be left."""
    if not len(problem.shelter_node):
        open_edges = (problem.capacity > 0) & np.isfinite(problem.time_s) & (problem.tail != problem.head)
        leaves = np.isin(node, problem.tail[open_edges])
        return leaves, leaves
    in_time = _latest_departure(problem, problem.shelter_node)
    ever = _latest_departure(replace(problem, closes_s=np.full(len(problem.tail), np.inf)), problem.shelter_node)
    return in_time[node] >= 0, ever[node] >= 0


def _latest_departure(problem: Problem, goals: Ints) -> Floats:
    """Return the last moment at which one can leave each node for a goal, roads empty; -inf where there is no way."""
    usable = np.flatnonzero((problem.capacity > 0) & np.isfinite(problem.time_s))
    usable = usable[np.argsort(problem.head[usable], kind="stable")]
    start = np.searchsorted(problem.head[usable], np.arange(problem.n_nodes + 1))
    latest = np.full(problem.n_nodes, -np.inf)
    latest[goals] = np.inf
    changed = np.unique(goals)
    while len(changed):
        count = start[changed + 1] - start[changed]
        inside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        edge = usable[np.repeat(start[changed], count) + inside]
        leave = np.minimum(latest[problem.head[edge]], problem.closes_s[edge]) - problem.time_s[edge]
        better = (leave > latest[problem.tail[edge]]) & (leave >= 0)
        np.maximum.at(latest, problem.tail[edge[better]], leave[better])
        changed = np.unique(problem.tail[edge[better]])
    return latest


def _routes(document: dict[str, Any], flows: Flows, problem: Problem) -> list[Finding]:
    """The limit of routes for each zone is kept, where the parameters name one."""
    params = document.get("params")
    most = params.get("max_routes_per_zone") if isinstance(params, dict) else None
    if most is None:
        return []
    if type(most) is not int or most < 1:
        raise MalformedError("params.max_routes_per_zone", "must be a whole number from 1 on, or null")
    routes: list[set[bytes]] = [set() for _ in problem.zone_ids]
    ends = np.cumsum(flows.length)
    for zone, first, end in zip(flows.zone.tolist(), (ends - flows.length).tolist(), ends.tolist(), strict=True):
        routes[zone].add(flows.edge[first:end].tobytes())
    many = np.array([z for z, own in enumerate(routes) if len(own) > most], dtype=np.int64)
    return _listed(
        "too_many_routes", many, lambda z: {"zone": problem.zone_ids[z], "found": len(routes[z]), "most": most}
    )


def _last_arrival(flows: Flows, problem: Problem) -> float:
    """Return when the last vehicle is safe; without edges that is when it leaves."""
    arrives = flows.end_s.copy()
    travels = flows.length > 0
    last = (np.cumsum(flows.length) - 1)[travels]
    arrives[travels] += flows.enter_s[last] + problem.time_s[flows.edge[last]]
    return float(arrives.max(initial=0.0))


def _waiting(flows: Flows, problem: Problem) -> float:
    """Return the vehicle-seconds that flows spend waiting at crossings on the way."""
    inner = flows.flow[1:] == flows.flow[:-1]
    waits = np.diff(flows.enter_s)[inner] - problem.time_s[flows.edge[:-1]][inner]
    vehicles = flows.rate * (flows.end_s - flows.start_s)
    return float((np.maximum(waits, 0.0) * vehicles[flows.flow[:-1]][inner]).sum())


# The bound


def _bound(document: dict[str, Any], problem: Problem, unmet: Unmet, occupancy: float, bound_s: float) -> list[Finding]:
    """Derive again from the problem that the time is impossible for everyone who is not unmet."""
    rest = problem.zone_persons - np.bincount(unmet[0], weights=unmet[1], minlength=len(problem.zone_ids))
    vehicles, needed = rest / occupancy, float(rest.sum() / occupancy)
    if bound_s == 0:
        return []  # nothing is claimed
    proof = object_of(document, "certificate")
    _known_ids(proof, problem)
    alpha = np.clip(_potentials(proof, problem), 0.0, bound_s)
    passed = alpha[problem.zone_node]
    near = np.isin(problem.zone_node, problem.shelter_node[problem.places > 0])
    ready = np.minimum(vehicles, problem.zone_persons / occupancy * _ready(document, passed))
    fixed = float(np.where(near, vehicles * (passed > 0), ready).sum())
    fixed += float(problem.places[alpha[problem.shelter_node] < bound_s].sum()) / occupancy
    value = fixed + _crossing(alpha, problem, problem.closes_s)
    findings = []
    if not value < needed * (1 - 1e-9):
        findings.append(Finding("not_proved", {"value": value, "needed": needed, "bound_s": bound_s}))
    # who does not use the closings proves the same with more vehicles
    most = {"value_vehicles": fixed + _crossing(alpha, problem, np.inf), "needed_vehicles": needed}
    for name, found in (("value_vehicles", value), ("needed_vehicles", needed)):
        said = number_of(proof, name, where="certificate.")
        if not found - SHARE * max(1.0, found) <= said <= most[name] + SHARE * max(1.0, found):
            findings.append(Finding("value", {"name": name, "said": said, "found": found}))
    return findings


def _crossing(alpha: Floats, problem: Problem, closes_s: Floats | float) -> float:
    """Return the vehicles that can cross the cut on edges."""
    lasts = np.minimum(alpha[problem.head], closes_s) - alpha[problem.tail] - problem.time_s
    return float((problem.capacity * np.maximum(0.0, lasts)).sum())


def _known_ids(proof: dict[str, Any], problem: Problem) -> None:
    for name, ids in (("terminal_zones", problem.zone_ids), ("open_shelters", problem.shelter_ids)):
        known = set(ids)
        if strange := [one for one in list_of(proof, name, where="certificate.") if one not in known]:
            raise MalformedError(f"certificate.{name}", f"{shortened(strange[0])} is no id of the problem")


def _potentials(proof: dict[str, Any], problem: Problem) -> Floats:
    """Return α of every node; nodes that are not listed have 0."""
    given = object_of(proof, "potential_s", where="certificate.")
    if strange := [key for key in given if not (key.isascii() and key.isdigit() and len(key) < 12)]:
        raise MalformedError("certificate.potential_s", f"{shortened(strange[0])} is no node")
    nodes = whole_numbers([int(key) for key in given], "certificate.potential_s", problem.n_nodes)
    alpha = np.zeros(problem.n_nodes)
    alpha[nodes] = numbers(list(given.values()), "certificate.potential_s", least=-np.inf)
    return alpha


def _gap(document: dict[str, Any], clearance_s: float, bound_s: float) -> list[Finding]:
    findings = []
    if bound_s > clearance_s + SECONDS:
        findings.append(Finding("above_plan", {"bound_s": bound_s, "clearance_s": clearance_s}))
    said = document.get("gap")
    if bound_s == 0 and clearance_s > 0:
        return findings if said is None else [*findings, Finding("gap_unknown")]
    gap = clearance_s / bound_s - 1 if bound_s else 0.0
    if abs(number_of(document, "gap", least=-1.0) - gap) > SHARE:
        findings.append(Finding("gap", {"found": gap, "said": said}))
    return findings


def _listed(code: str, wrong: Ints, fields: Callable[[int], dict[str, Any]]) -> list[Finding]:
    """Return a finding for each of the first ones, and how many more there are."""
    found = [Finding(code, fields(int(one))) for one in wrong[:MOST_SHOWN]]
    if len(wrong) > MOST_SHOWN:
        found.append(Finding("more", {"count": len(wrong) - MOST_SHOWN, "kind": code}))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a file and print the verdict; return the exit code."""
    parser = argparse.ArgumentParser(description="Verify an evacuation plan and the proof of its bound.")
    parser.add_argument("file", type=Path)
    try:
        verdict = verify_file(parser.parse_args(argv).file)
    except PlanFileError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this module is also a program
        return 2
    good = "Plan and bound hold: {clearance_s:.1f} s, and no plan can be done by {bound_s:.1f} s."
    lines = [finding.text() for finding in verdict.findings] or [good.format(**verdict.facts)]
    print("\n".join(lines))  # noqa: T201
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main())
