"""The tables, as SQLAlchemy knows them. `migrations/` creates them; a test keeps both the same.

events          the log, one row an event, never changed (triggers refuse it)
entities        the current state of each entity and the columns it is found by
appends         which events an idempotency key stands for
positions       the newest position of each worker
position_track  sampled positions
credentials     password hashes and wrong passwords; never in the log, never exported
sessions        who is signed in, by the hash of a token
probes          one row, written to find out whether the store can be written

Times are text in the one format of `model.events.format_time`, so that they sort, and hash, as they stand. Text that is
compared sorts by code point on every database.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA = MetaData(naming_convention=NAMING)

SEQ = BigInteger().with_variant(Integer, "sqlite")
SORTED = Text().with_variant(Text(collation="C"), "postgresql")
HASH = String(64)

EVENTS = Table(
    "events",
    METADATA,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity_id", SORTED, nullable=False),
    Column("payload", Text, nullable=False),
    Column("prev_hash", HASH, nullable=False),
    Column("hash", HASH, nullable=False),
)
Index(None, EVENTS.c.entity_id, EVENTS.c.seq)

ENTITIES = Table(
    "entities",
    METADATA,
    Column("entity_id", SORTED, primary_key=True),
    Column("kind", SORTED, nullable=False),
    Column("updated_seq", SEQ, nullable=False),
    Column("status", SORTED, nullable=False),
    Column("grid_code", SORTED, nullable=False),
    Column("worker_id", SORTED, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("due_at", SORTED, nullable=False),
    Column("lon", Double),
    Column("lat", Double),
    Column("state", Text, nullable=False),
    Column("class_code", SORTED, nullable=False, server_default=""),
)
# The worklist walks one of these in its order and reads state, area, class and worker from the index itself.
Index(
    "ix_entities_urgency",
    ENTITIES.c.kind,
    ENTITIES.c.severity.desc(),
    ENTITIES.c.due_at,
    ENTITIES.c.entity_id,
    ENTITIES.c.status,
    ENTITIES.c.grid_code,
    ENTITIES.c.class_code,
)
Index(
    "ix_entities_due",
    ENTITIES.c.kind,
    ENTITIES.c.due_at,
    ENTITIES.c.entity_id,
    ENTITIES.c.status,
    ENTITIES.c.grid_code,
    ENTITIES.c.class_code,
)
Index(
    "ix_entities_newest",
    ENTITIES.c.kind,
    ENTITIES.c.updated_seq.desc(),
    ENTITIES.c.entity_id,
    ENTITIES.c.status,
    ENTITIES.c.grid_code,
    ENTITIES.c.class_code,
)
Index("ix_entities_status", ENTITIES.c.kind, ENTITIES.c.status, ENTITIES.c.grid_code, ENTITIES.c.class_code)
Index(
    "ix_entities_worker",
    ENTITIES.c.kind,
    ENTITIES.c.worker_id,
    ENTITIES.c.severity.desc(),
    ENTITIES.c.due_at,
    ENTITIES.c.entity_id,
    ENTITIES.c.status,
    ENTITIES.c.grid_code,
    ENTITIES.c.class_code,
)
Index("ix_entities_place", ENTITIES.c.kind, ENTITIES.c.lat, ENTITIES.c.lon)

APPENDS = Table(
    "appends",
    METADATA,
    Column("idempotency_key", SORTED, primary_key=True),
    Column("first_seq", SEQ, nullable=False),
    Column("last_seq", SEQ, nullable=False),
)

POSITIONS = Table(
    "positions",
    METADATA,
    Column("worker_id", SORTED, primary_key=True),
    Column("at", SORTED, nullable=False),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("accuracy_m", Double),
)

POSITION_TRACK = Table(
    "position_track",
    METADATA,
    Column("worker_id", SORTED, primary_key=True),
    Column("at", SORTED, primary_key=True),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
)
Index(None, POSITION_TRACK.c.at)

CREDENTIALS = Table(
    "credentials",
    METADATA,
    Column("account_id", SORTED, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", SORTED),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", HASH, primary_key=True),
    Column("account_id", SORTED, nullable=False),
    Column("created_at", SORTED, nullable=False),
    Column("seen_at", SORTED, nullable=False),
    Column("expires_at", SORTED, nullable=False),
)
Index(None, SESSIONS.c.account_id)
Index(None, SESSIONS.c.expires_at)

PROBES = Table(
    "probes",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("at", Text, nullable=False),
)
