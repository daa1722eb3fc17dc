"""The record of one check: which rows are still in, what was found, and which rows are kept aside and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.model import Finding, FindingAction, FindingLevel

Mask = NDArray[np.bool_]
Detail = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check gives back.

    Attributes
    ----------
    frame : GeoDataFrame, or DataFrame of a table
        The clean rows: canonical columns, WGS 84; the index is the 0-based row of the source.
    aside : DataFrame
        The rows kept aside: `source_row` (1-based), `rule`, `reason` (in both languages), the source's own columns,
        and `wkt` in the source's coordinates.
    findings : list of Finding
    crs : str
        In which the source's coordinates were read; empty: a table.
    """

    frame: Any
    aside: pd.DataFrame
    findings: list[Finding]
    crs: str = ""

    @property
    def rows_in(self) -> int:
        """Rows of the source: every one is either clean or kept aside."""
        return len(self.frame) + len(self.aside)


@dataclass
class Inspection:
    """One layer under check.

    Attributes
    ----------
    layer_id : str
    frame : DataFrame
        Canonical columns, one row per source row, index 0 … n-1; checks replace its columns.
    original : DataFrame
        The same rows as the source has them.
    geometry : array of shapely geometries, or None for a table
    source_row : array
        1-based row in the source.
    """

    layer_id: str
    frame: pd.DataFrame
    original: pd.DataFrame
    geometry: NDArray[np.object_] | None
    source_row: NDArray[np.int64]
    findings: list[Finding] = field(default_factory=list)
    key: str = ""
    crs: str = ""

    def __post_init__(self) -> None:
        self.source_geometry = None if self.geometry is None else self.geometry.copy()
        self._aside: list[list[Finding]] = [[] for _ in range(len(self.frame))]
        self.alive: Mask = np.ones(len(self.frame), dtype=np.bool_)

    def rows(
        self,
        rule: str,
        mask: Mask,
        *,
        level: FindingLevel = FindingLevel.WARNING,
        action: FindingAction = FindingAction.KEPT,
        field_name: str | None = None,
        details: Sequence[Detail] | Detail | None = None,
        also_aside: bool = False,
    ) -> None:
        """Note a finding for every row of `mask` that is still in; `details` is one for all or one per masked row.

        With `also_aside` it is noted for rows that are aside already, too: what else is wrong with them.
        """
        positions = np.flatnonzero(mask)
        per_row = details if isinstance(details, Sequence) else [details or {}] * len(positions)
        for position, detail in zip(positions.tolist(), per_row, strict=True):
            if not (self.alive[position] or also_aside):
                continue
            becomes = action if self.alive[position] else FindingAction.ASIDE
            finding = Finding(
                layer=self.layer_id,
                row=int(self.source_row[position]),
                field=field_name,
                rule=rule,
                level=level,
                action=becomes,
                key=self._key_of(position),
                detail=dict(detail),
            )
            self.findings.append(finding)
            if becomes is FindingAction.ASIDE:
                self._aside[position].append(finding)
        if action is FindingAction.ASIDE:
            self.alive &= ~mask

    def layer(
        self,
        rule: str,
        *,
        level: FindingLevel = FindingLevel.WARNING,
        action: FindingAction = FindingAction.KEPT,
        field_name: str | None = None,
        **detail: str | int | float,
    ) -> None:
        """Note a finding for the layer as a whole."""
        self.findings.append(Finding(self.layer_id, None, field_name, rule, level, action, None, detail))

    def result(self) -> CheckResult:
        """Return the clean rows, the rows kept aside and the findings (those of the layer first)."""
        clean = self.frame.loc[self.alive].set_index(self.source_row[self.alive] - 1)
        if self.geometry is not None:
            import geopandas  # noqa: PLC0415 - takes a second, and a table does not need it

            clean = geopandas.GeoDataFrame(clean, geometry=self.geometry[self.alive], crs="EPSG:4326")
        order = {FindingLevel.ERROR: 0, FindingLevel.WARNING: 1, FindingLevel.INFO: 2}
        findings = sorted(self.findings, key=lambda f: (f.row is not None, order[f.level], f.rule, f.row or 0))
        return CheckResult(clean, self._aside_frame(), findings, self.crs)

    def _aside_frame(self) -> pd.DataFrame:
        positions = np.flatnonzero(~self.alive)
        reasons = [self._aside[position] for position in positions.tolist()]
        head = pd.DataFrame(
            {
                "source_row": self.source_row[positions],
                "rule": [findings[0].rule for findings in reasons],
                "reason": ["; ".join(f"{f.message('zh')} / {f.message('en')}" for f in found) for found in reasons],
            }
        )
        own = self.original.iloc[positions].reset_index(drop=True)
        taken = {"source_row", "rule", "reason", "wkt"}
        own = own.rename(columns={name: f"{name}_source" for name in own.columns if name in taken})
        parts = [head, own]
        if self.source_geometry is not None:
            parts.append(pd.DataFrame({"wkt": shapely.to_wkt(self.source_geometry[positions], rounding_precision=-1)}))
        return pd.concat(parts, axis=1)

    def _key_of(self, position: int) -> str | None:
        if self.key not in self.frame.columns:
            return None
        value: Any = self.frame[self.key].iloc[position]
        return None if pd.isna(value) else str(value)
