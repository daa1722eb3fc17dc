"""疏散方案: an evacuation plan with the bound that no plan can beat, as one self-contained document (gridgov-plan/1).

Numbers in a plan mean:

* Times are seconds after the order to leave. A flow sends `rate_vph` vehicles an hour from `start_s` to `end_s`; its
  vehicles enter edge i `enter_s[i]` seconds after they left the zone (they may wait at a node in between) and are safe
  when they leave the last edge. A flow without edges stands for a zone at the shelter's own node.
* An edge that closes at `closes_s` must be left by then. A zone's `deadline_s` is the last moment at which anyone may
  leave it (the roads on the way have closing times of their own).
* Vehicles = persons / `occupancy_persons_per_vehicle`; shelters count persons.
* The certificate covers everybody but those in `unmet`. With a = potential cut to 0 … T (a node that is not named has
  0): sum of capacity · max(0, a_head − a_tail − travel time) + demand (less unmet) of zones with a > 0 + places of
  shelters with a < T, all in vehicles, is `value_vehicles`; `needed_vehicles` is the whole demand less unmet. Less
  value than needed proves that nobody can clear the area in T = `lower_bound_s`.
* `capacity_vph` is as it was given; with `params.capacity_factor` or contraflow the problem holds the capacities that
  the plan was made with.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

SCHEMA = "gridgov-plan/1"


@dataclass(frozen=True, slots=True)
class Flow:
    """Vehicles that leave one zone at a steady rate within one window and take one route to one shelter."""

    zone_id: str
    shelter_id: str
    edges: tuple[int, ...]
    enter_s: tuple[float, ...]
    start_s: float
    end_s: float
    rate_vph: float
    persons: float


@dataclass(frozen=True, slots=True)
class Unmet:
    """Persons of a zone whom no plan can bring to safety, and why: no_route, no_place or too_late."""

    zone_id: str
    persons: float
    reason: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What proves the lower bound; see the module's text for how to check it.

    Attributes
    ----------
    terminal_zones : tuple of str
        Zones that the cut leaves behind.
    open_shelters : tuple of str
        Shelters that the cut does not count as full.
    potential_s : mapping of int to float
        Potential of each node; nodes with 0 are left out.
    """

    terminal_zones: tuple[str, ...]
    open_shelters: tuple[str, ...]
    potential_s: Mapping[int, float]
    value_vehicles: float
    needed_vehicles: float


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """An edge that limits the plan, and the minutes that one more lane there would save at most."""

    edge: int
    minutes_saved_per_lane: float


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """Something about the input that a reader of the plan must know: a code and the ids it concerns."""

    code: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandRecord:
    """Persons at a node who have to leave."""

    zone_id: str
    node: int
    persons: float
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class ShelterRecord:
    """Places of safety at a node."""

    shelter_id: str
    node: int
    capacity_persons: float


@dataclass(frozen=True, slots=True)
class ProblemRecord:
    """The problem that a plan answers, complete enough for anybody to check the plan; `digest` is its fingerprint."""

    nodes: int
    digest: str
    tail: tuple[int, ...]
    head: tuple[int, ...]
    travel_time_ms: tuple[int, ...]
    capacity_vph: tuple[float, ...]
    closes_s: tuple[float | None, ...]
    demand: tuple[DemandRecord, ...]
    shelters: tuple[ShelterRecord, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the problem of a plan document."""
        lists = {key: tuple(data[key]) for key in ("tail", "head", "travel_time_ms", "capacity_vph", "closes_s")}
        demand = tuple(DemandRecord(**row) for row in data["demand"])
        shelters = tuple(ShelterRecord(**row) for row in data["shelters"])
        return cls(nodes=int(data["nodes"]), digest=str(data["digest"]), demand=demand, shelters=shelters, **lists)

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as plain data."""
        lists = ("tail", "head", "travel_time_ms", "capacity_vph", "closes_s")
        return {
            "nodes": self.nodes,
            "digest": self.digest,
            **{key: list(getattr(self, key)) for key in lists},
            "demand": [asdict(row) for row in self.demand],
            "shelters": [asdict(row) for row in self.shelters],
        }


@dataclass(frozen=True, slots=True)
class EvacuationPlan:
    """Who leaves when, which way, to which shelter; how long it takes; and what no plan can beat.

    Attributes
    ----------
    clearance_time_s : float
        When the last vehicle is safe; 0 where nobody can be moved.
    lower_bound_s : float
        Proven: no plan for the same persons is faster.
    gap : float or None
        clearance / bound − 1; 0 where nobody has to move, None where no bound is proven.
    stage : str
        Which step of the computation made it: ``steady`` or ``clocked``.
    """

    clearance_time_s: float
    lower_bound_s: float
    gap: float | None
    unmet_persons: float
    params: Mapping[str, Any]
    seed: int
    occupancy_persons_per_vehicle: float
    runtime_s: float
    problem: ProblemRecord
    unmet: tuple[Unmet, ...]
    flows: tuple[Flow, ...]
    certificate: Certificate
    bottlenecks: tuple[Bottleneck, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    stage: str = "clocked"
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data for JSON (schema ``gridgov-plan/1``)."""
        certificate = asdict(self.certificate)
        certificate["potential_s"] = {str(node): value for node, value in self.certificate.potential_s.items()}
        certificate["terminal_zones"] = list(self.certificate.terminal_zones)
        certificate["open_shelters"] = list(self.certificate.open_shelters)
        return {
            "schema": SCHEMA,
            "clearance_time_s": self.clearance_time_s,
            "lower_bound_s": self.lower_bound_s,
            "gap": self.gap,
            "unmet_persons": self.unmet_persons,
            "params": dict(self.params),
            "seed": self.seed,
            "occupancy_persons_per_vehicle": self.occupancy_persons_per_vehicle,
            "runtime_s": self.runtime_s,
            "stage": self.stage,
            "problem": self.problem.to_dict(),
            "unmet": [asdict(row) for row in self.unmet],
            "flows": [_flow_dict(flow) for flow in self.flows],
            "certificate": certificate,
            "bottlenecks": [asdict(row) for row in self.bottlenecks],
            "warnings": [{"code": row.code, "ids": list(row.ids)} for row in self.warnings],
            "facts": dict(self.facts),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a plan document; the inverse of `to_dict`."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"the document's schema is {data.get('schema')!r}, not {SCHEMA!r}")
        given = data["certificate"]
        certificate = Certificate(
            terminal_zones=tuple(given["terminal_zones"]),
            open_shelters=tuple(given["open_shelters"]),
            potential_s={int(node): float(value) for node, value in given["potential_s"].items()},
            value_vehicles=given["value_vehicles"],
            needed_vehicles=given["needed_vehicles"],
        )
        plain = (
            "clearance_time_s",
            "lower_bound_s",
            "gap",
            "unmet_persons",
            "params",
            "seed",
            "occupancy_persons_per_vehicle",
            "runtime_s",
        )
        return cls(
            **{key: data[key] for key in plain},
            problem=ProblemRecord.from_dict(data["problem"]),
            unmet=tuple(Unmet(**row) for row in data["unmet"]),
            flows=tuple(_flow(row) for row in data["flows"]),
            certificate=certificate,
            bottlenecks=tuple(Bottleneck(**row) for row in data["bottlenecks"]),
            warnings=tuple(PlanWarning(row["code"], tuple(row["ids"])) for row in data.get("warnings", ())),
            stage=data.get("stage", "clocked"),
            facts=data.get("facts", {}),
        )

    def to_json(self, *, compress: bool = False) -> bytes:
        """Return the document as UTF-8 JSON, gzipped when asked (the same bytes each time)."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return gzip.compress(text, mtime=0) if compress else text

    @classmethod
    def from_json(cls, document: bytes | str) -> Self:
        """Read what `to_json` wrote, gzipped or not."""
        if isinstance(document, bytes) and document[:2] == b"\x1f\x8b":
            document = gzip.decompress(document)
        return cls.from_dict(json.loads(document))


def _flow_dict(flow: Flow) -> dict[str, Any]:
    """Return a flow as plain data (`asdict` copies deeply, which is slow for many flows)."""
    return {
        "zone_id": flow.zone_id,
        "shelter_id": flow.shelter_id,
        "edges": list(flow.edges),
        "enter_s": list(flow.enter_s),
        "start_s": flow.start_s,
        "end_s": flow.end_s,
        "rate_vph": flow.rate_vph,
        "persons": flow.persons,
    }


def _flow(row: Mapping[str, Any]) -> Flow:
    return Flow(**{**row, "edges": tuple(row["edges"]), "enter_s": tuple(row["enter_s"])})
