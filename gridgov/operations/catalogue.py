"""The layers of a workspace and what the checks found in them, as tables for people."""

from __future__ import annotations

import json

import pandas as pd

from gridgov.i18n import Lang, label
from gridgov.workspace import Workspace


def layer_table(workspace: Workspace, lang: Lang) -> pd.DataFrame:
    """Return one row for each layer: name, id, rows, kept aside, findings, source, licence."""
    rows = [
        {
            "name": entry.names[lang],
            "layer": entry.layer_id,
            "rows": entry.rows,
            "aside": entry.aside,
            "findings": entry.findings,
            "source": entry.source,
            "licence": workspace.spec(entry.layer_id).licence,
        }
        for entry in workspace.manifest.layers
    ]
    return pd.DataFrame(rows, columns=["name", "layer", "rows", "aside", "findings", "source", "licence"])


def finding_table(workspace: Workspace, lang: Lang) -> pd.DataFrame:
    """Return every finding: level, layer, row, what, what became of the row."""
    order = {"error": 0, "warning": 1, "info": 2}
    found = workspace.findings.sort_values("level", key=lambda level: level.map(order), kind="stable")
    messages = [
        label(f"finding.{rule}", lang, **{"field": field, "key": key, **json.loads(detail)})
        for rule, field, key, detail in zip(
            found["rule"], found["field"].fillna(""), found["key"].fillna(""), found["detail"], strict=True
        )
    ]
    return pd.DataFrame(
        {
            "level": [label(f"console.level_{level}", lang) for level in found["level"]],
            "layer": found["layer"],
            "row": ["" if pd.isna(row) else str(row) for row in found["row"]],
            "message": pd.Series(messages, dtype="str", index=found.index),
            "action": [label(f"cli.action.{action}", lang) for action in found["action"]],
        }
    )
