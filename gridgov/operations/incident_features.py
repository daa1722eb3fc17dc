"""案件要素: the incidents of the store as features, as far as a person may see them; reporters are not among them.

An incident's time is that of its report.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.i18n import Lang, label
from gridgov.model.events import format_time, parse_time
from gridgov.model.features import Bounds, Feature, FeatureCollection, FeaturePage, FeatureQuery, property_value
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.rights import EVERYWHERE, Person, Right, may_on, require
from gridgov.operations.agencies import agency_name
from gridgov.operations.incident_index import IndexRow, incident_index, records_of
from gridgov.operations.incidents import masked, read_incident
from gridgov.workspace import Workspace

QUERYABLES = {
    "state": "string",
    "class_code": "string",
    "severity": "integer",
    "source": "string",
    "grid_code": "string",
    "handler": "string",
}


def collection(workspace: Workspace, person: Person, lang: Lang) -> FeatureCollection:
    """Return what the collection of incidents is to a person."""
    rows = _seen(workspace, person)
    times = [row.reported_at for row in rows]
    return FeatureCollection(
        id="incidents",
        title=label("ogc.incidents", lang),
        description=label("ogc.incidents_description", lang),
        bounds=_bounds(rows) if rows else workspace.bounds,
        interval=(parse_time(min(times)), parse_time(max(times))) if times else None,
        queryables=QUERYABLES,
    )


def page(workspace: Workspace, person: Person, query: FeatureQuery, lang: Lang) -> FeaturePage:
    """Return a page of incidents, by id.

    Raises
    ------
    ParameterError
        A property is asked for that is not one of `QUERYABLES`.
    RightsError
        The person may see no incidents.
    """
    require(person, Right.INCIDENT_READ)
    for name in query.equals:
        if name not in QUERYABLES:
            raise ParameterError(f"'{name[:80]}' is no property to ask for: use one of {', '.join(QUERYABLES)}")
    rows = _matching(_seen(workspace, person), query)
    ids = [row.id for row in rows[query.offset : query.offset + query.limit]]
    records = (masked(record, person) for record in records_of(workspace, ids))
    return FeaturePage(len(rows), tuple(_feature(workspace, record, lang) for record in records))


def item(workspace: Workspace, person: Person, incident_id: str, lang: Lang) -> Feature:
    """Return one incident; see `operations.incidents.read_incident`."""
    return _feature(workspace, read_incident(workspace, person, incident_id), lang)


def _seen(workspace: Workspace, person: Person) -> Sequence[IndexRow]:
    rows = incident_index(workspace)
    if person.areas == EVERYWHERE:
        return rows
    return [row for row in rows if may_on(person, Right.INCIDENT_READ, row)]


def _matching(rows: Sequence[IndexRow], query: FeatureQuery) -> Sequence[IndexRow]:
    if query.bbox is not None:
        boxes = query.boxes
        rows = [row for row in rows if any(_inside(box, row) for box in boxes)]
    if query.start is not None:
        start = format_time(query.start)
        rows = [row for row in rows if row.reported_at >= start]
    if query.end is not None:
        end = format_time(query.end)
        rows = [row for row in rows if row.reported_at <= end]
    for name, value in query.equals.items():
        wanted = property_value(name, QUERYABLES[name], value)
        rows = [row for row in rows if getattr(row, name) == wanted]
    return rows


def _inside(box: Bounds, row: IndexRow) -> bool:
    west, south, east, north = box
    return west <= row.lon <= east and south <= row.lat <= north


def _bounds(rows: Sequence[IndexRow]) -> Bounds:
    lons, lats = [row.lon for row in rows], [row.lat for row in rows]
    return min(lons), min(lats), max(lons), max(lats)


def _feature(workspace: Workspace, record: IncidentRecord, lang: Lang) -> Feature:
    geometry = json.dumps({"type": "Point", "coordinates": [record.lon, record.lat]}, separators=(",", ":"))
    return Feature(record.id, geometry, _properties(workspace, record, lang))


def _properties(workspace: Workspace, record: IncidentRecord, lang: Lang) -> dict[str, Any]:
    known = workspace.incident_profile.classes.get(record.class_code)
    lamp = record.lamp(workspace.now())
    return {
        "incident_id": record.id,
        "kind": str(record.kind),
        "class_code": record.class_code,
        "class_name": known.name(lang) if known else record.class_names.get(lang, record.class_code),
        "condition": record.condition,
        "state": str(record.state),
        "state_name": label(f"incident.state.{record.state}", lang),
        "severity": record.severity,
        "emergency": record.emergency,
        "lamp": None if lamp is None else str(lamp),
        "description": record.description,
        "address": record.address,
        "grid_code": record.grid_code,
        "community_code": record.community_code,
        "street_code": record.street_code,
        "agency": record.agency,
        "agency_name": agency_name(workspace, record.agency, lang),
        "source": record.source,
        "handler": record.handler,
        "merged_into": record.merged_into,
        "reported_at": format_time(record.reported_at),
        "filed_at": _time(record.filed_at),
        "dispatched_at": _time(record.dispatched_at),
        "due_at": _time(record.due_at),
        "resolved_at": _time(record.resolved_at),
        "closed_at": _time(record.closed_at),
        "updated_at": format_time(record.updated_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
