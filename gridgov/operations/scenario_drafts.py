"""方案编制: put a scenario together step by step; each step is tried on the data at once, and a fault said there.

A draft is a `Scenario` that nobody keeps yet. What it may change is offered here with the names that people see.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from gridgov.errors import ParameterError
from gridgov.hazards import drawn_hazard
from gridgov.model.changes import Change
from gridgov.model.closures import Closure
from gridgov.model.hazards import Hazard
from gridgov.model.rights import Person, Right, require
from gridgov.model.scenarios import checked_name
from gridgov.model.what_if import RESOURCES, Question, Scenario
from gridgov.network import place_closures
from gridgov.operations.closure_map import RoadsSize, roads_size
from gridgov.operations.coverage import WORKERS, coverage_subjects
from gridgov.operations.hazards import district_area
from gridgov.operations.scenario_files import parsed_scenario, scenario_of
from gridgov.operations.what_if import base_of, stamped, variant_of
from gridgov.workspace import Workspace

MOST_BYTES = 5_000_000
PLACE_KINDS = ("shelters", "facilities")
_USUAL = ("shelters", "fire_station", WORKERS)
_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """A place that a scenario may change or remove."""

    layer: str
    id: str
    name: str
    lon: float
    lat: float
    attributes: Mapping[str, Any]


def new_scenario(workspace: Workspace, person: Person, name: str, *, at: datetime | None = None) -> Scenario:
    """Return a scenario without any change: this data, the closures that hold now, the usual question.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    near = tuple(each for each in _USUAL if each in askable(workspace, person)) or (WORKERS,)
    resources = tuple(kind for kind in RESOURCES if workspace.of_kind(kind))
    return Scenario(name, question=Question(near=near, resources=resources), base=base_of(workspace, at=at))


def askable(workspace: Workspace, person: Person) -> tuple[str, ...]:
    """Return what a question may ask to be near: workers, shelters, categories of facilities.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    return tuple(coverage_subjects(workspace))


def try_scenario(workspace: Workspace, person: Person, scenario: Scenario) -> Scenario:
    """Return the scenario if everything that it changes is there.

    Raises
    ------
    ParameterError
        A change names what is not there or gives a field a value that it cannot have; a closure hits no road.
    LayerNotFoundError
        There is no such layer, or no such version of it.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    scenario = stamped(workspace, scenario)
    variant_of(workspace, scenario)
    return scenario


def with_change(workspace: Workspace, person: Person, scenario: Scenario, change: Change | Closure) -> Scenario:
    """Return the scenario with one change more, tried on the data.

    Raises
    ------
    See `try_scenario`.
    """
    if isinstance(change, Closure):
        return try_scenario(workspace, person, scenario.with_closure(change))
    return try_scenario(workspace, person, replace(scenario, changes=(*scenario.changes, change)))


def without_change(workspace: Workspace, person: Person, scenario: Scenario, number: int) -> Scenario:
    """Return the scenario without a change; closures come first, then the others in their order.

    Raises
    ------
    ParameterError
        There is none of that number, or a later change rests on it (such as new places of a shelter that it added).
    """
    closures, changes = list(scenario.closures), list(scenario.changes)
    if not 0 <= number < len(closures) + len(changes):
        raise ParameterError(f"scenario {scenario.name} has no change {number}")
    if number < len(closures):
        del closures[number]
    else:
        del changes[number - len(closures)]
    return try_scenario(workspace, person, replace(scenario, closures=tuple(closures), changes=tuple(changes)))


def with_other_change(
    workspace: Workspace, person: Person, scenario: Scenario, number: int, change: Change | Closure
) -> Scenario:
    """Return the scenario with another change in the place of one, tried on the data; numbers as in `without_change`.

    Raises
    ------
    ParameterError
        There is none of that number, it is no closure where the other is one, or a later change rests on it.
    See `try_scenario`.
    """
    closures, changes = list(scenario.closures), list(scenario.changes)
    if not 0 <= number < len(closures) + len(changes):
        raise ParameterError(f"scenario {scenario.name} has no change {number}")
    if (number < len(closures)) is not isinstance(change, Closure):
        raise ParameterError(f"scenario {scenario.name}: a closure of roads is replaced by a closure only")
    if isinstance(change, Closure):
        closures[number] = change
    else:
        changes[number - len(closures)] = change
    return try_scenario(workspace, person, replace(scenario, closures=tuple(closures), changes=tuple(changes)))


def before_change(scenario: Scenario, number: int) -> Scenario:
    """Return the scenario as it is when the turn of a change comes: what it rests on."""
    return replace(scenario, changes=scenario.changes[: max(number - len(scenario.closures), 0)])


def free_id(scenario: Scenario, beginning: str) -> str:
    """Return an id for a new place or closure that the scenario has not yet."""
    taken = {each.closure_id for each in scenario.closures} | {getattr(each, "id", "") for each in scenario.changes}
    return next(name for number in range(1, len(taken) + 2) if (name := f"{beginning}-{number}") not in taken)


def hazard_for(
    workspace: Workspace, person: Person, geometry: Mapping[str, Any], *, level: int = 3, arrival_s: float = 0.0
) -> Hazard:
    """Return a drawn hazard for a question; it is on no books.

    Raises
    ------
    ParameterError
        It is no polygon, or lies outside the district.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    area = district_area(workspace)
    return drawn_hazard(geometry, district=area, metric_crs=workspace.metric_crs, level=level, arrival_s=arrival_s)


def closure_sizes(workspace: Workspace, person: Person, scenario: Scenario) -> tuple[RoadsSize, ...]:
    """Return how many roads each closure of a scenario closes, and how long they are.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    if not scenario.closures:
        return ()
    placed = place_closures(workspace.network(), scenario.closures)
    return tuple(roads_size(workspace, edges) for edges in placed.edges)


def place_choices(workspace: Workspace, person: Person, scenario: Scenario, layer_id: str) -> tuple[PlaceChoice, ...]:
    """Return the places of a layer as the scenario has them.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    spec, frame = workspace.spec(layer_id), variant_of(workspace, scenario).layer(layer_id)
    points = frame.geometry.representative_point()
    known = [name for name in spec.fields if name in frame and name != spec.key]
    rows = frame[known].astype(object).where(frame[known].notna(), None).to_dict("records") if known else []
    names = frame["name"].fillna("").astype(str) if "name" in frame else pd.Series([""] * len(frame))
    return tuple(
        PlaceChoice(layer_id, str(number), name, float(lon), float(lat), row)
        for number, name, lon, lat, row in zip(
            frame[spec.key], names, points.x, points.y, rows or [{}] * len(frame), strict=True
        )
    )


def nearest_choice(places: tuple[PlaceChoice, ...], lon: float, lat: float, *, within_m: float) -> PlaceChoice | None:
    """Return the place nearest to a click, if there is one within some metres."""
    if not places:
        return None
    east = np.array([each.lon - lon for each in places]) * math.cos(math.radians(lat))
    metres = _M_PER_DEGREE * np.hypot(east, np.array([each.lat - lat for each in places]))
    best = int(np.nanargmin(metres))
    return places[best] if metres[best] <= within_m else None


def scenario_from_bytes(workspace: Workspace, person: Person, content: bytes, file_name: str) -> Scenario:
    """Return the scenario of a file that somebody uploads, tried on the data.

    Raises
    ------
    SourceError
        It is neither TOML nor JSON, or too large.
    ParameterError
        A word is unknown, a value cannot be used, or a change names what is not here.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    if len(content) > MOST_BYTES:
        raise ParameterError(f"{file_name}: has {len(content):,} bytes; a scenario has at most {MOST_BYTES:,}")
    name = PurePath(file_name)
    scenario = scenario_of(workspace, person, parsed_scenario(content, name), name=name.stem)
    return try_scenario(workspace, person, scenario)


def scenario_file(workspace: Workspace, person: Person, scenario: Scenario) -> bytes:
    """Return a scenario with all that it rests on as a JSON file, which `scenario_from_bytes` reads.

    Raises
    ------
    ParameterError
        It has no name that can be used.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    scenario = stamped(workspace, scenario)
    data = {**scenario.to_dict(), "name": checked_name(scenario.name)}
    if "base" not in data:  # then it would be read as written by hand
        data["base"] = replace(scenario, base=base_of(workspace)).to_dict()["base"]
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
