"""假设的改变落到图层上: the layers of a scenario are those of the base with its changes laid on in order.

Frames come and go in WGS 84, and those of the base are never changed. Areas are measured in the metric CRS. A change
that names what is not there is refused; nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import shape

from gridgov.analysis.regridding import CodeLog, merged_counts, merged_grids, split_counts, split_grids
from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.model.changes import (
    AreaAdded,
    AreaTaken,
    Change,
    GridsMerged,
    GridSplit,
    PlaceAdded,
    PlaceChanged,
    PlaceRemoved,
    PopulationScaled,
    VersionUsed,
)
from gridgov.model.layers import LayerSpec

GRIDS = "grids"
AREA = "area_m2"
DUTY = "duty_grids"
_LEAST_M2 = 1.0  # slivers that a cut leaves behind are no land

FrameOf = Callable[[str], gpd.GeoDataFrame]
VersionOf = Callable[[str, str], gpd.GeoDataFrame]


@dataclass(frozen=True)
class Laid:
    """What changes make other than it is.

    Attributes
    ----------
    layers : dict of str to GeoDataFrame
    codes : DataFrame
        Old and new codes of the grids that were merged or split, as in `gridgov.grids.code_changes.code_table`; a code
        that is not in it stays. With another version of the grids, the old codes are those of that version.
    """

    layers: dict[str, gpd.GeoDataFrame]
    codes: pd.DataFrame


def lay_changes(
    changes: Sequence[Change], specs: Mapping[str, LayerSpec], frame_of: FrameOf, version_of: VersionOf, metric_crs: str
) -> Laid:
    """Return the layers that changes make other than they are, and what became of the codes of grids.

    Parameters
    ----------
    changes : sequence of Change
        In order; changed speeds, duties and versions of rasters are no matter of frames and pass by.
    specs : mapping of str to LayerSpec
        Of every layer of the base.
    frame_of : callable
        Layer id → frame of the base, WGS 84 (a plain frame for a table).
    version_of : callable
        Layer id, version → frame.
    metric_crs : str
        To measure areas in.

    Raises
    ------
    ParameterError
        A change names a layer, a place or a grid that is not there, adds one that is, or makes no sense on that layer;
        the sentence begins with the number of the change.
    """
    changed: dict[str, gpd.GeoDataFrame] = {}
    log = CodeLog()
    counted = (GRIDS, *(name for name, spec in specs.items() if spec.kind == "population"))
    with_duty = [name for name, spec in specs.items() if DUTY in spec.fields]
    counts = count_fields(specs[layer] for layer in counted if layer in specs)

    def now(layer: str, *geometries: str) -> gpd.GeoDataFrame:
        if layer not in specs:
            raise ParameterError(f"there is no layer '{layer[:60]}'; there are {', '.join(specs)}")
        if geometries and specs[layer].geometry not in geometries:
            raise ParameterError(f"layer '{layer}' holds {specs[layer].geometry}s, not {geometries[0]}s")
        return changed[layer] if layer in changed else frame_of(layer)

    def lay(change: Change) -> None:
        nonlocal log
        match change:
            case PlaceAdded():
                changed[change.layer] = _added(now(change.layer, "point", "any"), specs[change.layer], change)
            case PlaceChanged() | PlaceRemoved():
                changed[change.layer] = _edited(now(change.layer), specs[change.layer], change)
            case AreaTaken() | AreaAdded():
                frame = now(change.layer, "polygon", "any")
                changed[change.layer] = _with_area(frame, specs[change.layer], change, metric_crs)
            case PopulationScaled():
                for layer in counted:
                    changed[layer] = _scaled(now(layer), specs[layer].key, counts, change)
            case VersionUsed() if change.layer not in specs or specs[change.layer].geometry != "raster":
                now(change.layer)
                changed[change.layer] = version_of(change.layer, change.version)
                log = CodeLog() if change.layer == GRIDS else log
            case GridsMerged():
                changed[GRIDS] = merged_grids(now(GRIDS), specs[GRIDS].key, counts, change)
                for layer in counted[1:]:
                    changed[layer] = merged_counts(now(layer), specs[layer].key, counts, change)
                for layer in with_duty:
                    changed[layer] = _with_duty(now(layer), change.codes, (change.into,))
                log.merged(change)
            case GridSplit():
                changed[GRIDS], share = split_grids(now(GRIDS), specs[GRIDS].key, counts, change, metric_crs)
                for layer in counted[1:]:
                    changed[layer] = split_counts(now(layer), specs[layer].key, counts, change, share)
                for layer in with_duty:
                    changed[layer] = _with_duty(now(layer), (change.code,), change.codes)
                log.split(change, share)

    for number, change in enumerate(changes, start=1):
        try:
            _check_grids_stay(change)
            lay(change)
        except ParameterError as error:
            raise ParameterError(f"change {number}: {error}") from error
    return Laid(changed, log.table())


def count_fields(specs: Iterable[LayerSpec]) -> tuple[str, ...]:
    """Return the fields that count people or households: they add up when grids are put together."""
    named = (item.name for spec in specs for item in spec.fields.values() if item.unit == "persons")
    return tuple(dict.fromkeys((*named, "households")))


def _check_grids_stay(change: Change) -> None:
    if isinstance(change, AreaTaken | AreaAdded | PlaceRemoved) and change.layer == GRIDS:
        raise ParameterError(
            f"{change.kind} of layer '{GRIDS}': grids and their people stay; use merge_grids or split_grid"
        )


def _with_duty(frame: gpd.GeoDataFrame, gone: Sequence[str], new: Sequence[str]) -> gpd.GeoDataFrame:
    """Return workers whose lists of grids name the new ones where they named those that are gone."""
    if DUTY not in frame:
        return frame

    def redrawn(duty: Any) -> Any:
        if not isinstance(duty, list | tuple | np.ndarray) or not set(duty).intersection(gone):
            return duty
        return list(dict.fromkeys(each for code in duty for each in (new if code in gone else (code,))))

    return frame.assign(**{DUTY: pd.Series([redrawn(duty) for duty in frame[DUTY]], index=frame.index, dtype=object)})


def _rows(frame: pd.DataFrame, key: str, wanted: str) -> Any:
    return (frame[key].astype(str) == wanted).to_numpy(dtype=bool)


def _check_fields(values: Mapping[str, Any], spec: LayerSpec, place: str) -> None:
    for name in values:
        if name not in spec.fields or name == spec.key:
            known = ", ".join(each for each in spec.fields if each != spec.key)
            raise ParameterError(f"{place}: layer kind '{spec.kind}' has no field '{name}' to set; it has {known}")


def _appended(frame: gpd.GeoDataFrame, spec: LayerSpec, row: dict[str, Any], geometry: Any) -> gpd.GeoDataFrame:
    """Return a frame with one more row; what is not given is missing."""
    if _rows(frame, spec.key, row[spec.key]).any():
        raise ParameterError(f"{row[spec.key]} is in the layer already; change it, or give the new one another id")
    table = {name: pd.array([row.get(name)], dtype=frame[name].dtype) for name in frame if name != frame.geometry.name}
    new = gpd.GeoDataFrame(table, geometry=[geometry], crs=frame.crs)
    return gpd.GeoDataFrame(pd.concat([frame, new], ignore_index=True), crs=frame.crs)


def _added(frame: gpd.GeoDataFrame, spec: LayerSpec, change: PlaceAdded) -> gpd.GeoDataFrame:
    _check_fields(change.attributes, spec, change.id)
    return _appended(frame, spec, {spec.key: change.id, **change.attributes}, shapely.Point(change.lon, change.lat))


def _edited(frame: gpd.GeoDataFrame, spec: LayerSpec, change: PlaceChanged | PlaceRemoved) -> gpd.GeoDataFrame:
    there = _rows(frame, spec.key, change.id)
    if not there.any():
        raise ParameterError(f"layer '{change.layer}' has no '{change.id}'; look its id up on the map")
    if isinstance(change, PlaceRemoved):
        return frame[~there].reset_index(drop=True)
    _check_fields(change.attributes, spec, change.id)
    frame = frame.copy()
    for name, value in change.attributes.items():
        column = frame[name].copy()
        column[there] = value
        frame[name] = column
    return frame


def _with_area(
    frame: gpd.GeoDataFrame, spec: LayerSpec, change: AreaTaken | AreaAdded, metric_crs: str
) -> gpd.GeoDataFrame:
    area = drawn_area(change)
    if isinstance(change, AreaAdded):
        _check_fields(change.attributes, spec, change.id)
        measured = {AREA: _metric_area([area], metric_crs)[0]} if AREA in frame else {}
        return _appended(frame, spec, {spec.key: change.id, **measured, **change.attributes}, area)
    met = np.unique(frame.sindex.query(area, predicate="intersects"))
    if not len(met):
        raise ParameterError(f"take_area: the polygon meets nothing of layer '{change.layer}'; draw it over that layer")
    shapes = np.array(frame.geometry.array, dtype=object)
    shapes[met] = [_areas_of(left) for left in shapely.difference(shapes[met], area)]
    size = _metric_area(shapes[met], metric_crs)
    left = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    if AREA in left:
        column = left[AREA].to_numpy(dtype=float, copy=True)
        column[met] = size
        left[AREA] = column
    return left.drop(index=left.index[met[size < _LEAST_M2]]).reset_index(drop=True)


def drawn_area(change: AreaTaken | AreaAdded) -> Any:
    """Return the area of a change; one that is none is refused, not repaired, since it may be meant otherwise.

    Raises
    ------
    ParameterError
        The geometry is no polygon, is empty, crosses itself, or is not in degrees.
    """
    place = f"{change.kind} of layer '{change.layer}'"
    try:
        area = shapely.force_2d(shape(change.geometry))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise ParameterError(f"{place}: the geometry is no GeoJSON Polygon; draw it again") from None
    if area.is_empty:
        raise ParameterError(f"{place}: the polygon is empty; draw it again")
    west, south, east, north = area.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise ParameterError(
            f"{place}: the polygon reaches {west:g}, {south:g} to {east:g}, {north:g}, which are no longitudes and "
            "latitudes; give degrees, WGS 84"
        )
    if not area.is_valid:
        raise ParameterError(f"{place}: the polygon is not valid ({shapely.is_valid_reason(area)}); draw it again")
    return area


def _areas_of(geometry: Any) -> Any:
    """Return the areas of what a cut left, without the lines and points where borders only touched."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _metric_area(shapes: Any, metric_crs: str) -> Any:
    return gpd.GeoSeries(list(shapes), crs=WGS84).to_crs(metric_crs).area.to_numpy()


def _scaled(frame: gpd.GeoDataFrame, key: str, counts: tuple[str, ...], change: PopulationScaled) -> gpd.GeoDataFrame:
    codes = frame[key].astype(str)
    there = codes.str.startswith(change.areas).to_numpy(dtype=bool) if change.areas else np.ones(len(frame), dtype=bool)
    if not there.any():
        raise ParameterError(f"scale_population: no grid has a code that begins with {', '.join(change.areas)}")
    frame = frame.copy()
    for name in (each for each in counts if each in frame):
        values = pd.to_numeric(frame[name]).astype("Float64")
        values[there] = values[there] * change.factor
        frame[name] = values.round().astype("Int64")
    return frame
