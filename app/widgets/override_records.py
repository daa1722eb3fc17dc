"""Who was sent against a proposal in the last month, why, and what became of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.widgets.frame import language, text
from gridgov.errors import GridgovError
from gridgov.model.rights import Person
from gridgov.operations.incidents import person_name
from gridgov.operations.overrides import override_summary, overrides
from gridgov.workspace import Workspace

_COLUMNS = ("incident_id", "dispatcher", "proposed", "handler", "reason_code", "reason", "longer_s", "late_s")
_PEOPLE = ("dispatcher", "proposed", "handler")


def override_records(opened: Workspace, who: Person) -> None:
    """Draw the records, folded away: sums by reason and by dispatcher, then the rows."""
    with st.expander(text("batch.records"), key=f"override_records-{language()}"):
        try:
            table = overrides(opened, who)
        except GridgovError:
            st.warning(text("console.store_lost"))
            return
        if table.empty:
            st.caption(text("override.none"))
            return
        reasons, people = st.columns(2, gap="medium")
        reasons.dataframe(_sums(override_summary(opened, table, "reason_code"), "reason_code"), hide_index=True)
        people.dataframe(_sums(override_summary(opened, table, "dispatcher"), "name"), hide_index=True)
        st.dataframe(_rows(opened, table), hide_index=True)


def _sums(table: pd.DataFrame, group: str) -> pd.DataFrame:
    shown = table[[group, "count", "longer_s", "arrived", "late_s", "undone"]].round(0)
    return _named(shown)


def _rows(opened: Workspace, table: pd.DataFrame) -> pd.DataFrame:
    shown = table[list(_COLUMNS)].round(0)
    for column in _PEOPLE:
        shown[column] = [person_name(opened, actor) for actor in shown[column]]
    return _named(shown)


def _named(shown: pd.DataFrame) -> pd.DataFrame:
    if "reason_code" in shown:
        shown["reason_code"] = [text(f"override.reason.{code}") for code in shown["reason_code"]]
    return shown.rename(columns={column: text(f"override.column.{column}") for column in shown.columns})
