"""The sample's files: equal for equal recipes, complete, in the forms the import file says, with the right counts."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import rasterio
import shapely

from gridgov.errors import ParameterError, SourceError
from gridgov.sample import write_sample
from gridgov.sample.recipe import recipe_path

LAYERS = {
    "roads", "elevation", "land_cover", "divisions", "grids", "population", "workers", "incidents", "shelters",
    "facilities", "sensors", "hazards", "land", "water", "forest", "grassland", "wetland",
    "farmland", "protection_lines", "plan",
}  # fmt: skip


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _points(village: Path) -> dict[str, np.ndarray]:
    found = {}
    for name in ("workers", "incidents", "sensors"):
        frame = pd.read_csv(village / f"{name}.csv", encoding="gb18030" if name == "workers" else "utf-8")
        found[name] = shapely.points(frame["lon"], frame["lat"])
    for name in ("shelters", "facilities"):
        found[name] = np.asarray(gpd.read_file(village / f"{name}.geojson").geometry)
    return found


def test_two_runs_give_equal_files(village: Path, tmp_path: Path) -> None:
    """Recipe, size and seed decide every byte of every file."""
    write_sample(tmp_path, size="village")
    assert _digests(tmp_path) == _digests(village)


def test_another_seed_gives_another_place(village: Path, tmp_path: Path) -> None:
    """The seed is used."""
    text = recipe_path().read_text(encoding="utf-8").replace("seed = 20260601", "seed = 7")
    recipe = tmp_path / "other.toml"
    recipe.write_text(text, encoding="utf-8")
    write_sample(tmp_path / "out", size="village", recipe=recipe)
    assert _digests(tmp_path / "out")["roads.osm.pbf"] != _digests(village)["roads.osm.pbf"]


def test_progress_rises_from_zero_to_one(tmp_path: Path) -> None:
    """Progress is reported in order."""
    shares: list[float] = []
    write_sample(tmp_path, size="village", progress=lambda _step, share: shares.append(share))
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_the_import_file_names_every_layer_and_file(village: Path) -> None:
    """Every layer of the issue is there, and its source exists."""
    table = tomllib.loads((village / "import.toml").read_text(encoding="utf-8"))
    assert {layer["kind"] for layer in table["layer"]} == LAYERS
    assert all((village / layer["source"]).is_file() for layer in table["layer"])
    assert table["workspace"]["names"] == {"zh": "临江区", "en": "Linjiang"}


def test_an_unknown_size_is_said(tmp_path: Path) -> None:
    """The message names the sizes there are."""
    with pytest.raises(ParameterError, match="village, district, city"):
        write_sample(tmp_path, size="planet")


def test_a_missing_recipe_is_said(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(SourceError, match=r"none\.toml"):
        write_sample(tmp_path, size="village", recipe=tmp_path / "none.toml")


def test_workers_are_written_in_gb18030(village: Path) -> None:
    """The file is not UTF-8, and names read back as Chinese characters."""
    raw = (village / "workers.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    frame = pd.read_csv(village / "workers.csv", encoding="gb18030")
    assert len(frame) == 40
    assert frame["name"].str.fullmatch(r"[\u4e00-\u9fff]{2,3}").all()
    assert set(frame["mode"]) == {"walk", "ebike", "drive"}
    assert frame["phone"].str.startswith("000-").all()


def test_rasters_are_cloud_optimised_and_metric(village: Path) -> None:
    """30 m elevation and 10 m land cover in the metric CRS, tiled, of one extent."""
    with rasterio.open(village / "elevation.tif") as elevation, rasterio.open(village / "land_cover.tif") as cover:
        assert elevation.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert cover.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (elevation.res, cover.res) == ((30.0, 30.0), (10.0, 10.0))
        assert elevation.bounds == cover.bounds
        assert elevation.crs == cover.crs
        assert elevation.crs.is_projected
        assert elevation.dtypes == ("float32",)
        assert set(np.unique(cover.read(1))) <= {10, 20, 30, 40, 50, 60, 70, 80, 90}


def test_land_cover_agrees_with_the_layers(village: Path) -> None:
    """A place inside a forest, a lake or a field has that class on the raster (edges and roads aside)."""
    with rasterio.open(village / "land_cover.tif") as cover:
        for layer, value in (("forest", 20), ("water", 10), ("land", 40)):
            frame = gpd.read_file(village / "natural_resources.gpkg", layer=layer).to_crs(cover.crs)
            inner = shapely.get_parts(frame.geometry.buffer(-25))
            points = [polygon.representative_point().coords[0] for polygon in inner if not polygon.is_empty]
            classes = np.array([sample[0] for sample in cover.sample(points)])
            assert (classes == value).mean() > 0.9, layer


def test_natural_resources_are_valid_and_do_not_overlap(village: Path) -> None:
    """No square metre belongs to two layers."""
    frames = [
        gpd.read_file(village / "natural_resources.gpkg", layer=name).to_crs("EPSG:4549")
        for name in ("land", "water", "forest", "grassland", "wetland")
    ]
    frame = pd.concat([part for part in frames if len(part)], ignore_index=True)
    assert frame.is_valid.all()
    assert frame.area.sum() - shapely.union_all(frame.geometry.to_numpy()).area < 1e-4 * frame.area.sum()
    assert np.allclose(frame.area, frame["area_m2"], rtol=0.01, atol=2.0)


def test_no_point_lies_in_the_water_and_all_lie_in_the_district(village: Path) -> None:
    """Incidents, workers, shelters, facilities and sensors stand on land."""
    divisions = gpd.read_file(village / "divisions.geojson")
    district = divisions[divisions["level"] == "district"].geometry.iloc[0]
    water = shapely.union_all(gpd.read_file(village / "natural_resources.gpkg", layer="water").geometry.to_numpy())
    for name, points in _points(village).items():
        assert shapely.contains(district, points).all(), name
        if name != "sensors":
            assert not shapely.contains(water, points).any(), name


def test_incidents_cover_the_month_and_stop_at_the_clock(village: Path) -> None:
    """300 incidents in June 2026 until as_of, in order, closed after they were reported; the last are open."""
    frame = pd.read_csv(village / "incidents.csv", dtype={"class_code": str})
    reported, closed = pd.to_datetime(frame["reported_at"]), pd.to_datetime(frame["closed_at"])
    assert len(frame) == 300
    assert reported.is_monotonic_increasing
    assert reported.min() >= pd.Timestamp("2026-06-01T00:00:00+08:00")
    assert max(reported.max(), closed.max()) <= pd.Timestamp("2026-06-30T10:00:00+08:00")
    assert (closed.dropna() > reported[closed.notna()]).all()
    done = frame["state"].isin(["closed", "rejected", "void"])
    assert (closed.notna() == done).all()
    assert 0 < (~done).sum() < 60
    assert frame["severity"].between(1, 4).all()
    assert frame["incident_id"].is_unique
    assert set(frame["kind"]) == {"event", "component"}


def test_duty_grids_are_neighbours_that_exist(village: Path) -> None:
    """A worker's grids exist, lie in one community and the worker stands in one of them."""
    workers = pd.read_csv(village / "workers.csv", encoding="gb18030", dtype=str)
    grids = gpd.read_file(village / "grids.gpkg").set_index("grid_code").geometry
    for row in workers.itertuples():
        duty = row.duty_grids.split(";")
        assert len({code[:12] for code in duty}) == 1
        area = shapely.union_all(grids.loc[duty].to_numpy())
        assert area.geom_type == "Polygon"
        assert area.buffer(1e-4).contains(shapely.Point(float(row.lon), float(row.lat)))


def test_geojson_is_plain_wgs84(village: Path) -> None:
    """The GeoJSON files follow RFC 7946 (no CRS but WGS 84)."""
    for name in ("divisions", "shelters", "facilities", "hazards"):
        document = json.loads((village / f"{name}.geojson").read_text(encoding="utf-8"))
        assert "CRS84" in document.get("crs", {}).get("properties", {}).get("name", "CRS84")


def test_osm_ids_are_sorted_and_every_node_exists(village: Path) -> None:
    """Nodes come before ways, ids rise, and ways name only nodes of the file."""
    nodes: list[int] = []
    ways: list[int] = []
    for item in osmium.FileProcessor(str(village / "roads.osm.pbf")):
        if item.is_node():
            assert not ways
            nodes.append(item.id)
        else:
            ways.append(item.id)
            assert {ref.ref for ref in item.nodes} <= set(nodes)
    assert nodes == sorted(set(nodes))
    assert ways == sorted(set(ways))


def test_the_three_lines_do_not_overlap_and_some_projects_break_them(village: Path) -> None:
    """Basic farmland is four fifths of the crops; red lines and urban boundary keep off it; conflicts are there."""
    farmland, lines, projects = (
        gpd.read_file(village / "planning.gpkg", layer=name).to_crs("EPSG:4549")
        for name in ("farmland", "protection_lines", "plan")
    )
    land = gpd.read_file(village / "natural_resources.gpkg", layer="land").to_crs("EPSG:4549")
    crops = land[land["class_code"].isin(["0101", "0102", "0103"])].area.sum()
    assert 0.8 <= farmland.area.sum() / crops < 0.85
    fields = shapely.union_all(farmland.geometry.to_numpy())
    of = {name: shapely.union_all(rows.geometry.to_numpy()) for name, rows in lines.groupby("category")}
    red, urban = of["ecological_redline"], of["urban_boundary"]
    for one, other in ((red, urban), (red, fields), (urban, fields)):
        assert shapely.area(shapely.intersection(one, other)) < 1e-4 * min(one.area, other.area)
    assert projects.intersection(fields).area.sum() > 10_000
    assert projects.intersection(red).area.sum() > 10_000


def test_the_land_cover_of_2020_had_more_fields_and_less_that_is_built(village: Path) -> None:
    """Two rasters of one grid; what has changed between them can be counted cell by cell."""
    with rasterio.open(village / "land_cover_2020.tif") as past, rasterio.open(village / "land_cover.tif") as now:
        assert (past.transform, past.crs, past.shape) == (now.transform, now.crs, now.shape)
        before, after = past.read(1), now.read(1)
    assert 0.005 < (before != after).mean() < 0.2
    assert ((before == 40) & (after == 60)).sum() > 1_000
    assert (before == 60).sum() < (after == 60).sum()
