"""封路: roads that are closed or slow for some time.

A closure names its roads by edge ids or by a geometry on the map. Its factor is a share of the usual speed: 0 closes
the roads. Where several closures hold on one edge at once, **the smallest factor counts**: closed wins over slowed, and
of two slow-downs the slower. They are not multiplied, so that the order in which they came, and saying the same thing
twice, change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent, format_time, parse_time
from gridgov.model.workers import TravelMode

ENTITY = "closure:"
HOLDS = "closed"  # status of the entity, whatever the interval of the closure
REOPENED = "reopened"
_HIGHEST = 1e9  # metres, and beyond every degree
GEOMETRY_DEPTHS = {"LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""GeoJSON geometries that close roads, and how deep the lists of their positions are nested."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Roads that are closed, or slower than usual, from one moment to another.

    Attributes
    ----------
    closure_id : str
    valid_from, valid_to : datetime or None
        Aware; from `valid_from` on and before `valid_to`. None: since ever, until further notice.
    reason : str
        In words, for people.
    factor : float
        0: closed; else the share of the usual speed, up to 1.
    edges : tuple of int
        Edge ids of a road network, or
    geometry : mapping or None
        A GeoJSON geometry, WGS 84: lines close the edges they cross, polygons those they cut
        (`gridgov.network.closing.edges_cut_by`).
    topology : str
        Digest of the nodes and edges that the ids in `edges` belong to (`RoadNetwork.topology.digest`); "": not known.
    source : str
        What it comes from, such as the id of a hazard; "": drawn by hand.
    modes : tuple of TravelMode
        Whom it stops; none: everybody. A road closed to cars may stay open to people on foot.

    Raises
    ------
    ParameterError
        The interval is empty, the factor is no share, there are neither edges nor a geometry or both, a coordinate is
        no position, …; the sentence names the closure.
    """

    closure_id: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    reason: str = ""
    factor: float = 0.0
    edges: tuple[int, ...] = ()
    geometry: Mapping[str, Any] | None = None
    topology: str = ""
    source: str = ""
    modes: tuple[TravelMode, ...] = ()

    def __post_init__(self) -> None:
        if not self.closure_id.strip():
            raise ParameterError("a closure has no id; give each closure its own")
        object.__setattr__(self, "modes", _in_order(self.modes, self.closure_id))
        self._check_interval()
        if not (math.isfinite(self.factor) and 0.0 <= self.factor <= 1.0):
            raise ParameterError(
                f"closure {self.closure_id} has the factor {self.factor}; give 0 for closed roads, "
                "else a share of the usual speed up to 1"
            )
        if bool(self.edges) == (self.geometry is not None):
            which = "both edges and a geometry; give one of them" if self.edges else "neither edges nor a geometry"
            raise ParameterError(f"closure {self.closure_id} has {which}")
        if self.edges and min(self.edges) < 0:
            raise ParameterError(f"closure {self.closure_id} names edge {min(self.edges)}; ids go from 0")
        if self.geometry is not None:
            _check_geometry(self.geometry, self.closure_id)

    def _check_interval(self) -> None:
        for name, moment in (("valid_from", self.valid_from), ("valid_to", self.valid_to)):
            if moment is not None and moment.tzinfo is None:
                raise ParameterError(f"closure {self.closure_id}: {name} is naive; give a time with an offset")
            if moment is not None and not MINYEAR < moment.year < MAXYEAR:
                raise ParameterError(f"closure {self.closure_id}: {name} is in the year {moment.year}; correct it")
        if self.valid_from is not None and self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ParameterError(
                f"closure {self.closure_id} holds at no moment: it ends at {self.valid_to.isoformat()}, "
                f"not after it begins at {self.valid_from.isoformat()}; correct its times"
            )

    @property
    def closes(self) -> bool:
        """Whether nobody passes (else the roads are slower)."""
        return self.factor == 0.0

    def holds_at(self, when: datetime) -> bool:
        """Return whether the closure is valid at a moment."""
        started = self.valid_from is None or self.valid_from <= when
        return started and (self.valid_to is None or when < self.valid_to)

    def stops(self, mode: str) -> bool:
        """Return whether the closure counts for a travel mode."""
        return not self.modes or mode in self.modes

    def meets(self, other: Closure) -> bool:
        """Return whether there is a moment at which both are valid, for the same travel mode."""
        same_mode = any(self.stops(mode) and other.stops(mode) for mode in TravelMode)
        return same_mode and _starts_before_end(self, other) and _starts_before_end(other, self)

    def to_dict(self) -> dict[str, Any]:
        """Return the closure as plain data for JSON."""
        return {
            "closure_id": self.closure_id,
            "valid_from": None if self.valid_from is None else format_time(self.valid_from),
            "valid_to": None if self.valid_to is None else format_time(self.valid_to),
            "reason": self.reason,
            "factor": self.factor,
            "edges": list(self.edges),
            "geometry": None if self.geometry is None else dict(self.geometry),
            "topology": self.topology,
            "source": self.source,
            **({"modes": [str(mode) for mode in self.modes]} if self.modes else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Closure:
        """Return the closure that `to_dict` gave."""
        start, end = data.get("valid_from"), data.get("valid_to")
        return cls(
            closure_id=data["closure_id"],
            valid_from=None if start is None else parse_time(start),
            valid_to=None if end is None else parse_time(end),
            reason=data.get("reason", ""),
            factor=float(data.get("factor", 0.0)),
            edges=tuple(data.get("edges", ())),
            geometry=data.get("geometry"),
            topology=data.get("topology", ""),
            source=data.get("source", ""),
            modes=tuple(data.get("modes", ())),
        )


def added(closure: Closure, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a closure is on the books from now on."""
    return NewEvent(at, actor, "closure.added", ENTITY + closure.closure_id, {"closure": closure.to_dict()})


def removed(closure_id: str, actor: str, at: datetime, *, reason: str = "") -> NewEvent:
    """Return the event by which the roads of a closure are open again, whatever its interval."""
    return NewEvent(at, actor, "closure.removed", ENTITY + closure_id, {"reason": reason} if reason else {})


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return a closure's state after one more event; one that was removed stays on record.

    Raises
    ------
    ParameterError
        The kind of event is unknown, a closure of that id was there before, or there is none to remove.
    """
    closure_id = event.entity_id.removeprefix(ENTITY)
    if event.kind == "closure.added":
        if state is not None:
            raise ParameterError(f"closure {closure_id} was added before; give each closure its own id")
        closure = Closure.from_dict(event.payload["closure"])
        if closure.closure_id != closure_id:
            raise ParameterError(f"event {event.seq} adds closure {closure.closure_id} under the id {closure_id}")
        return {"status": HOLDS, "closure": closure.to_dict(), "by": event.actor, "at": format_time(event.at)}
    if event.kind != "closure.removed":
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no closure knows")
    if state is None or state["status"] != HOLDS:
        raise ParameterError(f"closure {closure_id} does not close any roads, so it cannot be removed")
    ended = {"by": event.actor, "at": format_time(event.at), "reason": event.payload.get("reason", "")}
    return {**state, "status": REOPENED, "reopened": ended}


def _in_order(modes: tuple[TravelMode, ...], closure_id: str) -> tuple[TravelMode, ...]:
    """Return travel modes, each once; none where they are all there are."""
    try:
        given = {TravelMode(mode) for mode in modes}
    except ValueError as error:
        raise ParameterError(f"closure {closure_id}: {error}; use {', '.join(TravelMode)}") from error
    return () if len(given) == len(TravelMode) else tuple(mode for mode in TravelMode if mode in given)


def _starts_before_end(one: Closure, other: Closure) -> bool:
    return one.valid_from is None or other.valid_to is None or one.valid_from < other.valid_to


def _check_geometry(geometry: Mapping[str, Any], closure_id: str) -> None:
    kind = geometry.get("type")
    if not isinstance(kind, str) or kind not in GEOMETRY_DEPTHS:
        known = ", ".join(GEOMETRY_DEPTHS)
        raise ParameterError(f"closure {closure_id} has a geometry of type {kind!r}; a closure is one of {known}")
    needed = 2 if "Line" in kind else 4
    lists = list(_position_lists(geometry.get("coordinates"), GEOMETRY_DEPTHS[kind], closure_id))
    if not lists:
        raise ParameterError(f"closure {closure_id} has an empty geometry; draw it again")
    for positions in lists:
        if len(positions) < needed:
            raise ParameterError(
                f"closure {closure_id}: a {kind} needs {needed} positions, not {len(positions)}; draw it again"
            )
        for position in positions:
            _check_position(position, closure_id)
        if len({len(position) for position in positions}) > 1:
            raise ParameterError(f"closure {closure_id}: some of its positions have a height and some have none")


def _position_lists(value: Any, depth: int, closure_id: str) -> Iterator[list[Any] | tuple[Any, ...]]:
    """Yield the innermost lists of positions."""
    if not isinstance(value, list | tuple):
        raise ParameterError(f"closure {closure_id} has a geometry without lists of positions; give GeoJSON")
    if depth == 1:
        yield value
        return
    for part in value:
        yield from _position_lists(part, depth - 1, closure_id)


def _check_position(position: Any, closure_id: str) -> None:
    numbers = (
        isinstance(position, list | tuple)
        and 2 <= len(position) <= 3
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in position)
        and all(abs(number) < _HIGHEST for number in position)
    )
    if not numbers or not (abs(position[0]) <= 180.0 and abs(position[1]) <= 90.0):
        raise ParameterError(f"closure {closure_id}: {position!r} is not a longitude, latitude in degrees")
