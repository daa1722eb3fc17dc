"""资源面积: how much land there is of a kind, in a workspace as it is and as it would be; no land counts twice."""

from __future__ import annotations

import numpy as np
import shapely

from gridgov.errors import ParameterError
from gridgov.model.what_if import RESOURCES, Indicator
from gridgov.workspace import Workspace
from gridgov.workspace_variants import WorkspaceVariant

_DIGITS = 3  # square metres: less is the rounding of a union, and no land is better or worse for it
_OF_AREAS = frozenset({"polygon", "any"})


def resource_areas(variant: WorkspaceVariant, kinds: tuple[str, ...]) -> list[Indicator]:
    """Return the area of each kind of layers, in square metres.

    The usual kinds (`RESOURCES`) stand for those of them that the workspace has.

    Raises
    ------
    ParameterError
        A kind was asked for that no layer of areas is of.
    """
    there = [kind for kind in kinds if _has_areas(variant, kind)]
    if kinds != RESOURCES and (strange := [kind for kind in kinds if kind not in there]):
        known = dict.fromkeys(variant.entry(layer).kind for layer in variant.layer_ids)
        named = ", ".join(kind for kind in known if _has_areas(variant, kind)) or "none"
        why = "whose layers hold no areas" if variant.of_kind(strange[0]) else "of which there is no layer"
        raise ParameterError(f"the question asks for resources of '{strange[0][:40]}', {why}; there are {named}")
    return [Indicator("area", kind, _area_m2(variant, kind), "m2", 1) for kind in there]


def _has_areas(workspace: Workspace, kind: str) -> bool:
    layers = workspace.of_kind(kind)
    return bool(layers) and all(workspace.entry(layer).geometry in _OF_AREAS for layer in layers)


def _area_m2(variant: WorkspaceVariant, kind: str) -> float:
    """Return the area that the layers of a kind cover; that of the base is worked out once."""
    if not set(variant.of_kind(kind)).intersection(variant.changed_layers):
        return variant.base.cached(f"resource area {kind}", lambda: _covered(variant.base, kind))
    return _covered(variant, kind)


def _covered(workspace: Workspace, kind: str) -> float:
    frame = workspace.layers_of_kind(kind)
    if frame is None or frame.empty:
        return 0.0
    shapes = np.array(frame.to_crs(workspace.metric_crs).geometry.array, dtype=object)
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    return round(float(shapely.union_all(shapes).area), _DIGITS)
