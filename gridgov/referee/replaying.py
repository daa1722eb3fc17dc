"""A plan replayed by SUMO: when half, nine tenths and all have arrived, and who failed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.model.orders import shared_out
from gridgov.referee.engine import Sumo
from gridgov.referee.roads import NET, Junctions, RefereeRoads

SHARES = (50, 90, 100)
LIMIT = 0.10  # how much later than promised the last may arrive
LONGEST = 4.0  # times the promise, and an hour: who is still on the way then has not arrived
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What SUMO says about a plan.

    Attributes
    ----------
    promised_s, replayed_s : tuple of float
        When 50, 90 and 100 % of the vehicles have arrived; NaN where so many never did.
    teleports : int
        Times that SUMO lifted a vehicle out of a jam: a failure.
    not_inserted, not_arrived : int
        Vehicles that never got onto the roads, and that were still on the way at the end.
    """

    vehicles: int
    promised_s: tuple[float, ...]
    replayed_s: tuple[float, ...]
    teleports: int
    not_inserted: int
    not_arrived: int
    limit: float = LIMIT

    @property
    def failures(self) -> int:
        """Everything that must not happen."""
        return self.teleports + self.not_inserted + self.not_arrived

    @property
    def ratio(self) -> float:
        """Time until the last has arrived over the promise; NaN where not all did."""
        return self.replayed_s[-1] / self.promised_s[-1] if self.promised_s[-1] > 0 else 1.0

    @property
    def holds(self) -> bool:
        """Whether everybody arrived, nobody by a teleport, and not much later than promised."""
        return self.failures == 0 and self.ratio <= 1.0 + self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data for JSON (schema ``gridgov-referee/1``)."""
        values = {
            key: [None if np.isnan(one) else one for one in value] if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }
        ratio = None if np.isnan(self.ratio) else self.ratio
        return {"schema": "gridgov-referee/1", **values, "shares": list(SHARES), "ratio": ratio, "holds": self.holds}


def replay_in_sumo(
    document: Mapping[str, Any],
    roads: RefereeRoads,
    *,
    junctions: Junctions = "turns",
    limit: float = LIMIT,
    seed: int = 0,
) -> Verdict:
    """Let SUMO drive a plan.

    Parameters
    ----------
    document : mapping
        Schema ``gridgov-plan/1``. Vehicles are whole; those of a flow leave at even distances within its window and
        take its edges. Closing times of edges are not replayed.
    roads : RefereeRoads
        The plan's roads.
    junctions : {'turns', 'priority'}
        ``turns``: somebody directs, and streams that join take turns; ``priority``: nobody does, and the lesser street
        waits until the greater one leaves a gap.
    limit : float
        How much later than promised the last may arrive, as a share.
    seed : int
        Of SUMO's random numbers.

    Raises
    ------
    ParameterError
        SUMO is not installed or fails, or the plan has no flows or other roads.
    """
    flows = list(document.get("flows", ()))
    if not flows:
        raise ParameterError("the plan moves nobody, so that there is nothing to replay")
    if len(document["problem"]["tail"]) != len(roads.tail):
        raise ParameterError(
            f"the plan has {len(document['problem']['tail'])} edges, the roads have {len(roads.tail)}: "
            "give the workspace that the plan was made in"
        )
    sumo = Sumo.find()
    whole = round(sum(flow["persons"] for flow in flows) / document["occupancy_persons_per_vehicle"])
    vehicles = shared_out(whole, [flow["persons"] for flow in flows])
    times_s = np.asarray(document["problem"]["travel_time_ms"], dtype=np.float64) / 1000
    promised = _promised(flows, vehicles, times_s)
    at_home = [_departures(flow, n) for flow, n in zip(flows, vehicles, strict=True) if not flow["edges"]]
    end_s = LONGEST * float(document["clearance_time_s"]) + 3600.0
    with tempfile.TemporaryDirectory(prefix="gridgov-referee-") as name:
        folder = Path(name)
        roads.write(sumo, folder, {tuple(int(edge) for edge in flow["edges"]) for flow in flows}, junctions)
        _write_routes(folder, flows, vehicles)
        run_meso(sumo, folder, end_s=end_s, seed=seed)
        arrived = np.sort(np.concatenate([*at_home, arrival_times(folder)]))
        statistics = _statistics(folder)
    missing = whole - len(arrived)
    return Verdict(
        vehicles=whole,
        promised_s=(*_times_of(promised, whole)[:-1], float(document["clearance_time_s"])),
        replayed_s=_times_of(arrived, whole),
        teleports=statistics["teleports"],
        not_inserted=statistics["waiting"],
        not_arrived=max(0, missing - statistics["waiting"]),
        limit=limit,
    )


def run_meso(sumo: Sumo, folder: Path, *, end_s: float, seed: int = 0, patience_s: float = -1.0) -> None:
    """Run SUMO's mesoscopic model with junction control on ``net.xml`` and ``routes.rou.xml``.

    A vehicle that cannot get onto the roads within `patience_s` is dropped; -1: it waits as long as it takes.
    """
    files = ["-n", NET, "-r", "routes.rou.xml", "--max-depart-delay", f"{patience_s:.0f}"]
    files += ["--tripinfo-output", "trips.xml", "--statistic-output", "statistics.xml"]
    model = ["--mesosim", "true", "--meso-junction-control", "true", "--route-steps", "0", "--end", f"{end_s:.0f}"]
    quiet = ["--no-step-log", "true", "--no-warnings", "true", "--seed", str(seed)]
    sumo.run("sumo", [*files, *model, *quiet], folder)


def arrival_times(folder: Path) -> _Floats:
    """Return when the vehicles arrived, seconds."""
    return np.array([time for _, time in arrivals(folder)], dtype=np.float64)


def arrivals(folder: Path) -> Iterator[tuple[str, float]]:
    """Give id and arrival time of every vehicle that arrived."""
    for _, element in ET.iterparse(folder / "trips.xml"):
        if element.tag == "tripinfo":
            yield element.get("id", ""), float(element.get("arrival", "nan"))
        element.clear()


def _write_routes(folder: Path, flows: Sequence[Mapping[str, Any]], vehicles: Sequence[int]) -> None:
    rows = []
    for number, (flow, n) in enumerate(zip(flows, vehicles, strict=True)):
        if n and flow["edges"]:
            begin, end = flow["start_s"], max(flow["end_s"], flow["start_s"] + 1.0)
            edges = " ".join(str(int(edge)) for edge in flow["edges"])
            rows.append((begin, _flow(f"f{number}", begin, end, n, edges)))
    text = "\n".join(["<routes>", *(row for _, row in sorted(rows)), "</routes>"])
    (folder / "routes.rou.xml").write_text(text, encoding="utf-8")


def _flow(name: str, begin_s: float, end_s: float, number: int, edges: str) -> str:
    return (
        f'<flow id="{name}" begin="{begin_s:.2f}" end="{end_s:.2f}" number="{number}" departLane="best" '
        f'departSpeed="max"><route edges="{edges}"/></flow>'
    )


def _statistics(folder: Path) -> dict[str, int]:
    root = ET.parse(folder / "statistics.xml").getroot()
    vehicles, teleports = root.find("vehicles"), root.find("teleports")
    if vehicles is None or teleports is None:
        raise ParameterError("SUMO wrote no statistics; install the version that gridgov[referee] names")
    return {"waiting": int(vehicles.get("waiting", "0")), "teleports": int(teleports.get("total", "0"))}


def _departures(flow: Mapping[str, Any], n: int) -> _Floats:
    return np.asarray(flow["start_s"] + (np.arange(n) + 0.5) / max(n, 1) * (flow["end_s"] - flow["start_s"]))


def _promised(flows: Sequence[Mapping[str, Any]], vehicles: Sequence[int], times_s: _Floats) -> _Floats:
    expected = []
    for flow, n in zip(flows, vehicles, strict=True):
        travel = flow["enter_s"][-1] + times_s[int(flow["edges"][-1])] if flow["edges"] else 0.0
        expected.append(_departures(flow, n) + travel)
    return np.sort(np.concatenate(expected))


def _times_of(sorted_s: _Floats, whole: int) -> tuple[float, ...]:
    """Return when each of `SHARES` of all vehicles has arrived."""
    needed = [int(np.ceil(whole * share / 100)) for share in SHARES]
    return tuple(float(sorted_s[n - 1]) if 0 < n <= len(sorted_s) else float("nan") for n in needed)
