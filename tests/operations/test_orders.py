"""The orders of a plan on the books."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ParameterError, RightsError
from gridgov.evacuation import EvacuationParams
from gridgov.model.alerts import AlertStatus
from gridgov.model.cap import from_xml, to_xml
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.evacuating import evacuate, give_orders, keep_plan
from gridgov.operations.evacuation_input import EvacuationQuery
from gridgov.operations.hazards import draw_hazard
from gridgov.operations.orders import FORMATS, door_tasks_of, order_file, orders_of, warning_of
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
NOON = datetime(2026, 6, 30, 4, 0, tzinfo=UTC)  # in Shanghai
WORKER = Person("worker", Role.WORKER, EVERYWHERE, worker_id="W00001")


@pytest.fixture(scope="module")
def kept(village: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A plan on the books, for a circle in the middle of the village, whose orders were given."""
    folder = tmp_path_factory.mktemp("orders")
    for item in village.iterdir():
        if not item.name.startswith("store"):
            (folder / item.name).symlink_to(item)
    here = open_workspace(folder, settings=Settings(store="memory:"))
    west, south, east, north = here.bounds
    circle = shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) * 0.12)
    hazard = draw_hazard(here, COMMANDER, mapping(circle), arrival_s=0.0)
    query = EvacuationQuery(hazard_id=hazard.hazard_id, params=EvacuationParams(time_limit_s=2.0))
    recorded = keep_plan(here, COMMANDER, query, *evacuate(here, COMMANDER, query))
    evacuation_id = recorded.evacuation.evacuation_id
    give_orders(here, COMMANDER, evacuation_id, leave_at=NOON)
    return here, evacuation_id


def test_orders_count_from_the_moment_at_which_they_were_given(kept: tuple[Workspace, str]) -> None:
    here, evacuation_id = kept
    orders = orders_of(here, COMMANDER, evacuation_id).orders
    assert f"{orders.local(orders.announced_at):%H:%M}" == "12:00"
    assert orders.persons > 0
    assert {zone.zone_id for zone in orders.zones} <= set(here.layer("grids")["grid_code"].astype(str))
    assert all(zone.names["zh"] and zone.area_names["zh"] for zone in orders.zones)
    assert all(shelter.name for shelter in orders.shelters)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_file_is_written_and_names_no_worker(kept: tuple[Workspace, str], file_format) -> None:
    here, evacuation_id = kept
    content = order_file(here, WORKER, evacuation_id, file_format, "en")
    start = {"html": b"<!doctype", "csv": b"\xef\xbb\xbf", "geojson": b"{", "gpkg": b"SQLite", "gpx": b"<?xml"}
    assert content.startswith(start[file_format])
    assert b"W00001" not in content


def test_an_unknown_format_is_refused(kept: tuple[Workspace, str]) -> None:
    with pytest.raises(ParameterError, match="html, csv"):
        order_file(*kept[:1], COMMANDER, kept[1], "pdf")  # type: ignore[arg-type]


def test_every_zone_that_leaves_has_somebody_at_its_doors(kept: tuple[Workspace, str]) -> None:
    here, evacuation_id = kept
    tasks, without = door_tasks_of(here, COMMANDER, evacuation_id)
    orders = orders_of(here, COMMANDER, evacuation_id).orders
    leaving = {zone.zone_id for zone in orders.zones if zone.first_departure is not None}
    assert {task.zone_id for task in tasks} | set(without) == leaving
    assert tasks
    assert all(task.text("zh", orders) for task in tasks)
    with pytest.raises(RightsError):
        door_tasks_of(here, WORKER, evacuation_id)


def test_the_warning_is_a_draft_for_the_zones_of_the_plan(kept: tuple[Workspace, str]) -> None:
    here, evacuation_id = kept
    alert = warning_of(here, COMMANDER, evacuation_id)
    assert alert.status is AlertStatus.DRAFT
    assert from_xml(to_xml(alert)) == alert
    area = alert.infos[0].areas[0]
    assert area.polygons
    orders = orders_of(here, COMMANDER, evacuation_id).orders
    assert f"部分区域（{len(orders.zones)} 个网格）" in area.area_desc or "、" in area.area_desc
    every = here.layer("grids")["street_code"].astype(str).value_counts()
    leaving = [zone.area_code for zone in orders.zones]
    whole = sorted({code for code in leaving if leaving.count(code) == every[code]})
    assert area.geocodes == tuple(("GB/T 10114", code) for code in whole)
    assert "街道" in area.area_desc or "镇" in area.area_desc or "乡" in area.area_desc or "区" in area.area_desc
