"""The question of an evacuation, checked: roads with capacities, zones with persons, shelters with places."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.evacuation.mobilisation import Curve, mobilisation
from gridgov.evacuation.parameters import EvacuationParams
from gridgov.model.evacuation import DemandRecord, PlanWarning, ProblemRecord, ShelterRecord
from gridgov.network.validation import CLOSED, Floats, Int64s

if TYPE_CHECKING:
    import pandas as pd

    from gridgov.network import RoadNetwork

_NAMED_IDS = 50
_PLACEHOLDERS = (1.0, 99_999.0)


@dataclass(frozen=True, eq=False)
class EvacuationProblem:
    """What has to be solved: edges in the network's order, zones and shelters in the order of their frames.

    Attributes
    ----------
    travel_time_ms : int64 array, shape (edges,)
    capacity_vph : float array, shape (edges,)
        What each edge carries; 0 where it is closed.
    closes_s : float array, shape (edges,)
        When the edge closes; inf: never.
    zone_node, shelter_node : int64 arrays
    persons, shelter_persons : float arrays
        Who has to leave; places. Zones and shelters of unknown size are not among them (see `warnings`).
    deadline_s : float array, shape (zones,)
        Last moment to leave the zone; inf: none.
    occupancy : float
        Persons in a vehicle.
    ready : callable or None
        Mobilisation: seconds → share of people who are ready; None: all are at once.
    """

    n_nodes: int
    tail: Int64s
    head: Int64s
    travel_time_ms: Int64s
    capacity_vph: Floats
    closes_s: Floats
    zone_id: tuple[str, ...]
    zone_node: Int64s
    persons: Floats
    deadline_s: Floats
    shelter_id: tuple[str, ...]
    shelter_node: Int64s
    shelter_persons: Floats
    occupancy: float
    warnings: tuple[PlanWarning, ...] = field(default=())
    ready: Curve | None = None

    @property
    def vehicles(self) -> Floats:
        """Vehicles of each zone."""
        return self.persons / self.occupancy

    @property
    def shelter_vehicles(self) -> Floats:
        """Vehicles whose persons find a place in each shelter."""
        return self.shelter_persons / self.occupancy

    @property
    def capacity_vps(self) -> Floats:
        """Vehicles per second of each edge."""
        return self.capacity_vph / 3600.0

    def record(self) -> ProblemRecord:
        """Return the problem as it is embedded in the plan document.

        The digest is the SHA-256 of its JSON without the digest: keys sorted, no spaces, UTF-8.
        """
        content: dict[str, Any] = {
            "nodes": self.n_nodes,
            "tail": self.tail.tolist(),
            "head": self.head.tolist(),
            "travel_time_ms": self.travel_time_ms.tolist(),
            "capacity_vph": self.capacity_vph.tolist(),
            "closes_s": [None if value == np.inf else value for value in self.closes_s.tolist()],
            "demand": [
                {"zone_id": zone, "node": node, "persons": persons, "deadline_s": None if late == np.inf else late}
                for zone, node, persons, late in zip(
                    self.zone_id, self.zone_node.tolist(), self.persons.tolist(), self.deadline_s.tolist(), strict=True
                )
            ],
            "shelters": [
                {"shelter_id": shelter, "node": node, "capacity_persons": places}
                for shelter, node, places in zip(
                    self.shelter_id, self.shelter_node.tolist(), self.shelter_persons.tolist(), strict=True
                )
            ],
        }
        lists = {key: tuple(content[key]) for key in ("tail", "head", "travel_time_ms", "capacity_vph", "closes_s")}
        return ProblemRecord(
            nodes=self.n_nodes,
            digest=problem_digest(content),
            demand=tuple(DemandRecord(**row) for row in content["demand"]),
            shelters=tuple(ShelterRecord(**row) for row in content["shelters"]),
            **lists,
        )


def problem_digest(content: dict[str, Any]) -> str:
    """Return the fingerprint of a problem: SHA-256 of its sorted JSON without ``digest``."""
    bare = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make_problem(
    network: RoadNetwork,
    demand: pd.DataFrame,
    shelters: pd.DataFrame,
    params: EvacuationParams,
    edge_closes_s: ArrayLike | None = None,
) -> EvacuationProblem:
    """Check what was given and make a problem of it.

    Parameters
    ----------
    demand : DataFrame
        ``zone_id``, ``node``, ``persons`` and, if wanted, ``deadline_s``. Missing persons are no zero: such zones are
        left out and named in the warning ``persons_missing``.
    shelters : DataFrame
        ``shelter_id``, ``node``, ``capacity_persons``; missing capacities are named in ``places_missing``, those of 0
        in ``places_zero``, placeholders (1, 99999 and more) in ``places_placeholder``; the latter count as they stand.
    edge_closes_s : array_like, shape (edges,), optional
        Seconds until each edge closes; NaN or inf: never.

    Raises
    ------
    ParameterError
        The network has no capacities, a column or a node does not exist, an id stands twice, a number is negative.
    """
    warnings: list[PlanWarning] = []
    zones = _rows(demand, ("zone_id", "persons"), network.n_nodes, warnings, "persons_missing")
    places = _rows(shelters, ("shelter_id", "capacity_persons"), network.n_nodes, warnings, "places_missing")
    _name_strange_places(places, warnings)
    capacity = _capacity(network, warnings) * params.capacity_factor
    open_edges = network.travel_time_ms != CLOSED
    return EvacuationProblem(
        n_nodes=network.n_nodes,
        tail=network.tail.astype(np.int64),
        head=network.head.astype(np.int64),
        travel_time_ms=network.travel_time_ms.astype(np.int64),
        capacity_vph=np.where(open_edges, capacity, 0.0),
        closes_s=_closing_times(edge_closes_s, network.n_edges),
        zone_id=zones.ids,
        zone_node=zones.node,
        persons=zones.size,
        deadline_s=_deadlines(demand, zones.kept),
        shelter_id=places.ids,
        shelter_node=places.node,
        shelter_persons=places.size,
        occupancy=params.occupancy,
        warnings=tuple(warnings),
        ready=mobilisation(params),
    )


@dataclass(frozen=True)
class _Rows:
    ids: tuple[str, ...]
    node: Int64s
    size: Floats
    kept: NDArray[np.bool_]


def _rows(
    frame: pd.DataFrame, columns: tuple[str, str], n_nodes: int, warnings: list[PlanWarning], missing: str
) -> _Rows:
    """Check ids, nodes and sizes of zones or shelters; rows without a size are left out and named."""
    id_column, size_column = columns
    for column in (id_column, "node", size_column):
        if column not in frame.columns:
            raise ParameterError(
                f"the frame of {id_column[:-3]}s has no column '{column}'; it has {list(frame.columns)}"
            )
    ids = tuple(str(value) for value in frame[id_column])
    _refuse_twins(ids, id_column)
    size = _numbers(frame[size_column], size_column, ids)
    node = _numbers(frame["node"], "node", ids)
    wrong = ~np.isfinite(node) | (node < 0) | (node >= n_nodes) | (node != np.floor(node))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(
            f"{id_column} {ids[at]}: node {node[at]} does not exist (nodes go from 0 to {n_nodes - 1})"
        )
    kept = ~np.isnan(size)
    if not kept.all():
        warnings.append(_warning(missing, [ids[i] for i in np.flatnonzero(~kept)]))
    return _Rows(tuple(np.array(ids, dtype=object)[kept]), node[kept].astype(np.int64), size[kept], kept)


def _refuse_twins(ids: Sequence[str], column: str) -> None:
    seen: set[str] = set()
    for value in ids:
        if value in seen:
            raise ParameterError(f"{column} {value} stands twice; every id must be its own")
        seen.add(value)


def _numbers(column: Any, name: str, ids: Sequence[str]) -> Floats:
    """Return a column as floats (NaN: missing); negative and infinite values are refused."""
    try:
        values = np.array([np.nan if _is_missing(value) else float(value) for value in column], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"column '{name}' holds something that is no number: {error}") from error
    wrong = np.isinf(values) | (values < 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(f"{name} of {ids[at]} is {values[at]}; give a number from 0 on")
    return values


def _is_missing(value: object) -> bool:
    return value is None or value != value or str(value) in ("<NA>", "NaT")  # noqa: PLR0124  # NaN is not itself


def _name_strange_places(shelters: _Rows, warnings: list[PlanWarning]) -> None:
    """Name shelters without places, and such whose number of places looks like one that stands for none known."""
    none = shelters.size == 0
    placeholder = (shelters.size == _PLACEHOLDERS[0]) | (shelters.size >= _PLACEHOLDERS[1])
    for code, strange in (("places_zero", none), ("places_placeholder", placeholder)):
        if strange.any():
            warnings.append(_warning(code, [shelters.ids[i] for i in np.flatnonzero(strange)]))


def _capacity(network: RoadNetwork, warnings: list[PlanWarning]) -> Floats:
    """Return the edges' capacities; zeros and placeholders are named."""
    if network.capacity_vph is None:
        raise ParameterError("the network has no capacities; give capacity_vph (vehicles per hour of each edge)")
    capacity = np.asarray(network.capacity_vph, dtype=np.float64)
    open_edges = network.travel_time_ms != CLOSED
    zero = open_edges & (capacity <= 0)
    placeholder = open_edges & ((capacity == _PLACEHOLDERS[0]) | (capacity >= _PLACEHOLDERS[1]))
    for code, edges in (("capacity_zero", zero), ("capacity_placeholder", placeholder)):
        if edges.any():
            warnings.append(_warning(code, [str(edge) for edge in np.flatnonzero(edges)]))
    return capacity


def _warning(code: str, ids: list[str]) -> PlanWarning:
    """Return a warning that names the first ids and, if there are more, how many in all."""
    more = [f"… {len(ids)}"] if len(ids) > _NAMED_IDS else []
    return PlanWarning(code, tuple(ids[:_NAMED_IDS] + more))


def _closing_times(given: ArrayLike | None, n_edges: int) -> Floats:
    if given is None:
        return np.full(n_edges, np.inf)
    times: NDArray[np.float64] = np.array(
        [np.inf if _is_missing(value) else float(value) for value in np.asarray(given, dtype=object).ravel()]
    )
    if len(times) != n_edges:
        raise ParameterError(f"edge_closes_s has {len(times)} entries for {n_edges} edges; give one for each")
    return np.maximum(times, 0.0)


def _deadlines(demand: pd.DataFrame, kept: NDArray[np.bool_]) -> Floats:
    if "deadline_s" not in demand.columns:
        return np.full(int(kept.sum()), np.inf)
    values = [np.inf if _is_missing(value) else max(float(value), 0.0) for value in demand["deadline_s"]]
    return np.array(values, dtype=np.float64)[kept]
