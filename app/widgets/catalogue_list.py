"""The list of layers with its search, and what is known of the one that is chosen: facts, picture, rows, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.frame import language, may_write, text
from app.widgets.wording import facts_html, picture_html
from gridgov.i18n import Lang
from gridgov.model.rights import Person, Right, may
from gridgov.operations.catalogue import (
    LIVE,
    LayerRecord,
    aside_file,
    findings_of_layer,
    layer_versions,
    list_layers,
    preview_layer,
    restore_version,
    withdraw_version,
)
from gridgov.workspace import Workspace

_GROUPS = ("", "basemap", "governance", "natural_resources", "planning", "hazards", "terrain")
_CHOSEN = "catalogue_chosen"


def catalogue_panel(opened: Workspace, who: Person, lang: Lang) -> None:
    """Draw the list at the left and the chosen layer at the right."""
    left, right = st.columns([0.56, 0.44], gap="medium")
    with left:
        st.subheader(text("console.data_layers"), anchor=False)
        words, group = st.columns([0.6, 0.4], gap="small")
        query = words.text_input(text("catalogue.search"), key="catalogue_query")
        kind = group.selectbox(text("catalogue.group"), _GROUPS, format_func=_group_name)
        records = list_layers(opened, who, query=query or "", group=kind or "")
        chosen = _list(records, lang)
    with right:
        if chosen is None:
            st.info(text("catalogue.none_found"))
        else:
            _layer(opened, who, chosen, lang)


def version_name(record: LayerRecord) -> str:
    """Return how a version is called: its date, or the day it came, and whether it is in use."""
    entry = record.entry
    name = entry.date or text("catalogue.came_on", day=entry.added_at[:10])
    if entry.withdrawn_at:
        return f"{name} · {text('catalogue.withdrawn')}"
    return f"{name} · {text('catalogue.in_use')}" if record.current else name


def findings_table(findings: pd.DataFrame) -> None:
    """Draw findings; the layer they are about is known."""
    st.dataframe(
        findings.drop(columns="layer"),
        column_config={name: st.column_config.Column(text(f"console.data_{name}")) for name in findings.columns},
        hide_index=True,
    )


def _group_name(group: str) -> str:
    return text(f"layer_group.{group}") if group else text("console.all")


def _list(records: list[LayerRecord], lang: Lang) -> LayerRecord | None:
    table = pd.DataFrame(
        {
            "name": [record.name(lang) for record in records],
            "group": [text(f"layer_group.{record.group}") for record in records],
            "date": [record.entry.date for record in records],
            "versions": [record.versions for record in records],
            "rows": ["" if record.entry.geometry == "raster" else f"{record.entry.rows:,}" for record in records],
            "findings": [record.entry.findings for record in records],
            "licence": [record.entry.licence for record in records],
        }
    )
    told = st.dataframe(
        table,
        column_config={name: st.column_config.Column(text(f"catalogue.column_{name}")) for name in table.columns},
        hide_index=True,
        height=min(560, 38 + 35 * max(len(records), 1)),
        on_select="rerun",
        selection_mode="single-row",
        key="catalogue_table",
    )
    rows = told["selection"]["rows"]
    by_id = {record.layer_id: record for record in records}
    if rows and rows[0] < len(records):
        st.session_state[_CHOSEN] = records[rows[0]].layer_id
    return by_id.get(st.session_state.get(_CHOSEN, ""), records[0] if records else None)


def _layer(opened: Workspace, who: Person, current: LayerRecord, lang: Lang) -> None:
    versions = layer_versions(opened, who, current.layer_id)
    st.subheader(current.name(lang), anchor=False)
    record = versions[0] if len(versions) == 1 else _choose_version(versions)
    preview = attempt(lambda: preview_layer(opened, who, record.ref))
    picture, facts = st.columns([0.48, 0.52], gap="small")
    if preview is not None and preview.picture is not None:
        picture.html(picture_html(preview.picture, text("catalogue.preview")))
    facts.html(facts_html(_facts(record)))
    _changes(opened, who, record)
    if record.entry.kind in LIVE:
        st.caption(text("catalogue.live"))
    if preview is not None and preview.rows is not None:
        st.caption(text("catalogue.first_rows"))
        st.dataframe(_first_rows(opened, record, preview.rows, lang), hide_index=True)
    findings = findings_of_layer(opened, who, record.ref, lang)
    if not findings.empty:
        st.caption(text("console.data_findings"))
        findings_table(findings)


def _first_rows(opened: Workspace, record: LayerRecord, rows: pd.DataFrame, lang: Lang) -> pd.DataFrame:
    """Return the fields that people know the layer by, in words: units, classes by name, numbers without noise."""
    spec = opened.spec(record.ref)
    shown = {}
    for name, field in spec.fields.items():
        if name not in rows:
            continue
        classes = spec.class_names if name in {spec.style.class_field, "class_name", "category"} else {}
        unit = f" ({field.unit})" if field.unit and field.unit != "persons" else ""
        shown[f"{field.names[lang]}{unit}"] = [_cell(value, classes, lang) for value in rows[name]]
    return pd.DataFrame(shown)


def _cell(value: Any, classes: Mapping[str, Mapping[str, str]], lang: Lang) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if pd.api.types.is_bool(value):
        return "✓" if value else "–"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    named = classes.get(str(value)) or next((each for each in classes.values() if str(value) in each.values()), None)
    return named[lang] if named else str(value)


def _choose_version(versions: list[LayerRecord]) -> LayerRecord:
    return st.selectbox(
        text("catalogue.version"), versions, format_func=version_name, key=f"catalogue_version-{language()}"
    )


def _facts(record: LayerRecord) -> list[tuple[str, str]]:
    entry = record.entry
    box = "" if entry.bounds is None else "{:.3f}, {:.3f} – {:.3f}, {:.3f}".format(*entry.bounds)
    counts = " · ".join(f"{text(f'console.level_{level}')} {count}" for level, count in record.findings if count)
    made = json.loads(entry.made_from) if entry.made_from else {}
    return [
        ("catalogue.fact_id", record.ref),
        ("catalogue.fact_source", entry.source),
        ("catalogue.fact_date", entry.date),
        ("catalogue.fact_crs", entry.crs),
        ("catalogue.fact_licence", entry.licence),
        ("catalogue.fact_rows", "" if entry.geometry == "raster" else f"{entry.rows:,}"),
        ("catalogue.fact_aside", f"{entry.aside:,}" if entry.aside else ""),
        ("catalogue.fact_extent", box),
        ("catalogue.fact_findings", counts),
        ("catalogue.fact_added", " · ".join(part for part in (entry.added_at[:16], entry.added_by) if part)),
        ("catalogue.fact_made_from", ", ".join(f"{k} = {v}" for k, v in made.items() if k != "elevation_digest")),
        ("catalogue.fact_digest", entry.digest[:12]),
    ]


def _changes(opened: Workspace, who: Person, record: LayerRecord) -> None:
    """Offer what may be done: the rows kept aside as a file; a version that came later withdrawn or brought back."""
    entry = record.entry
    if not may(who, Right.LAYER_WRITE):
        return
    if entry.aside and entry.kind not in LIVE:
        content = attempt(lambda: aside_file(opened, who, record.ref))
        if content is not None:
            name = f"{entry.layer_id}-{entry.version}-aside.csv"
            st.download_button(text("catalogue.aside_file", count=entry.aside), content, name, "text/csv")
    if not entry.folder:
        return
    act, done = (restore_version, "restored") if entry.withdrawn_at else (withdraw_version, "withdrawn_done")
    label = text("catalogue.restore" if entry.withdrawn_at else "catalogue.withdraw")
    if st.button(label, key="catalogue_withdraw", disabled=not may_write()) and attempt(
        lambda: act(opened, who, f"{entry.layer_id}@{entry.version}")
    ):
        say(text(f"catalogue.{done}", version=entry.version))
        st.rerun()
