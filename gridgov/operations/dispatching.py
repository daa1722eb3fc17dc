"""The nearest workers for a place, and who is where and free now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from gridgov.dispatch import DispatchParams, Roster, plan_dispatch
from gridgov.errors import ParameterError, RightsError
from gridgov.i18n import LANGS, label
from gridgov.model import DispatchPlan, TravelMode
from gridgov.model.incident_classes import EVERYBODY, ClassNeed
from gridgov.model.rights import Person, Right, in_area, require
from gridgov.operations.closures import roster_at
from gridgov.operations.crew import crew_of
from gridgov.operations.cutting_closures import cutting_closures
from gridgov.operations.hours import speeds_at
from gridgov.operations.incidents import load_incident
from gridgov.workspace import Workspace


def dispatch_at(
    workspace: Workspace,
    person: Person,
    lon: float,
    lat: float,
    *,
    k: int = 5,
    skills: Sequence[str] = (),
    modes: Sequence[str] | None = None,
    now: datetime | None = None,
) -> DispatchPlan:
    """Find the nearest workers who can go to a place now, those of neighbouring areas among them.

    Roads that are closed at that moment are closed for them, and speeds are those of its hour.

    Parameters
    ----------
    workspace : Workspace
    person : Person
        Who asks; the place lies in that person's area.
    lon, lat : float
        Degrees WGS 84.
    k : int
        How many.
    skills : sequence of str
        Skills that a worker must have, each of which somebody in the workspace has.
    modes : sequence of str, optional
        Allowed travel modes; default all.
    now : datetime, optional
        Default the workspace's clock.

    Raises
    ------
    ParameterError
        A skill that nobody has, an unknown mode, k below 1, a position that is none.
    RightsError
        The person may not dispatch, or not there.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.DISPATCH_PLAN)
    grid_code = grid_code_at(workspace, lon, lat)
    if not in_area(person, grid_code or ""):
        where = f"grid {grid_code}" if grid_code else "a place outside all grids"
        raise RightsError(f"{where} lies outside the area of account {person.account_id}")
    workspace.network()  # says what is missing where there are no roads
    when = now or workspace.now()
    roster = roster_at(workspace, when)
    wanted = tuple(_skill_code(skill, roster) for skill in skills)
    try:
        allowed = tuple(TravelMode(mode) for mode in modes) if modes else tuple(TravelMode)
    except ValueError as error:
        raise ParameterError(f"{error}; use {', '.join(TravelMode)}") from error
    params = DispatchParams(k=k, skills=wanted, modes=allowed)
    plan = plan_dispatch(roster, lon, lat, params, now=when, grid_code=grid_code)
    if "nobody_reaches" in plan.notes:
        plan = _because_of_closures(workspace, plan, params, when)
    return replace(plan, speeds=speeds_at(workspace, when))


def _because_of_closures(
    workspace: Workspace, plan: DispatchPlan, params: DispatchParams, when: datetime
) -> DispatchPlan:
    """Return a plan of a place that nobody reaches with the closures that cut it off, if that is why."""
    one = replace(params, k=1)
    (ids,) = cutting_closures(
        workspace,
        when,
        lambda roster: np.array([bool(plan_dispatch(roster, plan.lon, plan.lat, one, now=when).options)]),
    )
    return replace(plan, notes=(*plan.notes, "cut_off_by_closures"), closures=ids) if ids else plan


def dispatch_to(
    workspace: Workspace,
    person: Person,
    incident_id: str,
    *,
    k: int = 5,
    skills: Sequence[str] = (),
    modes: Sequence[str] | None = None,
    any_skill: bool = False,
    now: datetime | None = None,
) -> DispatchPlan:
    """Find the nearest workers who can go to an incident and have what its class needs; see `dispatch_at`.

    Parameters
    ----------
    skills, modes
        Instead of what the class needs; default that.
    any_skill : bool
        Whether what the class needs does not count.

    Raises
    ------
    RecordNotFoundError
        There is no such incident.
    """
    record, _ = load_incident(workspace, incident_id)
    need = EVERYBODY if any_skill else need_of(workspace, record.class_code)
    return dispatch_at(
        workspace, person, record.lon, record.lat, k=k, skills=skills or need.skills, modes=modes or need.modes, now=now
    )  # fmt: skip


def need_of(workspace: Workspace, class_code: str) -> ClassNeed:
    """Return who can handle a class; a skill that nobody in the workspace is listed with is asked of nobody."""
    need = workspace.incident_profile.need_of(class_code)
    if not need.skills:
        return need
    known = set(skills_of(workspace))
    return replace(need, skills=tuple(skill for skill in need.skills if skill in known))


def roster_of(workspace: Workspace) -> Roster:
    """Return the workspace's workers as they are now, on its road networks where it has any, without closures."""
    return crew_of(workspace).roster


def skills_of(workspace: Workspace) -> list[str]:
    """Return every skill that a worker of the workspace has, sorted."""
    return roster_of(workspace).all_skills()


def grid_code_at(workspace: Workspace, lon: float, lat: float) -> str | None:
    """Return the code of the grid a point lies in, or None."""
    locator = workspace.grid_locator
    if locator is None:
        return None
    position = int(locator.locate([lon], [lat])[0])
    return None if position < 0 else str(workspace.layer("grids")["grid_code"].iloc[position])


def _skill_code(skill: str, roster: Roster) -> str:
    """Return a skill's code; the words people see for it are understood as well."""
    known = roster.all_skills()
    if skill in known or not len(roster):
        return skill
    for code in known:
        if skill in {label(f"skill.{code}", lang) for lang in LANGS}:
            return code
    raise ParameterError(f"nobody has the skill '{skill}'; known are {', '.join(known) or 'none'}")
