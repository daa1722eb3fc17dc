"""What the worker's page asks for: the way to a task, one's own status; and the outline that anybody may see."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.model import TravelMode, WorkerStatus
from gridgov.model.duty import status_set
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.closures import network_now
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.outlines import district_outline
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.operations.tasks import duty_status, route_to_task
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def worker(worker_id: str) -> Person:
    return Person("phone", Role.WORKER, (), worker_id)


def task_for(here: Workspace, worker_id: str) -> tuple[str, float, float]:
    point = here.layer("grids").geometry.iloc[0].representative_point()
    record = report_incident(here, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y))
    move_incident(here, BOSS, record.id, Action.FILE)
    move_incident(here, BOSS, record.id, Action.DISPATCH, MoveArguments(handler=worker_id))
    return record.id, record.lon, record.lat


@pytest.mark.parametrize("mode", list(TravelMode))
def test_the_way_is_that_of_the_workers_own_travel_mode_and_ends_at_the_task(here: Workspace, mode: TravelMode) -> None:
    workers = here.layer("workers")
    worker_id = str(workers.loc[workers["mode"] == mode, "worker_id"].iloc[0])
    number, lon, lat = task_for(here, worker_id)
    start = here.layer("grids").geometry.iloc[-1].representative_point()
    way = route_to_task(here, worker(worker_id), number, start.x, start.y)
    assert way is not None
    assert way.mode is mode
    network = network_now(here, mode, here.now())  # at the speeds of the hour
    times = network.travel_times([network.snap(start.x, start.y)], [network.snap(lon, lat)])
    assert way.travel_time_s * 1000 == times[0, 0]
    end = network.snap(lon, lat)
    assert way.coordinates[-1] == pytest.approx((end.lon, end.lat))
    assert sum(step.length_m for step in way.directions) == pytest.approx(way.length_m)


def test_a_position_far_from_every_road_gives_no_way(here: Workspace) -> None:
    number, _, lat = task_for(here, "W00001")
    with pytest.raises(ParameterError, match="km from every road"):
        route_to_task(here, worker("W00001"), number, 117.0, lat)


def test_the_status_is_what_was_said_last_and_before_that_what_the_roster_says(here: Workspace) -> None:
    workers = here.layer("workers").set_index("worker_id")
    assert duty_status(here, worker("W00001")) == WorkerStatus(workers.loc["W00001", "status"])
    here.store.append([status_set("W00001", WorkerStatus.OFF, "phone", here.now())])
    assert duty_status(here, worker("W00001")) is WorkerStatus.OFF
    assert duty_status(here, worker("nobody")) is None


def test_the_outline_keeps_common_borders_and_covers_the_communities(here: Workspace) -> None:
    features = district_outline(here, PUBLIC)["features"]
    parts = [shapely.geometry.shape(f["geometry"]) for f in features if f["properties"]["level"] == "community"]
    whole = shapely.geometry.shape(next(f["geometry"] for f in features if f["properties"]["level"] == "district"))
    assert all(part.is_valid for part in parts)
    overlap = sum(part.area for part in parts) - shapely.union_all(parts).area
    assert overlap < 1e-4 * whole.area
    assert shapely.union_all(parts).symmetric_difference(whole).area < 0.01 * whole.area
