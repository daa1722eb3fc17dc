"""A drawn hazard: what can be repaired without changing its meaning is, the rest is refused in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.hazards.zoning import finding, moved, polygons_of, warnings_of, zone_of
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.hazards import Hazard, HazardKind

BUFFER_M = 100.0
_WHOLE = 0.999  # of the district: no grid outside is left
_LEAST_M2 = 1.0
_FARTHEST_DEG = 0.5  # beyond the district; what lies farther off threatens nobody here
_MOST_POINTS = 9_000  # three borders of them fit into an event


def drawn_hazard(
    geometry: Mapping[str, Any],
    *,
    district: Any,
    metric_crs: str,
    level: int = 3,
    arrival_s: float = 0.0,
    buffer_m: float = BUFFER_M,
    name: str = "",
) -> Hazard:
    """Return the hazard that somebody drew.

    Parameters
    ----------
    geometry : mapping
        GeoJSON Polygon or MultiPolygon, WGS 84. Open rings are closed, and a border that crosses itself is untangled so
        that everything it goes round stays inside; each is a finding.
    district : shapely geometry
        The area of the workspace, WGS 84: a hazard outside is refused, one that covers it is a finding.
    metric_crs : str
        To measure in.
    level : int
        1 to 4.
    arrival_s : float
        Seconds until it comes.
    buffer_m : float
        One step of uncertainty: how far the true border may lie inside (`milder`) or outside (`worse`) the drawn one.
    name : str

    Raises
    ------
    ParameterError
        No polygon, an empty one, coordinates that are none, outside the district.
    """
    if not 0 <= buffer_m <= 10_000:
        raise ParameterError(f"the uncertainty of the border is {buffer_m} m; give metres from 0 to 10,000")
    area, findings = repaired(geometry)
    findings = (*findings, *_against_district(area, district))
    area = polygons_of(shapely.intersection(area, shapely.box(*district.bounds).buffer(_FARTHEST_DEG)))
    if area.is_empty or moved(area, WGS84, metric_crs).area < _LEAST_M2:
        raise ParameterError("the hazard has no area; draw it again round the places it threatens")
    metric = moved(area, WGS84, metric_crs)
    facts = {"level": level, "arrival_s": arrival_s}
    rings = [zone_of(polygons_of(metric.buffer(by)), metric_crs, **facts) for by in (-buffer_m, 0.0, buffer_m)]
    milder, zones, worse = (() if zone is None else (zone,) for zone in rings)
    return Hazard(
        kind=HazardKind.DRAWN,
        zones=zones,
        milder=milder,
        worse=worse,
        name=name,
        step="border",
        inputs={"level": level, "arrival_s": arrival_s, "step_m": buffer_m},
        source="drawn by hand",
        certainty="U",
        warnings=warnings_of(HazardKind.DRAWN),
        findings=findings,
    )


def repaired(geometry: Mapping[str, Any]) -> tuple[Any, tuple[Finding, ...]]:
    """Return a drawn polygon as a valid shapely area, and what was repaired.

    Raises
    ------
    ParameterError
        It cannot be repaired without guessing.
    """
    kind = geometry.get("type")
    if kind not in {"Polygon", "MultiPolygon"}:
        raise ParameterError(f"a hazard is drawn as a Polygon or MultiPolygon, not as {kind!r}; draw an area")
    listed: Any = geometry.get("coordinates")
    polygons: Any = [listed] if kind == "Polygon" else listed
    closed = [0]
    try:
        rings = [[_ring(ring, closed) for ring in polygon] for polygon in polygons or []]
    except (TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError("the coordinates of the hazard are no lists of positions; give GeoJSON") from None
    if not any(rings):
        raise ParameterError("the hazard is empty, so it has no area; draw it round the places it threatens")
    drawn = shapely.multipolygons([shapely.Polygon(polygon[0], polygon[1:]) for polygon in rings if polygon])
    findings = [_repair("unclosed_ring")] * bool(closed[0])
    area = drawn
    if not drawn.is_valid:
        findings.append(_repair("hazard_untangled"))
        area = polygons_of(drawn)
    if area.is_empty:
        raise ParameterError("the hazard has no area; draw it again round the places it threatens")
    return area, tuple(findings)


def _ring(ring: Sequence[Any], closed: list[int]) -> Any:
    points = np.array([[float(position[0]), float(position[1])] for position in ring]).reshape(-1, 2)
    if len(points) > _MOST_POINTS:
        raise ParameterError(f"the border has {len(points)} points; draw it with at most {_MOST_POINTS}")
    if not (np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()):
        wrong = points[~(np.isfinite(points) & (np.abs(points) <= (180.0, 90.0))).all(axis=1)][0]
        raise ParameterError(f"{wrong[0]}, {wrong[1]} is not a longitude, latitude in degrees; correct the hazard")
    if len(np.unique(points, axis=0)) < 3:
        raise ParameterError("the border of the hazard needs at least 3 different points; draw it again")
    if (points[0] != points[-1]).any():
        closed[0] += 1
        points = np.vstack([points, points[:1]])
    return points


def _repair(rule: str) -> Finding:
    return finding(rule, FindingLevel.INFO, FindingAction.REPAIRED)


def _against_district(area: Any, district: Any) -> tuple[Finding, ...]:
    """Refuse what lies elsewhere; say what reaches over the edge or leaves nothing free."""
    inside = shapely.intersection(area, district)
    if not area.intersects(district) or inside.area == 0.0:
        west, south, east, north = area.bounds
        raise ParameterError(
            f"the hazard (lon {west:.4f} to {east:.4f}, lat {south:.4f} to {north:.4f}) lies wholly outside the "
            "district; draw it inside, and check that longitude comes first"
        )
    if inside.area >= _WHOLE * district.area:
        return (finding("hazard_covers_everything"),)
    if inside.area < area.area * _WHOLE:
        share = round(100 * (1 - inside.area / area.area))
        return (finding("hazard_over_the_edge", FindingLevel.INFO, share=share),) if share else ()
    return ()
