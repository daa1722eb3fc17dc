"""What can be taken away of a comparison: report, GeoPackage, table of figures, table of grids."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from app.widgets.frame import language, text
from app.widgets.planning_kept import file_stem
from gridgov.model.rights import Person
from gridgov.operations.scenario_comparison import Comparison
from gridgov.operations.scenario_reports import FORMATS, ReportFormat, comparison_file
from gridgov.workspace import Workspace

_MIME: dict[ReportFormat, str] = {
    "html": "text/html",
    "gpkg": "application/geopackage+sqlite3",
    "csv": "text/csv",
    "grids.csv": "text/csv",
}


def export_buttons(opened: Workspace, who: Person, found: Comparison, subject: str) -> None:
    """Draw the buttons; a file is made at the click."""
    lang, stem = language(), file_stem(found.second.scenario.name)

    def content(file_format: ReportFormat) -> Callable[[], bytes]:
        return lambda: comparison_file(opened, who, found, file_format, lang, subject=subject)

    with st.container(key="order_files", horizontal=True, gap="small", vertical_alignment="center"):
        st.html(f'<span class="gg-sub">{escape(text("planning.export"))}</span>')
        for file_format in FORMATS:
            st.download_button(
                text(f"planning.file_{file_format.replace('.', '_')}"), content(file_format),
                file_name=f"{stem}.{file_format}", mime=_MIME[file_format],
                key=f"planning-file-{file_format.replace('.', '-')}", on_click="ignore",
            )  # fmt: skip
