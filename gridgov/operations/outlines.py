"""区划轮廓: the coarse outline of the district that anybody may see: where the streets and communities lie."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import shapely

from gridgov.i18n import LANGS
from gridgov.model.rights import Person, Right, require
from gridgov.workspace import Workspace

_FINEST_M, _COARSEST_M = 10.0, 50.0
_DETAIL = 1500  # as many steps across the district: what a screen shows
_FIVE_DECIMALS = 1e-5  # about a metre


def district_outline(workspace: Workspace, person: Person) -> dict[str, Any]:
    """Return the divisions as GeoJSON, simplified with their common borders kept, names in both languages.

    The detail goes by the size of the whole: 10 to 50 m. A workspace without divisions gives the frame of its data.
    Nothing but division names is in it.
    """
    require(person, Right.INCIDENT_PROGRESS)
    return workspace.cached("public_outline", lambda: _outline(workspace))


def _outline(workspace: Workspace) -> dict[str, Any]:
    divisions = workspace.layers_of_kind("divisions")
    if divisions is None or not len(divisions):
        frame = shapely.box(*workspace.bounds)
        names = {str(lang): workspace.name(lang) for lang in LANGS}
        return _collection([_feature("district", names, frame)])
    features = []
    for level in ("district", "street", "community"):
        part = divisions[(divisions["level"] == level).to_numpy(dtype=bool)]
        for row, shape in zip(part.to_dict("records"), _simplified(part, workspace.metric_crs), strict=True):
            zh = str(row.get("name") or "")
            features.append(_feature(level, {"zh": zh, "en": str(row.get("name_en") or zh)}, shape))
    return _collection(features)


def _simplified(frame: gpd.GeoDataFrame, metric_crs: str) -> list[shapely.Geometry]:
    if not len(frame):
        return []
    metric = frame.geometry.to_crs(metric_crs)
    west, south, east, north = metric.total_bounds
    tolerance_m = min(max(math.hypot(east - west, north - south) / _DETAIL, _FINEST_M), _COARSEST_M)
    coarse = metric.simplify_coverage(tolerance_m).to_crs("EPSG:4326")
    return list(shapely.set_precision(coarse.to_numpy(), _FIVE_DECIMALS, mode="pointwise"))


def _feature(level: str, names: dict[str, str], shape: shapely.Geometry) -> dict[str, Any]:
    inside = shape.representative_point()
    properties = {"level": level, "names": names, "label_at": [round(inside.x, 5), round(inside.y, 5)]}
    return {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}
