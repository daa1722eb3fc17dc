"""Places: facilities, shelters, hazardous sites and zones, sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import from_origin

from gridgov.sample.fields import Floats

if TYPE_CHECKING:
    from gridgov.sample.city import City


def facilities(city: City) -> gpd.GeoDataFrame:
    """Return hospitals, schools, markets … by the recipe's counts, each in a block of a fitting use."""
    rng = city.recipe.rng("facilities")
    rows: list[dict[str, Any]] = []
    geometry = []
    for item in city.recipe.table["facilities"]:
        count = max(1, round(item["per_10000"] * city.recipe.scale["persons"] / 10_000))
        for spot in _spread(city, rng, item["uses"], count):
            name = f"{_area_name(city, spot)}{item['name']}"
            rows.append({"facility_id": f"F{len(rows) + 1:05d}", "name": name, "category": item["category"]})
            geometry.append(_inside_block(city, spot))
    return gpd.GeoDataFrame(_unique_names(rows), geometry=geometry)


def _spread(city: City, rng: np.random.Generator, uses: list[str], count: int) -> NDArray[np.int64]:
    """Choose spots in blocks of these uses, one block once while there are enough, people nearby preferred."""
    use = np.array([block.use for block in city.blocks])
    town = np.array([block.zone in {"old", "new", "industrial", "village"} for block in city.blocks])
    fits = np.isin(use, uses)
    if fits.sum() < count:
        fits |= town & (use == "residential")
    spots = np.flatnonzero(fits[city.spots.block])
    first = np.unique(city.spots.block[spots], return_index=True)[1]
    spots = spots[first] if len(first) >= count else spots
    return np.sort(rng.choice(spots, min(count, len(spots)), replace=False))


def _inside_block(city: City, spot: int) -> shapely.Point:
    """Return a place some metres from the street into the block."""
    polygon = city.polygons[city.spots.block[spot]]
    start, centre = city.spots.xy[spot], np.array(polygon.representative_point().coords[0])
    inward = centre - start
    place = start + inward * min(0.5, 25.0 / max(25.0, float(np.hypot(*inward))))
    return shapely.Point(place if shapely.contains_xy(polygon, *place) else start)


def _area_name(city: City, spot: int) -> str:
    """Return the community name of a spot without its ending."""
    grid = int(city.grids.of_block[city.spots.block[spot]])
    return city.grids.names[grid].split("第")[0].removesuffix("社区").removesuffix("村")


def _unique_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number names that several places share."""
    seen: dict[str, int] = {}
    for row in rows:
        seen[row["name"]] = seen.get(row["name"], 0) + 1
        if seen[row["name"]] > 1:
            row["name"] = f"{row['name']}({seen[row['name']]})"
    return rows


def shelters(city: City) -> gpd.GeoDataFrame:
    """Return emergency shelters in schools, parks and sports halls, with places by their ground."""
    rng, table = city.recipe.rng("shelters"), city.recipe.table["shelters"]
    count = int(city.recipe.scale["shelters"])
    fitting = {"school": ["school", "campus"], "park": ["park"], "stadium": ["campus", "commercial", "office"]}
    rows: list[dict[str, Any]] = []
    geometry = []
    kinds = [kind for kind in fitting for _ in range(round(table[kind][1] * count))]
    kinds = (kinds + ["school"] * count)[:count]
    for kind, uses in fitting.items():
        for spot in _spread(city, rng, uses, kinds.count(kind)):
            label, _, indoor, outdoor, each_m2, least, most = table[kind]
            ground = float(city.polygons[city.spots.block[spot]].area)
            capacity = int(np.clip(ground * 0.35 / each_m2, least, most) // 10 * 10)
            hazards = (
                table["hazard_kinds"]
                if indoor and outdoor
                else ["earthquake", "fire"]
                if outdoor
                else ["flood", "typhoon", "fire", "landslide"]
            )
            rows.append(
                {
                    "shelter_id": f"S{len(rows) + 1:04d}",
                    "name": f"{_area_name(city, spot)}{label}",
                    "capacity_persons": capacity,
                    "hazard_kinds": ";".join(hazards),
                    "indoor": bool(indoor),
                    "outdoor": bool(outdoor),
                    "address": f"{city.spots.street_name[spot]}{int(rng.integers(1, 400))}号",
                }
            )
            geometry.append(_inside_block(city, spot))
    return gpd.GeoDataFrame(_unique_names(rows), geometry=geometry)


def hazards(city: City) -> gpd.GeoDataFrame:
    """Return hazardous sites (points) and flood-prone and landslide zones (areas)."""
    rng, table = city.recipe.rng("hazards"), city.recipe.table["hazard_sites"]
    rows: list[dict[str, Any]] = []
    geometry: list[shapely.Geometry] = []
    for key, (label, per_10000, uses, level) in table.items():
        count = max(1, round(per_10000 * city.recipe.scale["persons"] / 10_000))
        for spot in _spread(city, rng, uses, count):
            category = "fuel" if key == "fuel" else "chemical"
            rows.append(_hazard(len(rows), f"{_area_name(city, spot)}{label}", category, int(level)))
            geometry.append(_inside_block(city, spot))
    for category, label, area in (
        ("flood_prone", "易涝区", _flood_prone(city)),
        ("landslide", "滑坡隐患区", _steep(city)),
    ):
        for number, part in enumerate(area, start=1):
            level = int(np.clip(np.log10(part.area) - 2.5, 1, 4))
            rows.append(_hazard(len(rows), f"{label}{number:02d}", category, level))
            geometry.append(part)
    return gpd.GeoDataFrame(_unique_names(rows), geometry=geometry)


def _hazard(number: int, name: str, category: str, level: int) -> dict[str, Any]:
    return {"hazard_id": f"H{number + 1:04d}", "name": name, "category": category, "level": level}


def _flood_prone(city: City) -> list[shapely.Geometry]:
    """Return low ground beside river and streams."""
    ground, terrain = city.terrain.elevation, city.terrain
    near = terrain.water_distance.cells
    low = (ground.cells < np.quantile(ground.cells, 0.16)) & (near > 0) & (near < 420)
    return _areas(city, low, least_m2=15_000)


def _steep(city: City) -> list[shapely.Geometry]:
    """Return steep slopes."""
    return _areas(city, city.terrain.slope.cells > 24.0, least_m2=9_000)


def _areas(city: City, mask: NDArray[np.bool_], *, least_m2: float) -> list[shapely.Geometry]:
    base = city.terrain.elevation
    transform = from_origin(base.west, base.north, base.cell_m, base.cell_m)
    found = [
        shapely.geometry.shape(s) for s, _ in features.shapes(mask.astype(np.uint8), mask=mask, transform=transform)
    ]
    smooth = shapely.simplify(shapely.union_all(found).buffer(25).buffer(-40).buffer(15), 4.0)
    smooth = shapely.difference(shapely.intersection(smooth, city.zones.boundary), city.water.surface())
    parts = [p for p in shapely.get_parts(smooth) if p.geom_type == "Polygon" and p.area > least_m2]
    return sorted(parts, key=lambda part: -part.area)[:60]


def sensors(city: City) -> pd.DataFrame:
    """Return gauges: water level on the banks, rain and air over the district, tilt on steep slopes (x, y local)."""
    rng, table = city.recipe.rng("sensors"), city.recipe.table["sensors"]
    rows: list[dict[str, Any]] = []
    for category, (label, unit, per_10000) in table.items():
        count = max(2, round(per_10000 * city.recipe.scale["persons"] / 10_000))
        for number, (x, y) in enumerate(_sensor_places(city, rng, category, count).tolist(), start=1):
            rows.append(
                {
                    "sensor_id": f"{category[0].upper()}{number:04d}",
                    "name": f"{label}{number:02d}",
                    "category": category,
                    "unit": unit,
                    "x": x,
                    "y": y,
                }
            )
    return pd.DataFrame(rows)


def _sensor_places(city: City, rng: np.random.Generator, category: str, count: int) -> Floats:
    inner = city.zones.boundary.buffer(-60)
    if category == "water_level":
        bank = shapely.intersection(
            shapely.union_all(
                [b.parallel_offset(4, side) for b, side in zip(city.water.banks, ("left", "right"), strict=True)]
            ),
            inner,
        )
        steps = np.sort(rng.uniform(0, 1, count))
        merged = shapely.line_merge(bank)
        parts = shapely.get_parts(merged)
        return np.array([parts[i % len(parts)].interpolate(s, normalized=True).coords[0] for i, s in enumerate(steps)])
    if category == "tilt":
        x, y = city.terrain.elevation.centres()
        steep = (
            city.terrain.slope.cells > min(20.0, float(np.quantile(city.terrain.slope.cells, 0.97)))
        ) & shapely.contains_xy(inner, x, y)
        chosen = rng.choice(np.flatnonzero(steep.ravel()), count)
        return np.stack([x.ravel()[chosen], y.ravel()[chosen]], 1)
    return np.asarray(city.spots.xy[rng.choice(len(city.spots.xy), count, replace=False)])
