"""Analyses on real data: Hualien's zoning over its areas, Zion's slopes by land cover."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from pyproj import Geod
from rasterio.features import geometry_mask
from rasterio.warp import Resampling, reproject

from gridgov.analysis.class_tables import class_table, classified
from gridgov.analysis.metric_layers import metric_layer
from gridgov.analysis.overlay import class_areas, overlay
from gridgov.analysis.raster_cells import OpenRaster, RasterArray, cell_size_m
from gridgov.analysis.terrain import GroundCells, slope_degrees
from gridgov.operations.importing import ImportReport
from gridgov.workspace import Workspace

pytestmark = pytest.mark.real
FARMLAND = "農業區"


def test_farmland_inside_the_areas_and_outside_all_of_them_is_the_layers_total(
    imported: tuple[ImportReport, Workspace],
) -> None:
    """About a third of Hualien's farmland lies inside the 2,117 areas; geopandas finds the same."""
    workspace = imported[1]
    zoning, areas = workspace.layer("land-zoning"), workspace.layer("grids")
    land, _ = metric_layer(
        zoning, "zoning", metric_crs=workspace.metric_crs, id_column="parcel_id", class_column="class_name"
    )
    grids, _ = metric_layer(areas, "areas", metric_crs=workspace.metric_crs, id_column="grid_code")
    found = overlay(land, grids)
    assert found.balance.error_share <= 0.001
    assert found.balance.worst_share <= 0.001
    farms = class_areas(found).set_index("left_class").loc[[FARMLAND]]
    inside, outside = (float(farms.loc[farms["right_class"].isna() == out, "size"].sum()) for out in (False, True))
    doubled = float(farms["doubled"].iloc[0])
    farmland = zoning[zoning["class_name"] == FARMLAND].to_crs(workspace.metric_crs)
    total = float(farmland.area.sum())
    assert inside - doubled + outside == pytest.approx(total, rel=1e-3)
    assert 0.25 < inside / total < 0.42
    metric = areas[["grid_code", "geometry"]].to_crs(workspace.metric_crs)
    expected = gpd.overlay(farmland[["parcel_id", "geometry"]], metric, how="intersection", keep_geom_type=True)
    assert inside == pytest.approx(expected.area.sum(), rel=1e-9)


def test_slope_classes_by_land_cover_across_three_crs_add_up_to_the_boundary(real_data: Path) -> None:
    """SRTM in degrees, NLCD in UTM, the boundary in equal-area Albers: the sum is the boundary's area within 0.1 %.

    Also that of the ellipsoid, of UTM and of the cells counted by their middles.
    """
    folder = real_data / "terrain"
    with rasterio.open(folder / "nlcd.tif") as cover, rasterio.open(folder / "srtm.tif") as heights:
        land = OpenRaster("nlcd", cover)
        metres = np.full(cover.shape, np.nan)
        reproject(
            heights.read(1, masked=True).astype(float).filled(np.nan), metres, src_transform=heights.transform,
            src_crs=heights.crs, src_nodata=np.nan, dst_transform=cover.transform, dst_crs=cover.crs,
            dst_nodata=np.nan, resampling=Resampling.bilinear,
        )  # fmt: skip
        down, right = cell_size_m(land)
        steepness = slope_degrees(metres, GroundCells(right, down))
        slopes = classified(RasterArray("srtm", steepness, cover.transform, cover.crs.to_wkt()), (2, 6, 15, 25))
        frame = gpd.read_file(folder / "zion.gpkg")
        boundary, _ = metric_layer(frame, "zion", metric_crs="EPSG:5070", id_column="UNIT_CODE")  # equal area
        found = class_table(slopes, land, boundary)
        codes = cover.read(1)
        inside = geometry_mask(frame.to_crs(cover.crs).geometry, cover.shape, cover.transform, invert=True)
        cell_m2 = down * right
    whole = float(boundary.size().sum())
    outlines = frame.to_crs("EPSG:4326").geometry
    on_the_ground = sum(abs(Geod(ellps="GRS80").geometry_area_perimeter(outline)[0]) for outline in outlines)
    for total in (whole, on_the_ground, float(frame.area.sum()), inside.sum() * cell_m2):
        assert found.pairs["area_m2"].sum() == pytest.approx(total, rel=1e-3)
    matrix = found.matrix()
    steep = np.digitize(steepness, (2, 6, 15, 25))
    for slope, cls in ((4, 4), (3, 3), (4, 3), (2, 5)):  # counted by the cells' middles
        counted = float((inside & (steep == slope) & (codes == cls)).sum() * cell_m2)
        assert matrix.loc[slope, cls] == pytest.approx(counted, rel=0.01)
    assert set(matrix.index) == {0, 1, 2, 3, 4}
    assert matrix.columns.tolist() == [2, 3, 4, 5, 6, 7, 8]  # open water (1) lies outside
    assert matrix.loc[4].sum() / whole > 0.2  # a canyon: a good part is steeper than 25 degrees
