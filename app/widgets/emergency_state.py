"""What the emergency page is about: the chosen hazard, the chosen plan, the step of the panel, what is drawn for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.widgets.drawing import drop_drawing
from app.widgets.selection import forget_click
from gridgov.model.evacuations import ORDERED
from gridgov.model.hazards import ACTIVE
from gridgov.model.rights import Person
from gridgov.operations.evacuating import RecordedEvacuation, evacuations_of
from gridgov.operations.hazards import RecordedHazard, hazards_of
from gridgov.workspace import Workspace

HAZARD_PURPOSE = "hazard"
ROAD_PURPOSE = "emergency-roads"
STEPS = ("hazard", "impact", "shelters", "plan", "orders")
_HAZARD, _PLAN, _STEP, _NEW = "emergency_hazard", "emergency_plan", "emergency_step", "emergency_new"
_SHELTER, _PARAMS = "emergency_shelter", "emergency_params"
_BASE, _BASE_CHANGES = "emergency_base", "emergency_base_changes"


@dataclass(frozen=True)
class Emergency:
    """The hazard and the plan that the page is about; None: there is none."""

    hazards: tuple[RecordedHazard, ...]
    hazard: RecordedHazard | None
    plans: tuple[RecordedEvacuation, ...]
    plan: RecordedEvacuation | None

    @property
    def hazard_id(self) -> str:
        """Id of the hazard, or nothing."""
        return self.hazard.hazard.hazard_id if self.hazard is not None else ""

    @property
    def plan_id(self) -> str:
        """Id of the plan, or nothing."""
        return self.plan.evacuation.evacuation_id if self.plan is not None else ""


def emergency_of(opened: Workspace, who: Person) -> Emergency:
    """Return what the page is about; without a choice the newest hazard, and of its plans the one in force."""
    hazards = tuple(each for each in hazards_of(opened, who) if each.status == ACTIVE)
    wanted = str(st.session_state.get(_HAZARD) or st.query_params.get("hazard") or "")
    hazard = next((each for each in hazards if each.hazard.hazard_id == wanted), hazards[0] if hazards else None)
    if hazard is None:
        return Emergency(hazards, None, (), None)
    plans = evacuations_of(opened, who, hazard.hazard.hazard_id)
    chosen = str(st.session_state.get(_PLAN) or st.query_params.get("plan") or "")
    known = next((each for each in plans if each.evacuation.evacuation_id == chosen), None)
    in_force = next((each for each in plans if each.status == ORDERED), plans[0] if plans else None)
    return Emergency(hazards, hazard, plans, known or in_force)


def choose_hazard(hazard_id: str) -> None:
    """Let the page be about a hazard."""
    st.session_state[_HAZARD] = hazard_id
    st.query_params["hazard"] = hazard_id
    choose_plan("")
    close_new()
    forget_changes()


def choose_plan(evacuation_id: str) -> None:
    """Let the page show a plan."""
    st.session_state[_PLAN] = evacuation_id
    st.query_params.pop("plan", None)
    if evacuation_id:
        st.query_params["plan"] = evacuation_id


def step_of() -> str:
    """Return the step that the panel shows."""
    step = st.session_state.get(_STEP) or st.query_params.get("step")
    return step if step in STEPS else STEPS[0]


def go_to(step: str) -> None:
    """Let the panel show a step."""
    st.session_state[_STEP] = step
    st.query_params["step"] = step


def is_new_open(emergency: Emergency) -> bool:
    """Whether a new hazard is being made."""
    return bool(st.session_state.get(_NEW)) or emergency.hazard is None


def open_new() -> None:
    """Begin a new hazard."""
    st.session_state[_NEW] = True
    go_to("hazard")


def close_new() -> None:
    """A new hazard is made, or given up."""
    st.session_state.pop(_NEW, None)
    drop_drawing()
    forget_click()


def follow_plan(emergency: Emergency) -> None:
    """Begin changes where the shown plan has them: what it left out and closed stays so in the next one."""
    if st.session_state.get(_BASE) == emergency.plan_id:
        return
    query = {} if emergency.plan is None else emergency.plan.evacuation.query
    if emergency.plan is None and _BASE not in st.session_state:
        query = {"shelters_out": shelters_out(), "places": changed_places(), "closed_edges": closed_edges()}
    st.session_state["emergency_out"] = tuple(query.get("shelters_out", ()))
    st.session_state["emergency_places"] = dict(query.get("places", {}))
    st.session_state["emergency_edges"] = tuple(query.get("closed_edges", ()))
    st.session_state.update({_BASE: emergency.plan_id, _BASE_CHANGES: _changes()})


def forget_changes() -> None:
    """Go back to what the shown plan has changed: shelters, places, roads."""
    for name in ("emergency_out", "emergency_places", "emergency_edges", _BASE, _BASE_CHANGES):
        st.session_state.pop(name, None)


def drop_changes() -> None:
    """Use all shelters with their own places and all roads again in the next plan."""
    st.session_state.update({"emergency_out": (), "emergency_places": {}, "emergency_edges": ()})


def _changes() -> tuple[Any, ...]:
    return frozenset(shelters_out()), changed_places(), frozenset(closed_edges())


def choose_shelter(shelter_id: str) -> None:
    """Let the panel show a shelter; "": none."""
    st.session_state[_SHELTER] = shelter_id


def chosen_shelter() -> str:
    """Return the shelter that the panel shows, or nothing."""
    return str(st.session_state.get(_SHELTER, ""))


def keep_params(params: dict[str, Any]) -> None:
    """Keep what plans are computed with, also while it is not shown."""
    st.session_state[_PARAMS] = params


def kept_params() -> dict[str, Any]:
    """Return what plans are computed with; nothing before the first time."""
    return dict(st.session_state.get(_PARAMS, {}))


def set_out(shelter_id: str, *, out: bool) -> None:
    """Leave a shelter out of the next plan, or use it again."""
    others = tuple(each for each in shelters_out() if each != shelter_id)
    st.session_state["emergency_out"] = (*others, shelter_id) if out else others


def set_places(shelter_id: str, places: int) -> None:
    """Count a shelter with other places in the next plan."""
    st.session_state["emergency_places"] = changed_places() | {shelter_id: places}


def has_changes() -> bool:
    """Whether anything is changed for the next plan against the shown one."""
    return _changes() != st.session_state.get(_BASE_CHANGES, (frozenset(), {}, frozenset()))


def shelters_out() -> tuple[str, ...]:
    """Return the shelters that the next plan must not use."""
    return tuple(st.session_state.get("emergency_out", ()))


def changed_places() -> dict[str, int]:
    """Return the places of shelters that the next plan counts otherwise."""
    return dict(st.session_state.get("emergency_places", {}))


def closed_edges() -> tuple[int, ...]:
    """Return the roads that the next plan must not use."""
    return tuple(st.session_state.get("emergency_edges", ()))
