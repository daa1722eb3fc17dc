"""The data behind the map: every layer, where it is from, and what the checks found in it."""

import streamlit as st

from app.widgets.frame import language, text, workspace
from gridgov.operations.catalogue import finding_table, layer_table

opened, lang = workspace(), language()
layers = layer_table(opened, lang)
st.subheader(text("console.data_layers"), anchor=False)
st.dataframe(
    layers,
    column_config={name: st.column_config.Column(text(f"console.data_{name}")) for name in layers.columns},
    hide_index=True,
)
st.subheader(text("console.data_findings"), anchor=False)
findings = finding_table(opened, lang)
if findings.empty:
    st.info(text("cli.findings.none"))
else:
    chosen = st.selectbox(
        text("console.data_layer"), ["", *findings["layer"].unique()], format_func=lambda v: v or text("console.all")
    )
    shown = findings[findings["layer"] == chosen] if chosen else findings
    st.dataframe(
        shown,
        column_config={name: st.column_config.Column(text(f"console.data_{name}")) for name in findings.columns},
        hide_index=True,
    )
    st.caption(text("console.data_aside_where", path=f"{opened.manifest.data}/aside"))
