"""Entities are also found by their class. `Store.rebuild` fills the column for entities that were there before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column, and to each index that a worklist is read from."""
    op.add_column("entities", sa.Column("class_code", SORTED, nullable=False, server_default=""))
    tail = ["entity_id", "status", "grid_code", "class_code"]
    severest = sa.text("severity DESC")
    indexes: dict[str, list[str | sa.TextClause]] = {
        "ix_entities_urgency": ["kind", severest, "due_at", *tail],
        "ix_entities_due": ["kind", "due_at", *tail],
        "ix_entities_newest": ["kind", sa.text("updated_seq DESC"), *tail],
        "ix_entities_status": ["kind", "status", "grid_code", "class_code"],
        "ix_entities_worker": ["kind", "worker_id", severest, "due_at", *tail],
    }
    for name, columns in indexes.items():
        op.drop_index(name, "entities")
        op.create_index(name, "entities", columns)
