"""公交接运: the buses of an evacuation, asked for alone or read from a kept plan, and in words."""

from __future__ import annotations

from dataclasses import replace

from gridgov.errors import ParameterError
from gridgov.evacuation import EvacuationParams
from gridgov.evacuation.bus_plans import BusPlan
from gridgov.i18n import Lang, label
from gridgov.model.evacuation_words import hours_text
from gridgov.model.rights import Person, Right, require
from gridgov.operations.bus_input import BusQuery
from gridgov.operations.evacuating import read_bus_plan, read_evacuation
from gridgov.operations.evacuation_input import EvacuationQuery, evacuation_input
from gridgov.workspace import Workspace

_SECONDS = 30.0  # a third of it is for the order of the trips


def bus_plan_of(
    workspace: Workspace, person: Person, query: BusQuery | None = None, *, hazard_id: str = "", evacuation_id: str = ""
) -> BusPlan:
    """Return who is fetched by which bus; nothing is written.

    Parameters
    ----------
    query : BusQuery, optional
        None: the buses that the evacuation was kept with.
    hazard_id, evacuation_id : str
        One of the two: for a hazard, or with the shelters and closed roads of a plan on the books.

    Raises
    ------
    ParameterError
        Neither or both are named, or the evacuation was kept without buses and there is no query.
    RightsError, RecordNotFoundError
        See `evacuation_input`.
    """
    require(person, Right.EVACUATION_WRITE)
    if bool(hazard_id) == bool(evacuation_id):
        raise ParameterError("name a hazard or an evacuation, one of the two")
    if query is None:
        kept = read_bus_plan(workspace, person, evacuation_id) if evacuation_id else None
        if kept is None:
            raise ParameterError("there are no buses in this plan; say how many there are")
        return kept
    asked = EvacuationQuery(hazard_id=hazard_id, params=EvacuationParams(time_limit_s=_SECONDS), buses=query)
    if evacuation_id:
        evacuation = read_evacuation(workspace, person, evacuation_id).evacuation
        given = evacuation.query
        asked = replace(
            asked,
            hazard_id=evacuation.hazard_id,
            shelters_out=tuple(given["shelters_out"]),
            places=given["places"],
            closed_edges=tuple(given["closed_edges"]),
        )
    plan = evacuation_input(workspace, person, asked).buses
    assert plan is not None
    return plan


def bus_plan_texts(plan: BusPlan, lang: Lang) -> list[str]:
    """Return what a bus plan promises, as sentences: its end, its bound, who is fetched by nobody."""
    texts = []
    if plan.trips:
        texts.append(
            label("buses.promise", lang, buses=sum(1 for bus in plan.buses if bus.runs), trips=plan.trips,
                  persons=f"{plan.persons:,}", time=hours_text(plan.done_s, lang))
        )  # fmt: skip
        bound, gap = hours_text(plan.lower_bound_s, lang, down=True), f"{plan.gap * 100:.0f}"
        texts.append(label("buses.bound", lang, bound=bound, gap=gap))
    for reason in ("no_route", "no_place", "no_bus"):
        persons = sum(n for _, n, why in plan.unmet if why == reason)
        if persons:
            texts.append(label(f"buses.unmet.{reason}", lang, persons=f"{persons:,}"))
    return texts
