"""Findings as a file of the workspace, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from gridgov.model import Finding, FindingAction, FindingLevel

_COLUMNS = {
    "layer": "string",
    "row": "Int64",
    "field": "string",
    "rule": "string",
    "level": "string",
    "action": "string",
    "key": "string",
    "detail": "string",
}


def findings_frame(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return findings as a frame; `detail` is JSON."""
    rows = [
        (f.layer, f.row, f.field, f.rule, str(f.level), str(f.action), f.key, json.dumps(f.detail, ensure_ascii=False))
        for f in findings
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def findings_of(frame: pd.DataFrame) -> list[Finding]:
    """Return the records of a frame made by `findings_frame`."""
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")  # type: ignore[assignment]
    return [
        Finding(
            layer=row["layer"],
            row=None if row["row"] is None else int(row["row"]),
            field=row["field"],
            rule=row["rule"],
            level=FindingLevel(row["level"]),
            action=FindingAction(row["action"]),
            key=row["key"],
            detail=json.loads(row["detail"]),
        )
        for row in rows
    ]
