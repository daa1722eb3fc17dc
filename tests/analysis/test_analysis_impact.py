"""Who and what lies in a hazard: computed by hand on four grids of 100 m."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.analysis.exposure import pieces_of
from gridgov.analysis.impact import Exposed, Impact, measure_impact
from gridgov.hazards.zoning import moved
from gridgov.model.hazards import Hazard, HazardKind, HazardZone
from gridgov.model.incident_classes import Certainty
from gridgov.model.needs import Need

CRS = "EPSG:4549"
X, Y = 403_000.0, 3_276_000.0
STREET = "339901001"


def box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def zone(area: Any, level: int = 3, arrival_s: float = 0.0) -> HazardZone:
    return HazardZone(mapping(moved(area, CRS, "EPSG:4326")), level, arrival_s)


def frame(geometry: list[Any], **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


@pytest.fixture
def exposed() -> Exposed:
    """Four grids from west to east with 100, 200, unknown and 400 people; the third lies in another community."""
    codes = [f"{STREET}001001", f"{STREET}001002", f"{STREET}002001", f"{STREET}002002"]
    return Exposed(
        CRS,
        frame(
            [box(100 * i, 0, 100 * i + 100, 100) for i in range(4)],
            grid_code=codes, community_code=[code[:12] for code in codes], street_code=[STREET] * 4,
            persons=pd.array([100, 200, None, 400], dtype="Int64"),
            households=pd.array([40, 80, None, 160], dtype="Int64"),
            persons_day=pd.array([10, None, None, 500], dtype="Int64"),
            elderly_persons=pd.array([10, 20, 30, 40], dtype="Int64"),
        ),
        frame([shapely.Point(X + 50, Y + 50), shapely.Point(X + 350, Y + 50)], facility_id=["F1", "F2"],
              category="school"),
        frame([shapely.Point(X + 60, Y + 50)], shelter_id=["S1"], capacity_persons=pd.array([500], dtype="Int64")),
        frame([shapely.LineString([(X, Y + 50), (X + 400, Y + 50)])], highway=["primary"]),
        frame([box(0, 0, 400, 50), box(0, 50, 400, 100)], layer_kind=["land", "forest"], class_code=["0101", "0301"],
              class_name=["水田", "乔木林地"]),
    )  # fmt: skip


def hazard(*zones: HazardZone, milder: Any = (), worse: Any = ()) -> Hazard:
    return Hazard(kind=HazardKind.DRAWN, zones=zones, milder=milder, worse=worse)


def value(impact: Impact, name: str) -> float:
    return impact.figures[name].value


def test_people_are_counted_by_the_share_of_their_grid_that_lies_inside(exposed: Exposed) -> None:
    """The first grid whole, a quarter of the second: 100 + 50."""
    impact = measure_impact(hazard(zone(box(-10, -10, 125, 110))), exposed)
    assert value(impact, "persons") == pytest.approx(150, abs=0.01)
    assert value(impact, "households") == pytest.approx(60, abs=0.01)
    assert value(impact, "elderly_persons") == pytest.approx(15, abs=0.01)
    assert value(impact, "grids") == 2
    assert impact.by_grid["share"].tolist() == pytest.approx([1.0, 0.25], abs=1e-4)


def test_a_grid_without_a_known_population_is_counted_apart_and_never_as_nobody(exposed: Exposed) -> None:
    impact = measure_impact(hazard(zone(box(200, 0, 350, 100))), exposed)
    assert value(impact, "persons") == pytest.approx(200, abs=0.1)
    assert impact.unknown_grids.value == 1
    assert np.isnan(impact.by_grid.set_index("grid_code").loc[f"{STREET}002001", "persons"])
    assert impact.by_community["unknown_grids"].tolist() == [1]


def test_a_group_that_no_grid_inside_knows_is_not_there_and_never_0(exposed: Exposed) -> None:
    """Nobody has counted the children; the elderly are known in one of the two grids."""
    assert exposed.grids is not None
    grids = exposed.grids.assign(
        children_persons=pd.array([None] * 4, dtype="Int64"),
        elderly_persons=pd.array([10, None, None, None], dtype="Int64"),
    )
    exposed = replace(exposed, grids=grids)
    impact = measure_impact(hazard(zone(box(0, 0, 100, 100), 4, 0), zone(box(100, 0, 200, 100), 2, 600)), exposed)
    assert "children_persons" not in impact.figures
    assert value(impact, "elderly_persons") == pytest.approx(10, abs=0.01)
    assert {name: figure.value for name, figure in impact.unknown_by_group.items()} == {
        "children_persons": 2, "elderly_persons": 1,
    }  # fmt: skip
    for table in (impact.by_level, impact.by_arrival, impact.by_community, impact.by_street, impact.by_grid):
        assert table[["children_persons", "children_persons_low", "children_persons_high"]].isna().to_numpy().all()
    assert impact.by_arrival["elderly_persons"].tolist() == pytest.approx([10, np.nan], abs=0.01, nan_ok=True)
    assert impact.by_arrival["elderly_persons_unknown_grids"].tolist() == [0, 1]
    assert impact.by_street["elderly_persons"].tolist() == pytest.approx([10], abs=0.01)
    assert impact.by_street[
        ["elderly_persons_unknown_grids", "children_persons_unknown_grids"]
    ].to_numpy().tolist() == [[1, 2]]


def test_where_nobody_knows_how_many_live_the_needs_are_not_known_either(exposed: Exposed) -> None:
    """Only the third grid, whose people nobody has counted."""
    words = {"zh": "物", "en": "thing"}
    needs = (Need("water", words, words, 17.5, "week", False, "s", Certainty.READ),)
    impact = measure_impact(hazard(zone(box(205, 0, 295, 100))), exposed, needs=needs)
    assert "persons" not in impact.figures
    assert impact.unknown_grids.value == 1
    assert impact.needs == ()


def test_roads_areas_and_points_are_measured_in_metres(exposed: Exposed) -> None:
    impact = measure_impact(hazard(zone(box(0, 0, 100, 100))), exposed)
    assert value(impact, "road_m") == pytest.approx(100, abs=0.1)
    assert value(impact, "area_m2.cropland") == pytest.approx(5000, rel=1e-3)
    assert value(impact, "area_m2.forest") == pytest.approx(5000, rel=1e-3)
    assert (value(impact, "facilities"), value(impact, "shelters"), value(impact, "shelter_places")) == (1, 1, 500)
    assert impact.facilities["facility_id"].tolist() == ["F1"]
    assert impact.shelters["shelter_id"].tolist() == ["S1"]


def test_the_range_is_the_number_one_step_milder_and_one_step_worse(exposed: Exposed) -> None:
    impact = measure_impact(
        hazard(zone(box(0, 0, 100, 100)), milder=(zone(box(0, 0, 50, 100)),), worse=(zone(box(0, 0, 200, 100)),)),
        exposed,
    )
    persons = impact.figures["persons"]
    assert (persons.low, persons.value, persons.high) == pytest.approx((50, 100, 300), abs=0.1)
    assert impact.by_level.loc[0, ["persons_low", "persons_high"]].tolist() == pytest.approx([50, 300], abs=0.1)
    assert impact.figures["road_m"].low == pytest.approx(50, abs=0.1)


def test_numbers_by_level_and_by_time_of_arrival_add_up(exposed: Exposed) -> None:
    impact = measure_impact(
        hazard(zone(box(0, 0, 100, 100), 4, 0), zone(box(100, 0, 200, 100), 2, 600), zone(box(300, 0, 400, 100), 2, 0)),
        exposed,
    )
    assert impact.by_level[["level", "persons"]].to_numpy().tolist() == [
        [2, pytest.approx(600, abs=0.1)], [4, pytest.approx(100, abs=0.1)],
    ]  # fmt: skip
    assert impact.by_arrival[["arrival_s", "persons"]].to_numpy().tolist() == [
        [0, pytest.approx(500, abs=0.1)], [600, pytest.approx(200, abs=0.1)],
    ]  # fmt: skip


def test_grids_roll_up_to_communities_and_streets(exposed: Exposed) -> None:
    impact = measure_impact(hazard(zone(box(0, 0, 400, 100))), exposed)
    assert impact.by_community["persons"].tolist() == pytest.approx([300, 400], abs=0.1)
    assert impact.by_street["persons"].tolist() == pytest.approx([700], abs=0.1)
    assert impact.by_street["grids"].tolist() == [4]


def test_by_day_the_grids_own_number_counts_and_else_the_residents_times_a_factor(exposed: Exposed) -> None:
    """10 by day, 200 x 0.5 where the day is not known, nothing known at all, 500 by day."""
    impact = measure_impact(hazard(zone(box(0, 0, 400, 100))), exposed, presence=0.5, column="persons_day")
    assert value(impact, "persons") == pytest.approx(610, abs=0.1)
    assert impact.unknown_grids.value == 1


def test_needs_are_multiples_of_people_and_whole_things_are_rounded_up(exposed: Exposed) -> None:
    words = {"zh": "物", "en": "thing"}
    needs = (
        Need("water", words, words, 17.5, "week", False, "s", Certainty.READ),
        Need("toilets", words, words, 0.05, "once", True, "s", Certainty.READ),
    )
    impact = measure_impact(hazard(zone(box(0, 0, 50, 100))), exposed, needs=needs)
    assert impact.needs[0].total.value == pytest.approx(875, abs=0.1)
    assert impact.needs[1].total.value == 3


def test_a_workspace_without_layers_gives_no_numbers_instead_of_zeros() -> None:
    impact = measure_impact(hazard(zone(box(0, 0, 50, 100))), Exposed(CRS))
    assert set(impact.figures) == {"grids"}
    assert impact.by_grid.empty


def test_cutting_zones_into_pieces_changes_no_area() -> None:
    rng = np.random.default_rng(1)
    blob = shapely.union_all(shapely.buffer(shapely.points(np.add(rng.uniform(0, 400, (60, 2)), (X, Y))), 40))
    squares = np.array(
        [box(20 * i, 20 * j, 20 * i + 20, 20 * j + 20) for i in range(20) for j in range(20)], dtype=object
    )
    pieces = pieces_of((zone(blob),), CRS)
    assert len(pieces.shapes) > 5
    exact = shapely.area(shapely.intersection(squares, blob))
    assert pieces.shares(squares)[:, 0] == pytest.approx(exact, abs=0.05)
