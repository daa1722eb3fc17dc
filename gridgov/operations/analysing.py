"""分析: overlay, zonal statistics, land-cover change and red-line conflicts of the workspace's layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from shapely.geometry import shape

from gridgov.analysis import conflicts, overlay, transition, zonal
from gridgov.analysis.metric_layers import MetricLayer, metric_layer
from gridgov.analysis.raster_cells import OpenRaster
from gridgov.crs import WGS84
from gridgov.errors import LayerNotFoundError, ParameterError, StorageError
from gridgov.model.findings import Finding
from gridgov.model.rights import Person, Right, require
from gridgov.workspace import Workspace

PLAN = "plan"
_CLASS_FIELDS = ("class_name", "category", "class_code", "level")  # the first that a layer has is its class
_MOST_DRAWN = 20_000  # features of a drawn plan
_MOST_VALUES = 20  # that a message names
_CACHE_MB = 128  # GDAL's block cache; else it takes a share of the machine


@dataclass(frozen=True, slots=True)
class LayerUse:
    """A vector layer of the workspace, as an analysis uses it.

    Attributes
    ----------
    layer_id : str
    class_field : str
        Column to sum by; "": the layer's class, where it has one.
    only : tuple of str
        Classes that take part; empty: all.
    """

    layer_id: str
    class_field: str = ""
    only: tuple[str, ...] = ()


def overlay_layers(
    workspace: Workspace, person: Person, left: LayerUse, right: LayerUse, *, geometry: bool = False
) -> overlay.Overlay:
    """Return what of one layer lies in which rows of another, what is left over, and that it sums to the whole.

    Raises
    ------
    LayerNotFoundError
        There is no such layer, or it is a raster or a table.
    ParameterError
        A column or class is unknown, or the layers do not overlap.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    (first, found), (second, others) = prepared_layer(workspace, left), prepared_layer(workspace, right)
    result = overlay.overlay(first, second, geometry=geometry)
    return replace(result, findings=(*found, *others, *result.findings))


def zonal_statistics(
    workspace: Workspace,
    person: Person,
    raster_id: str,
    zones: LayerUse | None = None,
    *,
    kind: zonal.Kind | None = None,
    quantiles: Sequence[float] = (),
    source_cell_m: float | None = None,
) -> zonal.ZonalStatistics:
    """Summarise a raster layer by the areas of a vector layer.

    Parameters
    ----------
    zones : LayerUse, optional
        Default the grids.
    kind : "counts", "densities", "measures" or "classes", optional
        What the values mean; default by the layer's specification: classes where it names them, counts of persons,
        else measures.
    quantiles, source_cell_m
        As in `gridgov.analysis.zonal.zonal_statistics`.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    ParameterError
        The raster's values or the zones cannot be; with the zones.
    RightsError
        The person may not see the map.
    StorageError
        The file of the raster cannot be read.
    """
    require(person, Right.LAYER_READ)
    areas, findings = prepared_layer(workspace, zones or LayerUse("grids"))
    with open_layer(workspace, raster_id) as raster:
        result = zonal.zonal_statistics(
            raster, areas, kind=kind or kind_of(workspace, raster_id), quantiles=quantiles, source_cell_m=source_cell_m
        )
    return replace(result, findings=(*findings, *result.findings))


def land_cover_change(
    workspace: Workspace, person: Person, before_id: str, after_id: str, *, most_patches: int = 100
) -> transition.Transition:
    """Compare two raster layers of land cover: matrix in hectares, changed patches ranked by area.

    Raises
    ------
    LayerNotFoundError
        There is no such raster layer.
    ParameterError
        A raster holds no classes, or they lie apart.
    RightsError
        The person may not see the map.
    StorageError
        A file cannot be read.
    """
    require(person, Right.LAYER_READ)
    with open_layer(workspace, before_id) as before, open_layer(workspace, after_id) as after:
        return transition.land_cover_transition(before, after, most_patches=most_patches)


def red_line_conflicts(
    workspace: Workspace,
    person: Person,
    plan: LayerUse | Mapping[str, Any],
    protected: Sequence[LayerUse],
    *,
    sliver_m2: float = 1.0,
) -> conflicts.RedLineConflicts:
    """Return where a plan breaks protected land or a boundary, by class with areas and shares.

    On which side of a class it conflicts is said by the layer's kind (``[conflict]`` in layers/<kind>.toml): outside of
    the urban development boundary, inside everything else. A boundary of which nothing is drawn is not checked, and a
    finding says so.

    Parameters
    ----------
    plan : LayerUse or mapping
        A layer, or a GeoJSON geometry, Feature or FeatureCollection, WGS 84.
    protected : sequence of LayerUse
        Such as ``LayerUse("land", only=("水田", "旱地"))``.
    sliver_m2 : float
        Smaller parts are drawing errors.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    ParameterError
        The plan is no GeoJSON or invalid, a class is unknown, nothing is protected, or there is no line to check.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    layers = [_guarded(workspace, use) for use in protected]
    outside = {layer.name: names for layer, _, names in layers}
    drawn = metric_layer_of(workspace, plan) if isinstance(plan, LayerUse) else drawn_layer(workspace, plan)
    result = conflicts.red_line_conflicts(
        drawn, [layer for layer, _, _ in layers], outside=outside, sliver_m2=sliver_m2
    )
    found = [finding for _, findings, _ in layers for finding in findings]
    return replace(result, findings=(*found, *(_named_class(workspace, each) for each in result.findings)))


def _guarded(workspace: Workspace, use: LayerUse) -> tuple[MetricLayer, tuple[Finding, ...], tuple[str, ...]]:
    """Return a layer, its findings and which of its classes conflict outside; those keep their own name.

    A class that conflicts outside may be asked for although nothing of it is drawn.
    """
    spec = workspace.spec(use.layer_id)
    whole, findings = prepared_layer(workspace, replace(use, only=()))
    by_rule = use.class_field in {"", spec.style.class_field}
    outside = tuple(name for name in spec.conflicts_outside if not (by_rule and use.only) or name in use.only)
    if not spec.conflicts_outside:
        return *prepared_layer(workspace, use), ()
    drawn = set(whole.classes.tolist())
    only = tuple(name for name in use.only if name in drawn or name not in outside)
    layer = whole.take(np.zeros(0, dtype=np.intp)) if use.only and not only else whole
    if only:
        layer = prepared_layer(workspace, replace(use, only=only))[0]
    if not by_rule:  # summed by another column, a boundary is still one boundary
        kinds = workspace.layer(use.layer_id)[spec.style.class_field].astype(object).to_numpy()[layer.rows - 1]
        layer = replace(layer, classes=np.where(np.isin(kinds, outside), kinds, layer.classes))
    return layer, findings, outside


def _named_class(workspace: Workspace, finding: Finding) -> Finding:
    """Return a finding that says a class by its names, not by its code."""
    code = finding.detail.get("class")
    names = workspace.spec(finding.layer).class_names.get(str(code)) if code and workspace.has(finding.layer) else None
    return replace(finding, detail={**finding.detail, "class": " / ".join(names.values())}) if names else finding


def metric_layer_of(workspace: Workspace, use: LayerUse) -> MetricLayer:
    """Return a vector layer in the workspace's metric CRS, made once for each choice of class field.

    Raises
    ------
    LayerNotFoundError
        There is no such vector layer.
    ParameterError
        A column or class is unknown, or the layer mixes kinds of geometry.
    """
    return prepared_layer(workspace, use)[0]


def prepared_layer(workspace: Workspace, use: LayerUse) -> tuple[MetricLayer, tuple[Finding, ...]]:
    """Return a layer as `metric_layer_of` does, and which of its rows had to be repaired or left aside."""
    frame = workspace.layer(use.layer_id)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerNotFoundError(f"layer '{use.layer_id}' is a table without geometry; choose a vector layer")
    field = use.class_field or next((name for name in _CLASS_FIELDS if name in frame), None)
    key = workspace.spec(use.layer_id).key

    def make() -> tuple[MetricLayer, tuple[Finding, ...]]:
        return metric_layer(
            frame, use.layer_id, metric_crs=workspace.metric_crs, id_column=key if key in frame else None,
            class_column=field, repair=True,
        )  # fmt: skip

    layer, findings = workspace.cached(f"metric_layer:{use.layer_id}:{field}", make)
    if not use.only:
        return layer, findings
    known = set(layer.classes.tolist())
    if unknown := sorted(set(use.only) - known):
        names = ", ".join(sorted(known)[:_MOST_VALUES]) or "none"
        raise ParameterError(f"layer {use.layer_id} has no class '{unknown[0]}' in {field}; it has {names}")
    wanted = set(use.only)
    return layer.take(np.flatnonzero([name in wanted for name in layer.classes])), findings


def drawn_layer(workspace: Workspace, drawn: Mapping[str, Any]) -> MetricLayer:
    """Return a drawn GeoJSON as a layer; a feature's ``id`` (or property ``id``) and property ``class`` name it.

    Raises
    ------
    ParameterError
        It is no GeoJSON, has too many features, or one of them is invalid.
    """
    kind = drawn.get("type")
    features = drawn.get("features", []) if kind == "FeatureCollection" else [drawn]
    if not 0 < len(features) <= _MOST_DRAWN:
        raise ParameterError(f"the plan has {len(features)} features; give 1 to {_MOST_DRAWN:,}")
    rows = []
    for number, feature in enumerate(features, start=1):
        geometry = feature.get("geometry") if feature.get("type") == "Feature" else feature
        properties = feature.get("properties") or {}
        try:
            outline = shapely.force_2d(shape(geometry))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
            raise ParameterError(f"feature {number} of the plan is no GeoJSON geometry; draw it again") from None
        west, south, east, north = outline.bounds
        if not outline.is_empty and not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
            raise ParameterError(
                f"feature {number} of the plan reaches {west:g}, {south:g} to {east:g}, {north:g}, which are no "
                "longitudes and latitudes; give degrees, WGS 84"
            )
        name = str(feature.get("id") or properties.get("id") or number)
        rows.append({"id": name, "class": str(properties.get("class", "")), "geometry": outline})
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=WGS84)
    return metric_layer(frame, PLAN, metric_crs=workspace.metric_crs, id_column="id", class_column="class")[0]


def kind_of(workspace: Workspace, raster_id: str) -> zonal.Kind:
    """Return what the values of a raster layer mean, by its specification."""
    spec = workspace.spec(raster_id)
    if spec.holds_classes:
        return "classes"
    return "counts" if spec.unit == "persons" else "measures"


@contextmanager
def open_layer(workspace: Workspace, layer_id: str) -> Iterator[OpenRaster]:
    """Open a raster layer for reading.

    Raises
    ------
    LayerNotFoundError
        There is no such layer, or it is no raster.
    StorageError
        Its file is missing or damaged.
    """
    if workspace.entry(layer_id).geometry != "raster":
        raise LayerNotFoundError(f"layer '{layer_id}' of {workspace.path.name} is a vector layer, not a raster")
    path = workspace.raster_path(layer_id)
    try:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB), rasterio.open(path) as dataset:
            yield OpenRaster(layer_id, dataset)
    except rasterio.errors.RasterioError as error:
        raise StorageError(f"{path}: this file of the workspace cannot be read; import the workspace again") from error
