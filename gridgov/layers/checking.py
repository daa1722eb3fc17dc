"""Check a layer: every rule in its order, over one frame; nothing is dropped in silence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from gridgov.layers.geometries import check_geometry
from gridgov.layers.inspection import CheckResult, Inspection, Mask
from gridgov.layers.places import District, check_places, to_wgs84
from gridgov.layers.times import check_times
from gridgov.layers.values import check_key, check_nulls, type_fields
from gridgov.model import FindingLevel, LayerSpec


def check(
    frame: Any,
    spec: LayerSpec,
    *,
    layer_id: str | None = None,
    district: District | None = None,
    crs: str | None = None,
    timezone: str = "UTC",
) -> CheckResult:
    """Check a frame against its specification and repair what can be repaired.

    Parameters
    ----------
    frame : GeoDataFrame, or DataFrame of a table
        Columns named as the specification's fields; missing ones become empty, others are dropped.
    spec : LayerSpec
    layer_id : str, optional
        Default the kind.
    district : District, optional
        What is known of the place; without it nothing lies outside.
    crs : str, optional
        CRS if the frame has none; default the specification's.
    timezone : str
        Of times without an offset.

    Returns
    -------
    CheckResult
        ``len(result.frame) + len(result.aside) == len(frame)``, always.
    """
    table = frame.reset_index(drop=True)
    geometry = np.asarray(table.geometry.array, dtype=object) if hasattr(table, "geom_type") else None
    attributes = pd.DataFrame(table.drop(columns=table.geometry.name)) if geometry is not None else table
    inspection = Inspection(
        layer_id=layer_id or spec.kind,
        frame=attributes[[name for name in spec.fields if name in attributes]].copy(),
        original=attributes,
        geometry=geometry,
        source_row=np.arange(1, len(table) + 1),
    )
    declared = table.crs if geometry is not None else None
    given = crs or (None if declared is not None else spec.crs)
    return run_checks(
        inspection, spec, district=district or District(), declared=declared, given=given, timezone=timezone
    )


def run_checks(
    inspection: Inspection,
    spec: LayerSpec,
    *,
    district: District,
    declared: pyproj.CRS | None,
    given: str | None,
    timezone: str = "UTC",
    date_format: str | None = None,
    gcj02: bool = False,
    masks: dict[str, Mask] | None = None,
    now: datetime | None = None,
) -> CheckResult:
    """Run every rule over an inspection. `masks` may hold the reader's ``unclosed`` and ``broken`` rows;
    nothing can have been reported after `now`.
    """
    if spec.key not in inspection.frame:
        width = len(str(len(inspection.frame)))
        inspection.frame[spec.key] = [
            f"{inspection.layer_id}-{row:0{width}d}" for row in inspection.source_row.tolist()
        ]
        inspection.layer("key_generated", level=FindingLevel.INFO, field_name=spec.key)
    inspection.key = spec.key
    type_fields(inspection, spec, timezone=timezone, date_format=date_format)
    check_key(inspection, spec)
    if inspection.geometry is not None:
        check_geometry(inspection, spec, **(masks or {}))
        to_wgs84(inspection, district, declared=declared, given=given, gcj02=gcj02)
        check_places(inspection, spec, district)
    check_times(inspection, now=now, timezone=timezone)
    check_nulls(inspection, spec)
    inspection.frame = inspection.frame[list(spec.fields)]
    return inspection.result()
