"""The problem as the solvers see it: whole units, whole milliseconds, arcs that know their original edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.evacuation.problem import EvacuationProblem
from gridgov.network.validation import Floats, Int64s

Bools: TypeAlias = NDArray[np.bool_]

UNITS_PER_PERSON = 1000
_STEP_OUT_MS = 1
NEVER_MS = 2**50
"""An arc that may always be entered."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Arcs, terminals and where they come from.

    Attributes
    ----------
    tau : int64 array
        Travel time of each arc, ms.
    cap : float array
        Persons per second; inf for the arc by which a zone with a deadline is left.
    last_entry : int64 array
        Latest moment (ms) at which an arc may be entered so that every edge of it is left before it closes.
    chain_first, chain : int64 arrays
        Original edges of arc i, in order: ``chain[chain_first[i]:chain_first[i + 1]]``.
    edge_ms : int64 array
        Travel time of each entry of `chain`.
    origin : int64 array, shape (n,)
        Original node of each node; from the number of original nodes on: the inside of a zone with a deadline.
    waiting : bool array, shape (n,)
        Whether one can wait at the node.
    zone, shelter : int64 arrays
        Positions in the problem; `zone_node`, `shelter_node` are nodes here; `units`, `places` are persons and places
        times `UNITS_PER_PERSON`. `crowd` are the units of all who live in the zones, also of those left behind: who is
        ready first may be among those who are moved.
    """

    n: int
    tail: Int64s
    head: Int64s
    tau: Int64s
    cap: Floats
    last_entry: Int64s
    chain_first: Int64s
    chain: Int64s
    edge_ms: Int64s
    origin: Int64s
    waiting: Bools
    zone: Int64s
    zone_node: Int64s
    units: Int64s
    shelter: Int64s
    shelter_node: Int64s
    places: Int64s
    crowd: Int64s

    @property
    def m(self) -> int:
        """Number of arcs."""
        return len(self.tail)

    @property
    def demand(self) -> int:
        """Units of all zones."""
        return int(self.units.sum())

    @property
    def travel_ms(self) -> Int64s:
        """Travel times for bounds: stepping out of a zone takes none."""
        return np.where(np.isinf(self.cap), 0, self.tau)

    @property
    def timed(self) -> bool:
        """Whether anything closes or any zone has a deadline."""
        return bool((self.last_entry < NEVER_MS).any())

    def edges_of(self, arc: int) -> Int64s:
        """Original edges of an arc."""
        return self.chain[self.chain_first[arc] : self.chain_first[arc + 1]]

    def with_units(self, units: Int64s) -> Instance:
        """Return the instance with other numbers of persons; zones with nobody are left out."""
        kept = units > 0
        return replace(
            self, zone=self.zone[kept], zone_node=self.zone_node[kept], units=units[kept], crowd=self.crowd[kept]
        )

    def with_capacity(self, cap: Floats) -> Instance:
        """Return the instance with other capacities."""
        return replace(self, cap=cap)


def make_instance(problem: EvacuationProblem) -> Instance:
    """Return the whole problem as an instance: one arc for each usable edge, everybody included."""
    usable = np.flatnonzero((problem.capacity_vph > 0) & (problem.tail != problem.head))
    zones = np.flatnonzero(problem.persons > 0)
    places = np.floor(problem.shelter_persons * UNITS_PER_PERSON + 1e-6).astype(np.int64)
    shelters = np.flatnonzero(places > 0)
    closes = np.minimum(problem.closes_s[usable] * 1000.0, float(NEVER_MS)).astype(np.int64)
    tau = np.maximum(problem.travel_time_ms[usable], 1)  # no time at all would let flow run in circles
    instance = Instance(
        n=problem.n_nodes,
        tail=problem.tail[usable],
        head=problem.head[usable],
        tau=tau,
        cap=problem.capacity_vph[usable] / 3600.0 * problem.occupancy,
        last_entry=np.where(closes < NEVER_MS, closes - tau, NEVER_MS),
        chain_first=np.arange(len(usable) + 1, dtype=np.int64),
        chain=usable.astype(np.int64),
        edge_ms=tau,
        origin=np.arange(problem.n_nodes, dtype=np.int64),
        waiting=np.ones(problem.n_nodes, dtype=np.bool_),
        zone=zones,
        zone_node=problem.zone_node[zones],
        units=np.ceil(problem.persons[zones] * UNITS_PER_PERSON - 1e-6).astype(np.int64),
        shelter=shelters,
        shelter_node=problem.shelter_node[shelters],
        places=places[shelters],
        crowd=np.ceil(problem.persons[zones] * UNITS_PER_PERSON - 1e-6).astype(np.int64),
    )
    return _with_deadlines(instance, problem.deadline_s[zones])


def _with_deadlines(instance: Instance, deadline_s: Floats) -> Instance:
    """Give every zone with a deadline an inside of its own, left by an arc that closes at the deadline.

    That arc leads to a doorstep from which all streets of the zone's node go out, and where nobody can wait; else
    leaving in time would mean to stand in front of the door. (A shelter at the zone's own node is where one can wait.)
    """
    late = np.flatnonzero(np.isfinite(deadline_s))
    if not len(late):
        return instance
    nodes = np.setdiff1d(instance.zone_node[late], instance.shelter_node)
    inside, doorstep = instance.n + np.arange(len(late)), instance.n + len(late) + np.arange(len(nodes))
    zone_node = instance.zone_node.copy()
    zone_node[late] = inside
    moved = np.arange(instance.n)
    moved[nodes] = doorstep
    entry = np.minimum(deadline_s[late] * 1000.0, float(NEVER_MS - 1)).astype(np.int64) - 2 * _STEP_OUT_MS
    extra = len(late) + len(nodes)
    origin = np.concatenate([instance.origin, inside, nodes])  # the doorstep stands for the node in a certificate
    origin[nodes] = doorstep
    n = instance.n + extra
    return replace(
        instance,
        n=n,
        tail=np.concatenate([moved[instance.tail], inside, nodes]),
        head=np.concatenate([instance.head, moved[instance.zone_node[late]], doorstep]),
        tau=np.concatenate([instance.tau, np.full(extra, _STEP_OUT_MS, dtype=np.int64)]),
        cap=np.concatenate([instance.cap, np.full(extra, np.inf)]),
        last_entry=np.concatenate([instance.last_entry, entry, np.full(len(nodes), NEVER_MS)]),
        chain_first=np.concatenate([instance.chain_first, np.full(extra, instance.chain_first[-1])]),
        origin=origin,
        waiting=np.concatenate([instance.waiting, np.ones(len(late), np.bool_), np.zeros(len(nodes), np.bool_)]),
        zone_node=zone_node,
    )
