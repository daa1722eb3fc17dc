"""计算危险区: floods, plumes, fires and landslides from the workspace's elevation and land cover, put on the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
import shapely
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import transform_bounds
from shapely.geometry import shape

from gridgov.crs import WGS84
from gridgov.errors import LayerNotFoundError, ParameterError, StorageError
from gridgov.hazards import (
    Elevation,
    FireInputs,
    FloodInputs,
    Release,
    SlopeInputs,
    Wind,
    fire_hazard,
    flood_hazard,
    plume_hazard,
    slope_hazard,
    spill_hazard,
)
from gridgov.hazards.flood import Datum, land_peaks
from gridgov.hazards.plume import Terrain
from gridgov.hazards.zoning import transformer
from gridgov.model.hazard_profiles import Fuel, HazardProfile
from gridgov.model.hazards import Hazard
from gridgov.model.rights import Person, Right, require
from gridgov.operations.hazards import HazardHeader, district_area, put_on_books
from gridgov.profiles.hazard_numbers import load_hazard_profile
from gridgov.workspace import Workspace

_MOST_CELLS = 4_000_000
_MARGIN = 0.1  # of the district's width: what lies just outside can still send water or fire in
_UNKNOWN_COVER = -2
_FAR_DEG = 0.5
_SHARES_WET = (0.02, 0.1, 0.3)  # of the land near a river, at the levels worth trying
_HIGHEST_M = 30.0  # that a river is thought to rise
_DAY_FROM, _DAY_TO = 7, 17  # a table's day is from sunrise to sunset; short days stay on the safe side
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GasRelease:
    """A release of a poisonous gas.

    Attributes
    ----------
    lon, lat : float
    substance : str
        Code or UN number in the profile.
    wind : Wind
    large : bool
        More than about 200 litres (table).
    night : bool or None
        None: as it is now.
    rate_g_s : float or None
        Given: a Gaussian plume of a steady release; None: the distances of the table.
    limits_mg_m3 : tuple of 3 float or None
        Instead of those of the substance.
    """

    lon: float
    lat: float
    substance: str
    wind: Wind
    large: bool = False
    night: bool | None = None
    rate_g_s: float | None = None
    stability: str = "D"
    terrain: Terrain = "urban"
    height_m: float = 0.0
    limits_mg_m3: tuple[float, float, float] | None = None


def compute_flood(
    workspace: Workspace,
    person: Person,
    source: Mapping[str, Any],
    levels: tuple[tuple[float, float], ...],
    header: HazardHeader | None = None,
    *,
    datum: Datum = "sea",
    step_m: float = 0.5,
    within_m: float | None = None,
) -> Hazard:
    """Put a flood on the books.

    Parameters
    ----------
    source : mapping
        GeoJSON geometry of the river (line or area) or of the breach (point), WGS 84.
    levels : tuple of (seconds, metres)
        Rising; one level: at once.
    datum : "sea" or "source"
        What the levels are above.
    step_m : float
        One step of uncertainty.
    within_m : float, optional
        How far from its source the level holds.

    Raises
    ------
    ParameterError
        The series does not rise, the source lies outside the elevation model, or nothing gets wet.
    RightsError
        The person may not compute hazards, or not there.
    LayerNotFoundError
        The workspace has no elevation.
    """

    def make() -> Hazard:
        inputs = FloodInputs(geometry_of(source), levels, datum, step_m, within_m)
        return flood_hazard(
            elevation_of(workspace), inputs, profile_of(workspace).depth,
            district=district_area(workspace), metric_crs=workspace.metric_crs,
        )  # fmt: skip

    return put_on_books(workspace, person, header or HazardHeader(), make)


def suggested_levels(workspace: Workspace, person: Person, source: Mapping[str, Any]) -> tuple[float, ...]:
    """Return levels above a river, in metres, that are worth computing where nobody knows the river.

    Parameters
    ----------
    source : mapping
        GeoJSON geometry of the river, WGS 84.

    Returns
    -------
    tuple of float
        The levels, on half metres, at which 2, 10 and 30 % of the land within reach of the river is under water; fewer
        where two are the same or the land rises too steeply.

    Raises
    ------
    LayerNotFoundError
        The workspace has no elevation.
    ParameterError
        The river lies outside the elevation model.
    """
    require(person, Right.LAYER_READ)
    return levels_near(workspace, source)


def levels_near(workspace: Workspace, source: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the levels of `suggested_levels`."""
    geometry = geometry_of(source)
    near = land_peaks(elevation_of(workspace), geometry, _HIGHEST_M, metric_crs=workspace.metric_crs)
    if not len(near):
        return ()
    levels = np.ceil(2.0 * np.quantile(near, _SHARES_WET, method="higher")) / 2.0
    return tuple(float(level) for level in np.unique(levels[np.isfinite(levels)]))


def compute_plume(workspace: Workspace, person: Person, gas: GasRelease, header: HazardHeader | None = None) -> Hazard:
    """Put the zones of a release of gas on the books, from the table or as a Gaussian plume.

    Raises
    ------
    ParameterError
        The substance is unknown, has no such numbers, or the place, the wind or the release cannot be.
    RightsError
        The person may not compute hazards, or not there.
    """

    def make() -> Hazard:
        _check_near(workspace, gas.lon, gas.lat)
        substance = profile_of(workspace).substance(gas.substance)
        if gas.rate_g_s is not None:
            limits = gas.limits_mg_m3 or substance.limits_mg_m3
            if limits is None:
                raise ParameterError(f"the profile has no concentrations for '{substance.code}'; give limits_mg_m3")
            release = Release(gas.rate_g_s, limits, gas.stability, gas.terrain, gas.height_m)
            own = gas.limits_mg_m3 is None
            return plume_hazard(
                gas.lon, gas.lat, release, gas.wind, metric_crs=workspace.metric_crs,
                source=substance.source if own else "", certainty=str(substance.certainty) if own else "U",
            )  # fmt: skip
        spill = substance.large if gas.large else substance.small
        if spill is None:
            raise ParameterError(f"the profile has no distances for such a spill of '{substance.code}'")
        night = _is_night(workspace) if gas.night is None else gas.night
        return spill_hazard(gas.lon, gas.lat, spill, gas.wind, substance, night=night, metric_crs=workspace.metric_crs)

    return put_on_books(workspace, person, header or HazardHeader(), make)


def compute_fire(
    workspace: Workspace,
    person: Person,
    ignition: Mapping[str, Any],
    wind: Wind,
    header: HazardHeader | None = None,
    *,
    until_s: float = 3 * 3600.0,
    fuel: str = "",
) -> Hazard:
    """Put the front of a fire on the books.

    Parameters
    ----------
    ignition : mapping
        GeoJSON geometry of what burns now, WGS 84.
    wind : Wind
    until_s : float
        How far ahead.
    fuel : str
        Code of one fuel for everywhere; "": by the land cover.

    Raises
    ------
    ParameterError
        The fire starts where nothing burns or nothing is known.
    RightsError
        The person may not compute hazards, or not there.
    LayerNotFoundError
        The workspace has no elevation, or no land cover while no fuel is given.
    """

    def make() -> Hazard:
        fuels, fuel_at = _fuels_of(workspace, fuel)
        inputs = FireInputs(geometry_of(ignition), wind, until_s)
        return fire_hazard(elevation_of(workspace), fuels, fuel_at, inputs, metric_crs=workspace.metric_crs)

    return put_on_books(workspace, person, header or HazardHeader(), make)


def compute_slope(
    workspace: Workspace,
    person: Person,
    source: Mapping[str, Any],
    header: HazardHeader | None = None,
    *,
    angle_deg: float | None = None,
    step_deg: float | None = None,
) -> Hazard:
    """Put the reach of a landslide on the books.

    Parameters
    ----------
    source : mapping
        GeoJSON geometry of what may slide, WGS 84.
    angle_deg, step_deg : float, optional
        Angle of reach and its uncertainty; default those of the profile.

    Raises
    ------
    ParameterError
        The angle cannot be, the source lies outside the elevation model, or the ground is too flat.
    RightsError
        The person may not compute hazards, or not there.
    LayerNotFoundError
        The workspace has no elevation.
    """

    def make() -> Hazard:
        profile = profile_of(workspace)
        known = angle_deg is None
        inputs = SlopeInputs(
            geometry_of(source),
            profile.reach_angle_deg if angle_deg is None else angle_deg,
            profile.reach_step_deg if step_deg is None else step_deg,
            profile.reach_source if known else "",
            str(profile.reach_certainty) if known else "U",
        )
        return slope_hazard(elevation_of(workspace), inputs, metric_crs=workspace.metric_crs)

    return put_on_books(workspace, person, header or HazardHeader(), make)


def hazard_numbers(workspace: Workspace, person: Person) -> HazardProfile:
    """Return the substances, fuels and other numbers that hazards can be computed with."""
    require(person, Right.LAYER_READ)
    return profile_of(workspace)


def profile_of(workspace: Workspace) -> HazardProfile:
    """Return the numbers behind computed hazards, read once."""
    return workspace.cached("hazard_profile", load_hazard_profile)


def geometry_of(geojson: Mapping[str, Any]) -> Any:
    """Return a GeoJSON geometry as a shapely one.

    Raises
    ------
    ParameterError
        It is none, it is empty, or its coordinates are no positions.
    """
    try:
        geometry = shapely.force_2d(shape(geojson))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise ParameterError(
            "the place of the hazard is no GeoJSON geometry; give a point, a line or an area"
        ) from None
    points = shapely.get_coordinates(geometry)
    if not len(points):
        raise ParameterError("the place of the hazard is empty; give a point, a line or an area")
    if not (np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()):
        raise ParameterError("the place of the hazard has coordinates that are no longitude, latitude in degrees")
    return geometry if geometry.is_valid else shapely.make_valid(geometry)


def elevation_of(workspace: Workspace) -> Elevation:
    """Return the elevation model about the workspace, read once; a very fine one is read coarser.

    Raises
    ------
    LayerNotFoundError
        There is none.
    """
    ids = workspace.of_kind("elevation")
    if not ids:
        raise LayerNotFoundError(
            f"workspace {workspace.path.name} has no elevation; add a [[layer]] of kind 'elevation' to its import file"
        )

    def read() -> Elevation:
        values, transform, crs = _raster(workspace.raster_path(ids[0]), workspace.bounds, Resampling.average)
        return Elevation(values, transform, crs, ids[0])

    return workspace.cached("elevation", read)


def _raster(
    path: Path, bounds: tuple[float, float, float, float], resampling: Resampling
) -> tuple[_Floats, rasterio.Affine, str]:
    """Return the part of a raster about some bounds as floats, NaN: no value."""
    try:
        with rasterio.open(path) as raster:
            west, south, east, north = transform_bounds(WGS84, raster.crs, *bounds)
            room = _MARGIN * max(east - west, north - south)
            wanted = rasterio.windows.from_bounds(
                west - room, south - room, east + room, north + room, transform=raster.transform
            )
            window = wanted.round_offsets().round_lengths().intersection(
                rasterio.windows.Window(0, 0, raster.width, raster.height)
            )  # fmt: skip
            coarser = max(1.0, float(np.sqrt(window.width * window.height / _MOST_CELLS)))
            size = max(1, round(window.height / coarser)), max(1, round(window.width / coarser))
            read = raster.read(1, window=window, out_shape=size, masked=True, resampling=resampling)
            scale = rasterio.Affine.scale(window.width / size[1], window.height / size[0])
            crs = raster.crs.to_string()
            return read.astype(float).filled(np.nan), raster.window_transform(window) @ scale, crs
    except (rasterio.errors.RasterioError, rasterio.errors.WindowError) as error:
        raise StorageError(f"{path}: this file of the workspace cannot be read; import the workspace again") from error


def _fuels_of(workspace: Workspace, code: str) -> tuple[tuple[Fuel, ...], Callable[[_Floats, _Floats], Any]]:
    """Return the fuels, and which of them lies at places in the metric CRS."""
    fuels = profile_of(workspace).fuels
    if code:
        chosen = tuple(fuel for fuel in fuels if fuel.code == code)
        if not chosen:
            known = ", ".join(fuel.code for fuel in fuels)
            raise ParameterError(f"the fuel '{code[:40]}' is not in the profile; it knows {known}")
        return chosen, lambda x, _: np.zeros(x.shape, dtype=np.int64)
    ids = workspace.of_kind("land_cover")
    if not ids:
        raise LayerNotFoundError(f"workspace {workspace.path.name} has no land cover; name one fuel for everywhere")
    cover, transform, crs = workspace.cached(
        "land_cover", lambda: _raster(workspace.raster_path(ids[0]), workspace.bounds, Resampling.nearest)
    )
    known_covers = {int(value) for value in workspace.spec(ids[0]).class_names}
    table = np.full(257, _UNKNOWN_COVER, dtype=np.int64)
    table[[value for value in known_covers if 0 <= value < 256]] = -1
    for position, fuel in enumerate(fuels):
        table[[value for value in fuel.land_cover if 0 <= value < 256]] = position

    def fuel_at(x: _Floats, y: _Floats) -> Any:
        own_x, own_y = transformer(workspace.metric_crs, crs).transform(x, y)
        column, row = ~transform @ (np.asarray(own_x), np.asarray(own_y))
        inside = (column >= 0) & (column < cover.shape[1]) & (row >= 0) & (row < cover.shape[0])
        found = np.full(x.shape, np.nan)
        found[inside] = cover[row[inside].astype(np.int64), column[inside].astype(np.int64)]
        return table[np.where((found >= 0) & (found < 256), np.nan_to_num(found), 256).astype(np.int64)]

    return fuels, fuel_at


def _check_near(workspace: Workspace, lon: float, lat: float) -> None:
    west, south, east, north = workspace.bounds
    if not (west - _FAR_DEG <= lon <= east + _FAR_DEG and south - _FAR_DEG <= lat <= north + _FAR_DEG):
        raise ParameterError(f"{lon:g}, {lat:g} lies far outside the district; check that longitude comes first")


def _is_night(workspace: Workspace) -> bool:
    hour = workspace.now().astimezone(workspace.timezone).hour
    return not _DAY_FROM <= hour < _DAY_TO
