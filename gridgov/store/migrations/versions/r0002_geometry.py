"""Geometry columns for PostGIS, computed by the database from lon and lat; nothing where PostGIS is not there.

An administrator who may not create extensions has PostGIS created before the store is first opened.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `geom`, WGS 84 points with an index, to entities and positions."""
    if op.get_bind().dialect.name != "postgresql" or not _has_postgis():
        return
    for table in ("entities", "positions"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN geom geometry(Point, 4326) "
            "GENERATED ALWAYS AS (ST_SetSRID(ST_MakePoint(lon, lat), 4326)) STORED"
        )
        op.execute(f"CREATE INDEX ix_{table}_geom ON {table} USING gist (geom)")


def _has_postgis() -> bool:
    bind = op.get_bind()
    if bind.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")):
        return True
    available = bind.scalar(sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'"))
    if not available or not bind.scalar(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        return False
    bind.execute(sa.text("CREATE EXTENSION postgis"))
    return True
