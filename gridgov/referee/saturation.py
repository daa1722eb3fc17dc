"""Saturation runs: how many vehicles an hour a lane of each class of road really passes, measured in SUMO.

Each class gets three small sets of roads that are filled to the brim: a street, two streets that join to one, and a
crossing at which all four streets go straight on, left and right. A plan of flows knows edges but no junctions, so
that the capacity of a lane is what the worst of the three leaves to it.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gridgov.errors import ParameterError
from gridgov.layers.road_rules import SpeedProfile
from gridgov.model import TravelMode
from gridgov.referee.engine import Sumo
from gridgov.referee.replaying import arrivals, run_meso
from gridgov.referee.roads import RULES, convert

STREET_M = 300.0
WARM_S, END_S, PATIENCE_S = 600.0, 2400.0, 60.0
DEMAND_VPH = 2100  # of each street's lane: more than any lane passes
KINDS = ("street", "merge", "crossing")


@dataclass(frozen=True, slots=True)
class ClassCapacity:
    """What a lane of one class of road passes, vehicles per hour.

    Attributes
    ----------
    assumed_vph : float
        In the profile that the roads were imported with.
    street_vph, merge_vph, crossing_vph : float
        Measured on a free street, for the joined street, and for each street of a crossing.
    """

    highway: str
    kph: float
    assumed_vph: float
    street_vph: float
    merge_vph: float
    crossing_vph: float

    @property
    def lane_capacity_vph(self) -> float:
        """What to plan with; motorways have no crossings."""
        road = min(self.street_vph, self.merge_vph)
        return road if self.highway.removesuffix("_link") == "motorway" else min(road, self.crossing_vph)


def calibrate(profile: SpeedProfile, highways: Iterable[str] | None = None) -> tuple[ClassCapacity, ...]:
    """Measure every class of road that cars use, in one run.

    Parameters
    ----------
    profile : SpeedProfile
    highways : iterable of str, optional
        Only these classes.

    Raises
    ------
    ParameterError
        SUMO is not installed or fails, or no class is left.
    """
    wanted = None if highways is None else set(highways)
    drive = {
        name: road.kph[TravelMode.DRIVE]
        for name, road in profile.classes.items()
        if road.kph[TravelMode.DRIVE] > 0 and (wanted is None or name in wanted)
    }
    if not drive:
        raise ParameterError("no class of road that cars use is left to measure")
    speeds = sorted(set(drive.values()))
    measured = _measure(speeds)
    return tuple(
        ClassCapacity(name, kph, profile.classes[name].lane_capacity_vph, *measured[kph]) for name, kph in drive.items()
    )


def capacities_toml(capacities: Sequence[ClassCapacity], *, source: str) -> str:
    """Return a profile of capacities; `gridgov.profiles.capacities.load_capacities` reads it."""
    lines = [
        "# Vehicles that a lane passes in an hour, measured by saturation runs: the least of a free street, a street",
        "# that two others join, and each of the four streets of a crossing.",
        "",
        "[capacity]",
        'certainty = "U"   # a measurement in a model: replace with counts of the city',
        f'source = "{source}"',
        "",
        "[classes]",
    ]
    width = max(len(one.highway) for one in capacities)
    lines += [
        f"{one.highway:{width}} = {{ lane_capacity_vph = {one.lane_capacity_vph:.0f}, assumed_vph = "
        f"{one.assumed_vph:.0f}, street_vph = {one.street_vph:.0f}, merge_vph = {one.merge_vph:.0f}, "
        f"crossing_vph = {one.crossing_vph:.0f} }}"
        for one in capacities
    ]
    return "\n".join(lines) + "\n"


def _measure(speeds_kph: Sequence[float]) -> dict[float, tuple[float, float, float]]:
    sumo = Sumo.find()
    with tempfile.TemporaryDirectory(prefix="gridgov-calibrate-") as name:
        folder = Path(name)
        trial = _Trial()
        for i, kph in enumerate(speeds_kph):
            trial.add_street(f"street{i}", kph, i)
            trial.add_merge(f"merge{i}", kph, i)
            trial.add_crossing(f"crossing{i}", kph, i)
        trial.write(folder)
        convert(sumo, folder)
        run_meso(sumo, folder, end_s=END_S, patience_s=PATIENCE_S)
        passed_s: dict[str, list[float]] = defaultdict(list)
        for vehicle, time in arrivals(folder):
            passed_s[vehicle.partition("_")[0]].append(time)
    passed = {(kind, i): _rate(passed_s[f"{kind}{i}"]) for kind in KINDS for i in range(len(speeds_kph))}
    return {
        kph: (passed["street", i], passed["merge", i], passed["crossing", i] / 4) for i, kph in enumerate(speeds_kph)
    }


def _rate(arrivals_s: Iterable[float]) -> float:
    return sum(WARM_S <= time < END_S for time in arrivals_s) / (END_S - WARM_S) * 3600


class _Trial:
    """Collects the roads and flows of all trials; each lies in a place of its own."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.edges: list[str] = []
        self.flows: list[str] = []

    def add_street(self, name: str, kph: float, row: int) -> None:
        self._nodes(name, row, 0, {"a": (0, 0), "b": (1, 0), "c": (2, 0)})
        self._edges(name, kph, ["ab", "bc"])
        self._flow(name, ["ab", "bc"], DEMAND_VPH)

    def add_merge(self, name: str, kph: float, row: int) -> None:
        self._nodes(name, row, 1, {"a": (0, 0), "s": (1, -1), "c": (1, 0), "d": (2, 0), "e": (3, 0)})
        self._edges(name, kph, ["ac", "sc", "cd", "de"])
        for entry in ("ac", "sc"):
            self._flow(name, [entry, "cd", "de"], DEMAND_VPH)

    def add_crossing(self, name: str, kph: float, row: int) -> None:
        arms = {"w": (-1, 0), "e": (1, 0), "s": (0, -1), "n": (0, 1)}
        self._nodes(name, row, 2, {"c": (0, 0), **arms})
        self._edges(name, kph, [f"{arm}c" for arm in arms] + [f"c{arm}" for arm in arms])
        for arm in arms:
            for other in arms:
                if other != arm:
                    self._flow(name, [f"{arm}c", f"c{other}"], DEMAND_VPH // 3)

    def _nodes(self, name: str, row: int, column: int, places: Mapping[str, tuple[int, int]]) -> None:
        rule = RULES["priority"]
        x0, y0 = column * 20 * STREET_M, row * 10 * STREET_M
        self.nodes += [
            f'<node id="{name}{node}" x="{x0 + x * STREET_M:.0f}" y="{y0 + y * STREET_M:.0f}" {rule}/>'
            for node, (x, y) in places.items()
        ]

    def _edges(self, name: str, kph: float, edges: Iterable[str]) -> None:
        self.edges += [
            f'<edge id="{name}{edge}" from="{name}{edge[0]}" to="{name}{edge[1]}" numLanes="1" '
            f'speed="{kph / 3.6:.3f}" priority="3"/>'
            for edge in edges
        ]

    def _flow(self, name: str, edges: Sequence[str], vph: int) -> None:
        route = " ".join(f"{name}{edge}" for edge in edges)
        self.flows.append(
            f'<flow id="{name}_{len(self.flows)}" begin="0" end="{END_S:.0f}" number="{vph * END_S / 3600:.0f}" '
            f'departLane="best" departSpeed="max"><route edges="{route}"/></flow>'
        )

    def write(self, folder: Path) -> None:
        for file, tag, rows in _files(self.nodes, self.edges, self.flows):
            (folder / file).write_text("\n".join([f"<{tag}>", *rows, f"</{tag}>"]), encoding="utf-8")


def _files(nodes: list[str], edges: list[str], flows: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    yield "plain.nod.xml", "nodes", nodes
    yield "plain.edg.xml", "edges", edges
    yield "routes.rou.xml", "routes", flows
