"""The console's entry: page set-up and navigation, nothing else."""

import sys
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).resolve().parent
if str(_HERE.parent) not in sys.path:  # so that pages can say `from app.widgets import …` wherever the folder lies
    sys.path.insert(0, str(_HERE.parent))

from app.widgets.frame import draw_frame, language, text  # noqa: E402 - needs the path above

st.set_page_config(page_title=text("console.title"), page_icon="🗺️", layout="wide", initial_sidebar_state="collapsed")
pages = {
    "map": st.Page(_HERE / "views" / "map_page.py", title=text("console.page_map"), default=True),
    "data": st.Page(_HERE / "views" / "data_page.py", title=text("console.page_data"), url_path="data"),
}
page = st.navigation(list(pages.values()), position="hidden")
draw_frame(language(), pages)
page.run()
