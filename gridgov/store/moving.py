"""Workers' positions in the database: the newest of each, and a sampled track."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gridgov.model.events import format_time, parse_time
from gridgov.model.positions import Position, latest_of, sample_track
from gridgov.store.rows import position_of, position_row
from gridgov.store.tables import POSITION_TRACK, POSITIONS

_P, _T = POSITIONS.c, POSITION_TRACK.c
_IDS_AT_ONCE = 1000


def record(connection: Connection, positions: Iterable[Position], track_every_s: float) -> int:
    """Keep newest positions and sampled ones; return how many the track gained.

    Rows are written in the order of worker ids, so that two batches at once cannot wait for each other in a circle.
    """
    batch = list(positions)
    newest = [position for _, position in sorted(latest_of(batch).items())]
    if not newest:
        return 0
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(POSITIONS)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["worker_id"],
        set_={"at": new.at, "lon": new.lon, "lat": new.lat, "accuracy_m": new.accuracy_m},
        where=new.at >= _P.at,
    )
    connection.execute(statement, [position_row(position) for position in newest])
    kept = sample_track(batch, _kept_at(connection, [p.worker_id for p in newest]), track_every_s)
    rows = [{"worker_id": p.worker_id, "at": format_time(p.at), "lon": p.lon, "lat": p.lat} for p in kept]
    if rows:
        connection.execute(make(POSITION_TRACK).on_conflict_do_nothing(), rows)
    return len(rows)


def _kept_at(connection: Connection, worker_ids: list[str]) -> dict[str, datetime]:
    kept: dict[str, datetime] = {}
    for start in range(0, len(worker_ids), _IDS_AT_ONCE):
        some = worker_ids[start : start + _IDS_AT_ONCE]
        query = select(_T.worker_id, func.max(_T.at).label("at")).where(_T.worker_id.in_(some)).group_by(_T.worker_id)
        kept |= {row.worker_id: parse_time(row.at) for row in connection.execute(query)}
    return kept


def latest(connection: Connection, since: datetime | None) -> list[Position]:
    """Return the newest positions, by worker id."""
    query = select(_P.worker_id, _P.at, _P.lon, _P.lat, _P.accuracy_m).order_by(_P.worker_id)
    if since is not None:
        query = query.where(_P.at >= format_time(since))
    return [position_of(row) for row in connection.execute(query)]


def track(connection: Connection, worker_id: str, since: datetime | None) -> list[Position]:
    """Return the kept positions of a worker, oldest first."""
    query = select(POSITION_TRACK).where(_T.worker_id == worker_id).order_by(_T.at)
    if since is not None:
        query = query.where(_T.at >= format_time(since))
    return [position_of(row) for row in connection.execute(query)]


def forget(connection: Connection, before: datetime) -> int:
    """Remove kept positions older than a time; return how many."""
    return connection.execute(delete(POSITION_TRACK).where(_T.at < format_time(before))).rowcount
