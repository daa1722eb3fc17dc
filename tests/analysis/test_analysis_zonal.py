"""Zonal statistics: partial cells computed by hand, brute-force supersampling as the oracle, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from gridgov.analysis import zonal
from gridgov.analysis.metric_layers import MetricLayer, metric_layer
from gridgov.analysis.raster_cells import OpenRaster, RasterArray
from gridgov.analysis.zonal import zonal_statistics
from gridgov.errors import ParameterError
from gridgov.hazards.zoning import moved

CRS = "EPSG:4549"
X, Y = 403_000.0, 3_276_000.0


def zones(*shapes: Any) -> MetricLayer:
    frame = gpd.GeoDataFrame({"code": [f"Z{i}" for i in range(len(shapes))]}, geometry=list(shapes), crs=CRS)
    return metric_layer(frame, "grids", metric_crs=CRS, id_column="code")[0]


def raster(values: Any, cell: float = 10.0, nodata: float | None = -9999, name: str = "raster") -> RasterArray:
    """Cells whose north-west corner is at (X, Y + height)."""
    array = np.asarray(values)
    return RasterArray(name, array, Affine(cell, 0, X, 0, -cell, Y + cell * array.shape[0]), CRS, nodata)


def area(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def test_partial_cells_are_those_computed_by_hand() -> None:
    """Cells of 10 m: 1 2 / 3 4. A zone takes 5 x 5 m of each of 1, 2 and 3 and of 4, and 2.5 m more to the east."""
    values = raster([[1.0, 2.0], [3.0, 4.0]])
    found = zonal_statistics(values, zones(area(5, 5, 17.5, 15)), kind="counts").table.iloc[0]
    shares = {1: 0.25, 2: 0.375, 3: 0.25, 4: 0.375}
    assert found["cells"] == pytest.approx(sum(shares.values()))
    assert found["sum"] == pytest.approx(sum(value * share for value, share in shares.items()))
    assert found["mean"] == pytest.approx(3.25 / 1.25)
    assert (found["min"], found["max"], found["nodata_share"]) == (1, 4, 0)
    assert found["area_m2"] == pytest.approx(125)


def test_a_triangle_cuts_cells_exactly() -> None:
    """Half of a square of 2 x 2 cells, along the diagonal: whole cell, two cells cut by half."""
    triangle = shapely.Polygon([(X, Y), (X + 20, Y), (X, Y + 20)])
    found = zonal_statistics(raster([[8.0, 100.0], [1.0, 4.0]]), zones(triangle), kind="counts").table.iloc[0]
    assert found["sum"] == pytest.approx(1 + 0.5 * 8 + 0.5 * 4)


def test_the_people_of_all_zones_that_cover_a_raster_are_all_the_people() -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(0, 90, (40, 50)).astype(float)
    points = shapely.multipoints(rng.uniform(0, 1, (60, 2)) * (500, 400) + (X, Y))
    cells = shapely.intersection(list(shapely.voronoi_polygons(points).geoms), area(0, 0, 500, 400))
    found = zonal_statistics(raster(values), zones(*[cell for cell in cells if not cell.is_empty]), kind="counts")
    assert found.table["sum"].sum() == pytest.approx(values.sum(), rel=1e-6)


def supersampled(values: RasterArray, shape: Any, step: int = 40) -> dict[str, float]:
    """Sum, mean and the share without a value by counting small squares within a shape; brute force."""
    array = values.values
    fine = np.repeat(np.repeat(array, step, axis=0), step, axis=1)
    size = values.transform.a / step
    rows, columns = fine.shape
    x = values.transform.c + (np.arange(columns) + 0.5) * size
    y = values.transform.f - (np.arange(rows) + 0.5) * size
    inside = shapely.contains_xy(shape, *np.meshgrid(x, y))
    known = inside & (fine != values.nodata)
    return {
        "sum": fine[known].sum() / step**2,
        "mean": fine[known].mean(),
        "nodata_share": 1 - known.sum() / inside.sum(),
        "q50": float(np.median(fine[known])),
    }


@pytest.mark.parametrize("seed", range(4))
def test_irregular_zones_agree_with_brute_force_supersampling(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = raster(rng.uniform(0, 100, (30, 30)))
    values.values[rng.uniform(size=(30, 30)) < 0.1] = -9999
    turn = np.sort(rng.uniform(0, 2 * np.pi, 11))
    reach = rng.uniform(40, 140, 11)
    star = shapely.Polygon(np.column_stack([X + 150 + reach * np.cos(turn), Y + 150 + reach * np.sin(turn)])).buffer(0)
    found = zonal_statistics(values, zones(star), kind="measures", quantiles=(0.5,)).table.iloc[0]
    counted = zonal_statistics(values, zones(star), kind="counts").table.iloc[0]
    expected = supersampled(values, star)
    assert counted["sum"] == pytest.approx(expected["sum"], rel=2e-3)
    assert found["mean"] == pytest.approx(expected["mean"], rel=2e-3)
    assert found["nodata_share"] == pytest.approx(expected["nodata_share"], abs=2e-3)
    assert found["q50"] == pytest.approx(expected["q50"], abs=2.0)


def test_classes_have_areas_and_shares() -> None:
    values = raster(np.array([[10, 10], [20, 255]], dtype=np.uint8), nodata=255)
    found = zonal_statistics(values, zones(area(0, 0, 20, 20), area(0, 5, 10, 20)), kind="classes")
    assert found.classes[["row", "class_code", "area_m2"]].to_numpy().tolist() == [
        [1, 10, pytest.approx(200)], [1, 20, pytest.approx(100)],
        [2, 10, pytest.approx(100)], [2, 20, pytest.approx(50)],
    ]  # fmt: skip
    assert found.table["majority"].tolist() == [10, 10]
    assert found.table["nodata_share"].tolist() == pytest.approx([0.25, 0])


def test_a_density_is_summed_by_area() -> None:
    """1,000 persons per km2 on 100 x 50 m are 5 persons, however small the cells are."""
    for cell in (5.0, 25.0):
        values = raster(np.full((20, 20), 1000.0), cell=cell)
        found = zonal_statistics(values, zones(area(0, 0, 100, 50)), kind="densities").table.iloc[0]
        assert found["sum"] == pytest.approx(5.0)


def test_zones_in_another_crs_than_the_raster_are_brought_into_it() -> None:
    """A raster in degrees, whose value is the longitude: means of zones are their middles."""
    west, south = moved(shapely.Point(X, Y), CRS, "EPSG:4326").coords[0]
    cell = 0.0001
    columns = west - 10 * cell + (np.arange(120) + 0.5) * cell
    transform = Affine(cell, 0, west - 10 * cell, 0, -cell, south + 100 * cell)
    values = RasterArray("lon", np.tile(columns, (110, 1)), transform, "EPSG:4326", None)
    shape = area(100, 100, 600, 500)
    found = zonal_statistics(values, zones(shape), kind="measures").table.iloc[0]
    assert found["mean"] == pytest.approx(moved(shape, CRS, "EPSG:4326").centroid.x, abs=1e-6)
    assert found["nodata_share"] == 0


def test_means_in_degrees_are_by_the_ground_that_cells_cover() -> None:
    """From 20° to 60° north a cell shrinks to half: the north counts for half of the south."""
    values = RasterArray("v", np.array([[1.0], [0.0]]), Affine(2, 0, 115, 0, -20, 60), "EPSG:4326", None)
    south, north = (abs(np.sin(np.radians(a)) - np.sin(np.radians(b))) for a, b in ((20, 40), (40, 60)))
    whole = moved(shapely.segmentize(shapely.box(115.2, 20, 116.8, 60), 0.5), "EPSG:4326", CRS)
    found = zonal_statistics(values, zones(whole), kind="measures").table.iloc[0]
    assert found["mean"] == pytest.approx(north / (north + south), rel=1e-3)


def test_a_file_is_read_in_windows_and_gives_what_the_whole_array_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(0, 9, (300, 260)).astype("float32")
    memory = raster(values)
    with rasterio.open(
        tmp_path / "r.tif", "w", driver="GTiff", height=300, width=260, count=1, dtype="float32", crs=CRS,
        transform=memory.transform, nodata=-9999, tiled=True, blockxsize=64, blockysize=64, compress="deflate",
    ) as file:  # fmt: skip
        file.write(values, 1)
    shapes = zones(*(area(x, y, x + 170, y + 130) for x in range(0, 2500, 300) for y in range(0, 2900, 310)))
    expected = zonal_statistics(memory, shapes, kind="measures").table
    monkeypatch.setattr(zonal, "_TILE", 16)
    with rasterio.open(tmp_path / "r.tif") as file:
        found = zonal_statistics(OpenRaster("r", file), shapes, kind="measures").table
    assert found["mean"].to_numpy() == pytest.approx(expected["mean"].to_numpy(), rel=1e-6)
    assert found["nodata_share"].to_numpy() == pytest.approx(expected["nodata_share"].to_numpy(), abs=1e-9)


def test_scaled_files_are_read_in_their_unit(tmp_path: Path) -> None:
    options = {"driver": "GTiff", "height": 2, "width": 2, "count": 1, "dtype": "int16", "crs": CRS, "nodata": -1}
    with rasterio.open(tmp_path / "s.tif", "w", transform=Affine(10, 0, X, 0, -10, Y + 20), **options) as file:
        file.write(np.array([[100, 200], [300, -1]], dtype=np.int16), 1)
        file.scales, file.offsets = (0.1,), (5.0,)
    with rasterio.open(tmp_path / "s.tif") as file:
        found = zonal_statistics(OpenRaster("s", file), zones(area(0, 0, 20, 20)), kind="measures").table.iloc[0]
    assert (found["min"], found["max"], found["nodata_share"]) == pytest.approx((15, 35, 0.25))


def rules(result: Any) -> list[str]:
    assert all("{" not in finding.message(lang) for finding in result.findings for lang in ("zh", "en"))
    return [finding.rule for finding in result.findings]


def test_zones_beyond_the_raster_are_missing_and_said_with_their_row() -> None:
    found = zonal_statistics(raster(np.ones((2, 2))), zones(area(0, 0, 10, 10), area(500, 0, 510, 10)), kind="counts")
    assert found.table["nodata_share"].tolist() == [0, 1]
    assert np.isnan(found.table["mean"][1])
    finding = found.findings[0]
    assert (finding.rule, finding.row, finding.key, finding.detail["empty"]) == ("zones_without_values", 2, "Z1", 1)


def test_a_raster_without_crs_or_elsewhere_is_refused() -> None:
    values = raster(np.ones((2, 2)), name="people")
    bare = RasterArray("people", values.values, values.transform, None, None)
    with pytest.raises(ParameterError, match="raster people has no CRS"):
        zonal_statistics(bare, zones(area(0, 0, 10, 10)), kind="counts")
    with pytest.raises(ParameterError, match="raster people and layer grids do not overlap"):
        zonal_statistics(values, zones(area(5000, 0, 5010, 10)), kind="counts")


def test_a_raster_without_nodata_is_said_and_a_usual_nodata_value_in_it_named() -> None:
    values = raster([[5.0, -9999.0], [1.0, 2.0]], nodata=None)
    found = zonal_statistics(values, zones(area(0, 0, 10, 10), area(0, 0, 20, 20)), kind="measures")
    assert rules(found) == ["raster_without_nodata", "raster_nodata_undeclared"]
    assert found.findings[1].row == 2
    assert found.findings[1].detail["value"] == -9999


def test_negative_people_are_refused_with_the_zones_where_they_are() -> None:
    values = raster([[5.0, -3.0], [1.0, 2.0]], name="people")
    with pytest.raises(ParameterError, match=r"people holds negative counts \(down to -3\) in grids, row 2 \(Z1\)"):
        zonal_statistics(values, zones(area(0, 0, 10, 10), area(10, 10, 20, 20)), kind="counts")
    zonal_statistics(values, zones(area(0, 0, 10, 10)), kind="counts")  # where they do not matter, they do not


def test_counts_in_cells_finer_than_their_source_are_warned_about() -> None:
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 50, (30, 30)).astype(float)
    where = zones(area(0, 0, 300, 300))
    assert rules(zonal_statistics(raster(coarse), where, kind="counts")) == []
    assert rules(zonal_statistics(raster(coarse), where, kind="counts", source_cell_m=100)) == ["counts_resampled"]
    assert rules(zonal_statistics(raster(coarse), where, kind="counts", source_cell_m=10)) == []
    fine = np.repeat(np.repeat(coarse, 3, axis=0), 3, axis=1)
    found = zonal_statistics(raster(fine, cell=10 / 3), where, kind="counts")
    assert rules(found) == ["counts_repeat"]
    assert found.findings[0].detail["cells"] == 3
    assert rules(zonal_statistics(raster(fine, cell=10 / 3), where, kind="densities")) == []


def test_measures_that_are_asked_for_as_classes_and_quantiles_beyond_one_are_refused() -> None:
    values = raster(np.array([[0.5, 1.5], [2.5, 3.5]]))
    with pytest.raises(ParameterError, match="no classes but measures"):
        zonal_statistics(values, zones(area(0, 0, 20, 20)), kind="classes")
    with pytest.raises(ParameterError, match="between 0 and 1"):
        zonal_statistics(values, zones(area(0, 0, 20, 20)), kind="measures", quantiles=(50,))


def test_values_that_are_not_numbers_are_no_values() -> None:
    found = zonal_statistics(raster([[1.0, np.nan], [3.0, np.nan]]), zones(area(0, 0, 20, 20)), kind="measures")
    assert found.table.loc[0, ["mean", "nodata_share"]].tolist() == pytest.approx([2, 0.5])


def test_infinite_values_are_refused() -> None:
    with pytest.raises(ParameterError, match="infinite values in grids, row 1"):
        zonal_statistics(raster([[1.0, np.inf]]), zones(area(0, 0, 20, 10)), kind="measures")
