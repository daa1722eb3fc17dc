"""Classes by classes: how much of each pair of two rasters' classes lies in an area, such as slope by land cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridgov.analysis.metric_layers import MetricLayer
from gridgov.analysis.raster_cells import Raster, RasterArray, require_crs
from gridgov.analysis.transition import NO_CLASS, class_cells, on_one_grid, onto_grid
from gridgov.analysis.zonal import zonal_statistics
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Square metres of each pair of classes in each area.

    Attributes
    ----------
    pairs : DataFrame
        row, id, first_code, second_code, area_m2, share (of what has both classes); by row and codes.
    areas : DataFrame
        row, id, area_m2, nodata_share (of the area: one of the classes is not known).
    findings : tuple of Finding
    """

    pairs: pd.DataFrame
    areas: pd.DataFrame
    findings: tuple[Finding, ...]

    def matrix(self) -> pd.DataFrame:
        """Return square metres of all areas together, first classes in rows and second ones in columns."""
        return self.pairs.pivot_table(
            index="first_code", columns="second_code", values="area_m2", aggfunc="sum", fill_value=0.0
        )


def class_table(first: Raster, second: Raster, areas: MetricLayer) -> ClassTable:
    """Cross the classes of two rasters in areas, with the exact share of each cell that a border cuts.

    Parameters
    ----------
    first, second : Raster
        Of classes, in any CRSs. The first is brought onto the cells of the second by the nearest value, with a finding,
        where they do not lie on one grid: so let the second be the one whose borders matter more.
    areas : MetricLayer

    Raises
    ------
    ParameterError
        A raster has no CRS or holds no classes, or rasters and areas lie apart.
    """
    require_crs(first)
    findings = list[Finding]()
    columns = class_cells(second)
    if on_one_grid(first, second):
        rows = class_cells(first)
    else:
        rows = onto_grid(first, second)
        detail: dict[str, str | int | float] = {"other": second.name}
        findings.append(Finding(first.name, None, None, "raster_regridded", FindingLevel.WARNING, detail=detail))
    base = int(columns.max()) + 1
    both = (rows != NO_CLASS) & (columns != NO_CLASS)
    if not both.any():
        raise ParameterError(f"rasters {first.name} and {second.name} share no cell with a class; check place and CRS")
    codes = np.where(both, rows.astype(np.int64) * base + columns, NO_CLASS)
    crossed = RasterArray(f"{first.name} × {second.name}", codes, second.transform, second.crs, NO_CLASS)
    found = zonal_statistics(crossed, areas, kind="classes")
    pairs = found.classes.assign(
        first_code=found.classes["class_code"] // base, second_code=found.classes["class_code"] % base
    )
    return ClassTable(
        pairs[["row", "id", "first_code", "second_code", "area_m2", "share"]],
        found.table[["row", "id", "area_m2", "nodata_share"]],
        (*findings, *found.findings),
    )


def classified(raster: Raster, breaks: Sequence[float], *, name: str = "") -> RasterArray:
    """Return a raster of measures as classes: 0 below the first break, 1 from it on, and so forth.

    Raises
    ------
    ParameterError
        The breaks do not rise.
    """
    if len(breaks) == 0 or (np.diff(breaks) <= 0).any():
        raise ParameterError(f"the breaks {tuple(breaks)} of {raster.name} do not rise; give them from low to high")
    values = np.ma.asarray(raster.read((0, 0, *raster.shape)))
    plain = np.ma.filled(values.astype(np.float64), np.nan)
    if raster.nodata is not None:
        plain[plain == raster.nodata] = np.nan
    codes = np.where(np.isnan(plain), NO_CLASS, np.digitize(plain, breaks)).astype(np.int32)
    return RasterArray(name or raster.name, codes, raster.transform, raster.crs, NO_CLASS)
