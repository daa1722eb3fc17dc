"""The console's entry: page set-up and navigation, nothing else."""

import sys
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).resolve().parent
if str(_HERE.parent) not in sys.path:  # so that pages can say `from app.widgets import …` wherever the folder lies
    sys.path.insert(0, str(_HERE.parent))

from app.widgets.frame import draw_frame, draw_style, language, person, text  # noqa: E402 - needs the path above
from gridgov.model.rights import Right, may  # noqa: E402


def console() -> None:
    """Draw the page that the address names."""
    st.set_page_config(
        page_title=text("console.title"), page_icon="🗺️", layout="wide", initial_sidebar_state="collapsed"
    )
    draw_style()
    who = person()
    views = _HERE / "views"
    pages = {
        "map": st.Page(views / "map_page.py", title=text("console.page_map"), default=True),
        "emergency": st.Page(views / "emergency_page.py", title=text("emergency.title"), url_path="emergency"),
    }
    if may(who, Right.SCENARIO_WRITE):
        pages["planning"] = st.Page(views / "planning_page.py", title=text("planning.title"), url_path="planning")
    pages["data"] = st.Page(views / "data_page.py", title=text("console.page_data"), url_path="data")
    if may(who, Right.ACCOUNT_MANAGE) or may(who, Right.AUDIT_READ):
        pages["admin"] = st.Page(views / "admin_page.py", title=text("console.page_admin"), url_path="admin")
    incident = st.Page(views / "incident_page.py", title=text("console.page_incident"), url_path="incident")
    batch = st.Page(views / "batch_page.py", title=text("batch.title"), url_path="batch")
    st.session_state.update(incident_page=incident, batch_page=batch, map_page=pages["map"])
    page = st.navigation([*pages.values(), incident, batch], position="hidden")
    draw_frame(language(), who, pages)
    page.run()


if __name__ == "__main__":  # a process that starts while a page is drawn reads this file again and must draw nothing
    console()
