"""Alembic's entry: run the migrations on the connection that `gridgov.store.schema` (or the alembic command) gives."""

from __future__ import annotations

from alembic import context

from gridgov.store.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA)
context.run_migrations()
