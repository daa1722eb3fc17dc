"""Geometry of rows: there, closed, valid and of the type that the specification names; repaired where that is safe."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.layers.inspection import Inspection, Mask
from gridgov.model import FindingAction, FindingLevel, LayerSpec

_TYPES: dict[str, tuple[int, ...]] = {"point": (0,), "line": (1, 5), "polygon": (3, 6), "any": (0, 1, 3, 4, 5, 6)}
_DIMENSION = {"point": 0, "line": 1, "polygon": 2}
_COLLECTIONS = (4, 5, 6, 7)


def check_geometry(
    inspection: Inspection, spec: LayerSpec, *, unclosed: Mask | None = None, broken: Mask | None = None
) -> None:
    """Check and repair the geometry of every row (in the source's coordinates).

    Parameters
    ----------
    unclosed, broken : masks, optional
        From the reader: rings that it closed; geometries that it could not read.
    """
    geometry = inspection.geometry
    if geometry is None:
        return
    if broken is not None:
        _aside(inspection, "unreadable_geometry", broken)
    gone = shapely.is_missing(geometry) | shapely.is_empty(geometry) | ~_finite(geometry)
    _aside(inspection, "missing_geometry", gone)
    if unclosed is not None:
        inspection.rows("unclosed_ring", unclosed, action=FindingAction.REPAIRED)
    _repair(inspection, geometry)
    _fit_type(inspection, geometry, spec)


def _aside(inspection: Inspection, rule: str, mask: Mask, **detail: str) -> None:
    inspection.rows(rule, mask, level=FindingLevel.ERROR, action=FindingAction.ASIDE, details=dict(detail))


def _finite(geometry: NDArray[np.object_]) -> Mask:
    bounds = shapely.bounds(geometry)
    return np.asarray(np.isfinite(bounds).all(axis=1) | shapely.is_missing(geometry), dtype=np.bool_)


def _repair(inspection: Inspection, geometry: NDArray[np.object_]) -> None:
    """Make invalid geometry valid (crossing rings become parts), or keep the row aside when nothing of it is left."""
    invalid = inspection.alive & ~shapely.is_valid(geometry)
    if not invalid.any():
        return
    dimension = shapely.get_dimensions(geometry[invalid])
    reasons = shapely.is_valid_reason(geometry[invalid])
    fixed = shapely.make_valid(geometry[invalid], method="structure", keep_collapsed=False)
    lost = shapely.is_empty(fixed) | (shapely.get_dimensions(fixed) < dimension)
    details = [{"fault": str(reason)} for reason in reasons]
    repaired, hopeless = invalid.copy(), invalid.copy()
    repaired[invalid], hopeless[invalid] = ~lost, lost
    geometry[repaired] = fixed[~lost]
    kept = [detail for detail, gone in zip(details, lost, strict=True) if not gone]
    thrown = [detail for detail, gone in zip(details, lost, strict=True) if gone]
    inspection.rows("invalid_geometry", repaired, action=FindingAction.REPAIRED, details=kept)
    inspection.rows("hopeless_geometry", hopeless, level=FindingLevel.ERROR, action=FindingAction.ASIDE, details=thrown)


def _fit_type(inspection: Inspection, geometry: NDArray[np.object_], spec: LayerSpec) -> None:
    """Take the one point of a multi-point and the parts that fit out of a collection; keep other types aside."""
    wanted = _TYPES[spec.geometry]
    wrong = inspection.alive & ~np.isin(shapely.get_type_id(geometry), wanted)
    for position in np.flatnonzero(wrong & np.isin(shapely.get_type_id(geometry), _COLLECTIONS)).tolist():
        parts = shapely.get_parts(geometry[position])
        parts = parts[shapely.get_dimensions(parts) == _DIMENSION.get(spec.geometry, 2)]
        if len(parts) == 1 or (len(parts) and spec.geometry in {"polygon", "line"}):
            geometry[position] = parts[0] if len(parts) == 1 else _multi(parts, spec.geometry)
    still = inspection.alive & ~np.isin(shapely.get_type_id(geometry), wanted)
    inspection.rows("geometry_simplified", wrong & ~still, level=FindingLevel.INFO, action=FindingAction.REPAIRED)
    names = [{"found": str(shapely.get_type_id(g)), "type": g.geom_type} for g in geometry[still]]
    details = [{"found": name["type"], "wanted": spec.geometry} for name in names]
    inspection.rows("wrong_geometry_type", still, level=FindingLevel.ERROR, action=FindingAction.ASIDE, details=details)


def _multi(parts: NDArray[np.object_], kind: str) -> shapely.Geometry:
    return shapely.union_all(parts) if kind == "polygon" else shapely.multilinestrings(parts)
