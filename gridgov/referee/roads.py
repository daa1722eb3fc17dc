"""A road network as SUMO sees it: lanes, lengths and speeds; capacities come out of its own model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from gridgov.layers.road_rules import SpeedProfile
from gridgov.network import CLOSED, RoadNetwork
from gridgov.referee.engine import Sumo

NET = "net.xml"
TURNS = "plain.con.xml"
Junctions = Literal["turns", "priority"]
# SUMO's type of every junction: streams that join take turns, as somebody directs them; or the lesser street waits.
# SUMO's own default, everybody for the one on the right, is a standstill when all four streets are full.
RULES: dict[Junctions, str] = {"turns": 'type="zipper"', "priority": 'type="priority"'}
LANE_VPH = 1000.0  # where nothing is known of a road but its capacity
_SPEED_M_S = 13.9  # likewise, and of its length
_METRES_PER_DEGREE = 111_320.0
_PRIORITY = {"motorway": 9, "trunk": 8, "primary": 7, "secondary": 6, "tertiary": 5, "unclassified": 4}

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RefereeRoads:
    """Roads for SUMO.

    Attributes
    ----------
    tail, head, lanes, priority : int arrays, shape (m,)
        Who has the higher priority goes first at a junction.
    length_m, travel_time_s : float arrays, shape (m,)
    open : bool array, shape (m,)
    x_m, y_m : float arrays, shape (n,)
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    lanes: NDArray[np.int64]
    priority: NDArray[np.int64]
    length_m: _Floats
    travel_time_s: _Floats
    open: NDArray[np.bool_]
    x_m: _Floats
    y_m: _Floats

    @classmethod
    def from_network(cls, network: RoadNetwork, profile: SpeedProfile) -> RefereeRoads:
        """Return the roads of a network as imported: lanes are its capacity over that of a lane of its class.

        Parameters
        ----------
        network : RoadNetwork
            With coordinates and the capacities of the import, not with measured ones.
        profile : SpeedProfile
            That it was imported with.
        """
        highways = [network.highway(edge) for edge in range(network.n_edges)]
        lane_vph = [_lane_vph(profile, name) for name in highways]
        capacity = np.zeros(network.n_edges) if network.capacity_vph is None else np.nan_to_num(network.capacity_vph)
        x, y = _metres(network)
        return cls(
            tail=network.tail.astype(np.int64),
            head=network.head.astype(np.int64),
            lanes=np.maximum(1, np.rint(capacity / lane_vph)).astype(np.int64),
            priority=np.array([_PRIORITY.get(name.removesuffix("_link"), 3) for name in highways], dtype=np.int64),
            length_m=np.nan_to_num(network.length_m, nan=0.0),
            travel_time_s=network.travel_time_ms / 1000,
            open=(network.travel_time_ms != CLOSED) & (capacity > 0),
            x_m=x,
            y_m=y,
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RefereeRoads:
        """Return the roads of a plan document alone: lanes from capacities, lengths from times, turns unknown."""
        problem = document["problem"]
        time_ms = np.asarray(problem["travel_time_ms"], dtype=np.int64)
        capacity = np.asarray(problem["capacity_vph"], dtype=np.float64)
        turn = np.arange(problem["nodes"]) / max(1, problem["nodes"]) * 2 * np.pi
        radius = 100.0 * problem["nodes"]
        return cls(
            tail=np.asarray(problem["tail"], dtype=np.int64),
            head=np.asarray(problem["head"], dtype=np.int64),
            lanes=np.maximum(1, np.rint(capacity / LANE_VPH)).astype(np.int64),
            priority=np.rint(capacity / LANE_VPH).astype(np.int64),
            length_m=time_ms / 1000 * _SPEED_M_S,
            travel_time_s=time_ms / 1000,
            open=(time_ms != CLOSED) & (capacity > 0),
            x_m=radius * np.cos(turn),
            y_m=radius * np.sin(turn),
        )

    def write(self, sumo: Sumo, folder: Path, routes: Collection[Sequence[int]], junctions: Junctions) -> None:
        """Write SUMO's net of the edges of a plan's routes and all others at their junctions."""
        edges, rule = np.array(sorted({edge for route in routes for edge in route}), dtype=np.int64), RULES[junctions]
        nodes = np.zeros(len(self.x_m), dtype=np.bool_)
        nodes[self.tail[edges]] = nodes[self.head[edges]] = True
        kept = self.open & (nodes[self.tail] | nodes[self.head]) & (self.tail != self.head)
        kept[edges] = True
        at = np.unique(np.concatenate([self.tail[kept], self.head[kept]]))
        rows = [f'<node id="{node}" x="{self.x_m[node]:.2f}" y="{self.y_m[node]:.2f}" {rule}/>' for node in at.tolist()]
        (folder / "plain.nod.xml").write_text("\n".join(["<nodes>", *rows, "</nodes>"]), encoding="utf-8")
        rows = [self._edge(edge) for edge in np.flatnonzero(kept).tolist()]
        (folder / "plain.edg.xml").write_text("\n".join(["<edges>", *rows, "</edges>"]), encoding="utf-8")
        convert(sumo, folder)
        turns = {pair for route in routes for pair in pairwise(route)}
        if lost := {tail for tail, _ in turns - _turns_of(folder)}:
            self._write_turns(folder, lost, np.flatnonzero(kept), turns)
            convert(sumo, folder, turns=TURNS)

    def _write_turns(
        self, folder: Path, edges: Collection[int], kept: NDArray[np.int64], turns: Collection[tuple[int, int]]
    ) -> None:
        """Write all turns out of some edges: SUMO takes a sharp bend for a way back, and leaves it out."""
        rows = []
        for edge in sorted(edges):
            onward = kept[self.tail[kept] == self.head[edge]].tolist()
            forth = [to for to in onward if self.head[to] != self.tail[edge] or (edge, to) in turns]
            rows += [f'<connection from="{edge}" to="{to}"/>' for to in forth]
        (folder / TURNS).write_text("\n".join(["<connections>", *rows, "</connections>"]), encoding="utf-8")

    def _edge(self, edge: int) -> str:
        length = max(float(self.length_m[edge]), 1.0)
        speed = length / max(float(self.travel_time_s[edge]), length / 50.0)
        return (
            f'<edge id="{edge}" from="{self.tail[edge]}" to="{self.head[edge]}" numLanes="{self.lanes[edge]}" '
            f'speed="{speed:.3f}" length="{length:.2f}" priority="{self.priority[edge]}"/>'
        )


def convert(sumo: Sumo, folder: Path, *, turns: str = "") -> None:
    """Make ``net.xml`` of ``plain.nod.xml``, ``plain.edg.xml`` and, if named, a file of turns."""
    plain = ["-n", "plain.nod.xml", "-e", "plain.edg.xml", "-o", NET, "--no-internal-links", "true"]
    plain += ["-x", turns] if turns else []
    sumo.run("netconvert", [*plain, "--offset.disable-normalization", "true", "--no-warnings", "true"], folder)


def _turns_of(folder: Path) -> set[tuple[int, int]]:
    """Return from which edge to which SUMO's net lets vehicles turn."""
    turns = set()
    for _, element in ET.iterparse(folder / NET):
        if element.tag == "connection" and not element.get("from", ":").startswith(":"):
            turns.add((int(element.get("from", "")), int(element.get("to", ""))))
    return turns


def _lane_vph(profile: SpeedProfile, highway: str) -> float:
    known = profile.classes.get(highway)
    return known.lane_capacity_vph if known is not None and known.lane_capacity_vph > 0 else LANE_VPH


def _metres(network: RoadNetwork) -> tuple[_Floats, _Floats]:
    if network.x is None or network.y is None:
        turn = np.arange(network.n_nodes) / max(1, network.n_nodes) * 2 * np.pi
        return 100.0 * network.n_nodes * np.cos(turn), 100.0 * network.n_nodes * np.sin(turn)
    scale = _METRES_PER_DEGREE * np.cos(np.radians(network.y.mean()))
    return (network.x - network.x.mean()) * scale, (network.y - network.y.mean()) * _METRES_PER_DEGREE
