"""Bring in a layer: a file, what it holds, what the person says about it; then what the checks found."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from app.widgets.catalogue_list import findings_table
from app.widgets.doing import sentence_of
from app.widgets.frame import language, may_write, text
from gridgov.errors import GridgovError, UploadError
from gridgov.i18n import has_label
from gridgov.model.rights import Person
from gridgov.operations.catalogue import aside_file, findings_of_layer
from gridgov.operations.uploading import (
    LayerUpload,
    UploadFacts,
    UploadReport,
    inspect_upload,
    upload_layer,
    uploadable_kinds,
)
from gridgov.workspace import Workspace, open_workspace

_TYPES = ["gpkg", "geojson", "json", "zip", "tif", "tiff", "csv"]
_REPORT, _INSPECTED = "upload_report", "upload_inspected"


def upload_panel(opened: Workspace, who: Person) -> None:
    """Draw the way in: choose a file, say what it is, see what the checks found."""
    left, right = st.columns([0.46, 0.54], gap="medium")
    with left, st.container(key="layer_file"):
        words = f"--gg-choose: '{text('catalogue.choose_file')}'; --gg-refused: '{text('catalogue.file_refused')}';"
        st.html(f"<style>.st-key-layer_file {{ {words} }}</style>")
        file = st.file_uploader(text("catalogue.file"), type=_TYPES, key="layer_upload")
        st.caption(text("catalogue.file_help"))
    with right:
        if file is None:
            st.session_state.pop(_INSPECTED, None)
            _show_report(opened, who)
            return
        try:
            facts = _facts(opened, who, file.file_id, file.name, file.getvalue())
            with left:
                _show_facts(facts)
            given = _form(opened, facts)
        except GridgovError as error:
            _refused(error)
            return
        if given is not None:
            _upload(opened, who, file.name, file.getvalue(), given)
        _show_report(opened, who)


def refusal_text(error: GridgovError) -> str:
    """Return why a file was refused, in the language of the page."""
    code = error.code if isinstance(error, UploadError) else ""
    if code and has_label(f"catalogue.refused.{code}"):
        return text(f"catalogue.refused.{code}", **error.fields)  # type: ignore[attr-defined]
    return sentence_of(error, "catalogue.error_input")


def _refused(error: GridgovError) -> None:
    st.html(f'<p class="gg-said bad" role="alert">{escape(refusal_text(error))}</p>')


def _facts(opened: Workspace, who: Person, file_id: str, name: str, content: bytes) -> UploadFacts:
    """Look into a file once, not at every drawing of the page."""
    known = st.session_state.get(_INSPECTED)
    if known is None or known[0] != file_id:
        st.session_state.pop(_REPORT, None)
        known = (file_id, inspect_upload(opened, who, name, content))
        st.session_state[_INSPECTED] = known
    facts: UploadFacts = known[1]
    return facts


def _show_facts(facts: UploadFacts) -> None:
    what = "catalogue.holds_raster" if facts.is_raster else "catalogue.holds_rows"
    st.caption(text(what, count=f"{facts.rows:,}", crs=facts.crs or text("catalogue.crs_none")))
    if facts.columns:
        st.caption(text("catalogue.columns", names=", ".join(facts.columns[:30])))


def _form(opened: Workspace, facts: UploadFacts) -> LayerUpload | None:
    """Ask what the file is; None until the button is pressed."""
    lang = language()
    kinds = {k: s for k, s in uploadable_kinds(opened).items() if (s.geometry == "raster") is facts.is_raster}
    kind = st.selectbox(
        text("catalogue.kind"), list(kinds), format_func=lambda k: kinds[k].names[lang], key=f"up_kind-{language()}"
    )
    with st.form("layer_form", border=False):
        one, two = st.columns(2, gap="small")
        date = one.text_input(text("catalogue.date"), placeholder="2025-06-30", key="up_date")
        crs = two.text_input(text("catalogue.crs_given"), placeholder="EPSG:4490", key="up_crs")
        licence = one.text_input(text("catalogue.licence"), key="up_licence")
        suffix = two.text_input(text("catalogue.own_id"), placeholder="survey", key="up_id")
        layers = list(facts.layers) if len(facts.layers) > 1 else []
        layer = st.selectbox(text("catalogue.source_layer"), layers, key=f"up_layer-{language()}") if layers else ""
        missing = [f for f in kinds[kind].fields.values() if f.required and f.name not in facts.columns]
        fields = {}
        for field in missing if facts.columns else []:
            label = text("catalogue.field_from", field=field.names[lang])
            column = st.selectbox(
                label, ["", *facts.columns], format_func=lambda each: each or text("catalogue.choose_column"),
                key=f"up_field_{kind}_{field.name}-{lang}",
            )  # fmt: skip
            if column:
                fields[field.name] = column
        gcj02 = st.checkbox(text("catalogue.gcj02"), key="up_gcj02") if not facts.is_raster else False
        pressed = st.form_submit_button(text("catalogue.upload"), type="primary", disabled=not may_write())
    if not pressed:
        return None
    layer_id = f"{kind}-{suffix.strip().lower()}" if suffix.strip() else ""
    return LayerUpload(
        kind=kind, layer_id=layer_id, date=date.strip(), crs=crs.strip(), licence=licence.strip(),
        source_layer=layer or "", fields=fields, gcj02=gcj02,
    )  # fmt: skip


def _upload(opened: Workspace, who: Person, name: str, content: bytes, given: LayerUpload) -> None:
    st.session_state.pop(_REPORT, None)
    with st.spinner(text("catalogue.checking")):
        try:
            st.session_state[_REPORT] = upload_layer(opened, who, name, content, given)
        except GridgovError as error:
            _refused(error)


def _show_report(opened: Workspace, who: Person) -> None:
    """Say what became of the file: the version, its rows, what was found, what was kept aside."""
    report: UploadReport | None = st.session_state.get(_REPORT)
    if report is None:
        return
    entry, lang = report.entry, language()
    code = "catalogue.taken_raster" if entry.geometry == "raster" else "catalogue.taken"
    words = text(code, name=entry.names[lang], version=entry.version, rows=f"{entry.rows:,}", aside=f"{entry.aside:,}")
    st.html(f'<p class="gg-said" role="status">{escape(words)}</p>')
    fresh = open_workspace(opened.path, settings=opened.settings)  # has the version that this page has just added
    used = fresh.entry(entry.layer_id)
    if used.version != entry.version:
        st.info(text("catalogue.not_in_use", version=used.version))
    findings: pd.DataFrame = findings_of_layer(fresh, who, report.ref, lang)
    if findings.empty:
        st.caption(text("cli.findings.none"))
        return
    findings_table(findings)
    if entry.aside:
        content = aside_file(fresh, who, report.ref)
        name = f"{entry.layer_id}-aside.csv"
        st.download_button(text("catalogue.aside_file", count=entry.aside), content, name, "text/csv")
