"""The layers behind the map: catalogue, uploads, before and after, terrain products, and what the checks found."""

import streamlit as st

from app.widgets.catalogue_compare import compare_panel
from app.widgets.catalogue_list import catalogue_panel
from app.widgets.catalogue_terrain import terrain_panel
from app.widgets.catalogue_upload import upload_panel
from app.widgets.doing import show_said
from app.widgets.frame import language, person, text, workspace
from gridgov.model.rights import Right, may
from gridgov.operations.catalogue import finding_table

opened, who, lang = workspace(), person(), language()
parts = ["list", "compare", "findings"]
if may(who, Right.LAYER_WRITE):
    parts[1:1] = ["upload"]
    parts[3:3] = ["terrain"]
last = st.session_state.get("catalogue_part", "list")
part = st.segmented_control(
    text("catalogue.parts"), parts, format_func=lambda name: text(f"catalogue.part_{name}"),
    default=last if last in parts else "list", key=f"catalogue_part-{lang}", label_visibility="collapsed",
)  # fmt: skip
st.session_state["catalogue_part"] = part or "list"
show_said()
if part == "upload":
    upload_panel(opened, who)
elif part == "compare":
    compare_panel(opened, who, lang)
elif part == "terrain":
    terrain_panel(opened, who, lang)
elif part == "findings":
    st.subheader(text("console.data_findings"), anchor=False)
    findings = finding_table(opened, lang)
    if findings.empty:
        st.info(text("cli.findings.none"))
    else:
        layers = ["", *findings["layer"].unique()]
        chosen = st.selectbox(text("console.data_layer"), layers, format_func=lambda v: v or text("console.all"))
        st.dataframe(
            findings[findings["layer"] == chosen] if chosen else findings,
            column_config={name: st.column_config.Column(text(f"console.data_{name}")) for name in findings.columns},
            hide_index=True,
        )
        st.caption(text("console.data_aside_where", path=f"{opened.manifest.data}/aside"))
else:
    catalogue_panel(opened, who, lang)
