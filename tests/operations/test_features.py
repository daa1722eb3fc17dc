"""Collections of features: what each person sees, searches by place, time and property, and how fast."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgov.config import Settings
from gridgov.errors import LayerNotFoundError, ParameterError, RecordNotFoundError, RightsError
from gridgov.model.features import FeaturePage, FeatureQuery
from gridgov.model.incident_life import Action
from gridgov.model.incidents import IncidentState
from gridgov.model.positions import Position
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.features import collection_of, collections_of, item_of, items_of
from gridgov.operations.incident_index import IncidentIndex, incident_index
from gridgov.operations.moving import move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

SUPERVISOR = Person("chen", Role.SUPERVISOR, EVERYWHERE)
NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)


@pytest.fixture
def workspace(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture
def report(workspace: Workspace) -> Callable[..., str]:
    """Report an incident in a grid, so many days ago."""
    points = workspace.layer("grids").geometry.representative_point()

    def make(grid: int, *, days: int = 0, code: str = "0101") -> str:
        form = ReportForm(
            class_code=code,
            lon=points.iloc[grid].x,
            lat=points.iloc[grid].y,
            description="call 13812345678",
            reporter_name="王小明",
            reporter_phone="13911112222",
            reported_at=NOW - timedelta(days=days),
            source="citizen",
        )
        return report_incident(workspace, SUPERVISOR, form).id

    return make


def ids(page: FeaturePage) -> set[str]:
    return {feature.id for feature in page.features}


@pytest.mark.parametrize(
    ("person", "live"),
    [
        (SUPERVISOR, {"incidents", "workers"}),
        (Person("zhou", Role.COMMANDER, EVERYWHERE), {"incidents", "workers"}),
        (Person("w1", Role.WORKER, EVERYWHERE, "W00001"), {"incidents", "workers"}),
        (Person("lin", Role.PLANNER, EVERYWHERE), {"incidents"}),
        (Person("root", Role.ADMIN, EVERYWHERE), set()),
    ],
    ids=lambda value: getattr(value, "role", ""),
)
def test_a_role_sees_the_collections_of_its_rights(workspace: Workspace, person: Person, live: set[str]) -> None:
    found = {collection.id for collection in collections_of(workspace, person, "en")}
    assert found & {"incidents", "workers"} == live
    assert {"grids", "roads", "divisions", "land", "shelters"} <= found
    for hidden in {"incidents", "workers"} - live:
        for ask in (
            lambda name: collection_of(workspace, person, name, "en"),
            lambda name: items_of(workspace, person, name, FeatureQuery()),
            lambda name: item_of(workspace, person, name, "x"),
        ):
            with pytest.raises(RightsError):
                ask(hidden)


def test_the_public_sees_no_collection(workspace: Workspace) -> None:
    with pytest.raises(RightsError):
        collections_of(workspace, PUBLIC, "en")
    with pytest.raises(RightsError):
        items_of(workspace, PUBLIC, "grids", FeatureQuery())


@pytest.mark.parametrize("name", ["nothing", "elevation", "population", "", "../grids"])
def test_what_is_no_vector_layer_is_no_collection(workspace: Workspace, name: str) -> None:
    with pytest.raises(LayerNotFoundError):
        items_of(workspace, SUPERVISOR, name, FeatureQuery())


def test_a_person_sees_the_incidents_of_the_own_area_only(workspace: Workspace, report: Callable[..., str]) -> None:
    grids = workspace.layer("grids")["grid_code"]
    near, far = report(0), report(len(grids) - 1)
    person = Person("li", Role.SUPERVISOR, (grids.iloc[0],))
    assert ids(items_of(workspace, SUPERVISOR, "incidents", FeatureQuery())) == {near, far}
    assert ids(items_of(workspace, person, "incidents", FeatureQuery())) == {near}
    assert item_of(workspace, person, "incidents", near).id == near
    with pytest.raises(RightsError):
        item_of(workspace, person, "incidents", far)
    assert not ids(items_of(workspace, replace(person, areas=()), "incidents", FeatureQuery()))


def test_an_incident_shows_no_reporter_and_its_words_as_the_role_may_read_them(
    workspace: Workspace, report: Callable[..., str]
) -> None:
    ticket = report(0)
    for person, number in ((SUPERVISOR, True), (Person("lin", Role.PLANNER, EVERYWHERE), False)):
        for feature in (
            item_of(workspace, person, "incidents", ticket),
            items_of(workspace, person, "incidents", FeatureQuery()).features[0],
        ):
            text = json.dumps(feature.properties, ensure_ascii=False)
            assert "王" not in text
            assert "13911112222" not in text
            assert ("13812345678" in text) is number


def test_an_incident_says_what_it_is_in_the_language_that_is_asked_for(
    workspace: Workspace, report: Callable[..., str]
) -> None:
    ticket = report(0)
    english = item_of(workspace, SUPERVISOR, "incidents", ticket, lang="en").properties
    assert (english["class_name"], english["state_name"]) == ("Exposed garbage", "reported")
    assert str(english["agency_name"]).endswith("office")
    assert item_of(workspace, SUPERVISOR, "incidents", ticket).properties["class_name"] == "暴露垃圾"


def test_incidents_are_found_by_time_place_and_property(workspace: Workspace, report: Callable[..., str]) -> None:
    old, new = report(0, days=40), report(1, days=1, code="0102")
    at = json.loads(item_of(workspace, SUPERVISOR, "incidents", new).geometry)["coordinates"]
    box = (at[0] - 1e-5, at[1] - 1e-5, at[0] + 1e-5, at[1] + 1e-5)
    for query, expected in (
        (FeatureQuery(start=NOW - timedelta(days=30)), {new}),
        (FeatureQuery(end=NOW - timedelta(days=30)), {old}),
        (FeatureQuery(start=NOW - timedelta(days=40), end=NOW - timedelta(days=40)), {old}),
        (FeatureQuery(bbox=box), {new}),
        (FeatureQuery(bbox=box, end=NOW - timedelta(days=30)), set()),
        (FeatureQuery(equals={"class_code": "0102", "state": "reported"}), {new}),
        (FeatureQuery(equals={"severity": "4"}), set()),
    ):
        page = items_of(workspace, SUPERVISOR, "incidents", query)
        assert (ids(page), page.matched) == (expected, len(expected))
    with pytest.raises(ParameterError):
        items_of(workspace, SUPERVISOR, "incidents", FeatureQuery(equals={"reporters": "x"}))


def test_the_index_follows_the_store(workspace: Workspace, report: Callable[..., str]) -> None:
    first = report(0)
    assert [(row.id, row.state) for row in incident_index(workspace)] == [(first, "reported")]
    second = report(1)
    move_incident(workspace, SUPERVISOR, first, Action.FILE)
    rows = incident_index(workspace)
    assert {row.id: row.state for row in rows} == {first: str(IncidentState.FILED), second: "reported"}
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert rows == IncidentIndex(workspace.store).rows()
    assert incident_index(workspace) is rows  # nothing has changed: nothing is read


def test_a_worker_is_where_the_last_position_says_and_has_no_telephone(workspace: Workspace) -> None:
    workspace.store.record_positions([Position("W00001", NOW, 118.99, 29.61)])
    feature = item_of(workspace, SUPERVISOR, "workers", "W00001")
    assert json.loads(feature.geometry)["coordinates"] == [118.99, 29.61]
    assert feature.properties["position_at"] == "2026-06-30T02:00:00.000000Z"
    assert "phone" not in feature.properties
    other = item_of(workspace, SUPERVISOR, "workers", "W00002")
    assert other.properties["position_at"] is None
    assert item_of(workspace, Person("w1", Role.WORKER, EVERYWHERE, "W00001"), "workers", "W00001").id == "W00001"


def test_a_worker_sees_no_colleague_and_a_supervisor_those_of_the_own_area(workspace: Workspace) -> None:
    worker = Person("w1", Role.WORKER, EVERYWHERE, "W00001")
    assert ids(items_of(workspace, worker, "workers", FeatureQuery())) == {"W00001"}
    with pytest.raises(RecordNotFoundError):
        item_of(workspace, worker, "workers", "W00002")
    workers = workspace.layer("workers")
    area = str(workers["duty_grids"].iloc[0][0])
    local = Person("li", Role.SUPERVISOR, (area,))
    expected = {
        row.worker_id for row in workers.itertuples() if area in [*row.duty_grids, getattr(row, "grid_code", None)]
    }
    assert ids(items_of(workspace, local, "workers", FeatureQuery(limit=1000))) == expected
    assert not ids(items_of(workspace, Person("li", Role.SUPERVISOR, ("999",)), "workers", FeatureQuery()))


def test_pages_are_parts_of_one_order(workspace: Workspace) -> None:
    whole = items_of(workspace, SUPERVISOR, "roads", FeatureQuery(limit=10_000))
    parts = [
        items_of(workspace, SUPERVISOR, "roads", FeatureQuery(limit=97, offset=k)) for k in range(0, whole.matched, 97)
    ]
    assert [feature.id for part in parts for feature in part.features] == [feature.id for feature in whole.features]
    assert items_of(workspace, SUPERVISOR, "roads", FeatureQuery(offset=10**9)).features == ()


def test_a_box_finds_what_a_plain_comparison_finds(workspace: Workspace) -> None:
    land = workspace.layer("land")
    west, south, east, north = land.total_bounds
    random = np.random.default_rng(7)
    for _ in range(20):
        x0, x1 = sorted(random.uniform(west, east, 2))
        y0, y1 = sorted(random.uniform(south, north, 2))
        found = items_of(workspace, SUPERVISOR, "land", FeatureQuery(bbox=(x0, y0, x1, y1), limit=10_000))
        expected = land["parcel_id"][shapely.intersects(land.geometry.to_numpy(), shapely.box(x0, y0, x1, y1))]
        assert ids(found) == set(expected)


def frame_workspace(workspace: Workspace, frame: gpd.GeoDataFrame) -> Workspace:
    """A workspace whose layer of sensors is this frame."""
    other = open_workspace(workspace.path, settings=Settings(store="memory:"))
    other._loaded["layer:sensors"] = frame
    return other


def test_what_has_no_place_matches_every_box_and_odd_values_become_json(workspace: Workspace) -> None:
    frame = gpd.GeoDataFrame(
        {
            "sensor_id": ["a", "b", "c d/é"],
            "level": [1.5, float("nan"), float("inf")],
            "count": pd.array([1, None, 3], dtype="Int64"),
            "on": pd.array([True, None, False], dtype="boolean"),
            "parts": [np.array(["x", "y"]), None, []],
            "seen": pd.to_datetime(["2026-06-30T02:00:00Z", None, "2026-06-30T02:00:00.5Z"], format="ISO8601"),
        },
        geometry=[shapely.Point(118.99, 29.61), None, shapely.Point()],
        crs="EPSG:4326",
    )
    other = frame_workspace(workspace, frame)
    page = items_of(other, SUPERVISOR, "sensors", FeatureQuery(bbox=(0, 0, 1, 1)))
    assert [(feature.id, feature.geometry) for feature in page.features] == [("b", "null"), ("c d/é", "null")]
    whole = items_of(other, SUPERVISOR, "sensors", FeatureQuery()).features
    assert json.loads(json.dumps([feature.properties for feature in whole], allow_nan=False)) == [
        {"sensor_id": "a", "level": 1.5, "count": 1, "on": True, "parts": ["x", "y"], "seen": "2026-06-30T02:00:00Z"},
        {"sensor_id": "b", "level": None, "count": None, "on": None, "parts": None, "seen": None},
        {
            "sensor_id": "c d/é",
            "level": None,
            "count": 3,
            "on": False,
            "parts": [],
            "seen": "2026-06-30T02:00:00.500000Z",
        },
    ]
    for equals, expected in (({"on": "true"}, {"a"}), ({"count": "3"}, {"c d/é"}), ({"level": "1.5"}, {"a"})):
        assert ids(items_of(other, SUPERVISOR, "sensors", FeatureQuery(equals=equals))) == expected
    for equals in ({"on": "yes"}, {"count": "many"}, {"parts": "x"}, {"geometry": "x"}):
        with pytest.raises(ParameterError):
            items_of(other, SUPERVISOR, "sensors", FeatureQuery(equals=equals))


def test_an_empty_layer_has_the_bounds_of_the_workspace(workspace: Workspace) -> None:
    empty = workspace.layer("sensors").iloc[:0]
    other = frame_workspace(workspace, empty)
    assert collection_of(other, SUPERVISOR, "sensors", "en").bounds == workspace.bounds
    assert items_of(other, SUPERVISOR, "sensors", FeatureQuery(bbox=(0, 0, 1, 1))) == FeaturePage(0, ())
