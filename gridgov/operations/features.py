"""要素: the vector layers of a workspace as collections of features, each person sees what their rights allow.

Imported layers are collections of their own. Incidents are one collection, read from the store (`incident_features`);
grid workers are one too (`worker_features`). Reporters are in none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.errors import LayerNotFoundError, ParameterError, RecordNotFoundError
from gridgov.i18n import Lang
from gridgov.model.features import (
    Bounds,
    Feature,
    FeatureCollection,
    FeaturePage,
    FeatureQuery,
    property_value,
)
from gridgov.model.layers import LayerSpec
from gridgov.model.rights import Person, Right, may, require
from gridgov.operations import incident_features, worker_features
from gridgov.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

_LIVE = ("incidents", "workers")  # what the store knows better than the imported layer
_VECTOR = ("point", "line", "polygon", "any")


def collections_of(workspace: Workspace, person: Person, lang: Lang) -> list[FeatureCollection]:
    """Return the collections a person may see, incidents first.

    Raises
    ------
    RightsError
        The person may see no layers at all.
    """
    require(person, Right.LAYER_READ)
    live = []
    if may(person, Right.INCIDENT_READ):
        live.append(incident_features.collection(workspace, person, lang))
    if worker_features.may_see(workspace, person):
        live.append(_described(workspace, person, "workers", lang))
    ids = [layer_id for layer_id in workspace.layer_ids if _is_plain(workspace, layer_id)]
    return [*live, *(_described(workspace, person, layer_id, lang) for layer_id in ids)]


def collection_of(workspace: Workspace, person: Person, collection_id: str, lang: Lang) -> FeatureCollection:
    """Return what one collection is.

    Raises
    ------
    LayerNotFoundError
        There is none of that name.
    RightsError
        The person may not see it.
    """
    _require_collection(workspace, person, collection_id)
    if collection_id == "incidents":
        return incident_features.collection(workspace, person, lang)
    return _described(workspace, person, collection_id, lang)


def items_of(
    workspace: Workspace, person: Person, collection_id: str, query: FeatureQuery, *, lang: Lang = "zh"
) -> FeaturePage:
    """Return a page of the features of a collection, always in the same order.

    Features without geometry match every box and those without time every interval, as the OGC standard wants it.

    Raises
    ------
    LayerNotFoundError
        There is no such collection.
    ParameterError
        A property is asked for that the collection does not have, or with a value of another type.
    RightsError
        The person may not see the collection.
    """
    _require_collection(workspace, person, collection_id)
    if collection_id == "incidents":
        return incident_features.page(workspace, person, query, lang)
    frame = _frame(workspace, person, collection_id)
    spec = _spec(workspace, collection_id)
    rows = _matching(frame, query, spec)
    chosen = rows[query.offset : query.offset + query.limit]
    return FeaturePage(len(rows), _features(frame.iloc[chosen], spec.key))


def item_of(workspace: Workspace, person: Person, collection_id: str, feature_id: str, *, lang: Lang = "zh") -> Feature:
    """Return one feature.

    Raises
    ------
    LayerNotFoundError, RecordNotFoundError
        There is no such collection or no such feature.
    RightsError
        The person may not see it.
    """
    _require_collection(workspace, person, collection_id)
    if collection_id == "incidents":
        return incident_features.item(workspace, person, feature_id, lang)
    frame, spec = _frame(workspace, person, collection_id), _spec(workspace, collection_id)
    if collection_id == "workers":
        row = _positions_by_id(frame, spec.key).get(feature_id)
    else:
        row = workspace.cached(f"feature:{collection_id}", lambda: _positions_by_id(frame, spec.key)).get(feature_id)
    if row is None:
        raise RecordNotFoundError(f"collection '{collection_id}' has no feature '{feature_id[:80]}'")
    return _features(frame.iloc[[row]], spec.key)[0]


# -- which collections ---------------------------------------------------------------------------------------------


def _is_plain(workspace: Workspace, layer_id: str) -> bool:
    spec = workspace.spec(layer_id)
    return spec.kind not in _LIVE and spec.geometry in _VECTOR


def _require_collection(workspace: Workspace, person: Person, collection_id: str) -> None:
    require(person, Right.LAYER_READ)
    if collection_id == "incidents":
        require(person, Right.INCIDENT_READ)
    elif collection_id == "workers" and workspace.of_kind("workers"):
        require(person, Right.WORKER_READ)
        require(person, Right.POSITION_READ)
    elif not (workspace.has(collection_id) and _is_plain(workspace, collection_id)):
        raise LayerNotFoundError(f"there is no collection '{collection_id[:80]}'")


def _frame(workspace: Workspace, person: Person, collection_id: str) -> gpd.GeoDataFrame:
    if collection_id == "workers":
        return worker_features.frame(workspace, person)
    return workspace.layer(collection_id)


def _spec(workspace: Workspace, collection_id: str) -> LayerSpec:
    return workspace.spec(workspace.of_kind("workers")[0] if collection_id == "workers" else collection_id)


def _described(workspace: Workspace, person: Person, collection_id: str, lang: Lang) -> FeatureCollection:
    spec = _spec(workspace, collection_id)
    if collection_id == "workers":
        bounds, interval, queryables = _facts(workspace, _frame(workspace, person, collection_id), spec)
    else:
        frame = workspace.layer(collection_id)
        bounds, interval, queryables = workspace.cached(
            f"collection:{collection_id}", lambda: _facts(workspace, frame, spec)
        )
    return FeatureCollection(
        id=collection_id,
        title=spec.name(lang),
        description=f"{workspace.name(lang)}: {spec.name(lang)}",
        bounds=bounds,
        interval=interval,
        queryables=queryables,
        licence=spec.licence,
    )


def _facts(
    workspace: Workspace, frame: gpd.GeoDataFrame, spec: LayerSpec
) -> tuple[Bounds, tuple[datetime, datetime] | None, dict[str, str]]:
    bounds = tuple(float(value) for value in frame.total_bounds)
    known = bounds if np.isfinite(bounds).all() else workspace.bounds
    times = _times(frame, spec)
    some = times.dropna() if times is not None else None
    interval = (some.min().to_pydatetime(), some.max().to_pydatetime()) if some is not None and len(some) else None
    return (known[0], known[1], known[2], known[3]), interval, _queryables(frame)


# -- which features ------------------------------------------------------------------------------------------------


def _matching(frame: gpd.GeoDataFrame, query: FeatureQuery, spec: LayerSpec) -> NDArray[np.intp]:
    """Return the positions (iloc) of the rows that a query wants, in the order of the layer."""
    keep = np.ones(len(frame), dtype=bool)
    if query.bbox is not None:
        keep &= _in_boxes(frame, query.boxes)
    times = _times(frame, spec)
    if times is not None and query.timed:
        keep &= _in_interval(times, query)
    queryables = _queryables(frame)
    for name, value in query.equals.items():
        if name not in queryables:
            raise ParameterError(f"'{name[:80]}' is no property to ask for: use one of {', '.join(queryables)}")
        keep &= _equal(frame[name], name, queryables[name], value)
    return np.flatnonzero(keep)


def _in_boxes(frame: gpd.GeoDataFrame, boxes: tuple[Bounds, ...]) -> NDArray[np.bool_]:
    geometry = frame.geometry
    found: NDArray[np.bool_] = (geometry.isna() | geometry.is_empty).to_numpy(dtype=bool, copy=True)
    for box in boxes:
        found[frame.sindex.query(shapely.box(*box), predicate="intersects")] = True
    return found


def _times(frame: gpd.GeoDataFrame, spec: LayerSpec) -> pd.Series[Any] | None:
    """Return the first field of the layer that is a time, or None."""
    names = [name for name, field in spec.fields.items() if field.type == "time" and name in frame]
    return frame[names[0]] if names and isinstance(frame[names[0]].dtype, pd.DatetimeTZDtype) else None


def _in_interval(times: pd.Series[Any], query: FeatureQuery) -> NDArray[np.bool_]:
    inside = np.ones(len(times), dtype=bool)
    if query.start is not None:
        inside &= (times >= query.start).to_numpy(dtype=bool)
    if query.end is not None:
        inside &= (times <= query.end).to_numpy(dtype=bool)
    return inside | times.isna().to_numpy(dtype=bool)


def _queryables(frame: gpd.GeoDataFrame) -> dict[str, str]:
    """Return the properties with one plain value each, with their JSON type."""
    types = {}
    for name, dtype in frame.drop(columns=frame.geometry.name).dtypes.items():
        if pd.api.types.is_bool_dtype(dtype):
            types[str(name)] = "boolean"
        elif pd.api.types.is_integer_dtype(dtype):
            types[str(name)] = "integer"
        elif pd.api.types.is_numeric_dtype(dtype):
            types[str(name)] = "number"
        elif isinstance(dtype, pd.StringDtype):
            types[str(name)] = "string"
    return types


def _equal(column: pd.Series[Any], name: str, kind: str, text: str) -> NDArray[np.bool_]:
    return (column == property_value(name, kind, text)).fillna(value=False).to_numpy(dtype=bool)


# -- as GeoJSON ----------------------------------------------------------------------------------------------------


def _positions_by_id(frame: gpd.GeoDataFrame, key: str) -> dict[str, int]:
    return {feature_id: row for row, feature_id in enumerate(_ids(frame, key))}


def _ids(frame: gpd.GeoDataFrame, key: str) -> list[str]:
    return [str(value) for value in frame.get(key, frame.index)]


def _features(part: gpd.GeoDataFrame, key: str) -> tuple[Feature, ...]:
    """Return rows as features, outer rings counter-clockwise as RFC 7946 wants them."""
    geometries = part.geometry.to_numpy()
    texts = shapely.to_geojson(shapely.orient_polygons(geometries))
    shown = np.where(shapely.is_missing(geometries) | shapely.is_empty(geometries), "null", texts)
    table = part.drop(columns=part.geometry.name)
    records: list[Mapping[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return tuple(
        Feature(feature_id, str(text), {str(name): _plain(value) for name, value in record.items()})
        for feature_id, text, record in zip(_ids(part, key), shown, records, strict=True)
    )


def _plain(value: Any) -> Any:
    """Return a cell as a value of JSON."""
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
