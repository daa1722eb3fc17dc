"""Write the sample as the source files a real district would hand over, and the import file that reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyogrio
import rasterio
import rasterio.shutil
import shapely
from pyproj import Transformer
from rasterio.transform import from_origin

from gridgov.crs import WGS84
from gridgov.sample import roads as road_network
from gridgov.sample.city import City, Progress
from gridgov.sample.fields import Floats
from gridgov.sample.incidents import incidents
from gridgov.sample.places import facilities, hazards, sensors, shelters
from gridgov.sample.workers import workers

_FROZEN_DATE = "2026-06-30T00:00:00Z"  # written into GeoPackages instead of the clock's time
_NODE_ID, _WAY_ID = 9_000_000_000, 9_500_000_000  # far from any id that OpenStreetMap has given


class Placer:
    """Turns local metres into longitude and latitude."""

    def __init__(self, city: City) -> None:
        self._origin = np.array(city.recipe.origin)
        self._transformer = Transformer.from_crs(city.recipe.crs, WGS84, always_xy=True)

    def points(self, xy: Floats) -> Floats:
        """Return lon and lat, shape (n, 2), to the seventh decimal (a centimetre)."""
        return np.round(self._exact(xy), 7)

    def _exact(self, xy: Floats) -> Floats:
        lon, lat = self._transformer.transform(*(np.asarray(xy) + self._origin).T)
        return np.stack([lon, lat], axis=1)

    def frame(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return a frame of local geometry in WGS 84."""
        moved = shapely.transform(np.asarray(frame.geometry), self._exact)  # rounding could make a thin parcel invalid
        return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=moved, crs=WGS84)

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table with lon and lat instead of x and y."""
        lon, lat = self.points(frame[["x", "y"]].to_numpy()).T
        return frame.drop(columns=["x", "y"]).assign(lon=lon, lat=lat)


@contextmanager
def _frozen_clock() -> Iterator[None]:
    """Let GDAL write one fixed date, so that equal recipes give equal files."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FROZEN_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_city(city: City, folder: Path, progress: Progress) -> Path:
    """Write all files of a sample into a folder and return the path of its import file."""
    folder.mkdir(parents=True, exist_ok=True)
    placer = Placer(city)
    progress("writing roads", 0.70)
    write_roads(city, placer, folder / "roads.osm.pbf")
    progress("writing rasters", 0.76)
    _write_rasters(city, folder)
    progress("writing grids", 0.80)
    with _frozen_clock():
        _write_grids(city, placer, folder)
        progress("writing places", 0.84)
        _write_resources(city, placer, folder)
        _write_planning(city, placer, folder)
        _write_places(city, placer, folder)
    progress("writing incidents", 0.92)
    _write_tables(city, placer, folder)
    _write_texts(city, placer, folder)
    progress("done", 1.0)
    return folder / "import.toml"


def write_roads(city: City, placer: Placer, path: Path) -> None:
    """Write the road network as OSM PBF: nodes, then ways, each in the order of their ids."""
    path.unlink(missing_ok=True)
    chains = [
        (chain[k : k + 500], way) for chain, way in road_network.ways(city.roads) for k in range(0, len(chain) - 1, 499)
    ]
    used = sorted({vertex for chain, _ in chains for vertex in chain})
    number = {vertex: _NODE_ID + i for i, vertex in enumerate(used)}
    places = placer.points(np.array([city.roads.xy[vertex] for vertex in used]))
    build = city.recipe.table["streets"]["build"]
    with osmium.SimpleWriter(str(path)) as writer:
        for vertex, (lon, lat) in zip(used, places.tolist(), strict=True):
            writer.add_node(osmium.osm.mutable.Node(id=number[vertex], version=1, location=(lon, lat)))
        for i, (chain, way) in enumerate(chains):
            tags = _road_tags(city, way, build)
            writer.add_way(
                osmium.osm.mutable.Way(id=_WAY_ID + i, version=1, nodes=[number[v] for v in chain], tags=tags)
            )


def _road_tags(city: City, way: road_network.Way, build: dict[str, list[int]]) -> dict[str, str]:
    street = city.streets[way.street]
    tags = {"highway": way.klass}
    if street.name and way.klass != "motorway_link":
        tags |= {"name": street.name, "name:zh": street.name, "name:en": street.name_en}
    if way.klass in build:
        speed, lanes = build[way.klass]
        dual = way.oneway and way.klass not in {"motorway", "motorway_link"} and lanes > 1
        tags |= {"maxspeed": str(speed), "lanes": str(lanes // 2 if dual else lanes)}
    if way.oneway:
        tags["oneway"] = "yes"
    if way.bridge:
        tags |= {"bridge": "yes", "layer": str(way.layer)}
    if way.tunnel:
        tags |= {"tunnel": "yes", "layer": "-1"}
    return tags


def _write_rasters(city: City, folder: Path) -> None:
    """Write elevation and land cover as Cloud-Optimised GeoTIFFs in the metric CRS."""
    ground = city.terrain.elevation
    x0, y0 = city.recipe.origin
    elevation = np.round(ground.cells, 2).astype(np.float32)
    transform = from_origin(ground.west + x0, ground.north + y0, ground.cell_m, ground.cell_m)
    _write_cog(folder / "elevation.tif", elevation, transform, city.recipe.crs, -9999.0, "AVERAGE")
    t = city.land_cover_transform
    transform = from_origin(t.c + x0, t.f + y0, t.a, t.a)
    _write_cog(folder / "land_cover.tif", city.land_cover, transform, city.recipe.crs, 0, "MODE")
    earlier = folder / f"land_cover_{city.recipe.table['planning']['dates']['earlier']}.tif"
    _write_cog(earlier, city.planning.earlier_cover, transform, city.recipe.crs, 0, "MODE")


def _write_cog(
    path: Path, values: np.ndarray, transform: rasterio.Affine, crs: str, nodata: float, overview: str
) -> None:
    with rasterio.Env(GDAL_NUM_THREADS="1"), rasterio.MemoryFile() as memory:
        options = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": values.dtype, "crs": crs}
        with memory.open(driver="GTiff", transform=transform, nodata=nodata, **options) as plain:
            plain.write(values, 1)
        with memory.open() as plain:
            rasterio.shutil.copy(
                plain, path, driver="COG", compress="DEFLATE", blocksize=256, overview_resampling=overview
            )


def _write_grids(city: City, placer: Placer, folder: Path) -> None:
    grids = city.grids
    persons, households, day, elderly = grids.people.columns()
    codes = grids.codes
    frame = gpd.GeoDataFrame(
        {
            "grid_code": codes,
            "name": grids.names,
            "community_code": [code[:12] for code in codes],
            "street_code": [code[:9] for code in codes],
            "district_code": [code[:6] for code in codes],
            "persons": persons,
            "households": households,
        },
        geometry=grids.areas,
    )
    _replace(folder / "grids.gpkg")
    pyogrio.write_dataframe(placer.frame(frame), folder / "grids.gpkg", layer="grids")
    rows = [{"division_code": d.code, "level": d.level, "name": d.name, "name_en": d.name_en} for d in grids.divisions]
    divisions = gpd.GeoDataFrame(rows, geometry=[d.area for d in grids.divisions])
    _geojson(placer.frame(divisions), folder / "divisions.geojson")
    table = {
        "grid_code": codes,
        "persons": persons,
        "households": households,
        "persons_day": day,
        "elderly_persons": elderly,
    }
    pd.DataFrame(table).to_csv(folder / "population.csv", index=False, lineterminator="\n")


def _replace(path: Path) -> None:
    path.unlink(missing_ok=True)


def _geojson(frame: gpd.GeoDataFrame, path: Path) -> None:
    _replace(path)
    pyogrio.write_dataframe(frame, path, driver="GeoJSON", COORDINATE_PRECISION=7)


def _write_resources(city: City, placer: Placer, folder: Path) -> None:
    names = city.recipe.table["land_classes"]
    path = folder / "natural_resources.gpkg"
    _replace(path)
    for layer, parcels in city.layers.items():
        frame = gpd.GeoDataFrame(
            {
                "parcel_id": [f"{layer[:2].upper()}{i:06d}" for i in range(1, len(parcels.areas) + 1)],
                "class_code": parcels.codes,
                "class_name": [names[code] for code in parcels.codes],
                "name": parcels.names,
                "area_m2": [round(area.area, 1) for area in parcels.areas],
            },
            geometry=parcels.areas,
        )
        pyogrio.write_dataframe(placer.frame(frame), path, layer=layer, geometry_type="Polygon")


def _write_planning(city: City, placer: Placer, folder: Path) -> None:
    """Write basic farmland, control lines and projects: the layers of the territorial plan."""
    names, path = city.recipe.table["land_classes"], folder / "planning.gpkg"
    _replace(path)
    plan = city.planning
    for layer, key, planned in (
        ("farmland", "parcel_id", plan.farmland),
        ("protection_lines", "line_id", plan.lines),
        ("plan", "plan_id", plan.projects),
    ):
        ids = [f"{layer[:2].upper()}{number:05d}" for number in range(1, len(planned.areas) + 1)]
        columns = {key: ids, **planned.columns, "area_m2": [round(area.area, 1) for area in planned.areas]}
        if "class_code" in columns:
            columns["class_name"] = [names[code] for code in columns["class_code"]]
        frame = gpd.GeoDataFrame(columns, geometry=planned.areas)
        pyogrio.write_dataframe(placer.frame(frame), path, layer=layer, geometry_type="Polygon")


def _write_places(city: City, placer: Placer, folder: Path) -> None:
    for name, frame in (("facilities", facilities(city)), ("shelters", shelters(city)), ("hazards", hazards(city))):
        _geojson(placer.frame(frame), folder / f"{name}.geojson")


def _write_tables(city: City, placer: Placer, folder: Path) -> None:
    placer.table(sensors(city)).to_csv(folder / "sensors.csv", index=False, lineterminator="\n")
    crew = workers(city)
    placer.table(crew).to_csv(folder / "workers.csv", index=False, lineterminator="\n", encoding="gb18030")
    placer.table(incidents(city, crew)).to_csv(folder / "incidents.csv", index=False, lineterminator="\n")


def _write_texts(city: City, placer: Placer, folder: Path) -> None:
    table, scale = city.recipe.table, city.recipe.scale
    corners = placer.points(shapely.get_coordinates(city.zones.boundary))
    west, south = np.floor(corners.min(axis=0) * 1e5) / 1e5
    east, north = np.ceil(corners.max(axis=0) * 1e5) / 1e5
    names = table["names"]
    lines = [
        "# Written by `gridgov sample`. All content is synthetic.",
        "[workspace]",
        f'id = "{scale["id"]}"',
        f'names = {{ zh = "{names["zh"]}", en = "{names["en"]}" }}',
        f'timezone = "{table["timezone"]}"',
        f'metric_crs = "{city.recipe.crs}"',
        f'as_of = "{table["as_of"]}"',
        f"bounds = [{west:.5f}, {south:.5f}, {east:.5f}, {north:.5f}]",
    ]
    dates = table["planning"]["dates"]
    for kind, source, *more in _LAYERS:
        licence = f'licence = "{table["licence"]}"'
        rest = (line.format(**dates) for line in more)
        lines += ["", "[[layer]]", f'kind = "{kind}"', f'source = "{source.format(**dates)}"', *rest, licence]
    (folder / "import.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "README.txt").write_text(
        _README.format(size=city.recipe.size, licence=table["licence"]), encoding="utf-8"
    )


_LAYERS = (
    ("roads", "roads.osm.pbf"),
    ("elevation", "elevation.tif"),
    ("land_cover", "land_cover.tif", 'date = "{now}"'),
    ("land_cover", "land_cover_{earlier}.tif", 'date = "{earlier}"'),
    ("divisions", "divisions.geojson"),
    ("grids", "grids.gpkg", 'source_layer = "grids"'),
    ("population", "population.csv"),
    ("workers", "workers.csv", 'encoding = "gb18030"', 'crs = "EPSG:4326"'),
    ("incidents", "incidents.csv", 'crs = "EPSG:4326"'),
    ("shelters", "shelters.geojson"),
    ("facilities", "facilities.geojson"),
    ("sensors", "sensors.csv", 'crs = "EPSG:4326"'),
    ("hazards", "hazards.geojson"),
    *(
        (name, "natural_resources.gpkg", f'source_layer = "{name}"', 'date = "{now}"')
        for name in ("land", "water", "forest", "grassland", "wetland")
    ),
    *(
        (name, "planning.gpkg", f'source_layer = "{name}"', 'date = "{plan}"')
        for name in ("farmland", "protection_lines", "plan")
    ),
)

_README = """\
临江区 / Linjiang: a synthetic district (size: {size})

Everything in these files is invented by the program: terrain, river, streets, names, people counts, workers,
incidents. No record describes a real person, place or event; the district code is assigned to nobody, the telephone
numbers are not numbers, and the position on the globe is arbitrary.

本目录中的全部数据均由程序生成，人名、地名、电话、案件均为虚构，与任何真实人员、地点、事件无关。

Licence: {licence}
"""
