"""疏散行动: an evacuation on the books: for which hazard, what the plan promises, whether orders were given.

The plan itself is a document of its own (gridgov-plan/1) beside the log; the log keeps its fingerprint and its figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent, format_time

ENTITY = "evacuation:"
PLANNED = "planned"
ORDERED = "ordered"
REPLACED = "replaced"
WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evacuation:
    """An evacuation plan that was kept.

    Attributes
    ----------
    evacuation_id : str
    hazard_id : str
        What people leave from.
    hazard_revision : int
        Which version of the hazard the plan was made for.
    replaces : str
        The evacuation that this one was made from by changing something; "": none.
    query : dict
        What was asked: plain data for JSON.
    digest : str
        SHA-256 of the plan document, in hexadecimal; also its name.
    clearance_time_s, lower_bound_s, gap : float
        What the plan promises, and what no plan can beat; None: no bound was found in the time.
    persons, unmet_persons : float
        Who has to leave; who cannot be brought to safety.
    zones, shelters : int
    leave_by : str or None
        Until when the order to leave must hold so that nobody is later than a deadline or a closing of the plan; None:
        the plan has neither; "": kept by an older version, which did not say.
    buses : dict
        Digest of the bus plan's document and its figures; empty: there are no buses.
    """

    evacuation_id: str
    hazard_id: str
    hazard_revision: int
    digest: str
    clearance_time_s: float
    lower_bound_s: float
    gap: float | None
    persons: float
    unmet_persons: float
    zones: int
    shelters: int
    replaces: str = ""
    query: dict[str, Any] = field(default_factory=dict)
    leave_by: str | None = ""
    buses: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the evacuation as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evacuation:
        """Return the evacuation that `to_dict` gave."""
        return cls(**dict(data))


def planned(evacuation: Evacuation, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a plan is on the books."""
    entity = ENTITY + evacuation.evacuation_id
    return NewEvent(at, actor, "evacuation.planned", entity, {"evacuation": evacuation.to_dict()})


def ordered(
    evacuation_id: str, leave_at: datetime, actor: str, at: datetime, *, note: str = "", replaces: Sequence[str] = ()
) -> NewEvent:
    """Return the event by which the orders of a plan are given: everybody counts from `leave_at`.

    `replaces` are the evacuations of the same hazard whose orders held until then, the newest first.
    """
    given = {"leave_at": format_time(leave_at), "replaces": list(replaces), **({"note": note} if note else {})}
    return NewEvent(at, actor, "evacuation.ordered", ENTITY + evacuation_id, given)


def replaced(evacuation_id: str, by_evacuation: str, actor: str, at: datetime) -> NewEvent:
    """Return the event by which the orders of another evacuation take the place of these."""
    return NewEvent(at, actor, "evacuation.replaced", ENTITY + evacuation_id, {"by_evacuation": by_evacuation})


def withdrawn(evacuation_id: str, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """Return the event by which a plan is off the books, or its orders are called back."""
    return NewEvent(at, actor, "evacuation.withdrawn", ENTITY + evacuation_id, {"reason": reason})


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return an evacuation's state after one more event; one that was withdrawn stays on record.

    Raises
    ------
    ParameterError
        The kind of event is unknown, or cannot happen in that state.
    """
    evacuation_id = event.entity_id.removeprefix(ENTITY)
    who = {"by": event.actor, "at": format_time(event.at)}
    if event.kind == "evacuation.planned":
        if state is not None:
            raise ParameterError(f"evacuation {evacuation_id} is on the books already; give each its own id")
        given = Evacuation.from_dict(event.payload["evacuation"])
        if given.evacuation_id != evacuation_id:
            raise ParameterError(f"event {event.seq} names evacuation {given.evacuation_id} under {evacuation_id}")
        return {"status": PLANNED, "evacuation": given.to_dict(), **who}
    if event.kind not in {"evacuation.ordered", "evacuation.replaced", "evacuation.withdrawn"}:
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no evacuation knows")
    if state is None or state["status"] in {REPLACED, WITHDRAWN}:
        raise ParameterError(f"evacuation {evacuation_id} is not on the books, so '{event.kind}' cannot happen to it")
    if event.kind == "evacuation.withdrawn":
        return {**state, "status": WITHDRAWN, "withdrawn": {**who, "reason": event.payload.get("reason", "")}}
    if event.kind == "evacuation.replaced":
        if state["status"] != ORDERED:
            raise ParameterError(f"the orders of evacuation {evacuation_id} were not given, so none can replace them")
        return {**state, "status": REPLACED, "replaced": {**who, **event.payload}}
    if state["status"] == ORDERED:
        raise ParameterError(f"the orders of evacuation {evacuation_id} were given before")
    return {**state, "status": ORDERED, "ordered": {**who, **event.payload}}
