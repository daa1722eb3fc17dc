"""Where rows lie: CRS, axes, GCJ-02, other districts, crowded points."""

from __future__ import annotations

from collections import Counter
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgov.crs import wgs84_to_gcj02
from gridgov.layers import CheckResult, District, ImportLayer, check, load_specs, read_layer

SPECS = load_specs()
BOUNDS = (119.0, 29.5, 119.2, 29.7)
DISTRICT = District(bounds=BOUNDS)
RNG = np.random.default_rng(7)
LON, LAT = RNG.uniform(119.02, 119.18, 200), RNG.uniform(29.52, 29.68, 200)


def sensors(lon: Any, lat: Any, crs: str | None = "EPSG:4326") -> gpd.GeoDataFrame:
    points = gpd.points_from_xy(lon, lat)
    return gpd.GeoDataFrame({"sensor_id": [f"S{i}" for i in range(len(points))]}, geometry=points, crs=crs)


def run(frame: gpd.GeoDataFrame, **known: Any) -> CheckResult:
    return check(frame, SPECS["sensors"], district=District(**known))


def rules(result: CheckResult) -> Counter[str]:
    return Counter(finding.rule for finding in result.findings)


def test_exchanged_axes_are_put_right_row_by_row() -> None:
    """A row is swapped if it lies outside as it is and inside when exchanged."""
    lon, lat = LON.copy(), LAT.copy()
    lon[:3], lat[:3] = LAT[:3], LON[:3]
    result = run(sensors(lon, lat), bounds=BOUNDS)
    assert rules(result) == {"swapped_axes": 3}
    assert np.allclose(result.frame.geometry.x, LON)
    assert np.allclose(result.frame.geometry.y, LAT)


def test_exchanged_axes_show_without_bounds_where_the_latitude_is_impossible() -> None:
    """119° is no latitude."""
    result = run(sensors(LAT, LON))
    assert rules(result) == {"swapped_axes": 200}
    assert np.allclose(result.frame.geometry.x, LON)


def test_exchanged_northing_and_easting_are_put_right() -> None:
    """In Chinese survey files x is north."""
    metric = sensors(LON, LAT).to_crs("EPSG:4549")
    turned = metric.set_geometry(shapely.transform(metric.geometry.array, lambda xy: xy[:, ::-1]), crs="EPSG:4549")
    result = run(turned, bounds=BOUNDS)
    assert rules(result) == {"swapped_axes": 200}
    assert np.allclose(result.frame.geometry.x, LON)


def test_metres_that_claim_to_be_degrees_are_read_by_the_crs_of_the_import_file() -> None:
    """GeoJSON without a crs member always claims WGS 84."""
    metric = sensors(LON, LAT).to_crs("EPSG:4549").set_crs("EPSG:4326", allow_override=True)
    result = check(metric, SPECS["sensors"], district=District(bounds=BOUNDS), crs="EPSG:4549")
    assert rules(result) == {"crs_differs": 1, "wrong_crs": 1}
    assert np.allclose(result.frame.geometry.x, LON)


def test_degrees_that_claim_to_be_metres_are_read_as_degrees() -> None:
    """A project file of the wrong kind was put beside the data."""
    result = run(sensors(LON, LAT).set_crs("EPSG:4549", allow_override=True), bounds=BOUNDS)
    assert rules(result) == {"wrong_crs": 1}
    assert np.allclose(result.frame.geometry.x, LON)


def test_metres_without_any_right_crs_are_kept_aside_as_impossible() -> None:
    """Nothing is guessed; the layer's finding says that the CRS is doubtful."""
    metric = sensors(LON, LAT).to_crs("EPSG:4549").set_crs("EPSG:4326", allow_override=True)
    result = run(metric)
    assert rules(result) == {"crs_doubtful": 1, "impossible_coordinates": 200}
    assert len(result.aside) == 200


def test_a_point_in_another_place_is_kept_aside_and_one_on_the_edge_is_kept() -> None:
    """A tenth of the district's extent is the margin."""
    lon, lat = LON.copy(), LAT.copy()
    lon[0], lat[0] = 118.0, 29.6
    lon[1], lat[1] = 118.99, 29.6
    result = run(sensors(lon, lat), bounds=BOUNDS)
    assert rules(result) == {"outside_district": 1, "beyond_edge": 1}
    assert result.aside["sensor_id"].tolist() == ["S0"]


def test_areas_elsewhere_are_counted_and_kept() -> None:
    """A land layer may be larger than the district."""
    result = check(parcels((119.1, 29.6, 119.11, 29.61), (119.9, 29.6, 119.91, 29.7)), SPECS["land"], district=DISTRICT)
    assert len(result.frame) == 2
    assert [(f.rule, f.detail) for f in result.findings] == [("areas_outside", {"count": 1})]


def test_an_area_a_hundred_kilometres_off_is_put_aside_by_name() -> None:
    """119.0 to 119.2 degrees east is the district; 120.3 is 106 km further, 120.1 is 87."""
    frame = parcels((119.1, 29.6, 119.11, 29.61), (120.3, 29.6, 120.4, 29.7), (120.1, 29.6, 120.2, 29.7))
    result = check(frame, SPECS["land"], district=DISTRICT)
    assert list(result.aside["source_row"]) == [2]
    (said,) = [finding for finding in result.findings if finding.row == 2]
    assert (said.rule, said.key, said.level, said.action) == ("area_far_away", "P1", "error", "aside")
    assert said.detail["km"] == pytest.approx(106, abs=1)


def test_an_area_larger_than_any_province_is_put_aside_and_a_sea_is_not() -> None:
    """A slip of a hand from 60 to 160 degrees; 8 by 8 degrees are 700,000 km²."""
    frame = parcels((119.1, 29.6, 119.11, 29.61), (60.0, 0.0, 160.0, 60.0), (119.1, 27.0, 127.1, 35.0))
    result = check(frame, SPECS["sea"], district=DISTRICT)
    assert list(result.aside["rule"]) == ["area_too_large"]
    (large,) = [finding for finding in result.findings if finding.rule == "area_too_large"]
    assert (large.row, large.action) == (2, "aside")
    assert large.detail["area_km2"] == pytest.approx(61_345_000, rel=0.001)  # R² Δλ sin φ
    assert result.rows_in == 3


@pytest.mark.parametrize(
    ("box", "percent", "level"),
    [((119.14, 29.6, 119.23, 29.61), 33.33, "info"), ((119.19, 29.6, 119.29, 29.61), 90.0, "warning")],
)
def test_how_much_of_an_area_lies_outside_is_said_by_row(box: tuple[float, ...], percent: float, level: str) -> None:
    """More than half of it is a warning; the row stays whole."""
    result = check(parcels((119.1, 29.6, 119.11, 29.61), box), SPECS["land"], district=DISTRICT)
    (said,) = result.findings
    assert (said.rule, said.row, said.level, said.action) == ("reaches_outside", 2, level, "kept")
    assert float(said.detail["percent"]) == pytest.approx(percent, abs=0.1)
    assert result.frame.geometry.iloc[1].bounds == pytest.approx(box)


def parcels(*boxes: tuple[float, ...]) -> gpd.GeoDataFrame:
    """Areas with the keys P0, P1, …"""
    names = [f"P{number}" for number in range(len(boxes))]
    shapes = [shapely.box(*box) for box in boxes]
    return gpd.GeoDataFrame({"parcel_id": names}, geometry=shapes, crs="EPSG:4326")


def test_a_point_that_many_rows_share_is_said_once_and_for_every_row() -> None:
    """Ten rows, or one in a hundred if that is more."""
    lon, lat = LON.copy(), LAT.copy()
    lon[:12], lat[:12] = 119.1, 29.6
    lon[20:29], lat[20:29] = 119.15, 29.65
    result = run(sensors(lon, lat), bounds=BOUNDS)
    assert rules(result) == {"crowded_point": 1, "at_crowded_point": 12}
    assert result.findings[0].detail == {"count": 12, "lon": 119.1, "lat": 29.6}
    assert len(result.frame) == 200


def grid_of_roads() -> np.ndarray:
    """Points every ten metres on roads 300 m apart."""
    along = np.arange(119.0, 119.2, 0.0001)
    across = np.arange(29.5, 29.7, 0.003)
    x, y = (side.ravel() for side in np.meshgrid(along, across))
    north = np.arange(29.5, 29.7, 0.0001)
    east = np.arange(119.0, 119.2, 0.003)
    u, v = (side.ravel() for side in np.meshgrid(east, north))
    return np.column_stack([np.concatenate([x, u]), np.concatenate([y, v])])


def near_roads() -> tuple[np.ndarray, np.ndarray]:
    roads = grid_of_roads()
    chosen = roads[RNG.integers(0, len(roads), 150)]
    return chosen[:, 0] + RNG.normal(0, 0.0001, 150), chosen[:, 1] + RNG.normal(0, 0.0001, 150)


def test_a_gcj02_offset_shows_against_the_roads() -> None:
    """Points of a Chinese web map lie hundreds of metres beside the roads, all in one direction."""
    result = run(sensors(*wgs84_to_gcj02(*near_roads())), bounds=BOUNDS, roads_lonlat=grid_of_roads())
    suspected = [finding for finding in result.findings if finding.rule == "gcj02_suspected"]
    assert len(suspected) == 1
    assert 300 < suspected[0].detail["metres"] < 700


@pytest.mark.parametrize("kind", ["true", "random", "moved"])
def test_points_without_the_offset_are_not_suspected(kind: str) -> None:
    """Right points, points anywhere, and points moved elsewhere by as much."""
    lon, lat = near_roads()
    if kind == "random":
        lon, lat = LON, LAT
    if kind == "moved":
        east, north = wgs84_to_gcj02(lon, lat)
        lon, lat = lon - (east - lon), lat + (north - lat)
    result = run(sensors(lon, lat), bounds=BOUNDS, roads_lonlat=grid_of_roads())
    assert "gcj02_suspected" not in rules(result)


def test_a_gcj02_offset_shows_against_the_boundary() -> None:
    """Many points outside, nearly all inside once the offset is undone."""
    boundary = shapely.box(119.05, 29.55, 119.055, 29.65)
    lon, lat = RNG.uniform(119.0501, 119.0549, 200), RNG.uniform(29.5501, 29.6499, 200)
    assert rules(run(sensors(*wgs84_to_gcj02(lon, lat)), boundary=boundary)) == {"gcj02_suspected": 1}
    assert rules(run(sensors(lon, lat), boundary=boundary)) == {}


def test_a_source_in_gcj02_is_converted_when_the_import_file_says_so(tmp_path: Any) -> None:
    """`gcj02 = true` undoes the offset to less than 1e-6 degrees."""
    sensors(*wgs84_to_gcj02(LON, LAT)).to_file(tmp_path / "s.gpkg")
    item = ImportLayer("sensors", "sensors", tmp_path / "s.gpkg", gcj02=True)
    result = read_layer(item, SPECS["sensors"], bounds=BOUNDS)
    assert np.abs(result.frame.geometry.x - LON).max() < 1e-6
    assert np.abs(result.frame.geometry.y - LAT).max() < 1e-6
    assert rules(result) == {"gcj02_converted": 1}
