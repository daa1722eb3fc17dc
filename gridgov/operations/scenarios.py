"""封路预案: keep closures under a name, look at what they would do, put them in force all at once; closures of hazards.

Nothing of a scenario is closed before `apply_scenario`: it is never part of the network at a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import geopandas as gpd
import shapely
from shapely.geometry import mapping, shape

from gridgov.crs import WGS84
from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError
from gridgov.model import scenarios as model
from gridgov.model.closures import Closure, added
from gridgov.model.entities import Entity
from gridgov.model.events import plain_json
from gridgov.model.findings import Finding
from gridgov.model.rights import Person, Right, require
from gridgov.model.scenarios import ENTITY, MOST_CLOSURES, SavedScenario
from gridgov.model.what_if import Scenario
from gridgov.network import place_closures
from gridgov.operations.board import newest_first
from gridgov.operations.closure_checks import check_area, check_repeated
from gridgov.operations.closures import (
    ClosureDraft,
    book_closures,
    closure_of,
    findings_about,
)
from gridgov.operations.hazards import read_hazard
from gridgov.operations.random_ids import random_id
from gridgov.operations.what_if import stamped
from gridgov.workspace import Workspace

KIND = "scenario"
PLANNED = "scenario-"
"""How the ids of closures in a scenario begin; numbers from 1 follow."""
MOST_BUFFER_M = 10_000.0


def save_scenario(
    workspace: Workspace,
    person: Person,
    name: str,
    drafts: Sequence[ClosureDraft],
    *,
    idempotency_key: str | None = None,
) -> SavedScenario:
    """Keep drafts under a name; no road is closed by it.

    Raises
    ------
    ParameterError
        There is no draft, one of them hits no road or holds at no moment, or the name cannot be used.
    ConflictError
        Another scenario has that name, or something else was asked for under that key.
    RightsError
        The person may not plan closures, or one hits a road outside the person's area.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.SCENARIO_WRITE)
    now, name = workspace.now(), model.checked_name(name)
    if not 1 <= len(drafts) <= MOST_CLOSURES:
        raise ParameterError(f"a scenario has 1 to {MOST_CLOSURES} closures, not {len(drafts)}")
    closures = tuple(_planned(workspace, draft, number, now) for number, draft in enumerate(drafts, start=1))
    for closure, edges in zip(closures, place_closures(workspace.network(), closures).edges, strict=True):
        check_area(workspace, person, closure, edges)
        if not len(edges):
            raise ParameterError(f"closure {closure.closure_id} of the scenario hits no road; draw it again across one")
    return _keep(workspace, person, Scenario(name, closures), idempotency_key)


def keep_scenario(
    workspace: Workspace, person: Person, scenario: Scenario, *, idempotency_key: str | None = None
) -> SavedScenario:
    """Keep a scenario of any changes under its name.

    Raises
    ------
    ParameterError
        The name cannot be used, or a closure hits no road.
    ConflictError
        Another scenario has that name, or something else was asked for under that key.
    RightsError
        The person may not make scenarios, or a closure hits a road outside the person's area.
    """
    require(person, Right.SCENARIO_WRITE)
    scenario = stamped(workspace, scenario)
    if scenario.closures:
        placed = place_closures(workspace.network(), scenario.closures)
        for closure, edges in zip(scenario.closures, placed.edges, strict=True):
            check_area(workspace, person, closure, edges)
            if not len(edges):
                raise ParameterError(f"closure {closure.closure_id} of the scenario hits no road; draw it across one")
    return _keep(workspace, person, replace(scenario, name=model.checked_name(scenario.name)), idempotency_key)


def scenarios_of(workspace: Workspace, person: Person, *, any_changes: bool = False) -> tuple[SavedScenario, ...]:
    """Return the scenarios that are kept, by name: those of closures alone, which can be put in force, or all.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    kept = (one for one in _all(workspace) if any_changes or one.scenario.only_closures)
    return tuple(sorted(kept, key=lambda one: (one.name, one.scenario_id)))


def read_scenario(workspace: Workspace, person: Person, scenario_id: str) -> SavedScenario:
    """Return one scenario.

    Raises
    ------
    RecordNotFoundError
        There is none of that id.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    return _saved(_entity(workspace, scenario_id))


def rename_scenario(workspace: Workspace, person: Person, scenario_id: str, name: str) -> SavedScenario:
    """Give a scenario another name.

    Raises
    ------
    RecordNotFoundError
        There is none of that id.
    ParameterError
        The name cannot be used.
    ConflictError
        Another scenario has that name.
    RightsError
        The person may not plan closures, or not there.
    """
    entity = _own(workspace, person, scenario_id, Right.SCENARIO_WRITE)
    name = model.checked_name(name)
    if name != entity.state["name"]:
        event = model.renamed(scenario_id, name, person.actor, workspace.now())
        with _one_at_a_time(workspace):
            _check_name_is_free(workspace, name)
            workspace.store.append([event], expected_seq=entity.updated_seq)
    return _saved(_entity(workspace, scenario_id))


def remove_scenario(workspace: Workspace, person: Person, scenario_id: str) -> SavedScenario:
    """Keep a scenario no more; closures that came from it stay. Return what it was.

    Raises
    ------
    RecordNotFoundError
        There is none of that id.
    RightsError
        The person may not plan closures, or not there.
    """
    entity = _own(workspace, person, scenario_id, Right.SCENARIO_WRITE)
    event = model.removed(scenario_id, person.actor, workspace.now())
    workspace.store.append([event], expected_seq=entity.updated_seq)
    return _saved(entity)


def apply_scenario(
    workspace: Workspace, person: Person, scenario_id: str, *, idempotency_key: str | None = None
) -> tuple[tuple[Closure, ...], tuple[Finding, ...]]:
    """Put all closures of a scenario in force at once, or none; return them with what is odd about them.

    Raises
    ------
    RecordNotFoundError
        There is none of that id.
    ParameterError
        A closure would end before it begins, or names edges of roads that were imported anew since.
    ConflictError
        All of it is in force already, it changes more than closures, or something else was asked for under that key.
    RightsError
        The person may not close roads, or one hits a road outside the person's area.
    """
    saved = _saved(_own(workspace, person, scenario_id, Right.CLOSURE_WRITE))
    if not saved.scenario.only_closures:
        raise ConflictError(f"scenario '{saved.name}' changes more than closures; it can be compared, not put in force")
    now = workspace.now()
    place_closures(workspace.network(), saved.scenario.closures)  # refuses edges of roads that are there no more
    drafts = [draft_of(closure, source=f"{ENTITY}{scenario_id}") for closure in saved.scenario.closures]
    closures = [closure_of(workspace, draft, now) for draft in drafts]
    events = [added(closure, person.actor, now) for closure in closures]
    with _one_at_a_time(workspace):
        if not (idempotency_key and workspace.store.repeated(person.actor, idempotency_key)):
            _check_not_in_force(workspace, saved.name, closures)
        done = workspace.store.append(events, expected_seq=0, idempotency_key=idempotency_key)
    check_repeated(done, events, drafts)
    made = tuple(Closure.from_dict(event.payload["closure"]) for event in done)
    return made, findings_about(workspace, made, now)


def draft_of(closure: Closure, *, source: str = "") -> ClosureDraft:
    """Return what somebody would draw to get a closure; `source` where it names none itself."""
    return ClosureDraft(
        geometry=closure.geometry,
        edges=closure.edges,
        valid_from=closure.valid_from,
        valid_to=closure.valid_to,
        reason=closure.reason,
        factor=closure.factor,
        source=closure.source or source,
        modes=closure.modes,
    )


def draft_from_hazard(
    workspace: Workspace,
    person: Person,
    layer_id: str,
    hazard_id: str,
    *,
    buffer_m: float | None = None,
    factor: float = 0.0,
) -> ClosureDraft:
    """Return a draft that closes the roads within a hazard; the hazard is its source.

    Parameters
    ----------
    layer_id : str
        Layer of hazards; "": `hazard_id` is a hazard that was drawn or computed here.
    buffer_m : float, optional
        Also the roads that lie so near, in metres; a point needs it, a line closes the roads that it crosses.

    Raises
    ------
    LayerNotFoundError, RecordNotFoundError
        There is no such layer, or no such hazard in it.
    ParameterError
        The hazard has no shape, is a point without a distance, or the distance is impossible.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    if buffer_m is not None and not 0 < buffer_m <= MOST_BUFFER_M:
        raise ParameterError(f"the distance is {buffer_m:g} m; give more than 0, at most {MOST_BUFFER_M:.0f}")
    if layer_id:
        drawn, name = _of_layer(workspace, layer_id, hazard_id)
    else:
        hazard = read_hazard(workspace, person, hazard_id).hazard
        drawn, name = shapely.union_all([shape(zone.geometry) for zone in hazard.zones]), hazard.name
    if drawn is None or drawn.is_empty:
        raise ParameterError(f"hazard {hazard_id} has no shape, so it closes no roads")
    if shapely.get_dimensions(drawn) == 0 and buffer_m is None:
        raise ParameterError(f"hazard {hazard_id} is a point; say within how many metres roads are closed")
    if buffer_m is not None:
        drawn = _widened(workspace, drawn, buffer_m)
    source = f"{layer_id or 'hazard'}:{hazard_id}"
    return ClosureDraft(geometry=mapping(_of_one_kind(drawn)), reason=name, factor=factor, source=source)


def _keep(workspace: Workspace, person: Person, scenario: Scenario, idempotency_key: str | None) -> SavedScenario:
    now = workspace.now()
    signs = random_id()
    scenario_id = f"{now.astimezone(workspace.timezone):%y%m%d}-{signs}"
    event = model.saved(scenario_id, scenario, person.actor, now)
    with _one_at_a_time(workspace):
        if not (idempotency_key and workspace.store.repeated(person.actor, idempotency_key)):
            _check_name_is_free(workspace, scenario.name)
        done = workspace.store.append([event], expected_seq=0, idempotency_key=idempotency_key)
    if (done[0].kind, plain_json(done[0].payload)) != (event.kind, plain_json(event.payload)):
        raise ConflictError("this idempotency key was used for another request: use a new one for each")
    return _saved(_entity(workspace, done[0].entity_id.removeprefix(ENTITY)))


def _planned(workspace: Workspace, draft: ClosureDraft, number: int, now: datetime) -> Closure:
    """Return a draft as a closure of a scenario; one without a beginning stays so."""
    closure = closure_of(workspace, draft, now, closure_id=f"{PLANNED}{number}")
    data = closure.to_dict() | ({} if draft.valid_from else {"valid_from": None})
    return Closure.from_dict(data)


def _all(workspace: Workspace) -> list[SavedScenario]:
    return [_saved(entity) for entity in newest_first(workspace.store, kind=KIND)]


def _saved(entity: Entity) -> SavedScenario:
    return SavedScenario.of_state(entity.entity_id.removeprefix(ENTITY), entity.state, entity.updated_seq)


def _entity(workspace: Workspace, scenario_id: str) -> Entity:
    entity = workspace.store.entity(ENTITY + scenario_id) if scenario_id else None
    if entity is None:
        raise RecordNotFoundError(f"there is no scenario '{scenario_id[:40]}'")
    return entity


def _own(workspace: Workspace, person: Person, scenario_id: str, right: Right) -> Entity:
    """Return a scenario whose closures hit no road outside the person's area."""
    require(person, right)
    entity = _entity(workspace, scenario_id)
    for closure in _saved(entity).scenario.closures:
        check_area(workspace, person, closure)
    return entity


def _one_at_a_time(workspace: Workspace) -> threading.Lock:
    """Return what keeps two people from taking the same name, or putting the same in force, at the same moment."""
    return workspace.cached("scenario lock", threading.Lock)


def _check_not_in_force(workspace: Workspace, name: str, closures: Sequence[Closure]) -> None:
    """Refuse to close everything a second time: opening the one would then not open the roads."""
    booked = [_plain(closure) for closure in book_closures(workspace)]
    if all(_plain(closure) in booked for closure in closures):
        raise ConflictError(f"all closures of scenario '{name}' are on the books already; open them first")


def _plain(closure: Closure) -> dict[str, Any]:
    """Return what a closure closes, in the form of the log, whoever closed it when."""
    data = plain_json(closure.to_dict())
    return {key: value for key, value in data.items() if key not in {"closure_id", "valid_from"}}


def _check_name_is_free(workspace: Workspace, name: str) -> None:
    if any(one.name == name for one in _all(workspace)):
        raise ConflictError(f"there is a scenario named '{name}' already; give this one another name")


def _of_layer(workspace: Workspace, layer_id: str, hazard_id: str) -> tuple[Any, str]:
    if workspace.entry(layer_id).kind != "hazards":
        raise RecordNotFoundError(f"layer '{layer_id}' holds no hazards")
    frame = workspace.layer(layer_id)
    rows = (frame["hazard_id"].astype(str) == hazard_id).to_numpy(dtype=bool)
    if not rows.any():
        raise RecordNotFoundError(f"layer '{layer_id}' has no hazard '{hazard_id[:40]}'")
    name = frame["name"][rows].iloc[0] if "name" in frame else None
    return frame.geometry[rows].iloc[0], name if isinstance(name, str) else ""


def _widened(workspace: Workspace, drawn: Any, buffer_m: float) -> Any:
    metric = gpd.GeoSeries([drawn], crs=WGS84).to_crs(workspace.metric_crs)
    return metric.buffer(buffer_m).to_crs(WGS84).iloc[0]


def _of_one_kind(drawn: Any) -> Any:
    """Return the areas of a mixed shape, else its lines."""
    if drawn.geom_type != "GeometryCollection":
        return drawn
    parts = shapely.get_parts(drawn)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == shapely.get_dimensions(parts).max()])
