"""The event log, the current state, repeated calls, positions. The log refuses changes by triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SQLITE_GUARD = """
CREATE TRIGGER events_no_{what} BEFORE {what} ON events
BEGIN SELECT RAISE(ABORT, 'events are only added, never changed'); END
"""
POSTGRESQL_GUARD = """
CREATE FUNCTION gridgov_events_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'events are only added, never changed'; END $$;
CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION gridgov_events_guard();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION gridgov_events_guard();
"""


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "events",
        sa.Column("seq", SEQ, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("entity_id", SORTED, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_events_entity_id_seq", "events", ["entity_id", "seq"])
    _create_entities()
    op.create_table(
        "appends",
        sa.Column("idempotency_key", SORTED, primary_key=True),
        sa.Column("first_seq", SEQ, nullable=False),
        sa.Column("last_seq", SEQ, nullable=False),
    )
    op.create_table(
        "positions",
        sa.Column("worker_id", SORTED, primary_key=True),
        sa.Column("at", SORTED, nullable=False),
        sa.Column("lon", sa.Double, nullable=False),
        sa.Column("lat", sa.Double, nullable=False),
        sa.Column("accuracy_m", sa.Double),
    )
    op.create_table(
        "position_track",
        sa.Column("worker_id", SORTED, primary_key=True),
        sa.Column("at", SORTED, primary_key=True),
        sa.Column("lon", sa.Double, nullable=False),
        sa.Column("lat", sa.Double, nullable=False),
    )
    op.create_index("ix_position_track_at", "position_track", ["at"])
    op.create_table("probes", sa.Column("name", sa.Text, primary_key=True), sa.Column("at", sa.Text, nullable=False))
    _guard_events()


def _create_entities() -> None:
    op.create_table(
        "entities",
        sa.Column("entity_id", SORTED, primary_key=True),
        sa.Column("kind", SORTED, nullable=False),
        sa.Column("updated_seq", SEQ, nullable=False),
        sa.Column("status", SORTED, nullable=False),
        sa.Column("grid_code", SORTED, nullable=False),
        sa.Column("worker_id", SORTED, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("due_at", SORTED, nullable=False),
        sa.Column("lon", sa.Double),
        sa.Column("lat", sa.Double),
        sa.Column("state", sa.Text, nullable=False),
    )
    tail = ["entity_id", "status", "grid_code"]
    op.create_index("ix_entities_urgency", "entities", ["kind", sa.text("severity DESC"), "due_at", *tail])
    op.create_index("ix_entities_due", "entities", ["kind", "due_at", *tail])
    op.create_index("ix_entities_newest", "entities", ["kind", sa.text("updated_seq DESC"), *tail])
    op.create_index("ix_entities_status", "entities", ["kind", "status", "grid_code"])
    op.create_index("ix_entities_worker", "entities", ["kind", "worker_id", sa.text("severity DESC"), "due_at", *tail])
    op.create_index("ix_entities_place", "entities", ["kind", "lat", "lon"])


def _guard_events() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL_GUARD)
    else:
        for what in ("update", "delete"):
            op.execute(SQLITE_GUARD.format(what=what))
