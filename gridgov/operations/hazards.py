"""危险区: draw a hazard, list, change and withdraw it; every hazard is an entity of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry import shape

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, RightsError
from gridgov.hazards import drawn_hazard
from gridgov.hazards.drawing import BUFFER_M
from gridgov.model.entities import Entity, EntityFilter
from gridgov.model.events import parse_time
from gridgov.model.hazards import ACTIVE, ENTITY, Hazard, made, updated, withdrawn
from gridgov.model.rights import EVERYWHERE, Person, Right, require
from gridgov.operations.board import newest_first
from gridgov.operations.random_ids import random_id
from gridgov.workspace import Workspace

KIND = "hazard"
_LONGEST_NAME = 200
_MOST_READ = 64  # hazards that are kept as they were read
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardHeader:
    """What is said about a hazard, however its zones come about.

    Attributes
    ----------
    starts_at : datetime or None
        Aware; the moment from which the arrivals count. None: now.
    replaces : str
        Id of a hazard on the books whose zones these are from now on; "": a new hazard.
    idempotency_key : str or None
        A name for this very call: sent again with it, nothing is added and the first answer is returned.
    """

    name: str = ""
    starts_at: datetime | None = None
    replaces: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedHazard:
    """A hazard of the log.

    Attributes
    ----------
    status : str
        ``active`` or ``withdrawn``.
    revision : int
        1, and one more with every change.
    by : str
        Who drew, computed or changed it last; who withdrew it.
    """

    hazard: Hazard
    status: str
    revision: int
    by: str
    at: datetime
    reason: str = ""


def draw_hazard(
    workspace: Workspace,
    person: Person,
    geometry: Mapping[str, Any],
    header: HazardHeader | None = None,
    *,
    level: int = 3,
    arrival_s: float = 0.0,
    buffer_m: float = BUFFER_M,
) -> Hazard:
    """Put a drawn polygon on the books as a hazard.

    Parameters
    ----------
    geometry : mapping
        GeoJSON Polygon or MultiPolygon, WGS 84.
    header : HazardHeader, optional
    level : int
        1 to 4, 4 is worst.
    arrival_s : float
        Seconds from the start until it comes.
    buffer_m : float
        How far the true border may lie from the drawn one: the range of every number.

    Raises
    ------
    ParameterError
        It is no area, or lies outside the district.
    RightsError
        The person may not draw hazards, or not there.
    """
    header = header or HazardHeader()

    def draw() -> Hazard:
        return drawn_hazard(
            geometry,
            district=district_area(workspace),
            metric_crs=workspace.metric_crs,
            level=level,
            arrival_s=arrival_s,
            buffer_m=buffer_m,
            name=header.name,
        )

    return put_on_books(workspace, person, header, draw)


def withdraw_hazard(workspace: Workspace, person: Person, hazard_id: str, *, reason: str = "") -> RecordedHazard:
    """Take a hazard off the books; it stays on record.

    Raises
    ------
    RecordNotFoundError
        There is no such hazard.
    ConflictError
        It was withdrawn before.
    """
    require(person, Right.HAZARD_WRITE)
    entity = _entity(workspace, hazard_id)
    check_hazard_area(workspace, person, _recorded(workspace, entity).hazard)
    if entity.columns.status != ACTIVE:
        raise ConflictError(f"hazard {hazard_id} was withdrawn before")
    if len(reason) > _LONGEST_REASON:
        raise ParameterError(f"the reason has {len(reason)} characters; write at most {_LONGEST_REASON}")
    event = withdrawn(hazard_id, person.actor, workspace.now(), reason=reason.strip())
    workspace.store.append([event], expected_seq=entity.updated_seq)
    return _recorded(workspace, _entity(workspace, hazard_id))


def hazards_of(workspace: Workspace, person: Person, *, withdrawn_too: bool = False) -> tuple[RecordedHazard, ...]:
    """Return the hazards on the books, the last changed first."""
    require(person, Right.LAYER_READ)
    where = EntityFilter(statuses=() if withdrawn_too else (ACTIVE,))
    return tuple(_recorded(workspace, entity) for entity in newest_first(workspace.store, where, kind=KIND))


def read_hazard(workspace: Workspace, person: Person, hazard_id: str) -> RecordedHazard:
    """Return one hazard, on the books or withdrawn.

    Raises
    ------
    RecordNotFoundError
        There is no such hazard.
    """
    require(person, Right.LAYER_READ)
    return _recorded(workspace, _entity(workspace, hazard_id))


def put_on_books(workspace: Workspace, person: Person, header: HazardHeader, make: Callable[[], Hazard]) -> Hazard:
    """Make a hazard, unless this very call was answered before, and write it to the log."""
    require(person, Right.HAZARD_WRITE)
    key = header.idempotency_key
    if key is not None and (before := workspace.store.repeated(person.actor, key)):
        return Hazard.from_dict(before[0].payload["hazard"])
    if len(header.name) > _LONGEST_NAME:
        raise ParameterError(f"the name has {len(header.name)} characters; write at most {_LONGEST_NAME}")
    known = _entity(workspace, header.replaces) if header.replaces else None
    now = workspace.now()
    hazard = replace(make(), name=header.name.strip())
    hazard = hazard.named(header.replaces or _new_id(workspace, now), header.starts_at or now)
    check_hazard_area(workspace, person, hazard)
    if known is None:
        event, expected = made(hazard, person.actor, now), 0
    else:
        if known.columns.status != ACTIVE:
            raise ConflictError(f"hazard {header.replaces} was withdrawn; make a new one")
        check_hazard_area(workspace, person, _recorded(workspace, known).hazard)
        event, expected = updated(hazard, person.actor, now), known.updated_seq
    done = workspace.store.append([event], expected_seq=expected, idempotency_key=key)
    return Hazard.from_dict(done[0].payload["hazard"])


def district_area(workspace: Workspace) -> Any:
    """Return the area of the workspace, WGS 84: all its grids, or the frame of its data where it has none."""

    def make() -> Any:
        if workspace.has("grids") and len(workspace.layer("grids")):
            return shapely.union_all(workspace.layer("grids").geometry.array)
        return shapely.box(*workspace.bounds)

    return workspace.cached("district_area", make)


def _entity(workspace: Workspace, hazard_id: str) -> Entity:
    entity = workspace.store.entity(ENTITY + hazard_id) if hazard_id else None
    if entity is None:
        raise RecordNotFoundError(f"there is no hazard '{hazard_id[:40]}'")
    return entity


def _recorded(workspace: Workspace, entity: Entity) -> RecordedHazard:
    """Return a hazard of the log; its thousands of points are read once for each of its states."""
    known: dict[tuple[str, int], RecordedHazard] = workspace.cached("recorded_hazards", dict)
    key = entity.entity_id, entity.updated_seq
    if key not in known:
        known[key] = _read(entity)
        for old in list(known)[:-_MOST_READ]:
            known.pop(old, None)
    return known.get(key) or _read(entity)


def _read(entity: Entity) -> RecordedHazard:
    state = entity.state
    ended = state.get("withdrawn") or {}
    return RecordedHazard(
        Hazard.from_dict(state["hazard"]),
        state["status"],
        state["revision"],
        ended.get("by", state["by"]),
        parse_time(ended.get("at", state["at"])),
        ended.get("reason", ""),
    )


def _new_id(workspace: Workspace, now: datetime) -> str:
    signs = random_id()
    return f"{now.astimezone(workspace.timezone):%y%m%d}-{signs}"


def check_hazard_area(workspace: Workspace, person: Person, hazard: Hazard) -> None:
    """Refuse a hazard that touches no grid of the person's area."""
    if EVERYWHERE[0] in person.areas:
        return
    if person.areas and workspace.has("grids"):
        grids = workspace.layer("grids")
        codes = grids["grid_code"].astype(str).to_numpy()
        for zone in hazard.zones:
            touched = grids.sindex.query(shape(zone.geometry), predicate="intersects")
            if any(code.startswith(person.areas) for code in codes[touched]):
                return
    raise RightsError(f"the hazard touches no grid of the area of account {person.account_id}")
