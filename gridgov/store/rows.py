"""Rows of the tables as records of the model, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Row, Table, and_, or_
from sqlalchemy.dialects import postgresql, sqlite

from gridgov.model.entities import Entity, EntityFilter, EntityOrder, IndexColumns
from gridgov.model.events import Event, canonical_json, format_time, parse_time
from gridgov.model.positions import Position
from gridgov.store.tables import ENTITIES

_E = ENTITIES.c


def event_row(event: Event) -> dict[str, Any]:
    """Return an event as a row."""
    return {**event.to_dict(), "payload": canonical_json(event.payload)}


def event_of(row: Row[Any]) -> Event:
    """Return the event of a row."""
    return Event(
        row.seq,
        parse_time(row.at),
        row.actor,
        row.kind,
        row.entity_id,
        json.loads(row.payload),
        row.prev_hash,
        row.hash,
    )


def entity_row(entity: Entity) -> dict[str, Any]:
    """Return an entity as a row."""
    return {
        "entity_id": entity.entity_id,
        "kind": entity.kind,
        "updated_seq": entity.updated_seq,
        **asdict(entity.columns),
        "state": entity.state_json,
    }


def entity_of(row: Row[Any]) -> Entity:
    """Return the entity of a row."""
    columns = IndexColumns(
        row.status, row.grid_code, row.worker_id, row.severity, row.due_at, row.lon, row.lat, row.class_code
    )
    return Entity(row.entity_id, row.kind, row.updated_seq, columns, row.state)


def position_row(position: Position) -> dict[str, Any]:
    """Return a position as a row."""
    return {**asdict(position), "at": format_time(position.at)}


def position_of(row: Any) -> Position:
    """Return the position of a row; one of a track has no accuracy."""
    accuracy_m = getattr(row, "accuracy_m", None)
    return Position(row.worker_id, parse_time(row.at), row.lon, row.lat, accuracy_m)


def entity_order(order: EntityOrder) -> list[ColumnElement[Any]]:
    """Return what to order by; equal to `model.entities.sort_key`."""
    orders: dict[EntityOrder, list[ColumnElement[Any]]] = {
        "urgency": [_E.severity.desc(), _E.due_at, _E.entity_id],
        "due": [_E.due_at, _E.entity_id],
        "newest": [_E.updated_seq.desc(), _E.entity_id],
        "id": [_E.entity_id],
    }
    return orders[order]


def entity_condition(kind: str, where: EntityFilter) -> ColumnElement[bool]:
    """Return the condition of a filter; equal to `EntityFilter.matches`."""
    terms: list[ColumnElement[bool]] = [_E.kind == kind]
    if where.statuses:
        terms.append(_E.status.in_(where.statuses))
    if where.grid_prefixes:
        terms.append(or_(*(_begins_with(prefix) for prefix in where.grid_prefixes)))
    if where.class_codes:
        terms.append(_E.class_code.in_(where.class_codes))
    if where.worker_id:
        terms.append(_E.worker_id == where.worker_id)
    if where.severity_from:
        terms.append(_E.severity >= where.severity_from)
    if where.due_before:
        terms.append(_E.due_at < where.due_before)
    if where.changed_after:
        terms.append(_E.updated_seq > where.changed_after)
    if where.bounds is not None:
        west, south, east, north = where.bounds
        terms += [_E.lat.between(south, north), _E.lon.between(west, east)]
    if where.ids:
        terms.append(_E.entity_id.in_(where.ids))
    return and_(*terms)


def _begins_with(prefix: str) -> ColumnElement[bool]:
    """Return a comparison that an index can answer: codes are ASCII, the last code point sorts behind them."""
    return and_(_E.grid_code >= prefix, _E.grid_code < prefix + "\U0010ffff")


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows in the place of those with the same keys."""
    if rows:
        connection.execute(_upsert_into(table, connection.dialect.name), list(rows))


@cache
def _upsert_into(table: Table, dialect: str) -> Executable:
    """Return the statement; building it takes longer than many a write."""
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)
