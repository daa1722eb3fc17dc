"""A bare page with the console map, for the browser tests: the click that arrived stands under it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from map_source import MapSource
from streamlit_folium import st_folium

from gridgov import maps
from gridgov.i18n import as_lang
from gridgov.model import DispatchOption, DispatchPlan, TravelMode

st.set_page_config(page_title="map", layout="wide")
lang = as_lang(st.query_params.get("lang"))
source = MapSource(Path())
click = st.session_state.get("click")
group = None
if click:
    lon, lat = click
    option = DispatchOption(
        1, "w1", "张三", TravelMode.EBIKE, lon + 0.003, lat, 90_000, 0, 300.0, ((lon + 0.003, lat), (lon, lat)), ()
    )
    group = [maps.plan_group(DispatchPlan(lon, lat, None, 0.0, (option,), (), 1, 1), lang)]
state = st_folium(
    maps.console_map(maps.view_of(source, lang, key="test")),
    key="map",
    height=520,
    use_container_width=True,
    returned_objects=["last_clicked"],
    feature_group_to_add=group,
)
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.text(f"runs {st.session_state['runs']}")
if state and state["last_clicked"]:
    place = (state["last_clicked"]["lng"], state["last_clicked"]["lat"])
    st.text(f"row {maps.nearest_row(source.layer('incidents'), *place)}")
    if place != click:
        st.session_state["click"] = place
        st.rerun()
