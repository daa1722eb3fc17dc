"""Bring a database to the newest tables, by Alembic, in one transaction that one process at a time may make."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine

from gridgov.errors import StorageError
from gridgov.store.engines import writing

_ALEMBIC = threading.Lock()  # its context is one for the whole process
_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run the migrations that the database has not seen.

    Raises
    ------
    StorageError
        A newer gridgov has changed the tables.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with _ALEMBIC, writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            where = engine.url.render_as_string()
            raise StorageError(
                f"{where}: another version of gridgov made these tables; use that one ({error})"
            ) from error
