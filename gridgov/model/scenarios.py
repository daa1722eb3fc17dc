"""方案: scenarios kept under a name; their closures are not in force until somebody puts them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent, format_time, parse_time
from gridgov.model.what_if import Scenario

ENTITY = "scenario:"
KEPT = "kept"
LONGEST_NAME = 80
MOST_CLOSURES = 500


@dataclass(frozen=True, slots=True)
class SavedScenario:
    """A scenario of the log.

    Attributes
    ----------
    scenario_id : str
    scenario : Scenario
        Name, closures and other changes; a closure without a beginning begins when the scenario is put in force.
    by, at : str, datetime
        Who kept it, when.
    version : int
        Number of the event that changed it last.
    """

    scenario_id: str
    scenario: Scenario
    by: str
    at: datetime
    version: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.scenario.name

    @classmethod
    def of_state(cls, scenario_id: str, state: Mapping[str, Any], version: int) -> SavedScenario:
        """Return the scenario of an entity's state."""
        own = {key: value for key, value in state.items() if key not in {"status", "by", "at"}}
        return cls(scenario_id, Scenario.from_dict(own), state["by"], parse_time(state["at"]), version)


def saved(scenario_id: str, scenario: Scenario, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a scenario is kept."""
    payload = {**scenario.to_dict(), "name": checked_name(scenario.name)}
    return NewEvent(at, actor, "scenario.saved", ENTITY + scenario_id, payload)


def renamed(scenario_id: str, name: str, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a scenario has another name."""
    return NewEvent(at, actor, "scenario.renamed", ENTITY + scenario_id, {"name": checked_name(name)})


def removed(scenario_id: str, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a scenario is kept no more."""
    return NewEvent(at, actor, "scenario.removed", ENTITY + scenario_id, {})


def checked_name(name: str) -> str:
    """Return a name without spaces around it.

    Raises
    ------
    ParameterError
        It is empty or too long.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ParameterError(f"the name of a scenario has 1 to {LONGEST_NAME} characters in one line")
    return name


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any] | None:
    """Return a scenario's state after one more event; None when it is removed.

    Raises
    ------
    ParameterError
        The kind of event is unknown, the scenario was kept before, or there is none.
    """
    scenario_id = event.entity_id.removeprefix(ENTITY)
    if event.kind == "scenario.saved":
        if state is not None:
            raise ParameterError(f"scenario {scenario_id} was kept before; give each scenario its own id")
        kept = {**Scenario.from_dict(event.payload).to_dict(), "name": checked_name(event.payload["name"])}
        return {"status": KEPT, **kept, "by": event.actor, "at": format_time(event.at)}
    if event.kind not in {"scenario.renamed", "scenario.removed"}:
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no scenario knows")
    if state is None:
        raise ParameterError(f"there is no scenario {scenario_id}")
    if event.kind == "scenario.removed":
        return None
    return {**state, "name": checked_name(event.payload["name"])}
