"""Real files: the figures that were counted in them, and everything that is wrong with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import rasterio
import shapely

from gridgov.crs import wgs84_to_gcj02
from gridgov.errors import SourceError
from gridgov.grids import GridLocator, check_topology, dissolve, roll_up
from gridgov.layers import (
    CheckResult,
    District,
    ImportLayer,
    ImportPlan,
    check,
    import_raster,
    load_specs,
    read_import_file,
    read_layer,
    read_osm_roads,
    road_points,
)
from gridgov.model import FindingAction

pytestmark = pytest.mark.real

SPECS = load_specs()
HUALIEN = Path(__file__).resolve().parent.parent / "real" / "hualien.toml"


@pytest.fixture(scope="module")
def plan(real_data: Path) -> ImportPlan:
    return read_import_file(HUALIEN, {"GRIDGOV_TEST_DATA": str(real_data)})


@pytest.fixture(scope="module")
def layers(plan: ImportPlan) -> dict[str, CheckResult]:
    wanted = [item for item in plan.layers if item.kind != "roads" and SPECS[item.kind].geometry != "raster"]
    return {item.layer_id: read_layer(item, SPECS[item.kind], bounds=plan.bounds) for item in wanted}


@pytest.fixture(scope="module")
def hualien_roads(plan: ImportPlan) -> nx.MultiDiGraph:
    return read_osm_roads(plan.layers[0].source)


def rules(result: CheckResult) -> Counter[str]:
    return Counter(finding.rule for finding in result.findings)


def with_mode(graph: nx.MultiDiGraph, mode: str) -> int:
    return sum(seconds is not None for *_, seconds in graph.edges(data=f"{mode}_s"))


# ------------------------------------------------------------------ Hualien
def test_the_areas_have_their_persons_and_their_nulls(layers: dict[str, CheckResult]) -> None:
    """2,117 areas, 221,329 persons, 270 unknown: unknown is not zero."""
    grids = layers["grids"].frame
    assert len(grids) == 2117
    assert int(grids["persons"].sum()) == 221_329
    assert int(grids["persons"].isna().sum()) == 270
    counted = [f.detail for f in layers["grids"].findings if f.rule == "nulls_kept" and f.field == "persons"]
    assert counted == [{"count": 270, "rows": 2117}]


def test_the_areas_add_up_by_township(layers: dict[str, CheckResult]) -> None:
    """The sums are those of the township layer of the same file."""
    table = roll_up(layers["grids"].frame, "street").set_index("division_code")
    assert table["persons"].to_dict() == {
        "10015010": 104_699,
        "10015040": 20_051,
        "10015050": 83_637,
        "10015070": 12_942,
    }
    assert int(table["persons_unknown"].sum()) == 270
    shapes = dissolve(layers["grids"].frame, "street").set_index("division_code")
    given = layers["divisions"].frame.set_index("division_code")
    difference = shapely.area(
        shapely.symmetric_difference(shapes.geometry.array, given.loc[shapes.index].geometry.array)
    )
    assert difference.sum() < 1e-9 * len(shapes) + 1e-4 * shapely.area(shapes.geometry.array).sum()


def test_the_areas_fit_together(layers: dict[str, CheckResult]) -> None:
    """Neither gaps nor overlaps, so every point has at most one area."""
    grids = layers["grids"].frame
    assert check_topology(grids) == []
    inside = grids.geometry.representative_point()
    found = GridLocator(grids).locate(inside.x, inside.y)
    assert found.tolist() == list(range(len(grids)))


def test_shelters_and_accidents_come_in_whole(layers: dict[str, CheckResult]) -> None:
    """198 shelters with hazard kinds; 531 accidents with times."""
    shelters, accidents = layers["shelters"], layers["incidents"]
    assert (len(shelters.frame), len(shelters.aside)) == (198, 0)
    assert shelters.frame["capacity_persons"].notna().all()
    assert sum("earthquake" in kinds for kinds in shelters.frame["hazard_kinds"]) == 105
    assert (len(accidents.frame), len(accidents.aside)) == (531, 0)
    assert str(accidents.frame["reported_at"].dt.tz) == "UTC"
    assert accidents.frame["reported_at"].notna().all()


def test_the_cases_in_the_wrong_county_are_found(layers: dict[str, CheckResult], real_data: Path) -> None:
    """333 cases of one township stand on one point elsewhere: each is a finding, and kept aside."""
    import pandas as pd

    cases = layers["incidents-emic"]
    source = pd.read_csv(real_data / "hualien" / "emic_cases_hualien.csv", dtype=str)
    wrong = source.index[(source["town"] == "光復鄉") & (source["lat"] == "22.756157")] + 1
    assert len(wrong) == 333
    for rule in ("outside_district", "at_crowded_point"):
        assert set(wrong) <= {f.row for f in cases.findings if f.rule == rule}
    assert set(wrong) <= set(cases.aside["source_row"])
    assert {"count": 450, "lon": 121.151623, "lat": 22.756157} in [f.detail for f in cases.findings]


def test_the_malformed_cases_are_found(layers: dict[str, CheckResult]) -> None:
    """Seven rows: three give themselves away by their cells, all are marked by the source."""
    cases = layers["incidents-emic"]
    assert len(cases.frame) + len(cases.aside) == 1703
    malformed = {f.row for f in cases.findings if f.rule in {"column_shifted", "marked_malformed"}}
    assert malformed == {258, 364, 553, 870, 966, 998, 1195}
    assert rules(cases)["column_shifted"] == 3
    assert malformed <= set(cases.aside["source_row"])


def test_zoning_in_another_crs_comes_to_its_place(layers: dict[str, CheckResult]) -> None:
    """EPSG:3826 to longitude and latitude; one row has no geometry."""
    zoning = layers["land-zoning"]
    assert (len(zoning.frame), len(zoning.aside)) == (4579, 1)
    west, south, east, north = zoning.frame.total_bounds
    assert 121.2 < west < east < 121.8
    assert 23.0 < south < north < 24.4


def test_the_roads_agree_with_osmnx(hualien_roads: nx.MultiDiGraph) -> None:
    """3,813 nodes and 10,835 edges through OSMnx's own reader for driving."""
    assert abs(len(hualien_roads) - 3813) <= 40
    assert abs(with_mode(hualien_roads, "drive") - 10_835) <= 40
    strong = max(nx.strongly_connected_components(drivable(hualien_roads)), key=len)
    assert abs(len(strong) - 3742) <= 40


def drivable(graph: nx.MultiDiGraph) -> nx.DiGraph:
    view = nx.DiGraph()
    view.add_nodes_from(graph)
    view.add_edges_from((u, v) for u, v, seconds in graph.edges(data="drive_s") if seconds is not None)
    return view


def test_xml_and_pbf_give_the_same_roads(hualien_roads: nx.MultiDiGraph, real_data: Path) -> None:
    """Two writings of one file."""
    other = read_osm_roads(real_data / "hualien" / "hualien_city_drive.osm.pbf")
    assert set(other.nodes) == set(hualien_roads.nodes)
    assert other.number_of_edges() == hualien_roads.number_of_edges()
    total = sum(length for *_, length in hualien_roads.edges(data="length"))
    assert sum(length for *_, length in other.edges(data="length")) == pytest.approx(total)


def test_a_gcj02_offset_is_seen_in_accidents_and_only_then(
    layers: dict[str, CheckResult], hualien_roads: nx.MultiDiGraph
) -> None:
    """The true positions raise no suspicion; the same ones shifted do."""
    lines = [line for *_, line in hualien_roads.edges(data="geometry") if line is not None]
    accidents = layers["incidents"].frame
    west, south, east, north = shapely.total_bounds(np.array(lines))
    town = accidents.cx[west:east, south:north]
    district = District(roads_lonlat=road_points(lines))
    assert "gcj02_suspected" not in rules(check(town, SPECS["incidents"], district=district))
    lon, lat = wgs84_to_gcj02(town.geometry.x, town.geometry.y)
    shifted = town.set_geometry(shapely.points(lon, lat), crs="EPSG:4326")
    assert rules(check(shifted, SPECS["incidents"], district=district))["gcj02_suspected"] == 1


# ------------------------------------------------------------------ the rest
@pytest.mark.parametrize(
    ("name", "nodes", "drive"),
    [
        ("osm_extra/shanghai_center.osm", 3872, 8989),
        ("osm_extra/shenzhen_pinghu.osm", 758, 1002),
        ("terrain/andorra.osm.pbf", 1904, 3093),
    ],
)
def test_other_cities_come_in(real_data: Path, name: str, nodes: int, drive: int) -> None:
    """Full tags, relations, footpaths of a mountain valley."""
    graph = read_osm_roads(real_data / name)
    assert abs(len(graph) - nodes) <= nodes // 50
    assert abs(with_mode(graph, "drive") - drive) <= drive // 50
    assert all(length >= 0 for *_, length in graph.edges(data="length"))


def test_columbus_comes_in(real_data: Path) -> None:
    """110,560 nodes of the file become about 20,000 of the graph."""
    graph = read_osm_roads(real_data / "scale" / "columbus.osm.pbf")
    assert 19_000 < len(graph) < 21_000


def test_a_real_file_cut_off_is_a_source_fault(real_data: Path, tmp_path: Path) -> None:
    """PBF, GeoPackage and GeoTIFF at half their length."""
    cut: dict[str, Any] = {}
    for name in ("hualien_city_drive.osm.pbf", "hualien_grid_population.gpkg", "etopo1_taiwan.tif"):
        data = (real_data / "hualien" / name).read_bytes()
        cut[name] = tmp_path / name
        cut[name].write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="broken or not an OpenStreetMap file"):
        read_osm_roads(cut["hualien_city_drive.osm.pbf"])
    with pytest.raises(SourceError, match=r"hualien_grid_population\.gpkg"):
        read_layer(
            ImportLayer("grids", "grids", cut["hualien_grid_population.gpkg"], source_layer="min_stat_area"),
            SPECS["grids"],
        )
    with pytest.raises(SourceError, match="damaged or cut off"):
        import_raster(
            ImportLayer("elevation", "elevation", cut["etopo1_taiwan.tif"]), SPECS["elevation"], tmp_path / "o.tif"
        )


def test_every_open_ring_of_the_fire_grid_is_closed_and_said(real_data: Path) -> None:
    """1,600 rings, in EPSG:28355."""
    (path,) = (real_data / "evac").glob("*grid.shp.json")
    item = ImportLayer("hazards", "hazards", path, fields={"hazard_id": "CELL_ID"})
    result = read_layer(item, SPECS["hazards"])
    assert rules(result) == {"unclosed_ring": 1600}
    assert {finding.action for finding in result.findings} == {FindingAction.REPAIRED}
    assert result.frame.geometry.is_valid.all()
    west, south, east, north = result.frame.total_bounds
    assert 143 < west < east < 145
    assert -38 < south < north < -36


def test_requests_of_new_york_come_in_with_their_times(real_data: Path) -> None:
    """American dates, 57 rows without a place, one unknown state, two closed before they were reported."""
    item = ImportLayer(
        "incidents", "incidents", real_data / "incidents" / "nyc_311_slice.csv", timezone="America/New_York",
        fields={"incident_id": "Unique Key", "reported_at": "Created Date", "closed_at": "Closed Date",
                "state": "Status"},
        recode={"state": {"Closed": "closed", "In Progress": "in_progress", "Open": "filed", "Assigned": "dispatched",
                          "Pending": "suspended"}},
        x="Longitude", y="Latitude",
    )  # fmt: skip
    result = read_layer(item, SPECS["incidents"])
    assert rules(result) == {"missing_geometry": 57, "unknown_code": 1, "closed_before_reported": 2}
    assert len(result.frame) + len(result.aside) == 5895
    assert result.frame["reported_at"].notna().all()
    first = result.frame.set_index("incident_id").loc["45633481", "reported_at"]
    assert first.isoformat() == "2020-02-17T17:19:00+00:00"


def test_a_boundary_in_a_nameless_crs_comes_to_its_place(real_data: Path) -> None:
    """Zion: a UTM zone written out in full."""
    item = ImportLayer("land", "land", real_data / "terrain" / "zion.gpkg", fields={"parcel_id": "UNIT_CODE"})
    result = read_layer(item, SPECS["land"])
    assert result.findings == []
    assert -113.3 < result.frame.total_bounds[0] < -112.8


@pytest.mark.parametrize(
    ("name", "kind", "crs", "said"),
    [
        ("N42E001.hgt", "elevation", "EPSG:4326", []),
        ("srtm.tif", "elevation", "EPSG:4326", []),
        ("nlcd.tif", "land_cover", "EPSG:26912", ["raster_classes", "raster_unknown_share"]),
    ],
)
def test_rasters_of_the_mountains_come_in(
    real_data: Path, tmp_path: Path, name: str, kind: str, crs: str, said: list[str]
) -> None:
    """Elevation and land cover keep CRS and pixels; foreign class codes are said."""
    source, target = real_data / "terrain" / name, tmp_path / "o.tif"
    findings = import_raster(ImportLayer(kind, kind, source), SPECS[kind], target)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        assert after.crs == crs
        assert (before.read(1) == after.read(1)).all()
    assert [finding.rule for finding in findings] == said
