"""The tables: made by migrations, as the program knows them, guarded, with geometry where PostGIS is."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from skipping import skip_here
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from store_cases import Cluster, fold, new_event, random_events

from gridgov.errors import SettingsError, StorageError
from gridgov.model.entities import ENTITY_ORDERS, EntityFilter
from gridgov.model.events import verify_chain
from gridgov.store import SqlStore, open_store
from gridgov.store.rows import entity_condition, entity_order
from gridgov.store.tables import ENTITIES, METADATA


def open_sql(url: str) -> SqlStore:
    store = open_store(url, fold=fold)
    assert isinstance(store, SqlStore)
    return store


@pytest.mark.filterwarnings("ignore:Did not recognize type 'geometry'")
def test_migrations_make_the_tables_that_the_program_knows(database_url: str) -> None:
    store = open_sql(database_url)
    options = {
        "include_name": lambda name, kind, _of: kind != "table" or name in METADATA.tables,
        "include_object": lambda _o, name, kind, _r, _c: kind not in {"column", "index"} or "geom" not in name,
    }
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    store.close()


def test_opening_again_changes_nothing(database_url: str) -> None:
    store = open_sql(database_url)
    written = store.append(random_events(1, 30))
    digest = store.state_digest()
    store.close()
    again = open_sql(database_url)
    assert list(again.events()) == written
    assert again.state_digest() == digest
    again.close()


def test_a_store_of_an_older_program_gains_the_class_by_a_rebuild(database_url: str) -> None:
    store = open_sql(database_url)
    store.append([new_event("I1", class_code="0101"), new_event("I2")])
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE entities SET class_code = ''"))
    assert store.count("incident", EntityFilter(class_codes=("0101",))) == 0
    store.rebuild()
    assert store.count("incident", EntityFilter(class_codes=("0101",))) == 1
    store.close()


def test_several_may_open_a_new_store_at_once_and_write_one_chain(database_url: str) -> None:
    """As several servers do: each has its own connections and its own queue of writers."""
    faults: list[BaseException] = []

    def write(worker: int) -> None:
        store = open_sql(database_url)
        try:
            for step in range(15):
                store.append([new_event(f"I{worker}", step=step)])
        except StorageError as error:
            faults.append(error)
        store.close()

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    store = open_sql(database_url)
    events = list(store.events())
    assert len(events) == 60
    assert verify_chain(events) is None
    assert store.state_digest() == store.replayed_digest()
    store.close()


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'eve'", "DELETE FROM events"])
def test_the_database_refuses_to_change_events(database_url: str, statement: str) -> None:
    store = open_sql(database_url)
    store.append([new_event()])
    with pytest.raises(DBAPIError, match="never changed"), store.engine.begin() as connection:
        connection.execute(text(statement))
    store.close()


def test_tables_of_a_newer_program_are_refused(database_url: str) -> None:
    store = open_sql(database_url)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    store.close()
    with pytest.raises(StorageError, match="another version of gridgov"):
        open_sql(database_url)


def test_a_change_of_the_tables_behind_the_log_shows_and_a_rebuild_mends_it(database_url: str) -> None:
    store = open_sql(database_url)
    store.append(random_events(5, 40))
    good = store.state_digest()
    for change in ("UPDATE entities SET status = 'closed'", "DELETE FROM entities WHERE severity > 1"):
        with store.engine.begin() as connection:
            connection.execute(text(change))
        assert store.state_digest() != good == store.replayed_digest()
        assert store.rebuild() == good == store.state_digest()
    store.close()


@pytest.mark.parametrize("order", ENTITY_ORDERS)
def test_the_worklist_is_read_from_an_index_in_its_order(tmp_path, order) -> None:
    """Choosing the rows of a page sorts nothing and reads no row; how fast that is, the benchmarks say."""
    store = open_sql(f"sqlite:///{tmp_path / 'store.sqlite'}")
    condition = entity_condition("incident", EntityFilter(("filed", "dispatched"), ("3301",), ("0101", "0102")))
    query = (
        ENTITIES.select()
        .with_only_columns(ENTITIES.c.entity_id)
        .where(condition)
        .order_by(*entity_order(order))
        .limit(50)
    )
    with store.engine.connect() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
    if order != "id":
        assert plan == [step for step in plan if "COVERING INDEX" in step]
    store.close()


def test_postgis_computes_points_from_coordinates(cluster: Cluster) -> None:
    store = open_sql(cluster.database())
    store.append([new_event(lon=119.25, lat=30.5), new_event("I2")])
    with store.engine.connect() as connection:
        if not connection.scalar(text("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")):
            skip_here("PostGIS is not installed (Debian: apt install postgis postgresql-15-postgis-3)")
        found = connection.execute(
            text("SELECT entity_id, ST_AsText(geom), ST_SRID(geom) FROM entities ORDER BY 1")
        ).all()
        tables = connection.execute(text("SELECT f_table_name, type, srid FROM geometry_columns ORDER BY 1")).all()
    assert [tuple(row) for row in found] == [("I1", "POINT(119.25 30.5)", 4326), ("I2", None, None)]
    assert [tuple(row) for row in tables] == [("entities", "POINT", 4326), ("positions", "POINT", 4326)]
    store.close()


def test_without_postgis_coordinates_are_plain_columns(cluster: Cluster) -> None:
    """A role that may not create the extension does without it."""
    url = cluster.database()
    name = url.rpartition("/")[2]
    cluster.execute(f"CREATE ROLE plain_{name} LOGIN")
    cluster.execute(f"ALTER DATABASE {name} OWNER TO plain_{name}")
    store = open_sql(url.replace("gridgov@", f"plain_{name}@"))
    store.append([new_event(lon=119.25, lat=30.5)])
    where = EntityFilter(bounds=(119, 30, 120, 31))
    assert [entity.entity_id for entity in store.entities("incident", where)] == ["I1"]
    with store.engine.connect() as connection:
        columns = connection.scalars(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = 'entities'")
        )
        assert "geom" not in columns.all()
    store.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_an_unknown_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        open_store(url, fold=fold)
